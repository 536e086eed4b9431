# SPDX-License-Identifier: Apache-2.0
"""Reflections and their fractions as circuits, against dense matrices in Qiskit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.quantum_info import Operator, Statevector
from scipy.linalg import expm

from gates_by_qiskit import same_up_to_phase
from real_states import KINDS, SEEDS, real_state
from stinespring.circuits.core.gates import append, count_two_qubit, inverted
from stinespring.circuits.exact import multi_controlled
from stinespring.circuits.exact.signed_state import gray_state
from stinespring.circuits.systems.reflection import Turn, turn_phase, turns_program


def circuit(gates, size):
    result = QuantumCircuit(size)
    append(result, gates)
    return result


def product(turns, size):
    """The product of operators as a matrix."""
    result = np.eye(2**size)
    for turn in turns:
        result = expm(-1j * np.pi * turn.time * np.outer(turn.v, turn.v)) @ result
    return result


def on_states(gates, size, clean):
    """What a program does to its qubits where the clean one, if there is one, starts in |0> and must end there."""
    whole = Operator(circuit(gates, size + clean)).data[:, : 2**size]
    np.testing.assert_allclose(whole[2**size :], 0, atol=1e-12)
    return whole[: 2**size]


@settings(max_examples=60)
@given(st.integers(1, 6), SEEDS, KINDS, st.sampled_from([1.0, 0.5, 0.31, -1.7, 0.0, 2.0]), st.booleans())
def test_operators(size, seed, kind, time, clean):
    turn = Turn(real_state(size, seed, kind), time)
    gates = turns_program(None, [turn], size, clean=clean)
    found = np.exp(1j * turn_phase(turn, gates, size, clean=clean)) * on_states(gates, size, clean)
    np.testing.assert_allclose(found, product([turn], size), atol=1e-12)


@settings(max_examples=30)
@given(st.integers(1, 5), SEEDS, st.lists(KINDS, min_size=1, max_size=4), st.booleans(), st.booleans(), st.booleans())
def test_programs_are_products_of_operators(size, seed, kinds, merge, prepared, clean):
    """As operators, or on |0> after a preparation: neither merging nor a clean qubit changes them."""
    turns = [Turn(real_state(size, seed + i, kind), 1.0 if i % 2 else 0.4) for i, kind in enumerate(kinds)]
    turns.insert(1, Turn(np.zeros(2**size)))  # the identity
    wanted = product(turns, size)
    state = real_state(size, seed + 9) if prepared else None
    found = on_states(turns_program(state, turns, size, merge=merge, clean=clean), size, clean)
    if state is None:
        same_up_to_phase(found, wanted, atol=1e-12)
    else:
        same_up_to_phase(found[:, 0], wanted @ state, atol=1e-12)


MOST = {True: (1168, 6320), False: (1410, 8256)}  # two-qubit gates of one reflection and of eight after a preparation


@pytest.mark.parametrize("clean", [True, False])
def test_ten_qubits(clean):
    """At most 1,394 two-qubit gates with a clean qubit, eight together 8,000; a generic unitary costs about 480,000."""
    v, x = real_state(10, 3), real_state(10, 4)
    for time in (1.0, 0.37):
        gates = turns_program(None, [Turn(v, time)], 10, clean=clean)
        assert count_two_qubit(gates) == MOST[clean][0]
        state = Statevector(circuit([*gray_state(x), *gates], 10 + clean)).data
        wanted = x + (np.exp(-1j * np.pi * time) - 1) * v * (v @ x)
        same_up_to_phase(state, np.pad(wanted, (0, len(state) - 1024)), atol=1e-12)
    turns = [Turn(real_state(10, seed)) for seed in range(8)]
    gates = turns_program(x, turns, 10, clean=clean)
    assert count_two_qubit(gates) == MOST[clean][1]
    assert count_two_qubit(turns_program(x, turns, 10, merge=False, clean=clean)) > 1.2 * MOST[clean][1]
    wanted = x
    for turn in turns:
        wanted = wanted - 2 * turn.v * (turn.v @ wanted)
    state = Statevector(circuit(gates, 10 + clean)).data
    same_up_to_phase(state, np.pad(wanted, (0, len(state) - 1024)), atol=1e-12)


def test_a_wrong_sign_is_seen(monkeypatch):
    """A gathered product with a wrong sign, and a clean qubit that is not returned."""
    turn = Turn(real_state(5, 1))
    right = multi_controlled._toffoli

    def wrong(one, other, target):
        gates = right(one, other, target)
        return gates[:-1] if target == 5 else gates

    monkeypatch.setattr(multi_controlled, "_toffoli", wrong)
    monkeypatch.setattr(multi_controlled, "inverted", lambda gates: [g for gate in gates for g in inverted([gate])])
    gates = turns_program(None, [turn], 5, clean=True)
    with pytest.raises(AssertionError):
        same_up_to_phase(on_states(gates, 5, True), product([turn], 5), atol=1e-12)


@pytest.mark.parametrize("size", [5, 9])
@pytest.mark.parametrize("clean", [True, False])
def test_uneven_and_large_sizes(size, clean, monkeypatch):
    """Nine qubits as they are; five as if they were too many for the Schmidt form."""
    monkeypatch.setattr("stinespring.circuits.systems.reflection.SCHMIDT", 4 if size == 5 else 12)
    v, x = real_state(size, 1), real_state(size, 2)
    for state, turns in ((None, [Turn(v)]), (x, [Turn(v), Turn(real_state(size, 5))])):
        gates = turns_program(state, turns, size, clean=clean)
        start = np.eye(1, 2 ** (size + clean))[0]
        if state is None:
            start = np.pad(x, (0, start.size - x.size))
        found = Statevector(start).evolve(circuit(gates, size + clean)).data
        wanted = x
        for turn in turns:
            wanted = wanted - 2 * turn.v * (turn.v @ wanted)
        same_up_to_phase(found, np.pad(wanted, (0, start.size - x.size)), atol=1e-11)
