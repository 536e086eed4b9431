# SPDX-License-Identifier: Apache-2.0
"""What was asked, kept so that it can be asked again without the files it came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stinespring.errors import InputError
from stinespring.models.load import load, model_of
from stinespring.models.texts.base import TextModel
from stinespring.reading import read_json
from stinespring.version import __version__

__all__ = ["Request", "read_request"]


@dataclass(frozen=True)
class Request:
    """What a run was asked for.

    Attributes:
        name: of the model: a file's stem, or ``glassllm:LANGUAGE``.
        content: the model file, whole; None for a packaged language model.
        fingerprint: SHA-256 of the model's content.
        choices: ``top_k`` and ``temperature`` of a language model.
        options: the keyword arguments of :func:`stinespring.compile`, all plain values.
        shots: number of texts.
        seed: what was given; None where nothing was.
        backend: the backend string as it was given.
    """

    name: str
    content: Mapping[str, Any] | None
    fingerprint: str
    choices: Mapping[str, Any]
    options: Mapping[str, Any]
    shots: int
    seed: int | None
    backend: str

    @property
    def identity(self) -> str:
        """SHA-256 of everything that changes the result."""
        asked = asdict(self) | {"version": __version__}
        asked.pop("content")  # the fingerprint stands for it
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()

    def plain(self) -> dict[str, Any]:
        """Return the request as JSON data."""
        return asdict(self)

    def model(self) -> TextModel:
        """Return the model as it was when the run was submitted.

        Raises:
            InputError: a packaged language model has changed since.
        """
        if self.content is not None:
            return model_of(dict(self.content), self.name)
        model = load(self.name, **self.choices)
        if model.fingerprint() != self.fingerprint:
            raise InputError(
                "the language model has changed since the run was submitted",
                got=f"{self.name}: {model.fingerprint()[:16]}",
                expected=self.fingerprint[:16],
                todo="install the version of glassllm that the run was submitted with",
            )
        return model


def read_request(
    source: str, *, top_k: int | None, temperature: float | None, options: Mapping[str, Any], shots: int, seed: int | None,
    backend: str,
) -> tuple[Request, TextModel]:  # fmt: skip
    """Return the request and its model; an input state given as a file is taken in whole."""
    model = load(source, top_k=top_k, temperature=temperature)
    packaged = source.startswith("glassllm:")
    content = None if packaged else read_json(source)
    name = source if packaged else Path(source).stem
    plain = {**options}
    if plain.get("input_state") is not None:
        plain["input_state"] = read_json(plain["input_state"])
    choices = {"top_k": top_k, "temperature": temperature}
    return Request(name, content, model.fingerprint(), choices, plain, shots, seed, backend), model
