# SPDX-License-Identifier: Apache-2.0
"""Uniformly controlled rotations against Qiskit's operators, and mutants that the same test catches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.quantum_info import Operator
from scipy.linalg import hadamard

import strategies
from stinespring.circuits.core.gates import Gate, Slot, append, count_two_qubit
from stinespring.circuits.exact.multiplexer import gray_angles, law_gates, multiplexed_ry, walsh_hadamard


def isometry(gates: list[Gate], inputs: int, qubits: int) -> np.ndarray:
    """Return the columns of the circuit's operator for which the fresh (higher) qubits start in |0>."""
    circuit = QuantumCircuit(qubits)
    append(circuit, gates)
    return Operator(circuit).data[:, : 2**inputs]


def wanted(law: np.ndarray) -> np.ndarray:
    """Return ``|x> -> |x> sum_t sqrt(P(t|x)) |t>`` by the definition, x being the less significant."""
    contexts, size = law.shape
    result = np.zeros((contexts * size, contexts))
    for x in range(contexts):
        for t in range(size):
            result[t * contexts + x, x] = np.sqrt(law[x, t])
    return result


@given(st.integers(0, 2), st.integers(1, 3), strategies.seeds())
def test_the_isometry_is_exact(controls, size, seed):
    """The promise ``exact``: amplitudes and phases to 1e-13, with at most 2^n (2^k - 1) - k two-qubit gates."""
    rng = np.random.default_rng(seed)
    law = rng.dirichlet(np.full(2**size, 0.5), size=2**controls)
    law[rng.random(len(law)) < 0.3] = np.eye(2**size)[rng.integers(2**size)]
    gates = law_gates(law, range(controls + size))
    np.testing.assert_allclose(isometry(gates, controls, controls + size), wanted(law), atol=1e-13)
    assert count_two_qubit(gates) <= 2**controls * (2**size - 1) - size


@pytest.mark.parametrize("mutate", ["sign", "control", "rotation", "cz"])
def test_mutants_are_caught(mutate):
    law = np.random.default_rng(3).dirichlet(np.ones(4), size=4)
    gates = list(law_gates(law, range(4)))
    rotations = [i for i, g in enumerate(gates) if g.name == "ry"]
    pairs = [i for i, g in enumerate(gates) if g.name == "cz"]
    if mutate == "sign":
        i = rotations[3]
        gates[i] = Gate("ry", gates[i].qubits, (-gates[i].params[0],))
    elif mutate == "control":
        i = pairs[1]
        gates[i] = Gate("cz", (1 - gates[i].qubits[0], gates[i].qubits[1]))
    else:
        del gates[rotations[2] if mutate == "rotation" else pairs[0]]
    assert abs(isometry(gates, 2, 4) - wanted(law)).max() > 1e-3


def test_bit_order_of_an_asymmetric_example():
    """P(2 | x=1) = 1 and P(1 | x=0) = 1: code 2 is binary 10, qubit 0 of the outcome being the least significant."""
    law = np.array([[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]])
    columns = abs(isometry(law_gates(law, range(3)), 1, 3)).argmax(axis=0)
    assert columns.tolist() == [0b010, 0b101]


@given(st.integers(0, 5), strategies.seeds())
def test_walsh_hadamard_is_the_matrix(n, seed):
    values = np.random.default_rng(seed).normal(size=(2, 2**n))
    np.testing.assert_allclose(walsh_hadamard(values), values @ hadamard(2**n) / 2**n, atol=1e-12)


def test_rotations_that_vanish_cost_nothing():
    theta = np.full(8, 0.7)
    assert count_two_qubit(multiplexed_ry(range(4), gray_angles(theta), negligible=4e-16)) == 0
    theta = np.array([0.3, 1.1] * 4)  # depends on one control only
    assert count_two_qubit(multiplexed_ry(range(4), gray_angles(theta), negligible=4e-16)) == 1


def test_slots_are_numbered_in_order():
    gates = multiplexed_ry(range(3), 5)
    assert [g.params for g in gates if g.name == "ry"] == [(Slot(number),) for number in (5, 6, 7, 8)]
