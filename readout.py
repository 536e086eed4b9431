# SPDX-License-Identifier: Apache-2.0
"""Readout errors as a channel on the law of what is read, with the uncertainty of their calibration; and what undoes them.

Qubit i is read as r when it is s with probability ``A_i[r, s]``, independently of the others, so that the law of the bits that
are read is ``q = (A_n (x) ... (x) A_1) p``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stinespring.readings import FloatArray, IntArray

__all__ = ["Mitigated", "ReadoutCalibration", "SignedReadings"]


@dataclass(frozen=True)
class ReadoutCalibration:
    """Measured readout errors.

    Attributes:
        qubits: the device's numbers, distinct.
        errors: shape (n, 2): the shares of 1 read for 0, and of 0 read for 1.
        shots: of each of the two calibration circuits.
    """

    qubits: tuple[int, ...]
    errors: FloatArray
    shots: int

    def matrices(self) -> FloatArray:
        """Return ``A_i[read, prepared]``, shape (n, 2, 2)."""
        one, zero = self.errors.T
        return np.stack([np.stack([1.0 - one, zero], axis=-1), np.stack([one, 1.0 - zero], axis=-1)], axis=-2)

    def variances(self) -> FloatArray:
        """Return the variances of the errors, shape (n, 2); after adding one of each outcome, so that none is 0."""
        share = (self.errors * self.shots + 1.0) / (self.shots + 2.0)
        return np.asarray(share * (1.0 - share) / self.shots)

    def place(self, wires: Sequence[int]) -> list[int]:
        """Return the rows of some qubits."""
        return [self.qubits.index(wire) for wire in wires]

    def pushed(self, law: FloatArray, wires: Sequence[int]) -> FloatArray:
        """Return the law of what is read, shape (2^n,), from the law of the bits, bit i on qubit ``wires[i]``."""
        return product(self.matrices()[self.place(wires)], law)

    def slopes(self, law: FloatArray, wires: Sequence[int]) -> FloatArray:
        """Return the derivatives of :meth:`pushed` by every error, shape (2^n, 2 x calibrated qubits)."""
        matrices, rows = self.matrices(), self.place(wires)
        result = np.zeros((len(law), len(self.qubits), 2))
        turns = (np.array([[-1.0, 0.0], [1.0, 0.0]]), np.array([[0.0, 1.0], [0.0, -1.0]]))
        for bit, row in enumerate(rows):
            for which, turn in enumerate(turns):
                factors = [*matrices[rows]]
                factors[bit] = turn
                result[:, row, which] += product(factors, law)
        return result.reshape(len(law), -1)

    def unpushed(self, vector: FloatArray, wires: Sequence[int]) -> FloatArray:
        """Return ``A^-1`` applied to a vector over what is read, or to the columns of a matrix."""
        return product(np.linalg.inv(self.matrices()[self.place(wires)]), vector)

    def unpushed_squares(self, vector: FloatArray, wires: Sequence[int]) -> FloatArray:
        """Return the matrix of squared entries of ``A^-1``, applied to a vector: the variances that shot noise leaves."""
        return product(np.linalg.inv(self.matrices()[self.place(wires)]) ** 2, vector)

    def amplification(self, wires: Sequence[int]) -> float:
        """Return ``||A^-1||_1 = prod_i (1 + |a_i - b_i|) / (1 - a_i - b_i)``: how much a distance can grow by inversion."""
        one, zero = self.errors[self.place(wires)].T
        return float(np.prod((1.0 + abs(one - zero)) / (1.0 - one - zero)))


@dataclass(frozen=True)
class Mitigated:
    """Quasi-probabilities of what some registers hold.

    Attributes:
        codes: shape (U, registers), as they were read.
        quasi: shape (U,), sum 1, possibly negative.
        overhead: the factor by which shot noise grew in variance, at most.
        method: what made them.
    """

    codes: IntArray
    quasi: FloatArray
    overhead: float
    method: str


@dataclass(frozen=True, eq=False)
class SignedReadings:
    """Signed shares of what randomised circuits read, flips and errors that steered undone, with what is known of their noise.

    Circuit c has the weight w_c, all add up to 1, and N_c shots of the law p_c. ``sum w_c p_c`` is the law of the bits, but for
    symmetric errors of those that steered nothing. The covariance of ``sum w_c f_c`` is at most ``diag(v) - v v^T / b`` with
    ``v = sum w_c^2 / N_c p_c`` and ``b = sum v``, and what the measured rates add.

    Attributes:
        shares: ``sum w_c f_c`` of the frequencies f_c, shape (2^n,), sum 1.
        ratio: w / N of the circuits without deliberate errors.
        others: the part of ``shares`` that is of circuits with deliberate errors.
        extra: their part of v; circuits that were drawn count as one shot each.
        slopes: derivatives of ``shares`` by each measured rate, shape (2^n, P), columns of sum 0.
        rates: the measured symmetric rates, shape (P,).
        variances: of the rates.
        wires: of each bit that steered nothing the number of its rate, else -1; shape (n,).
        shots: of all circuits.
        circuits: how many.
        overhead: ``(sum |w_c|)^2``, the factor by which the variance of shots grew.
        left_out: how much weighs what was not run, as the rates are: at most so far is the mean of ``shares`` from what it
            should be, in TVD. It is negligible by the rates that the circuits were planned for.
    """

    shares: FloatArray
    ratio: float
    others: FloatArray
    extra: FloatArray
    slopes: FloatArray
    rates: FloatArray
    variances: FloatArray
    wires: tuple[int, ...]
    shots: int
    circuits: int
    overhead: float
    left_out: float = 0.0

    def factors(self, power: int = 1) -> list[FloatArray]:
        """Return the matrix of each bit: ``[[1 - r, r], [r, 1 - r]]`` to a power, or the identity where it is undone."""
        rates = [0.0 if wire < 0 else float(self.rates[wire]) for wire in self.wires]
        ones = [(1.0 + (1.0 - 2.0 * rate) ** power) / 2.0 for rate in rates]
        return [np.array([[one, 1.0 - one], [1.0 - one, one]]) for one in ones]

    def pushed(self, law: FloatArray) -> FloatArray:
        """Return the law that ``shares`` should have, from the law of the bits."""
        return product(self.factors(), law)

    def pushed_slopes(self, law: FloatArray) -> FloatArray:
        """Return the derivatives of :meth:`pushed` by each rate, shape (2^n, P)."""
        result, turn = np.zeros((len(law), len(self.rates))), np.array([[-1.0, 1.0], [1.0, -1.0]])
        for bit, wire in enumerate(self.wires):
            if wire >= 0:
                result[:, wire] += product([*self.factors()[:bit], turn, *self.factors()[bit + 1 :]], law)
        return result

    def unpushed(self, vector: FloatArray) -> FloatArray:
        """Return the law of the bits from ``shares``, or the columns of a matrix of deviations likewise."""
        return product(self.factors(-1), vector)

    def unpushed_squares(self, vector: FloatArray) -> FloatArray:
        """Return the matrix of squared entries of :meth:`unpushed`, applied to a vector."""
        return product([factor**2 for factor in self.factors(-1)], vector)

    @property
    def growth(self) -> float:
        """How much a distance can grow by :meth:`unpushed`: ``prod 1 / (1 - 2 r)``."""
        return float(np.prod([1.0 / (1.0 - 2.0 * self.rates[wire]) for wire in self.wires if wire >= 0]))

    def spread(self, read: FloatArray) -> FloatArray:
        """Return v for circuits without deliberate errors that have the rest of a law, and at least half of it."""
        return np.asarray(self.ratio * np.maximum(read - self.others, read / 2.0) + self.extra)


def product(factors: Iterable[NDArray[Any]], vector: FloatArray) -> FloatArray:
    """Return ``(factors[n-1] (x) ... (x) factors[0]) vector`` without forming the matrix; bit 0 is the least significant."""
    columns = vector.reshape(len(vector), -1)
    shape = columns.shape
    for bit, factor in enumerate(factors):
        blocks = columns.reshape(-1, 2, 2**bit * shape[1])
        columns = np.einsum("rs,asb->arb", factor, blocks).reshape(shape)
    return np.asarray(columns.reshape(vector.shape))
