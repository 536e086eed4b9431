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
from stinespring.models.sphere.dynamics import Energy, norms
from stinespring.models.sphere.landscape.rest import NOISE, balanced
from stinespring.models.sphere.model import SphereModel
from stinespring.models.sphere.perceptron import Perceptron
from stinespring.readings import FloatArray

__all__ = ["AtomicMeasure", "SecondOrder", "bases", "measure_of", "require_energy"]

MOST_UNKNOWNS = 4000  # rows of the Hessian: 128 MB
KINK = 1e-9  # |a.x| below which an atom counts as lying on a kink of ReLU
BINDING_TOLERANCE = 1e-6
SMALLEST_BETA, LARGEST_PLAIN_BETA, LARGEST_SCALED_BETA = 1e-100, 300.0, 1e100


@dataclass(frozen=True)
class SecondOrder:
    """The second-order condition at an atomic measure.

    Attributes:
        kind: ``minimum`` or ``maximum``, whichever was asked for.
        holds: whether the measure is stationary within the tolerance and no eigenvalue has the wrong sign beyond it; False
            where rounding leaves it open.
        strict: whether, besides, all eigenvalues except those of rotations that leave the energy alone have the right sign.
        stationary: whether the residual is within the tolerance.
        residual: largest norm of grad U at an atom.
        lowest, highest: extreme eigenvalues of the Wasserstein Hessian: one tangent vector for each atom.
        splitting_lowest, splitting_highest: extreme eigenvalues of Hess U at the atoms: an atom's mass moves apart.
        decidable: whether rounding is small beside the forces and curvatures that the tolerance is relative to.
        scale: what the tolerance of the residual is relative to: the perceptron's force where it is strongest; without one the
            projected forces of the other atoms, where they are smallest (each atom is compared with its own).
        curvature: the same for eigenvalues: the perceptron's strength, or the smallest ``(1 + beta) sum_{l != k} m_l k_kl``.
        kinks: atoms on a kink of ReLU, where Hess v does not exist (the slope there is taken as 0).
    """

    kind: Literal["minimum", "maximum"]
    holds: bool
    strict: bool
    stationary: bool
    decidable: bool
    residual: float
    lowest: float
    highest: float
    splitting_lowest: float
    splitting_highest: float
    scale: float
    curvature: float
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
    def frames(self) -> FloatArray:
        """A basis of each tangent space, shape (K, d - 1, d)."""
        return bases(self.atoms)

    @cached_property
    def others(self) -> FloatArray:
        """The kernel between distinct atoms: an atom's own term moves nothing, and its rounding would drown what does."""
        kernel = self.kernel.copy()
        np.fill_diagonal(kernel, 0.0)
        return kernel

    @cached_property
    def toward(self) -> FloatArray:
        """Tangential part of each atom at each other in its basis, shape (K, d - 1, K); by differences, exact when close."""
        result = np.zeros((len(self.atoms), self.frames.shape[1], len(self.atoms)))
        for i in range(self.atoms.shape[1]):
            result += self.frames[:, :, i, None] * (self.atoms[None, :, i] - self.atoms[:, None, i])[:, None, :]
        return result

    @cached_property
    def gradient(self) -> FloatArray:
        """``grad U`` at the atoms, the Wasserstein gradient, shape (K, d): the bracket that vanishes where mu is stationary."""
        pull = np.einsum("kal,kl->ka", self.toward, self.others * self.masses)
        if self.perceptron is not None:
            pull = pull + np.einsum("kai,ki->ka", self.frames, self.perceptron.drift(self.atoms))
        return np.asarray(np.einsum("ka,kai->ki", pull, self.frames))

    @property
    def residual(self) -> float:
        """Largest norm of grad U at an atom."""
        return float(norms(self.gradient).max())

    def forces(self) -> tuple[FloatArray, float, FloatArray]:
        """Return at each atom the size of attention's projected terms, of the perceptron, and their rounding; (K,)."""
        weighted = self.others * self.masses
        acting = np.einsum("kl,kl->k", weighted, np.sqrt(np.einsum("kal,kal->kl", self.toward, self.toward)))
        other = 0.0 if self.perceptron is None else self.perceptron.force
        return acting, other, NOISE * (weighted.sum(axis=1) + other)

    def curvature_scale(self) -> float:
        """Return the perceptron's strength; without one the least curvature of attention between an atom and the others."""
        if self.perceptron is not None and self.perceptron.strength > 0:
            return self.perceptron.strength
        return (1.0 + self.beta) * float((self.others @ self.masses).min())

    def attraction(self, kernel: FloatArray) -> FloatArray:
        """Return the part of Hess U that a kernel between atoms makes, shape (K, d - 1, d - 1)."""
        weighted = kernel * self.masses
        result = self.beta * np.einsum("kl,kal,kbl->kab", weighted, self.toward, self.toward, optimize=True)
        radial = np.einsum("kl,kl->k", weighted, self.atoms @ self.atoms.T)
        result -= radial[:, None, None] * np.eye(self.frames.shape[1])
        if self.perceptron is not None:
            curvature = self.perceptron.half_curvature(self.atoms)
            result += np.einsum("kai,kij,kbj->kab", self.frames, curvature, self.frames)
        return np.asarray(result)

    def local_hessians(self) -> FloatArray:
        """Return Hess U at the atoms in their tangent bases, shape (K, d - 1, d - 1)."""
        return self.attraction(self.kernel)

    def hessian(self) -> FloatArray:
        """Return the Wasserstein Hessian, shape (K (d-1), K (d-1)), in coordinates ``sqrt(m_k) xi_k`` (orthonormal in L^2(mu)).

        An atom's own term cancels: it is left out of both parts.

        Raises:
            TooLargeError: too many atoms for a dense matrix.
        """
        count, d1, _ = self.frames.shape
        self.require_size()
        cross = np.einsum("kai,lbi->kalb", self.frames, self.frames)
        cross += self.beta * np.einsum("kal,lbk->kalb", self.toward, self.toward)
        root = np.sqrt(self.masses)
        result = cross * (self.others * root[:, None] * root)[:, None, :, None]
        index = np.arange(count)
        result[index, :, index, :] += self.attraction(self.others)
        return np.asarray(result.reshape(count * d1, count * d1))

    def require_size(self) -> None:
        """Refuse measures whose Hessian is too large."""
        count, d1 = len(self.atoms), self.atoms.shape[1] - 1
        if count * d1 > MOST_UNKNOWNS:
            raise TooLargeError("the Hessian is too large", got=f"{count} atoms", expected=f"at most {MOST_UNKNOWNS // d1}")

    def second_order(
        self, kind: Literal["minimum", "maximum"] = "minimum", *, tolerance: float = BINDING_TOLERANCE
    ) -> SecondOrder:
        """Return whether the measure meets the second-order condition of a local minimum or maximum.

        Perturbations are vector fields on the support, as in the claims: an atom moves as a whole. The eigenvalues of Hess U,
        which decide whether splitting an atom helps, are reported beside them.

        Args:
            kind: what to test for.
            tolerance: relative to the forces and curvatures that act, at each atom (see :class:`SecondOrder`).
        """
        values = np.linalg.eigvalsh(self.hessian())
        split = np.linalg.eigvalsh(self.local_hessians())
        acting, other, noise = self.forces()
        residual = norms(self.gradient)
        stationary = bool(balanced(residual, acting, other, noise, tolerance).all())
        curvature = self.curvature_scale()
        slack = tolerance * curvature
        shaken = NOISE * float(abs(values).max())
        decidable = bool((balanced(0.0 * residual, acting, other, noise, tolerance)).all() and shaken <= slack)
        right = values if kind == "minimum" else -values[::-1]
        d = self.atoms.shape[1]
        free = d * (d - 1) // 2 if self.perceptron is None else 0
        holds = bool(stationary and decidable and right[0] >= -slack)
        return SecondOrder(
            kind, holds, bool(holds and (right > slack).sum() >= len(right) - free), stationary, decidable, self.residual,
            float(values[0]), float(values[-1]), float(split.min()), float(split.max()), other or float(acting.min()),
            curvature, self.kinks(),
        )  # fmt: skip

    def kinks(self) -> int:
        """Return how many atoms lie on a kink of ReLU."""
        p = self.perceptron
        if p is None or p.activation != "relu":
            return 0
        return int((abs(self.atoms @ p.directions.T) < KINK).any(axis=1).sum())


def require_energy(model: SphereModel) -> None:
    """Refuse models without an energy, or whose energy and its squares float64 cannot hold."""
    if not model.is_gradient:
        raise InputError(
            "there is no energy", got="a model outside the gradient case", expected="Q^T K = V = I and output = directions"
        )
    if not SMALLEST_BETA <= model.beta <= (LARGEST_SCALED_BETA if model.kernel == "scaled" else LARGEST_PLAIN_BETA):
        raise InputError(
            "the energy is out of range",
            got=f"beta = {model.beta:g}, kernel {model.kernel}",
            expected=f"beta from {SMALLEST_BETA:g} to {LARGEST_PLAIN_BETA:g} (plain) or {LARGEST_SCALED_BETA:g} (scaled)",
            todo="use the scaled kernel, with weights times e^-beta for the same landscape",
        )


def measure_of(model: SphereModel, x: FloatArray | None = None, *, width: float = 1e-6) -> AtomicMeasure:
    """Return the empirical measure of particles, those within ``width`` radians of each other joined to one atom.

    Raises:
        InputError: outside the gradient case there is no energy; with the plain kernel at large beta it overflows.
    """
    require_energy(model)
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
