# SPDX-License-Identifier: Apache-2.0
"""One particle's layer step as a linear combination of states."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stinespring.circuits.systems.linear_combination import Combination
from stinespring.errors import InputError
from stinespring.models.sphere.dynamics import Dynamics
from stinespring.models.sphere.model import SphereModel
from stinespring.models.sphere.schemes import Euler
from stinespring.readings import FloatArray

__all__ = ["layer_combination", "layers_of"]

VANISHES = 1e-12  # norm of a sum over its 1-norm below which there is no direction to speak of


def attention_row(model: SphereModel, i: int) -> FloatArray:
    """Return ``k_ij / Z_i`` for all j, shape (n,).

    Raises:
        InputError: the plain kernel overflows.
    """
    x = model.particles
    asked = x[i] if model.scores is None else x[i] @ model.scores
    scores = model.beta * (x @ asked)
    if model.normalise == "SA":
        weights = np.exp(scores - scores.max())
        return np.asarray(weights / weights.sum())
    with np.errstate(over="ignore"):
        weights = np.exp(scores - (model.beta if model.kernel == "scaled" else 0.0)) / model.n
    if not np.isfinite(weights).all():
        raise InputError("the kernel overflows", got=f"beta = {model.beta:g}", todo="use the scaled kernel or SA")
    return np.asarray(weights)


def layer_combination(model: SphereModel, i: int) -> Combination:
    """Return ``x_i +- h (sum_j a_ij V x_j + sum_r w_r sigma(a_r . x_i) o_r)`` as coefficients of unit vectors.

    The order is x_i, V x_j for all j, then the neurons; norms are in the coefficients, signs are kept. The projected field
    ``P_{x_i} y = y - <x_i, y> x_i`` takes its part along x_i from the first coefficient.

    Raises:
        InputError: no such particle, or a sum too short to have a direction.
    """
    if isinstance(i, bool) or not 0 <= i < model.n:
        raise InputError("there is no such particle", got=i, expected=f"a number from 0 to {model.n - 1}")
    x = model.particles
    parts = [(attention_row(model, i), x if not model.moves_values or model.value is None else x @ model.value.T)]
    if model.perceptron is not None:
        parts.append((model.perceptron.coefficients(x[i][None])[0], model.perceptron.output))
    factor = model.sign * model.step
    coefficients, vectors = [np.ones(1)], [x[i][None]]
    for weights, images in parts:
        norms = np.linalg.norm(images, axis=1)
        coefficients.append(factor * weights * norms)
        vectors.append(np.divide(images, norms[:, None], out=np.zeros_like(images), where=norms[:, None] > 0))
    result = Combination(np.concatenate(coefficients), np.concatenate(vectors))
    require_finite(model, result)
    if model.field == "projected":
        result.coefficients[0] -= float(x[i] @ (result.coefficients[1:] @ result.vectors[1:]))
    size = require_finite(model, result)
    if not size >= VANISHES * result.one_norm:
        raise InputError(
            "the sum has no direction: post-selection would never succeed",
            got=f"a norm of {size:.3g} for coefficients that add up to {result.one_norm:.3g}",
            expected=f"a norm of at least {VANISHES:g} of that",
            todo="use another --particle or step",
        )
    return result


def require_finite(model: SphereModel, combination: Combination) -> float:
    """Return the norm of the sum; refuse coefficients whose squares float64 cannot hold."""
    with np.errstate(over="ignore", invalid="ignore"):
        square = float(np.sum(combination.coefficients**2))
    if not np.isfinite(square):
        raise InputError(
            "the layer's coefficients overflow",
            got=f"beta = {model.beta:g}, step {model.step:g}",
            expected="coefficients below 1e150",
            todo="use the scaled kernel, SA or a smaller step",
        )
    return float(np.linalg.norm(combination.total))


def layers_of(model: SphereModel, particles: Sequence[int], layers: int) -> dict[int, list[Combination]]:
    """Return the steps of each particle through several layers; the host moves all particles between them."""
    moved = [model]
    if layers > 1:
        dynamics, take = Dynamics(model, sums="direct"), Euler(model.step)
        moment = dynamics(model.particles)
        for _ in range(layers - 1):
            moment = take(dynamics, moment)
            moved.append(model.at(moment.x))
    return {i: [layer_combination(now, i) for now in moved] for i in particles}
