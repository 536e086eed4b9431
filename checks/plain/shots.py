# SPDX-License-Identifier: Apache-2.0
"""Shots, counted plainly: what was asked for is what was read and what was judged."""

from __future__ import annotations

from stinespring.stages import Samples, Verdict

__all__ = ["lost"]


def lost(samples: Samples, verdict: Verdict, *, shared: bool) -> str | None:
    """Return where counts do not add up to the shots that were asked for, in words; None where they do.

    Readings that stand for nothing are counted like all others. Where the host takes part, what comes after the texts is read
    of those only that still grow. Counts of a file are held to nothing.

    Args:
        samples: what was sampled.
        verdict: on them; it must not be about more shots than there are, nor about fewer than one circuit has.
        shared: whether the circuits share the shots; else each has all of them.
    """
    counted = [int(outcomes.counts.sum()) for outcomes in samples.outcomes]
    if samples.wanted is not None:
        raw = [int(outcomes.counts.sum()) for outcomes in samples.readings]
        parts = [[sum(found)] for found in (counted, raw) if found] if shared else [counted if raw else counted[:1], raw]
        wrong = next((found for part in parts for found in part if found != samples.wanted), None)
        wrong = max((found for found in counted if found > samples.wanted), default=wrong)
        if wrong is not None:
            return f"{samples.wanted:,} shots were asked for, and {wrong:,} were counted"
    if not min(counted) <= verdict.shots <= sum(counted):
        return f"the verdict is about {verdict.shots:,} of {sum(counted):,} shots"
    return None
