# SPDX-License-Identifier: Apache-2.0
"""The global minimum of the energy over measures on a grid, with a certificate.

In the masses m of grid points the energy is convex, ``E = (1/2) m^T K m + c^T m``, since ``e^{beta x.y}`` is positive definite.
The points of lowest first variation enter one by one and the masses of those in use are solved for (fully corrective
conditional gradient). ``gap = <U, m> - min U`` bounds the distance of E from its minimum, and ``sqrt(2 gap)`` the distance of
m from the minimiser in the norm ``sqrt(s^T K s)``.

Source: Jaggi, Proc. ICML 2013, PMLR 28, 427 (conditional gradient and its gap).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from stinespring.errors import InputError
from stinespring.models.sphere.landscape.measure import AtomicMeasure
from stinespring.models.sphere.model import SphereModel, normalised
from stinespring.readings import FloatArray

__all__ = ["Minimum", "grid", "kernel_distance", "minimise_energy"]

MOST_ROUNDS = 600
SMALL_MASS = 1e-12
RIDGE = 1e-13  # relative to the kernel's diagonal: neighbours on the grid are nearly the same point


@dataclass(frozen=True)
class Minimum:
    """A measure near the minimiser.

    Attributes:
        measure: on points of the grid.
        gap: bound on ``E - min E`` over measures on the grid.
        fine_gap: the same with the lowest first variation sought on a finer grid: an estimate for all measures.
        scale: the smaller of attention's energy and half the range of v: what a gap must be small beside to tell anything.
    """

    measure: AtomicMeasure
    gap: float
    fine_gap: float
    scale: float


def grid(d: int, points: int) -> FloatArray:
    """Return nearly even points of the circle or of S^2 (a Fibonacci spiral), shape (points, d)."""
    number = np.arange(points)
    if d == 2:
        angle = 2 * math.pi * number / points
        return np.stack([np.cos(angle), np.sin(angle)], axis=1)
    if d != 3:
        raise InputError("there is no grid", got=f"d = {d}", expected="d = 2 or 3")
    height = 1 - (2 * number + 1) / points
    turn = math.pi * (3 - math.sqrt(5)) * number
    radius = np.sqrt(1 - height**2)
    return normalised(np.stack([radius * np.cos(turn), radius * np.sin(turn), height], axis=1))


def minimise_energy(model: SphereModel, *, points: int = 1440, start: int = 0, tolerance: float = 1e-9) -> Minimum:
    """Return the measure of lowest energy on a grid.

    Args:
        model: gives beta, kernel and perceptron (gradient case, d = 2 or 3).
        points: of the grid.
        start: number of the point that the search begins with.
        tolerance: gap at which it ends, relative to the kernel's largest value.
    """
    x = grid(model.d, points)
    scaled = model.kernel == "scaled"
    kernel = np.exp(model.beta * (x @ x.T - float(scaled))) / model.beta
    linear = np.zeros(points) if model.perceptron is None else 0.5 * model.perceptron.potential(x)
    scale = float(kernel.max()) + float(np.ptp(linear))
    active = np.array([start % points])
    masses = np.ones(1)
    gap = math.inf
    for _ in range(MOST_ROUNDS):
        variation = kernel[:, active] @ masses + linear
        best = int(np.argmin(variation))
        gap = float(variation[active] @ masses - variation[best])
        if gap <= tolerance * scale or best in active:
            break
        active, masses = _corrected(kernel, linear, np.append(active, best), np.append(masses, 0.0))
    measure = AtomicMeasure(x[active], masses, model.beta, model.perceptron, scaled)
    fine = measure.first_variation(grid(model.d, 8 * points))
    fine_gap = float(measure.first_variation(x[active]) @ masses - fine.min())
    energy, spread = measure.energy.attention, float(np.ptp(linear))
    return Minimum(measure, max(0.0, gap), fine_gap, min(energy, spread) if spread > 0 else energy)


def _corrected(kernel: FloatArray, linear: FloatArray, active: np.ndarray, masses: FloatArray) -> tuple[np.ndarray, FloatArray]:
    """Return the points in use and their best masses: solve, go until a mass vanishes, drop it, and solve again."""
    while True:
        size = len(active)
        system = np.ones((size + 1, size + 1))
        system[:size, :size], system[size, size] = kernel[np.ix_(active, active)], 0.0
        system[np.arange(size), np.arange(size)] += RIDGE * kernel[0, 0]
        wanted: FloatArray = np.linalg.solve(system, np.append(-linear[active], 1.0))[:size]
        if wanted.min() >= 0 or size == 1:
            return active, np.maximum(wanted, 0.0) / np.maximum(wanted, 0.0).sum()
        falling = wanted < masses
        share = float(np.min(masses[falling & (wanted < 0)] / (masses - wanted)[falling & (wanted < 0)]))
        masses = np.maximum(masses + share * (wanted - masses), 0.0)
        keep = (masses > SMALL_MASS) | (wanted > SMALL_MASS)
        if keep.all():
            keep[int(np.argmin(wanted))] = False
        active, masses = active[keep], masses[keep] / masses[keep].sum()


def kernel_distance(first: AtomicMeasure, second: AtomicMeasure) -> float:
    """Return ``sqrt(iint k d(mu - nu) d(mu - nu))``, which is 0 only for equal measures."""
    points = np.concatenate([first.atoms, second.atoms])
    signed = np.concatenate([first.masses, -second.masses])
    kernel = np.exp(first.beta * (points @ points.T - float(first.scaled))) / first.beta
    return math.sqrt(max(0.0, float(signed @ kernel @ signed)))
