# SPDX-License-Identifier: Apache-2.0
"""The attention map: plain loops, and verdicts on right and wrong maps."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import stinespring
import strategies
from oracles import plain_laws
from stinespring.checks.texts.attention import check_attention
from stinespring.models.texts.attention import AttentionModel
from stinespring.models.texts.attention_map import attention_law
from stinespring.models.texts.fock import start


@given(st.data())
def test_analytic_map_by_plain_loops(data):
    content = data.draw(strategies.attention_models(max_tokens=3, max_heads=2, stop=False))
    prompt = data.draw(strategies.texts(content))[:2]
    assume(plain_laws.joint_margin(content, prompt, 2) > 1e-9)
    model = AttentionModel(content)
    found = attention_law(model, np.array(prompt), 2)
    first = plain_laws.joint(content, prompt, 1)
    heads = plain_laws.attention(content, 0, prompt)
    for h, weights in enumerate(heads):
        name = "e1" if len(heads) == 1 else f"e1_{h + 1}"
        assert found[name] == pytest.approx(weights, abs=1e-12)
    heads = len(model.block(2).heads)
    expected = np.zeros((heads, len(prompt) + 1))
    for text, p in first.items():
        expected += p * np.array(plain_laws.attention(content, 1, [*prompt, content["tokens"].index(text)]))
    for h in range(heads):
        assert found["e2" if heads == 1 else f"e2_{h + 1}"] == pytest.approx(expected[h], abs=1e-12)


def test_states_average_over_texts(two_tokens):
    state = {"format": "stinespring/state@1", "probabilities": {"a b": 0.25, "b": 0.75}}
    begin = start(two_tokens, None, 2, input_state=state)
    found = attention_law(begin.model, begin.prompt, 2)
    parts = [attention_law(two_tokens, two_tokens.encode(text), 2) for text in ("a b", "b")]
    for name in ("e1", "e2"):
        expected = np.zeros(len(found[name]))
        for weight, part in zip((0.25, 0.75), parts, strict=True):
            expected[: len(part[name])] += weight * part[name]
        assert found[name] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("schedule", ["static", "dynamic", "stepwise"])
def test_verdicts(two_tokens, schedule):
    program = stinespring.compile(two_tokens, prompt="a b", steps=2, extension="position", schedule=schedule, effort=0)
    samples = stinespring.run(program, shots=20_000, seed=6)
    found = check_attention(samples, alpha=1e-6)  # false-alarm rate 1e-6
    assert found.verdict == "PASS"
    wrong = dataclasses.replace(samples, attention={name: list(reversed(c)) for name, c in samples.attention.items()})
    assert check_attention(wrong).verdict == "FAIL"
    few = dataclasses.replace(samples, attention={name: [c // 500 for c in x] for name, x in samples.attention.items()})
    assert check_attention(few).verdict == "UNVERIFIED"


def test_nothing_to_check(two_tokens):
    program = stinespring.compile(two_tokens, prompt="a b", steps=1, effort=0)
    assert check_attention(stinespring.run(program, shots=100, seed=1)) is None
    assert set(itertools.chain(attention_law(two_tokens, two_tokens.encode("a"), 1))) == {"e1"}


@pytest.mark.parametrize("schedule", ["static", "dynamic", "stepwise"])
def test_texts_that_ended_attend_to_nothing(stop_token, schedule):
    """Found by an outside tester: the register of an ended text reads 0 and must not count as position 0."""
    prompt = [0 if stop_token.stop else 1]
    expected: dict[str, np.ndarray] = {}
    texts = {(): 1.0}
    for step in (1, 2, 3):
        total, grown = np.zeros(step), {}
        for text, p in texts.items():
            if stop_token.stop in text:
                continue
            whole = np.array([[*prompt, *text]])
            total += p * stop_token.attention(step, whole)[0, 0]
            for token, q in enumerate(stop_token.law(step, whole)[0]):
                grown[*text, token] = p * q
        texts = grown
        expected[f"e{step}"] = total / total.sum()
    found = attention_law(stop_token, np.array(prompt), 3)
    for name, law in expected.items():
        assert found[name] == pytest.approx(law, abs=1e-12)
    program = stinespring.compile(stop_token, prompt=prompt, steps=3, extension="position", schedule=schedule, effort=0)
    verdict = check_attention(stinespring.run(program, shots=20_000, seed=4), alpha=1e-6)  # false-alarm rate 1e-6
    assert verdict.verdict == "PASS"
    assert verdict.sampled["e3"].sum() == pytest.approx(1)
