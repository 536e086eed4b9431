# SPDX-License-Identifier: Apache-2.0
"""Sums over all pairs of particles on S^1 and S^2 in time linear in their number, exact to rounding.

The kernel depends on the angle only and is analytic, so few harmonics carry it:
``e^{beta (x.y - 1)} = e^{-beta} (I_0(beta) + 2 sum_k I_k(beta) cos k(phi_x - phi_y))`` on S^1 and
``e^{-beta} sum_l i_l(beta) sum_m Y_lm(x) Y_lm(y)`` on S^2, with harmonics of mean square 1. The coefficients fall faster than
exponentially beyond ``sqrt beta``; the series ends where the rest is below 1e-16 of the kernel's largest value, which is
where a sum of exponentials in float64 ends too. On S^2 beta is limited to 16, up to which rounding stays below 1e-13.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from stinespring.readings import FloatArray

__all__ = ["SeriesSums", "circle_coefficients", "sphere_coefficients"]

REST = 1e-16
CHUNK_ENTRIES = 1 << 18  # harmonics of so many particles at a time: 2 MB
KEPT_ENTRIES = 5 << 20  # harmonics of all particles are kept for the second use if they fit in 40 MB
MOST_DEGREE = 400
JOINED = 300  # basis functions up to which their coupling is one matrix


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


class SphereHarmonics:
    """Real and imaginary parts of ``(x + i y)^m T_j(z)``, ``j + m <= degree``, T Chebyshev: a basis of all harmonics.

    Rows: for m = 0 the ``degree + 1`` polynomials; then for each m real and imaginary parts, ``degree - m + 1`` rows each.
    One product makes an entry, where the harmonics themselves take five operations.
    """

    def __init__(self, degree: int, rows: int) -> None:
        self.degree, self.circle = degree, CircleHarmonics(degree, rows)
        self.turns = np.empty((2 * degree + 1) * rows)
        self.blocks = [slice(0, degree + 1)]
        for m in range(1, degree + 1):
            for _ in range(2):
                self.blocks.append(slice(self.blocks[-1].stop, self.blocks[-1].stop + degree - m + 1))

    def __call__(self, x: FloatArray, out: FloatArray) -> None:
        """Fill ``out``, shape ((degree + 1)^2, n), for points of shape (n, 3)."""
        turns = self.turns[: (2 * self.degree + 1) * len(x)].reshape(-1, len(x))
        self.circle(x[:, :2], turns)
        polynomials = out[self.blocks[0]]
        z = np.ascontiguousarray(x[:, 2])
        polynomials[0], polynomials[1], twice = 1.0, z, 2.0 * z
        for j in range(2, self.degree + 1):
            np.multiply(polynomials[j - 1], twice, out=polynomials[j])
            polynomials[j] -= polynomials[j - 2]
        for turn, block in zip(turns[1:], self.blocks[1:], strict=True):
            np.multiply(polynomials[: block.stop - block.start], turn, out=out[block])


def coupling(coefficients: FloatArray) -> list[FloatArray]:
    """Return ``C_m`` with ``sum_{l >= m} c_l P_lm(z) P_lm(z') / (s s')^m = sum_jj' C_m[j, j'] T_j(z) T_j'(z')``, m = 0, 1, ...

    ``P_lm / s^m`` (s = sqrt(1 - z^2), mean square 1 with the angle's factor) is a polynomial of degree l - m: its recurrence in
    l is run at Chebyshev nodes and transformed.
    """
    degree = len(coefficients) - 1
    angles = np.pi * (np.arange(degree + 1) + 0.5) / (degree + 1)
    nodes, result, start = np.cos(angles), [], 1.0
    transform = 2.0 * np.cos(np.outer(np.arange(degree + 1), angles)) / (degree + 1)
    transform[0] /= 2.0
    for m in range(degree + 1):
        if m:
            start *= float(np.sqrt((2 * m + 1) / (2 * m) if m > 1 else 3.0))
        before, now = np.zeros(degree + 1), np.full(degree + 1, start)
        rows = [now]
        for level in range(m + 1, degree + 1):
            below = (level - m) * (level + m)
            a = np.sqrt((2 * level - 1) * (2 * level + 1) / below)
            b = np.sqrt((2 * level + 1) * (level + m - 1) * (level - m - 1) / (below * max(1, 2 * level - 3)))
            before, now = now, a * nodes * now - b * before
            rows.append(now)
        chebyshev = (np.array(rows) @ transform.T)[:, : degree - m + 1]
        result.append(chebyshev.T @ (coefficients[m:, None] * chebyshev))
    return result


def joined(blocks: list[tuple[slice, FloatArray]], count: int) -> list[tuple[slice, FloatArray]]:
    """Return one matrix for all blocks where it is small: one product is then faster than many."""
    if count > JOINED:
        return blocks
    matrix = np.zeros((count, count))
    for block, part in blocks:
        matrix[block, block] = part
    return [(slice(None), matrix)]


class SeriesSums:
    """``sum_j e^{beta (x_i . x_j - 1)} e^{beta - shift} [V x_j, 1]`` for all i, on S^1 or S^2.

    Args:
        n: number of particles.
        d: 2 or 3.
        beta: inverse temperature.
        value: V, or None for the identity.
        shift: the kernel is ``e^{beta x.y - shift}``.
        apart: whether the term j = i is taken out of the sums (up to rounding); its kernel value is then in ``own``.
    """

    name = "series"

    def __init__(self, n: int, d: int, beta: float, value: FloatArray | None, shift: float, *, apart: bool = False) -> None:
        self.apart, self.own = apart, np.zeros(n)
        self.value, self.factor = value, float(np.exp(beta - shift))
        coefficients = circle_coefficients(beta) if d == 2 else sphere_coefficients(beta)
        self.degree = len(coefficients) - 1
        self.count = 2 * self.degree + 1 if d == 2 else (self.degree + 1) ** 2
        self.rows = min(n, max(64, CHUNK_ENTRIES // self.count))
        self.harmonics: CircleHarmonics | SphereHarmonics
        if d == 2:
            self.harmonics = CircleHarmonics(self.degree, self.rows)
            self.weights = [(slice(None), np.diag(np.repeat(coefficients, 2)[1:]))]
        else:
            self.harmonics = SphereHarmonics(self.degree, self.rows)
            matrices = coupling(coefficients)
            matrices = [matrices[0], *(matrix for matrix in matrices[1:] for _ in range(2))]
            self.weights = joined(list(zip(self.harmonics.blocks, matrices, strict=True)), self.count)
        keep = n * self.count <= KEPT_ENTRIES
        self.tables = np.empty((-(-n // self.rows) if keep else 1, self.count * self.rows))
        self.values, self.sums = np.ones((n, d + 1)), np.empty((n, d + 1))

    def __call__(self, x: FloatArray) -> FloatArray:
        """Return the sums for particles x, shape (n, d + 1); the array is used again by the next call."""
        n, d = x.shape
        self.values[:, :d] = x if self.value is None else x @ self.value.T
        chunks = [slice(first, min(first + self.rows, n)) for first in range(0, n, self.rows)]
        moments = np.zeros((self.count, d + 1))
        for number, chunk in enumerate(chunks):
            moments += self.table(x, number, chunk, fresh=True) @ self.values[chunk]
        moments *= self.factor
        for block, matrix in self.weights:
            moments[block] = matrix @ moments[block]
        for number, chunk in enumerate(chunks):
            np.matmul(self.table(x, number, chunk, fresh=len(self.tables) < len(chunks)).T, moments, out=self.sums[chunk])
        if self.apart:
            self.own[:] = self.factor
            self.sums -= self.factor * self.values
        return self.sums

    def table(self, x: FloatArray, number: int, chunk: slice, *, fresh: bool) -> FloatArray:
        """Return the harmonics of a chunk of particles, evaluated or as they were kept."""
        points = x[chunk]
        room = self.tables[number % len(self.tables)]
        result: FloatArray = room[: self.count * len(points)].reshape(-1, len(points))
        if fresh:
            self.harmonics(points, result)
        return result
