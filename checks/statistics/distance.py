# SPDX-License-Identifier: Apache-2.0
"""Distances between sampled frequencies and a law, with what shot noise alone would give."""

from __future__ import annotations

import numpy as np

from stinespring.readings import FloatArray, IntArray

__all__ = ["expected_deviation", "hellinger_fidelity", "noise_floor", "total_variation", "tvd_interval"]

CONFIDENCE = 0.95
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
    from scipy.stats import binom

    rare = shots * law < 1.0
    p = np.where(rare, 0.5, law)
    v = np.floor(shots * p) + 1
    often = 2.0 * v * (1.0 - p) * binom.pmf(v, shots, p) / shots
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


def tvd_interval(tvd: float, shots: int, outcomes: int | None) -> tuple[float, float]:
    """Return a 95 % interval for the TVD between the sampled *distribution* q and the law p.

    One shot moves the measured TVD by at most 1/N, so it is within ``e = sqrt(ln(2/0.05) / 2N)`` of its mean
    (McDiarmid 1989); the mean exceeds TVD(q, p) by at least 0 and at most ``1/2 sqrt((K-1)/N)``, the greatest expected
    TVD between q and its own samples over K outcomes. No asymptotics are involved.
    """
    slack = float(np.sqrt(np.log(2.0 / (1.0 - CONFIDENCE)) / (2.0 * shots)))
    bias = 0.5 * float(np.sqrt((outcomes - 1) / shots)) if outcomes else 1.0
    return max(0.0, tvd - slack - bias), min(1.0, tvd + slack)
