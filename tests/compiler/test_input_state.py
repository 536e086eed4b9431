# SPDX-License-Identifier: Apache-2.0
"""Prompts that are superpositions or mixtures of texts of different lengths, and what the three extensions make of them."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit.quantum_info import Statevector, partial_trace

import stinespring
import strategies
from oracles import plain_laws
from oracles.qasm_choi import choi
from oracles.text_programs import assert_same, exact_law, sampled, text_law
from stinespring.checks.texts.verdict import check_texts
from stinespring.compiler.isometries import synthesise
from stinespring.errors import InputError
from stinespring.models.channels import block_channel
from stinespring.models.texts.attention import AttentionModel
from stinespring.models.texts.fock import read_state
from stinespring.models.texts.kraus import FockSpace
from stinespring.models.texts.table import TableModel
from stinespring.pipeline.blocks import verify_block

FORMAT = "stinespring/state@1"
HALF = np.sqrt(0.5)


def state(**content) -> dict:
    return {"format": FORMAT, **content}


def mixed_law(model, weights: dict[str, float], steps: int, level: int | None = None) -> dict[str, float]:
    """Plain loops over texts and tokens: blocks leave complete texts alone, and the vacuum gives token 0."""
    result: dict[str, float] = {}

    def grow(text: list[int], made: list[int], p: float, step: int) -> None:
        if step > steps:
            key = " ".join(model.tokens[t] for t in made)
            result[key] = result.get(key, 0.0) + p
            return
        ended = model.stop is not None and model.stop in text
        if ended or (level is not None and len(text) >= level) or 0 < len(text) < model.shortest:
            grow(text, made, p, step + 1)
            return
        law = model.law(step, np.array([text], dtype=np.int64))[0] if text else np.eye(model.d)[0]
        for token in range(model.d):
            if law[token] > 0:
                grow([*text, token], [*made, token], p * law[token], step + 1)

    for key, p in weights.items():
        grow([model.tokens.index(name) for name in key.split()], [], p, 1)
    return result


@given(st.data(), st.sampled_from(["token", "position", "dephased"]), st.sampled_from(["exact", "free"]), st.booleans())
def test_superpositions_and_mixtures(data, extension, phases, mixed):
    content = data.draw(strategies.attention_models(max_tokens=3, max_heads=1))
    model = AttentionModel(content)
    texts = [t for n in (0, 1, 2) for t in itertools.product(range(model.d), repeat=n)]
    chosen = data.draw(st.lists(st.sampled_from(texts), min_size=1, max_size=3, unique=True))
    chosen = [t for t in chosen if model.stop not in t[:-1]] or [(0,)]
    longest = 2 if content.get("positions") is None else min(2, model.longest - max(map(len, chosen)))
    steps = max(1, longest)
    level = data.draw(st.sampled_from([None, max(1, max(map(len, chosen)))]))
    weights = np.random.default_rng(data.draw(strategies.seeds())).dirichlet(np.ones(len(chosen)))
    keys = [" ".join(model.tokens[t] for t in text) for text in chosen]
    if mixed:
        given_state = state(probabilities=dict(zip(keys, weights.tolist(), strict=True)))
    else:
        given_state = state(amplitudes={k: [0.0, float(np.sqrt(w))] for k, w in zip(keys, weights, strict=True)})
    program = stinespring.compile(
        model, steps=steps, input_state=given_state, extension=extension, phases=phases, level=level, effort=0
    )
    expected = mixed_law(model, dict(zip(keys, weights, strict=True)), steps, level)
    assert_same(text_law(program), expected)
    assert_same(exact_law(program), expected)


def test_folded_in_populations(two_tokens):
    given_state = state(probabilities={"a b": 0.25, "b": 0.75})
    expected = mixed_law(two_tokens, {"a b": 0.25, "b": 0.75}, 2)
    program = stinespring.compile(two_tokens, steps=2, input_state=given_state, input="known", effort=0)
    assert_same(text_law(program), expected)
    assert program.cost.qubits == 2
    stepwise = stinespring.compile(two_tokens, steps=2, input_state=given_state, input="known", schedule="stepwise")
    samples = sampled(stepwise, shots=20_000, seed=3)
    assert check_texts(samples, alpha=1e-6).passed  # false-alarm rate 1e-6


def test_known_prompts_are_the_special_case(two_tokens):
    known = stinespring.compile(two_tokens, prompt="a b", steps=2, effort=0)
    program = stinespring.compile(two_tokens, steps=2, input_state=state(amplitudes={"a b": [1, 0]}), effort=0)
    assert_same(text_law(program), text_law(known))
    assert_same(text_law(known), plain_laws.joint(json.loads(json.dumps(two_tokens._data)), [0, 1], 2))


def final_state(program, keep: list[str]) -> np.ndarray:
    """Density matrix of some registers before the measurement, the first register least significant."""
    circuit = program.circuit.remove_final_measurements(inplace=False)
    kept = [q for name in keep for q in program.body.form.place(name)]
    rest = [q for q in range(circuit.num_qubits) if q not in kept]
    rho = partial_trace(Statevector(circuit), rest).data
    order = sorted(kept)
    assert order == kept, "the kept registers stay in order"
    return rho


@pytest.mark.parametrize("extension", ["token", "position", "dephased"])
def test_circuits_do_what_the_kraus_operators_do(two_tokens, extension):
    """(|a b> + i |b b>) / sqrt 2 through one block; the new token is measured, so its own coherence does not count."""
    given_state = state(amplitudes={"a b": [HALF, 0], "b b": [0, HALF]})
    program = stinespring.compile(two_tokens, steps=1, input_state=given_state, extension=extension, phases="exact", effort=0)
    rho = final_state(program, ["p1", "p2", "t1"])
    space = FockSpace(2, 3)
    psi = np.zeros(space.dimension, dtype=complex)
    psi[space.index([0, 1])], psi[space.index([1, 1])] = HALF, 1j * HALF
    kraus = two_tokens.kraus(1, 3)[extension]
    moved = sum(k @ np.outer(psi, psi.conj()) @ k.T for k in kraus)
    texts = [space.index(t) for t in itertools.product(range(2), repeat=3)]
    expected = moved[np.ix_(texts, texts)]  # text order: first token most significant
    flip = [sum(bit << i for i, bit in enumerate(t)) for t in itertools.product(range(2), repeat=3)]
    found = rho[np.ix_(flip, flip)]
    same_token = np.equal.outer(np.arange(8) % 2, np.arange(8) % 2)
    assert np.where(same_token, found, 0) == pytest.approx(np.where(same_token, expected, 0), abs=1e-12)


def test_extensions_differ_in_trace_norm(two_tokens):
    """The reference value: dephased and position are 0.7071 apart on (|0 1> + |1 1>) / sqrt 2; mixtures do not tell them."""
    space = FockSpace(2, 3)
    psi = np.zeros(16, dtype=complex)
    psi[space.index([0, 1])] = psi[space.index([1, 1])] = HALF
    pure, mixed = np.outer(psi, psi), np.diag(psi**2)
    block = {name: block_channel(two_tokens, 1, 3, extension=name) for name in ("token", "position", "dephased")}
    norm = {name: abs(np.linalg.eigvalsh(block[name](pure) - block["dephased"](pure))).sum() for name in block}
    assert norm["position"] == pytest.approx(0.7071, abs=5e-5)
    assert norm["token"] > norm["position"]
    for name in block:
        assert np.diag(block[name](pure)) == pytest.approx(np.diag(block["dephased"](pure)), abs=1e-12)
    populations = [np.diag(block[name](mixed)) for name in block]
    assert populations[0] == pytest.approx(populations[1], abs=1e-12)


@pytest.mark.parametrize("extension", ["token", "position", "dephased"])
def test_blocks_compile_as_channels(two_tokens, extension):
    """F_2 of two tokens has 7 texts: 3 qubits, the eighth state stays as it is."""
    channel = block_channel(two_tokens, 1, 2, extension=extension)
    program = stinespring.compile_channel(channel, form="tree", effort=0)
    assert choi(program.qasm3(), 3, 3) == pytest.approx(channel.choi(), abs=1e-12)


def test_verdicts(two_tokens):
    given_state = state(amplitudes={"a b": [0.6, 0], "b": [0, 0.8]})
    samples = sampled(stinespring.compile(two_tokens, steps=2, input_state=given_state, effort=0), shots=20_000, seed=5)
    assert check_texts(samples, alpha=1e-6).passed  # false-alarm rate 1e-6
    other = stinespring.compile(two_tokens, steps=2, input_state=state(amplitudes={"a b": [1, 0]}), effort=0)
    assert check_texts(replace(samples, asked=other.asked)).verdict == "FAIL"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"format": "other"}, "no input state"),
        (state(), "amplitudes or probabilities"),
        (state(amplitudes={"a": [1, 0]}, probabilities={"a": 1}), "amplitudes or probabilities"),
        (state(amplitudes={"a": [1, 0], "b": [1, 0]}), "not normalised"),
        (state(probabilities={"a": 0.4}), "add up"),
        (state(probabilities={"a": 1.5, "b": -0.5}), "out of range"),
        (state(amplitudes={"c": [1, 0]}), "vocabulary"),
        (state(amplitudes={"a": [1, 0, 0]}), "cannot be read"),
        (state(amplitudes={"a": "1"}), "cannot be read"),
        (state(amplitudes={"a": [True, 0]}), "cannot be read"),
        (state(amplitudes={"a": [HALF, 0], " a": [HALF, 0]}), "twice"),
    ],
)
def test_bad_states(two_tokens, content, says):
    with pytest.raises(InputError, match=says):
        read_state(content, two_tokens)


def test_bad_combinations(two_tokens):
    good = state(amplitudes={"a b": [1, 0]})
    with pytest.raises(InputError, match="exactly one"):
        stinespring.compile(two_tokens, prompt="a", steps=1, input_state=good)
    with pytest.raises(InputError, match="exactly one"):
        stinespring.compile(two_tokens, steps=1)
    with pytest.raises(InputError, match="above the level"):
        stinespring.compile(two_tokens, steps=1, input_state=good, level=1)
    with pytest.raises(InputError, match="knows its prompt"):
        stinespring.compile(two_tokens, steps=1, input_state=good, schedule="stepwise")


@pytest.mark.parametrize("kind", ["real", "complex", "mixture"])
def test_whole_states_are_shorter_than_chains_of_laws(kind, monkeypatch):
    """Sixteen texts of four tokens: a real state on four qubits takes 7 CX where Gray order takes 11, and signs are free."""
    rng = np.random.default_rng(4)
    texts = [" ".join(word) for word in itertools.product("ab", repeat=4)]
    values = rng.normal(size=16) + (1j * rng.normal(size=16) if kind == "complex" else 0)
    values /= np.linalg.norm(values)
    if kind == "mixture":
        given = state(probabilities={text: float(abs(v) ** 2) for text, v in zip(texts, values, strict=True)})
    else:
        given = state(amplitudes={text: [float(v.real), float(v.imag)] for text, v in zip(texts, values, strict=True)})
    law = [[0.3, 0.7], [0.6, 0.4]]
    model = TableModel({"format": "stinespring/table@1", "tokens": ["a", "b"], "context": 1, "law": law})
    counts = []
    for whole in (True, False):
        if not whole:
            monkeypatch.setattr(synthesise, "whole_gates", lambda *given, **options: None)
        program = stinespring.compile(model, input_state=given, steps=1, phases="exact", schedule="static")
        assert verify_block(program).verdict == "PASS"
        counts.append(program.cost.two_qubit_gates)
    chain = {"real": 11 + 14, "complex": 11 + 14, "mixture": 11 + 4}[kind]  # signs or phases take up to 14, copies 4
    assert counts[0] <= counts[1] - 4 and counts[1] <= chain + 1
    if kind == "real":
        assert counts[0] <= 7 + 1  # the state, and the law of one bit after one
