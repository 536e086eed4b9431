# SPDX-License-Identifier: Apache-2.0
"""The velocity of every particle, and the energy that comes with it at no extra cost."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np

from stinespring.errors import InputError
from stinespring.models.sphere.direct import DirectSums
from stinespring.models.sphere.model import SphereModel
from stinespring.models.sphere.series import SeriesSums
from stinespring.readings import FloatArray

__all__ = ["Dynamics", "Energy", "Moment", "Sums", "norms", "require_finite_energy", "tangent"]

Sums = Literal["auto", "direct", "series"]
SERIES_BETA = {2: 700.0, 3: 16.0}  # on S^2 the basis of the series loses digits beyond
LARGEST_EXPONENT = 708.0  # e^709.8 is the largest float64
SERIES_NOISE = 1e-14  # of the kernel's largest value
ROWS = 4096  # particles whose neurons are evaluated at a time


class Energy(NamedTuple):
    """``E[mu] = (1/(2 beta)) iint k dmu dmu + (1/2) int v dmu`` in its two parts, with the file's kernel k."""

    attention: float
    perceptron: float

    @property
    def total(self) -> float:
        """The sum."""
        return self.attention + self.perceptron


class Moment(NamedTuple):
    """The particles at one time.

    Attributes:
        x: positions, shape (n, d).
        pull: ``sum_j k_ij V x_j / Z_i + u(x_i)``, neither projected nor signed, shape (n, d); where V is the identity without
            the term j = i, which points along x_i and moves nothing.
        held: ``k_ii / Z_i``, the term left out of the pull, shape (n,); 0 where V is not the identity.
        weight: ``sum_j k_ij / Z_i`` of the terms in the pull, shape (n,).
        energy: None outside the gradient case, and where it is no finite number.
    """

    x: FloatArray
    pull: FloatArray
    held: FloatArray
    weight: FloatArray
    energy: Energy | None

    @property
    def drift(self) -> FloatArray:
        """``sum_j k_ij V x_j / Z_i + u(x_i)`` with all terms, shape (n, d)."""
        return np.asarray(self.pull + self.held[:, None] * self.x)

    @property
    def field(self) -> FloatArray:
        """The projected drift ``P_x drift(x)``, shape (n, d)."""
        return tangent(self.x, self.pull)

    @property
    def residual(self) -> float:
        """Largest norm of the projected field: 0 at a stationary point."""
        return float(norms(self.field).max())

    @property
    def reach(self) -> float:
        """A bound on every force, projected or not; the term j = i does not count."""
        return float((norms(self.pull) + abs(self.weight)).max())


def norms(rows: FloatArray) -> FloatArray:
    """Return the norm of each row; no square overflows."""
    largest = float(abs(rows).max(initial=0.0))
    if not 1e-100 < largest < 1e100:
        return np.asarray(np.hypot.reduce(rows, axis=1))
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", rows, rows)))


def tangent(x: FloatArray, field: FloatArray) -> FloatArray:
    """Return ``P_x y = y - <x, y> x`` for each row."""
    return np.asarray(field - np.einsum("ij,ij->i", x, field)[:, None] * x)


class Dynamics:
    """Evaluates a model's drift; all working memory is taken once and does not grow with n^2.

    Args:
        model: what moves; its own particles are not used.
        sums: ``direct`` (all pairs, in blocks), ``series`` (harmonics; on S^1 and S^2 with Q^T K = I) or ``auto``: the
            faster one by an estimate.

    Raises:
        InputError: a series where there is none.
    """

    def __init__(self, model: SphereModel, *, sums: Sums = "auto") -> None:
        self.model = model
        n, d, beta = model.n, model.d, model.beta
        value = model.value if model.moves_values else None
        shift: float | None = None  # SA divides any common factor of a row out again
        if model.normalise == "USA":
            shift = beta if model.kernel == "scaled" else 0.0
        elif model.scores is None:
            shift = beta
        has_series = model.scores is None and beta <= SERIES_BETA.get(d, 0.0)
        if sums == "series" and not has_series:
            raise InputError(
                "there is no series of this kernel",
                got=f"d = {d}, beta = {beta:g}",
                expected=f"Q^T K = I and d = 2, beta <= {SERIES_BETA[2]:g}, or d = 3, beta <= {SERIES_BETA[3]:g}",
                todo="use --sums direct",
            )
        self.sums: DirectSums | SeriesSums
        if sums == "series" or (sums == "auto" and has_series and series_is_faster(model)):
            assert shift is not None
            self.sums = SeriesSums(n, d, beta, value, shift, apart=value is None)
        else:
            self.sums = DirectSums(n, d, beta, model.scores, value, shift, apart=value is None)
        self.energy_rises = model.energy_rises
        self.energy_factor: float | None = None  # from sum_ij k_ij as evaluated to the file's kernel
        if model.is_gradient and shift is not None:
            difference = shift - (beta if model.kernel == "scaled" else 0.0)
            self.energy_factor = float(np.exp(difference)) if difference < LARGEST_EXPONENT else None
        self.energy_noise = 0.0  # of a series, beside the rounding that every sum has
        if isinstance(self.sums, SeriesSums) and self.energy_factor is not None:
            self.energy_noise = SERIES_NOISE * float(np.exp(beta if model.kernel == "plain" else 0.0)) / (2.0 * beta)
        self.shift = shift

    def __call__(self, x: FloatArray) -> Moment:
        """Return drift and energy for particles x, shape (n, d).

        Raises:
            InputError: the plain kernel overflows.
        """
        model, (n, d) = self.model, x.shape
        with np.errstate(over="ignore", invalid="ignore"):
            sums = self.sums(x)
            total = float(sums[:, d].sum() + self.sums.own.sum())
        if not np.isfinite(total):
            raise InputError(
                "the kernel overflows",
                got=f"beta = {model.beta:g}, kernel {model.kernel}, {model.normalise}",
                expected="beta <Qx, Kx'> below 709",
                todo="use the scaled kernel or SA",
            )
        z = sums[:, d] + self.sums.own if model.normalise == "SA" else np.full(n, float(n))
        pull, held, weight = sums[:, :d] / z[:, None], self.sums.own / z, sums[:, d] / z
        potential = 0.0
        if model.perceptron is not None:
            for first in range(0, n, ROWS):
                rows = slice(first, first + ROWS)
                part, value = model.perceptron.drift_and_potential(x[rows])
                pull[rows] += part
                potential += value
        energy = None
        if self.energy_factor is not None:
            size = math.log(total) + math.log(self.energy_factor) - math.log(2.0 * model.beta) - 2.0 * math.log(n)
            if size < LARGEST_EXPONENT:
                energy = Energy(total / n**2 * self.energy_factor / (2.0 * model.beta), potential / (2.0 * n))
        return Moment(x, pull, held, weight, energy)


def require_finite_energy(model: SphereModel) -> None:
    """Refuse models whose energy float64 cannot hold although their motion it can: SA with the plain kernel at large beta."""
    if model.is_gradient and Dynamics(model)(model.particles).energy is None:
        raise InputError(
            "the energy overflows",
            got=f"beta = {model.beta:g}, kernel {model.kernel}",
            expected="e^beta / beta below 1e307",
            todo="use the scaled kernel" + (": with SA it moves particles the same way" if model.normalise == "SA" else ""),
        )


def series_is_faster(model: SphereModel) -> bool:
    """Return whether harmonics are expected to beat all pairs; nanoseconds as measured, right within a factor of two."""
    degree = 6.0 + 8.0 * np.sqrt(model.beta)
    direct = 30e3 + 1.8 * model.n**2
    if model.d == 2:
        return bool(40e3 + 5.5 * model.n * (2 * degree + 1) < direct)
    return bool(10e3 * degree + 8.0 * model.n * (degree + 1) ** 2 < direct)
