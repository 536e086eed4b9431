# SPDX-License-Identifier: Apache-2.0
"""The interval for the distance of a sampled distribution: what it covers, how sharp it is, and its exact parts by oracles."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import beta, binom, binomtest

from laws import COVERED
from stinespring.checks.statistics.interval import by_measured, by_sets, merged, squares, tvd_interval
from strategies import series

FALSE_ALARM = 1e-7


def missed(law, sampled, shots, alpha, runs):
    """How often the lower end is above the truth, the upper end below it, in so many simulated runs."""
    rng, truth, low, high = np.random.default_rng(7), 0.5 * abs(law - sampled).sum(), 0, 0
    for run in range(runs):
        found = tvd_interval(rng.multinomial(shots, sampled).astype(float), law, alpha=alpha, seed=run)
        low, high = low + (found[0] > truth + 1e-12), high + (found[1] < truth - 1e-12)
    return low, high


@pytest.mark.parametrize("name", COVERED)
@pytest.mark.parametrize("alpha", [0.05, 0.4])
def test_the_interval_covers(name, alpha):
    """Misses on either side stay below the binomial quantile of 1e-7 at half the stated rate; 2,000 runs before a release.

    A rate of 0.4 shows a level that is wrong where 0.05 shows none: both sides are conservative.
    """
    law, sampled, shots = COVERED[name]
    runs = series(60, 2000)
    assert max(missed(law, sampled, shots, alpha, runs)) <= binom.isf(FALSE_ALARM, runs, alpha / 2)


def test_two_outcomes_have_the_exact_interval():
    """Clopper and Pearson's, by scipy's own."""
    low, high = tvd_interval(np.array([330.0, 670.0]), np.array([0.3, 0.7]))
    exact = binomtest(330, 1000).proportion_ci(0.95, "exact")
    assert (low, high) == pytest.approx((exact.low - 0.3, exact.high - 0.3), abs=1e-12)


def test_the_bound_by_the_measured_value_is_never_below_that_of_one_known_set():
    """For each mass of the set the binomial bound is Clopper and Pearson's, less the mass."""
    measured, shots, level = 0.08, 700, 0.01
    found = by_measured(measured, shots, 0.3, level)
    for mass in np.linspace(0.0, 0.9, 37):
        hits = math.floor(shots * (measured + mass) + 1e-9)
        assert found >= float(beta.isf(level, hits + 1, shots - hits)) - mass - 1e-6
    assert found <= measured + 2.6 * 0.5 / math.sqrt(shots)  # and hardly above that of the widest: z = 2.33


def test_a_peaked_law_leaves_no_set_of_middling_mass():
    assert by_measured(0.02, 2_000, 0.95, 0.025) < 0.02 + 0.7 * (by_measured(0.02, 2_000, 0.3, 0.025) - 0.02)


def test_squares_see_what_the_measured_value_drowns_in_noise():
    """At the law itself, 1,000 outcomes, 10,000 shots: T is .125, the squares bound the distance by half of that."""
    law = np.full(1000, 1e-3)
    counts = np.random.default_rng(0).multinomial(10_000, law).astype(float)
    assert squares(counts, law, 0.005) < 0.07 < 0.12 < 0.5 * abs(counts / 10_000 - law).sum()


def test_leakage_is_found_however_many_outcomes_there_are():
    """30 % of the shots on one impossible outcome of 2,000: certainly a distance above a fifth."""
    counts, law = (
        np.append(np.random.default_rng(1).multinomial(700, np.full(2000, 5e-4)), 300.0),
        np.append(np.full(2000, 5e-4), 0),
    )
    low, high = tvd_interval(counts.astype(float), law)
    assert 0.2 < low < 0.3 < high


def test_impossible_outcomes_are_one_outcome():
    counts, p = merged(np.array([3.0, 1.0, 5.0, 2.0]), np.array([0.5, 0.0, 0.5, 0.0]))
    assert counts.tolist() == [3.0, 5.0, 3.0] and p.tolist() == [0.5, 0.5, 0.0]


def test_a_law_that_is_not_listed_whole_is_bounded_from_below_only_by_what_was_seen():
    """Half of the shots on an outcome of probability .1, among many that were never seen."""
    low, high = tvd_interval(np.array([500.0, 500.0]), np.array([0.1, 0.4]))
    assert 0.45 < low < 0.5 <= high


@pytest.mark.parametrize("shots", [1, 2, 7, 10**15])
def test_any_number_of_shots(shots):
    law = np.array([0.5, 0.25, 0.25])
    low, high = tvd_interval(np.array([shots, 0.0, 0.0]), law)
    assert 0.0 <= low <= 0.5 <= high + 1e-12


def test_the_order_of_the_ends_at_every_rate():
    """More confidence never makes the interval narrower."""
    law, sampled, shots = COVERED["peaked, near"]
    counts = np.random.default_rng(2).multinomial(shots, sampled).astype(float)
    ends = [tvd_interval(counts, law, alpha=alpha) for alpha in (0.3, 0.05, 0.01, 1e-3, 1e-6)]
    assert all(a[0] >= b[0] and a[1] <= b[1] for a, b in zip(ends, ends[1:], strict=False))


def test_the_sets_are_held_to_their_mass():
    """At the law itself the bound is above 0 at most at its level, also where outcomes at the edge count by chance."""
    law, runs = np.array([0.4, 0.3, 0.2, 0.1]), series(400, 4000)
    rng = np.random.default_rng(4)
    above = sum(by_sets(rng.multinomial(150, law).astype(float), law, 0.1, rng) > 0 for _ in range(runs))
    assert above <= binom.isf(FALSE_ALARM, runs, 0.1)
