# SPDX-License-Identifier: Apache-2.0
"""One-qubit gates from their matrices, and their collection into one ``u`` between two-qubit gates."""

from __future__ import annotations

from cmath import exp, phase
from collections.abc import Iterable
from math import atan2, cos, pi, sin, sqrt

import numpy as np

from stinespring.circuits.core.gates import TWO_QUBIT, Gate
from stinespring.readings import ComplexArray

__all__ = ["Entries", "entries_of", "gate_matrix", "u_gate", "wire_gates"]

Entries = tuple[complex, complex, complex, complex]  # of a 2 x 2 matrix, row by row: arrays of four numbers would be slower
NOTHING = 1e-15  # a rotation by less is left out
HALF = sqrt(0.5)


def u_gate(wire: int, matrix: ComplexArray) -> list[Gate]:
    """Return ``u(theta, phi, lambda)`` equal to a unitary 2 x 2 matrix up to a phase; nothing for the identity."""
    first, second, third, fourth = matrix.ravel().tolist()
    return u_of(wire, (first, second, third, fourth))


def u_of(wire: int, entries: Entries) -> list[Gate]:
    """Return what :func:`u_gate` does, from the matrix' entries."""
    m00, m01, m10, m11 = entries
    theta = 2 * atan2(abs(m10), abs(m00))
    if abs(m00) >= abs(m10):  # the phases of the larger entries are the accurate ones
        both = phase(m11 * m00.conjugate())
        phi = phase(m10 * m00.conjugate()) if abs(m10) > NOTHING else both
        lam = both - phi
    else:
        phi = phase(m10 * m00.conjugate()) if abs(m00) > NOTHING else 0.0
        lam = phase(-m01 * m10.conjugate()) + phi
    if theta < NOTHING and abs(phase(exp(1j * (phi + lam)))) < NOTHING:
        return []
    return [Gate("u", (wire,), (theta, phi, (lam + pi) % (2 * pi) - pi))]


def entries_of(gate: Gate) -> Entries:
    """Return the matrix of a one-qubit gate without slots, or of what a controlled gate does to its target.

    ``u(theta, phi, lambda) = [[c, -e^{i lambda} s], [e^{i phi} s, e^{i(phi + lambda)} c]]``, c and s of half the angle.
    """
    name = gate.name
    if name in {"x", "cx"}:
        return 0j, 1 + 0j, 1 + 0j, 0j
    if name == "cz":
        return 1 + 0j, 0j, 0j, -1 + 0j
    if name == "h":
        return HALF + 0j, HALF + 0j, HALF + 0j, -HALF + 0j
    angles = [float(p) for p in gate.params if not isinstance(p, tuple)]
    if name == "rz":
        return exp(-0.5j * angles[0]), 0j, 0j, exp(0.5j * angles[0])
    if name not in {"ry", "u"}:
        raise ValueError(f"the gate {name!r} is unknown; expected ry, rz, u, h, x, cx or cz")
    theta, phi, lam = angles if name == "u" else (angles[0], 0.0, 0.0)
    c, s = cos(theta / 2), sin(theta / 2)
    return c + 0j, -exp(1j * lam) * s, exp(1j * phi) * s, exp(1j * (phi + lam)) * c


def gate_matrix(gate: Gate) -> ComplexArray:
    """Return what :func:`entries_of` does as an array, shape (2, 2)."""
    return np.array(entries_of(gate)).reshape(2, 2)


def product(a: Entries, b: Entries) -> Entries:
    """Return the product of two matrices."""
    return (
        a[0] * b[0] + a[1] * b[2],
        a[0] * b[1] + a[1] * b[3],
        a[2] * b[0] + a[3] * b[2],
        a[2] * b[1] + a[3] * b[3],
    )


def wire_gates(gates: Iterable[Gate], width: int) -> list[Gate]:
    """Return the same circuit with every run of one-qubit gates as one ``u``."""
    waiting: list[Entries | None] = [None] * width
    result: list[Gate] = []

    def flush(wire: int) -> None:
        entries = waiting[wire]
        if entries is not None:
            result.extend(u_of(wire, entries))
            waiting[wire] = None

    for gate in gates:
        if gate.name in TWO_QUBIT:
            for wire in gate.qubits:
                flush(wire)
            result.append(gate)
        else:
            wire = gate.qubits[0]
            before = waiting[wire]
            waiting[wire] = entries_of(gate) if before is None else product(entries_of(gate), before)
    for wire in range(width):
        flush(wire)
    return result
