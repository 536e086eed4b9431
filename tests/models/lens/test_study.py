# SPDX-License-Identifier: Apache-2.0
"""A study against loops over prompts and points."""

from __future__ import annotations

import json
from itertools import combinations

import numpy as np
import pytest

from oracles.tiny_decoder import TinyDecoder, dense_reflection, frobenius_cosine, plain_distance_correlation, plain_law
from stinespring.errors import InputError, TooLargeError
from stinespring.models.lens import load_decoder, study_prompts
from stinespring.models.lens.study import trajectories

PROMPTS = [[0, 1], [3], [5, 2, 4], [1, 1, 1, 0], [2], [4, 0]]


@pytest.fixture(scope="module")
def tiny():
    decoder = TinyDecoder()
    return decoder, study_prompts(decoder, PROMPTS, permutations=49, seed=3)


def states_by_loops(decoder):
    """psi[point][prompt], by the formula."""
    streams = [decoder.stream(np.array([p]))[:, 0, -1] for p in PROMPTS]
    return [[np.sqrt(plain_law(decoder, stream[point])) for stream in streams] for point in range(5)]


def test_operators_by_loops(tiny):
    decoder, study = tiny
    psi, summary = states_by_loops(decoder), study.summary()
    assert [(o["layer"], o["part"]) for o in summary["operators"]] == [
        (0, "attention"),
        (0, "mlp"),
        (1, "attention"),
        (1, "mlp"),
    ]
    for number, found in enumerate(summary["operators"], start=1):
        dense = [dense_reflection(a, b) for a, b in zip(psi[number - 1], psi[number])]
        cosines = [frobenius_cosine(a, b) for a, b in combinations(dense, 2)]
        rank_one = [frobenius_cosine(np.eye(6) - a, np.eye(6) - b) for a, b in combinations(dense, 2)]
        assert found["mean_cos_U"] == pytest.approx(np.mean(cosines), abs=1e-10)
        assert found["mean_cos_H"] == pytest.approx(np.mean(rank_one), abs=1e-10)
        assert found["floor_U"] == 1 - 4 / 6
        deltas = [b - a for a, b in zip(psi[number - 1], psi[number])]
        assert found["norm_mean_delta_psi"] == pytest.approx(np.linalg.norm(np.mean(deltas, axis=0)), abs=1e-12)
        assert found["mean_norm_delta_psi"] == pytest.approx(np.mean([np.linalg.norm(d) for d in deltas]), abs=1e-12)
        assert 1 / 50 <= found["p_value_H"] <= 1
        assert len(found["clusters"]) == 6


def test_distance_correlation_by_loops(tiny):
    decoder, study = tiny
    psi = states_by_loops(decoder)

    def v(number):
        deltas = [b - a for a, b in zip(psi[number - 1], psi[number])]
        return [d / np.linalg.norm(d) for d in deltas]

    for layer, found in enumerate(study.distance_correlation):
        assert found == pytest.approx(plain_distance_correlation(v(2 * layer + 1), v(2 * layer + 2)), abs=1e-7)


def test_trajectories_by_loops(tiny):
    decoder, study = tiny
    psi, summary = states_by_loops(decoder), study.summary()
    decided = [0] * 5
    for number, found in enumerate(summary["trajectories"]):
        laws = [psi[point][number] ** 2 for point in range(5)]
        leaders = [int(np.argmax(p)) for p in laws]
        answer = leaders[-1]
        settled = next(k for k in range(5) if all(leader == answer for leader in leaders[k:]))
        decided[settled] += 1
        assert found["answer"] == {"id": answer, "token": f"w{answer}"}
        assert found["leaders"] == [f"w{i}" for i in leaders]
        assert found["settled"] == settled
        np.testing.assert_allclose(found["answer_p"], [p[answer] for p in laws], atol=1e-13)
        np.testing.assert_allclose(found["entropy"], [-np.sum(p * np.log(p)) for p in laws], atol=1e-12)
    assert [o["decides"] for o in summary["operators"]] == decided[1:]
    gains = np.diff(np.mean([t["answer_p"] for t in summary["trajectories"]], axis=0))
    np.testing.assert_allclose([o["answer_gain"] for o in summary["operators"]], gains, atol=1e-13)


def test_the_first_point_may_settle_it():
    psi = np.sqrt(np.array([[[0.9, 0.1]], [[0.2, 0.8]], [[0.6, 0.4]]]))
    assert trajectories(psi).settled.tolist() == [2]
    assert trajectories(psi[[0, 2]]).settled.tolist() == [0]


def test_identities_are_left_out_of_cosines():
    decoder = TinyDecoder()
    decoder.mixing[0, 0] = 0.0  # attention of layer 0 adds nothing
    study = study_prompts(decoder, PROMPTS, permutations=9)
    first = study.summary()["operators"][0]
    assert first["identities"] == len(PROMPTS)
    assert first["mean_cos_U"] is first["mean_cos_H"] is first["p_value_H"] is None
    assert first["norm_mean_delta_psi"] == 0.0
    json.dumps(study.summary(), allow_nan=False)


def test_the_same_seed_gives_the_same_study():
    decoder = load_decoder("glassllm:pt")
    prompts = ["O menino", "A casa era", "Disse que não", "Capitu"]
    first, second = (study_prompts(decoder, prompts, permutations=29, seed=4).summary() for _ in range(2))
    assert first == second
    assert first["operators"][3]["mean_cos_U"] > first["operators"][3]["floor_U"] == 1 - 4 / 1024


def test_bad_input():
    decoder = TinyDecoder()
    for prompts in ([], [[1]]):
        with pytest.raises(InputError, match="compares"):
            study_prompts(decoder, prompts)
    with pytest.raises(InputError):
        study_prompts(decoder, PROMPTS, permutations=0)
    with pytest.raises(TooLargeError):
        study_prompts(decoder, [[1]] * 5000)
