# SPDX-License-Identifier: Apache-2.0
"""Counts of spin tokens from elsewhere: ``stinespring/samples@1`` with tokens written as signs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stinespring.checks.texts.files import read_counts
from stinespring.compiler.systems.spins import MOST_SPINS, SpinProgram, SpinSamples
from stinespring.errors import InputError, TooLargeError

__all__ = ["read_spin_samples"]


def read_spin_samples(path: str | Path, program: SpinProgram) -> SpinSamples:
    """Return the counts of a file as samples of a program.

    Args:
        path: ``{"format": "stinespring/samples@1", "counts": {"+- -+": 12, ...}}``: T tokens of N signs, spin 0 first.
        program: what was run.

    Raises:
        InputError: another format, unusable counts, or a text of another shape.
    """
    counts, N = read_counts(path), program.network.N
    if sum(counts.values()) * program.steps * N > MOST_SPINS:
        raise TooLargeError("the counts are too many", got=f"{sum(counts.values()):,} shots", expected=f"{MOST_SPINS:,} spins")
    for text in counts:
        tokens = text.split(" ")
        if len(tokens) != program.steps or any(len(token) != N or not set(token) <= {"+", "-"} for token in tokens):
            raise InputError(
                "a text in the counts has another shape",
                got=repr(text),
                expected=f"{program.steps} token(s) of {N} signs + or -",
            )
    rows = [[[1 if sign == "+" else -1 for sign in token] for token in text.split(" ")] for text in counts]
    tokens_of_all = np.repeat(np.array(rows, dtype=np.int8), list(counts.values()), axis=0)
    return SpinSamples(program, tokens_of_all, f"file:{Path(path).name}", 0, 0.0)
