# SPDX-License-Identifier: Apache-2.0
"""What a list of gates does: its isometry, its Kraus operators, and how far their channel is from another."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from stinespring.circuits.core.gates import TWO_QUBIT, Gate
from stinespring.circuits.core.one_qubit import entries_of
from stinespring.models.channels.cptp import choi_of_kraus
from stinespring.readings import ComplexArray

__all__ = ["choi_error", "gate_isometry", "kraus_of"]


def gate_isometry(gates: Iterable[Gate], width: int, inputs: int) -> ComplexArray:
    """Return the isometry of gates whose wires ``inputs..width-1`` start in |0>, shape (2^width, 2^inputs).

    Args:
        gates: without slots.
        width: number of wires.
        inputs: wires 0..inputs-1 are the input.
    """
    state: ComplexArray = np.eye(1 << width, 1 << inputs, dtype=np.complex128)
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
            matrix = np.array(entries_of(gate)).reshape(2, 2)
            state = np.matmul(matrix, state.reshape(-1, 2, state.shape[1] << gate.qubits[0])).reshape(state.shape)
    return state


def kraus_of(isometry: ComplexArray, kept: int) -> ComplexArray:
    """Return the Kraus operators of an isometry, shape (2^(q-n), 2^n, 2^m); the n = ``kept`` low qubits are the output."""
    return isometry.reshape(-1, 1 << kept, isometry.shape[1])


def choi_error(first: ComplexArray, second: ComplexArray) -> float:
    """Return the largest absolute entry of the difference of two channels' Choi matrices.

    Args:
        first: Kraus operators, shape (r, 2^n, 2^m).
        second: others, shape (r', 2^n, 2^m).
    """
    return float(abs(choi_of_kraus(first) - choi_of_kraus(second)).max(initial=0.0))
