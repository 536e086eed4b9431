# SPDX-License-Identifier: Apache-2.0
"""The plain evaluation of particles' layers and overlaps: it agrees with right models, and names wrong ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import stinespring
from stinespring.checks.plain.sphere import couple, disagreement
from stinespring.models.sphere import files, overlaps, perceptron
from stinespring.models.sphere.asked import SphereAsked
from stinespring.models.sphere.direct import DirectSums
from stinespring.models.sphere.files import random_model
from stinespring.models.sphere.model import SphereModel
from stinespring.models.sphere.perceptron import ACTIVATIONS, Perceptron
from stinespring.stages import Samples

KINDS: list[dict[str, Any]] = [
    {},
    {"direction": "descent", "field": "raw"},
    {"normalise": "SA", "kernel": "scaled", "activation": "tanh"},
    {"matrices": True, "activation": "gelu", "normalise": "SA"},
    {"matrices": True, "direction": "descent", "kernel": "scaled", "field": "raw"},
    {"particles": 1, "hidden": 0},
    {"particles": 30, "dimension": 2, "normalise": "SA", "beta": 600.0},
    {"particles": 30, "beta": 250.0},
    {"beta": 320.0},
]


def model_of(
    particles: int = 4, dimension: int = 3, hidden: int = 2, beta: float = 1.4, matrices: bool = False, **choices: Any
) -> SphereModel:
    model = random_model(particles=particles, dimension=dimension, beta=beta, hidden=hidden, seed=3, step=0.4, **choices)
    rng = np.random.default_rng(8)
    p = model.perceptron
    if p is not None and matrices:
        model = replace(model, perceptron=Perceptron(p.directions, p.weights, rng.normal(size=(2, dimension)), p.activation))
    if matrices:
        q, k, v = rng.normal(size=(3, dimension, dimension)) / 2
        model = replace(model, query=q, key=k, value=v)
    return model


def second(model: SphereModel, **asked: Any) -> str | None:
    given = {"particles": () if "read" in asked else tuple(range(model.n))} | asked
    return disagreement(Samples(model, SphereAsked(**given), ()))


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_right_models_agree(kind: dict[str, Any]) -> None:
    model = model_of(**kind)
    assert second(model, layers=3, schedule="stepwise") is None
    assert second(model, read="hadamard") is None
    assert second(model, read="swap") is None


@pytest.mark.parametrize("direction", ["ascent", "descent"])
def test_the_example_agrees(direction: str) -> None:
    model = replace(stinespring.load("examples/sphere.json"), direction=direction)
    assert second(model, layers=2) is None
    assert second(model, read="hadamard") is None


def test_particles_at_one_point_and_neurons_without_direction_agree() -> None:
    model = model_of(particles=3)
    p = model.perceptron
    assert p is not None
    at_once = model.at(np.repeat(model.particles[:1], 3, axis=0) + 1e-9 * np.eye(3))
    at_once = replace(at_once, perceptron=replace(p, directions=0.0 * p.directions), beta=200.0)
    assert second(at_once.at(files.normalised(at_once.particles)), layers=2) is None
    assert second(at_once, read="hadamard") is None


def test_models_that_no_file_holds_and_long_neurons_are_no_fault() -> None:
    model = model_of()
    p = model.perceptron
    assert p is not None
    assert second(replace(model, step=0.0)) is None
    for length in (1e6, 1e100):
        long = replace(p, directions=length * p.directions / abs(p.directions).max())
        assert second(replace(model, perceptron=long, field="raw")) is None


def test_pairs_are_numbered_as_in_a_double_loop() -> None:
    assert [couple(5, k) for k in range(10)] == [(i, j) for i in range(5) for j in range(i + 1, 5)]


TRUE_PAIRS = overlaps.pairs_of
TRUE_ARRAY = files.array
TRUE_SUMS = DirectSums.__call__


def flipped(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SphereModel, "sign", property(lambda self: -1.0 if self.direction == "ascent" else 1.0))


def leaky(patch: pytest.MonkeyPatch) -> None:
    relu = ACTIVATIONS["relu"]._replace(value=lambda z: np.where(z > 0, z, 0.01 * z))
    patch.setattr(perceptron, "ACTIVATIONS", dict(ACTIVATIONS) | {"relu": relu})


def positive(patch: pytest.MonkeyPatch) -> None:
    def array(data: Any, shape: Any, name: str) -> Any:
        found = TRUE_ARRAY(data, shape, name)
        return abs(found) if name == "'weights'" else found

    patch.setattr(files, "array", array)


def transposed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SphereModel, "scores", property(lambda self: None if self.query is None else self.key.T @ self.query))


def unnormalised(patch: pytest.MonkeyPatch) -> None:
    def sums(self: DirectSums, x: np.ndarray) -> np.ndarray:
        found = TRUE_SUMS(self, x)
        found[:, -1] *= 1.01
        return found

    patch.setattr(DirectSums, "__call__", sums)


def shifted(patch: pytest.MonkeyPatch) -> None:
    def pairs(model: SphereModel) -> tuple[np.ndarray, np.ndarray]:
        first, second = TRUE_PAIRS(model)
        i, j = np.triu_indices(model.n, 1)
        return first, np.concatenate([model.particles[(j + 1) % model.n], second[len(j) :]])

    patch.setattr(overlaps, "pairs_of", pairs)
    patch.setattr("stinespring.checks.plain.sphere.pairs_of", pairs)


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (flipped, {}, "after layer 1"),
        (leaky, {}, "neurons"),
        (positive, {}, "reader"),
        (transposed, {"matrices": True}, "after layer 1"),
        (unnormalised, {"normalise": "SA"}, "after layer 1"),
    ],
)
def test_wrong_layers_are_named(monkeypatch: pytest.MonkeyPatch, fault: Any, kind: dict[str, Any], words: str) -> None:
    model = model_of(**kind)
    assert second(model) is None
    fault(monkeypatch)
    assert words in (second(model) or "")


def test_a_sign_that_the_reader_lost_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The weights of a file are read without signs before there is a model: no content has them any more."""
    positive(monkeypatch)
    model = stinespring.load("examples/sphere.json")
    assert (model.perceptron.weights > 0).all()
    assert "'perceptron'" in (second(model) or "")


@pytest.mark.parametrize("read", ["hadamard", "swap"])
def test_wrong_pairs_are_named(monkeypatch: pytest.MonkeyPatch, read: str) -> None:
    shifted(monkeypatch)
    assert "overlap of particles 0 and 1" in (second(model_of(), read=read) or "")


@pytest.mark.parametrize("fault", [flipped, leaky, positive])
def test_the_verdict_fails(monkeypatch: pytest.MonkeyPatch, fault: Any) -> None:
    """Compiled, sampled and checked with one and the same fault: the verdict is FAIL all the same."""
    fault(monkeypatch)
    model = stinespring.load("examples/sphere.json")
    samples = stinespring.run(stinespring.compile(model, particle=0), shots=2000, seed=3)
    verdict = stinespring.check(samples)
    assert verdict.verdict == "FAIL", verdict.reason
    monkeypatch.undo()
    model = stinespring.load("examples/sphere.json")
    samples = stinespring.run(stinespring.compile(model, particle=0), shots=2000, seed=3)
    assert stinespring.check(samples).verdict == "PASS"
