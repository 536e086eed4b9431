# SPDX-License-Identifier: Apache-2.0
"""A backend that gives every reading its exact share of the shots, with a device's noise."""

from __future__ import annotations

from typing import Any

import numpy as np

from stinespring.backends.aer.calibration import Calibration
from stinespring.backends.exact import EXACT_SHOTS, apportioned, shares_of
from stinespring.backends.noisy.followed import NoisyCircuit, Readings
from stinespring.batches import Batch, Circuit, Item, Report, quiet
from stinespring.circuits.exact.followed import follow
from stinespring.errors import TooLargeError
from stinespring.readings import FloatArray, Outcomes
from stinespring.stages import Capabilities, Device

__all__ = ["NoisyShares"]

MOST_ROWS = 512  # of a program, that a host binds one by one
MOST_PURE = 4096  # rows without noise
A_ROW = float(1 << 20)  # numbers that take as long as what is done for a row besides


class NoisyShares:
    """Follows circuits with noise, within a budget; what the one loop makes of it is a program's exact noisy law.

    Rows of a host in the loop are followed with noise as long as there are few of them, the likeliest of each call first; the
    others, whose share of all shots is kept in ``neglected``, without.

    Args:
        calibration: the errors.
        device: what circuits are lowered to.
        budget: numbers that may be computed, for all calls together; 10^9 take some seconds.
    """

    keeps_jobs = False
    name = "exact with noise"

    def __init__(self, calibration: Calibration, device: Device | None, budget: float) -> None:
        self.calibration, self.left, self.rows_left = calibration, budget, MOST_ROWS
        self.capabilities = Capabilities(device=device, seeded=True, noisy=True, random=False)
        self.neglected = 0.0
        self.pure = 0
        self.latest: NoisyCircuit | None = None  # of a template, whose rows come one after the other

    def sample(self, batch: Batch, seed: int, report: Report = quiet) -> list[Outcomes]:
        """Return the readings of every row, each with its share of the row's shots.

        Raises:
            TooLargeError: the budget does not suffice.
            InputError: a circuit that is not followed.
        """
        shots = np.concatenate([item.shots for item in batch.items])
        single = batch.rows == len(batch.items)
        most = len(shots) if single else max(1, self.rows_left)
        self.pure += max(0, len(shots) - most)
        if self.pure > MOST_PURE:
            raise TooLargeError("the program has too many circuits to be followed exactly", got=f"{len(shots):,} in one call")
        chosen = np.zeros(len(shots), dtype=bool)
        chosen[np.argsort(-shots, kind="stable")[:most]] = True
        self.rows_left -= int(chosen.sum())
        self.neglected += float(shots[~chosen].sum()) / max(EXACT_SHOTS, int(shots.sum()))
        found, first = [], 0
        for item in batch.items:
            found += [self.row(item, row, bool(chosen[first + row])) for row in range(item.rows)]
            first += item.rows
        return found

    def row(self, item: Item, row: int, noisy: bool) -> Outcomes:
        """Return the readings of a row, in shares of its shots."""
        angles = None if item.angles is None else item.angles[row]
        found = self.with_noise(item.circuit, angles) if noisy else without_noise(item.circuit, angles)
        counts = apportioned(found.weights, int(item.shots[row]))
        kept = counts > 0
        return Outcomes.tallied({name: found.values[kept, i] for i, name in enumerate(found.registers)}, counts[kept])

    def with_noise(self, circuit: Circuit, angles: FloatArray | None) -> Readings:
        """Return the law of a circuit's readings."""
        if self.latest is None or self.latest.circuit is not circuit:
            self.latest = NoisyCircuit(circuit, self.calibration)
        found = self.latest.read(angles, most=self.left)
        self.left -= found.spent + A_ROW
        return found

    def metadata(self) -> dict[str, Any]:
        """Return nothing: there are no options."""
        return {}

    def close(self) -> None:
        """Do nothing."""


def without_noise(circuit: Circuit, angles: FloatArray | None) -> Readings:
    """Return the law of a circuit's readings without noise."""
    bound = circuit if angles is None else circuit.assign_parameters(angles)
    values, weights = shares_of(bound, follow(bound))
    return Readings(tuple(register.name for register in circuit.cregs), values, weights, 0.0)
