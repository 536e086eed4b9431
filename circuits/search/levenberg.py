# SPDX-License-Identifier: Apache-2.0
"""Damped Newton steps (Levenberg-Marquardt) in a batch of starts: the one loop behind all numerical searches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from stinespring.circuits.search.threads import one_thread
from stinespring.circuits.search.work import spend
from stinespring.readings import BoolArray, FloatArray, IntArray

__all__ = ["Damping", "Equations", "Guess", "NormalEquations", "Solved", "least_squares", "solve", "solve_each"]

FIRST_DAMPING, LEAST_DAMPING, MOST_DAMPING = 1e-2, 1e-13, 1e6
LARGE = 64  # unknowns from which a factorisation by Cholesky is worth a call


class Guess(NamedTuple):
    """A batch of S vectors of unknowns, and how far they are from a solution.

    Attributes:
        x: unknowns, shape (S, P).
        residual: shape (S, N).
        loss: what a step has to lower, shape (S,).
        error: what is compared with the goal, shape (S,).
        memo: what the derivatives can use again, or None.
    """

    x: FloatArray
    residual: FloatArray
    loss: FloatArray
    error: FloatArray
    memo: Any = None

    def where(self, better: BoolArray, other: Guess) -> Guess:
        """Return the other guess for the starts in which it is better."""
        if better.all():
            return other
        column = better[:, None]
        return Guess(
            np.where(column, other.x, self.x),
            np.where(column, other.residual, self.residual),
            np.where(better, other.loss, self.loss),
            np.where(better, other.error, self.error),
        )

    def keep(self, index: IntArray) -> Guess:
        """Return some of the starts."""
        return Guess(self.x[index], self.residual[index], self.loss[index], self.error[index])


class NormalEquations(NamedTuple):
    """The undamped system of a step, in the smaller of the two spaces.

    Attributes:
        matrix: ``J^T J`` (or another curvature), or ``J J^T``; shape (S, n, n).
        right: ``J^T r``, or r; shape (S, n, 1).
        slopes: J, shape (S, N, P), if the system is that of ``J J^T``.
    """

    matrix: FloatArray
    right: FloatArray
    slopes: FloatArray | None = None

    def step(self, damping: FloatArray) -> FloatArray:
        """Return ``(J^T J + d)^-1 J^T r = J^T (J J^T + d)^-1 r`` of each start, shape (S, P).

        Args:
            damping: d in units of the mean eigenvalue of ``J^T J``, shape (S,).
        """
        size = self.matrix.shape[1]
        unknowns = size if self.slopes is None else self.slopes.shape[2]
        lifted, index = self.matrix.copy(), np.arange(size)
        lifted[:, index, index] += (damping * np.trace(self.matrix, axis1=1, axis2=2) / unknowns)[:, None] + 1e-15
        solution = solved_systems(lifted, self.right)
        return np.asarray((solution if self.slopes is None else self.slopes.transpose(0, 2, 1) @ solution)[:, :, 0])


class Equations(Protocol):
    """Equations for a batch of unknowns x of shape (S, P)."""

    def guess(self, x: FloatArray) -> Guess:
        """Evaluate unknowns."""

    def system(self, guess: Guess) -> NormalEquations:
        """Return the normal equations at a guess."""

    def keep(self, index: IntArray) -> Self:
        """Return the equations of some of the starts."""

    def work(self, starts: int) -> float:
        """Return the modelled seconds of one step, fixed so that results do not depend on the load."""


@dataclass(frozen=True)
class Damping:
    """When steps are shortened and when a search gives up.

    Attributes:
        soft: factor of the damping after a better step.
        steep: factor after a worse one.
        stall: give up if the least loss falls by less than this factor in ``patience`` steps, unless it is below ``nearly``.
        patience: counted from twice so many steps on.
        nearly: losses that may fall slowly.
        culled: steps after which the worse half of the starts is dropped.
        fewest: starts that are always kept.
    """

    soft: float = 0.15
    steep: float = 6.0
    stall: float = 0.9
    patience: int = 12
    nearly: float = 1e-6
    culled: tuple[int, ...] = ()
    fewest: int = 2


class Solved(NamedTuple):
    """What a solve returns.

    Attributes:
        guess: the starts that are left.
        starts: which ones they are, shape (T,).
        work: modelled seconds spent.
    """

    guess: Guess
    starts: IntArray
    work: float

    @property
    def best(self) -> int:
        """Which of the starts that are left has the smallest error."""
        return int(np.argmin(self.guess.error))

    @property
    def x(self) -> FloatArray:
        """The unknowns of the best start."""
        return np.asarray(self.guess.x[self.best])

    @property
    def error(self) -> float:
        """The error of the best start."""
        return float(self.guess.error[self.best])


def least_squares(slopes: FloatArray, residual: FloatArray) -> NormalEquations:
    """Return the normal equations of J, shape (S, N, P), and r, shape (S, N)."""
    turned = slopes.transpose(0, 2, 1)
    if slopes.shape[1] < slopes.shape[2]:
        return NormalEquations(gram(slopes), residual[:, :, None], slopes)
    return NormalEquations(gram(turned), turned @ residual[:, :, None])


def gram(rows: FloatArray) -> FloatArray:
    """Return ``A A^T`` of each start; one by one, BLAS sees that the products are symmetric."""
    if rows.shape[1] < LARGE:
        return rows @ rows.transpose(0, 2, 1)
    return np.stack([a @ a.T for a in rows])


def solved_systems(matrices: FloatArray, right: FloatArray) -> FloatArray:
    """Return the solutions of symmetric positive systems, shapes (S, n, n) and (S, n, 1)."""
    if matrices.shape[1] >= LARGE:
        try:
            pairs = zip(matrices, right, strict=True)
            return np.stack([cho_solve(cho_factor(a, check_finite=False), b, check_finite=False) for a, b in pairs])
        except LinAlgError:
            pass
    return np.asarray(np.linalg.solve(matrices, right))


@one_thread()
def solve(problem: Equations, x: FloatArray, *, steps: int, goal: float, rules: Damping = Damping()) -> Solved:
    """Lower the loss from every start until the error of one is within the goal, or all stall.

    Args:
        problem: the equations.
        x: starts, shape (S, P).
        steps: at most so many.
        goal: largest error at which to stop.
        rules: of the damping and of giving up.
    """
    index, damping = np.arange(x.shape[0]), np.full(x.shape[0], FIRST_DAMPING)
    guess, work = problem.guess(x), problem.work(x.shape[0])
    system: NormalEquations | None = None
    history = [float(guess.loss.min())]
    while len(history) <= steps and guess.error.min() > goal and damping.min() < MOST_DAMPING:
        work += problem.work(len(index))
        system = problem.system(guess) if system is None else system
        trial = problem.guess(guess.x - system.step(damping))
        better = trial.loss < guess.loss
        damping = np.clip(damping * np.where(better, rules.soft, rules.steep), LEAST_DAMPING, 10 * MOST_DAMPING)
        if better.any():
            guess, system = guess.where(better, trial), None
        if len(history) in rules.culled and len(index) > rules.fewest:
            best = np.argsort(guess.loss, kind="stable")[: max(rules.fewest, len(index) // 2)]
            problem, guess, damping, index, system = problem.keep(best), guess.keep(best), damping[best], index[best], None
        history.append(float(guess.loss.min()))
        if len(history) > 2 * rules.patience and history[-1] > max(rules.nearly, rules.stall * history[-1 - rules.patience]):
            break
    spend(work)
    return Solved(guess, index, work)


def solve_each(problem: Equations, x: FloatArray, *, steps: int, goal: float, rules: Damping = Damping()) -> Guess:
    """Lower the loss of every start until its own error is within the goal, or it stalls; a start is a problem of its own.

    Args:
        problem: the equations.
        x: one start a problem, shape (S, P).
        steps: at most so many.
        goal: largest error at which a start is done.
        rules: of the damping; nothing is culled.
    """
    index, damping = np.arange(x.shape[0]), np.full(x.shape[0], FIRST_DAMPING)
    guess = found = problem.guess(x.copy())
    for _ in range(steps):
        going = np.flatnonzero((guess.error > goal) & (damping < MOST_DAMPING))
        if not going.size:
            break
        if going.size < index.size:
            problem, guess, damping, index = problem.keep(going), guess.keep(going), damping[going], index[going]
        trial = problem.guess(guess.x - problem.system(guess).step(damping))
        better = trial.loss < guess.loss
        damping = np.clip(damping * np.where(better, rules.soft, rules.steep), LEAST_DAMPING, 10 * MOST_DAMPING)
        guess = guess.where(better, trial)
        for part, new in zip(found[:4], guess[:4], strict=True):
            part[index] = new
    return found
