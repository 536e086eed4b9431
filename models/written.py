# SPDX-License-Identifier: Apache-2.0
"""A source beside the file it was read from: what it holds is what is written."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from stinespring.errors import StinespringError

__all__ = ["as_written"]

T = TypeVar("T")
ROUNDING = 1e-12  # nothing is normalised when it is read


def as_written(source: T, data: Mapping[str, Any]) -> T:
    """Return the source, if it holds what the file says.

    What was read in another order or with other signs would be compiled, sampled and confirmed by its own law.

    Raises:
        StinespringError: it does not, a defect of the package.
    """
    content: dict[str, Any] = source.content()  # type: ignore[attr-defined]
    wrong = [name for name in data if name in content and name != "name" and not same(data[name], content[name])]
    if wrong:
        raise StinespringError("the file was read as something else", got=", ".join(wrong), expected="what it says")
    return source


def same(given: Any, read: Any) -> bool:
    """Return whether parts of JSON data are the same; numbers within rounding, and what is not given is not compared."""
    if isinstance(given, Mapping) and isinstance(read, Mapping):
        return all(same(given[name], read[name]) for name in given.keys() & read.keys())
    if isinstance(given, list) and isinstance(read, list):
        if len(given) != len(read):
            return False
        if not given or isinstance(given[0], str | Mapping | None):
            return all(same(a, b) for a, b in zip(given, read, strict=True))
        one, other = np.asarray(given, dtype=np.float64), np.asarray(read, dtype=np.float64)
        return one.shape == other.shape and bool(np.allclose(one, other, rtol=ROUNDING, atol=0.0))
    if isinstance(given, int | float) and isinstance(read, int | float):
        return math.isclose(given, read, rel_tol=ROUNDING)
    return given is None or read is None or bool(given == read)
