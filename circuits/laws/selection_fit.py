# SPDX-License-Identifier: Apache-2.0
"""All choices of the attended position at once, asking only for the law: how equal outcomes share their mass is free.

Ancilla j takes position j over the earlier ones with probability ``v_j = (1 - z_j) / 2``, so position j is attended with

    ``w_0 = prod_i (1 - v_i)``,  ``w_j = v_j prod_{i>j} (1 - v_i)``,

and the equations are ``sum_{j in group} w_j(x) = P``, one group of positions less than x has distinct outcomes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from stinespring.circuits.core.cz_sequence import CzSequence
from stinespring.circuits.laws.attention_law import AttentionLaw
from stinespring.circuits.search.descent import descend
from stinespring.circuits.search.levenberg import Guess, NormalEquations, least_squares, solve
from stinespring.circuits.search.sequence_fit import CULLING, BlochBatch, control_order, sequence_of, solve_work
from stinespring.readings import FloatArray, IntArray

__all__ = ["coupled_sequences"]

ACCEPT, GOAL = 2e-13, 1e-13  # largest error of a probability, and that at which to stop
CERTAIN = 1e-13  # probabilities this close to 0 or 1 make the equations singular
STARTS, ITERATIONS = 4, 160
FEWEST_ITERATIONS = 60  # without work for so many the search is not begun
LATER = 0.8  # share of an ancilla relative to the next, whose position has more to be told from


@dataclass(frozen=True)
class SelectionFit:
    """The equations of a law of attention.

    Attributes:
        sequences: one batch for each of ancillas 1..n-1, over the same rows.
        groups: which positions each equation sums, shape (E, n).
        values: shape (E,).
    """

    sequences: tuple[BlochBatch, ...]
    groups: FloatArray
    values: FloatArray

    def parts(self, x: FloatArray) -> list[FloatArray]:
        """Return the parameters of each ancilla."""
        return np.split(x, np.cumsum([s.width for s in self.sequences])[:-1], axis=1)

    def guess(self, x: FloatArray) -> Guess:
        """Return ``sum_{j in group} w_j - P``; the error is the largest one."""
        runs = [s.forward(part) for s, part in zip(self.sequences, self.parts(x), strict=True)]
        take = np.stack([(1 - z) / 2 for z, _ in runs], axis=-1)
        residual = (attended(take) * self.groups).sum(axis=-1) - self.values
        memo = take, [trail for _, trail in runs]
        return Guess(x, residual, (residual**2).sum(axis=1), abs(residual).max(axis=1), memo)

    def slopes(self, guess: Guess) -> FloatArray:
        """Return the derivatives of the residual by the chain rule: w is affine in each v."""
        take, trails = guess.memo or self.guess(guess.x).memo
        blocks = []
        for j, (sequence, part, trail) in enumerate(zip(self.sequences, self.parts(guess.x), trails, strict=True)):
            one, zero = take.copy(), take.copy()
            one[..., j], zero[..., j] = 1.0, 0.0
            slope = ((attended(one) - attended(zero)) * self.groups).sum(axis=-1)
            blocks.append(sequence.backward(part, trail, -slope / 2))
        return np.concatenate(blocks, axis=-1)

    def system(self, guess: Guess) -> NormalEquations:
        """Return the normal equations of the residual."""
        return least_squares(self.slopes(guess), guess.residual)

    def keep(self, index: IntArray) -> SelectionFit:
        """Return the problem for some of the starts."""
        return replace(self, sequences=tuple([s.keep(index) for s in self.sequences]))

    def work(self, starts: int) -> float:
        """Return the modelled seconds of one iteration."""
        width = sum(s.width for s in self.sequences)
        return sum(s.work(starts) for s in self.sequences) + solve_work(starts, self.values.size, width)


def attended(take: FloatArray) -> FloatArray:
    """Return w, shape (..., n), from v, shape (..., n - 1)."""
    after = np.cumprod((1 - take)[..., ::-1], axis=-1)[..., ::-1]
    one = np.ones_like(take[..., :1])
    return np.asarray(np.concatenate([one, take], axis=-1) * np.concatenate([after, one], axis=-1))


def equations(law: AttentionLaw) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return the row of each equation, the positions that it sums, shape (E, n), and its value."""
    same = law.outcomes[:, :, None] == law.outcomes[:, None, :]
    # A group counts once, at its first position; that of the last position is implied.
    first = ~np.any(same & np.tri(law.tokens, k=-1, dtype=np.bool_), axis=2) & ~same[:, :, -1] & law.care[:, None]
    rows, position = np.nonzero(first)
    groups = same[rows, position].astype(np.float64)
    return rows, groups, (groups * law.weights[rows]).sum(axis=-1)


def shared_lengths(law: AttentionLaw, total: int) -> list[int]:
    """Divide CZ among the ancillas by how many equations each can serve."""
    n = law.tokens
    told = [np.any(law.outcomes[:, :j] != law.outcomes[:, j : j + 1], axis=1).mean() for j in range(1, n)]
    share = np.array(told) * LATER ** np.arange(n - 2, -1, -1)
    lengths = np.floor(total * share / share.sum()).astype(np.int64)
    lengths[-1] += total - lengths.sum()
    return [int(length) for length in lengths]


def coupled_sequences(law: AttentionLaw, *, limit: int, effort: float, seed: int) -> list[CzSequence] | None:
    """Return one sequence an ancilla with fewer than ``limit`` CZ in all, or None.

    Args:
        law: of three positions or more; for two there is nothing to share.
        limit: CZ of the sequences that are known.
        effort: about the seconds of search, counted in operations.
        seed: of the search.
    """
    rows, groups, values = equations(law)
    count, n = len(law.care).bit_length() - 1, law.tokens
    if n < 3 or np.any(np.minimum(values, 1 - values) < CERTAIN):
        return None
    axis = np.full(rows.size, 2)

    def attempt(length: int, left: float, rng: np.random.Generator) -> tuple[list[CzSequence] | None, float]:
        parts = shared_lengths(law, length)
        patterns = [np.array([control_order(rng, count, length=part) for _ in range(STARTS)]) for part in parts]
        problem = SelectionFit(tuple([BlochBatch(p, rows, axis, count) for p in patterns]), groups, values)
        iterations = int(min(ITERATIONS, left / problem.work(STARTS) - 1))
        if iterations < FEWEST_ITERATIONS:
            return None, left
        start = rng.uniform(-np.pi, np.pi, (STARTS, sum(2 * part + 1 for part in parts)))
        solved = solve(problem, start, steps=iterations, goal=GOAL, rules=CULLING)
        if solved.error > ACCEPT:
            return None, solved.work
        angles, chosen = problem.parts(solved.x[None]), solved.starts[solved.best]
        return [sequence_of(p[chosen], a[0]) for p, a in zip(patterns, angles, strict=True)], solved.work

    bound = rows.size // 2
    return descend(attempt, first=bound + bound // 3, least=min(bound, (n - 1) * count), limit=limit, effort=effort, seed=seed)
