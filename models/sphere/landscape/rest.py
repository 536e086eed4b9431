# SPDX-License-Identifier: Apache-2.0
"""Whether particles are at rest: the field on each is compared with the forces that act on it, and with their rounding.

A particle's own term ``k_ii x_i`` moves nothing and does not count: beside e^beta any perceptron would look like rest. What
counts is the perceptron's force where it is strongest, and without a perceptron ``sum_{j != i} k_ij |P_i V x_j| / Z_i``. That
vanishes where particles have met; what is left there is rounding, which is rest because no perceptron could hide in it.
"""

from __future__ import annotations

import numpy as np

from stinespring.models.sphere.dynamics import SERIES_NOISE, Dynamics, Moment, norms
from stinespring.models.sphere.series import SeriesSums
from stinespring.readings import FloatArray

__all__ = ["at_rest", "balanced", "imbalance"]

EPS = float(np.finfo(np.float64).eps)
NOISE = 64 * EPS  # of a sum of forces: their own rounding, and that of positions that an explicit step keeps shaking
ENTRIES = 1 << 18


def balanced(residual: FloatArray, acting: FloatArray, other: float, noise: FloatArray, tolerance: float) -> FloatArray:
    """Return for each particle whether the forces on it cancel.

    Args:
        residual: norm of the projected field.
        acting: size of the projected attention terms.
        other: the perceptron's force where it is strongest, 0 without one.
        noise: rounding of the residual.
        tolerance: at which part of the forces the residual counts as 0.

    Returns:
        Booleans: residual and rounding are both small beside the perceptron, which attention however strong must not hide;
        without a perceptron small beside attention, or the residual is nothing but rounding.
    """
    floor = np.maximum(residual, noise)
    return np.asarray(floor <= tolerance * other if other else (floor <= tolerance * acting) | (residual <= noise))


def at_rest(dynamics: Dynamics, moment: Moment, tolerance: float) -> bool:
    """Return whether the forces on every particle cancel within the tolerance; False where rounding leaves it open."""
    residual, other, noise = norms(moment.field), perceptron_force(dynamics), rounding(dynamics, moment)
    most = value_size(dynamics) * abs(moment.weight)  # no more than this acts: most moments are told apart without all pairs
    if other or not balanced(residual, most, other, noise, tolerance).all():
        return bool(balanced(residual, most, other, noise, tolerance).all())
    return bool(balanced(residual, attention_force(dynamics, moment.x), other, noise, tolerance).all())


def imbalance(dynamics: Dynamics, moment: Moment) -> float:
    """Return the largest residual over what it is compared with (:func:`balanced`), rounding included."""
    residual, other, noise = norms(moment.field), perceptron_force(dynamics), rounding(dynamics, moment)
    if other:
        return float(np.maximum(residual, noise).max()) / other
    share = np.maximum(residual, noise) / np.maximum(attention_force(dynamics, moment.x), np.finfo(np.float64).tiny)
    return float(np.where(residual <= noise, 0.0, np.minimum(share, 1.0)).max())


def value_size(dynamics: Dynamics) -> float:
    """Return the norm of V."""
    model = dynamics.model
    return float(np.linalg.norm(model.value, 2)) if model.moves_values and model.value is not None else 1.0


def rounding(dynamics: Dynamics, moment: Moment) -> FloatArray:
    """Return what rounding may add to the field of each particle, shape (n,)."""
    noise = NOISE * (value_size(dynamics) * abs(moment.weight) + perceptron_force(dynamics))
    if isinstance(dynamics.sums, SeriesSums):
        noise = noise + SERIES_NOISE * value_size(dynamics) * len(moment.x) * (moment.held + abs(moment.weight))
    return np.asarray(noise)


def perceptron_force(dynamics: Dynamics) -> float:
    """Return the perceptron's force where it is strongest; 0 without one."""
    return 0.0 if dynamics.model.perceptron is None else dynamics.model.perceptron.force


def attention_force(dynamics: Dynamics, x: FloatArray) -> FloatArray:
    """Return ``sum_{j != i} k_ij |P_i V x_j| / Z_i`` (with j = i where V is not the identity), shape (n,); over all pairs."""
    model, n = dynamics.model, len(x)
    asked = model.beta * (x if model.scores is None else x @ model.scores)
    values = x if not model.moves_values or model.value is None else x @ model.value.T
    squares, result, rows = np.einsum("ij,ij->i", values, values), np.empty(n), max(1, ENTRIES // n)
    for first in range(0, n, rows):
        here = slice(first, min(first + rows, n))
        scores = asked[here] @ x.T
        scores -= scores.max(axis=1, keepdims=True) if model.normalise == "SA" else dynamics.shift or 0.0
        k = np.exp(scores)
        z = k.sum(axis=1) if model.normalise == "SA" else float(n)
        sines = squares - (x[here] @ values.T) ** 2
        sines = np.sqrt(np.maximum(sines - 8 * EPS * squares, 0.0))  # 0 for particles that have met
        if values is x:
            sines[np.arange(len(sines)), np.arange(here.start, here.stop)] = 0.0
        result[here] = np.einsum("ij,ij->i", k, sines) / z
    return result
