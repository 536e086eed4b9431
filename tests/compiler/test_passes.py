# SPDX-License-Identifier: Apache-2.0
"""The passes: each keeps its promise, says what it did, and is not applied where it does not help."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.quantum_info import Operator

import stinespring
import strategies
from oracles import plain_laws
from oracles.qasm_runner import distribution
from oracles.text_programs import assert_same, claimed_law, distance, sampled, text_law
from stinespring.checks.texts.verdict import check_texts
from stinespring.circuits.laws.free_law import free_law_circuit
from stinespring.circuits.laws.signs import gray_cost, signed
from stinespring.compiler.texts.operations import Place, StepLaw
from stinespring.compiler.texts.specialise import distinct, prune
from stinespring.models.texts.base import TextModel
from stinespring.models.texts.table import TableModel

NAMES = ["specialise", "prune", "truncate", "merge", "signs", "synthesise", "schedule", "lower"]


class Parity(TextModel):
    """The next bit depends on the parity of all earlier ones: two causal states, but no window."""

    name, tokens = "parity", ("0", "1")

    def law(self, step, texts):
        one = np.where(texts.sum(axis=1) % 2, 0.3, 0.8)
        return np.stack([1 - one, one], axis=1)

    def content(self):
        return {"parity": [0.8, 0.3]}


def test_the_record_names_every_pass(three_tokens):
    program = stinespring.compile(three_tokens, prompt="sun", steps=2, schedule="static", effort=0)
    assert [effect.name for effect in program.passes] == NAMES
    last = program.passes[-1]
    assert (last.two_qubit_gates, last.qubits) == (program.cost.two_qubit_gates, program.cost.qubits)
    assert all(effect.applied or effect.reason.startswith("not applied") for effect in program.passes)
    counts = [effect.two_qubit_gates for effect in program.passes]
    assert counts == sorted(counts, reverse=True), "no pass makes a circuit larger"


@settings(max_examples=10)
@given(st.data())
def test_free_phases_keep_the_law_with_search(data):
    model = data.draw(strategies.table_models(max_tokens=3, max_context=1))
    prompt = [0] * model["context"]
    program = stinespring.compile(TableModel(model), prompt=prompt, steps=2, schedule="static", effort=0.2)
    assert program.promise == "free"
    assert_same(text_law(program), plain_laws.joint(model, prompt, 2))


@settings(max_examples=10)
@given(st.data())
def test_exact_phases_are_the_isometry(data):
    """``|w> -> |w> sum_t sqrt(P(t|w)) |t>``, amplitudes and phases to 1e-13, for every prompt w."""
    model = data.draw(strategies.table_models(max_tokens=4, max_context=1, min_tokens=2))
    model["context"] or model.update(context=1, law=model["law"] * len(model["tokens"]))
    loaded = TableModel(model)
    program = stinespring.compile(loaded, prompt=[0], steps=1, input="quantum", codes="binary")
    assert program.promise == "exact"
    circuit = program.circuit
    circuit.remove_final_measurements()
    width = circuit.num_qubits // 2
    columns = Operator(circuit).data
    for w, row in enumerate(loaded.table):
        expected = np.zeros(4**width)
        expected[w + 2**width * np.arange(loaded.d)] = np.sqrt(row)
        np.testing.assert_allclose(columns[:, w], expected, atol=1e-13)
    assert program.cost.two_qubit_gates <= 2**width * (2**width - 1) - width


def test_causal_states_make_a_mergeable_chain_linear():
    costs = {}
    for steps in (4, 5, 8):
        program = stinespring.compile(Parity(), prompt=[0], steps=steps, schedule="static", codes="free", effort=0)
        costs[steps] = program.cost.two_qubit_gates
        if steps <= 5:
            assert_same(text_law(program), dict(Parity().joint([0], steps)))
    assert costs[5] - costs[4] == 3
    assert costs[8] - costs[5] == 3 * 3


def test_memories_are_not_measured_and_texts_still_decode():
    program = stinespring.compile(Parity(), prompt=[0], steps=4, schedule="static", codes="free", effort=0)
    memories = [r.name for r in program.registers if r.role == "memory"]
    assert memories and not set(memories) & {r.name for r in program.body.registers}
    assert not set(memories) & {register.name for register in program.circuit.cregs}
    assert check_texts(sampled(program, shots=20_000, seed=5), alpha=1e-6).passed  # false-alarm rate 1e-6


@pytest.mark.parametrize("tolerance", [0.01, 0.05, 0.2])
def test_dropped_rotations_keep_the_certificate(tolerance):
    """The proven bound against the true TVD of the exported program, and fewer gates for more tolerance."""
    rng = np.random.default_rng(4)
    logits = rng.normal(size=(8, 8)) * 0.5
    law = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    model = TableModel({"tokens": list("abcdefgh"), "context": 1, "law": law.tolist()})
    exact = stinespring.compile(model, prompt="a", steps=2, schedule="static", effort=0)
    program = stinespring.compile(model, prompt="a", steps=2, schedule="static", effort=0, tolerance=tolerance)
    true = distance(text_law(program), dict(model.joint("a", 2)))
    assert true <= program.tvd_bound + 1e-12 <= tolerance + 1e-12
    assert_same(text_law(program), claimed_law(program))
    assert program.cost.two_qubit_gates <= exact.cost.two_qubit_gates
    if tolerance == 0.2:
        assert program.cost.two_qubit_gates < exact.cost.two_qubit_gates / 2


@settings(max_examples=20)
@given(st.integers(1, 5), strategies.seeds())
def test_signs_keep_the_law_and_never_cost_more(n, seed):
    rng = np.random.default_rng(seed)
    theta = rng.choice([0.0, 0.4, 1.2, np.pi], size=2**n)
    care = rng.random(2**n) < 0.8
    found = signed(theta, care)
    np.testing.assert_allclose(abs(found)[care], theta[care], atol=1e-15)
    assert gray_cost(found) <= 2**n - 1


def test_a_seeded_effort_repeats(three_tokens):
    programs = [
        stinespring.compile(three_tokens, prompt="sun rain", steps=1, input="quantum", phases="free", effort=0.3)
        for _ in range(2)
    ]
    assert programs[0].qasm3() == programs[1].qasm3()


def test_the_attended_position_is_found_in_a_table():
    """A (2,2) attention block given as a plain table: at most 28 two-qubit gates, the law exact for every prompt."""
    rng = np.random.default_rng(1)
    score = rng.normal(size=(4, 4))
    rows = []
    for x1, x2 in itertools.product(range(4), repeat=2):
        weight = np.exp([score[x2, x1], score[x2, x2]])
        row = np.zeros(4)
        np.add.at(row, [(x1 + 1) % 4, (x2 + 1) % 4], weight / weight.sum())
        rows.append(row.tolist())
    model = TableModel({"tokens": list("abcd"), "context": 2, "law": rows})
    program = stinespring.compile(model, prompt=[0, 0], steps=1, input="quantum", phases="free", effort=0)
    assert program.cost.two_qubit_gates <= 28
    table = next(r.symbols for r in program.registers if r.name == "t1")
    for x1, x2 in itertools.product(range(4), repeat=2):
        law = distribution(program.qasm3(), ["t1"], {"p1": x1, "p2": x2})
        got = np.zeros(4)
        for (code,), p in law.items():
            got[table[code]] += p
        np.testing.assert_allclose(got, model.table[4 * x1 + x2], atol=1e-9)


@pytest.fixture
def efforts(monkeypatch):
    """The efforts that the constructions under free phases are called with; none of them searches."""
    seen = []

    def spy(*arguments, effort, **options):
        seen.append(effort)
        return free_law_circuit(*arguments, effort=0.0, **options)

    monkeypatch.setattr("stinespring.compiler.isometries.synthesise.free_law_circuit", spy)
    return seen


@pytest.mark.parametrize(
    ("k", "n", "seconds"),
    [
        (1, 1, 0.4 + (2 - 1) / 200),
        (2, 2, 0.4 + (16 * 3 - 2) / 200),
        (3, 2, 2.4),
        (6, 0, 0.4 + (63 - 6) / 200),
        (10, 0, 0.4 + 16 / 200),
    ],
)
def test_the_default_effort_grows_with_what_can_be_saved(efforts, k, n, seconds):
    """0.4 + gates / 200 up to 2.4, gates of the exact isometry; a preparation saves at most the gates of its highest bits."""
    law = np.random.default_rng(k).dirichlet(np.ones(2**k), size=2 ** (k * n)).tolist()
    model = TableModel({"tokens": [f"w{i}" for i in range(2**k)], "context": n, "law": law})
    stinespring.compile(model, prompt=[0] * n, steps=1, input="quantum" if n else "known", phases="free", schedule="static")
    assert sum(efforts) == pytest.approx(seconds)


@pytest.mark.parametrize(("tolerance", "seconds"), [(0.0, 3.0), (0.01, 3.75)])
def test_the_runs_of_a_tolerance_share_a_quarter_of_the_effort(efforts, three_tokens, tolerance, seconds):
    """What is exact has all of it, with a tolerance as without, so that a tolerance never costs gates."""
    stinespring.compile(three_tokens, prompt="sun", steps=2, schedule="static", effort=3.0, tolerance=tolerance, codes="free")
    assert sum(efforts) == pytest.approx(seconds)


@given(st.integers(0, 12), st.integers(0, 5), st.sampled_from([3, 2**40]), strategies.seeds())
def test_distinct_rows_are_those_of_numpy(rows, columns, largest, seed):
    table = np.random.default_rng(seed).integers(largest, size=(rows, columns))
    table = np.concatenate([table, table[:2]])
    found, first, where = distinct(table)
    np.testing.assert_array_equal(found, np.unique(table, axis=0) if columns else table[:1])
    np.testing.assert_array_equal(found[where], table)
    np.testing.assert_array_equal(table[first], found)


@given(st.lists(st.integers(2, 3), min_size=1, max_size=4), st.booleans(), strategies.seeds())
def test_registers_that_matter_stay(sizes, complete, seed):
    """Every second register decides nothing; of the others the law depends on each, on a full grid of contexts or not."""
    rng = np.random.default_rng(seed)
    contexts = np.stack(np.unravel_index(np.arange(np.prod(sizes)), sizes), axis=1)
    if not complete:
        contexts = contexts[np.append(True, rng.random(len(contexts) - 1) < 0.7)]
    score = contexts[:, ::2] @ (10.0 ** -np.arange(1, len(sizes[::2]) + 1))
    law = StepLaw(
        Place("token", 9),
        tuple(Place("token", i) for i in range(len(sizes))),
        contexts,
        np.stack([score, 1 - score], axis=1),
        np.ones(len(contexts)),
    )
    found = prune(law)
    assert found.reach.sum() == len(contexts)
    if complete:
        assert found.reads == tuple(Place("token", i) for i in range(0, len(sizes), 2))
    for context, row in zip(contexts, law.probabilities, strict=True):
        kept = context[[law.reads.index(place) for place in found.reads]]
        np.testing.assert_array_equal(found.probabilities[(found.contexts == kept).all(axis=1)], [row])
