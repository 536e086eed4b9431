# SPDX-License-Identifier: Apache-2.0
"""Settings that were drawn for a channel, looked at plainly: as different as they can be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

from stinespring.models.channels.settings import BASES, STATES

__all__ = ["alike"]


def alike(settings: Sequence[Hashable], inputs: int, outputs: int) -> str | None:
    """Return how often a setting comes too often, in words; None where all that there are come equally often.

    There are ``6^m 3^n`` settings, and none comes again before all the others have come.

    Args:
        settings: as they were drawn.
        inputs: m.
        outputs: n.
    """
    known = len(STATES) ** inputs * len(BASES) ** outputs
    most, allowed = max(Counter(settings).values()), -(-len(settings) // known)
    return None if most <= allowed else f"{most} of {len(settings)} settings are the same, of {known:,} that there are"
