# SPDX-License-Identifier: Apache-2.0
"""The global phase that a list of gates leaves open, found from one column of its matrix."""

from __future__ import annotations

from cmath import phase
from collections.abc import Iterable

import numpy as np

from stinespring.circuits.core.gates import Gate
from stinespring.circuits.core.one_qubit import entries_of
from stinespring.readings import ComplexArray

__all__ = ["applied", "missing_phase"]


def applied(gates: Iterable[Gate], state: ComplexArray) -> ComplexArray:
    """Return a state after gates, their phases included; ``u`` is Qiskit's, with the entry ``cos(theta/2)``.

    Args:
        gates: one-qubit gates, ``cx`` and ``cz``.
        state: shape (2^n,); the index's bit i is wire i.
    """
    state = np.array(state, dtype=np.complex128)
    wires = state.reshape((2,) * (state.size.bit_length() - 1)).T  # axis i is wire i
    for gate in gates:
        if gate.name in ("cx", "cz"):
            control, target = gate.qubits
            on = np.moveaxis(wires, (control, target), (0, 1))[1]
            if gate.name == "cz":
                on[1] *= -1.0
            else:
                on[:] = on[::-1].copy()
            continue
        a, b, c, d = entries_of(gate)
        both = np.moveaxis(wires, gate.qubits[0], 0)
        zero, one = both[0].copy(), both[1].copy()
        both[0], both[1] = a * zero + b * one, c * zero + d * one
    return state


def missing_phase(gates: Iterable[Gate], column: int, wanted: ComplexArray) -> float:
    """Return the angle g for which ``e^{ig}`` times the gates takes the basis state ``|column>`` to ``wanted``."""
    start = np.zeros(wanted.size, dtype=np.complex128)
    start[column] = 1.0
    return phase(complex(np.vdot(applied(gates, start), wanted)))
