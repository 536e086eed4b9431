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

__all__ = ["Mitigated", "ReadoutCalibration"]


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


def product(factors: Iterable[NDArray[Any]], vector: FloatArray) -> FloatArray:
    """Return ``(factors[n-1] (x) ... (x) factors[0]) vector`` without forming the matrix; bit 0 is the least significant."""
    columns = vector.reshape(len(vector), -1)
    shape = columns.shape
    for bit, factor in enumerate(factors):
        blocks = columns.reshape(-1, 2, 2**bit * shape[1])
        columns = np.einsum("rs,asb->arb", factor, blocks).reshape(shape)
    return np.asarray(columns.reshape(vector.shape))
