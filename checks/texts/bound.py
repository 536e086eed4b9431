# SPDX-License-Identifier: Apache-2.0
"""A program's bound on its approximation, held to the check's own computation of both laws.

Where either joint law can be listed their distance is computed. Otherwise the laws are compared after every context that was
visited. Replacing the laws one step after the other moves the joint law by at most ``sum_l sum_w q(w) d_l(w)``, with the
distance ``d_l(w)`` of the two laws after the text w and the probability ``q(w)`` that the program gives it; the samples
estimate that sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from stinespring.checks.statistics.distance import total_variation
from stinespring.models.texts.claims import TailClaim, TextClaim
from stinespring.models.texts.law import TextLaw, distinct_contexts, laws
from stinespring.readings import FloatArray, IntArray

__all__ = ["BoundCheck", "check_bound", "joint_distance"]

WRONG = "the program's bound is wrong: it claims TVD"
ROUNDING = 1e-9
ERRORS = 6.0  # standard errors that an estimate may be above a bound by chance: once in 10^9


@dataclass(frozen=True)
class BoundCheck:
    """What became of a bound.

    Attributes:
        verified: whether it holds; None if that could not be computed and nothing speaks against it.
        reason: half a sentence.
        figures: what was found, JSON data.
    """

    verified: bool | None
    reason: str
    figures: dict[str, Any]


def check_bound(
    own: TextLaw, claimed: TextLaw, claim: TextClaim, bound: float, texts: IntArray, counts: IntArray
) -> BoundCheck:
    """Return whether the claimed law is within the bound of the model's own.

    Args:
        own: the model's law.
        claimed: what the program claims to realise.
        claim: the claim itself.
        bound: on their TVD.
        texts: the sampled texts, shape (U, L).
        counts: shape (U,).
    """
    if bound >= 1.0:
        return BoundCheck(True, "tested against the truncated law, with no bound on its TVD from the model", {"claimed": bound})
    distance = joint_distance(own, claimed)
    if distance is None:
        return by_context(own, claimed, claim, bound, texts, counts)
    figures = {"claimed": bound, "distance": distance}
    if not distance <= bound + ROUNDING:  # NaN is no bound
        reason = f"{WRONG} {bound:.6g}, but its law is at TVD {distance:.6g} from the model's"
        return BoundCheck(False, reason, figures)
    reason = f"tested against the truncated law, which is within TVD {bound:.3g} of the model (at TVD {distance:.3g})"
    return BoundCheck(True, reason, figures)


def joint_distance(one: TextLaw, other: TextLaw) -> float | None:
    """Return the TVD between two joint laws; None if neither can be listed. Texts that are not listed count as a whole."""
    for listed, law in ((one, other), (other, one)):
        if listed.listed is not None:
            return total_variation(listed.listed.probabilities, law.probabilities(listed.listed.texts))
    return None


def by_context(own: TextLaw, claimed: TextLaw, claim: TextClaim, bound: float, texts: IntArray, counts: IntArray) -> BoundCheck:
    """Return what the contexts that were visited say about a bound that cannot be computed as a whole."""
    each, most, contexts = context_distances(own, claimed, texts)
    shots = float(counts.sum())
    mean = float(counts @ each / shots)
    error = float(np.sqrt(counts @ (each - mean) ** 2 / shots / shots))
    figures: dict[str, Any] = {
        "claimed": bound, "distance": None, "contexts": contexts, "most": most, "mean": mean, "standard_error": error,
    }  # fmt: skip
    if isinstance(claim, TailClaim):
        figures["budget"] = claim.budget
        if not (most <= claim.budget + ROUNDING and claim.budget * own.steps <= bound + ROUNDING):
            reason = (
                f"{WRONG} {bound:.6g} over {own.steps} steps with at most {claim.budget:.6g} after each text, and after a text "
                f"that was visited its law is at TVD {most:.6g} from the model's"
            )
            return BoundCheck(False, reason, figures)
    if not mean - ERRORS * error <= bound + ROUNDING:
        reason = f"{WRONG} {bound:.6g}, but after the texts visited its laws differ from the model's by {mean:.6g} in all"
        return BoundCheck(False, reason, figures)
    reason = (
        f"tested against the truncated law; its bound as a whole, TVD {bound:.3g}, was not verified, because the texts are too "
        f"many to list: after the {contexts:,} contexts visited its laws differ from the model's by at most {most:.3g} each, "
        f"by {mean:.3g} in all on average"
    )
    return BoundCheck(None, reason, figures)


def context_distances(own: TextLaw, claimed: TextLaw, texts: IntArray) -> tuple[FloatArray, float, int]:
    """Return for each text the sum of the distances between both laws after its prefixes, the greatest one, and their number.

    Only prefixes that the claimed law allows and that still grow count.
    """
    total, most, number = np.zeros(len(texts)), 0.0, 0
    possible = claimed.probabilities(texts) > 0
    for step in range(1, texts.shape[1] + 1):
        contexts, first, where = distinct_contexts(claimed.model, step, texts[possible])
        prefixes = texts[possible][first, : step - 1]
        wanted = ~claimed.model.complete(prefixes)
        found = np.zeros(len(contexts))
        pairs = (laws(law.model, step, law.prompt, prefixes, wanted) for law in (own, claimed))
        for (rows, p), (_, q) in zip(*pairs, strict=True):
            found[rows] = 0.5 * abs(p - q).sum(axis=1)
        total[possible] += found[where]
        most, number = max(most, float(found.max(initial=0.0))), number + int(wanted.sum())
    return total, most, number
