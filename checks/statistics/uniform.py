# SPDX-License-Identifier: Apache-2.0
"""Randomised integral transforms of discrete values, counted in equal bins."""

from __future__ import annotations

import numpy as np

from stinespring.readings import FloatArray, IntArray

__all__ = ["dealt"]


def dealt(below: FloatArray, width: FloatArray, counts: IntArray, bins: int, rng: np.random.Generator) -> FloatArray:
    """Return how many of the randomised values fall in each of equal bins of [0, 1], shape (bins,).

    A reading that occurred c times has c independent values, uniform between ``below`` and ``below + width``: they are drawn
    together, by the share of that stretch that lies in each bin, and so are readings with the same stretch.
    """
    stretches, which = np.unique(below + 1j * width, return_inverse=True)
    counts = np.bincount(which.ravel(), weights=counts, minlength=len(stretches)).astype(np.int64)
    below, width = stretches.real, stretches.imag
    edges = np.arange(bins + 1) / bins
    high = np.minimum(below + width, 1.0)
    inside = np.minimum(high[:, None], edges[1:]) - np.maximum(below[:, None], edges[:-1])
    shares = inside.clip(min=0.0)
    point = shares.sum(axis=1) <= 0.0  # a stretch without length is one value
    shares[point, np.minimum((below[point] * bins).astype(np.int64), bins - 1)] = 1.0
    drawn = rng.multinomial(counts, shares / shares.sum(axis=1, keepdims=True))
    return np.asarray(drawn.sum(axis=0).astype(np.float64))
