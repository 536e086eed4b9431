# SPDX-License-Identifier: Apache-2.0
"""What FILE.json says of a reading, read as docs/formats.md has it and by nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def read_registers(decode: Mapping[str, Any], steps: int) -> list[str]:
    """Return the classical registers that hold the text."""
    return ["text"] if "text" in decode else [f"t{step}" for step in range(1, steps + 1)]


def read_text(decode: Mapping[str, Any], names: Sequence[str], codes: Sequence[int]) -> list[str | None] | None:
    """Return a reading's tokens, None for the vacuum; None in place of the list where a code stands for nothing."""
    if list(names) == ["text"]:
        return decode["text"].get(str(codes[0]))
    found: list[str | None] = []
    for name, code in zip(names, codes, strict=True):
        table = decode[name]
        if "after" in table:
            entries = [entry["codes"] for entry in table["after"] if entry["text"] == found]
            assert len(entries) == 1, f"{found} is listed {len(entries)} times"
            table = entries[0]
        if str(code) not in table:
            return None
        found.append(table[str(code)])
    return found


def law_of(decode: Mapping[str, Any], names: Sequence[str], law: Mapping[tuple[int, ...], float]) -> dict[str, float]:
    """Return the law of the texts from the law of the codes; fails if a code without a meaning carries amplitude."""
    result: dict[str, float] = {}
    for codes, p in law.items():
        if p < 1e-12:
            continue
        text = read_text(decode, names, codes)
        assert text is not None, f"a code that stands for nothing occurs: {codes}"
        key = " ".join(token for token in text if token is not None)
        result[key] = result.get(key, 0.0) + p
    return result
