# SPDX-License-Identifier: Apache-2.0
"""Fits of a law over all outcome bits at once: saddle-free Gauss-Newton steps in a batch of starts.

The loss over complex amplitudes a is

    ``sum_{t,x} (|a_t(x)| - sqrt P(t|x))^2 / 2``.

Its Hessian in the plane of one amplitude is 1 along a, and ``1 - sqrt P / |a|`` across it. Plain Gauss-Newton keeps only the
first and stalls: an amplitude that is nearly zero turns freely, and the linear model of ``|a|`` holds for tiny steps only. With
``min(|1 - sqrt P / |a||, 1)`` across, random starts converge in some fifty iterations; where P is zero it is all of a.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from stinespring.circuits.search.joint_amplitudes import Amplitudes, Pattern, amplitudes, derivatives
from stinespring.readings import ComplexArray, FloatArray, IntArray

__all__ = ["JointFit", "JointFitted", "fit_jointly", "iteration_work"]

CALL_COST, LAYER_COST, RANK_COST = 6e-4, 9e-5, 2e-4  # modelled seconds of an iteration, a layer, a further turn in layers
ELEMENT_COST, SOLVE_COST = 4e-8, 4.5e-11  # of an entry of matrices and slopes, and of a multiply-add of the normal equations
GOAL = 1e-14  # largest error of a probability at which to stop
STALL, PATIENCE, NEARLY = 0.85, 16, 1e-8  # give up if the loss falls by less in so many iterations, unless it is tiny
TINY = 1e-150  # amplitudes below this have no direction
CURVED = 1e-4  # rows across with a smaller weight are left out


class JointFitted(NamedTuple):
    """What a fit returns.

    Attributes:
        params: angles of the best start, shape (parameters,).
        start: which one it is.
        error: its largest error of a probability.
        work: modelled seconds spent.
    """

    params: FloatArray
    start: int
    error: float
    work: float


class Point(NamedTuple):
    """A batch of angles: amplitudes, ``|a|`` and ``|a| - sqrt P`` of shape (S, E), the loss and the largest error, (S,)."""

    params: FloatArray
    run: Amplitudes
    modulus: FloatArray
    error: FloatArray
    loss: FloatArray
    worst: FloatArray


@dataclass(frozen=True)
class JointFit:
    """The equations ``|a_t(x)| = sqrt P(t|x)`` of a pattern of CZ, in a batch of starts.

    Attributes:
        pattern: where the CZ are.
        contexts: contexts that matter, shape (X,).
        wanted: sqrt P, shape (S or 1, X 2^k), the outcome being the fast index; each start may have codes of its own.
    """

    pattern: Pattern
    contexts: IntArray
    wanted: FloatArray

    def point(self, params: FloatArray) -> Point:
        """Evaluate angles of shape (S, parameters)."""
        run = amplitudes(self.pattern, params, self.contexts)
        modulus = np.asarray(abs(run.state).reshape(params.shape[0], -1), dtype=np.float64)
        error = modulus - self.wanted
        return Point(params, run, modulus, error, (error**2).sum(axis=1), abs(modulus**2 - self.wanted**2).max(axis=1))

    def model(self, point: Point) -> tuple[FloatArray, FloatArray]:
        """Return the curvature, shape (S, parameters, parameters), and the gradient, shape (S, parameters, 1)."""
        state = point.run.state
        modulus = abs(state)
        bra: ComplexArray = np.ones_like(state)
        np.divide(state.conj(), modulus, out=bra, where=modulus > TINY)
        slopes = derivatives(self.pattern, point.run, bra)
        radial = np.ascontiguousarray(slopes.real)
        curvature = radial @ radial.transpose(0, 2, 1)
        across = np.sqrt(np.minimum(abs(1 - self.wanted / np.maximum(point.modulus, TINY)), 1.0))
        rows = np.flatnonzero(across.max(axis=0) > CURVED)
        if rows.size:
            turning = slopes.imag if rows.size == across.shape[1] else slopes.imag[:, :, rows]
            side = turning * across[:, None, rows]
            curvature += side @ side.transpose(0, 2, 1)
        return curvature, radial @ point.error[:, :, None]


def iteration_work(pattern: Pattern, *, contexts: int, starts: int) -> float:
    """Return the modelled seconds of one iteration, fixed so that results do not depend on the load."""
    layers, rows = len(pattern.layers.couples), contexts << pattern.size
    sweep = LAYER_COST * layers + RANK_COST * (len(pattern.layers.ranks) - 1)
    entries = starts * rows * (len(pattern.layers.turns) + (layers << pattern.size))
    solve = starts * pattern.parameters**2 * (2 * rows + pattern.parameters / 3)
    return float(CALL_COST + sweep + ELEMENT_COST * entries + SOLVE_COST * solve)


def fit_jointly(problem: JointFit, params: FloatArray, *, iterations: int) -> JointFitted:
    """Lower the loss from every start until one meets the law to rounding, or all stall.

    Args:
        problem: the equations.
        params: starts, shape (S, parameters).
        iterations: at most so many.
    """
    starts, width = params.shape
    price = iteration_work(problem.pattern, contexts=problem.contexts.size, starts=starts)
    damping, index = np.full(starts, 1e-2), np.arange(width)
    point = problem.point(params)
    curvature, gradient = problem.model(point)
    history, moved = [float(point.loss.min())], False
    while len(history) <= iterations and point.worst.min() > GOAL and damping.min() < 1e6:
        if moved:
            curvature, gradient = problem.model(point)
        lifted = curvature.copy()
        lifted[:, index, index] += (damping * np.trace(curvature, axis1=1, axis2=2) / width)[:, None] + 1e-15
        trial = problem.point(point.params - np.linalg.solve(lifted, gradient)[:, :, 0])
        better = trial.loss < point.loss
        damping = np.clip(np.where(better, damping * 0.2, damping * 4), 1e-13, 1e7)
        moved = bool(better.any())
        if better.all():
            point = trial
        elif moved:
            point = problem.point(np.where(better[:, None], trial.params, point.params))
        history.append(float(point.loss.min()))
        if len(history) > 2 * PATIENCE and history[-1] > max(NEARLY, STALL * history[-1 - PATIENCE]):
            break
    best = int(np.argmin(point.worst))
    return JointFitted(point.params[best], best, float(point.worst[best]), price * len(history))
