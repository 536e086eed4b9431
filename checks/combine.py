# SPDX-License-Identifier: Apache-2.0
"""Several verdicts as one: the worst ruling, and a p-value for all of them together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from stinespring.stages import Ruling, Verdict

__all__ = ["combined", "merged_scope", "worst"]

ORDER: tuple[Ruling, ...] = ("FAIL", "UNVERIFIED", "PASS")


def worst(rulings: Iterable[Ruling]) -> Ruling:
    """Return the worst of some rulings; PASS of none.

    Example:
        >>> worst(["PASS", "UNVERIFIED", "PASS"])
        'UNVERIFIED'
    """
    return min(rulings, key=ORDER.index, default="PASS")


def merged_scope(parts: Mapping[str, Verdict]) -> list[dict[str, Any]]:
    """Return what the parts of a verdict were tested against: of the same, what every part detects."""
    found: dict[str, dict[str, Any]] = {}
    for part in parts.values():
        for entry in part.figures.get("scope", ()):
            known = found.get(entry["against"])
            found[entry["against"]] = entry if known is None or entry["tvd"] > known["tvd"] else known
    return list(found.values())


def combined(
    parts: Mapping[str, Verdict],
    *,
    reason: str | None = None,
    alpha: float | None = None,
    shots: int | None = None,
    figures: Mapping[str, Any] | None = None,
) -> Verdict:
    """Return one verdict from several.

    The ruling is the worst. The p-value is the smallest, times their number (Bonferroni), whether or not they depend on each
    other. What is detected is what the weakest part detects.

    Args:
        parts: the verdicts by name, at least one.
        reason: one sentence; by default that of the worst part, with its name.
        alpha: the false-alarm rate of all together; by default the sum of the parts'.
        shots: by default those of the part with the most, for parts that share their shots.
        figures: what is printed beside the other keys.
    """
    found = list(parts.values())
    ruling = worst(part.verdict for part in found)
    name, first = min(
        ((name, part) for name, part in parts.items() if part.verdict == ruling), key=lambda pair: pair[1].p_value
    )
    bounds = {part.bound_verified for part in found}
    unsure = [part.shots_needed for part in found if part.verdict == "UNVERIFIED"]
    needed = [number for number in unsure if number is not None]
    return Verdict(
        verdict=ruling,
        reason=f"{name}: {first.reason}" if reason is None else reason,
        p_value=min(1.0, len(found) * min(part.p_value for part in found)),
        alpha=min(1.0, sum(part.alpha for part in found)) if alpha is None else alpha,
        shots=max(part.shots for part in found) if shots is None else shots,
        resolution=max(part.resolution for part in found),
        shots_needed=max(needed) if needed and len(needed) == len(unsure) else None,
        bound_verified=False if False in bounds else True if True in bounds else None,
        figures={} if figures is None else figures,
        parts=parts,
    )
