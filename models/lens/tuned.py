# SPDX-License-Identifier: Apache-2.0
"""The bias-only tuned lens ``W_U LN_f(x + b)``, one bias b for each point, and its file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from stinespring.errors import InputError
from stinespring.models.decoders.decoder import Decoder
from stinespring.models.safetensors import pack, unpack
from stinespring.readings import FloatArray

__all__ = ["TunedLens", "named_lens", "read_lens"]

FORMAT = "stinespring/lens@1"
LARGEST = 1e100  # the final norm squares the stream


@dataclass(frozen=True, eq=False)
class TunedLens:
    """A bias for every point of one decoder; that of the last point is zero, so that its state stays the decoder's own.

    Attributes:
        bias: shape (points, e).
        model: the fingerprint of the decoder it belongs to.
        record: how it was trained.

    Source:
        arXiv 2303.08112 (tuned lenses, trained by KL(final || lens)); with a bias only as in arXiv 2510.11963's small study.
    """

    bias: FloatArray
    model: str
    record: Mapping[str, str] = field(default_factory=dict)

    def fingerprint(self) -> str:
        """Return the SHA-256 of the biases and of the decoder they belong to."""
        return hashlib.sha256(self.model.encode() + np.ascontiguousarray(self.bias, dtype="<f8").tobytes()).hexdigest()

    def require(self, decoder: Decoder) -> None:
        """Refuse a decoder that the lens was not trained for.

        Raises:
            InputError: another decoder, or biases that do not fit or are not finite.
        """
        if self.model != decoder.fingerprint():
            raise InputError(
                "the lens belongs to another model",
                got=f"a lens of model {self.model[:12]}…",
                expected=f"one of {decoder.name}, {decoder.fingerprint()[:12]}…",
                todo=f"train one: stinespring lens train {decoder.name} -o FILE.safetensors",
            )
        wanted = (len(decoder.points), decoder.unembedding.shape[1])
        if self.bias.shape != wanted or not (abs(self.bias) <= LARGEST).all() or self.bias[-1].any():
            raise InputError(
                "the lens' biases do not fit",
                got=f"shape {self.bias.shape}",
                expected=f"finite numbers up to {LARGEST:g} of shape {wanted}, the last row zero",
            )

    def content(self) -> dict[str, Any]:
        """Return the biases and the record as JSON data; :meth:`made` makes the lens of them again."""
        return {"bias": self.bias.tolist(), "model": self.model, "record": dict(self.record)}

    @classmethod
    def made(cls, content: Mapping[str, Any]) -> TunedLens:
        """Return the lens that :meth:`content` describes."""
        return cls(np.array(content["bias"], dtype=np.float64), content["model"], dict(content["record"]))

    def to_bytes(self) -> bytes:
        """Return the lens as a safetensors file: array ``bias``, and the model's hash among the metadata."""
        return pack({"bias": self.bias}, {"format": FORMAT, "model": self.model, **self.record})


def read_lens(path: str | Path, decoder: Decoder) -> TunedLens:
    """Return the tuned lens of a file.

    Raises:
        InputError: no such file, another format, or a lens of another decoder.
    """
    arrays, metadata = unpack(Path(path))
    if metadata.get("format") != FORMAT or set(arrays) != {"bias"} or "model" not in metadata:
        got = f"format {metadata.get('format')!r}, arrays {', '.join(sorted(arrays)) or 'none'}"
        raise InputError("the file holds no lens", got=got, expected=f"format {FORMAT!r} with the array 'bias'")
    record = {name: value for name, value in metadata.items() if name not in ("format", "model")}
    lens = TunedLens(arrays["bias"], metadata["model"], record)
    lens.require(decoder)
    return lens


def named_lens(name: str, decoder: Decoder) -> TunedLens | None:
    """Return the lens that a user names: None for ``logit``, the file's for ``tuned:FILE``.

    Raises:
        InputError: another name, or a file that holds no lens of the decoder.
    """
    kind, _, path = name.partition(":")
    if kind == "tuned" and path:
        return read_lens(path, decoder)
    if name != "logit":
        raise InputError("unknown lens", got=name, expected="logit or tuned:FILE.safetensors")
    return None
