# SPDX-License-Identifier: Apache-2.0
"""Numerical fits of sequences: batched Levenberg-Marquardt over Bloch vectors, with analytic Jacobians.

The parameters of a sequence with N CZ are ``y_0, z_1, y_1, ..., z_N, y_N`` for

    ``Ry(y_N) Rz(z_N) Z^{x[q_N]} ... Ry(y_1) Rz(z_1) Z^{x[q_1]} Ry(y_0) |0>``,

which is every sequence up to phases: two real parameters per CZ. With Bloch vectors r carried forward and measured axes a
carried backward, ``d(a.r)/dy = a.(e_y x r)`` and ``d(a.r)/dz = a.(e_z x r)``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from stinespring.circuits.core.cz_sequence import CzSequence, control_bits
from stinespring.circuits.search.levenberg import Damping, Guess, NormalEquations, least_squares
from stinespring.readings import BoolArray, ComplexArray, FloatArray, IntArray

__all__ = [
    "CULLING",
    "BlochBatch",
    "LawFit",
    "axis_fit",
    "certain_rows",
    "control_order",
    "law_fit",
    "parameters_of",
    "sequence_of",
    "solve_work",
]

CALL_COST, ELEMENT_COST, SOLVE_COST = 1.3e-6, 4.5e-10, 1e-10  # modelled seconds of an array call, an element, a multiply-add
ARRAY_CALLS, FIXED_CALLS = 50, 60  # for each CZ and iteration, and for each iteration
LEAST_SINE = 0.02
DETERMINISTIC = 1e-7  # polar angles this close to 0 or pi stand for outcomes that are certain
CULLING = Damping(culled=(21, 41, 71))


@dataclass(frozen=True)
class BlochBatch:
    """Bloch components of sequences, one pattern of controls for each start.

    Attributes:
        pattern: controls, shape (S, N).
        context: the control value of each row, shape (R,).
        axis: the component of each row, shape (R,): 0, 1, 2 for x, y, z.
        n: number of controls.
    """

    pattern: IntArray
    context: IntArray
    axis: IntArray
    n: int

    @property
    def width(self) -> int:
        """Number of parameters of a start."""
        return 2 * int(self.pattern.shape[1]) + 1

    def keep(self, index: IntArray) -> BlochBatch:
        """Return the batch for some of the starts."""
        return replace(self, pattern=self.pattern[index])

    def forward(self, params: FloatArray) -> tuple[FloatArray, list[tuple[FloatArray, ...]]]:
        """Return the components, shape (S, R), and the vectors after every step for :meth:`backward`."""
        sign = np.where(control_bits(self.n)[:, self.context], -1.0, 1.0)
        cos, sin = np.cos(params), np.sin(params)
        x = np.repeat(sin[:, :1], self.context.size, axis=1)
        z = np.repeat(cos[:, :1], self.context.size, axis=1)
        y = np.zeros_like(x)
        trail: list[tuple[FloatArray, ...]] = [(x, y, z, z)]
        for j in range(self.pattern.shape[1]):
            flip = sign[self.pattern[:, j]]
            x, y = x * flip, y * flip
            c, s = cos[:, 2 * j + 1, None], sin[:, 2 * j + 1, None]
            x, y = c * x - s * y, s * x + c * y
            c, s = cos[:, 2 * j + 2, None], sin[:, 2 * j + 2, None]
            before = x
            x, z = c * x + s * z, c * z - s * x
            trail.append((x, y, z, before))
        return np.where(self.axis == 2, z, np.where(self.axis == 0, x, y)), trail

    def backward(self, params: FloatArray, trail: list[tuple[FloatArray, ...]], slope: FloatArray) -> FloatArray:
        """Return ``slope`` times the derivatives of the components, shape (S, R, 2N + 1)."""
        starts, length = self.pattern.shape
        sign = np.where(control_bits(self.n)[:, self.context], -1.0, 1.0)
        cos, sin = np.cos(params), np.sin(params)
        result = np.empty((2 * length + 1, starts, self.context.size))
        ax, ay, az = slope * (self.axis == 0), slope * (self.axis == 1), slope * (self.axis == 2)
        for j in range(length, 0, -1):
            x, y, z, before = trail[j]
            result[2 * j] = ax * z - az * x
            c, s = cos[:, 2 * j, None], sin[:, 2 * j, None]
            ax, az = c * ax - s * az, c * az + s * ax
            result[2 * j - 1] = ay * before - ax * y
            c, s = cos[:, 2 * j - 1, None], sin[:, 2 * j - 1, None]
            flip = sign[self.pattern[:, j - 1]]
            ax, ay = (c * ax + s * ay) * flip, (c * ay - s * ax) * flip
        x, _, z, _ = trail[0]
        result[0] = ax * z - az * x
        return np.moveaxis(result, 0, 2)

    def work(self, starts: int) -> float:
        """Return the modelled seconds of one forward and backward pass."""
        calls = ARRAY_CALLS * self.pattern.shape[1] + FIXED_CALLS
        return float(calls * (CALL_COST + ELEMENT_COST * starts * self.context.size))


@dataclass(frozen=True)
class LawFit:
    """Bounds ``bottom <= f <= top`` on Bloch components, weighted; f is the component, or its size if ``folded``.

    Attributes:
        bloch: sequences and rows.
        bottom: shape (S or 1, R).
        top: shape (S or 1, R).
        weight: shape (R,).
        folded: whether f is the component's absolute value.
    """

    bloch: BlochBatch
    bottom: FloatArray
    top: FloatArray
    weight: FloatArray
    folded: bool = False

    def guess(self, x: FloatArray) -> Guess:
        """Return by how much the bounds are violated; the error is the largest violation."""
        value, trail = self.bloch.forward(x)
        fold = np.where(value < 0, -1.0, 1.0) if self.folded else np.ones_like(value)
        folded = value * fold
        residual = (np.maximum(folded - self.top, 0.0) - np.maximum(self.bottom - folded, 0.0)) * self.weight
        return Guess(x, residual, (residual**2).sum(axis=1), abs(residual).max(axis=1), (fold, trail))

    def slopes(self, guess: Guess) -> FloatArray:
        """Return the derivatives of the violated bounds, shape (S, R, 2N + 1)."""
        fold, trail = guess.memo or self.guess(guess.x).memo
        slope = self.weight * fold * ((guess.residual != 0) | (self.bottom == self.top))
        return self.bloch.backward(guess.x, trail, slope)

    def system(self, guess: Guess) -> NormalEquations:
        """Return the normal equations of the violated bounds."""
        return least_squares(self.slopes(guess), guess.residual)

    def keep(self, index: IntArray) -> LawFit:
        """Return the problem for some of the starts."""
        bottom, top = (b if b.shape[0] == 1 else b[index] for b in (self.bottom, self.top))
        return replace(self, bloch=self.bloch.keep(index), bottom=bottom, top=top)

    def work(self, starts: int) -> float:
        """Return the modelled seconds of one iteration."""
        return self.bloch.work(starts) + solve_work(starts, self.weight.size, self.bloch.width)


def certain_rows(theta: FloatArray, care: BoolArray) -> BoolArray:
    """Return which of the rows that matter have a certain outcome."""
    return np.asarray(care & (np.minimum(theta, np.pi - theta) < DETERMINISTIC))


def control_order(rng: np.random.Generator, count: int, *, length: int) -> IntArray:
    """Return a random order of controls, none twice in a row, that uses every control if it is long enough."""
    while True:
        order = rng.integers(count, size=length)
        if count == 1 or (np.all(order[1:] != order[:-1]) and len(np.unique(order)) == min(count, length)):
            return np.asarray(order, dtype=np.int64)


def solve_work(starts: int, rows: int, width: int) -> float:
    """Return the modelled seconds of the normal equations."""
    return SOLVE_COST * starts * min(rows, width) ** 2 * (rows + width)


def law_fit(theta: FloatArray, care: BoolArray, *, pattern: IntArray) -> LawFit:
    """Return the equations ``z = cos theta``, weighted by ``1 / sin theta``; a certain outcome fixes all of r."""
    sure = certain_rows(theta, care)
    plain, poles = np.flatnonzero(care & ~sure), np.flatnonzero(sure)
    context = np.concatenate([plain, poles, poles, poles])
    axis = np.repeat([2, 0, 1, 2], [plain.size, poles.size, poles.size, poles.size])
    zero = np.zeros(poles.size)
    value = np.concatenate([np.cos(theta[plain]), zero, zero, np.cos(theta[poles])])[None]
    weight = np.concatenate([1 / np.maximum(np.sin(theta[plain]), LEAST_SINE), np.ones(3 * poles.size)])
    return LawFit(BlochBatch(pattern, context, axis, theta.size.bit_length() - 1), value, value, weight)


def axis_fit(low: FloatArray, high: FloatArray, *, pattern: IntArray) -> LawFit:
    """Return the bounds ``cos(high / 2) <= |z| <= cos(low / 2)`` for each start, a little inside where there is room."""
    room = np.minimum(1e-6, np.maximum(high - low, 0.0) / 4)
    size = low.shape[-1]
    bloch = BlochBatch(pattern, np.arange(size), np.full(size, 2), size.bit_length() - 1)
    return LawFit(bloch, np.cos((high - room) / 2), np.cos((low + room) / 2), np.ones(size), folded=True)


def sequence_of(pattern: IntArray, params: FloatArray) -> CzSequence:
    """Return the sequence of one start, with the gates ``Ry(y_j) Rz(z_j)``."""
    half_y, half_z = params[0::2] / 2, np.concatenate([[0.0], params[1::2]]) / 2
    gates: ComplexArray = np.stack([np.cos(half_y) * np.exp(-1j * half_z), np.sin(half_y) * np.exp(-1j * half_z)], axis=1)
    # Ry Rz = [[c e^{-iz/2}, -s e^{iz/2}], [s e^{-iz/2}, c e^{iz/2}]], whose first column is the pair
    return CzSequence(tuple(pattern.tolist()), gates)


def parameters_of(sequence: CzSequence) -> FloatArray:
    """Return the parameters of a sequence; rotations about z move through the CZ into the next gate."""
    a, b = sequence.gates[:, 0], sequence.gates[:, 1]
    after, before = np.angle(b) - np.angle(a), -np.angle(a) - np.angle(b)
    result = np.empty(2 * sequence.cost + 1)
    result[0::2] = 2 * np.arctan2(abs(b), abs(a))
    result[1::2] = before[1:] + after[:-1]
    return result
