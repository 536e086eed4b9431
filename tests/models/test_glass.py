# SPDX-License-Identifier: Apache-2.0
"""The language model's law against glassllm's own sampling path and tracer."""

from __future__ import annotations

import json

import numpy as np
import pytest
from glassllm import load_pretrained

import stinespring
from stinespring.errors import InputError, TooLargeError
from stinespring.models.decoders import prefixes
from stinespring.models.decoders.names import load_decoder
from stinespring.models.load import made
from stinespring.models.texts.attention import softmax
from stinespring.models.texts.truncated import kept


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


def test_what_the_context_does_not_hold_is_said():
    model = stinespring.load("glassllm:en")
    model.law(1, np.zeros((1, 128), dtype=np.int64))
    with pytest.raises(InputError, match="129 tokens"):
        model.law(1, np.zeros((1, 129), dtype=np.int64))
    with pytest.raises(InputError, match="at most 128"):
        model.encode([5] * 128)  # there is no place for a token after it


def test_incremental_laws_are_those_of_whole_texts_whatever_was_asked_before(monkeypatch):
    """Against glassllm's own evaluation of each text, also where next to nothing is kept."""
    rng = np.random.default_rng(4)
    prompt = rng.integers(0, 1024, 6)
    for most in (prefixes.MOST_PASTS, 0):
        monkeypatch.setattr(prefixes, "MOST_PASTS", most)
        monkeypatch.setattr(prefixes, "MOST_LAWS", most)
        model = stinespring.load("glassllm:en", temperature=0.7)
        for length in (6, 9, 7, 8, 9, 4, 8):
            texts = np.concatenate([np.tile(prompt, (12, 1)), rng.integers(0, 2, (12, 6))], axis=1)[:, :length]
            with np.errstate(divide="ignore"):
                own = np.log(model.decoder.law(texts)) / 0.7
            own = np.exp(own - own.max(axis=1, keepdims=True))
            np.testing.assert_allclose(model.law(1, texts), own / own.sum(axis=1, keepdims=True), atol=1e-12)
        apart = rng.integers(0, 1024, (5, 3))  # with nothing in common
        own = model.decoder.law(apart) ** (1 / 0.7)
        np.testing.assert_allclose(model.law(1, apart), own / own.sum(axis=1, keepdims=True), atol=1e-12)


def test_a_past_stays_usable():
    decoder = load_decoder("glassllm:pt")
    _, past = decoder.begin(np.array([7, 300, 12]))
    first, one = decoder.proceed(past, np.array([0, 0]), np.array([5, 6]))
    decoder.proceed(one, np.array([1, 0, 1]), np.array([9, 8, 7]))
    again, _ = decoder.proceed(past, np.array([0, 0]), np.array([5, 6]))
    np.testing.assert_allclose(again, first, atol=1e-13)
    third, three = decoder.proceed(one, np.array([1, 1]), np.array([9, 7]))
    assert (past.rows, one.rows, three.rows) == (1, 2, 2)
    own = decoder.law(np.array([[7, 300, 12, 6, 9], [7, 300, 12, 6, 7]]))
    np.testing.assert_allclose(softmax(third), own, atol=1e-13)


def test_top_p_keeps_the_fewest_likeliest_ones():
    whole, cut = stinespring.load("glassllm:en"), stinespring.load("glassllm:en", top_p=0.6, top_k=40)
    text = whole.encode("Alice was")[None, :]
    full, law = whole.law(1, text)[0], cut.law(1, text)[0]
    ranked = np.argsort(-full, kind="stable")[:40]
    shares = np.cumsum(full[ranked]) / full[ranked].sum()
    number = int(np.argmax(shares >= 0.6)) + 1
    assert 1 < number < 40
    assert np.flatnonzero(law).tolist() == sorted(ranked[:number].tolist())
    np.testing.assert_allclose(law[ranked[:number]], full[ranked[:number]] / full[ranked[:number]].sum(), rtol=1e-12)


@pytest.mark.parametrize("options", [{}, {"top_k": 3}, {"top_p": 0.6}, {"top_k": 900, "top_p": 0.999}])
def test_what_is_possible_is_the_law_without_its_zeros(options):
    model = stinespring.load("glassllm:en", **options)
    texts = np.random.default_rng(0).integers(0, 1024, (7, 5))
    law, found = model.symbol_law(1, texts), model.possible(1, texts)
    dense = np.zeros_like(law)
    dense[found.rows, found.symbols] = found.probabilities
    np.testing.assert_array_equal(dense, law)
    assert found.probabilities.min() > 0
    assert np.diff(found.rows * 2000 + found.symbols).min() > 0
    probabilities, symbols = found.columns()
    assert probabilities.shape[1] == (law > 0).sum(axis=1).max()
    for row in range(7):
        known = symbols[row] >= 0
        np.testing.assert_array_equal(law[row, symbols[row, known]], probabilities[row, known])
        assert probabilities[row, known].sum() == pytest.approx(1.0)


def test_equals_at_a_cut_go_to_the_lowest_number():
    logits = np.array([[0.0, 1.0, 1.0, 1.0, 0.5], [2.0, 2.0, 2.0, 2.0, 3.0]])
    for many in (logits, np.pad(logits, ((0, 0), (0, 40)), constant_values=-9.0)):
        np.testing.assert_array_equal(np.isfinite(kept(many, 2, None))[:, :5], [[0, 1, 1, 0, 0], [1, 0, 0, 0, 1]])


def test_names_have_no_white_space_and_are_distinct():
    model = stinespring.load("glassllm:en")
    assert len(set(model.tokens)) == 1024
    assert not any(c.isspace() for name in model.tokens for c in name)
    assert model.plain(model.encode("Alice was")) == "Alice was"


def test_too_many_texts_are_refused_before_any_is_read(monkeypatch):
    model = stinespring.load("glassllm:en", top_k=2)
    assert len(model.joint("Alice", 5)) == 32
    monkeypatch.setattr(type(model), "possible", lambda *words: pytest.fail("a law was evaluated"))
    with pytest.raises(TooLargeError, match="at most 18 step"):
        model.joint("Alice", 30)


def test_bad_options_are_refused():
    for options in ({"top_k": 0}, {"top_p": 0.0}, {"top_p": 1.5}, {"temperature": 0.0}, {"temperature": float("nan")}):
        with pytest.raises(InputError):
            stinespring.load("glassllm:en", **options)
    with pytest.raises(InputError, match="glassllm:en or glassllm:pt"):
        stinespring.load("glassllm:fr")


def test_the_content_makes_the_model_again_unless_the_package_has_changed():
    model = stinespring.load("glassllm:pt", top_k=5, temperature=0.7)
    content = json.loads(json.dumps(model.content()))
    again = made(content, "glassllm:pt")
    cut = stinespring.load("glassllm:pt", top_p=0.7)
    assert (
        made(cut.content(), "glassllm:pt").fingerprint() == cut.fingerprint() != stinespring.load("glassllm:pt").fingerprint()
    )
    assert (again.name, again.fingerprint(), again.top_k) == (model.name, model.fingerprint(), 5)
    with pytest.raises(InputError, match="has changed"):
        made(content | {"version": "0.0.9"}, "glassllm:pt")
