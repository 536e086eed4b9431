# SPDX-License-Identifier: Apache-2.0
"""Sampled layers and their verdicts. False-alarm rate 1e-6 a check."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from oracles.tiny_decoder import TinyDecoder
from stinespring.backends.lens import run_lens
from stinespring.checks.texts.verdict import check
from stinespring.compiler.systems.lens import compile_lens, compile_operator
from stinespring.errors import InputError
from stinespring.models.decoders.glass_text import GlassModel
from stinespring.models.lens import load_decoder, read_states
from stinespring.models.lens.law import PointLaw


@pytest.mark.parametrize(("language", "prompt"), [("en", "Alice was"), ("pt", "O menino")])
def test_the_last_point_is_the_models_own_softmax(language, prompt):
    program = compile_lens(read_states(load_decoder(f"glassllm:{language}"), prompt))
    samples = run_lens(program, shots=100_000, seed=5)
    assert check(samples, alpha=1e-6).verdict == "PASS"
    model = GlassModel(language)
    own = dataclasses.replace(samples, model=model, prompt=model.encode(prompt))
    assert check(own, alpha=1e-6).verdict == "PASS"


def test_intermediate_points_and_fractions():
    states = read_states(TinyDecoder(), "w1 w3 w0")
    for point, time in ((0, 1.0), (1, 1.0), (2, 0.5), (3, 1.0), (4, 0.9)):
        program = compile_lens(states, upto=point, time=time)
        samples = run_lens(program, shots=20_000, seed=point)
        assert check(samples, alpha=1e-6).verdict == "PASS"
        assert samples.metadata["program"] == program.hash
        wrong = dataclasses.replace(samples, model=PointLaw(states, (point + 2) % 5))
        assert check(wrong, alpha=1e-6).verdict == "FAIL"


def test_nearly_certain_points_are_verified():
    """After the embedding one token has nearly all probability: its law is tested all the same."""
    states = read_states(load_decoder("glassllm:en"), "Alice was beginning to")
    program = compile_lens(states, upto=0)
    samples = run_lens(program, shots=20_000, seed=1)
    verdict = check(samples, alpha=1e-6)
    assert verdict.verdict == "PASS"
    assert verdict.resolution < 0.05
    first, second = np.argsort(-states.psi[0])[:2]
    wrong = dataclasses.replace(samples, texts=np.array([[first], [second]]), counts=np.array([19_000, 1000]))
    assert check(wrong, alpha=1e-6).verdict == "FAIL"


def test_seeds_repeat():
    program = compile_lens(read_states(TinyDecoder(), [1]))
    first, second, third = (run_lens(program, shots=500, seed=seed).by_text() for seed in (1, 1, 2))
    assert first == second != third


def test_bad_input():
    states = read_states(TinyDecoder(), [1])
    with pytest.raises(InputError, match="measures nothing"):
        run_lens(compile_operator(states, 1), shots=10)
    with pytest.raises(InputError):
        run_lens(compile_lens(states), shots=0)
