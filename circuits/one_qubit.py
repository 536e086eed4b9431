# SPDX-License-Identifier: Apache-2.0
"""One-qubit gates from their matrices, and their collection into one ``u`` between two-qubit gates."""

from __future__ import annotations

from collections.abc import Iterable
from math import atan2, pi

import numpy as np

from stinespring.circuits.conditional_simulation import gate_matrix
from stinespring.circuits.gates import TWO_QUBIT, Gate
from stinespring.circuits.sequence import ComplexArray

__all__ = ["u_gate", "wire_gates"]

NOTHING = 1e-15  # a rotation by less is left out


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
            waiting[wire] = gate_matrix(gate) if before is None else gate_matrix(gate) @ before
    for wire in range(width):
        flush(wire)
    return result
