# SPDX-License-Identifier: Apache-2.0
"""Levenberg-Marquardt steps in a batch of starts."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from stinespring.circuits.multiplexer import FloatArray

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
    damping, index = np.full(starts, 1e-2), np.arange(width)
    r, slopes = problem.jacobian(x)
    loss = (r**2).sum(axis=1)
    history, fresh = [float(loss.min())], True
    curvature = gradient = np.empty(0)
    while len(history) <= steps and history[-1] > goal**2 and damping.min() < MOST_DAMPING:
        if fresh:
            curvature = np.stack([j.T @ j for j in slopes])  # one by one, BLAS sees that it is symmetric
            gradient = slopes.transpose(0, 2, 1) @ r[:, :, None]
        lifted = curvature.copy()
        scale = np.trace(curvature, axis1=1, axis2=2) / max(width, 1)
        lifted[:, index, index] += (damping * scale)[:, None] + 1e-15
        trial = x - _step(lifted, gradient)
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


def _step(matrices: FloatArray, gradients: FloatArray) -> FloatArray:
    """Return the solutions of positive systems, shape (S, P); matrices (S, P, P), gradients (S, P, 1)."""
    if matrices.shape[1] >= LARGE:
        try:
            pairs = zip(matrices, gradients, strict=True)
            return np.stack([cho_solve(cho_factor(a, check_finite=False), g, check_finite=False)[:, 0] for a, g in pairs])
        except LinAlgError:
            pass
    return np.asarray(np.linalg.solve(matrices, gradients)[:, :, 0])
