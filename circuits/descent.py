# SPDX-License-Identifier: Apache-2.0
"""The search that all numerical constructions share: lengthen until a first circuit is found, then shorten.

Work is counted in operations and given in modelled seconds, never measured, so that a seed fixes the result on any machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

__all__ = ["descend"]

Found = TypeVar("Found")
FIRST_SHARE, NEXT_SHARE = 0.3, 0.6  # of the work left, spent on one length before (by default) and after the first success


def descend(
    attempt: Callable[[int, float, np.random.Generator], tuple[Found | None, float]],
    *,
    first: int,
    least: int,
    limit: int,
    effort: float,
    seed: int,
    shrink: float = 0.0,
    first_share: float = FIRST_SHARE,
) -> Found | None:
    """Return what the shortest successful attempt found, or None.

    Args:
        attempt: tries a length once, with at most so much work; returns what it found, and the work spent.
        first: length to begin with; until a first success it grows by a seventh at a time.
        least: smallest length worth trying.
        limit: lengths stay below this one.
        effort: total work, about seconds.
        seed: of the generators.
        shrink: share of the length that is taken off after a success, halved after a failure; one at least.
        first_share: share of the work left that is spent on one length before the first success.
    """
    best: Found | None = None
    length, left = max(least, min(first, limit - 1)), effort
    shortest, step = limit, 1
    while least <= length < limit and left > 0:
        share, found, trial = (first_share if best is None else NEXT_SHARE) * left, None, 0
        while share > 0 and found is None:
            found, work = attempt(length, left, np.random.default_rng([seed, length, trial]))
            share, left, trial = share - work, left - work, trial + 1
        if found is not None:
            best, shortest = found, length
        elif best is None:
            length += max(1, first // 7)
            continue
        elif step == 1:
            break
        else:
            shrink /= 2
        step = max(1, round(shrink * shortest))
        length = shortest - step
    return best
