# SPDX-License-Identifier: Apache-2.0
"""Joint searches: derivatives, the length promised for dense laws, laws with zeros, and repeatability."""

from __future__ import annotations

from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.quantum_info import Statevector

import strategies
from stinespring.circuits.core.gates import append, count_two_qubit
from stinespring.circuits.core.realised_law import realised_law
from stinespring.circuits.laws.free_law import free_law_circuit
from stinespring.circuits.search.joint_amplitudes import amplitudes, derivatives
from stinespring.circuits.search.joint_fit import JointFit
from stinespring.circuits.search.joint_search import GOAL, RULES, joint_circuit, random_pattern
from stinespring.circuits.search.levenberg import solve

EXACT = 1e-10  # far above rounding, far below what any wrong gate does


def by_statevector(gates, law, codes):
    """Return the largest error of P(outcome, context unchanged | x) by Qiskit."""
    contexts, size = law.shape
    circuit = QuantumCircuit((contexts * size).bit_length() - 1)
    append(circuit, gates)
    worst = 0.0
    for x in range(contexts):
        amplitude = Statevector.from_int(x, 2**circuit.num_qubits).evolve(circuit).data
        found = (abs(amplitude) ** 2).reshape(size, contexts)[codes, x]
        worst = max(worst, abs(found - law[x]).max())
    return worst


def softmax_law(seed, contexts, size):
    """A law with full support, as a softmax of random scores makes it."""
    weight = np.exp(np.random.default_rng(seed).normal(size=(contexts, size)))
    return weight / weight.sum(axis=1, keepdims=True)


@given(st.integers(0, 3), st.integers(1, 3), st.integers(4, 9), strategies.seeds())
def test_gates_and_derivatives_belong_to_the_amplitudes(width, size, count, seed):
    rng = np.random.default_rng(seed)
    if width + size < 2 or (width == 0 and size == 1):
        return
    pattern = random_pattern(count, width=width, size=size, rng=rng)
    assert len(pattern.pairs) == count
    contexts = np.arange(2**width)
    params = rng.uniform(-3, 3, size=(2, pattern.parameters))
    run = amplitudes(pattern, params, contexts)
    for start in range(2):
        law = realised_law(pattern.gates(params[start]), width=width, size=size)
        np.testing.assert_allclose(abs(run.state[start]) ** 2, law, atol=1e-12)
    found = derivatives(pattern, run, np.ones_like(run.state))
    step = 1e-6
    for i in rng.integers(pattern.parameters, size=4):
        moved = np.zeros(pattern.parameters)
        moved[i] = step
        high, low = (amplitudes(pattern, params + s * moved, contexts).state for s in (1, -1))
        wanted = ((high - low) / (2 * step)).reshape(2, -1)
        np.testing.assert_allclose(found[:, i], wanted, atol=1e-7)


def test_the_gradient_is_that_of_the_loss():
    rng = np.random.default_rng(4)
    pattern = random_pattern(6, width=2, size=2, rng=rng)
    law = softmax_law(4, 4, 4)
    law[1] = [1, 0, 0, 0]
    problem = JointFit(pattern, np.arange(4), np.sqrt(law).reshape(1, -1))
    params = rng.normal(size=(3, pattern.parameters))
    curvature, gradient, _ = problem.system(problem.guess(params))
    assert np.linalg.eigvalsh(curvature).min() > -1e-9  # saddle-free: no direction of negative curvature
    for i in range(pattern.parameters):
        moved = np.zeros(pattern.parameters)
        moved[i] = 1e-6
        slope = (problem.guess(params + moved).loss - problem.guess(params - moved).loss) / 2e-6
        np.testing.assert_allclose(gradient[:, i, 0], slope / 2, atol=1e-6)


def test_a_fit_finds_angles_that_exist():
    """A law made by the pattern itself is met from some of twelve starts."""
    rng = np.random.default_rng(0)
    pattern = random_pattern(8, width=2, size=2, rng=rng)
    run = amplitudes(pattern, rng.normal(size=(1, pattern.parameters)), np.arange(4))
    problem = JointFit(pattern, np.arange(4), abs(run.state).reshape(1, -1))
    solved = solve(problem, rng.normal(size=(12, pattern.parameters)), steps=130, goal=GOAL, rules=RULES)
    assert solved.error < 1e-12


@pytest.mark.parametrize("seed", [0, 1])
def test_dense_laws_take_little_over_half_of_the_exact_isometry(seed):
    """Two tokens of two bits: at most ceil(0.55 (2^4 (2^2 - 1) - 2)) = 26 two-qubit gates, contexts unchanged."""
    law = softmax_law(seed, 16, 4)
    circuit = free_law_circuit(law, effort=0.6)
    assert circuit.ancillas == 0
    assert circuit.cost <= ceil(0.55 * (2**4 * (2**2 - 1) - 2))
    assert by_statevector(circuit.gates, law, circuit.codes) < EXACT


def test_codes_stay_if_they_are_not_free():
    law = softmax_law(5, 16, 4)
    circuit = free_law_circuit(law, free_codes=False, effort=0.6)
    assert circuit.codes.tolist() == [0, 1, 2, 3]
    assert circuit.cost <= 26
    assert by_statevector(circuit.gates, law, np.arange(4)) < EXACT


def test_a_uniformly_controlled_rotation_that_no_half_form_fits():
    """Five controls, some rows near certain: 31 gates in Gray order, about half of them by a joint search."""
    p = np.random.default_rng(2).uniform(0.01, 0.99, size=32)
    law = np.stack([1 - p, p], axis=1)
    circuit = free_law_circuit(law, effort=1.0)
    assert circuit.cost <= ceil(0.55 * 31)
    assert by_statevector(circuit.gates, law, circuit.codes) < EXACT


@settings(max_examples=6)
@given(st.sampled_from([(2, 2), (3, 2), (2, 3), (4, 1)]), st.sampled_from([0.2, 0.6]), strategies.seeds())
def test_zeros_and_contexts_without_care(shape, share, seed):
    """Zeros are met as well or not at all: a search returns nothing or the law, and the closed form stays."""
    rng = np.random.default_rng(seed)
    law = softmax_law(seed, 2 ** shape[0], 2 ** shape[1])
    law[rng.random(law.shape) < share] = 0.0
    law[law.sum(axis=1) == 0, 0] = 1.0
    law /= law.sum(axis=1, keepdims=True)
    care = rng.random(len(law)) < 0.8
    circuit = free_law_circuit(law, care=care, effort=0.3)
    assert circuit.cost <= free_law_circuit(law, care=care).cost
    found = realised_law(circuit.gates, width=shape[0], size=shape[1], ancillas=circuit.ancillas)
    assert abs(found[:, circuit.codes] - law)[care].max(initial=0.0) < 1e-9


def test_contexts_without_care_are_free():
    """Half of the contexts: about half of the gates."""
    law, care = softmax_law(3, 16, 4), np.arange(16) % 16 < 8
    care = np.random.default_rng(3).permutation(care)
    found = joint_circuit(law, care, limit=27, bound=1, free_codes=False, effort=1.0, seed=0)
    assert found is not None
    assert count_two_qubit(found[0]) <= ceil(0.55 * (8 * 3 - 2))
    realised = realised_law(found[0], width=4, size=2)
    assert abs(realised - law)[care].max() < EXACT


def test_the_same_seed_gives_the_same_gates():
    law, every = softmax_law(1, 16, 4), np.ones(16, dtype=bool)
    runs = [joint_circuit(law, every, limit=40, bound=12, free_codes=False, effort=0.2, seed=s) for s in (3, 3, 4)]
    assert runs[0] is not None
    assert runs[2] is not None
    assert runs[0][0] == runs[1][0]
    assert runs[0][0] != runs[2][0]


def test_no_work_no_circuit():
    law = softmax_law(1, 64, 8)
    assert joint_circuit(law, np.ones(64, dtype=bool), limit=400, bound=12, free_codes=False, effort=1e-3, seed=0) is None
