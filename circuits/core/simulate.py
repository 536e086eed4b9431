# SPDX-License-Identifier: Apache-2.0
"""What a list of gates does to states: its columns, its Kraus operators, and the global phase that it leaves open."""

from __future__ import annotations

from cmath import phase
from collections.abc import Iterable

import numpy as np

from stinespring.circuits.core.gates import TWO_QUBIT, Gate
from stinespring.circuits.core.one_qubit import gate_matrix
from stinespring.readings import ComplexArray

__all__ = ["applied", "gate_isometry", "kraus_of", "missing_phase"]


def applied(state: ComplexArray, gates: Iterable[Gate]) -> ComplexArray:
    """Return states after gates, their phases included; ``u`` is Qiskit's, with the entry ``cos(theta/2)``.

    Args:
        state: shape (2^n, columns), one state a column; bit i of the row is wire i.
        gates: one-qubit gates, ``cx`` and ``cz``, without slots.
    """
    state = np.array(state, dtype=np.complex128)
    for gate in gates:
        if gate.name in TWO_QUBIT:
            low, high = sorted(gate.qubits)
            parts = state.reshape(-1, 2, 1 << (high - low - 1), 2, state.shape[1] << low)
            if gate.name == "cz":
                parts[:, 1, :, 1] *= -1.0
            elif gate.qubits[0] == high:
                parts[:, 1] = parts[:, 1, :, ::-1].copy()
            else:
                parts[:, :, :, 1] = parts[:, ::-1, :, 1].copy()
        else:
            matrix, pairs = gate_matrix(gate), state.reshape(-1, 2, state.shape[1] << gate.qubits[0])
            # products of pairs one by one are slow
            state = (pairs[:, :, 0] @ matrix.T if pairs.shape[2] == 1 else matrix @ pairs).reshape(state.shape)
    return state


def gate_isometry(gates: Iterable[Gate], width: int, inputs: int) -> ComplexArray:
    """Return the isometry of gates whose wires ``inputs..width-1`` start in |0>, shape (2^width, 2^inputs).

    Args:
        gates: without slots.
        width: number of wires.
        inputs: wires 0..inputs-1 are the input.
    """
    return applied(np.eye(1 << width, 1 << inputs, dtype=np.complex128), gates)


def kraus_of(isometry: ComplexArray, kept: int) -> ComplexArray:
    """Return the Kraus operators of an isometry, shape (2^(q-n), 2^n, 2^m); the n = ``kept`` low qubits are the output."""
    return isometry.reshape(-1, 1 << kept, isometry.shape[1])


def missing_phase(gates: Iterable[Gate], column: int, wanted: ComplexArray) -> float:
    """Return the angle g for which ``e^{ig}`` times the gates takes the basis state ``|column>`` to ``wanted``."""
    start = np.zeros((wanted.size, 1), dtype=np.complex128)
    start[column] = 1.0
    return phase(complex(np.vdot(applied(start, gates)[:, 0], wanted)))
