# SPDX-License-Identifier: Apache-2.0
"""The counts of real devices that are kept: whole, of circuits that are almost GHZ, and in the order of bits that is stated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

KEPT = json.loads((Path(__file__).resolve().parents[2] / "benchmarks" / "devices" / "counts.json").read_text(encoding="utf-8"))
SHOTS = {"10Q-CBP": 2000, "15Q-MAIN": 10_000, "15Q-MCE": 5000, "20Q-SBP": 5000}  # as their authors state


@pytest.mark.parametrize("run", KEPT["runs"], ids=lambda run: run["name"])
def test_counts_are_whole_and_mostly_of_two_readings(run: dict[str, Any]) -> None:
    """Their sum is the shots that the authors state, and 0...0 and 1...1 are the two likeliest readings."""
    name, counts = run["name"].split()[0], run["counts"]
    width = int(name[:2])
    assert sum(counts.values()) == SHOTS[name] and {len(bits) for bits in counts} == {width}
    assert {"0" * width, "1" * width} == set(sorted(counts, key=counts.__getitem__)[-2:])
    assert run["taken"].startswith("2025-10") and "CC0" in KEPT["source"]
