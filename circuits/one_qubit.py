# SPDX-License-Identifier: Apache-2.0
"""One-qubit gates: their matrices, and their collection into one ``u`` between two-qubit gates."""

from __future__ import annotations

from collections.abc import Iterable
from math import atan2, cos, pi, sin

import numpy as np

from stinespring.circuits.gates import TWO_QUBIT, Gate
from stinespring.circuits.sequence import ComplexArray

__all__ = ["matrix_of", "u_gate", "wire_gates"]

NOTHING = 1e-15  # a rotation by less is left out


def matrix_of(gate: Gate) -> ComplexArray:
    """Return the 2 x 2 matrix of ry, rz, u, x or h."""
    angles = [float(p) for p in gate.params if isinstance(p, (int, float))]
    if gate.name == "ry":
        c, s = cos(angles[0] / 2), sin(angles[0] / 2)
        return np.array([[c, -s], [s, c]], dtype=np.complex128)
    if gate.name == "rz":
        return np.asarray([[np.exp(-0.5j * angles[0]), 0], [0, np.exp(0.5j * angles[0])]], dtype=np.complex128)
    if gate.name == "u":
        theta, phi, lam = angles
        c, s = cos(theta / 2), sin(theta / 2)
        return np.asarray(
            [[c, -np.exp(1j * lam) * s], [np.exp(1j * phi) * s, np.exp(1j * (phi + lam)) * c]], dtype=np.complex128
        )
    if gate.name == "x":
        return np.array([[0, 1], [1, 0]], dtype=np.complex128)
    return np.asarray(np.array([[1, 1], [1, -1]]) / np.sqrt(2), dtype=np.complex128)


def u_gate(wire: int, matrix: ComplexArray) -> list[Gate]:
    """Return ``u(theta, phi, lambda)`` equal to a unitary 2 x 2 matrix up to a phase; nothing for the identity."""
    theta = 2 * atan2(abs(matrix[1, 0]), abs(matrix[0, 0]))
    if abs(matrix[0, 0]) >= abs(matrix[1, 0]):  # the phases of the larger entries are the accurate ones
        both = float(np.angle(matrix[1, 1] * np.conj(matrix[0, 0])))
        phi = float(np.angle(matrix[1, 0] * np.conj(matrix[0, 0]))) if abs(matrix[1, 0]) > NOTHING else both
        lam = both - phi
    else:
        phi = float(np.angle(matrix[1, 0] * np.conj(matrix[0, 0]))) if abs(matrix[0, 0]) > NOTHING else 0.0
        lam = float(np.angle(-matrix[0, 1] * np.conj(matrix[1, 0]))) + phi
    if theta < NOTHING and abs(np.angle(np.exp(1j * (phi + lam)))) < NOTHING:
        return []
    return [Gate("u", (wire,), (theta, phi, (lam + pi) % (2 * pi) - pi))]


def wire_gates(gates: Iterable[Gate], width: int) -> list[Gate]:
    """Return the same circuit with every run of one-qubit gates as one ``u``."""
    waiting: list[ComplexArray | None] = [None] * width
    result: list[Gate] = []

    def flush(wire: int) -> None:
        matrix = waiting[wire]
        if matrix is not None:
            result.extend(u_gate(wire, matrix))
            waiting[wire] = None

    for gate in gates:
        if gate.name in TWO_QUBIT:
            for wire in gate.qubits:
                flush(wire)
            result.append(gate)
        else:
            wire = gate.qubits[0]
            before = waiting[wire]
            waiting[wire] = matrix_of(gate) if before is None else matrix_of(gate) @ before
    for wire in range(width):
        flush(wire)
    return result
