# SPDX-License-Identifier: Apache-2.0
"""Distances between sampled frequencies and a law, with what shot noise alone would give."""

from __future__ import annotations

import numpy as np

from stinespring.checks.statistics.interval import tvd_interval
from stinespring.checks.statistics.special import binomial
from stinespring.readings import FloatArray, IntArray
from stinespring.stages import Distance

__all__ = ["CONFIDENCE", "expected_deviation", "hellinger_fidelity", "measured_distance", "noise_floor", "total_variation"]

CONFIDENCE = 0.95
LISTED = 1.0 - 1e-9  # what a law that is listed whole sums to
LEAST = 1e-300  # a probability that can still be divided by


def total_variation(frequencies: FloatArray, law: FloatArray) -> float:
    """Return ``TVD = 1/2 sum |q - p|`` from the law's values at the observed outcomes alone.

    Outcomes that were not observed contribute their whole probability: ``1 - sum of law`` in all.
    """
    return float(0.5 * (abs(frequencies - law).sum() + max(0.0, 1.0 - law.sum())))


def hellinger_fidelity(frequencies: FloatArray, law: FloatArray) -> float:
    """Return ``(sum sqrt(q p))^2`` over the observed outcomes."""
    return float(np.sqrt(frequencies * law).sum() ** 2)


def expected_deviation(law: FloatArray, shots: int) -> FloatArray:
    """Return ``E |X/N - p|`` for ``X ~ Binomial(N, p)``, exactly.

    ``E |X - N p| = 2 v (1 - p) C(N, v) p^v (1 - p)^(N - v)`` with ``v = floor(N p) + 1`` (De Moivre, 1730). Where less than one
    is expected, v is 1 and the product short: ``2 N p (1 - p)^N``, however small p is.
    """
    rare = shots * law < 1.0
    p = np.where(rare, 0.5, law)
    v = np.floor(shots * p) + 1
    often = 2.0 * v * (1.0 - p) * binomial(v, shots, p) / shots
    with np.errstate(divide="ignore"):
        seldom = 2.0 * law * np.exp(shots * np.log1p(-np.where(rare, law, 0.0)))
    return np.asarray(np.where(rare, seldom, often))


def noise_floor(law_at_samples: FloatArray, counts: IntArray, whole_law: FloatArray | None) -> float:
    """Return the TVD expected from shot noise alone, ``1/2 sum E|X/N - p|``.

    Where the law cannot be listed, the sum ``sum_x p(x) f(p(x))`` is estimated by the mean of f over the sampled texts.
    """
    shots = int(counts.sum())
    if whole_law is not None:
        return float(0.5 * expected_deviation(whole_law, shots).sum())
    positive = law_at_samples > 0
    p, weights = np.maximum(law_at_samples[positive], LEAST), counts[positive]
    if not len(p):
        return 1.0
    return float(min(1.0, 0.5 * np.average(expected_deviation(p, shots) / p, weights=weights)))


def measured_distance(observed: FloatArray, law: FloatArray) -> Distance:
    """Return the distance between frequencies and a law, and that of the sampled distribution as an interval.

    Args:
        observed: counts, shape (K,).
        law: their probabilities, shape (K,); where they sum to less than 1, other outcomes were not listed and not seen.
    """
    shots, whole = float(observed.sum()), bool(law.sum() >= LISTED)
    frequencies = observed / shots

    def at(alpha: float) -> tuple[float, float]:
        return tvd_interval(observed, law, alpha=alpha)

    low, high = at(1.0 - CONFIDENCE)
    floor = noise_floor(law, observed.astype(np.int64), law if whole else None)
    return Distance(
        total_variation(frequencies, law), low, high, floor, hellinger_fidelity(frequencies, law),
        lost=int(observed[law <= 0].sum()), whole=whole, at=at,
    )  # fmt: skip
