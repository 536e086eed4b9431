# SPDX-License-Identifier: Apache-2.0
"""Drop small Walsh coefficients of the rotation angles within an allowed total variation distance.

A rotation left out moves every context's outcome a little; what it costs is not estimated but computed: the changed angles
are a law of their own, and its distance from the wanted one is the bound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stinespring.circuits.core.gates import Gate
from stinespring.circuits.exact.multiplexer import gray_code, law_angles, multiplexed_ry, walsh_hadamard
from stinespring.circuits.laws.closed_form import fill_free_rows
from stinespring.readings import BoolArray, FloatArray

__all__ = ["Approximation", "approximate"]


@dataclass(frozen=True)
class Approximation:
    """A law with few rotations: its gates on wires 0..M+k-1, what it realises (2^M, 2^k), and the TVD of each context."""

    gates: list[Gate]
    law: FloatArray
    distances: FloatArray


def approximate(dense: FloatArray, care: BoolArray, weights: FloatArray, budget: float) -> Approximation:
    """Return the law with as few rotations as the budget allows, in Gray order.

    Args:
        dense: shape (2^M, 2^k), the wanted law over codes.
        care: shape (2^M,), which contexts occur.
        weights: shape (2^M,), how much each context's TVD counts.
        budget: the most that ``sum_x weights(x) TVD(x)`` may be.
    """
    contexts, size = dense.shape
    k, width = size.bit_length() - 1, contexts.bit_length() - 1
    angles = law_angles(dense)
    gates: list[Gate] = []
    realised = np.ones((contexts, 1))
    for higher, theta in enumerate(angles):
        mass = dense.reshape(contexts, 2**higher, -1).sum(axis=2).T.reshape(-1)
        cared = np.tile(care, 2**higher) & (mass > 0)
        share = budget / k
        kept = sparse(fill_free_rows(theta, cared), cared, np.tile(weights, 2**higher) * mass, share)
        bit = width + k - 1 - higher
        wires = [*range(width), *range(bit + 1, width + k), bit]
        gates += multiplexed_ry(wires, kept[gray_code(width + higher)], negligible=0.0)
        one = np.sin(walsh_values(kept) / 2) ** 2
        one = one.reshape(2**higher, contexts).T
        realised = np.stack([realised * (1 - one), realised * one], axis=2).reshape(contexts, -1)
    distances = 0.5 * abs(realised - dense).sum(axis=1) * care
    return Approximation(gates, realised, distances)


def walsh_values(coefficients: FloatArray) -> FloatArray:
    """Return the angles that Walsh coefficients stand for."""
    return walsh_hadamard(coefficients) * len(coefficients)


def sparse(theta: FloatArray, care: BoolArray, weights: FloatArray, budget: float) -> FloatArray:
    """Return Walsh coefficients of angles whose outcome moves by at most the budget, as many of them zero as possible.

    The smallest coefficients go first; how many go is found by bisection over the cost in CZ.
    """
    coefficients = walsh_hadamard(theta)
    order = np.argsort(abs(coefficients), kind="stable")

    def after(count: int) -> FloatArray:
        kept = coefficients.copy()
        kept[order[:count]] = 0.0
        return kept

    def cost(kept: FloatArray) -> float:
        moved = abs(np.sin(walsh_values(kept) / 2) ** 2 - np.sin(theta / 2) ** 2)
        return float((moved * weights)[care].sum())

    low, high = 0, len(theta)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if cost(after(middle)) <= budget else (low, middle - 1)
    return after(low)
