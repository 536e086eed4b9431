# SPDX-License-Identifier: Apache-2.0
"""States at every point against glassllm's own tracer and softmax, and against loops over the formula."""

from __future__ import annotations

import numpy as np
import pytest
from glassllm import Tracer

import stinespring
from oracles.tiny_decoder import TinyDecoder, plain_law
from stinespring.errors import InputError
from stinespring.models.lens import TunedLens, load_decoder, read_states
from stinespring.models.lens.law import PointLaw
from stinespring.models.lens.states import read_batches


@pytest.mark.parametrize(
    ("language", "prompt"), [("en", "Alice was"), ("pt", "O menino"), ("en", "Q"), ("pt", "Não sei, disse")]
)
def test_every_point_against_the_decoders_tracer(language, prompt):
    decoder = load_decoder(f"glassllm:{language}")
    numbers = decoder.encode(prompt)
    trace = Tracer()
    decoder.decoder.forward(numbers, trace=trace)
    wanted = [trace.get("embed").value]
    for layer in range(4):
        wanted += [trace.get("resid.attn", layer=layer).value, trace.get("resid.ffn", layer=layer).value]
    np.testing.assert_allclose(decoder.stream(numbers[None, :])[:, 0], wanted, atol=1e-13)
    states = read_states(decoder, prompt)
    assert states.psi.shape == (9, 1024)
    assert [str(place) for place in states.points][:4] == ["embedding", "attention 0", "mlp 0", "attention 1"]
    for point, stream in enumerate(wanted):
        np.testing.assert_allclose(states.law(point), plain_law(decoder, stream[-1]), atol=1e-12)
    own = stinespring.load(f"glassllm:{language}").law(1, numbers[None, :])[0]
    np.testing.assert_allclose(states.psi[-1] ** 2, own, atol=1e-14)
    np.testing.assert_allclose(np.linalg.norm(states.psi, axis=1), 1, atol=1e-14)


@pytest.mark.parametrize("kind", ["rms", "layer"])
def test_other_decoders_fit_behind_the_protocol(kind):
    decoder = TinyDecoder(kind=kind)
    states = read_states(decoder, "w1 w3 w0")
    stream = decoder.stream(np.array([[1, 3, 0]]))[:, 0, -1]
    for point in range(5):
        np.testing.assert_allclose(states.law(point), plain_law(decoder, stream[point]), atol=1e-14)
        entropy = -sum(p * np.log(p) for p in plain_law(decoder, stream[point]))
        assert states.entropy[point] == pytest.approx(entropy, abs=1e-12)
    for point in range(1, 5):
        np.testing.assert_allclose(states.operator(point).apply(states.psi[point - 1]), states.psi[point], atol=1e-14)
    with pytest.raises(IndexError):
        states.operator(0)


def test_a_bias_moves_the_stream_before_the_norm():
    decoder = TinyDecoder()
    bias = np.vstack([np.random.default_rng(1).normal(size=(4, 5)), np.zeros(5)])
    states = read_states(decoder, [2, 4], lens=TunedLens(bias, decoder.fingerprint()))
    stream = decoder.stream(np.array([[2, 4]]))[:, 0, -1]
    for point in range(5):
        np.testing.assert_allclose(states.law(point), plain_law(decoder, stream[point] + bias[point]), atol=1e-14)
    assert states.lens.startswith("tuned:")


def test_texts_of_different_lengths_share_batches(monkeypatch):
    decoder = load_decoder("glassllm:en")
    texts = [decoder.encode(text) for text in ("Alice was", "Oh", "the White Rabbit said to the King", "Alice", "She")]
    for entries in (1 << 23, 40_000):
        monkeypatch.setattr("stinespring.models.lens.states.MOST_ENTRIES", entries)
        seen = {}
        for rows, psi in read_batches(decoder, texts):
            seen |= {int(row): psi[:, i] for i, row in enumerate(rows)}
        for number, text in enumerate(texts):
            np.testing.assert_allclose(seen[number], read_states(decoder, text.tolist()).psi, atol=1e-13)


def test_of_long_prompts_the_last_tokens_count():
    decoder = load_decoder("glassllm:en")
    text = np.random.default_rng(2).integers(4, 1024, 140).tolist()
    np.testing.assert_array_equal(read_states(decoder, text).psi, read_states(decoder, text[-128:]).psi)


def test_laws_on_the_way():
    decoder = TinyDecoder()
    states = read_states(decoder, [0, 1])
    half = states.operator(2).evolve(states.psi[1], 0.5)
    np.testing.assert_allclose(PointLaw(states, 2, 0.5).p, abs(half) ** 2, atol=1e-14)
    np.testing.assert_allclose(PointLaw(states, 2, 0.0).p, states.law(1), atol=1e-14)
    np.testing.assert_allclose(PointLaw(states, 4).p, decoder.law(np.array([[0, 1]]))[0], atol=0)
    assert abs(PointLaw(states, 2, 0.5).p - PointLaw(states, 2).p).max() > 1e-3


@pytest.mark.parametrize("name", ["examples/two_tokens.json", "glassllm:xx", ""])
def test_what_is_no_decoder_is_refused(name):
    with pytest.raises(InputError):
        load_decoder(name)
