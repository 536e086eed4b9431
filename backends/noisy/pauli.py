# SPDX-License-Identifier: Apache-2.0
r"""Quantum operations as real matrices on Pauli coefficients.

A state of k qubits is ``rho = 2^-k sum_P c_P P`` with real c, ``c_1 = tr rho``; an operation E is the matrix
``R_PQ = 2^-k tr(P E(Q))``, shape (4^k, 4^k). Paulis are numbered 1, X, Y, Z, the first qubit in the least significant place.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from stinespring.readings import ComplexArray, FloatArray

__all__ = ["READ", "ZERO", "of_superoperator", "of_unitary", "wider"]

ZERO: FloatArray = np.array([1.0, 0.0, 0.0, 1.0])  # |0><0|
READ: FloatArray = np.array([[0.5, 0.0, 0.0, 0.5], [0.5, 0.0, 0.0, -0.5]])  # the probabilities of 0 and of 1
PAULIS: ComplexArray = np.array(
    [[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]], dtype=np.complex128
)


@cache
def basis(qubits: int) -> ComplexArray:
    """Return the Paulis as columns, each matrix column by column, shape (4^k, 4^k)."""
    found: ComplexArray = np.ones((1, 1, 1), dtype=np.complex128)
    for _ in range(qubits):  # the next qubit is more significant
        size = 2 * found.shape[1]
        found = np.einsum("aij,bkl->abikjl", PAULIS, found).reshape(-1, size, size)
    return np.asarray(found.transpose(0, 2, 1).reshape(len(found), -1).T)


def of_superoperator(matrix: ComplexArray) -> FloatArray:
    """Return an operation from its matrix on density matrices read column by column (Qiskit's convention)."""
    paulis = basis((len(matrix).bit_length() - 1) // 2)
    return np.ascontiguousarray((paulis.conj().T @ matrix @ paulis).real / np.sqrt(len(matrix)))


def of_unitary(matrix: ComplexArray) -> FloatArray:
    """Return ``rho -> U rho U^dagger``."""
    return of_superoperator(np.asarray(np.kron(matrix.conj(), matrix), dtype=np.complex128))


def wider(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return operations on two qubits side by side; the first is the less significant."""
    return np.asarray(np.kron(second, first), dtype=np.float64)
