# SPDX-License-Identifier: Apache-2.0
"""Tails of counts that hold for every number of shots: of rare outcomes, of sums of bounded terms, and of G.

Sources: Bennett, JASA 57, 33 (1962); Agrawal, arXiv 1904.02291, theorem I.3 (``E exp(s N KL) <= (1 - s)^-(k-1)``).
"""

from __future__ import annotations

import math

import numpy as np

from stinespring.checks.statistics.special import above, bisect
from stinespring.readings import FloatArray

__all__ = ["POWER_QUANTILE", "bennett", "concentration", "detected_shift", "rare_counts"]

MOST_RARE = 200  # a count that chance does not reach where fewer than five are expected: once in 10^236
POWER_QUANTILE = 1.2815515655446004  # normal quantile of 0.9


def rare_counts(shots: float, share: float) -> FloatArray:
    """Return the binomial probabilities of 0, 1, ... up to 200 outcomes, from their logarithms.

    Example:
        >>> rare_counts(2, 0.5).tolist()
        [0.25, 0.5, 0.25]
        >>> float(rare_counts(20_000, 1e-307)[0])
        1.0
    """
    seen = np.arange(min(round(shots), MOST_RARE), dtype=np.float64)
    if share <= 0:
        return np.append(1.0, np.zeros(len(seen)))
    steps = np.log((shots - seen) / (seen + 1.0)) + np.log(share) - np.log1p(-share)
    return np.asarray(np.exp(shots * np.log1p(-share) + np.append(0.0, np.cumsum(steps))))


def bennett(deviation: FloatArray, variance: FloatArray) -> FloatArray:
    """Return the logarithm of a bound on both tails of a sum of independent terms of mean 0, none above 1 in size.

    ``P(|S| >= t) <= 2 exp(-V h(t / V))`` with ``h(u) = (1 + u) ln(1 + u) - u``, whatever their distributions. Where the
    variance is 0 nothing can deviate and nothing is tested: 0.
    """
    used = variance > 0
    size = np.where(used, variance, 1.0)
    u = np.where(used, abs(deviation) / size, 0.0)
    return np.asarray(np.minimum(0.0, np.log(2.0) - size * above(u)) * used)


def detected_shift(variance: float, shots: float, level: float) -> float:
    """Return the shift of each shot's mean that :func:`bennett` at a level finds with power 0.9.

    The terms of a shot vary by at most a quarter, and by no more than under the law plus the shift.

    Args:
        variance: of the sum, under the law.
        shots: number of terms.
        level: bound on the false-alarm rate of this one sum.
    """
    if shots < 1:
        return 1.0
    if variance <= 0:
        return float(1.0 - 0.1 ** (1.0 / shots))

    def excess(t: float) -> float:
        return float(bennett(np.array([t]), np.array([variance]))[0]) - math.log(level)

    high = 1.0
    while excess(high) > 0:
        high *= 2.0
    threshold = bisect(excess, 0.0, high)

    def missing(shift: float) -> float:
        spread = np.sqrt(min(shots / 4.0, variance + shots * shift))
        return float(threshold + POWER_QUANTILE * spread - shots * shift)

    return bisect(missing, 0.0, 1.0, 1.0)


def concentration(g: float, degrees: int) -> float:
    """Return a bound on ``P(G >= g)`` that holds for every law and every number of shots: ``e^{-t} (e t / k)^k``, t = g / 2.

    Args:
        g: of one or several independent tables.
        degrees: cells minus tables.
    """
    t = g / 2.0
    return 1.0 if t <= degrees else float(np.exp(degrees - t + degrees * np.log(t / degrees)))
