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
from stinespring.circuits.core.gates import append, count_two_qubit
from stinespring.circuits.exact.signed_state import gray_state
from stinespring.circuits.systems.reflection import Turn, phase_of_zero, turns_program


def circuit(gates, size):
    result = QuantumCircuit(size)
    append(result, gates)
    return result


@settings(max_examples=40)
@given(st.integers(1, 5), SEEDS, KINDS, st.sampled_from([1.0, 0.5, 0.31, -1.7, 0.0, 2.0]))
def test_operators(size, seed, kind, time):
    v = real_state(size, seed, kind)
    gates = turns_program(None, [Turn(v, time)], size)
    wanted = expm(-1j * np.pi * time * np.outer(v, v))
    same_up_to_phase(Operator(circuit(gates, size)).data, wanted, atol=1e-11)


@settings(max_examples=20)
@given(st.integers(1, 5), SEEDS, st.lists(KINDS, min_size=1, max_size=4), st.booleans(), st.booleans())
def test_programs_are_products_of_operators(size, seed, kinds, merge, prepared):
    """As operators, or on |0> after a preparation: merging changes neither."""
    turns = [Turn(real_state(size, seed + i, kind), 1.0 if i % 2 else 0.4) for i, kind in enumerate(kinds)]
    turns.insert(1, Turn(np.zeros(2**size)))  # the identity
    wanted = np.eye(2**size)
    for turn in turns:
        wanted = expm(-1j * np.pi * turn.time * np.outer(turn.v, turn.v)) @ wanted
    state = real_state(size, seed + 9) if prepared else None
    gates = turns_program(state, turns, size, merge=merge)
    if state is None:
        same_up_to_phase(Operator(circuit(gates, size)).data, wanted, atol=1e-11)
    else:
        same_up_to_phase(Statevector(circuit(gates, size)).data, wanted @ state, atol=1e-11)


def test_ten_qubits():
    """The target: at most 2 (2^10 - 11) + 200 two-qubit gates; a generic unitary costs about 480,000."""
    v = real_state(10, 3)
    for time in (1.0, 0.37):
        gates = turns_program(None, [Turn(v, time)], 10)
        assert count_two_qubit(gates) <= 2 * (2**10 - 11) + 200
        x = np.random.default_rng(4).normal(size=1024)
        x /= np.linalg.norm(x)
        whole = circuit([*gray_state(x), *gates], 10)
        wanted = x + (np.exp(-1j * np.pi * time) - 1) * v * (v @ x)
        same_up_to_phase(Statevector(whole).data, wanted, atol=1e-11)
    alone = count_two_qubit(turns_program(x, [Turn(v), Turn(x), Turn(v)], 10, merge=False))
    merged = count_two_qubit(turns_program(x, [Turn(v), Turn(x), Turn(v)], 10))
    assert merged < 0.65 * alone


@pytest.mark.parametrize("size", [5, 9])
def test_uneven_and_large_sizes(size, monkeypatch):
    """Nine qubits as they are; five as if they were too many for the Schmidt form."""
    monkeypatch.setattr("stinespring.circuits.systems.reflection.SCHMIDT", 4 if size == 5 else 12)
    v, x = real_state(size, 1), real_state(size, 2)
    for state, turns in ((None, [Turn(v)]), (x, [Turn(v), Turn(real_state(size, 5))])):
        gates = turns_program(state, turns, size)
        start = x if state is None else np.eye(1, 2**size)[0]
        found = Statevector(start).evolve(circuit(gates, size)).data
        wanted = x
        for turn in turns:
            wanted = wanted - 2 * turn.v * (turn.v @ wanted)
        same_up_to_phase(found, wanted, atol=1e-11)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("angle", [np.pi, -0.7])
def test_phase_of_zero(size, angle):
    wanted = np.eye(2**size, dtype=complex)
    wanted[0, 0] = np.exp(1j * angle)
    same_up_to_phase(Operator(circuit(phase_of_zero(size, angle), size)).data, wanted, atol=1e-11)
