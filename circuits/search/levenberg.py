# SPDX-License-Identifier: Apache-2.0
"""Levenberg-Marquardt steps in a batch of starts."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from stinespring.readings import FloatArray

__all__ = ["Equations", "Solved", "solve"]

STALL, PATIENCE, NEARLY = 0.9, 12, 1e-6  # give up if the sum of squares falls by less in so many steps, unless it is tiny
SOFT, STEEP = 0.15, 5.0  # factors of the damping after a better and after a worse step
LEAST_DAMPING, MOST_DAMPING = 1e-11, 1e6
LARGE = 64  # unknowns from which a factorisation by Cholesky is worth a call


class Equations(Protocol):
    """Equations ``r(x) = 0`` for a batch of unknowns x of shape (S, P)."""

    def residual(self, x: FloatArray) -> FloatArray:
        """Return r, shape (S, N)."""

    def jacobian(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return r, shape (S, N), and dr/dx, shape (S, N, P)."""


class Solved(NamedTuple):
    """What a solve returns: the best x, its ``|r|`` and the steps made."""

    x: FloatArray
    norm: float
    steps: int


def solve(problem: Equations, x: FloatArray, *, steps: int, goal: float) -> Solved:
    """Lower ``|r|^2`` from every start until one is below ``goal^2``, or all stall.

    Args:
        problem: the equations.
        x: starts, shape (S, P).
        steps: at most so many.
        goal: stop at this norm of r.
    """
    starts, width = x.shape
    damping = np.full(starts, 1e-2)
    r, slopes = problem.jacobian(x)
    loss = (r**2).sum(axis=1)
    history, fresh = [float(loss.min())], True
    gram = np.empty(0)
    while len(history) <= steps and history[-1] > goal**2 and damping.min() < MOST_DAMPING:
        if fresh:  # one by one, BLAS sees that the products are symmetric
            gram = np.stack([j @ j.T if j.shape[0] < width else j.T @ j for j in slopes])
        trial = x - _step(gram, slopes, r, damping)
        new = (problem.residual(trial) ** 2).sum(axis=1)
        better = new < loss
        damping = np.clip(damping * np.where(better, SOFT, STEEP), LEAST_DAMPING, 10 * MOST_DAMPING)
        fresh = bool(better.any())
        if fresh:
            x = np.where(better[:, None], trial, x)
            r, slopes = problem.jacobian(x)
            loss = (r**2).sum(axis=1)
        history.append(float(loss.min()))
        if len(history) > 2 * PATIENCE and history[-1] > max(NEARLY, STALL * history[-1 - PATIENCE]):
            break
    best = int(np.argmin(loss))
    return Solved(x[best], float(np.sqrt(loss[best])), len(history))


def _step(gram: FloatArray, slopes: FloatArray, r: FloatArray, damping: FloatArray) -> FloatArray:
    """Return ``(J^T J + d)^-1 J^T r = J^T (J J^T + d)^-1 r`` of each start, whichever system is the smaller.

    Args:
        gram: ``J^T J`` or ``J J^T``.
        slopes: J, shape (S, N, P).
        r: shape (S, N).
        damping: shape (S,), in units of the mean eigenvalue of ``J^T J``.
    """
    size, width = gram.shape[1], slopes.shape[2]
    dual = slopes.shape[1] < width
    right = r[:, :, None] if dual else slopes.transpose(0, 2, 1) @ r[:, :, None]
    lifted, index = gram.copy(), np.arange(size)
    lifted[:, index, index] += (damping * np.trace(gram, axis1=1, axis2=2) / width)[:, None] + 1e-15
    solution = None
    if size >= LARGE:
        try:
            pairs = zip(lifted, right, strict=True)
            solution = np.stack([cho_solve(cho_factor(a, check_finite=False), b, check_finite=False) for a, b in pairs])
        except LinAlgError:
            pass
    if solution is None:
        solution = np.linalg.solve(lifted, right)
    return np.asarray((slopes.transpose(0, 2, 1) @ solution if dual else solution)[:, :, 0])
