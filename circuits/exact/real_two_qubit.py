# SPDX-License-Identifier: Apache-2.0
"""Real orthogonal matrices of two qubits: a product of one-qubit gates in the magic basis, two CX.

``Q (SO(4)) Q^dag = SU(2) (x) SU(2)`` for the Clifford gate ``Q = CX_01 H_0 S_0 S_1``, so ``O = Q^dag (a (x) b) Q`` takes two
CX, and a determinant of -1 one more.

Source: Vatan, Williams, Phys. Rev. A 69, 032315 (2004), section III.
"""

from __future__ import annotations

import numpy as np

from stinespring.circuits.core.gates import Gate, count_two_qubit, inverted
from stinespring.circuits.core.one_qubit import u_gate, wire_gates
from stinespring.circuits.core.simulate import gate_isometry
from stinespring.circuits.exact.two_qubit_unitary import two_qubit_gates
from stinespring.readings import ComplexArray, FloatArray

__all__ = ["real_pair_gates"]

TO_MAGIC = [
    Gate("rz", (0,), (np.pi / 2,)),
    Gate("rz", (1,), (np.pi / 2,)),
    Gate("h", (0,)),
    Gate("cx", (0, 1)),
]
MAGIC = gate_isometry(TO_MAGIC, 2, 2)
FLIP = np.diag([-1.0, 1.0, 1.0, -1.0])[::-1]  # sigma_y (x) sigma_y
LAST = ([Gate("cx", (0, 1))], [Gate("cx", (1, 0))], [Gate("cz", (0, 1))])  # of determinant -1
SPECIAL = 3e-15  # entries of a matrix that has the form of fewer CX


def real_pair_gates(matrix: FloatArray) -> list[Gate]:
    """Return gates of an orthogonal matrix, shape (4, 4), up to a phase: at most two CX in SO(4), at most three otherwise."""
    if np.linalg.det(matrix) > 0:
        return _special(matrix)
    made = ([*last, *_special(matrix @ gate_isometry(last, 2, 2).real)] for last in LAST)
    return wire_gates(min(made, key=count_two_qubit), 2)


def _special(matrix: FloatArray) -> list[Gate]:
    """Return gates of a matrix of SO(4)."""
    one, other, rest = _factors(matrix.astype(np.complex128))
    if rest <= SPECIAL:
        return wire_gates([*u_gate(0, other), *u_gate(1, one)], 2)
    form = matrix @ FLIP @ matrix.T @ FLIP
    if abs(form @ form + np.eye(4)).max() <= SPECIAL:  # the class of a single CX
        found = two_qubit_gates(matrix.astype(np.complex128))
        if count_two_qubit(found) == 1:
            return found
    one, other, _ = _factors(MAGIC @ matrix @ MAGIC.conj().T)
    return wire_gates([*TO_MAGIC, *u_gate(0, other), *u_gate(1, one), *inverted(TO_MAGIC)], 2)


def _factors(matrix: ComplexArray) -> tuple[ComplexArray, ComplexArray, float]:
    """Return unitary A and B of the closest ``A (x) B``, and how much of the matrix is no product."""
    rows = matrix.reshape(2, 2, 2, 2).transpose(0, 2, 1, 3).reshape(4, 4)
    left, weights, right = np.linalg.svd(rows)
    scale = np.sqrt(2.0)  # a unitary 2 x 2 matrix has norm sqrt 2
    return left[:, 0].reshape(2, 2) * scale, right[0].reshape(2, 2) * scale, float(weights[1])
