# SPDX-License-Identifier: Apache-2.0
"""Reflections about real states, and programs of many of them: undo the preparation, turn the phase of |0>, prepare again.

``exp(-i t pi |v><v|) = P (1 + (exp(-i pi t) - 1) |0><0|) P^dag`` for any P with ``P|0> = v``; t = 1 is the reflection
``1 - 2 |v><v|``. Between neighbours ``P'^dag P`` is written as one operator, which saves about half of the two preparations;
that is an identity between operators: it holds whatever the state is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stinespring.circuits.core.gates import Gate, count_two_qubit, inverted
from stinespring.circuits.core.one_qubit import wire_gates
from stinespring.circuits.core.simulate import missing_phase
from stinespring.circuits.exact.multi_controlled import phase_of_zeros
from stinespring.circuits.exact.orthogonal import shannon_gates
from stinespring.circuits.exact.real_orthogonal import Part, real_gates, undone
from stinespring.circuits.exact.signed_state import SchmidtState, gray_state, real_state, schmidt_state
from stinespring.readings import ComplexArray, FloatArray

__all__ = ["HELPED", "Turn", "turn_phase", "turns_program"]

DIRECT = 2  # qubits up to which an operator is synthesised as a matrix
HELPED = 4  # qubits from which a clean qubit saves two-qubit gates
SCHMIDT = 12  # qubits up to which preparations are in Schmidt form; beyond, synthesis of the halves takes too long


class Turn(NamedTuple):
    """The operator ``exp(-i pi time |v><v|)``.

    Attributes:
        v: shape (2^n,), real, norm 1; or zero: then the operator is the identity.
        time: 1 for a whole layer.
    """

    v: FloatArray
    time: float = 1.0


def turn_phase(turn: Turn, gates: Sequence[Gate], size: int, *, clean: bool = False) -> float:
    """Return the angle g for which ``e^{ig}`` times the gates of one operator alone is the operator itself, phase included.

    Args:
        turn: the operator.
        gates: what :func:`turns_program` returned for it.
        size: n.
        clean: whether wire n is a clean qubit.
    """
    if not gates:
        return 0.0
    clean = clean and size >= HELPED
    if size > SCHMIDT:  # preparations in Gray order and their inverses are exact: what they enclose is enough
        turn = Turn(np.eye(1, 1 << size)[0], turn.time)
        gates = middle(turn, size, clean)
    column = int(np.argmin(abs(turn.v)))
    wanted = np.zeros(turn.v.size << clean, dtype=np.complex128)
    wanted[: turn.v.size] = (np.exp(-1j * np.pi * turn.time) - 1.0) * turn.v[column] * turn.v
    wanted[column] += 1.0
    return missing_phase(gates, column, wanted)


def turns_program(
    state: FloatArray | None, turns: Sequence[Turn], size: int, *, merge: bool = True, clean: bool = False
) -> list[Gate]:
    """Return gates that prepare a state (if there is one) and apply operators one after the other.

    Args:
        state: shape (2^n,), real, norm 1, or None: then the gates are the product of the operators.
        turns: the operators, in order.
        size: n.
        merge: whether neighbouring preparations are written as one operator where that is shorter.
        clean: whether wire n is a qubit in |0> that may help; it returns there.

    Returns:
        The gates, up to a global phase; one reflection of ten qubits takes at most 1168 CX with a clean qubit, 1410 without.
    """
    turns = [turn for turn in turns if turn.v.any() and turn.time % 2.0 != 0.0]
    if size <= DIRECT:
        gates = [] if state is None else gray_state(state)
        gates += [gate for turn in turns for gate in shannon_gates(matrix(turn))]
        return wire_gates(gates, size)
    clean = clean and size >= HELPED
    if size > SCHMIDT or not merge or len(turns) + (state is not None) < 2:
        return separate_program(state, turns, size, clean)
    states = [*([] if state is None else [state]), *(turn.v for turn in turns)]
    forms = [schmidt_state(each) for each in states]
    merged = merged_program(forms, state is not None, turns, clean)
    if all(form.generic for form in forms):  # then nothing is shorter
        return merged
    return min(merged, separate_program(state, turns, size, clean), key=count_two_qubit)


def middle(turn: Turn, size: int, clean: bool) -> list[Gate]:
    """Return the phase of |0> that an operator's preparations enclose."""
    return phase_of_zeros(range(size), -np.pi * turn.time, size if clean else None)


def separate_program(state: FloatArray | None, turns: Sequence[Turn], size: int, clean: bool) -> list[Gate]:
    """Return the program with each state in its shortest preparation."""
    prepared = gray_state if size > SCHMIDT else real_state
    gates = [] if state is None else list(prepared(state))
    for turn in turns:
        preparation = prepared(turn.v)
        gates += [*inverted(preparation), *middle(turn, size, clean), *preparation]
    return gates if size > SCHMIDT else wire_gates(gates, size + clean)


def merged_program(forms: Sequence[SchmidtState], prepared: bool, turns: Sequence[Turn], clean: bool) -> list[Gate]:
    """Return the program with all preparations in Schmidt form; where two meet, one matrix is left of each half.

    Args:
        forms: of the state that is prepared, if one is, and of each operator.
        prepared: whether one is.
        turns: the operators.
        clean: whether the wire after those of the states may help.
    """
    size = sum(forms[0].halves)
    cores = [form.core() for form in forms]
    parts: list[Part] = [*cores[0]] if prepared else [*undone(forms[0].turns)]
    for number, (turn, form, core) in enumerate(zip(turns, forms[prepared:], cores[prepared:], strict=True)):
        if number or prepared:
            parts += forms[number - 1 + prepared].turns_undoing(form)
        parts += [*undone(core), *middle(turn, size, clean), *core]
    return real_gates([*parts, *forms[-1].turns], size + clean)


def matrix(turn: Turn) -> ComplexArray:
    """Return an operator as a matrix."""
    return np.asarray(np.eye(turn.v.size) + (np.exp(-1j * np.pi * turn.time) - 1.0) * np.outer(turn.v, turn.v))
