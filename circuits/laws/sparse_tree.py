# SPDX-License-Identifier: Apache-2.0
r"""Laws as trees of uniformly controlled rotations of which only few Walsh coefficients are kept.

The bits of an outcome are made from the highest down. The angle of a bit is ``theta(x) = sum_m c_m (-1)^{m.x}`` over the higher
bits x. A rotation with mask m is ``Z^{m.x} Ry(c_m) Z^{m.x}``; neighbouring Z merge, the first ones act on ``|0>`` and the last
ones are phases, so that k coefficients whose masks form a path of neighbours cost k - 1 CZ.

Bernoulli's Fisher information in theta with ``P(1) = sin^2(theta/2)`` is 1, so that to second order
``KL = sum_x P(x) d(x)^2 / 2`` for angles that are off by d. Coefficients are therefore weighted least squares, and every bit is
fitted for itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stinespring.circuits.exact.multiplexer import walsh_hadamard
from stinespring.circuits.search.joint_amplitudes import Pattern
from stinespring.readings import FloatArray

__all__ = ["SparseTree", "sparse_trees"]

MOST_MASKS = 64  # of one bit
EXACT = 1e-12  # weighted squares of angles that count as none


@dataclass(frozen=True)
class BitFit:
    """The angle of one bit.

    Attributes:
        masks: over the higher bits, neighbours in order.
        coefficients: one for each.
        loss: ``sum_x P(x) (theta(x) - wanted(x))^2``.
    """

    masks: tuple[int, ...]
    coefficients: FloatArray
    loss: float


@dataclass(frozen=True)
class SparseTree:
    """A law over 2^q outcomes.

    Attributes:
        bits: the angle of every bit, the highest first.
    """

    bits: tuple[BitFit, ...]

    @property
    def cost(self) -> int:
        """Number of CZ."""
        return sum(len(bit.masks) - 1 for bit in self.bits)

    def law(self) -> FloatArray:
        """Return the law, shape (2^q,)."""
        law = np.ones(1)
        for level, bit in enumerate(self.bits):
            one = np.sin(columns(bit.masks, level) @ bit.coefficients / 2) ** 2
            law = np.stack([law * (1 - one), law * one], axis=1).reshape(-1)
        return law

    def refitted(self, law: FloatArray) -> SparseTree:
        """Return the tree with the same masks, fitted to another law of shape (2^q,)."""
        return SparseTree(tuple(fitted_bit(bit.masks, level, *aims(masses(law, level))) for level, bit in enumerate(self.bits)))

    def circuit(self) -> tuple[Pattern, FloatArray]:
        """Return the pattern of its CZ, wire i being bit i of an outcome, and the pattern's angles."""
        size = len(self.bits)
        first, pairs, turns = np.zeros(size), [], []
        for level, bit in enumerate(self.bits):
            wire = size - 1 - level
            first[wire] = bit.coefficients[0]
            for before, after, angle in zip(bit.masks, bit.masks[1:], bit.coefficients[1:].tolist(), strict=False):
                pairs.append((wire, wire + (before ^ after).bit_length()))
                turns.append([0.0, angle, 0.0, 0.0])
        return Pattern(tuple(pairs), 0, size), np.concatenate([first, *map(np.array, turns)])


def columns(masks: tuple[int, ...], level: int) -> FloatArray:
    """Return ``(-1)^{m.x}`` for all x of ``level`` bits, shape (2^level, masks)."""
    met = np.arange(1 << level)[:, None] & np.array(masks)[None]
    return np.asarray(1.0 - 2.0 * (np.bitwise_count(met) & 1))


def sparse_trees(law: FloatArray, most: int) -> list[SparseTree]:
    """Return trees of more and more CZ, at most ``most``: what lowers the divergence most for its cost comes first.

    Args:
        law: shape (2^q,), all outcomes.
        most: CZ of the largest tree.
    """
    size = len(law).bit_length() - 1
    ladders = [bit_fits(masses(law, level), level) for level in range(size)]
    at = [0] * size
    trees = [SparseTree(tuple(ladder[0] for ladder in ladders))]
    while True:
        steps = [
            ((ladder[at[level]].loss - ladder[to].loss) / (to - at[level]), level, to)
            for level, ladder in enumerate(ladders)
            for to in range(at[level] + 1, len(ladder))
        ]
        if not steps:
            return trees
        gain, level, to = max(steps)
        if gain <= 0:
            return trees
        while at[level] < to:
            at[level] += 1
            tree = SparseTree(tuple(ladder[i] for ladder, i in zip(ladders, at, strict=True)))
            if tree.cost > most:
                return trees
            trees.append(tree)


def masses(law: FloatArray, level: int) -> FloatArray:
    """Return the mass of 0 and 1 of a bit for every value of the ``level`` higher bits, shape (2^level, 2)."""
    return np.asarray(law.reshape(1 << level, 2, -1).sum(axis=2))


def aims(shares: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the weights of the values of the higher bits and the angles wanted there, from the masses of a bit."""
    return shares.sum(axis=1), 2.0 * np.arctan2(np.sqrt(shares[:, 1]), np.sqrt(shares[:, 0]))


def bit_fits(shares: FloatArray, level: int) -> list[BitFit]:
    """Return fits of one bit with one coefficient more each time, the path lengthened at the better end.

    Args:
        shares: shape (2^level, 2), of 0 and 1 for every value of the higher bits.
        level: how many bits are higher.
    """
    weights, wanted = aims(shares)
    masks, fits = [0], [fitted_bit((0,), level, weights, wanted)]
    while len(masks) < min(MOST_MASKS, 1 << level) and fits[-1].loss > EXACT:
        rest = wanted - columns(fits[-1].masks, level) @ fits[-1].coefficients
        gains = abs(walsh_hadamard(weights * rest))
        ends = (masks[0], masks[-1])
        steps = [(end ^ 1 << bit, end == masks[0]) for end in ends for bit in range(level)]
        near = [(float(gains[mask]), mask, front) for mask, front in steps if mask not in masks]
        if not near:  # a path that is shut in: all masks, in Gray order
            every = tuple(i ^ i >> 1 for i in range(1 << level))
            return [*fits, fitted_bit(every, level, weights, wanted)] if len(every) <= MOST_MASKS else fits
        _, mask, front = max(near)
        masks = [mask, *masks] if front else [*masks, mask]
        fits.append(fitted_bit(tuple(masks), level, weights, wanted))
    return fits


def fitted_bit(masks: tuple[int, ...], level: int, weights: FloatArray, wanted: FloatArray) -> BitFit:
    """Return the coefficients with the least weighted squares."""
    table = columns(masks, level)
    coefficients = np.linalg.lstsq(table * np.sqrt(weights)[:, None], wanted * np.sqrt(weights), rcond=None)[0]
    return BitFit(masks, np.asarray(coefficients, dtype=np.float64), float(weights @ (table @ coefficients - wanted) ** 2))
