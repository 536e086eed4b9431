# SPDX-License-Identifier: Apache-2.0
"""Counts files: ``stinespring/samples@1``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stinespring.errors import InputError
from stinespring.models.texts.base import NOTHING, TextModel
from stinespring.models.texts.fock import start
from stinespring.reading import read_json
from stinespring.readings import UNUSED
from stinespring.stages import Samples

__all__ = ["read_counts", "read_samples"]

FORMAT = "stinespring/samples@1"
MOST_SHOTS = 10**15  # counts stay exact in float64


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
    counts = read_counts(path)
    begin = start(model, prompt, steps, input_state=input_state, level=level)
    model = begin.model
    rows = [read_text(model, text, steps) for text in counts]
    texts, where = np.unique(np.array(rows, dtype=np.int64), axis=0, return_inverse=True)
    merged = np.bincount(where.ravel(), weights=list(counts.values()), minlength=len(texts)).astype(np.int64)
    return Samples(
        model=model, prompt=begin.prompt, texts=texts[merged > 0], counts=merged[merged > 0], backend=f"file:{Path(path).name}"
    )


def read_counts(path: str | Path) -> dict[str, int]:
    """Return the counts of a file by text; at least one is positive."""
    data = read_json(path, kind="counts file")
    if data.get("format") != FORMAT:
        raise InputError("the file holds no samples", got=f"format {data.get('format')!r}", expected=FORMAT)
    counts = data.get("counts")
    if not isinstance(counts, dict) or not counts:
        raise InputError("'counts' must be a non-empty object", got=counts, expected='for example {"a b": 123}')
    for text, count in counts.items():
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise InputError("a count is not a whole number of at least 0", got=f"{text!r}: {count!r}", expected="0, 1, 2, …")
    if sum(counts.values()) > MOST_SHOTS:
        raise InputError("the counts are too large", got=str(sum(counts.values())), expected=f"at most {MOST_SHOTS:,} in all")
    if sum(counts.values()) == 0:
        raise InputError("all counts are 0", got="0 shots", expected="at least one sampled text")
    return counts


def read_text(model: TextModel, text: str, steps: int) -> list[int]:
    """Return a text's token numbers, filled up with the vacuum after a stop token; U+FFFD is a code without a meaning."""
    numbers = []
    lookup = {NOTHING: UNUSED} | {name: i for i, name in enumerate(model.tokens)}
    for name in text.split(" ") if text else []:
        if name not in lookup:
            raise InputError(
                "a text in the counts has an unknown token",
                got=f"{name!r} in {text!r}",
                expected="one of " + " ".join(model.tokens[:20]) + (" …" if model.d > 20 else ""),
            )
        numbers.append(lookup[name])
    stopped = model.may_end(numbers)
    if model.stop is not None and model.stop in numbers[:-1]:
        raise InputError("a text in the counts goes on after the stop token", got=repr(text), expected="nothing after it")
    if len(numbers) > steps or (len(numbers) < steps and not stopped):
        raise InputError(
            "a text in the counts has another length",
            got=f"{text!r}: {len(numbers)} token(s)",
            expected=f"{steps} token(s)",
        )
    return numbers + [model.vacuum] * (steps - len(numbers))
