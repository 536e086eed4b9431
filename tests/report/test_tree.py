# SPDX-License-Identifier: Apache-2.0
"""The tree of texts: its branches, their p-values, and that what deviates is marked and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from stinespring.pipeline.counts.files import read_samples
from stinespring.report.svg.tree import ALPHA, NODES, binomial_p_value, branches_of, tree_picture

EXACT = {"a a a": 598, "a a b": 542, "a b a": 1133, "a b b": 417, "b a a": 1133, "b a b": 3079, "b b a": 1473, "b b b": 1626}


@pytest.fixture
def counted(two_tokens, save):
    """Return samples of the counts of a file."""

    def of(counts):
        return read_samples(save({"format": "stinespring/samples@1", "counts": counts}), two_tokens, prompt="a b", steps=3)

    return of


@given(shots=st.integers(1, 60), share=st.floats(0, 1), p=st.floats(0.001, 0.999))
def test_p_values_are_sums_of_binomials(shots, share, p):
    count = round(share * shots)
    weights = binom.pmf(np.arange(shots + 1), shots, p)
    wanted = min(1.0, 2 * min(weights[: count + 1].sum(), weights[count:].sum()))
    assert binomial_p_value(count, shots, p) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_certain_and_impossible_tokens(p):
    assert binomial_p_value(round(p * 9), 9, p) == 1.0
    assert binomial_p_value(5, 9, p) == 0.0


def test_counts_like_the_law_are_not_marked(counted):
    branches = branches_of(counted(EXACT))
    assert len(branches) == 2 + 4 + 8
    assert not any(branch.deviates for branch in branches)
    assert all(abs(branch.share - branch.law) < 2e-3 for branch in branches)
    assert "none deviates" in tree_picture(branches).desc


def test_one_branch_that_deviates_is_marked_alone(counted):
    """A hundredth of all texts moves between the last tokens after "b a": only those two branches see it."""
    branches = branches_of(counted(EXACT | {"b a a": EXACT["b a a"] + 200, "b a b": EXACT["b a b"] - 200}))
    off = {branch.tokens for branch in branches if branch.deviates}
    assert off == {(1, 0, 0), (1, 0, 1)}
    assert all((branch.p_value < ALPHA / len(branches)) == branch.deviates for branch in branches)
    picture = tree_picture(branches)
    assert picture.body.count("▶") == 2 and picture.desc.count("after 2 token(s)") == 2


def test_a_likely_text_that_was_never_read_is_there(counted):
    branches = branches_of(counted(EXACT | {"b a b": 0} | {"b a a": 1133 + 3079}))
    [missing] = [branch for branch in branches if branch.tokens == (1, 0, 1)]
    assert (missing.count, missing.deviates) == (0, True)
    assert missing.law == pytest.approx(0.7311, abs=1e-4)


def test_parents_come_before_children_and_many_are_cut(found):
    branches = branches_of(found("dynamic").samples)
    seen = {()}
    for branch in branches:
        assert branch.tokens[:-1] in seen
        seen.add(branch.tokens)
    assert len(branches) <= NODES
