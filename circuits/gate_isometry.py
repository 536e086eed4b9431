# SPDX-License-Identifier: Apache-2.0
"""What a list of gates does: its isometry, its Kraus operators, and how far their channel is from another."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from stinespring.channels.cptp import choi_of_kraus
from stinespring.circuits.conditional_simulation import gate_matrix
from stinespring.circuits.gates import Gate
from stinespring.circuits.sequence import ComplexArray

__all__ = ["choi_error", "gate_isometry", "kraus_of"]

PAIR = {"cz": np.diag([1, 1, 1, -1]).astype(np.complex128), "cx": np.eye(4, dtype=np.complex128)[[0, 1, 3, 2]]}


def gate_isometry(gates: Iterable[Gate], width: int, inputs: int) -> ComplexArray:
    """Return the isometry of gates whose wires ``inputs..width-1`` start in |0>, shape (2^width, 2^inputs).

    Args:
        gates: without slots.
        width: number of wires.
        inputs: wires 0..inputs-1 are the input.
    """
    state: ComplexArray = np.eye(1 << width, 1 << inputs, dtype=np.complex128).reshape((2,) * width + (-1,))
    for gate in gates:
        axes = tuple(width - 1 - q for q in gate.qubits)
        matrix = PAIR[gate.name] if len(axes) == 2 else gate_matrix(gate)
        operator = matrix.reshape((2,) * (2 * len(axes)))
        state = np.tensordot(operator, state, axes=(tuple(range(len(axes), 2 * len(axes))), axes))
        state = np.moveaxis(state, tuple(range(len(axes))), axes)
    return state.reshape(1 << width, 1 << inputs)


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
