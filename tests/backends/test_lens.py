# SPDX-License-Identifier: Apache-2.0
"""Sampled layers and their verdicts. False-alarm rate 1e-6 a check."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import stinespring
from oracles.tiny_decoder import TinyDecoder
from stinespring.errors import InputError
from stinespring.models.lens import load_decoder, read_states
from stinespring.models.lens.asked import LensAsked
from stinespring.models.texts.asked import TextAsked
from stinespring.readings import Outcomes


def verdict(samples) -> str:
    return stinespring.check(samples, alpha=1e-6).verdict


@pytest.mark.parametrize(("language", "prompt"), [("en", "Alice was"), ("pt", "O menino")])
def test_the_last_point_is_the_models_own_softmax(language, prompt):
    program = stinespring.compile(read_states(load_decoder(f"glassllm:{language}"), prompt))
    samples = stinespring.run(program, shots=100_000, seed=5)
    assert verdict(samples) == "PASS"
    model = stinespring.load(f"glassllm:{language}")
    asked = TextAsked(tuple(model.encode(prompt)), 1)
    own = dataclasses.replace(samples, source=model, asked=asked, outcomes=samples.outcomes, readings=())
    assert verdict(own) == "PASS"


def test_intermediate_points_and_fractions():
    states = read_states(TinyDecoder(), "w1 w3 w0")
    for point, time in ((0, 1.0), (1, 1.0), (2, 0.5), (3, 1.0), (4, 0.9)):
        program = stinespring.compile(states, upto=point, time=time)
        samples = stinespring.run(program, shots=20_000, seed=point)
        assert verdict(samples) == "PASS"
        assert samples.metadata["program"] == program.hash
        assert verdict(dataclasses.replace(samples, asked=LensAsked(((point + 2) % 5,)))) == "FAIL"


def test_every_point_is_a_row_of_one_batch():
    states = read_states(TinyDecoder(), "w1 w3 w0")
    samples = stinespring.run(stinespring.compile(states, every_point=True), shots=20_000, seed=2)
    assert [outcomes.shots for outcomes in samples.outcomes] == [20_000] * 5
    assert verdict(samples) == "PASS"
    turned = dataclasses.replace(samples, outcomes=samples.outcomes[1:] + samples.outcomes[:1])
    assert verdict(turned) == "FAIL"


def test_nearly_certain_points_are_verified():
    """After the embedding one token has nearly all probability: its law is tested all the same."""
    states = read_states(load_decoder("glassllm:en"), "Alice was beginning to")
    samples = stinespring.run(stinespring.compile(states, upto=0), shots=20_000, seed=1)
    found = stinespring.check(samples, alpha=1e-6)
    assert found.verdict == "PASS"
    assert found.resolution < 0.05
    first, second = np.argsort(-states.psi[0])[:2]
    wrong = Outcomes.tallied({"t1": np.array([first, second])}, np.array([19_000, 1000]))
    assert verdict(dataclasses.replace(samples, outcomes=(wrong,))) == "FAIL"


def test_seeds_repeat():
    program = stinespring.compile(read_states(TinyDecoder(), [1]))
    first, second, third = (stinespring.run(program, shots=500, seed=seed).by_text() for seed in (1, 1, 2))
    assert first == second != third


def test_bad_input():
    with pytest.raises(InputError):
        stinespring.run(stinespring.compile(read_states(TinyDecoder(), [1])), shots=0)
