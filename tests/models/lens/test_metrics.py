# SPDX-License-Identifier: Apache-2.0
"""Metrics against dense matrices and loops, and the reference values of the study."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles.tiny_decoder import frobenius_cosine, plain_distance_correlation
from stinespring.models.lens import Reflection
from stinespring.models.lens.clusters import clusters, principal_components, silhouette
from stinespring.models.lens.metrics import (
    cos_u,
    distance_correlation,
    floor_u,
    mean_cos_h,
    pairing_p_value,
    random_directions,
    random_p_value,
    sign_flip_p_value,
    unbiased_distance_correlation,
)


def lines(count, size, seed):
    v = np.random.default_rng(seed).normal(size=(count, size))
    return v / np.linalg.norm(v, axis=1, keepdims=True)


@given(st.integers(2, 6), st.integers(2, 7), st.integers(0, 2**32 - 1))
def test_mean_cosines_are_those_of_dense_operators(count, size, seed):
    operators = [Reflection(v) for v in lines(count, size, seed)]
    for dense, value in (
        (lambda o: o.hamiltonian(), mean_cos_h(np.array([o.v for o in operators]))),
        (lambda o: o.unitary(), cos_u(mean_cos_h(np.array([o.v for o in operators])), size)),
    ):
        wanted = np.mean([frobenius_cosine(dense(a), dense(b)) for a, b in combinations(operators, 2)])
        assert value == pytest.approx(wanted, abs=1e-12)


def test_reference_floors():
    assert floor_u(50258) == pytest.approx(0.9999204107, abs=5e-11)
    assert floor_u(185136) == pytest.approx(0.9999783943, abs=5e-11)


def test_reference_random_operators_of_two_tokens():
    """4/pi^2 = .4053 for U and .7026 for H. The mean over n(n-1)/2 pairs of n = 4000 angles is off by about 1.3/n."""
    v = random_directions(4000, 2, np.random.default_rng(0))
    assert (v[:, 0] * v[:, 1] < 0).all()  # quadrants II and IV
    h = mean_cos_h(v)
    assert h == pytest.approx(0.5 + 2 / np.pi**2, abs=0.01)
    assert cos_u(h, 2) == pytest.approx(4 / np.pi**2, abs=0.02)


def test_random_operators_of_large_vocabularies():
    """Directions of independent states are nearly orthogonal: mean cos(H, H') close to 1/V."""
    v = random_directions(300, 1024, np.random.default_rng(0))
    assert mean_cos_h(v) == pytest.approx(1 / 1024, rel=0.05)


@given(st.integers(2, 9), st.integers(1, 4), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_distance_correlation_by_loops(count, first, second, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(count, first)), rng.normal(size=(count, second))
    assert distance_correlation(x, y) == pytest.approx(plain_distance_correlation(x, y), abs=1e-7)


def test_distance_correlation_at_its_ends():
    x = np.random.default_rng(0).normal(size=(40, 3))
    assert distance_correlation(x, 2.0 * x[:, ::-1] + 1.0) == pytest.approx(1, abs=1e-12)
    assert distance_correlation(x, np.ones((40, 2))) == 0.0


def test_distance_correlation_without_bias():
    """Independent rows in 50 dimensions, 40 studies of 30: the mean of the unbiased one is 0 within 5 standard errors."""
    rng = np.random.default_rng(2)
    found = np.array([unbiased_distance_correlation(*rng.normal(size=(2, 30, 50))) for _ in range(40)])
    assert abs(found.mean()) < 5 * found.std() / np.sqrt(40)
    assert distance_correlation(*rng.normal(size=(2, 30, 50))) > 0.5  # the plain one is far from 0
    x = rng.normal(size=(30, 3))
    assert unbiased_distance_correlation(x, 3 * x) == pytest.approx(1, abs=1e-12)
    assert unbiased_distance_correlation(x[:3], x[:3]) == 0.0


def test_p_values_tell_alike_from_random():
    rng = np.random.default_rng(5)
    peers = random_directions(40, 64, rng)
    alike = lines(40, 64, 6) * 0.5 + np.eye(64)[0]
    alike /= np.linalg.norm(alike, axis=1, keepdims=True)
    assert random_p_value(alike, peers, permutations=199, rng=rng) == 1 / 200
    assert sign_flip_p_value(alike, permutations=199, rng=rng) == 1 / 200
    x = rng.normal(size=(40, 3))
    assert pairing_p_value(x, np.exp(x), permutations=199, rng=rng) == 1 / 200


def test_p_values_are_uniform_where_nothing_is_to_be_found():
    """300 p-values of each test on {1/20, ..., 1}: a Kolmogorov distance above .16 has probability 2 exp(-2 n d^2) < 1e-6."""
    rng = np.random.default_rng(7)
    found = {"random": [], "signs": [], "pairing": []}
    for _ in range(300):
        v, peers = random_directions(8, 16, rng), random_directions(8, 16, rng)
        found["random"].append(random_p_value(v, peers, permutations=19, rng=rng))
        found["signs"].append(sign_flip_p_value(rng.normal(size=(8, 3)), permutations=19, rng=rng))
        found["pairing"].append(pairing_p_value(rng.normal(size=(8, 2)), rng.normal(size=(8, 2)), permutations=19, rng=rng))
    for values in found.values():
        share = [np.mean(np.array(values) <= k / 20 + 1e-12) for k in range(1, 21)]
        assert np.max(np.abs(np.array(share) - np.arange(1, 21) / 20)) < 0.16


def test_components_are_those_of_the_singular_value_decomposition():
    v = lines(12, 5, 1)
    found, shares = principal_components(v)
    centred = v - v.mean(axis=0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(abs(found), abs(left[:, :2] * values[:2]), atol=1e-7)
    np.testing.assert_allclose(shares, values[:2] ** 2 / np.sum(values**2), atol=1e-12)
    assert principal_components(np.ones((2, 3)))[1].tolist() == [0.0, 0.0]


def test_clusters_of_lines_do_not_look_at_signs():
    rng = np.random.default_rng(0)
    centres = np.eye(30)[:3]
    labels = rng.integers(0, 3, 60)
    v = (centres[labels] + 0.05 * rng.normal(size=(60, 30))) * rng.choice([-1, 1], size=(60, 1))
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    found = clusters(v)
    assert len(np.unique(found)) == 3
    assert len({(a, b) for a, b in zip(labels, found)}) == 3
    assert clusters(v[:2]).tolist() == [1, 2]


def test_silhouette_by_hand():
    distance = np.array([[0.0, 1, 4, 5], [1, 0, 4, 4], [4, 4, 0, 2], [5, 4, 2, 0]])
    wanted = np.mean([1 - 1 / 4.5, 1 - 1 / 4, 1 - 2 / 4, 1 - 2 / 4.5])
    assert silhouette(distance, np.array([1, 1, 2, 2])) == pytest.approx(wanted)
    assert silhouette(distance, np.array([1, 1, 1, 2])) == pytest.approx(np.mean([1 - 2.5 / 5, 1 - 2.5 / 4, (2 - 4) / 4, 0]))


def test_equal_rows_have_no_distance():
    """Rows that are equal up to rounding do not vary: the correlation is 0, not that of the rounding errors."""
    rng = np.random.default_rng(4)
    one, other = (random_directions(1, 1000, rng) for _ in range(2))
    x = np.repeat(one, 6, axis=0) * (1.0 + 1e-16 * rng.normal(size=(6, 1000)))
    y = np.repeat(other, 6, axis=0) + 1e-16 * rng.normal(size=(6, 1000))
    z = random_directions(6, 1000, rng)
    assert distance_correlation(x, y) == distance_correlation(x, z) == unbiased_distance_correlation(x, y) == 0.0
    near = np.repeat(one, 6, axis=0) + 1e-5 * rng.normal(size=(6, 1000))  # small distances are still distances
    assert distance_correlation(near, near) > 0.999
