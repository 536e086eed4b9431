# SPDX-License-Identifier: Apache-2.0
"""The second, plain evaluation of laws: it agrees with right models, and names wrong ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

import stinespring
import strategies
from stinespring.checks.plain import spins as plain_spins
from stinespring.checks.plain import texts as plain_texts
from stinespring.errors import StinespringError
from stinespring.models.load import model_of
from stinespring.models.spins.asked import SpinAsked
from stinespring.models.spins.contexts import columns_of
from stinespring.models.spins.files import network_from
from stinespring.models.spins.network import SpinNetwork
from stinespring.models.texts.asked import TextAsked
from stinespring.models.texts.attention import AttentionModel
from stinespring.models.texts.table import TableModel
from stinespring.readings import Outcomes
from stinespring.stages import Samples


@given(strategies.attention_models())
@settings(deadline=None)
def test_attention_models_agree(data: dict) -> None:
    model = model_of(data, "m")
    texts = np.array([[0, model.d - 1], [model.d - 1, 0]])
    for step in (1, 2):
        law = model.law(step, texts)
        for row, text in zip(law, texts.tolist(), strict=True):
            assert np.allclose(plain_texts.plain_law(model, step, text), row, rtol=0, atol=1e-9)


@given(strategies.table_models())
@settings(deadline=None)
def test_tables_agree(data: dict) -> None:
    model = model_of(data, "m")
    text = [model.d - 1, *[0] * model.shortest, model.d - 1]
    assert np.allclose(plain_texts.plain_law(model, 1, text), model.law(1, np.array([text]))[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("options", [{}, {"top_k": 5}, {"temperature": 0.7, "top_k": 3}])
def test_glassllm_agrees(options: dict) -> None:
    model = stinespring.load("glassllm:en", **options)
    text = model.encode("Alice was").tolist()
    assert np.allclose(plain_texts.plain_law(model, 1, text), model.law(1, np.array([text]))[0], rtol=0, atol=2e-4)


@given(strategies.spin_networks())
@settings(deadline=None)
def test_spins_agree(data: dict) -> None:
    network = network_from(data, "n").one_column_a_spin()
    tokens = np.ones((1, 3, network.N), dtype=np.int8)
    samples = Samples(network, SpinAsked(3), (Outcomes.tallied(columns_of(tokens), np.array([7])),))
    assert plain_spins.disagreement(samples) is None


def texts_of(model: stinespring.TextModel, steps: int = 2) -> Samples:
    """Return one text of every kind, once each."""
    texts = np.array(np.meshgrid(*[np.arange(model.d)] * steps, indexing="ij")).reshape(steps, -1)
    columns = {f"t{step + 1}": row for step, row in enumerate(texts)}
    return Samples(model, TextAsked.of(model, prompt=" ".join(model.tokens[:2]), steps=steps), (Outcomes.tallied(columns),))


def first_token_asks(self: AttentionModel, step: int, texts: np.ndarray) -> np.ndarray:
    return TRUE_ATTENTION(self, step, texts[:, ::-1])


TRUE_ATTENTION = AttentionModel.attention
TRUE_TABLE = TableModel.law
TRUE_OVERLAPS = SpinNetwork.overlaps


def test_a_wrong_attention_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = texts_of(stinespring.load("examples/three_tokens.json"))
    assert plain_texts.disagreement(samples) is None
    monkeypatch.setattr(AttentionModel, "attention", first_token_asks)
    wrong = plain_texts.disagreement(samples)
    assert wrong is not None and "differs from a plain evaluation" in wrong


def test_wrong_digits_of_a_table_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    law = [[0.9, 0.1], [0.2, 0.8], [0.5, 0.5], [0.3, 0.7]]
    data = {"format": "stinespring/table@1", "tokens": ["a", "b"], "context": 2, "law": law}
    samples = texts_of(model_of(data, "t"))
    assert plain_texts.disagreement(samples) is None
    monkeypatch.setattr(TableModel, "law", lambda self, step, texts: TRUE_TABLE(self, step, texts[:, ::-1]))
    assert plain_texts.disagreement(samples) is not None


@pytest.mark.parametrize("change", [{"temperature": 1.2}, {"top_k": 4}])
def test_a_wrong_temperature_or_cut_is_named(monkeypatch: pytest.MonkeyPatch, change: dict) -> None:
    model = stinespring.load("glassllm:en", top_k=3, temperature=0.8)
    samples = Samples(model, TextAsked.of(model, prompt="Alice was", steps=1), (Outcomes.tallied({"t1": np.array([5])}),))
    assert plain_texts.disagreement(samples) is None
    content = model.content()
    monkeypatch.setattr(model, "content", lambda: content | change)  # what is stated, against what is evaluated
    assert plain_texts.disagreement(samples) is not None


def test_a_wrong_clock_of_spins_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    network = stinespring.load("examples/three_spins.json").one_column_a_spin()
    tokens = np.ones((1, 2, network.N), dtype=np.int8)
    samples = Samples(network, SpinAsked(2), (Outcomes.tallied(columns_of(tokens), np.array([3])),))
    assert plain_spins.disagreement(samples) is None
    monkeypatch.setattr(SpinNetwork, "overlaps", lambda self, semantic, time: TRUE_OVERLAPS(self, semantic, time + 1))
    assert plain_spins.disagreement(samples) is not None


def test_the_verdict_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiled, sampled and checked with one and the same wrong law: the verdict is FAIL all the same."""
    monkeypatch.setattr(AttentionModel, "attention", first_token_asks)
    model = stinespring.load("examples/three_tokens.json")
    samples = stinespring.run(stinespring.compile(model, prompt="sun rain", steps=2), shots=5000, seed=3)
    verdict = stinespring.check(samples)
    assert verdict.verdict == "FAIL" and "plain evaluation" in verdict.reason
    assert stinespring.check(replace(samples, source=model)).verdict == "FAIL"


def test_a_batch_is_evaluated_as_it_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last text of a batch asks for all: one text at a time is right."""
    whole = AttentionModel.law
    monkeypatch.setattr(
        AttentionModel, "law", lambda self, step, texts: whole(self, step, np.repeat(texts[-1:], len(texts), axis=0))
    )
    model = stinespring.load("examples/three_tokens.json")
    outcomes = Outcomes.tallied({"t1": np.array([0, 1, 2]), "t2": np.array([0, 1, 2])})
    samples = Samples(model, TextAsked.of(model, prompt="sun rain", steps=2), (outcomes,))
    assert "step 2" in str(plain_texts.disagreement(samples))


def test_tokens_after_the_stop_token_are_named() -> None:
    model = stinespring.load("examples/stop_token.json")
    stop, asked = model.stop, TextAsked.of(model, prompt=[0], steps=2)
    ends = Outcomes.tallied({"t1": np.array([stop]), "t2": np.array([model.vacuum])})
    goes_on = Outcomes.tallied({"t1": np.array([stop]), "t2": np.array([0])})
    assert plain_texts.after_the_end(Samples(model, asked, (ends,))) is None
    assert "follows the stop token" in str(plain_texts.after_the_end(Samples(model, asked, (goes_on,))))


@pytest.mark.parametrize("name", ["glassllm:en", "examples/three_tokens.json"])
def test_a_prompt_that_is_read_as_another_text_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    model = stinespring.load(name)
    prompt = "Alice was beginning" if name == "glassllm:en" else "sun rain sun"
    assert stinespring.compile(model, prompt=prompt, steps=1).asked.prompt == tuple(model.encode(prompt).tolist())
    whole = type(model).encode
    monkeypatch.setattr(type(model), "encode", lambda self, words: whole(self, words)[1:] if isinstance(words, str) else words)
    with pytest.raises(StinespringError, match="another text"):
        stinespring.compile(model, prompt=prompt, steps=1)
