# SPDX-License-Identifier: Apache-2.0
"""Counts files: ``stinespring/samples@1``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stinespring.models.texts.asked import TextAsked
from stinespring.models.texts.base import TextModel
from stinespring.reading import read_json
from stinespring.stages import Samples

__all__ = ["read_samples"]


def read_samples(
    path: str | Path,
    model: TextModel,
    *,
    prompt: str | Sequence[int] | None = None,
    steps: int,
    input_state: str | Path | Mapping[str, Any] | None = None,
    level: int | None = None,
) -> Samples:
    """Return the counts of a file as samples of a model.

    Args:
        path: ``{"format": "stinespring/samples@1", "counts": {"a b": 123, ...}}``.
        model: whose tokens the texts are made of.
        prompt: the prompt that was sampled from.
        steps: the number of generated tokens; shorter texts must end with the stop token.
        input_state: the superposition or mixture that was sampled from, instead of a prompt.
        level: the Fock space's highest level, if there was one.

    Raises:
        InputError: another format, no counts, a negative or fractional count, an unknown token, a text of another length.
    """
    data = read_json(path, kind="counts file")
    asked = TextAsked.of(model, prompt, steps, input_state=input_state, level=level)
    return Samples(model, asked, asked.read_counts(model, data), backend=f"file:{Path(path).name}")
