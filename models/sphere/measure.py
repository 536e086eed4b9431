# SPDX-License-Identifier: Apache-2.0
"""The energy landscape on measures with finitely many atoms: gradient, Wasserstein Hessian, second-order conditions.

``E[mu] = (1/2) iint k dmu dmu + (1/2) int v dmu`` with ``k(x, y) = e^{beta (x.y - c)} / beta`` (c = 0 plain, 1 scaled); its
first variation is ``U(x) = int k(x, y) dmu(y) + v(x) / 2``. Along geodesics that start with tangent vectors xi(x),

    E' = int <grad U, xi> dmu,
    E'' = int Hess U [xi, xi] dmu + iint e^{beta (x.y - c)} (xi.eta + beta (xi.y)(x.eta)) dmu(x) dmu(y),  eta = xi(y).

Source: arXiv 2601.21366, the energy and its second variation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from stinespring.errors import InputError, TooLargeError
from stinespring.models.sphere.clusters import atoms
from stinespring.models.sphere.dynamics import Energy, tangent
from stinespring.models.sphere.model import FloatArray, SphereModel
from stinespring.models.sphere.perceptron import Perceptron

__all__ = ["AtomicMeasure", "SecondOrder", "bases", "measure_of"]

MOST_UNKNOWNS = 4000  # rows of the Hessian: 128 MB
KINK = 1e-9  # |a.x| below which an atom counts as lying on a kink of ReLU
BINDING_TOLERANCE = 1e-6


@dataclass(frozen=True)
class SecondOrder:
    """The second-order condition at an atomic measure.

    Attributes:
        kind: ``minimum`` or ``maximum``, whichever was asked for.
        holds: whether the measure is stationary within the tolerance and no eigenvalue has the wrong sign beyond it.
        strict: whether, besides, all eigenvalues except those of rotations that leave the energy alone have the right sign.
        stationary: whether the residual is within the tolerance.
        residual: largest norm of grad U at an atom.
        lowest, highest: extreme eigenvalues of the Wasserstein Hessian: one tangent vector for each atom.
        splitting_lowest, splitting_highest: extreme eigenvalues of Hess U at the atoms: an atom's mass moves apart.
        scale: what the tolerance is relative to: the kernel's largest value plus the perceptron's strength.
        kinks: atoms on a kink of ReLU, where Hess v does not exist (the slope there is taken as 0).
    """

    kind: Literal["minimum", "maximum"]
    holds: bool
    strict: bool
    stationary: bool
    residual: float
    lowest: float
    highest: float
    splitting_lowest: float
    splitting_highest: float
    scale: float
    kinks: int


def bases(x: FloatArray) -> FloatArray:
    """Return an orthonormal basis of each tangent space, shape (K, d - 1, d), by Householder reflections."""
    count, d = x.shape
    v = x.copy()
    v[:, 0] += np.where(x[:, 0] >= 0, 1.0, -1.0)
    reflected = np.eye(d)[None] - 2.0 * np.einsum("ki,kj->kij", v, v) / np.einsum("ki,ki->k", v, v)[:, None, None]
    return np.asarray(reflected[:, 1:, :]).reshape(count, d - 1, d)


@dataclass(frozen=True, eq=False)
class AtomicMeasure:
    """``mu = sum_k m_k delta(x_k)`` in the energy of a gradient model.

    Attributes:
        atoms: shape (K, d), unit rows.
        masses: shape (K,), positive, sum 1.
        beta: inverse temperature.
        perceptron: with output equal to directions, or None.
        scaled: whether the kernel is ``e^{beta (x.y - 1)}``.
    """

    atoms: FloatArray
    masses: FloatArray
    beta: float
    perceptron: Perceptron | None = None
    scaled: bool = False

    @cached_property
    def kernel(self) -> FloatArray:
        """``e^{beta (x.y - c)}`` between atoms, shape (K, K)."""
        return np.exp(self.beta * (self.atoms @ self.atoms.T - float(self.scaled)))

    @property
    def energy(self) -> Energy:
        """The energy in its two parts."""
        attention = float(self.masses @ self.kernel @ self.masses) / (2.0 * self.beta)
        perceptron = 0.0 if self.perceptron is None else 0.5 * float(self.masses @ self.perceptron.potential(self.atoms))
        return Energy(attention, perceptron)

    def first_variation(self, x: FloatArray) -> FloatArray:
        """Return U at points of shape (P, d), shape (P,)."""
        k = np.exp(self.beta * (x @ self.atoms.T - float(self.scaled)))
        value = k @ self.masses / self.beta
        return np.asarray(value if self.perceptron is None else value + 0.5 * self.perceptron.potential(x))

    @cached_property
    def gradient(self) -> FloatArray:
        """``grad U`` at the atoms, the Wasserstein gradient, shape (K, d): the bracket that vanishes where mu is stationary."""
        pull = self.kernel @ (self.masses[:, None] * self.atoms)
        return tangent(self.atoms, pull if self.perceptron is None else pull + self.perceptron.drift(self.atoms))

    @property
    def residual(self) -> float:
        """Largest norm of grad U at an atom."""
        return float(np.linalg.norm(self.gradient, axis=1).max())

    @property
    def scale(self) -> float:
        """The kernel's largest value plus the perceptron's strength: what residuals and eigenvalues are compared with."""
        return float(self.kernel.max()) * (1.0 + self.beta) + (0.0 if self.perceptron is None else self.perceptron.strength)

    def local_hessians(self) -> FloatArray:
        """Return Hess U at the atoms in their tangent bases, shape (K, d - 1, d - 1)."""
        frames, weighted = bases(self.atoms), self.kernel * self.masses
        toward = np.einsum("kai,li->kal", frames, self.atoms)
        result = self.beta * np.einsum("kl,kal,kbl->kab", weighted, toward, toward)
        radial = np.einsum("kl,kl->k", weighted, self.atoms @ self.atoms.T)
        result -= radial[:, None, None] * np.eye(frames.shape[1])
        if self.perceptron is not None:
            curvature = self.perceptron.half_curvature(self.atoms)
            result += np.einsum("kai,kij,kbj->kab", frames, curvature, frames)
        return np.asarray(result)

    def hessian(self) -> FloatArray:
        """Return the Wasserstein Hessian, shape (K (d-1), K (d-1)), in coordinates ``sqrt(m_k) xi_k`` (orthonormal in L^2(mu)).

        Raises:
            TooLargeError: too many atoms for a dense matrix.
        """
        frames = bases(self.atoms)
        count, d1, _ = frames.shape
        if count * d1 > MOST_UNKNOWNS:
            raise TooLargeError("the Hessian is too large", got=f"{count} atoms", expected=f"at most {MOST_UNKNOWNS // d1}")
        toward = np.einsum("kai,li->kal", frames, self.atoms)
        cross = np.einsum("kai,lbi->kalb", frames, frames) + self.beta * np.einsum("kal,lbk->kalb", toward, toward)
        root = np.sqrt(self.masses)
        result = cross * (self.kernel * root[:, None] * root)[:, None, :, None]
        index = np.arange(count)
        result[index, :, index, :] += self.local_hessians()
        return np.asarray(result.reshape(count * d1, count * d1))

    def second_order(
        self, kind: Literal["minimum", "maximum"] = "minimum", *, tolerance: float = BINDING_TOLERANCE
    ) -> SecondOrder:
        """Return whether the measure meets the second-order condition of a local minimum or maximum.

        Perturbations are vector fields on the support, as in the claims: an atom moves as a whole. The eigenvalues of Hess U,
        which decide whether splitting an atom helps, are reported beside them.

        Args:
            kind: what to test for.
            tolerance: relative to :attr:`scale`.
        """
        values = np.linalg.eigvalsh(self.hessian())
        split = np.linalg.eigvalsh(self.local_hessians())
        slack = tolerance * self.scale
        stationary = self.residual <= slack
        worst = values[0] if kind == "minimum" else -values[-1]
        right = values if kind == "minimum" else -values
        d = self.atoms.shape[1]
        free = d * (d - 1) // 2 if self.perceptron is None else 0
        kinks = 0
        if self.perceptron is not None and self.perceptron.activation == "relu":
            kinks = int((abs(self.atoms @ self.perceptron.directions.T) < KINK).any(axis=1).sum())
        holds = bool(stationary and worst >= -slack)
        return SecondOrder(
            kind, holds, bool(holds and (right > slack).sum() >= len(right) - free), stationary, self.residual,
            float(values[0]), float(values[-1]), float(split.min()), float(split.max()), self.scale, kinks,
        )  # fmt: skip


def measure_of(model: SphereModel, x: FloatArray | None = None, *, width: float = 1e-6) -> AtomicMeasure:
    """Return the empirical measure of particles, those within ``width`` radians of each other joined to one atom.

    Raises:
        InputError: outside the gradient case there is no energy.
    """
    if not model.is_gradient:
        raise InputError(
            "there is no energy", got="a model outside the gradient case", expected="Q^T K = V = I and output = directions"
        )
    points, masses = atoms(model.particles if x is None else x, width)
    return AtomicMeasure(points, masses, model.beta, model.perceptron, model.kernel == "scaled")


def analysis(model: SphereModel, kind: Literal["minimum", "maximum"], *, width: float, tolerance: float) -> dict[str, Any]:
    """Return what ``sphere analyse --json`` prints about a measure."""
    measure = measure_of(model, width=width)
    result = measure.second_order(kind, tolerance=tolerance)
    return {
        "atoms": measure.atoms.tolist(), "masses": measure.masses.tolist(), "energy": measure.energy._asdict(),
        "second_order": vars(result),
    }  # fmt: skip
