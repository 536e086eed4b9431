# SPDX-License-Identifier: Apache-2.0
"""Reflections about real states, and programs of many of them: undo the preparation, turn the phase of |0>, prepare again.

``exp(-i t pi |v><v|) = P (1 + (exp(-i pi t) - 1) |0><0|) P^dag`` for any P with ``P|0> = v``; t = 1 is the reflection
``1 - 2 |v><v|``. Between neighbours ``P'^dag P`` is written as one operator, which saves about half of the two preparations;
that is an identity between operators: it holds whatever the state is.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from stinespring.circuits.core.from_qiskit import plain_gates
from stinespring.circuits.core.gates import Gate, inverted
from stinespring.circuits.core.one_qubit import wire_gates
from stinespring.circuits.core.simulate import missing_phase
from stinespring.circuits.exact.orthogonal import shannon_gates
from stinespring.circuits.exact.signed_state import SchmidtState, gray_state, schmidt_state
from stinespring.readings import ComplexArray, FloatArray

__all__ = ["Turn", "phase_of_zero", "state_gates", "turn_phase", "turns_program"]

DIRECT = 2  # qubits up to which an operator is synthesised as a matrix
UNEVEN = 9  # odd numbers of qubits from which one operator alone is cheaper in Gray form
SCHMIDT = 12  # qubits up to which preparations are in Schmidt form; beyond, synthesis of the halves takes too long


class Turn(NamedTuple):
    """The operator ``exp(-i pi time |v><v|)``.

    Attributes:
        v: shape (2^n,), real, norm 1; or zero: then the operator is the identity.
        time: 1 for a whole layer.
    """

    v: FloatArray
    time: float = 1.0


@lru_cache(maxsize=64)
def phase_of_zero(size: int, angle: float) -> tuple[Gate, ...]:
    """Return ``1 + (exp(i angle) - 1) |0><0|`` on n wires, without ancillas: 290 CX for n = 10."""
    from qiskit import QuantumCircuit

    circuit = QuantumCircuit(size)
    circuit.x(range(size))
    circuit.mcp(angle, list(range(size - 1)), size - 1) if size > 1 else circuit.p(angle, 0)
    circuit.x(range(size))
    return tuple(plain_gates(circuit))


def state_gates(state: FloatArray) -> list[Gate]:
    """Return gates that take |0> to a real state, up to a global phase.

    Args:
        state: shape (2^n,), norm 1.
    """
    size = state.size.bit_length() - 1
    if not DIRECT <= size <= SCHMIDT:
        return gray_state(state)
    form = schmidt_state(state)
    return wire_gates([*form.core, *form.turns], size)


def turn_phase(turn: Turn, gates: Sequence[Gate], size: int) -> float:
    """Return the angle g for which ``e^{ig}`` times the gates of one operator alone is the operator itself, phase included.

    Args:
        turn: the operator.
        gates: what :func:`turns_program` returned for it.
        size: n.
    """
    if not gates:
        return 0.0
    if size > SCHMIDT:  # preparations in Gray order and their inverses are exact: what they enclose is enough
        turn = Turn(np.eye(1, 1 << size)[0], turn.time)
        gates = phase_of_zero(size, -np.pi * turn.time)
    column = int(np.argmin(abs(turn.v)))
    wanted = (np.exp(-1j * np.pi * turn.time) - 1.0) * turn.v[column] * turn.v
    wanted[column] += 1.0
    return missing_phase(gates, column, wanted)


def turns_program(state: FloatArray | None, turns: Sequence[Turn], size: int, *, merge: bool = True) -> list[Gate]:
    """Return gates that prepare a state (if there is one) and apply operators one after the other.

    Args:
        state: shape (2^n,), real, norm 1, or None: then the gates are the product of the operators.
        turns: the operators, in order.
        size: n.
        merge: whether neighbouring preparations are written as one operator.

    Returns:
        The gates, up to a global phase; one reflection of ten qubits takes 2044 CX.
    """
    turns = [turn for turn in turns if turn.v.any() and turn.time % 2.0 != 0.0]
    if size <= DIRECT:
        gates = [] if state is None else gray_state(state)
        gates += [gate for turn in turns for gate in shannon_gates(matrix(turn))]
        return wire_gates(gates, size)
    alone = state is None and len(turns) == 1
    if size > SCHMIDT or (alone and size % 2 and size >= UNEVEN):
        gates = [] if state is None else gray_state(state)
        for turn in turns:
            prepared = gray_state(turn.v)
            gates += [*inverted(prepared), *phase_of_zero(size, -np.pi * turn.time), *prepared]
        return gates
    return wire_gates(schmidt_program(state, turns, size, merge), size)


def schmidt_program(state: FloatArray | None, turns: Sequence[Turn], size: int, merge: bool) -> list[Gate]:
    """Return the program with all preparations in Schmidt form."""
    gates: list[Gate] = []
    before: SchmidtState | None = None
    if state is not None:
        before = schmidt_state(state)
        gates += before.core
    for turn in turns:
        form = schmidt_state(turn.v)
        if before is None:
            gates += inverted(form.turns)
        elif merge:
            gates += before.turns_undoing(form)
        else:
            gates += [*before.turns, *inverted(form.turns)]
        gates += [*inverted(form.core), *phase_of_zero(size, -np.pi * turn.time), *form.core]
        before = form
    return gates if before is None else [*gates, *before.turns]


def matrix(turn: Turn) -> ComplexArray:
    """Return an operator as a matrix."""
    return np.asarray(np.eye(turn.v.size) + (np.exp(-1j * np.pi * turn.time) - 1.0) * np.outer(turn.v, turn.v))
