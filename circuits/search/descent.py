# SPDX-License-Identifier: Apache-2.0
"""The search that all numerical constructions share: lengthen until a first circuit is found, then shorten.

Work is counted in operations and given in modelled seconds, never measured, so that a seed fixes the result on any machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TypeVar

import numpy as np

__all__ = ["descend"]

Found = TypeVar("Found")
FIRST_SHARE, NEXT_SHARE = 0.3, 0.35  # of the work left, spent on one length before (by default) and after the first success
MOST_TRIALS = 60  # of one length


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

    A failure is no proof: lengths are tried again, with other random numbers, until the work is spent.

    Args:
        attempt: tries a length once, with at most so much work; returns what it found, and the work spent.
        first: length to begin with; until a first success it grows by a seventh at a time, and then starts again.
        least: smallest length worth trying.
        limit: lengths stay below this one.
        effort: total work, about seconds.
        seed: of the generators.
        shrink: share of the length that is taken off after the first success, up to twice as much after others; halved after
            every failure; one at least.
        first_share: share of the work left that is spent on one length before the first success.
    """
    best: Found | None = None
    begin = length = max(least, min(first, limit - 1))
    left, shortest, failed, step, trials = effort, limit, least - 1, 1, Counter[int]()
    while least <= length < limit and left > 0 and trials[length] < MOST_TRIALS:
        share, found = (first_share if best is None else NEXT_SHARE) * left, None
        while share > 0 and found is None and trials[length] < MOST_TRIALS:
            found, work = attempt(length, left, np.random.default_rng([seed, length, trials[length]]))
            share, left, trials[length] = share - work, left - work, trials[length] + 1
        if found is None and best is None:
            length = begin if length == limit - 1 else min(length + max(1, first // 7), limit - 1)
            continue
        if found is not None:
            step = round(shrink * length) if best is None else min(2 * step, round(2 * shrink * length))
            best, shortest, failed = found, length, min(failed, length - 1)
        else:
            step, failed = step // 2, max(failed, length)
        step = max(1, min(step, shortest - failed - 1))
        length = shortest - step
    return best
