# SPDX-License-Identifier: Apache-2.0
"""The vectorised laws against plain loops over the formulas."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import strategies
from oracles import plain_laws
from stinespring.models.load import made
from stinespring.models.texts.attention import AttentionModel
from stinespring.models.texts.table import TableModel

MODELS = strategies.attention_models(max_tokens=4, max_heads=3)


@given(st.data())
def test_attention_law_equals_the_formula(data):
    model = data.draw(MODELS)
    texts = [data.draw(strategies.texts(model)) for _ in range(3)]
    length = min(len(t) for t in texts)
    texts = [t[:length] for t in texts]
    loaded = AttentionModel(model)
    for step in (1, 2, 4):
        block = min(step, len(model["blocks"])) - 1
        assume(all(plain_laws.nearest_margin(model, block, t) > 1e-9 for t in texts))
        expected = [plain_laws.next_token_law(model, block, t) for t in texts]
        np.testing.assert_allclose(loaded.law(step, np.array(texts)), expected, atol=1e-12)
        attention = [plain_laws.attention(model, block, t) for t in texts]
        np.testing.assert_allclose(loaded.attention(step, np.array(texts)), attention, atol=1e-12)


@given(st.data())
def test_attention_joint_equals_the_chain_rule(data):
    model = data.draw(MODELS)
    prompt = data.draw(strategies.texts(model))[:3]
    assume(plain_laws.joint_margin(model, prompt, 3) > 1e-9)
    assert dict(AttentionModel(model).joint(prompt, 3)) == pytest.approx(plain_laws.joint(model, prompt, 3), abs=1e-12)


@given(st.data())
def test_table_joint_equals_the_chain_rule(data):
    model = data.draw(strategies.table_models())
    size = len(model["tokens"])
    prompt = data.draw(st.lists(st.integers(0, size - 1), min_size=model["context"], max_size=model["context"] + 2))
    assert dict(TableModel(model).joint(prompt, 3)) == pytest.approx(plain_laws.joint(model, prompt, 3), abs=1e-12)


def test_reference_values(two_tokens):
    """MATH: P(0) = 1/(1+e) at step 1, and the joint law to the printed digits."""
    law = two_tokens.law(1, np.array([[0, 1]]))[0]
    assert law == pytest.approx([0.268941, 0.731059], abs=1e-6)
    joint = dict(two_tokens.joint("a b", 2))
    assert joint == pytest.approx({"a a": 0.114000, "a b": 0.154942, "b a": 0.421175, "b b": 0.309883}, abs=1e-6)


def test_ties_go_to_the_lowest_index():
    model = AttentionModel(
        {
            "tokens": ["x", "y", "z"],
            "embedding": [[1.0], [-1.0], [1.0]],
            "blocks": [{"heads": [{"query": [[0.0]], "key": [[0.0]], "value": [[0.0]]}]}],
        }
    )
    assert model.law(1, np.array([[2]])).tolist() == [[1.0, 0.0, 0.0]]


def test_context_zero_may_have_an_empty_prompt():
    model = TableModel({"tokens": ["x", "y"], "context": 0, "law": [[0.25, 0.75]]})
    assert dict(model.joint("", 1)) == {"x": 0.25, "y": 0.75}


def test_the_vacuum_follows_the_stop_token(stop_token):
    joint = stop_token.joint("on", 3)
    lengths = {key: len(key.split()) for key in joint}
    assert lengths["."] == 1
    assert all(length == 3 or key.endswith(".") for key, length in lengths.items())
    assert joint.probabilities.sum() == pytest.approx(1.0, abs=1e-12)


def test_equal_laws_have_equal_fingerprints(two_tokens, examples):
    import stinespring

    again = stinespring.load(examples / "two_tokens.json")
    assert again.fingerprint() == two_tokens.fingerprint()
    assert stinespring.load(examples / "stop_token.json").fingerprint() != two_tokens.fingerprint()


@given(st.data())
def test_the_content_makes_the_model_again(data):
    """Through JSON: the same fingerprint and, to the last bit, the same law."""
    for kind, content in ((AttentionModel, data.draw(MODELS)), (TableModel, data.draw(strategies.table_models()))):
        model = kind(content, "first")
        again = made(json.loads(json.dumps(model.content())), "first")
        assert (type(again), again.name, again.fingerprint()) == (kind, "first", model.fingerprint())
        text = np.zeros((1, max(1, model.shortest)), dtype=np.int64)
        np.testing.assert_array_equal(again.law(1, text), model.law(1, text))
