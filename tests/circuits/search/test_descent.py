# SPDX-License-Identifier: Apache-2.0
"""The shared search: it climbs until something is found, descends, tries again after failures, and keeps to its work."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import strategies
from stinespring.circuits.search.descent import MOST_TRIALS, descend


def search(possible, *, chance=1.0, price=1.0, effort=500.0, first=10, least=2, limit=40, seed=0, **options):
    """Run a search in which lengths of at least ``possible`` succeed by chance; return its result and what it tried."""
    tried = []

    def attempt(length, left, rng):
        tried.append(length)
        return (length if length >= possible and rng.random() < chance else None), min(price, left)

    return descend(attempt, first=first, least=least, limit=limit, effort=effort, seed=seed, **options), tried


@given(st.integers(2, 39), st.sampled_from([0.0, 0.05, 0.3]))
def test_the_shortest_length_is_found_if_every_attempt_succeeds(possible, shrink):
    found, _ = search(possible, shrink=shrink, effort=5000.0)
    assert found == possible


def test_failures_are_followed_by_other_attempts():
    """With probability 0.9^60 = 0.002 a length that succeeds once in ten fails all its trials; here that is fixed by a seed."""
    found, tried = search(12, chance=0.1, effort=5000.0, shrink=0.05)
    assert found == 12
    assert tried.count(11) == MOST_TRIALS


def test_a_length_that_failed_is_tried_again_after_longer_ones():
    _, tried = search(40, effort=100.0, first_share=0.05)
    assert max(tried) == 39
    assert tried.count(10) > 1
    assert tried.index(39) < len(tried) - 1 - tried[::-1].index(10)


@given(st.integers(2, 45), st.floats(0.05, 1.0), st.floats(1.0, 60.0), strategies.seeds())
def test_work_and_lengths_stay_within_their_bounds(possible, chance, effort, seed):
    found, tried = search(possible, chance=chance, effort=effort, seed=seed, shrink=0.05)
    assert len(tried) <= np.ceil(effort)
    assert all(2 <= length < 40 for length in tried)
    assert found is None or possible <= found == min(length for length in tried if length >= found)
    assert search(possible, chance=chance, effort=effort, seed=seed, shrink=0.05) == (found, tried)


def test_nothing_to_search():
    assert search(3, limit=2) == (None, [])
    assert search(3, effort=0.0) == (None, [])
