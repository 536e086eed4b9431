# SPDX-License-Identifier: Apache-2.0
"""Unitaries by the quantum Shannon decomposition, accurate also next to special ones.

``U = (U_0 (+) U_1) (multiplexed Ry) (V_0 (+) V_1)`` by cosines and sines, and both sums are
``(1 (x) L) (D (+) D^dag) (1 (x) R)``. Qiskit's has fewer CX, but loses digits where its two-qubit parts are nearly special.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import cossin, schur

from stinespring.circuits.core.gates import Gate
from stinespring.circuits.core.one_qubit import u_gate, wire_gates
from stinespring.circuits.exact.multiplexer import gray_angles, multiplexed_ry
from stinespring.circuits.exact.two_qubit_unitary import two_qubit_gates
from stinespring.readings import ComplexArray, FloatArray

__all__ = ["demultiplexed", "multiplexed_rz", "shannon_gates"]


def demultiplexed(zero: ComplexArray, one: ComplexArray) -> tuple[ComplexArray, FloatArray, ComplexArray]:
    """Return L, the phases of D, and R of ``U_0 = L D R`` and ``U_1 = L D^dag R``.

    Source:
        quant-ph/0406176, theorem 12.
    """
    squares, left = schur(zero @ one.conj().T, output="complex")
    phases = np.angle(np.diag(squares)) / 2
    right = np.exp(1j * phases)[:, None] * (left.conj().T @ one)
    return np.asarray(left), np.asarray(phases, dtype=np.float64), np.asarray(right)


def _ladder(wires: int, theta: FloatArray) -> list[Gate]:
    """Return a uniformly controlled Ry on the last wire in any state: one CZ more than on |0>.

    No rotation is left out, not even by zero: the first CZ belongs to the first of all.
    """
    return [Gate("cz", (wires - 2, wires - 1)), *multiplexed_ry(range(wires), gray_angles(theta), negligible=-1.0)]


def multiplexed_rz(wires: int, phases: FloatArray) -> list[Gate]:
    """Return ``D (+) D^dag``, D of the given phases: an Rz on the last wire, controlled by the others."""
    before = Gate("u", (wires - 1,), (-np.pi / 2, -np.pi / 2, np.pi / 2))
    after = Gate("u", (wires - 1,), (np.pi / 2, -np.pi / 2, np.pi / 2))
    return [before, *_ladder(wires, -2 * phases), after]


def shannon_gates(unitary: ComplexArray) -> list[Gate]:
    """Return exact gates of a unitary, shape (2^q, 2^q), q >= 1, up to a phase."""
    wires = unitary.shape[0].bit_length() - 1
    if wires == 1:
        return u_gate(0, unitary)
    if wires == 2:
        return two_qubit_gates(unitary)
    half = unitary.shape[0] // 2
    last, theta, first = cossin(unitary, p=half, q=half, separate=True)
    gates: list[Gate] = []
    for number, (zero, one) in enumerate((first, last)):
        left, phases, right = demultiplexed(np.asarray(zero), np.asarray(one))
        gates += [*shannon_gates(right), *multiplexed_rz(wires, phases), *shannon_gates(left)]
        if number == 0:
            gates += _ladder(wires, np.asarray(2 * theta, dtype=np.float64))
    return wire_gates(gates, wires)
