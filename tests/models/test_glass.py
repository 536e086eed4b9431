# SPDX-License-Identifier: Apache-2.0
"""The language model's law against glassllm's own sampling path and tracer."""

from __future__ import annotations

import json

import numpy as np
import pytest
from glassllm import load_pretrained

import stinespring
from stinespring.errors import InputError
from stinespring.models.load import made


@pytest.mark.parametrize(("language", "prompt"), [("en", "Alice was"), ("pt", "O menino")])
def test_law_equals_the_decoders_own_probabilities(language, prompt):
    """glassllm generates in float32; its probabilities agree to that precision."""
    model = stinespring.load(f"glassllm:{language}", temperature=0.8)
    decoder, tokenizer = load_pretrained(language)
    ids = tokenizer.encode(prompt)
    for step, generated in enumerate(decoder.generate(ids, 3, temperature=0.8, seed=5, trace=True), start=1):
        law = model.law(step, np.array([ids]))[0]
        np.testing.assert_allclose(law, generated.trace.get("probs").value, atol=2e-6)
        ids = [*ids, generated.token]


def test_top_k_keeps_the_largest_and_renormalises():
    whole, cut = stinespring.load("glassllm:en"), stinespring.load("glassllm:en", top_k=3)
    text = whole.encode("Alice was")[None, :]
    full, law = whole.law(1, text)[0], cut.law(1, text)[0]
    kept = np.sort(np.argsort(full)[-3:])
    assert np.flatnonzero(law).tolist() == kept.tolist()
    np.testing.assert_allclose(law[kept], full[kept] / full[kept].sum(), rtol=1e-12)


def test_batches_and_the_memory_of_laws_change_nothing():
    model = stinespring.load("glassllm:en")
    texts = np.random.default_rng(0).integers(0, 1024, (7, 5))
    together = model.law(1, texts)
    fresh = stinespring.load("glassllm:en")
    alone = np.concatenate([fresh.law(1, text[None, :]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-13)
    np.testing.assert_array_equal(model.law(1, texts[::-1])[::-1], together)


def test_texts_longer_than_the_context_use_its_last_tokens():
    model = stinespring.load("glassllm:en")
    text = np.random.default_rng(1).integers(0, 1024, (1, 140))
    np.testing.assert_array_equal(model.law(1, text), model.law(1, text[:, -128:]))


def test_names_have_no_white_space_and_are_distinct():
    model = stinespring.load("glassllm:en")
    assert len(set(model.tokens)) == 1024
    assert not any(c.isspace() for name in model.tokens for c in name)
    assert model.plain(model.encode("Alice was")) == "Alice was"


def test_bad_options_are_refused():
    for options in ({"top_k": 0}, {"temperature": 0.0}, {"temperature": float("nan")}):
        with pytest.raises(InputError):
            stinespring.load("glassllm:en", **options)
    with pytest.raises(InputError, match="glassllm:en or glassllm:pt"):
        stinespring.load("glassllm:fr")


def test_the_content_makes_the_model_again_unless_the_package_has_changed():
    model = stinespring.load("glassllm:pt", top_k=5, temperature=0.7)
    content = json.loads(json.dumps(model.content()))
    again = made(content, "glassllm:pt")
    assert (again.name, again.fingerprint(), again.top_k) == (model.name, model.fingerprint(), 5)
    with pytest.raises(InputError, match="has changed"):
        made(content | {"version": "0.0.9"}, "glassllm:pt")
