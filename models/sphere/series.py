# SPDX-License-Identifier: Apache-2.0
"""Sums over all pairs of particles on S^1 and S^2 in time linear in their number, exact to rounding.

The kernel depends on the angle only and is analytic, so few harmonics carry it:
``e^{beta (x.y - 1)} = e^{-beta} (I_0(beta) + 2 sum_k I_k(beta) cos k(phi_x - phi_y))`` on S^1 and
``e^{-beta} sum_l i_l(beta) sum_m Y_lm(x) Y_lm(y)`` on S^2, with harmonics of mean square 1. The coefficients fall faster than
exponentially beyond ``sqrt beta``; the series ends where the rest is below 1e-17 of the kernel's largest value, which is
where a sum of exponentials in float64 ends too.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from stinespring.models.sphere.model import FloatArray

__all__ = ["SeriesSums", "circle_coefficients", "sphere_coefficients"]

REST = 1e-17
CHUNK_ENTRIES = 1 << 18  # harmonics of so many particles at a time: 2 MB
KEPT_ENTRIES = 5 << 20  # harmonics of all particles are kept for the second use if they fit in 40 MB
MOST_DEGREE = 400


def circle_coefficients(beta: float) -> FloatArray:
    """Return ``e^{-beta} I_0, 2 e^{-beta} I_1, 2 e^{-beta} I_2, ...`` up to the degree that is needed."""
    from scipy.special import ive

    values = ive(np.arange(MOST_DEGREE), beta) * np.where(np.arange(MOST_DEGREE) > 0, 2.0, 1.0)
    return _cut(np.asarray(values, dtype=np.float64), values)


def sphere_coefficients(beta: float) -> FloatArray:
    """Return ``e^{-beta} i_l(beta)``, l = 0, 1, ..., the modified spherical Bessel functions of the first kind."""
    from scipy.special import ive

    degrees = np.arange(MOST_DEGREE)
    values = np.sqrt(np.pi / (2.0 * beta)) * ive(degrees + 0.5, beta)
    return _cut(values, values * (2 * degrees + 1))


def _cut(values: FloatArray, largest: Any) -> FloatArray:
    rest = np.cumsum(largest[::-1])[::-1]
    return np.asarray(values[: max(2, int(np.searchsorted(-rest, -REST)))])


class CircleHarmonics:
    """1, cos phi, sin phi, cos 2 phi, sin 2 phi, ... up to a degree, in arrays that are used again."""

    def __init__(self, degree: int, rows: int) -> None:
        self.degree = degree
        self.powers = np.ones((degree + 1) * rows, dtype=np.complex128)

    def __call__(self, x: FloatArray, out: FloatArray) -> None:
        """Fill ``out``, shape (2 degree + 1, n), for points of shape (n, 2)."""
        powers = self.powers[: (self.degree + 1) * len(x)].reshape(-1, len(x))
        powers[0], done = 1.0, 2
        powers[1].real, powers[1].imag = x[:, 0], x[:, 1]
        while done <= self.degree:  # by doubling: fewer roundings and fewer calls
            more = min(done - 1, self.degree + 1 - done)
            np.multiply(powers[1 : more + 1], powers[done - 1], out=powers[done : done + more])
            done += more
        out[0], out[1::2], out[2::2] = 1.0, powers[1:].real, powers[1:].imag


@lru_cache(maxsize=4)
def _recurrence(degree: int) -> list[tuple[FloatArray, FloatArray]]:
    """Return the factors of ``P_lm = a t P_{l-1,m} - b P_{l-2,m}`` for m < l, each of shape (l, 1)."""
    factors = []
    for level in range(1, degree + 1):
        m = np.arange(level, dtype=np.float64)
        below = (level - m) * (level + m)
        a = np.sqrt((2 * level - 1) * (2 * level + 1) / below)
        b = np.sqrt(np.maximum((2 * level + 1) * (level + m - 1) * (level - m - 1) / (below * max(1, 2 * level - 3)), 0.0))
        factors.append((a[:, None], b[:, None]))
    return factors


class SphereHarmonics:
    """Real spherical harmonics with mean square 1 up to a degree, in arrays that are used again.

    Rows l^2 .. l^2 + l hold ``P_lm cos m phi`` for m = 0..l, the l rows after them ``P_lm sin m phi`` for m = 1..l. The
    associated Legendre functions come from the usual recurrence in l at fixed m, all m at once.
    """

    def __init__(self, degree: int, rows: int) -> None:
        self.degree, self.circle = degree, CircleHarmonics(degree, rows)
        self.turns = np.empty((2 * degree + 1) * rows)
        self.levels = np.empty((4, (degree + 1) * rows))

    def __call__(self, x: FloatArray, out: FloatArray) -> None:
        """Fill ``out``, shape ((degree + 1)^2, n), for points of shape (n, 3)."""
        n = len(x)
        radius = np.hypot(x[:, 0], x[:, 1])
        safe = np.where(radius > 0, radius, 1.0)
        turns = self.turns[: (2 * self.degree + 1) * n].reshape(-1, n)
        self.circle(np.stack([np.where(radius > 0, x[:, 0] / safe, 1.0), x[:, 1] / safe], axis=1), turns)
        before, now, after, scratch = (part[: (self.degree + 1) * n].reshape(-1, n) for part in self.levels)
        out[0] = now[0] = 1.0
        for level, (a, b) in enumerate(_recurrence(self.degree), start=1):
            np.multiply(now[:level], x[:, 2], out=after[:level])
            after[:level] *= a
            np.multiply(before[: level - 1], b[: level - 1], out=scratch[: level - 1])
            after[: level - 1] -= scratch[: level - 1]
            np.multiply(now[level - 1], radius, out=after[level])
            after[level] *= np.sqrt((2 * level + 1) / (2 * level) if level > 1 else 3.0)
            np.multiply(after[0], turns[0], out=out[level * level])
            np.multiply(after[1 : level + 1], turns[1 : 2 * level : 2], out=out[level * level + 1 : level * level + level + 1])
            np.multiply(
                after[1 : level + 1], turns[2 : 2 * level + 1 : 2], out=out[level * level + level + 1 : (level + 1) ** 2]
            )
            before, now, after = now, after, before


class SeriesSums:
    """``sum_j e^{beta (x_i . x_j - 1)} e^{beta - shift} [V x_j, 1]`` for all i, on S^1 or S^2.

    Args:
        n: number of particles.
        d: 2 or 3.
        beta: inverse temperature.
        value: V, or None for the identity.
        shift: the kernel is ``e^{beta x.y - shift}``.
    """

    name = "series"

    def __init__(self, n: int, d: int, beta: float, value: FloatArray | None, shift: float) -> None:
        self.value, self.factor = value, float(np.exp(beta - shift))
        coefficients = circle_coefficients(beta) if d == 2 else sphere_coefficients(beta)
        self.degree = len(coefficients) - 1
        sizes = np.where(np.arange(self.degree + 1) > 0, 2, 1) if d == 2 else 2 * np.arange(self.degree + 1) + 1
        self.weights = np.repeat(coefficients, sizes)[:, None]
        self.rows = min(n, max(64, CHUNK_ENTRIES // len(self.weights)))
        self.harmonics = (CircleHarmonics if d == 2 else SphereHarmonics)(self.degree, self.rows)
        keep = n * len(self.weights) <= KEPT_ENTRIES
        self.tables = np.empty((-(-n // self.rows) if keep else 1, len(self.weights) * self.rows))
        self.values, self.sums = np.ones((n, d + 1)), np.empty((n, d + 1))

    def __call__(self, x: FloatArray) -> FloatArray:
        """Return the sums for particles x, shape (n, d + 1); the array is used again by the next call."""
        n, d = x.shape
        self.values[:, :d] = x if self.value is None else x @ self.value.T
        chunks = [slice(first, min(first + self.rows, n)) for first in range(0, n, self.rows)]
        moments = np.zeros((len(self.weights), d + 1))
        for number, chunk in enumerate(chunks):
            moments += self.table(x, number, chunk, fresh=True) @ self.values[chunk]
        moments *= self.weights * self.factor
        for number, chunk in enumerate(chunks):
            np.matmul(self.table(x, number, chunk, fresh=len(self.tables) < len(chunks)).T, moments, out=self.sums[chunk])
        return self.sums

    def table(self, x: FloatArray, number: int, chunk: slice, *, fresh: bool) -> FloatArray:
        """Return the harmonics of a chunk of particles, evaluated or as they were kept."""
        points = x[chunk]
        room = self.tables[number % len(self.tables)]
        result: FloatArray = room[: len(self.weights) * len(points)].reshape(-1, len(points))
        if fresh:
            self.harmonics(points, result)
        return result
