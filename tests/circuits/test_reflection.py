# SPDX-License-Identifier: Apache-2.0
"""Reflections and their fractions as circuits, against dense matrices in Qiskit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit.library import MCPhaseGate, MCXGate
from qiskit.quantum_info import Operator, Statevector
from scipy.linalg import expm
from scipy.stats import ortho_group

from stinespring.circuits.core.from_qiskit import plain_gates
from stinespring.circuits.core.gates import Gate, append, count_two_qubit, inverted
from stinespring.circuits.core.simulate import gate_isometry
from stinespring.circuits.exact.signed_state import gray_state, unitary_on
from stinespring.circuits.systems.reflection import Turn, phase_of_zero, state_gates, turns_program


def circuit(gates, size):
    result = QuantumCircuit(size)
    append(result, gates)
    return result


def up_to_phase(found, wanted, atol=1e-11):
    phase = np.vdot(found, wanted)
    np.testing.assert_allclose(found * phase / abs(phase), wanted, atol=atol)


def real_state(size, seed, kind="full"):
    rng = np.random.default_rng(seed)
    v = rng.normal(size=2**size)
    if kind == "sparse":
        v *= rng.random(2**size) < 0.3
        v[rng.integers(2**size)] = 1.0
    elif kind == "basis":
        v = -np.eye(2**size)[rng.integers(2**size)]
    elif kind == "product":
        v = np.array([1.0])
        for _ in range(size):
            v = np.kron(v, rng.normal(size=2))
    elif kind == "flat":
        v = rng.choice([-1.0, 1.0], 2**size)
    elif kind == "padded":
        v[rng.integers(1, 2**size) :] = 0.0
    return v / np.linalg.norm(v)


KINDS = st.sampled_from(["full", "sparse", "basis", "product", "flat", "padded"])
SEEDS = st.integers(0, 2**32 - 1)


@settings(max_examples=40)
@given(st.integers(1, 5), SEEDS, KINDS, st.sampled_from([1.0, 0.5, 0.31, -1.7, 0.0, 2.0]))
def test_operators(size, seed, kind, time):
    v = real_state(size, seed, kind)
    gates = turns_program(None, [Turn(v, time)], size)
    wanted = expm(-1j * np.pi * time * np.outer(v, v))
    up_to_phase(Operator(circuit(gates, size)).data, wanted)


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
        up_to_phase(Operator(circuit(gates, size)).data, wanted)
    else:
        up_to_phase(Statevector(circuit(gates, size)).data, wanted @ state)


@settings(max_examples=30)
@given(st.integers(1, 6), SEEDS, KINDS)
@example(4, 0, "basis")
def test_states(size, seed, kind):
    v = real_state(size, seed, kind)
    gates = gray_state(v)
    np.testing.assert_allclose(Statevector(circuit(gates, size)).data, v, atol=1e-13)  # signs and phase included
    assert count_two_qubit(gates) <= 2**size - 1 - size
    up_to_phase(Statevector(circuit(state_gates(v), size)).data, v)


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
        up_to_phase(Statevector(whole).data, wanted)
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
        up_to_phase(found, wanted)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("angle", [np.pi, -0.7])
def test_phase_of_zero(size, angle):
    wanted = np.eye(2**size, dtype=complex)
    wanted[0, 0] = np.exp(1j * angle)
    up_to_phase(Operator(circuit(phase_of_zero(size, angle), size)).data, wanted)


def test_inverse_is_exact():
    rng = np.random.default_rng(0)
    gates = [Gate("u", (0,), tuple(rng.normal(size=3))), Gate("cx", (0, 1)), Gate("ry", (1,), (0.3,)), Gate("h", (2,))]
    gates += [Gate("cz", (1, 2)), Gate("rz", (0,), (1.1,)), Gate("x", (1,)), Gate("cx", (2, 0))]
    np.testing.assert_allclose(gate_isometry([*gates, *inverted(gates)], 3, 3), np.eye(8), atol=1e-15)


def test_isometry_of_gates_against_qiskit():
    rng = np.random.default_rng(1)
    gates = []
    for _ in range(60):
        pair = tuple(int(q) for q in rng.choice(4, 2, replace=False))
        one = int(rng.integers(4))
        gates += [Gate("u", (one,), tuple(rng.normal(size=3))), Gate(str(rng.choice(["cx", "cz"])), pair)]
        gates += [
            Gate(str(rng.choice(["ry", "rz"])), (pair[0],), (float(rng.normal()),)),
            Gate("h", (pair[1],)),
            Gate("x", (one,)),
        ]
    wanted = Operator(circuit(gates, 4)).data
    np.testing.assert_allclose(gate_isometry(gates, 4, 4), wanted, atol=1e-13)
    np.testing.assert_allclose(gate_isometry(gates, 4, 2), wanted[:, :4], atol=1e-13)


def test_plain_gates_against_qiskit():
    whole = QuantumCircuit(5)
    whole.append(MCXGate(4), [3, 0, 4, 1, 2])
    whole.append(MCPhaseGate(0.4, 3), [2, 4, 0, 3])
    whole.swap(0, 3)
    whole.ccx(1, 2, 0)
    whole.crz(0.2, 3, 1)
    gates = plain_gates(whole)
    assert {gate.name for gate in gates} <= {"u", "cx", "cz"}
    up_to_phase(Operator(circuit(gates, 5)).data, Operator(whole).data)


@pytest.mark.parametrize("matrix", [np.eye(8), np.eye(8)[::-1], np.diag([1.0, -1, 1, 1, -1, 1, 1, 1]), "near"])
def test_special_matrices_are_accurate(matrix):
    if isinstance(matrix, str):
        turn = 1e-9 * np.random.default_rng(0).normal(size=(8, 8))
        matrix = expm(turn - turn.T)
    up_to_phase(Operator(circuit(unitary_on(matrix, range(3)), 3)).data, matrix, atol=2e-12)
    generic = ortho_group.rvs(8, random_state=1)
    assert count_two_qubit(unitary_on(generic, range(3))) <= 19
