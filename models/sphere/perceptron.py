# SPDX-License-Identifier: Apache-2.0
"""The perceptron of a layer on the sphere: drift, potential, and the potential's curvature."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from stinespring.readings import FloatArray

__all__ = ["ACTIVATIONS", "Activation", "Perceptron"]


class Activation(NamedTuple):
    """An activation sigma, its derivative, and phi with ``phi' = 2 sigma``; each maps arrays entry by entry."""

    value: Callable[[FloatArray], FloatArray]
    slope: Callable[[FloatArray], FloatArray]
    primitive: Callable[[FloatArray], FloatArray]
    analytic: bool


def _normal(z: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the standard normal distribution function and its density."""
    from scipy.special import ndtr

    return np.asarray(ndtr(z)), np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi)


def _gelu_slope(z: FloatArray) -> FloatArray:
    below, density = _normal(z)
    return below + z * density


def _gelu_primitive(z: FloatArray) -> FloatArray:
    below, density = _normal(z)
    return np.asarray((z * z - 1.0) * below + z * density)


def _gelu(z: FloatArray) -> FloatArray:
    return np.asarray(z * _normal(z)[0])


def _log_cosh(z: FloatArray) -> FloatArray:
    return np.asarray(2.0 * (abs(z) + np.log1p(np.exp(-2.0 * abs(z))) - np.log(2.0)))


ACTIVATIONS: Mapping[str, Activation] = {
    "relu": Activation(
        lambda z: np.maximum(z, 0.0), lambda z: (z > 0).astype(np.float64), lambda z: np.maximum(z, 0.0) ** 2, False
    ),
    "gelu": Activation(_gelu, _gelu_slope, _gelu_primitive, True),
    "tanh": Activation(np.tanh, lambda z: 1.0 - np.tanh(z) ** 2, _log_cosh, True),
}


@dataclass(frozen=True, eq=False)
class Perceptron:
    """``sum_r w_r sigma(a_r . x) o_r``; where ``o = a`` it is half the gradient of ``v(x) = sum_r w_r phi(a_r . x)``.

    Attributes:
        directions: a, shape (m, d).
        weights: w, shape (m,).
        output: o, shape (m, d).
        activation: sigma: relu, gelu (the exact erf form) or tanh.

    Source: arXiv 2601.21366, the field ``u`` and the potential ``v``.
    """

    directions: FloatArray
    weights: FloatArray
    output: FloatArray
    activation: Literal["relu", "gelu", "tanh"]

    @property
    def is_gradient(self) -> bool:
        """Whether the drift is half the gradient of a potential because output equals directions."""
        return bool(np.array_equal(self.output, self.directions))

    @property
    def strength(self) -> float:
        """``sum_r |w_r| |a_r|^2``, which bounds half the curvature of v for every 1-Lipschitz sigma with sigma(0) = 0."""
        return float(abs(self.weights) @ (self.directions**2).sum(axis=1))

    @property
    def force(self) -> float:
        """``sum_r |w_r| |o_r| max |sigma(a_r . x)|`` over unit x, which bounds the drift."""
        kind, lengths = ACTIVATIONS[self.activation].value, np.linalg.norm(self.directions, axis=1)
        largest = np.maximum(abs(kind(lengths)), abs(kind(-lengths)))
        return float(abs(self.weights) @ (largest * np.linalg.norm(self.output, axis=1)))

    def coefficients(self, x: FloatArray) -> FloatArray:
        """Return ``w_r sigma(a_r . x)``, shape (n, m), for points of shape (n, d)."""
        return np.asarray(ACTIVATIONS[self.activation].value(x @ self.directions.T) * self.weights)

    def drift(self, x: FloatArray) -> FloatArray:
        """Return ``sum_r w_r sigma(a_r . x) o_r``, shape (n, d)."""
        return np.asarray(self.coefficients(x) @ self.output)

    def potential(self, x: FloatArray) -> FloatArray:
        """Return v, shape (n,)."""
        return np.asarray(ACTIVATIONS[self.activation].primitive(x @ self.directions.T) @ self.weights)

    def drift_and_potential(self, x: FloatArray) -> tuple[FloatArray, float]:
        """Return the drift and the sum of v over the points, from one evaluation of ``a_r . x``."""
        kind, z = ACTIVATIONS[self.activation], x @ self.directions.T
        drift = (kind.value(z) * self.weights) @ self.output
        return np.asarray(drift), float(kind.primitive(z).sum(axis=0) @ self.weights)

    def half_curvature(self, x: FloatArray) -> FloatArray:
        """Return half the Hessian of v on the sphere as a matrix on R^d, to be used on tangent vectors; shape (n, d, d).

        ``(1/2) Hess v[t, t] = sum_r w_r (sigma'(a_r . x) (a_r . t)^2 - sigma(a_r . x) (a_r . x) |t|^2)``. For ReLU the slope
        at the kink itself is taken as 0.
        """
        kind, z = ACTIVATIONS[self.activation], x @ self.directions.T
        outer = np.einsum("nr,ri,rj->nij", self.weights * kind.slope(z), self.directions, self.directions)
        return np.asarray(outer - (kind.value(z) * z @ self.weights)[:, None, None] * np.eye(x.shape[1]))
