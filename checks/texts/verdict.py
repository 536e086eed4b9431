# SPDX-License-Identifier: Apache-2.0
"""Samples to verdict: do these texts come from this law, and could these shots have told otherwise?"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from stinespring.checks.statistics.distance import hellinger_fidelity, noise_floor, total_variation, tvd_interval
from stinespring.checks.statistics.gtest import pool
from stinespring.checks.statistics.ruling import decide, require_shares, shots_for_tables, two_digits
from stinespring.checks.statistics.table_test import TableTest, tested
from stinespring.checks.texts.bound import BoundCheck, check_bound
from stinespring.checks.texts.contexts import context_tables
from stinespring.errors import InputError
from stinespring.models.texts.base import TextModel
from stinespring.models.texts.claims import TextClaim
from stinespring.models.texts.joint import JointLaw
from stinespring.models.texts.law import TextLaw, texts_of
from stinespring.readings import FloatArray, IntArray
from stinespring.stages import Distance, Samples, Verdict

__all__ = ["bound_of", "check_texts", "claimed_law", "shots_for", "with_bound"]

TOO_MANY = "use fewer steps or a smaller --top-k: the texts are too many"


@dataclass(frozen=True, eq=False)
class Sampled:
    """Sampled texts beside a law.

    Attributes:
        law: the law.
        texts: distinct ones, shape (U, L).
        counts: shape (U,).
        probabilities: of the texts, shape (U,).
    """

    law: TextLaw
    texts: IntArray
    counts: IntArray
    probabilities: FloatArray

    @property
    def shots(self) -> int:
        """How many."""
        return int(self.counts.sum())

    @property
    def impossible(self) -> IntArray:
        """The texts of probability 0."""
        return np.asarray(self.texts[self.probabilities <= 0])


def check_texts(
    samples: Samples, model: TextModel | None = None, *, alpha: float = 0.001, resolution: float = 0.05, seed: int = 0
) -> Verdict:
    """Test sampled texts against a model's law.

    Up to two G-tests are combined (Bonferroni): the texts as a whole, where their law can be listed, and the next token
    after each visited context. For a single step they are one test, which counts once. Any text of probability 0 is a
    FAIL. Otherwise FAIL if the combined p-value is below ``alpha``;
    UNVERIFIED if these shots could not have detected a TVD of ``resolution`` with power 0.9; else PASS.

    Where the sampled program claims another law than the model's, within a bound, the texts are tested against that law, and
    the bound against the check's own computation of the distance: a bound that does not hold is a FAIL.

    Args:
        samples: what was sampled.
        model: the law; by default the samples' own source, with what their program claims.
        alpha: the false-alarm rate.
        resolution: the TVD that a PASS must have been able to detect.
        seed: of the Monte-Carlo p-values.

    Raises:
        InputError: no samples, or alpha or resolution out of range.
    """
    require_shares(alpha, resolution)
    if samples.shots < 1:
        raise InputError("there are no samples to check", got="0 shots", expected="at least 1")
    if model is not None:
        samples = replace(samples, source=model, claim=None)
    law = claimed_law(samples)
    texts, counts = texts_of(samples.outcomes[0], law.steps, law.model.vacuum)
    verdict = judged(Sampled(law, texts, counts, law.probabilities(texts)), alpha, resolution, seed)
    bound = bound_of(samples, law)
    return verdict if bound is None else with_bound(verdict, bound)


def claimed_law(samples: Samples) -> TextLaw:
    """Return the law that the sampled program claims to realise: the source's own, unless it says otherwise."""
    own: TextLaw = samples.asked.law(samples.source)
    if samples.claim is None:
        return own
    assert isinstance(samples.claim, TextClaim)
    return TextLaw(samples.claim.law(samples.source, samples.asked), own.prompt, own.steps)


def bound_of(samples: Samples, claimed: TextLaw | None = None) -> BoundCheck | None:
    """Return what becomes of the program's bound on its approximation; None where nothing else is claimed than the law.

    Args:
        samples: with the program's claim.
        claimed: the claimed law, if it is at hand.
    """
    if samples.claim is None:
        return None
    assert isinstance(samples.claim, TextClaim)
    own, law = samples.asked.law(samples.source), claimed or claimed_law(samples)
    texts, counts = texts_of(samples.outcomes[0], law.steps, law.model.vacuum)
    return check_bound(own, law, samples.claim, samples.tvd_bound, texts, counts)


def with_bound(verdict: Verdict, found: BoundCheck) -> Verdict:
    """Return the verdict with what became of the program's bound; FAIL if it does not hold."""
    wrong = found.verified is False
    reason = f"{found.reason}; {verdict.reason}" if wrong else f"{verdict.reason}; {found.reason}"
    return replace(
        verdict, verdict="FAIL" if wrong else verdict.verdict, reason=reason, bound_verified=found.verified,
        details={**verdict.details, "bound": found.figures},
    )  # fmt: skip


def judged(sampled: Sampled, alpha: float, resolution: float, seed: int) -> Verdict:
    """Return the verdict on sampled texts against one law."""
    joint, shots, impossible = sampled.law.listed, sampled.shots, sampled.impossible
    found = tests(sampled, alpha, np.random.default_rng(seed))
    p_value = 0.0 if len(impossible) else min(1.0, number_of_tests(joint) * min(test.p_value for test in found))
    best = min(test.resolution for test in found)
    short = best > resolution and p_value >= alpha
    needed = shots_needed(joint, found[-1], shots, alpha, resolution) if short else None
    verdict, reason = decide(p_value, alpha, best, resolution, needed, f"{shots:,} shots", advice=TOO_MANY)
    if len(impossible):
        reason = why_impossible(sampled)
    details = {test.name: test.summary() for test in found}
    return Verdict(verdict, reason, p_value, alpha, shots, best, distance_of(sampled), needed, details=details)


def why_impossible(sampled: Sampled) -> str:
    """Return the reason for a FAIL on texts of probability 0."""
    example = repr(sampled.law.model.text(sampled.impossible[0].tolist()))
    reason = f"the law gives probability 0 to {len(sampled.impossible)} sampled text(s), for example {example}"
    lost = int(sampled.counts[(sampled.texts < 0).any(axis=1)].sum())
    return f"{reason}; {lost:,} shots read codes that stand for no token" if lost else reason


def distance_of(sampled: Sampled) -> Distance:
    """Return the distance between the frequencies and the law."""
    joint, shots, p = sampled.law.listed, sampled.shots, sampled.probabilities
    frequencies = sampled.counts / shots
    tvd = total_variation(frequencies, p)
    low, high = tvd_interval(tvd, shots, None if joint is None else len(joint) + len(sampled.impossible))
    floor = noise_floor(p, sampled.counts, None if joint is None else joint.probabilities)
    return Distance(tvd, low, high, floor, hellinger_fidelity(frequencies, p))


def number_of_tests(joint: JointLaw | None) -> int:
    """Return how many different tests share the false-alarm rate.

    Texts that cannot be listed are tested by context only; texts of one token have one context, whose table is theirs.
    """
    return 1 if joint is None or joint.texts.shape[1] == 1 else 2


def tests(sampled: Sampled, alpha: float, rng: np.random.Generator) -> list[TableTest]:
    """Return the tests by name, the one by context last; each has its share of the false-alarm rate."""
    joint, shots = sampled.law.listed, sampled.shots
    share = alpha / number_of_tests(joint)
    found = []
    if joint is not None:
        observed = sampled.law.tallied(joint, sampled.texts, sampled.counts)[None, :-1]
        found.append(tested("texts", pool(observed, joint.probabilities[None], shots), shots, share, rng))
        if number_of_tests(joint) == 1:
            return [*found, replace(found[0], name="contexts")]
    cells = context_tables(sampled.law, sampled.texts, sampled.counts)
    return [*found, tested("contexts", cells, shots, share, rng)]


def shots_needed(joint: JointLaw | None, contexts: TableTest, shots: int, alpha: float, resolution: float) -> int | None:
    """Return the least number of shots, to two digits, with the wanted resolution.

    Where the texts cannot be listed, the test by context is scaled: what it detects falls as ``1/sqrt N``, what its pools
    hide does not grow. None if the pools hide more than the wanted resolution.
    """
    if joint is None:
        room = resolution - contexts.cells.hidden
        return None if room <= 0 else two_digits(shots * ((contexts.resolution - contexts.cells.hidden) / room) ** 2)
    return shots_for(joint, alpha, resolution)


def shots_for(joint: JointLaw, alpha: float, resolution: float) -> int | None:
    """Return the least number of shots, to two digits, with which the test of whole texts has the wanted resolution."""
    return shots_for_tables(joint.probabilities[None], np.ones(1), alpha / number_of_tests(joint), resolution)
