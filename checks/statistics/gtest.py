# SPDX-License-Identifier: Apache-2.0
"""The G-test of counts against a law, with thin cells pooled, and its power.

``G = 2 sum_i O_i ln(O_i / E_i)`` is asymptotically chi-squared. Two things are done so that its p-value can be trusted at
0.001 and below: Williams' factor corrects its mean to first order in 1/E, and where even the corrected mean may be off by
more than a twentieth of G's spread the null distribution is simulated instead, or for two cells summed exactly.

Sources: Sokal & Rohlf, Biometry, ch. 17 (G-test); Williams, Biometrika 63, 33 (1976) (the factor).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stinespring.readings import FloatArray, IntArray

__all__ = ["PooledCells", "detectable_tvd", "pool", "upper_tail"]

THIN = 5.0  # expected count below which a cell is pooled: the textbook rule
SIMULATIONS = 20_000  # resolves p = 0.001 to about 0.0002
MOST_THIN = 200  # a thin cell's count that is not reached by chance
MOST_DRAWS = 20_000_000
MANY = 400  # degrees of freedom above which two simulated moments describe G: its skewness is below 0.15
POWER = 0.9


@dataclass(frozen=True)
class PooledCells:
    """Several independent tables side by side: counts and expectations by cell, thin cells pooled.

    Attributes:
        observed: counts, shape (K,).
        expected: expected counts, shape (K,).
        table: which table a cell belongs to, shape (K,).
        hidden: the largest TVD of the joint law that could hide inside the pools.
    """

    observed: FloatArray
    expected: FloatArray
    table: IntArray
    hidden: float

    @property
    def degrees(self) -> int:
        """Degrees of freedom: cells minus tables."""
        return len(self.expected) - len(np.unique(self.table))

    def statistic(self, observed: FloatArray | None = None) -> FloatArray:
        """Return G for the counts, or for simulated ones of shape (R, K): shape ()/(R,)."""
        o = self.observed if observed is None else observed
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.where(o > 0, o * np.log(o / self.expected), 0.0)
        return np.asarray(2.0 * terms.sum(axis=-1))


def pool(observed: FloatArray, law: FloatArray, shots: float) -> PooledCells:
    """Return one or several tables with their thin cells pooled.

    Cells with an expected count below 5 are pooled within their table; a pool that stays thin takes in the table's
    thinnest other cell, unless the only table would have one cell then. Cells of probability 0 are left out: the caller has
    to test them first.

    Args:
        observed: shape (T, D).
        law: shape (T, D), rows sum to 1.
        shots: total number of texts; the mass hidden in a table's pool counts with the table's share of them.
    """
    totals = observed.sum(axis=1)
    expected = law * totals[:, None]
    order = np.argsort(-expected, axis=1, kind="stable")
    ranked = np.take_along_axis(expected, order, axis=1)
    counts = np.take_along_axis(observed, order, axis=1)
    kept = (ranked >= THIN).sum(axis=1)
    rest = totals - np.where(np.arange(ranked.shape[1]) < kept[:, None], ranked, 0.0).sum(axis=1)
    support = (ranked > 0).sum(axis=1)
    rest = np.where(kept == support, 0.0, rest)
    alone = (kept == 1) & (rest > 0) & (len(observed) == 1)  # a nearly certain outcome keeps its cell
    short = (kept < support) & (rest < THIN) & (kept > 0) & ~alone
    kept = kept - short
    rest = np.where(
        short, rest + np.take_along_axis(ranked, np.minimum(kept, ranked.shape[1] - 1)[:, None], axis=1)[:, 0], rest
    )
    inside = np.arange(ranked.shape[1]) < kept[:, None]
    pools = np.flatnonzero(kept < support)
    pooled = np.where(inside, 0.0, counts).sum(axis=1)[pools]
    several = (support - kept)[pools] > 1
    rows, columns = np.nonzero(inside)
    return PooledCells(
        np.concatenate([counts[rows, columns], pooled]),
        np.concatenate([ranked[rows, columns], rest[pools]]),
        np.concatenate([rows, pools]),
        float((rest[pools] * several).sum() / shots),
    )


def upper_tail(cells: PooledCells, rng: np.random.Generator) -> tuple[float, str]:
    """Return the p-value of G and how it was found: ``chi-squared``, ``binomial`` or ``Monte Carlo``."""
    degrees = cells.degrees
    if degrees < 1:
        return 1.0, "no degree of freedom"
    from scipy.stats import chi2, gamma

    g = float(cells.statistic())
    by_table = np.bincount(cells.table)
    several = by_table[cells.table] > 1  # a table with one cell carries no information
    second_order = float((1.0 / cells.expected[several] ** 2).sum() / 6.0)
    if second_order <= 0.05 * np.sqrt(2.0 * degrees) and cells.expected[several].min() >= THIN:
        totals = np.bincount(cells.table, weights=cells.expected)[by_table > 1]
        bias = float(((1.0 / cells.expected[several]).sum() - (1.0 / totals).sum()) / 6.0)
        return float(chi2.sf(g / (1.0 + bias / degrees), degrees)), "chi-squared"
    if len(cells.expected) == 2:
        return two_cells(cells), "binomial"
    null = simulate(cells, rng, 2_000 if degrees > MANY else SIMULATIONS)
    if degrees > MANY:
        mean, variance = float(null.mean()), float(null.var())
        return float(gamma.sf(g, mean**2 / variance, scale=variance / mean)), "Monte Carlo"
    return float((1 + (null >= g - 1e-9).sum()) / (1 + len(null))), "Monte Carlo"


def two_cells(cells: PooledCells) -> float:
    """Return the exact p-value of G for one table of two cells, the smaller one thin: its count is binomial.

    Counts beyond the listed ones have a greater G than the observed one.
    """
    from scipy.stats import binom

    thin = int(np.argmin(cells.expected))
    shots, observed = round(float(cells.observed.sum())), int(cells.observed[thin])
    counts = np.arange(min(shots, max(observed, MOST_THIN)) + 1, dtype=np.float64)
    both = np.stack([counts, shots - counts], axis=1)[:, [thin, 1 - thin]]
    law = binom(shots, cells.expected[thin] / cells.expected.sum())
    reached = cells.statistic(both) >= float(cells.statistic()) - 1e-9
    return float(min(1.0, law.pmf(counts[reached]).sum() + law.sf(counts[-1])))


def simulate(cells: PooledCells, rng: np.random.Generator, repeats: int) -> FloatArray:
    """Return G of ``repeats`` samples drawn from the law, fewer where that would take too long."""
    repeats = int(min(repeats, max(200, MOST_DRAWS // len(cells.expected))))
    order = np.argsort(cells.table, kind="stable")
    expected, table = cells.expected[order], cells.table[order]
    starts = np.flatnonzero(np.diff(table, prepend=-1))
    result = np.zeros(repeats)
    for first, last in zip(starts, [*starts[1:], len(table)], strict=True):
        total = round(float(expected[first:last].sum()))
        if last - first < 2 or total == 0:
            continue
        p = expected[first:last] / expected[first:last].sum()
        part = PooledCells(expected[first:last], expected[first:last], table[first:last], 0.0)
        rows = max(1, MOST_DRAWS // (4 * (last - first)))
        for begin in range(0, repeats, rows):
            count = min(rows, repeats - begin)
            result[begin : begin + count] += part.statistic(rng.multinomial(total, p, size=count).astype(np.float64))
    return result


def detectable_tvd(degrees: int, shots: int, alpha: float) -> float:
    """Return the TVD that a G-test at level ``alpha`` detects with power 0.9, whatever the direction.

    By Pinsker's inequality a distribution at TVD delta from the law has ``KL >= 2 delta^2``, so G's noncentrality is at
    least ``2 N KL = 4 N delta^2``; the smallest delta with power 0.9 follows from the noncentral chi-squared distribution.
    Without a degree of freedom only outcomes of probability zero can be seen: ``1 - (1 - delta)^N = 0.9``.
    """
    if degrees < 1:
        return float(1.0 - (1.0 - POWER) ** (1.0 / shots))
    from scipy.optimize import brentq
    from scipy.stats import chi2, ncx2

    threshold = chi2.isf(alpha, degrees)
    high = threshold + 10.0 * np.sqrt(threshold) + 100.0
    noncentrality = brentq(lambda value: ncx2.sf(threshold, degrees, value) - POWER, 1e-9, high)
    return float(min(1.0, np.sqrt(noncentrality / (4.0 * shots))))
