# SPDX-License-Identifier: Apache-2.0
"""The law after a layer: what the lens shows there, for whole texts."""

from __future__ import annotations

import json

import numpy as np
import pytest

import stinespring
from stinespring.errors import InputError
from stinespring.models.decoders.names import load_decoder
from stinespring.models.lens import read_states
from stinespring.models.load import made


def test_it_is_what_the_lens_shows(invoke):
    states = read_states(load_decoder("glassllm:en"), "Alice was")
    wanted = dict(zip(states.decoder.tokens, states.law(4).tolist(), strict=True))  # after the mlp of layer 1
    status, out, _ = invoke("law", "glassllm:en", "--prompt", "Alice was", "--steps", "1", "--layer", "1", "--json")
    assert status == 0
    shown = json.loads(out)["joint"]
    assert shown.keys() == wanted.keys()
    np.testing.assert_allclose(list(shown.values()), [wanted[name] for name in shown], atol=1e-12)


def test_the_last_layer_is_the_whole_decoder():
    early, whole = stinespring.load("mathformer:add", layer=0, top_k=3), stinespring.load("mathformer:add", top_k=3)
    a, b = (model.joint("1+2=", 3) for model in (early, whole))
    np.testing.assert_array_equal(a.texts, b.texts)
    np.testing.assert_allclose(a.probabilities, b.probabilities, atol=1e-12)
    assert early.content() == {**whole.content(), "layer": 0} and made(early.content(), "x").content() == early.content()


def test_steps_read_on(monkeypatch):
    model = stinespring.load("glassllm:en", layer=2)
    texts = np.random.default_rng(0).integers(0, 1024, (5, 6))
    stream = model.decoder.whole.stream(texts)[6, :, -1]
    logits = model.decoder.norm(stream) @ model.decoder.unembedding.T
    wanted = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.law(1, texts), wanted, atol=1e-12)
    np.testing.assert_allclose(model.decoder.law(texts), wanted, atol=1e-12)
    monkeypatch.setattr("stinespring.models.decoders.early.AT_ONCE", 1)
    np.testing.assert_allclose(model.decoder.law(texts), wanted, atol=1e-12)
    assert [str(point) for point in model.decoder.points][-1] == "mlp 2" and len(model.decoder.stream(texts)) == 7


def test_a_program_of_an_early_answer_is_held_to_its_law():
    model = stinespring.load("glassllm:en", layer=0, top_k=3)
    samples = stinespring.run(stinespring.compile(model, prompt="Alice was", steps=2), shots=60_000, seed=3)
    assert stinespring.check(samples, alpha=1e-6).verdict == "PASS"
    wrong = stinespring.run(
        stinespring.compile(stinespring.load("glassllm:en", layer=1, top_k=3), prompt="Alice was", steps=2),
        shots=60_000,
        seed=3,
    )
    assert not np.array_equal(samples.outcomes[0].column("t1"), wrong.outcomes[0].column("t1"))


def test_what_is_no_layer_is_said(invoke, examples):
    for layer in (4, -1):
        with pytest.raises(InputError, match=r"0\.\.3"):
            stinespring.load("glassllm:en", layer=layer)
    status, _, err = invoke("law", str(examples / "two_tokens.json"), "--prompt", "a", "--steps", "1", "--layer", "0")
    assert status == 2 and "a layer belongs to language models" in err
