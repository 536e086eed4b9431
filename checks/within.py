# SPDX-License-Identifier: Apache-2.0
"""Equivalence: not whether samples come from a law, which on a device with noise they never do, but how far they are from it.

PASS says that the TVD between the sampled distribution and the law is at most D, FAIL that it is more; each is wrong at most at
the rate alpha. What the interval leaves open is UNVERIFIED. Readings that stand for nothing are a part of the distance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from stinespring.checks.combine import worst
from stinespring.checks.statistics.ruling import MOST_SHOTS, two_digits
from stinespring.errors import InputError
from stinespring.stages import Distance, Ruling, Verdict

__all__ = ["Within", "equivalent", "wanted_within"]

Within = float | Literal["auto", "none"] | None
WORDS = ("auto", "none")
APART = {
    "energy": "the energy is no distance between distributions and takes no part",
    "mean field": "the mean field is no distance between distributions and takes no part",
    "attention": "attended positions are judged apart",
}


def wanted_within(within: float | str | None, *, noisy: bool, resolution: float) -> float | None:
    """Return the distance D of an equivalence test; None for the test of agreement.

    Args:
        within: D, or as text; ``auto``: the resolution where readings may be wrong, else none; ``none``.
        noisy: whether they may be.
        resolution: of the verdict.

    Raises:
        InputError: no number between 0 and 1.
    """
    if within is None or within == "none":
        return None
    if within == "auto":
        return resolution if noisy else None
    try:
        distance = float("nan") if isinstance(within, bool) else float(within)
    except (TypeError, ValueError):
        distance = float("nan")
    if not 0.0 < distance < 1.0:
        raise InputError(
            "the distance of --within is out of range", got=within, expected="a number between 0 and 1, auto or none"
        )
    return distance


def equivalent(verdict: Verdict, within: float, *, bound: float = 0.0) -> Verdict:
    """Return the verdict whether the sampled distribution is at most a distance from the law.

    The ends of the interval are one-sided bounds at the verdict's ``alpha``. Where the law cannot be listed whole the distance
    has no upper bound: PASS then says that no deviation of that size was found in the scope, which would have been seen with
    power 0.9. Several laws that are tested each at its share of alpha must all be within the distance.

    Args:
        verdict: the test of agreement, made with ``within`` as its resolution; its distances are used, its p-value is kept.
        within: D, the TVD.
        bound: proven, of the law that was compared from the law that is meant.

    Raises:
        InputError: a verdict without any distance between distributions.
    """
    if verdict.distance is None:
        return of_parts(verdict, within, bound)
    found = verdict.distance
    low, high = ends(found, verdict.alpha)
    low, high = max(0.0, low - bound), min(1.0, high + bound)
    ruling, needed, tail = ruled(verdict, low, high, within)
    told = f"within {within:g}: {ruling}, TVD in [{low:.4f}, {high:.4f}] with confidence {100 * (1 - verdict.alpha):.6g} %"
    told += f", leakage {found.lost:,} shots ({found.lost / max(1, verdict.shots):.2%})"
    if bound:
        told += f"; the program's bound of {bound:.3g} is part of that"
    told += tail + "".join(f"; {words}" for name, words in APART.items() if name in verdict.parts)
    if verdict.bound_verified is False:
        ruling, needed, told = "FAIL", None, f"{verdict.reason}; {told}"
    judged = replace(
        verdict, verdict=ruling, reason=told, shots_needed=needed, figures={**verdict.figures, **figures(within, low, high)},
        details={**verdict.details, "agreement": agreement(verdict)},
    )  # fmt: skip
    if "overlaps" not in verdict.parts:
        return judged
    return replace(judged, parts={**verdict.parts, "overlaps": replace(judged, parts={})})  # they have the distance


def figures(within: float, low: float, high: float) -> dict[str, Any]:
    """Return what is printed beside the other keys."""
    return {"within": within, "within_low": low, "within_high": high}


def agreement(verdict: Verdict) -> dict[str, Any]:
    """Return what the test of agreement said."""
    return {"verdict": verdict.verdict, "p_value": verdict.p_value, "reason": verdict.reason}


def of_parts(verdict: Verdict, within: float, bound: float) -> Verdict:
    """Return the verdict on several laws: the worst of theirs, each with its own share of alpha."""
    having = {name: part for name, part in verdict.parts.items() if part.distance is not None}
    if not having:
        raise InputError(
            "there is no distance between distributions to be within", got=f"--within {within:g}",
            expected="texts, spins, points of a lens, particles or settings of a channel", todo="leave --within out",
        )  # fmt: skip
    judged = {name: equivalent(part, within, bound=bound) for name, part in having.items()}
    ruling = worst(part.verdict for part in judged.values())
    name, first = max(
        ((name, part) for name, part in judged.items() if part.verdict == ruling),
        key=lambda pair: pair[1].figures["within_low"],
    )
    unsure = [part.shots_needed for part in judged.values() if part.verdict == "UNVERIFIED"]
    needed = [number for number in unsure if number is not None]
    low, high = (max(part.figures[key] for part in judged.values()) for key in ("within_low", "within_high"))
    parts: Mapping[str, Verdict] = {**verdict.parts, **judged}
    return replace(
        verdict, verdict=ruling, reason=f"{name}: {first.reason}", parts=parts,
        shots_needed=max(needed) if needed and len(needed) == len(unsure) else None,
        figures={**verdict.figures, **figures(within, low, high)},
        details={**verdict.details, "agreement": agreement(verdict)},
    )  # fmt: skip


def ends(distance: Distance, alpha: float) -> tuple[float, float]:
    """Return one-sided bounds on a distance, each wrong at most at the rate alpha."""
    assert distance.at is not None, "every distance of a verdict has its interval"
    return distance.at(2.0 * min(alpha, 0.5))


def ruled(verdict: Verdict, low: float, high: float, within: float) -> tuple[Ruling, int | None, str]:
    """Return the ruling, the shots that would do where it is open, and what else there is to say."""
    assert verdict.distance is not None
    if low > within:
        return "FAIL", None, ""
    if verdict.distance.whole:
        if high <= within:
            return "PASS", None, ""
        needed = shots_for(verdict, low, high, within)
        hint = "no number of shots can be told" if needed is None else f"about {needed:,} shots would do, an estimate"
        return "UNVERIFIED", needed, f"; {hint}"
    if verdict.verdict == "PASS":
        return "PASS", None, f"; the law is too large to list, so that this is about its scope: {verdict.reason}"
    if verdict.verdict == "UNVERIFIED":
        return "UNVERIFIED", verdict.shots_needed, f"; {verdict.reason}"
    tail = "the law is too large to list: there are deviations, of which no upper bound is known; use fewer steps"
    return "UNVERIFIED", None, f"; {tail}"


def shots_for(verdict: Verdict, low: float, high: float, within: float) -> int | None:
    """Return an estimate of the shots with which the interval, which narrows as ``1 / sqrt N``, leaves nothing open.

    The distance is taken as the measured one less what shot noise adds in squares. None where that is the wanted one itself.
    """
    found = verdict.distance
    assert found is not None
    likely = max(0.0, found.tvd**2 - found.noise_floor**2) ** 0.5
    likely = min(max(likely, low), high)
    reach = high - likely if likely < within else likely - low
    if likely == within:
        return None
    needed = verdict.shots * (reach / abs(within - likely)) ** 2
    return two_digits(max(needed, verdict.shots + 1)) if needed <= MOST_SHOTS else None
