# SPDX-License-Identifier: Apache-2.0
"""The second evaluation of a lens: it agrees with right states and names wrong ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import stinespring
from stinespring.checks.plain.lens import disagreement
from stinespring.models.decoders.glass import GlassDecoder
from stinespring.models.lens import TunedLens, load_decoder, read_states
from stinespring.models.lens.asked import LensAsked
from stinespring.readings import Outcomes
from stinespring.stages import Samples

POINTS = tuple(range(9))


def samples(states, points=POINTS[:4]):
    outcomes = Outcomes.tallied({"token": np.array([5])})
    return Samples(states, LensAsked(points), (outcomes,) * len(points))


@pytest.mark.parametrize("language", ["en", "pt"])
def test_right_states_agree(language):
    states = read_states(load_decoder(f"glassllm:{language}"), [5, 6, 700])
    for first in (0, 4, 8):
        assert disagreement(samples(states, POINTS[first : first + 4])) is None


def test_a_stream_of_one_part_alone_is_named(monkeypatch):
    whole = GlassDecoder.stream

    def part(self, texts):
        found = whole(self, texts)
        found[1] -= found[0]
        return found

    monkeypatch.setattr(GlassDecoder, "stream", part)
    states = read_states(load_decoder("glassllm:en"), [5, 6, 700])
    assert "point 1" in disagreement(samples(states, (1,)))
    program = stinespring.compile(states, upto=1)
    verdict = stinespring.check(stinespring.run(program, shots=2000, seed=1), resolution=0.5)
    assert verdict.verdict == "FAIL" and "plain evaluation" in verdict.reason


def test_states_of_another_token_are_named():
    decoder = load_decoder("glassllm:en")
    states = read_states(decoder, [5, 6, 700])
    early = replace(states, psi=read_states(decoder, [5, 6]).psi)
    assert disagreement(samples(early, (3,))) is not None


def test_an_affine_lens_is_evaluated_with_its_matrix():
    decoder, rng = load_decoder("glassllm:en"), np.random.default_rng(4)
    bias, matrix = np.zeros((9, 128)), np.zeros((9, 128, 128))
    bias[:4], matrix[:4] = rng.normal(size=(4, 128)), 0.1 * rng.normal(size=(4, 128, 128))
    lens = TunedLens(bias, decoder.fingerprint(), {}, matrix)
    states = read_states(decoder, [5, 6, 700], lens=lens)
    assert disagreement(samples(states)) is None
    turned = replace(states, tuned=replace(lens, matrix=matrix.transpose(0, 2, 1)))
    assert "point 0" in disagreement(samples(turned))
