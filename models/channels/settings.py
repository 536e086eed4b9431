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

    def law(self, choi: ComplexArray) -> FloatArray:
        """Return the probabilities of the 2^n outcomes under a channel, qubit 0 least significant."""
        psi, bras = np.ones(1, dtype=np.complex128), np.ones((1, 1), dtype=np.complex128)
        for state in self.states:
            psi = np.kron(STATES[state], psi)
        for basis in self.bases:
            bras = np.kron(BRAS[basis], bras)
        size = len(psi)
        rho = np.einsum("i,iojp,j->op", psi, choi.reshape(size, len(choi) // size, size, -1), psi.conj(), optimize=True)
        law = np.einsum("xo,op,xp->x", bras, rho, bras.conj(), optimize=True).real
        law = np.where(law > IMPOSSIBLE, law, 0.0)
        return np.asarray(law / law.sum())
