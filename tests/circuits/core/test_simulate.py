# SPDX-License-Identifier: Apache-2.0
"""What gates do to states, their inverses, and Qiskit circuits as gates, against Qiskit."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit.library import MCPhaseGate, MCXGate
from qiskit.quantum_info import Operator

import strategies
from gates_by_qiskit import qiskit_isometry, same_up_to_phase
from stinespring.circuits.core.from_qiskit import plain_gates, translated
from stinespring.circuits.core.gates import Gate, inverted
from stinespring.circuits.core.simulate import applied, gate_isometry, missing_phase


@given(st.lists(strategies.gates(), max_size=12), st.sampled_from([1, 3]), strategies.seeds())
def test_states_after_gates(gates, columns, seed):
    rng = np.random.default_rng(seed)
    states = rng.normal(size=(8, columns)) + 1j * rng.normal(size=(8, columns))
    before = states.copy()
    wanted = qiskit_isometry(gates, 3, 3) @ states
    np.testing.assert_allclose(applied(states, gates), wanted, atol=1e-13)
    np.testing.assert_array_equal(states, before)
    angle = missing_phase(gates, 5, np.exp(0.7j) * qiskit_isometry(gates, 3, 3)[:, 5])
    assert abs(angle - 0.7) < 1e-12


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
    wanted = qiskit_isometry(gates, 4, 4)
    np.testing.assert_allclose(gate_isometry(gates, 4, 4), wanted, atol=1e-13)
    np.testing.assert_allclose(gate_isometry(gates, 4, 2), wanted[:, :4], atol=1e-13)


def test_plain_gates_against_qiskit():
    whole = QuantumCircuit(5)
    whole.append(MCXGate(4), [3, 0, 4, 1, 2])
    whole.append(MCPhaseGate(0.4, 3), [2, 4, 0, 3])
    whole.swap(0, 3)
    whole.ccx(1, 2, 0)
    whole.crz(0.2, 3, 1)
    for gates in (plain_gates(whole), translated(whole)):
        assert {gate.name for gate in gates} <= {"u", "cx", "cz"}
        same_up_to_phase(qiskit_isometry(gates, 5, 5), Operator(whole).data, atol=1e-11)
