# SPDX-License-Identifier: Apache-2.0
"""Counts from elsewhere, ``stinespring/samples@1``: objects of keys and counts, and keys that name registers and values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from stinespring.errors import InputError
from stinespring.readings import Outcomes

__all__ = ["FORMAT", "counts_in", "counts_of_each", "values_read", "values_spelt"]

FORMAT = "stinespring/samples@1"
MOST_SHOTS = 10**15  # counts stay exact in float64
LARGEST_VALUE = (1 << 63) - 1
PLACE = re.compile(r"([A-Za-z]\w*)=([0-9]{1,19})")


def counts_in(data: Mapping[str, Any]) -> tuple[dict[str, int], ...]:
    """Return the counts of a file's content, one object for each circuit.

    Args:
        data: ``{"format": "stinespring/samples@1", "counts": {"a b": 123, ...}}``; of several circuits a list of objects.

    Raises:
        InputError: another format, no counts, a negative or fractional count, or nothing but zeros.
    """
    if data.get("format") != FORMAT:
        raise InputError("the file holds no samples", got=f"format {data.get('format')!r}", expected=FORMAT)
    given = data.get("counts")
    parts: list[Any] = given if isinstance(given, list) else [given]
    if not parts or not all(isinstance(counts, dict) and counts for counts in parts):
        raise InputError("'counts' must be a non-empty object", got=given, expected='for example {"a b": 123}')
    for counts in parts:
        for key, count in counts.items():
            if isinstance(count, bool) or not isinstance(count, int) or count < 0:
                what = "a count is not a whole number of at least 0"
                raise InputError(what, got=f"{key!r}: {count!r}", expected="0, 1, 2, …")
        total = sum(counts.values())
        if total > MOST_SHOTS:
            raise InputError("the counts are too large", got=str(total), expected=f"at most {MOST_SHOTS:,} in all")
        if total == 0:
            raise InputError("all counts are 0", got="0 shots", expected="at least one sampled text")
    return tuple(parts)


def counts_of_each(data: Mapping[str, Any], number: int, what: str) -> tuple[dict[str, int], ...]:
    """Return the counts of a file's content, which must be those of so many circuits.

    Raises:
        InputError: unusable counts, or those of another number of circuits.
    """
    found = counts_in(data)
    if len(found) != number:
        raise InputError(
            "the counts are of another number of circuits", got=f"{len(found)}", expected=f"{number}: one object a {what}"
        )
    return found


def values_spelt(outcomes: Outcomes) -> list[str]:
    """Return each reading as its registers' values.

    Example:
        >>> values_spelt(Outcomes.tallied({"flag": np.array([0]), "x1": np.array([3])}))
        ['flag=0 x1=3']
    """
    return [
        " ".join(f"{name}={value}" for name, value in zip(outcomes.registers, row, strict=True))
        for row in outcomes.values.tolist()
    ]


def values_read(counts: Mapping[str, int], registers: Mapping[str, int]) -> Outcomes:
    """Return readings from keys that name values of registers, in any order.

    Args:
        counts: for example ``{"flag=0 x1=3": 12}``.
        registers: the registers that every key names, and how many values each has; 0 where that is not known.

    Raises:
        InputError: a key that names other registers, or a value out of range.
    """
    rows = []
    for key in counts:
        places = [PLACE.fullmatch(word) for word in key.split(" ")]
        found = {place[1]: int(place[2]) for place in places if place is not None}
        inside = all(0 <= value <= (registers.get(name) or LARGEST_VALUE + 1) - 1 for name, value in found.items())
        if None in places or len(found) < len(places) or set(found) != set(registers) or not inside:
            example = " ".join(f"{name}=0" for name in registers)
            limits = ", ".join(f"{name} below {size}" for name, size in registers.items() if size)
            raise InputError(
                "a key of the counts does not name the registers' values", got=repr(key),
                expected=f"for example {example!r}" + (f", {limits}" if limits else ""),
            )  # fmt: skip
        rows.append([found[name] for name in registers])
    table = np.array(rows, dtype=np.int64)
    return Outcomes.tallied(
        {name: table[:, place] for place, name in enumerate(registers)}, np.array(list(counts.values()), dtype=np.int64)
    )
