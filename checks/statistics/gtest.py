# SPDX-License-Identifier: Apache-2.0
"""The G-test of counts against a law, with thin cells pooled, and its power.

``G = 2 sum_i O_i ln(O_i / E_i)`` is asymptotically chi-squared. So that its p-value can be trusted at 0.001 and below,
Williams' factor corrects its mean to first order in 1/E; two cells are summed exactly; what is rarer than a cell may be is
counted apart, with its exact binomial law; and where cells are too thin for chi-squared the null distribution is simulated.

Sources: Sokal & Rohlf, Biometry, ch. 17 (G-test); Williams, Biometrika 63, 33 (1976) (the factor); Hoeffding, Ann. Math. Stat.
27, 713 (1956) (counts of several tables spread less than binomial ones).
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from stinespring.checks.statistics.cells import THIN, PooledCells, Rare, pool
from stinespring.checks.statistics.special import (
    beta_quantile,
    binomial,
    bisect,
    chi_squared_quantile,
    chi_squared_tail,
    gamma_tail,
    noncentral_head,
    x_log_x,
)  # fmt: skip
from stinespring.checks.statistics.tails import concentration, rare_counts
from stinespring.readings import FloatArray, IntArray

__all__ = ["PooledCells", "detectable_tvd", "detected", "pool", "upper_tail"]

SIMULATIONS = 20_000  # resolves p = 0.001 to about 0.0002
FIRST = 2_000  # simulations that are enough where nothing is near a false alarm
HOPELESS, CLEAR = 1e-12, 0.02  # p-values that sharper moments would not change in any way that matters
TIE = 1e-7  # values of G that differ by less are one, computed in two ways
MOST_LISTED = 1 << 17
ENOUGH = 50  # simulated values above G
FEW = 10  # simulated values above G below which their share says less than the bound that always holds
MOST_DRAWS = 20_000_000
MANY = 400  # degrees of freedom above which two simulated moments describe G: its skewness is below 0.15
SMOOTH = 0.004  # of G's spread, what Williams' factor may leave: then alarms at 0.001 are within 5 % of that
MOST_SPREAD = 1e4  # standard deviation of a count up to which its law is summed
POWER = 0.9


def upper_tail(cells: PooledCells, rng: np.random.Generator) -> tuple[float, str]:
    """Return the p-value of G and how it was found: ``chi-squared``, ``binomial`` or ``Monte Carlo``."""
    if cells.degrees < 1:
        return 1.0, "no degree of freedom"
    rare, g = cells.rare, float(cells.statistic())
    if rare is not None and cells.kept_degrees == 0:
        return rare_tail(rare), "binomial"
    if rare is None and len(cells.expected) == 2 and float(spread(cells)) <= MOST_SPREAD:
        return two_cells(cells), "binomial"
    scale = smooth(cells)
    if scale is not None:
        return chi_squared(cells, g, scale), "chi-squared"
    return (by_moments if cells.degrees > MANY else by_ranks)(cells, g, rng), "Monte Carlo"


def by_moments(cells: PooledCells, g: float, rng: np.random.Generator) -> float:
    """Return the p-value of G by a gamma law with its two simulated moments, sharper ones where it may matter."""
    p_value = 0.0
    for repeats in (FIRST, SIMULATIONS):
        null = simulate(cells, rng, repeats)
        mean, variance = float(null.mean()), float(null.var())
        p_value = gamma_tail(mean**2 / variance, g * mean / variance)
        if not HOPELESS < p_value < CLEAR:
            break
    return p_value


def by_ranks(cells: PooledCells, g: float, rng: np.random.Generator) -> float:
    """Return the p-value of G by its rank among simulated ones, as many as it takes.

    Once the 50th value above G is the n-th one, ``50 / n`` has the false-alarm rate of a p-value (Besag & Clifford, Biometrika
    78, 301, 1991). Where even the last one leaves few above, the bound that always holds may say more.
    """
    above, drawn = 0, 0
    for repeats in (FIRST // 4, FIRST, SIMULATIONS):
        reached = np.flatnonzero(simulate(cells, rng, repeats - drawn) >= g - TIE)
        if above + len(reached) >= ENOUGH:
            return float(ENOUGH / (drawn + reached[ENOUGH - above - 1] + 1))
        above, drawn = above + len(reached), repeats
    share = (1 + above) / (1 + drawn)
    return min(share, concentration(g, cells.degrees)) if above < FEW else share


def smooth(cells: PooledCells) -> float | None:
    """Return Williams' factor of the kept cells; None where G is not chi-squared after it."""
    by_table = np.bincount(cells.table)
    expected = cells.expected[by_table[cells.table] > 1]  # a table with one cell carries no information
    degrees = cells.kept_degrees
    second_order = float((1.0 / expected**2).sum() / 6.0)
    if second_order > SMOOTH * np.sqrt(2.0 * degrees) or expected.min() < THIN:
        return None
    totals = np.bincount(cells.table, weights=cells.expected)[by_table > 1]
    return 1.0 + float(((1.0 / expected).sum() - (1.0 / totals).sum()) / 6.0) / degrees


def chi_squared(cells: PooledCells, g: float, scale: float) -> float:
    """Return the p-value of G: chi-squared, folded with the exact law of what is rare."""
    if cells.rare is None:
        return chi_squared_tail(g / scale, cells.kept_degrees)
    law = rare_counts(cells.rare.shots, cells.rare.share)
    left = g - cells.rare.statistic(np.arange(len(law), dtype=np.float64))
    tails = [chi_squared_tail(value / scale, cells.kept_degrees) for value in left.tolist()]
    return float(min(1.0, law @ np.array(tails)))


def rare_tail(rare: Rare) -> float:
    """Return the exact p-value of a rare count's G. Counts that are not listed have a probability below 1e-236."""
    law = rare_counts(rare.shots, rare.share)
    reached = rare.statistic(np.arange(len(law), dtype=np.float64)) >= float(rare.statistic()) - 1e-9
    return float(min(1.0, law[reached].sum()))


def spread(cells: PooledCells) -> float:
    """Return the standard deviation of the counts of one table of two cells."""
    return float(np.sqrt(cells.expected.prod() / cells.expected.sum()))


def two_cells(cells: PooledCells) -> float:
    """Return the exact p-value of G for one table of two cells: a binomial sum, up to 40 standard deviations from the mean."""
    thin = int(np.argmin(cells.expected))
    shots, mean = round(float(cells.observed.sum())), float(cells.expected[thin])
    reach = 40.0 * spread(cells) + 200.0
    counts = np.arange(max(0, int(mean - reach)), min(shots, int(mean + reach)) + 1, dtype=np.float64)
    both = np.stack([counts, shots - counts], axis=1)[:, [thin, 1 - thin]]
    reached = cells.statistic(both) >= float(cells.statistic()) - 1e-9
    return float(min(1.0, binomial(counts[reached], shots, mean / cells.expected.sum()).sum()))


def simulate(cells: PooledCells, rng: np.random.Generator, repeats: int) -> FloatArray:
    """Return G of ``repeats`` samples drawn from the law, fewer where that would take too long and two moments are enough."""
    if cells.degrees > MANY:
        repeats = int(min(repeats, max(200, MOST_DRAWS // len(cells.expected))))
    order = np.argsort(cells.table, kind="stable")
    expected, table = cells.expected[order], cells.table[order]
    starts = np.flatnonzero(np.diff(table, prepend=-1))
    result = np.zeros(repeats)
    if cells.rare is not None:
        seen = rng.binomial(round(cells.rare.shots), cells.rare.share, size=repeats)
        result += cells.rare.statistic(seen.astype(np.float64))
    for first, last in zip(starts, [*starts[1:], len(table)], strict=True):
        total = round(float(expected[first:last].sum()))
        if last - first < 2 or total == 0:
            continue
        p = expected[first:last] / expected[first:last].sum()
        rows = max(1, MOST_DRAWS // (4 * (last - first)))
        for begin in range(0, repeats, rows):
            count = min(rows, repeats - begin)
            result[begin : begin + count] += statistic_of(rng.multinomial(total, p, size=count), expected[first:last])
    return result


def statistic_of(drawn: IntArray, expected: FloatArray) -> FloatArray:
    """Return G of simulated counts of one table, shape (R, K): small counts by a list of ``x ln x``."""
    most = int(drawn.max(initial=0))
    if most < MOST_LISTED:
        every = np.arange(most + 1, dtype=np.float64)
        terms = x_log_x(every)[drawn]
    else:
        terms = x_log_x(drawn)
    return np.asarray(2.0 * (terms.sum(axis=1) - drawn @ np.log(expected)))


def detected(cells: PooledCells, shots: int, alpha: float) -> float:
    """Return the TVD that the G-test of these cells detects with power 0.9, what its pools hide added."""
    if cells.kept_degrees == 0 and cells.rare is not None and cells.rare.tables == 1 and cells.rare.shots >= shots - 0.5:
        seen = rare_detected(cells.rare, alpha)
    else:
        seen = detectable_tvd(cells.degrees, shots, alpha)
    return min(1.0, seen + cells.hidden)


def rare_detected(rare: Rare, alpha: float) -> float:
    """Return the least TVD at which a rare count's exact test has power 0.9; from there on more is seen more often."""
    law = rare_counts(rare.shots, rare.share)
    order = rare.statistic(np.arange(len(law), dtype=np.float64))
    tails = np.array([law[order >= value - 1e-9].sum() for value in order])
    enough = np.flatnonzero((tails < alpha) & (np.arange(len(law), dtype=np.float64) > rare.mean))
    if not len(enough):
        return 1.0
    first = int(enough[0])
    share = beta_quantile(first, rare.shots - first + 1.0, POWER)
    return float(max(share - rare.share, rare.share))


def detectable_tvd(degrees: int, shots: float, alpha: float) -> float:
    """Return the TVD that a G-test at level ``alpha`` detects with power 0.9, whatever the direction.

    By Pinsker's inequality a distribution at TVD delta from the law has ``KL >= 2 delta^2``, so G's noncentrality is at
    least ``2 N KL = 4 N delta^2``; the smallest delta with power 0.9 follows from the noncentral chi-squared distribution.
    Without a degree of freedom only outcomes of probability zero can be seen: ``1 - (1 - delta)^N = 0.9``.
    """
    if degrees < 1:
        return float(1.0 - (1.0 - POWER) ** (1.0 / shots))
    return float(min(1.0, np.sqrt(noncentrality(degrees, alpha) / (4.0 * shots))))


@lru_cache(maxsize=4096)
def noncentrality(degrees: int, alpha: float) -> float:
    """Return the noncentrality at which chi-squared passes its quantile at level alpha with power 0.9."""
    threshold = chi_squared_quantile(alpha, degrees)
    high = math.sqrt(2.0 * degrees) + 20.0
    return bisect(lambda value: noncentral_head(threshold, degrees, value) - (1.0 - POWER), 0.0, high)
