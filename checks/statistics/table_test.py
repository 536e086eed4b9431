# SPDX-License-Identifier: Apache-2.0
"""One G-test: its cells, its p-value, and the TVD it would detect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from stinespring.checks.statistics.gtest import PooledCells, detected, upper_tail

__all__ = ["TableTest", "tested"]


@dataclass(frozen=True)
class TableTest:
    """One G-test of counts against their law.

    Attributes:
        name: what was tested.
        cells: counts and expectations.
        p_value: of G.
        method: how the p-value was found.
        resolution: the TVD that it detects with power 0.9.
    """

    name: str
    cells: PooledCells
    p_value: float
    method: str
    resolution: float

    def summary(self) -> dict[str, Any]:
        """Return the figures of this test."""
        return {
            "p_value": self.p_value,
            "degrees_of_freedom": self.cells.degrees,
            "method": self.method,
            "resolution": self.resolution,
            "pooled_mass": self.cells.hidden,
        }


def tested(name: str, cells: PooledCells, shots: int, alpha: float, rng: np.random.Generator) -> TableTest:
    """Return one test; ``alpha`` is its share of the false-alarm rate, what its pools hide adds to what it detects."""
    p_value, method = upper_tail(cells, rng)
    return TableTest(name, cells, p_value, method, detected(cells, shots, alpha))
