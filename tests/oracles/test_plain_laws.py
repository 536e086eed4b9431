# SPDX-License-Identifier: Apache-2.0
"""Tests of the plain laws and of the strategies: known values and the rules of the formats."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import strategies
from oracles.plain_laws import attention, joint, joint_margin, nearest_margin, next_token_law

IDENTITY = [[1, 0], [0, 1]]
NOT = [[0, 1], [1, 0]]


def _two_tokens(**changes: object) -> dict:
    """The two-token example: x0 = (1,0), x1 = (0,1), two blocks with Q = I and Q = NOT."""
    model = {
        "format": "stinespring/attention@1",
        "tokens": ["a", "b"],
        "embedding": IDENTITY,
        "stop": None,
        "blocks": [
            {
                "heads": [{"query": query, "key": IDENTITY, "value": IDENTITY}],
                "ffn": {"kind": "identity"},
                "readout": {"kind": "nearest"},
            }
            for query in (IDENTITY, NOT)
        ],
    }
    return model | changes


def _one_block(**changes: object) -> dict:
    model = _two_tokens()
    return model | {"blocks": [model["blocks"][0] | changes]}


def test_reference_values_of_two_tokens() -> None:
    model = _two_tokens()
    first = next_token_law(model, 0, [0, 1])
    assert first == pytest.approx([1 / (1 + math.e), math.e / (1 + math.e)])
    assert first == pytest.approx([0.268941, 0.731059], abs=5e-7)
    expected = {"a a": 0.114000, "a b": 0.154942, "b a": 0.421175, "b b": 0.309883}
    assert joint(model, [0, 1], 2) == pytest.approx(expected, abs=6e-7)


def test_the_last_block_repeats() -> None:
    model = _two_tokens()
    assert next_token_law(model, 7, [0, 1, 1]) == next_token_law(model, 1, [0, 1, 1])
    assert next_token_law(model, 1, [0, 1, 1]) != pytest.approx(next_token_law(model, 0, [0, 1, 1]))


def test_positions_shift_attention_but_not_the_readout() -> None:
    model = _two_tokens(positions=[[0, 0], [0, 2], [0, 0]])
    # x_2 = (0, 1) + (0, 2) asks: scores 0 and 9; the value (0, 3) is nearest to embedding 1.
    assert attention(model, 0, [0, 1])[0] == pytest.approx([1 / (1 + math.exp(9)), 1 / (1 + math.exp(-9))])
    assert next_token_law(model, 0, [0, 1])[1] == pytest.approx(1 / (1 + math.exp(-9)))
    with pytest.raises(ValueError, match="longer than the 3 positions"):
        next_token_law(model, 0, [0, 1, 0, 1])


def test_ties_go_to_the_lowest_index() -> None:
    head = {"query": IDENTITY, "key": IDENTITY, "value": [[0, 0], [0, 0]]}
    assert next_token_law(_one_block(heads=[head]), 0, [1, 1]) == [1.0, 0.0]
    assert nearest_margin(_one_block(heads=[head]), 0, [1, 1]) == 0.0
    assert joint_margin(_two_tokens(), [0, 1], 2) == pytest.approx(math.sqrt(2))


def test_heads_are_drawn_independently() -> None:
    # Head 1 gives the first entry, head 2 the second: (1, 1) and (0, 0) tie, (0, 1) is token 1.
    head = {"query": IDENTITY, "key": IDENTITY}
    model = _one_block(heads=[head | {"value": [[1, 0]]}, head | {"query": NOT, "value": [[0, 1]]}])
    p, q = attention(model, 0, [0, 1])
    assert next_token_law(model, 0, [0, 1])[1] == pytest.approx(p[1] * q[1])
    # An output that swaps the joined entries swaps the roles.
    swapped = _one_block(heads=model["blocks"][0]["heads"], output=NOT)
    assert next_token_law(swapped, 0, [0, 1])[1] == pytest.approx(p[0] * q[0])


@pytest.mark.parametrize(("activation", "half"), [("relu", 0.5), ("tanh", math.tanh(0.5)), ("gelu", 0.5 * 0.6914624612740131)])
def test_mlp_and_softmax_readout(activation: str, half: float) -> None:
    layers = [{"weight": [[0.5, -0.5]], "bias": [0.0]}, {"weight": [[1], [0]], "bias": [0, 0.25]}]
    model = _one_block(
        ffn={"kind": "mlp", "layers": layers, "activation": activation},
        readout={"kind": "softmax", "temperature": 0.5},
    )
    # One position: the value is x_1 = (1, 0), the mlp gives (sigma(0.5), 0.25).
    ratio = math.exp(2 * (half - 0.25))
    assert next_token_law(model, 0, [0]) == pytest.approx([ratio / (1 + ratio), 1 / (1 + ratio)])


def test_the_stop_token_ends_a_text() -> None:
    law = joint(_two_tokens(stop="b"), [0, 0], 3)
    assert set(law) == {"a a a"}
    model = {
        "format": "stinespring/table@1",
        "tokens": ["go", "end"],
        "context": 0,
        "law": [[0.75, 0.25]],
        "stop": "end",
    }
    assert joint(model, [], 2) == {"go go": 0.5625, "go end": 0.1875, "end": 0.25}
    with pytest.raises(ValueError, match="stop token"):
        joint(model, [1], 1)


def test_table_contexts_have_the_earliest_token_most_significant() -> None:
    law = [[1, 0, 0]] * 9
    law[2 * 3 + 1] = [0.2, 0.0, 0.8]
    model = {"format": "stinespring/table@1", "tokens": ["a", "b", "c"], "context": 2, "law": law}
    assert next_token_law(model, 0, [0, 2, 1]) == pytest.approx([0.2, 0, 0.8])
    assert joint(model, [2, 1], 1) == pytest.approx({"a": 0.2, "c": 0.8})
    with pytest.raises(ValueError, match="context"):
        next_token_law(model, 0, [1])


def _numpy_law(model: dict, block: dict, text: list[int]) -> np.ndarray:
    """A second way to one-step laws: outer products over the heads instead of loops over choices."""
    embedding = np.array(model["embedding"])
    x = embedding[text] + (np.array(model["positions"])[: len(text)] if "positions" in model else 0)
    weights, values = np.ones(()), np.zeros((0,))
    for head in block["heads"]:
        scores = (x @ np.array(head["key"]).T) @ (np.array(head["query"]) @ x[-1])
        p = np.exp(scores - scores.max())
        weights = np.multiply.outer(weights, p / p.sum())
        v = x @ np.array(head["value"]).T
        left = np.repeat(values[..., None, :], len(text), axis=-2)
        values = np.concatenate([left, np.broadcast_to(v, (*left.shape[:-1], v.shape[-1]))], axis=-1)
    y = values @ np.array(block["output"]).T if "output" in block else values
    if block["ffn"]["kind"] == "mlp":
        act = {
            "relu": lambda z: np.maximum(z, 0),
            "tanh": np.tanh,
            "gelu": lambda z: z * np.vectorize(lambda u: 0.5 * math.erfc(-u / math.sqrt(2)))(z),
        }[block["ffn"]["activation"]]
        for number, layer in enumerate(block["ffn"]["layers"]):
            y = (act(y) if number else y) @ np.array(layer["weight"]).T + layer["bias"]
    if block["readout"]["kind"] == "nearest":
        distances = ((y[..., None, :] - embedding) ** 2).sum(axis=-1)
        rows = np.eye(len(embedding))[distances.argmin(axis=-1)]
    else:
        scores = y @ embedding.T / block["readout"]["temperature"]
        rows = np.exp(scores - scores.max(axis=-1, keepdims=True))
        rows /= rows.sum(axis=-1, keepdims=True)
    return np.tensordot(weights, rows, axes=weights.ndim)


@given(data=st.data(), model=strategies.attention_models())
@settings(max_examples=100, deadline=None)
def test_attention_models_follow_the_format(data: st.DataObject, model: dict) -> None:
    assert json.loads(json.dumps(model)) == model
    text = data.draw(strategies.texts(model))
    for index, block in enumerate(model["blocks"]):
        for row in attention(model, index, text):
            assert len(row) == len(text)
            assert sum(row) == pytest.approx(1)
        if nearest_margin(model, index, text) > 1e-9:
            found = next_token_law(model, index, text)
            np.testing.assert_allclose(found, _numpy_law(model, block, text), atol=1e-12)
    law = joint(model, text, 2)
    assert sum(law.values()) == pytest.approx(1)
    for key in law:
        names = key.split(" ")
        assert len(names) == 2 or names == [model["stop"]]


@given(data=st.data(), model=strategies.table_models())
@settings(max_examples=50, deadline=None)
def test_table_models_follow_the_format(data: st.DataObject, model: dict) -> None:
    law = np.array(model["law"])
    d = len(model["tokens"])
    assert law.shape == (d ** model["context"], d)
    assert np.all(law >= 0)
    np.testing.assert_allclose(law.sum(axis=1), 1, atol=1e-12)
    text = data.draw(strategies.texts(model))
    assert len(text) >= model["context"]
    assert sum(joint(model, text, 3).values()) == pytest.approx(1)


@given(data=st.data(), m=st.integers(0, 2), n=st.integers(0, 2), extra=st.integers(0, 2))
@settings(max_examples=30, deadline=None)
def test_kraus_operators_preserve_the_trace(data: st.DataObject, m: int, n: int, extra: int) -> None:
    kraus = data.draw(strategies.random_kraus(m, n, max(1, 2 ** (m - n)) + extra))
    total = np.einsum("rij,rik->jk", kraus.conj(), kraus)
    np.testing.assert_allclose(total, np.eye(2**m), atol=1e-12)
