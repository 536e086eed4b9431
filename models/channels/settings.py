# SPDX-License-Identifier: Apache-2.0
"""Product inputs and product measurements of a channel, and the law of what is read."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from stinespring.readings import ComplexArray, FloatArray

__all__ = ["BASES", "IMPOSSIBLE", "PREPARE", "STATES", "Setting"]

IMPOSSIBLE = 1e-12  # probabilities up to this are rounding
SQUARE = math.sqrt(0.5)
STATES: ComplexArray = np.array(  # |0>, |1>, |+>, |->, |+i>, |-i>
    [[1, 0], [0, 1], [SQUARE, SQUARE], [SQUARE, -SQUARE], [SQUARE, 1j * SQUARE], [SQUARE, -1j * SQUARE]]
)
PREPARE = ((), ("x",), ("h",), ("x", "h"), ("h", "s"), ("x", "h", "s"))  # the gates that make them of |0>
BASES = ((), ("h",), ("sdg", "h"))  # the gates before a measurement of Z, X, Y
BRAS: ComplexArray = np.stack([STATES[:2], STATES[2:4], STATES[4:]]).conj()  # basis, outcome, component


@dataclass(frozen=True)
class Setting:
    """One product input (numbers of :data:`STATES`) and one product measurement (numbers of :data:`BASES`)."""

    states: tuple[int, ...]
    bases: tuple[int, ...]

    def law(self, kraus: ComplexArray) -> FloatArray:
        """Return the probabilities of the 2^n outcomes, ``sum_a |<x| K_a |psi>|^2``, qubit 0 least significant.

        Args:
            kraus: the channel's operators, shape (R, 2^n, 2^m).
        """
        psi, bras = np.ones(1, dtype=np.complex128), np.ones((1, 1), dtype=np.complex128)
        for state in self.states:
            psi = np.kron(STATES[state], psi)
        for basis in self.bases:
            bras = np.kron(BRAS[basis], bras)
        law = (abs((kraus @ psi) @ bras.T) ** 2).sum(axis=0)
        law = np.where(law > IMPOSSIBLE, law, 0.0)
        return np.asarray(law / law.sum())
