# SPDX-License-Identifier: Apache-2.0
"""A backend that gives every reading its exact share of the shots: what the one loop makes of it is a program's exact law."""

from __future__ import annotations

from typing import Any

import numpy as np

from stinespring.batches import Batch, Circuit, Item, Report, quiet
from stinespring.circuits.exact.followed import Followed, follow, size_of
from stinespring.errors import TooLargeError
from stinespring.readings import FloatArray, IntArray, Outcomes
from stinespring.stages import Capabilities

__all__ = ["EXACT_SHOTS", "ExactShares", "cost_of", "shares_of"]

EXACT_SHOTS = 1 << 50  # a share is known to 1e-15, and sums of shares are exact in float64
A_GATE = 1 << 12  # amplitudes that take as long as the rest of what a gate takes
ROW = 8  # gates that take as long as binding the angles of a row


class ExactShares:
    """Follows circuits exactly within a budget.

    Args:
        budget: of :func:`cost_of`, for all calls together.
    """

    keeps_jobs = False
    name = "exact"
    capabilities = Capabilities(seeded=True, random=False)

    def __init__(self, budget: float) -> None:
        self.left = budget
        self.sign_error = 0.0  # the largest distance of a state before its measurement from real amplitudes >= 0

    def sample(self, batch: Batch, seed: int, report: Report = quiet) -> list[Outcomes]:
        """Return the readings of every row, each with its share of the row's shots.

        Raises:
            TooLargeError: the budget does not suffice; nothing of the call was simulated then.
        """
        self.left -= sum(cost_of(item.circuit, rows=item.rows) for item in batch.items)
        if self.left < 0:
            raise TooLargeError("the program is too large to be followed exactly", got=f"{batch.rows:,} rows in one call")
        return [row for item in batch.items for row in self.rows(item)]

    def rows(self, item: Item) -> list[Outcomes]:
        """Return the readings of an item's rows."""
        result = []
        for row, shots in enumerate(item.shots.tolist()):
            circuit = item.circuit if item.angles is None else item.circuit.assign_parameters(item.angles[row])
            followed = follow(circuit, most=self.left)
            self.left -= followed.states.size * size_of(circuit).branching
            self.sign_error = max(self.sign_error, sign_error(followed))
            values, weights = shares_of(circuit, followed)
            counts = apportioned(weights, shots)
            kept = counts > 0
            names = [register.name for register in circuit.cregs]
            columns = {name: values[kept, i] for i, name in enumerate(names)}
            result.append(Outcomes.tallied(columns, counts[kept]))
        return result

    def metadata(self) -> dict[str, Any]:
        """Return nothing: there are no options."""
        return {}

    def close(self) -> None:
        """Do nothing."""


def cost_of(circuit: Circuit, *, inputs: tuple[int, ...] = (), columns: int = 1, rows: int = 1) -> float:
    """Return what following a circuit costs where nothing branches, in amplitudes computed; some 6 * 10^7 take a second."""
    size = size_of(circuit, inputs)
    return float(rows * (size.least(columns) + A_GATE * (size.gates + ROW * (rows > 1))))


def sign_error(followed: Followed) -> float:
    """Return how far the one state of a circuit is from real amplitudes of at least 0, up to its global phase."""
    if followed.states.shape[0] > 1:
        return 0.0
    state = followed.states[0, :, 0]
    turned = state * np.exp(-1j * np.angle(state[np.argmax(abs(state))]))
    return float(abs(turned - abs(state)).max())


def shares_of(circuit: Circuit, followed: Followed, column: int = 0) -> tuple[IntArray, FloatArray]:
    """Return the readings that occur, a column a register, shape (U, R), and their probabilities, shape (U,)."""
    place = {bit: index for index, bit in enumerate(circuit.clbits)}
    weights = followed.weights[:, :, column].ravel()
    occurring = np.flatnonzero(weights > 0)
    rows = np.stack([followed.values([place[b] for b in r]).ravel()[occurring] for r in circuit.cregs], axis=1)
    values, where = np.unique(rows, axis=0, return_inverse=True)
    return values, np.bincount(where.ravel(), weights=weights[occurring], minlength=len(values)).astype(np.float64)


def apportioned(weights: FloatArray, shots: int) -> IntArray:
    """Return whole shares that add up to the shots; what rounding leaves goes to the largest share."""
    counts: IntArray = np.floor(weights / weights.sum() * shots).astype(np.int64)
    counts[np.argmax(weights)] += shots - counts.sum()
    return counts
