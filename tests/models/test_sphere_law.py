# SPDX-License-Identifier: Apache-2.0
"""The law of layers and overlaps against plain loops, and against what a wrong compiler would make."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2

from oracles import plain_sphere as plain
from stinespring.errors import InputError
from stinespring.models.sphere.asked import SphereAsked, made
from stinespring.models.sphere.files import random_model
from stinespring.models.sphere.layer_law import best_rounds, steps_of
from stinespring.models.sphere.overlaps import pairs_of
from stinespring.models.sphere.perceptron import Perceptron
from stinespring.readings import Outcomes

KINDS = [
    {},
    {"field": "raw"},
    {"normalise": "SA", "direction": "descent"},
    {"kernel": "scaled", "hidden": 0},
    {"kernel": "scaled", "normalise": "SA", "field": "raw", "activation": "tanh"},
    {"matrices": True, "activation": "gelu"},
    {"matrices": True, "field": "raw", "normalise": "SA"},
    {"dimension": 2, "direction": "descent", "kernel": "scaled"},
    {"particles": 1, "hidden": 0},
]


def model_of(particles=4, dimension=3, hidden=2, matrices=False, **choices):
    model = random_model(particles=particles, dimension=dimension, beta=1.4, hidden=hidden, seed=3, step=0.4, **choices)
    rng = np.random.default_rng(8)
    if hidden:
        p = model.perceptron
        model = replace(model, perceptron=Perceptron(p.directions, p.weights, rng.normal(size=p.output.shape), p.activation))
    if matrices:
        q, k, v = rng.normal(size=(3, dimension, dimension)) / 2
        model = replace(model, query=q, key=k, value=v)
    return model


def wanted(model, particle, layers, rounds, read):
    """The law by plain loops: each value of x1 with success, and failure."""
    after, success = plain.layers(model.content(), model.particles.tolist(), particle, layers, rounds)
    size = max(2, 1 << (model.d - 1).bit_length())
    state = [x * x for x in after] + [0.0] * (size - model.d)
    if read == "fidelity":
        state = [1.0] + [0.0] * (size - 1)
    return [success] * (read == "nothing") + [success * x for x in state] * (read != "nothing") + [1 - success]


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("schedule", ["static", "dynamic", "stepwise"])
def test_law_of_layers_is_that_of_plain_loops(kind, schedule):
    model = model_of(**kind)
    asked = SphereAsked((0, model.n - 1), layers=2, schedule=schedule, rounds=0 if schedule == "dynamic" else 1)
    laws = asked.law(model).circuits
    expected = []
    for before, layers in ((0, 2),) if schedule != "stepwise" else ((0, 1), (1, 1)):
        here = model
        for _ in range(before):
            here = here.at(np.array(plain.euler(here.content(), here.particles.tolist())))
        expected += [
            wanted(here, i, layers, asked.rounds, read) for i in asked.particles for read in ("amplitudes", "fidelity")
        ]
    assert len(laws) == len(expected) == len(asked.circuits)
    for law, exact in zip(laws, expected, strict=True):
        np.testing.assert_allclose(law.probabilities, exact, atol=3e-12)
        assert law.registers == (("flag",) if schedule == "stepwise" else ("flag1", "flag2"))


@pytest.mark.parametrize("read", ["nothing", "amplitudes", "fidelity"])
def test_one_reading_alone(read):
    model = model_of()
    [law] = SphereAsked((2,), rounds=2, read=read).law(model).circuits
    np.testing.assert_allclose(law.probabilities, wanted(model, 2, 1, 2, read), atol=3e-12)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_coefficients_of_the_other_sign_and_size_have_another_law(kind):
    """A layer whose attention and neurons carry -2: what it would read at 100,000 shots could not come from this law."""
    model = model_of(**kind)
    [law] = SphereAsked((0,), read="amplitudes").law(model).circuits
    parts = plain.terms(model.content() | {"step": -2 * model.step}, model.particles.tolist(), 0)
    total = np.sum([c * np.array(v) for c, v in parts], axis=0)
    norm = sum(abs(c) for c, _ in parts)
    faulted = np.append(np.pad(total**2 / norm**2, (0, len(law.probabilities) - 1 - model.d)), 1 - total @ total / norm**2)
    kept = law.probabilities > 0
    distance = 100_000 * ((faulted - law.probabilities)[kept] ** 2 / law.probabilities[kept]).sum()
    assert distance > 10 * chi2.isf(1e-3, kept.sum())


def test_auto_brings_every_circuit_close_to_certainty():
    model = model_of()
    asked = SphereAsked((0, 1, 2, 3), layers=2, rounds="auto", read="nothing")
    for step in asked.law(model).circuits:
        assert step.probabilities[0] > 0.249  # one more round would pass 1 from a quarter on
    plain_success = [math.prod(layer[i].success for layer in steps_of(model, [i], 2)) for i in range(4)]
    for success, circuit in zip(plain_success, asked.law(model).circuits, strict=True):
        r = best_rounds(success)
        assert circuit.probabilities[0] == pytest.approx(math.sin((2 * r + 1) * math.asin(math.sqrt(success))) ** 2)
    dynamic = replace(asked, schedule="dynamic").law(model).circuits  # a measured register cannot be amplified
    assert [c.probabilities[0] for c in dynamic] == pytest.approx(plain_success)


@pytest.mark.parametrize("test", ["hadamard", "swap"])
def test_law_of_overlaps(test):
    model = model_of()
    u, v = pairs_of(model)
    xs = model.particles.tolist()
    pairs = [plain.dot(xs[i], xs[j]) for i in range(4) for j in range(i + 1, 4)]
    pairs += [plain.dot(x, plain.unit(a)) for x in xs for a in model.perceptron.directions.tolist()]
    np.testing.assert_allclose(np.einsum("ij,ij->i", u, v), pairs, atol=1e-12)
    law = SphereAsked((), read=test).law(model)
    exact = [(1 + (o if test == "hadamard" else o * o)) / 2 for o in pairs]
    np.testing.assert_allclose([c.probabilities[0] for c in law.circuits], exact, atol=1e-12)
    seen = tuple(Outcomes.tallied({"a": np.array([0, 1])}, np.array([3, 4])) for _ in pairs)
    [table] = law.tables(seen)
    assert table.observed.tolist() == [[3, 4]] * len(pairs) and table.law.shape == (len(pairs), 2)


def test_tables_count_values_with_success_and_failures():
    law = SphereAsked((1,), layers=2, read="amplitudes").law(model_of())
    columns = {"flag1": np.array([0, 0, 1, 0]), "x1": np.array([2, 0, 2, 1]), "flag2": np.array([0, 0, 0, 3])}
    [table] = law.tables([Outcomes.tallied(columns, np.array([5, 7, 2, 4]))])
    assert table.observed.tolist() == [[7, 0, 5, 0, 6]]
    with pytest.raises(InputError, match="not read"):
        list(law.tables([Outcomes.tallied({"x1": np.array([0])})]))


def test_requests_and_models_survive_json():
    for kind in KINDS:
        model = model_of(**kind)
        again = made(json.loads(json.dumps(model.content())), "again")
        assert again.fingerprint() == model.fingerprint() and again.name == "again"
        assert np.array_equal(again.particles, model.particles)
    asked = SphereAsked((0, 2), layers=3, schedule="stepwise", rounds="auto", read="fidelity")
    assert SphereAsked(**json.loads(json.dumps(asked.plain()))) == asked
    with pytest.raises(InputError, match="no such particle"):
        SphereAsked((9,)).law(model_of())


def test_counts_are_read_as_they_are_spelt():
    model, asked = model_of(), SphereAsked((1,))
    columns = {"flag": np.array([0, 1, 0]), "x1": np.array([3, 2, 0])}
    one = Outcomes.tallied(columns, np.array([5, 6, 7]))
    keys = asked.spell(model, one)
    assert keys == ["flag=0 x1=0", "flag=0 x1=3", "flag=1 x1=2"]
    counts = dict(zip(keys, one.counts.tolist(), strict=True))
    data = {"format": "stinespring/samples@1", "counts": [counts, {"x1=0 flag=0": 4}]}
    first, second = asked.read_counts(model, data)
    assert (first.registers, first.values.tolist(), first.counts.tolist()) == (
        one.registers, one.values.tolist(), one.counts.tolist()
    )  # fmt: skip
    assert second.column("flag").tolist() == [0] and second.shots == 4
    for bad in (
        [counts],
        [counts, {"x1=4 flag=0": 1}],
        [counts, {"x1=0": 1}],
        [counts, {"x1=0 flag=0 y=0": 1}],
        [counts, {"": 1}],
    ):
        with pytest.raises(InputError):
            asked.read_counts(model, data | {"counts": bad})
    with pytest.raises(InputError, match="format"):
        asked.read_counts(model, {"counts": [counts]})
