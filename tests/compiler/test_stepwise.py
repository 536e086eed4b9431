# SPDX-License-Identifier: Apache-2.0
"""Stepwise programs: every bound template, run outside, has the law of its prefix; the host's loop needs the readings alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import stinespring
import strategies
from oracles import plain_laws
from oracles.qasm_runner import distribution
from oracles.templates import bound, certain
from oracles.text_programs import assert_same, claimed_law, distance, exact_law, sampled
from stinespring.checks.texts.verdict import check_texts
from stinespring.circuits.devices.targets import open_target
from stinespring.compiler.devices.lower import on_device
from stinespring.compiler.export.qasm import form_qasm
from stinespring.models.texts.attention import AttentionModel
from stinespring.models.texts.table import TableModel
from stinespring.readings import UNUSED, Outcomes


@given(st.data(), st.sampled_from(["token", "position"]), st.sampled_from(["free", "binary"]))
def test_every_prefix_has_its_law(data, extension, codes):
    model = data.draw(strategies.attention_models(max_tokens=3, max_heads=2))
    prompt = data.draw(strategies.texts(model))[:2]
    assume(plain_laws.joint_margin(model, prompt, 2) > 1e-9)
    program = stinespring.compile(
        AttentionModel(model), prompt=prompt, steps=2, schedule="stepwise", extension=extension, codes=codes
    )
    listing = program.body.listing()
    files = {name: form_qasm(template) for name, template in listing.templates.items()}
    joint: dict[str, float] = {}
    for prefix, entry in listing.prefixes.items():
        step = len(entry["ids"]) + 1
        text = bound(files[entry["template"]], entry["angles"])
        law = {entry["decode"][str(code)]: p for (code,), p in distribution(text, [f"t{step}"]).items() if p > 1e-12}
        block = min(step, len(model["blocks"])) - 1
        expected = plain_laws.next_token_law(model, block, prompt + entry["ids"])
        assert law == pytest.approx({n: p for n, p in zip(model["tokens"], expected, strict=True) if p > 1e-12}, abs=1e-11)
        if step == 2:
            joint |= {f"{prefix} {token}": entry["probability"] * p for token, p in law.items()}
    stop = model.get("stop")
    exact = {k: p for k, p in plain_laws.joint(model, prompt, 2).items() if stop is None or k.split()[0] != stop}
    assert listing.complete
    assert joint == pytest.approx(exact, abs=1e-11)


def test_the_template_is_built_once():
    model = stinespring.load("glassllm:en", top_k=4)
    program = stinespring.compile(model, prompt="Alice was", steps=3, schedule="stepwise")
    assert len(program.body.binder.gates) == 1
    assert (program.cost.qubits, program.cost.two_qubit_gates) == (2, 1)


def test_truncation_is_per_prefix_and_uses_narrow_templates():
    model = stinespring.load("glassllm:en")
    program = stinespring.compile(model, prompt="Alice was", steps=1, schedule="stepwise", tolerance=0.2, token_qubits="all")
    assert program.cost.qubits < 10
    assert 0.0 < distance(exact_law(program), claimed_law(program)) <= program.tvd_bound <= 0.2


def test_binary_codes_are_token_numbers(three_tokens):
    program = stinespring.compile(three_tokens, prompt="sun", steps=1, schedule="stepwise", codes="binary")
    binding = program.body.binder.bind(1, np.zeros((1, 0), dtype=np.int64))
    assert binding.symbols.tolist() == [[0, 1, 2, -1]]


def walked(body, shots: int) -> list[list[Outcomes]]:
    seen: list[list[Outcomes]] = []
    while batch := body.next(seen, shots):
        assert batch.key == (len(seen) + 1,)
        seen.append(certain(batch))
    return seen


@pytest.mark.parametrize("extension", ["token", "position"])
@pytest.mark.parametrize("device", [None, "line:6"])
def test_the_host_loop_has_the_joint_law(two_tokens, three_tokens, extension, device):
    """Readings in exact proportion give the law up to their rounding; on a device angles and names follow the templates."""
    model, prompt = (two_tokens, "a b") if extension == "position" else (three_tokens, "sun rain")
    program = stinespring.compile(model, prompt=prompt, steps=3, schedule="stepwise", extension=extension)
    plain = program.body
    program = on_device(program, None if device is None else open_target(device))
    shots, seen = 10**12, walked(program.body, 10**12)
    texts, *environment = program.body.outcomes(seen, shots)
    found = dict(zip(program.asked.spell(model, texts), (texts.counts / shots).tolist(), strict=True))
    assert_same(found, exact_law(program), tolerance=1e-10)
    assert [o.registers for o in environment] == ([("e1", "t1"), ("e2", "t2"), ("e3", "t3")] if extension == "position" else [])
    for step, outcomes in enumerate(environment, 1):
        assert outcomes.shots == pytest.approx(shots, rel=1e-9)
        assert outcomes.column(f"e{step}").max() < 2 + step - 1 + 1
    fresh = replace(plain, latest=[], circuits={})
    again = fresh.outcomes([list(rows) for rows in seen], shots)
    assert [(o.values.tolist(), o.counts.tolist()) for o in again] == [
        (o.values.tolist(), o.counts.tolist()) for o in (texts, *environment)
    ], "the readings alone tell the texts"


def test_a_template_is_lowered_once_for_each_shape(three_tokens):
    program = stinespring.compile(three_tokens, prompt="sun rain", steps=3, schedule="stepwise")
    lowered = []

    def lower(circuit):
        lowered.append(circuit)
        return circuit

    body = program.body.on(lower)
    assert [register.name for register in body.circuit.cregs] == ["t3"]
    walked(body, 10**6)
    assert len(lowered) == 1


def test_many_prefixes_are_chunks_of_one_call():
    model = TableModel({"tokens": [f"w{i}" for i in range(64)], "context": 0, "law": [[1 / 64] * 64]})
    body = stinespring.compile(model, prompt="", steps=3, schedule="stepwise", token_qubits=6).body
    every = Outcomes.tallied({"t1": np.arange(64)}, np.full(64, 64 * 64))
    rows = [Outcomes.tallied({"t2": np.arange(64)}, np.full(64, 64)) for _ in range(64)]
    batch = body.next([[every], rows], 64**3)
    assert [item.rows for item in batch.items] == [2048, 2048]
    assert batch.shots == 64**3
    last = [Outcomes.tallied({"t3": np.arange(64)}, np.ones(64)) for _ in range(64**2)]
    [texts] = body.outcomes([[every], rows, last], 64**3)
    assert len(texts.counts) == texts.shots == 64**3


def test_too_many_prefixes_for_one_call_take_several(monkeypatch, three_tokens):
    whole = stinespring.compile(three_tokens, prompt="sun rain", steps=3, schedule="stepwise").body
    expected = whole.outcomes(walked(whole, 10**6), 10**6)[0]
    monkeypatch.setattr("stinespring.compiler.stepwise.growth.A_CALL", 2)
    body = stinespring.compile(three_tokens, prompt="sun rain", steps=3, schedule="stepwise").body
    seen, keys = [], []
    while batch := body.next(seen, 10**6):
        keys.append(batch.key)
        seen.append(certain(batch))
    assert keys[:3] == [(1,), (2,), (2, 2)]
    assert len(set(keys)) == len(keys)
    found = body.outcomes(seen, 10**6)[0]
    assert found.values.tolist() == expected.values.tolist()
    assert found.counts.tolist() == expected.counts.tolist()


def test_codes_that_stand_for_no_token_are_not_continued(three_tokens):
    body = stinespring.compile(three_tokens, prompt="sun", steps=2, schedule="stepwise").body
    first = Outcomes.tallied({"t1": np.array([0, 3])}, np.array([60, 40]))
    batch = body.next([[first]], 100)
    assert [item.shots.tolist() for item in batch.items] == [[60]]
    second = Outcomes.tallied({"t2": np.array([0, 3])}, np.array([50, 10]))
    [texts] = body.outcomes([[first], [second]], 100)
    rows = dict(zip(map(tuple, texts.values.tolist()), texts.counts.tolist(), strict=True))
    assert rows[UNUSED, UNUSED] == 40
    assert sorted(rows.values()) == [10, 40, 50]


def test_texts_that_end_early_hold_the_vacuum(stop_token):
    program = stinespring.compile(stop_token, prompt=[1 if stop_token.stop == 0 else 0], steps=3, schedule="stepwise")
    samples = sampled(program, shots=20_000, seed=3)
    assert check_texts(samples, alpha=1e-6).passed  # false-alarm rate 1e-6
    body, vacuum = program.body, stop_token.vacuum
    symbols = body.binder.bind(1, np.zeros((1, 0), dtype=np.int64)).symbols[0].tolist()
    only = Outcomes.tallied({"t1": np.array([symbols.index(stop_token.stop)])}, np.array([7]))
    assert body.next([[only]], 7) is None
    assert body.outcomes([[only]], 7)[0].values.tolist() == [[stop_token.stop, vacuum, vacuum]]


def test_a_prompt_that_does_not_grow_gives_the_vacuum(two_tokens):
    """A mixture of a text at the highest level and one below it: the first stays as it is with its probability."""
    state = {"format": "stinespring/state@1", "probabilities": {"a b": 0.25, "b": 0.75}}
    program = stinespring.compile(two_tokens, steps=2, input_state=state, level=2, input="known", schedule="stepwise")
    shots = 10**12
    [texts] = program.body.outcomes(walked(program.body, shots), shots)
    found = dict(zip(program.asked.spell(two_tokens, texts), (texts.counts / shots).tolist(), strict=True))
    assert found[""] == pytest.approx(0.25)
    assert_same(found, exact_law(program), tolerance=1e-10)
    assert None in program.body.listing().prefixes[""]["decode"].values()
