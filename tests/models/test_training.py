# SPDX-License-Identifier: Apache-2.0
"""Training against what knows nothing of it: finite differences, the file's own law, laws by plain loops, planted faults."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest

import stinespring
from stinespring.batches import quiet
from stinespring.errors import InputError, TooLargeError
from stinespring.models.load import model_of
from stinespring.models.training.blocks import Shape, attention_file, law_of, prepared, started
from stinespring.models.training.fit import fit, objective
from stinespring.models.training.laws import of_model
from stinespring.models.training.letters import letters_of, of_text
from stinespring.models.training.ngrams import ngram_laws
from stinespring.models.training.train import Sizes, figures, train
from stinespring.models.training.windows import Windows, counted

pytest.importorskip("autograd", reason="training takes its gradients from autograd (extra [train])")
SMALL = Sizes(tokens=6, context=2, heads=2, mlp=8, longest=6)


def table(d, context, rng, sharpness=2.0):
    law = rng.dirichlet(np.full(d, 1 / sharpness), size=d**context)
    names = [f"t{i}" for i in range(d)]
    return model_of({"format": "stinespring/table@1", "tokens": names, "context": context, "law": law.tolist()}, "table")


def contexts(d, n, rng):
    every = np.array(list(itertools.product(range(d), repeat=n)))
    return Windows(every, rng.dirichlet(np.ones(d), size=len(every)), rng.random(len(every)) + 0.1)


def plain_law(data, text):
    """The law of the only block of a file after one text, by loops over attended positions."""
    embedding, positions = np.array(data["embedding"]), np.array(data["positions"])
    [block] = data["blocks"]
    x = [embedding[token] + positions[i] for i, token in enumerate(text)]
    weights = []
    for head in block["heads"]:
        scores = [float(np.dot(np.array(head["query"]) @ x[-1], np.array(head["key"]) @ each)) for each in x]
        weights.append(np.exp(scores) / np.exp(scores).sum())
    law = np.zeros(len(embedding))
    for places in itertools.product(range(len(text)), repeat=len(weights)):
        y = np.concatenate([np.array(h["value"]) @ x[j] for h, j in zip(block["heads"], places, strict=True)])
        for index, layer in enumerate(block["ffn"]["layers"]):
            y = np.array(layer["weight"]) @ y + np.array(layer["bias"])
            y = np.tanh(y) if index < len(block["ffn"]["layers"]) - 1 else y
        chances = np.exp(embedding @ y)
        law += np.prod([w[j] for w, j in zip(weights, places, strict=True)]) * chances / chances.sum()
    return law


@pytest.mark.parametrize("mlp", [0, 4])
def test_the_gradient_is_that_of_finite_differences(mlp, rng, examples):
    corpus = of_text(examples / "alice.txt", tokens=4, context=2, seed=0)
    shape = Shape(4, 2, 2, mlp, 3, 2)
    evaluate, vector, _ = objective(corpus, shape, started(shape, rng), decay=1e-3)
    _, gradient = evaluate(vector)
    assert len(gradient) == len(vector) and np.abs(gradient).min() < np.abs(gradient).max()
    for _ in range(6):
        direction = rng.normal(size=vector.shape)
        step = 1e-5
        difference = (evaluate(vector + step * direction)[0] - evaluate(vector - step * direction)[0]) / (2 * step)
        assert difference == pytest.approx(float(gradient @ direction), rel=1e-6, abs=1e-7)


@pytest.mark.parametrize(("heads", "mlp"), [(1, 0), (2, 5), (4, 3)])
def test_the_file_has_the_law_that_was_trained(heads, mlp, rng):
    shape = Shape(3, 3, heads, mlp, 3, 2)
    parameters = {name: values + 0.5 * rng.normal(size=values.shape) for name, values in started(shape, rng).items()}
    data = attention_file(parameters, shape, ("a", "b", "c"), None, longest=7)
    model = model_of(json.loads(json.dumps(data)), "trained")
    for n in (1, 2, 3):
        windows = contexts(3, n, rng)
        law = law_of(parameters, shape, prepared(windows, shape))
        assert np.abs(law - model.law(1, windows.contexts)).max() < 1e-10
    earlier = rng.integers(3, size=(len(windows.contexts), 3))
    longer = np.concatenate([earlier, windows.contexts], axis=1)  # what is out of reach does not matter at all
    assert np.abs(law - model.law(4, longer)).max() < 1e-10
    assert np.array_equal(model.attention(1, longer)[:, :, :3], np.zeros((len(longer), heads, 3)))
    with pytest.raises(InputError, match="longer than the model's positions"):
        model.law(1, np.zeros((1, 8), dtype=np.int64))


def test_figures_again_from_the_file_alone(examples):
    """The windows are counted and the law is computed by plain loops; the stretches held out are the only thing taken over."""
    trained = train(examples / "alice.txt", SMALL, steps=20)
    corpus, data = of_text(examples / "alice.txt", tokens=6, context=2, seed=0), json.loads(json.dumps(trained.content))
    for part in ("train", "held_out"):
        windows = getattr(corpus, part)
        total, entropy = 0.0, 0.0
        for context, law, weight in zip(windows.contexts.tolist(), windows.laws, windows.weights, strict=True):
            model = plain_law(data, context)
            total += weight * sum(p * np.log(p / q) for p, q in zip(law, model, strict=True) if p > 0)
            entropy -= weight * sum(p * np.log(p) for p in law if p > 0)
        assert trained.figures["kl_per_token"][part] == pytest.approx(total / windows.weights.sum(), abs=1e-9)
        assert trained.figures["floors"][part] == pytest.approx(entropy / windows.weights.sum(), abs=1e-9)
    found = trained.figures
    assert found["entropy_floor"] == found["floors"]["train"]
    assert found["kl_per_token"]["held_out"] < found["ngrams"][0]["kl_per_token"]["held_out"]
    assert found["parameters"] == 6 * 6 + 2 * (8 * 6 + 8 + 8 * 6 + 2 + 6 * 6) + (8 * 12 + 8) + (6 * 8 + 6)


def test_every_character_is_in_one_part(examples):
    text, names, _ = letters_of(" ".join((examples / "alice.txt").read_text().split()), 6)
    corpus = of_text(examples / "alice.txt", tokens=6, context=2, seed=3)
    assert corpus.tokens == names
    parts = (corpus.train, corpus.choose, corpus.held_out)
    assert sum(part.weights.sum() for part in parts) == len(text) - 2
    counts = np.zeros((6, 6, 6))
    for a, b, c in zip(text, text[1:], text[2:], strict=False):
        counts[names.index(a), names.index(b), names.index(c)] += 1
    for part in parts:
        for context, law, weight in zip(part.contexts, part.laws, part.weights, strict=True):
            counts[tuple(context)] -= weight * law
    assert np.abs(counts).max() < 1e-9


def test_the_same_seed_gives_the_same_file(examples):
    one, again, other = (train(examples / "alice.txt", SMALL, steps=6, seed=seed) for seed in (1, 1, 2))
    assert json.dumps(one.content) == json.dumps(again.content) != json.dumps(other.content)
    assert one.figures == again.figures


def test_shuffled_laws_are_worse_than_a_unigram(rng, examples):
    """A planted fault: every context learns the law of another one. What is right is at less than half a unigram's distance."""
    corpus = of_model(table(4, 2, rng), tokens=4, context=2, samples=4000, seed=0, prompt="t0 t1", report=quiet)
    # few contexts: what is chosen by and judged on is all of them, so that nothing depends on which ones were held out
    every = Windows(*(np.concatenate([getattr(part, name) for part in (corpus.train, corpus.choose, corpus.held_out)])
                      for name in ("contexts", "laws", "weights")))  # fmt: skip
    shape = Shape(4, 2, 2, 16, 4, 4)
    kl = {}
    for kind in ("right", "shuffled"):
        laws = every.laws if kind == "right" else np.roll(every.laws[rng.permutation(len(every.laws))], 1, axis=0)
        taught = replace(every, laws=laws)
        whole = replace(corpus, train=taught, short=(), choose=taught, held_out=every)
        found = figures(whole, fit(whole, shape, steps=200, seed=0, decay=1e-5, report=quiet), distilled=True)
        kl[kind] = found["kl_per_token"]["held_out"]
    unigram = every.share @ every.laws
    apart = every.divergence(np.tile(unigram, (len(every.laws), 1)))
    assert kl["shuffled"] > apart and kl["right"] < apart / 2


def test_a_model_is_read_as_it_is(rng):
    """With all tokens kept the laws are the table's own; with fewer they are renormalised."""
    model = table(3, 2, rng)
    corpus = of_model(model, tokens=3, context=2, samples=3000, seed=0, prompt="t0 t1", report=quiet)
    assert corpus.tokens == model.tokens
    for part in (corpus.train, corpus.choose, corpus.held_out):
        assert np.abs(part.laws - model.law(1, part.contexts)).max() < 1e-12
    seen = [tuple(c) for part in (corpus.train, corpus.choose, corpus.held_out) for c in part.contexts]
    assert len(seen) == len(set(seen))
    wide = table(6, 3, rng)
    fewer = of_model(wide, tokens=4, context=3, samples=3000, seed=0, prompt="t0 t1 t2", report=quiet)
    kept = [wide.tokens.index(name) for name in fewer.tokens]
    law = wide.law(1, np.array(kept)[fewer.train.contexts])[:, kept]
    assert np.abs(fewer.train.laws - law / law.sum(axis=1, keepdims=True)).max() < 1e-12


def test_a_stop_token_stays_one(stop_token):
    trained = train(stop_token, Sizes(context=4, heads=2, mlp=4), steps=30, samples=2000)
    assert trained.content["stop"] == stop_token.tokens[stop_token.stop]
    assert trained.figures["kl_per_token"]["train"] < trained.figures["ngrams"][0]["kl_per_token"]["train"]


def test_ngrams_are_laws_and_learn_a_chain(rng, examples):
    corpus = of_text(examples / "alice.txt", tokens=5, context=3, seed=0)
    for learnt, held in ngram_laws(corpus, 3):
        assert np.abs(learnt.sum(axis=1) - 1).max() < 1e-12 and np.abs(held.sum(axis=1) - 1).max() < 1e-12
        assert min(learnt.min(), held.min()) > 0
    new = counted(np.array([[0, 1, 2], [2, 1, 0]]), [3, 4], 5)  # nothing like it was trained on or chosen by
    strange = replace(corpus, train=counted(np.zeros((50, 3), dtype=int), np.zeros(50, dtype=int), 5), held_out=new)
    strange = replace(strange, choose=strange.train)
    assert all(0 < new.cross_entropy(held) < 60 for _, held in ngram_laws(strange, 3))
    numbers = np.tile(np.arange(4), 200)  # a cycle: one token back tells everything
    windows = counted(np.stack([numbers[:-2], numbers[1:-1]], axis=1), numbers[2:], 4)
    cycle = replace(corpus, tokens=tuple("abcd"), train=windows, choose=windows, held_out=windows)
    unigram, bigram, _ = (windows.cross_entropy(held) for _, held in ngram_laws(cycle, 2))
    assert unigram == pytest.approx(np.log(4), abs=1e-3) and bigram < 0.01


@pytest.mark.parametrize("schedule", ["static", "dynamic"])
def test_a_trained_example_compiles_and_passes(schedule, examples):
    """False-alarm rate 1e-6."""
    model = stinespring.load(examples / "trained_alice.json")
    program = stinespring.compile(model, prompt="▁ t h e", steps=2, schedule=schedule, effort=0)
    verdict = stinespring.check(stinespring.run(program, shots=4000, seed=1), alpha=1e-6, resolution=0.2)
    assert verdict.verdict == "PASS", verdict.reason


@pytest.mark.parametrize(
    "wrong",
    [{"tokens": 33}, {"tokens": 1}, {"context": 9}, {"context": 0}, {"heads": 0}, {"mlp": -1}, {"longest": 4}, {"heads": True}],
    ids=str,
)
def test_sizes(wrong):
    with pytest.raises(InputError):
        Sizes(**wrong)


def test_too_many_choices_of_places(examples):
    with pytest.raises(TooLargeError, match="heads"):
        train(examples / "alice.txt", Sizes(context=8, heads=8), steps=1)


def test_without_the_library(examples, monkeypatch):
    monkeypatch.setattr("stinespring.models.training.fit.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'stinespring\[train\]'"):
        train(examples / "alice.txt", SMALL, steps=1)
