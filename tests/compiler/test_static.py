# SPDX-License-Identifier: Apache-2.0
"""Static programs: the exported OpenQASM, run by an independent interpreter, has exactly the model's joint law."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from mqt.core import load as mqt_load
from mqt.ddsim import CircuitSimulator
from qiskit import qasm3
from qiskit.quantum_info import Statevector
from scipy.stats import chisquare

import stinespring
import strategies
from oracles import plain_laws
from oracles.qasm_runner import distribution
from oracles.text_programs import assert_same, claimed_law, distance, text_law
from stinespring.compiler.texts.operations import Place
from stinespring.errors import InputError, TooLargeError
from stinespring.models.texts.attention import AttentionModel
from stinespring.models.texts.table import TableModel


@given(st.data(), st.sampled_from(["token", "position"]), st.sampled_from(["free", "binary"]))
def test_attention_models(data, extension, codes):
    model = data.draw(strategies.attention_models(max_tokens=3, max_heads=2))
    prompt = data.draw(strategies.texts(model))[:2]
    assume(plain_laws.joint_margin(model, prompt, 2) > 1e-9)
    program = stinespring.compile(
        AttentionModel(model), prompt=prompt, steps=2, schedule="static", effort=0, extension=extension, codes=codes
    )
    assert_same(text_law(program), plain_laws.joint(model, prompt, 2))


@given(st.data())
def test_tables(data):
    model = data.draw(strategies.table_models())
    prompt = [0] * model["context"]
    program = stinespring.compile(TableModel(model), prompt=prompt, steps=3, schedule="static", effort=0)
    assert_same(text_law(program), plain_laws.joint(model, prompt, 3))


@given(st.data(), st.sampled_from(["token", "position"]))
def test_quantum_prompts(data, extension):
    model = data.draw(strategies.attention_models(max_tokens=3, max_heads=2, stop=False))
    loaded, size = AttentionModel(model), len(model["tokens"])
    prompts = list(itertools.product(range(size), repeat=2))
    assume(all(plain_laws.joint_margin(model, list(p), 1) > 1e-9 for p in prompts))
    program = stinespring.compile(loaded, prompt=[0, 0], steps=1, input="quantum", effort=0, extension=extension)
    assert "p1 = measure" not in program.qasm3() and "if" not in program.qasm3()
    for prompt in prompts:
        law = text_law(program, {"p1": prompt[0], "p2": prompt[1]})
        assert_same(law, plain_laws.joint(model, list(prompt), 1))


def test_a_superposed_prompt_gives_the_mixture_of_laws(two_tokens):
    program = stinespring.compile(two_tokens, prompt="a a", steps=1, input="quantum", effort=0)
    plus = np.array([0.6, 0.8])
    law = text_law(program, {"p1": plus, "p2": 1})
    mixed = {t: 0.36 * two_tokens.joint("a b", 1).get(t, 0.0) + 0.64 * two_tokens.joint("b b", 1).get(t, 0.0) for t in "ab"}
    assert_same(law, mixed)


def test_the_attended_positions_are_measured_with_the_attention_map(three_tokens):
    program = stinespring.compile(three_tokens, prompt="sun rain wind", steps=1, extension="position")
    exact = three_tokens.attention(1, three_tokens.encode("sun rain wind")[None, :])[0]
    for head in (1, 2):
        law = distribution(program.qasm3(), [f"e1_{head}"])
        assert [law.get((j,), 0.0) for j in range(3)] == pytest.approx(exact[head - 1], abs=1e-12)


def test_two_readers_agree_with_the_circuit(three_tokens):
    """Qiskit's own reader and the circuit object give the same state as the independent interpreter."""
    program = stinespring.compile(three_tokens, prompt="sun rain", steps=2, schedule="static", effort=0, codes="free")
    law = distribution(program.qasm3(), ["t1", "t2"])
    for circuit in (qasm3.loads(program.qasm3()), program.circuit):
        circuit.remove_final_measurements()
        probabilities = Statevector(circuit).probabilities()
        for (first, second), p in law.items():
            assert probabilities[first + 4 * second] == pytest.approx(p, abs=1e-12)


def test_a_decision_diagram_simulator_reads_and_samples_it(three_tokens):
    """mqt.ddsim, an engine that shares nothing with Aer, on the exported text: chi-squared test at 1e-6, fixed seed."""
    program = stinespring.compile(three_tokens, prompt="sun rain", steps=2, schedule="static", effort=0, codes="free")
    counts = CircuitSimulator(mqt_load(program.qasm3()), seed=11).simulate(20_000)
    names = ["t1", "t2"]
    sizes = {r.name: r.size for r in program.registers}
    observed: dict[tuple[int, ...], int] = {}
    for bits, number in counts.items():  # the last declared bit comes first
        codes, rest = [], bits.replace(" ", "")
        for name in names:
            codes.append(int(rest[len(rest) - sizes[name] :], 2))
            rest = rest[: len(rest) - sizes[name]]
        observed[tuple(codes)] = observed.get(tuple(codes), 0) + number
    law = {codes: p for codes, p in distribution(program.qasm3(), names).items() if p > 1e-9}
    assert set(observed) <= set(law)
    pairs = [(observed.get(codes, 0), 20_000 * p) for codes, p in law.items()]
    expected = np.array([e for _, e in pairs])
    assert chisquare([o for o, _ in pairs], expected * 20_000 / expected.sum()).pvalue > 1e-6


@given(st.data(), st.floats(0.001, 0.5))
def test_tolerance_is_kept_and_the_bound_is_true(data, tolerance):
    size = data.draw(st.integers(3, 5))
    rows = data.draw(strategies.laws(size, size))
    model = TableModel({"tokens": list("abcde")[:size], "context": 1, "law": np.asarray(rows).tolist()})
    for schedule in ("static", "stepwise"):
        program = stinespring.compile(model, prompt="a", steps=2, schedule=schedule, tolerance=tolerance, effort=0)
        assert program.tvd_bound <= tolerance
        realised = claimed_law(program)
        assert distance(dict(model.joint("a", 2)), realised) <= program.tvd_bound + 1e-12
        if schedule == "static":
            assert_same(text_law(program), realised)


def test_tolerance_saves_qubits():
    p = [0.5, 0.3, 0.1, 0.06, 0.03, 0.01]
    model = TableModel({"tokens": list("abcdef"), "context": 0, "law": [p]})
    sizes = [stinespring.compile(model, prompt="", steps=1, tolerance=t, effort=0).cost.qubits for t in (0.0, 0.041, 0.201)]
    assert sizes == [3, 2, 1]


def test_a_window_keeps_the_circuit_linear():
    rows = np.random.default_rng(0).dirichlet(np.ones(2), size=4).tolist()
    model = TableModel({"tokens": ["x", "y"], "context": 2, "law": rows})
    counts = [
        stinespring.compile(model, prompt="x y", steps=n, schedule="static", effort=0).cost.two_qubit_gates
        for n in (10, 11, 40)
    ]
    assert 0 < counts[1] - counts[0] <= 3
    assert counts[2] - counts[0] == 30 * (counts[1] - counts[0])


def test_a_law_that_ignores_a_token_does_not_read_it():
    model = TableModel({"tokens": ["x", "y"], "context": 2, "law": [[0.2, 0.8], [0.6, 0.4], [0.2, 0.8], [0.6, 0.4]]})
    program = stinespring.compile(model, prompt="x x", steps=3, schedule="static", effort=0)
    reads = [d.channel.laws[0].reads for d in program.body.form.dilations]
    assert reads == [(), (Place("token", 1),), (Place("token", 2),)]


def test_too_large_problems_name_what_fits():
    model = stinespring.load("glassllm:en")
    with pytest.raises(TooLargeError, match="at most 2 step"):
        stinespring.compile(model, prompt="Alice was", steps=4, schedule="static", effort=0)


@pytest.mark.parametrize(
    "options",
    [{"schedule": "magic"}, {"extension": "x"}, {"tolerance": 1.0}, {"tolerance": float("nan")}, {"steps": 0}, {"prompt": ""},
     {"prompt": "a q"}, {"input": "quantum", "schedule": "stepwise"}],
)  # fmt: skip
def test_bad_options(two_tokens, options):
    with pytest.raises(InputError):
        stinespring.compile(two_tokens, **({"prompt": "a b", "steps": 1} | options))
