# SPDX-License-Identifier: Apache-2.0
"""The promise ``phases: free``, against Qiskit's statevectors: the law, the contexts, the counts, and mutants."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.quantum_info import Statevector

import strategies
from stinespring.circuits.core.gates import Gate, append, count_two_qubit
from stinespring.circuits.laws.free_law import counting_bound, free_law_circuit

EXACT = 1e-10  # far above rounding, far below what any wrong gate does


def simulated(gates, contexts, size, ancillas, codes):
    """Return P(outcome t, context unchanged | x) by Qiskit, shape (contexts, 2^k)."""
    width = contexts.bit_length() - 1
    circuit = QuantumCircuit(width + size + ancillas)
    append(circuit, gates)
    result = np.zeros((contexts, 2**size))
    for x in range(contexts):
        amplitudes = Statevector.from_int(x, 2**circuit.num_qubits).evolve(circuit).data
        table = (abs(amplitudes) ** 2).reshape(2**ancillas, 2**size, contexts)
        result[x] = table[:, :, x].sum(axis=0)[codes]
    return result


def error_of(circuit, law, care=None, gates=None):
    """Return the largest error of the circuit's law over the contexts that matter."""
    size = law.shape[1].bit_length() - 1
    gates = circuit.gates if gates is None else gates
    found = simulated(gates, len(law), size, circuit.ancillas, circuit.codes)
    care = np.any(law > 0, axis=1) if care is None else care
    return abs(found - law)[care].max(initial=0.0)


def baseline(law):
    contexts, size = law.shape
    return contexts * (size - 1) - (size.bit_length() - 1)


def random_law(rng, width, size):
    """Full support, zeros, certain rows, rows that repeat and rows that cannot occur."""
    law = rng.dirichlet(np.full(2**size, rng.choice([0.3, 1.0, 5.0])), size=2**width)
    law[rng.random(law.shape) < rng.choice([0.0, 0.4])] = 0.0
    law[law.sum(axis=1) == 0, 0] = 1.0
    law /= law.sum(axis=1, keepdims=True)
    certain = rng.random(len(law)) < rng.choice([0.0, 0.5])
    law[certain] = np.eye(2**size)[rng.integers(2**size, size=certain.sum())]
    if width and rng.random() < 0.2:
        law[len(law) // 2 :] = law[: len(law) // 2]
    care = rng.random(len(law)) >= rng.choice([0.0, 0.4])
    return law, care


def attention_table(k, n, seed, token_map):
    """P(t|x) = sum_j a_j(x) [f(x_j) = t] with softmax weights of random scores."""
    rng = np.random.default_rng([seed, k, n])
    score = rng.normal(size=(2**k, 2**k))
    law = np.zeros((2 ** (k * n), 2**k))
    for x in range(len(law)):
        tokens = [x >> (k * j) & (2**k - 1) for j in range(n)]
        weight = np.exp([score[tokens[-1], t] for t in tokens])
        for token, a in zip(tokens, weight / weight.sum(), strict=True):
            law[x, token_map[token]] += a
    return law


@settings(max_examples=60)
@given(st.integers(0, 3), st.integers(1, 2), st.booleans(), strategies.seeds())
def test_any_law_is_realised(width, size, free_codes, seed):
    law, care = random_law(np.random.default_rng(seed), width, size)
    circuit = free_law_circuit(law, care=care, free_codes=free_codes)
    assert error_of(circuit, law, care) < EXACT
    assert circuit.cost <= baseline(law)
    assert sorted(circuit.codes) == list(range(2**size))
    assert free_codes or circuit.codes.tolist() == list(range(2**size))


@settings(max_examples=8)
@given(st.integers(0, 3), st.integers(1, 2), strategies.seeds())
def test_searches_keep_the_promise_and_never_cost_more(width, size, seed):
    law, care = random_law(np.random.default_rng(seed), width, size)
    searched = free_law_circuit(law, care=care, effort=0.2, seed=seed % 7)
    assert error_of(searched, law, care) < EXACT
    assert searched.cost <= free_law_circuit(law, care=care).cost


@pytest.mark.parametrize(("k", "n"), [(1, 2), (1, 3), (2, 1), (2, 2)])
@pytest.mark.parametrize("kind", ["successor", "constant", "folding", "swap"])
@pytest.mark.parametrize("free_codes", [False, True])
def test_laws_of_attention(k, n, kind, free_codes):
    tokens = np.arange(2**k)
    maps = {"successor": (tokens + 1) % 2**k, "constant": 0 * tokens + 1, "folding": tokens // 2, "swap": tokens ^ 1}
    law = attention_table(k, n, 5, maps[kind])
    circuit = free_law_circuit(law, token_bits=k, free_codes=free_codes)
    assert error_of(circuit, law) < EXACT
    assert circuit.cost <= baseline(law)


def test_attention_over_three_positions_and_impossible_contexts():
    """Tokens 0, 1, 2 on two wires each: contexts with code 3 cannot occur, and its image is free."""
    law = attention_table(2, 3, 8, [1, 2, 0, 3])
    care = np.all((np.arange(64)[:, None] >> np.array([0, 2, 4])) % 4 < 3, axis=1)
    circuit = free_law_circuit(law * care[:, None], token_bits=2)
    assert circuit.method == "attended position"
    assert error_of(circuit, law, care) < EXACT


def test_attention_search_over_three_positions():
    law = attention_table(2, 3, 8, [1, 2, 3, 0])
    circuit = free_law_circuit(law, token_bits=2, effort=0.5)
    assert error_of(circuit, law) < EXACT
    assert circuit.cost <= free_law_circuit(law, token_bits=2).cost


def test_without_ancillas_no_wire_is_added():
    law = attention_table(2, 2, 1, [1, 2, 3, 0])
    circuit = free_law_circuit(law, token_bits=2, ancillas=False)
    assert circuit.ancillas == 0
    assert error_of(circuit, law) < EXACT


@pytest.mark.parametrize("width", [1, 2, 3])
def test_the_half_form_takes_half_the_gates(width):
    """Laws near one half fit one gamma: 2^(M-1) instead of 2^M - 1 two-qubit gates."""
    p = np.random.default_rng(width).uniform(0.3, 0.7, size=2**width)
    circuit = free_law_circuit(np.stack([p, 1 - p], axis=1))
    assert circuit.cost == 2 ** (width - 1)


def test_attention_with_two_tokens_of_two_bits():
    """f = x + 1 with one ancilla: at most 8 + 8 gates with free codes where the half form fits, never above 15 + 8 + 1."""
    law = attention_table(2, 2, 20261121, [1, 2, 3, 0])
    assert free_law_circuit(law, token_bits=2, free_codes=False).cost <= 24
    assert free_law_circuit(law, token_bits=2).cost <= 23


@pytest.mark.parametrize("k", [4, 8, 10])
def test_preparation_with_free_codes(k):
    """2^(k-1) - 1 gates whenever codes can be balanced, which log-normal laws allow."""
    p = np.exp(np.random.default_rng(k).normal(size=2**k))
    law = (p / p.sum())[None]
    circuit = free_law_circuit(law)
    assert circuit.cost <= 2 ** (k - 1) - 1
    if k < 10:
        assert error_of(circuit, law) < EXACT


def test_small_preparation_is_searched_jointly():
    p = np.exp(np.random.default_rng(4).normal(size=16))
    law = (p / p.sum())[None]
    circuit = free_law_circuit(law, effort=1.0)
    assert circuit.cost <= 6
    assert error_of(circuit, law) < EXACT


@pytest.mark.parametrize("mutate", ["sign", "control", "rotation", "two-qubit", "code"])
@pytest.mark.parametrize("kind", ["bits", "attention", "preparation"])
def test_mutants_are_caught(mutate, kind):
    rng = np.random.default_rng(2)
    if kind == "attention":
        law, token_bits = attention_table(2, 2, 3, [1, 2, 3, 0]), 2
    else:
        law, token_bits = rng.dirichlet(np.full(8, 4.0), size=2 if kind == "bits" else 1), None
    circuit = free_law_circuit(law, token_bits=token_bits)
    gates = list(circuit.gates)
    assert error_of(circuit, law) < EXACT
    turns = [i for i, g in enumerate(gates) if g.name in {"u", "ry"} and abs(np.sin(g.params[0])) > 1e-3]
    pairs = [i for i, g in enumerate(gates) if g.name in {"cx", "cz"}]
    if mutate == "sign":
        i = turns[len(turns) // 2]
        gates[i] = gates[i]._replace(params=(-gates[i].params[0], *gates[i].params[1:]))
    elif mutate == "control":
        i = pairs[1]
        first, target = gates[i].qubits
        other = next(q for q in range(8) if q not in {first, target})
        gates[i] = Gate(gates[i].name, (other, target))
    elif mutate == "code":
        assert abs(error_of(circuit, law[:, ::-1])) > 1e-3
        return
    else:
        del gates[turns[0] if mutate == "rotation" else pairs[0]]
    assert error_of(circuit, law, gates=gates) > 1e-3


@pytest.mark.parametrize("effort", [0.0, 0.3])
def test_the_same_seed_gives_the_same_gates(effort):
    law = np.random.default_rng(6).dirichlet(np.ones(4), size=4)
    first, second = (free_law_circuit(law, effort=effort, seed=3) for _ in range(2))
    assert first.gates == second.gates
    assert first.codes.tolist() == second.codes.tolist()


def test_counting_bound():
    """4 N + wires >= free probabilities; rows that cannot occur and certain outcomes need none."""
    law = np.full((4, 4), 0.25)
    assert counting_bound(law, np.ones(4, dtype=bool)) == 2  # (12 - 4) / 4
    assert counting_bound(law, np.zeros(4, dtype=bool)) == 0
    assert counting_bound(np.eye(4), np.ones(4, dtype=bool)) == 0


def test_a_law_without_contexts_or_choice():
    assert free_law_circuit(np.array([[1.0, 0.0]])).cost == 0
    assert free_law_circuit(np.zeros((4, 2))).cost == 0
    assert count_two_qubit(free_law_circuit(np.array([[0.2, 0.8]])).gates) == 0


@pytest.mark.parametrize("law", [np.ones((2, 3)) / 3, np.array([[0.5, 0.6]]), np.array([[1.5, -0.5]]), np.array([0.5, 0.5])])
def test_what_is_no_law_is_refused(law):
    with pytest.raises(ValueError, match="expected|give"):
        free_law_circuit(law)
