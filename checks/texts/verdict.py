# SPDX-License-Identifier: Apache-2.0
"""Samples to verdict: do these texts come from this law, and could these shots have told otherwise?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from stinespring.checks.statistics.distance import measured_distance
from stinespring.checks.statistics.family import Scope, ScopedTest, of_table, require_scope, ruled, scope_figures
from stinespring.checks.statistics.gtest import PooledCells, pool
from stinespring.checks.statistics.ruling import beyond, require_shares, shots_for_tables
from stinespring.checks.statistics.table_test import tested
from stinespring.checks.texts.bound import BoundCheck, check_bound
from stinespring.checks.texts.contexts import context_tables
from stinespring.checks.texts.streams import stream_tests
from stinespring.errors import InputError
from stinespring.models.texts.base import TextModel
from stinespring.models.texts.claims import TextClaim
from stinespring.models.texts.joint import JointLaw
from stinespring.models.texts.law import TextLaw, reach_of, texts_of
from stinespring.readings import BoolArray, FloatArray, IntArray
from stinespring.stages import Distance, Samples, Verdict

__all__ = ["bound_of", "check_texts", "claimed_law", "shots_for", "with_bound"]

WHOLE = "whole texts, every deviation"
FAMILY = 7  # tests that share the false-alarm rate where all are made
LEAST = 1e-300  # a probability that can still be divided by
TOO_MANY = "use fewer steps or a smaller --top-k: the texts are too many"


@dataclass(frozen=True, eq=False)
class Sampled:
    """Sampled texts beside a law.

    Attributes:
        law: the law.
        texts: distinct ones, shape (U, L).
        counts: shape (U,).
        logs: of the texts' probabilities, shape (U,); -inf where they are 0.
    """

    law: TextLaw
    texts: IntArray
    counts: IntArray
    logs: FloatArray

    @property
    def shots(self) -> int:
        """How many."""
        return int(self.counts.sum())

    @property
    def possible(self) -> BoolArray:
        """Which texts have a positive probability, however small, shape (U,)."""
        return np.asarray(self.logs > -np.inf)

    @property
    def impossible(self) -> IntArray:
        """The texts of probability 0."""
        return np.asarray(self.texts[~self.possible])

    @property
    def probabilities(self) -> FloatArray:
        """Of the texts, shape (U,); what is too small for a number is the least one."""
        return np.asarray(np.where(self.possible, np.maximum(np.exp(self.logs), LEAST), 0.0))


def check_texts(
    samples: Samples, model: TextModel | None = None, *, alpha: float = 0.001, resolution: float = 0.05, seed: int = 0,
    scope: str = "auto",
) -> Verdict:  # fmt: skip
    """Test sampled texts against a model's law.

    Tests of several kinds are combined (Bonferroni): two G-tests, of the texts as a whole, where their law can be listed, and
    of the next token after each visited context; and where the texts cannot be listed, or are too many for these shots, tests
    of each token given all before it, of pairs and triples of places, and of the likelihoods. For a single step the first two
    are one test, which counts once. Any text of probability 0 is a FAIL. Otherwise FAIL if the combined p-value is below
    ``alpha``; UNVERIFIED if these shots could not have detected a TVD of ``resolution`` with power 0.9 in the scope of the
    verdict, or if
    the texts are certainly further from the law than that; else PASS.

    Where the sampled program claims another law than the model's, within a bound, the texts are tested against that law, and
    the bound against the check's own computation of the distance: a bound that does not hold is a FAIL.

    Args:
        samples: what was sampled.
        model: the law; by default the samples' own source, with what their program claims.
        alpha: the false-alarm rate.
        resolution: the TVD that a PASS must have been able to detect.
        seed: of the Monte-Carlo p-values and of randomised integral transforms.
        scope: the deviations that a PASS covers: ``all``; ``contexts``, the next token given the model's window; ``pairs`` or
            ``triples`` of places; ``bits`` of each token; ``tokens``, by their integral transforms; ``likelihood``. ``auto``:
            all where the texts can be listed, else the first of these, down to ``pairs``, in which the resolution is reached.

    Raises:
        InputError: no samples, an unknown scope, or alpha or resolution out of range.
    """
    require_shares(alpha, resolution)
    scope = require_scope(scope)
    if samples.shots < 1:
        raise InputError("there are no samples to check", got="0 shots", expected="at least 1")
    if model is not None:
        samples = replace(samples, source=model, claim=None)
    law = claimed_law(samples)
    texts, counts = texts_of(samples.outcomes[0], law.steps, law.model.vacuum)
    verdict = judged(Sampled(law, texts, counts, law.log_probabilities(texts)), alpha, resolution, seed, scope)
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


def judged(sampled: Sampled, alpha: float, resolution: float, seed: int, scope: Scope = "auto") -> Verdict:
    """Return the verdict on sampled texts against one law."""
    joint, shots, impossible = sampled.law.listed, sampled.shots, sampled.impossible
    found = tests(sampled, alpha, resolution, scope, np.random.default_rng(seed))
    ruling, reason, p_value, best, needed = ruled(
        found, scope=scope, listed=joint is not None, alpha=alpha, wanted=resolution, shots=shots,
        needed=None if joint is None else lambda: shots_for(joint, alpha, resolution, shots),
        impossible=bool(len(impossible)), advice=TOO_MANY,
    )  # fmt: skip
    distance = distance_of(sampled)
    if len(impossible):
        reason = why_impossible(sampled)
    elif ruling == "PASS" and distance.low > resolution:
        ruling, reason = "UNVERIFIED", f"{beyond(distance.low, resolution)}; {reason}"
    details = {test.name: test.summary() for test in found}
    if len(found) == 1:  # a single token's table is both
        details = {"texts": found[0].summary(), "contexts": found[0].summary()}
    figures = {"scope": scope_figures(found)}
    return Verdict(ruling, reason, p_value, alpha, shots, best, distance, needed, figures=figures, details=details)


def why_impossible(sampled: Sampled) -> str:
    """Return the reason for a FAIL on texts of probability 0."""
    example = repr(sampled.law.model.text(sampled.impossible[0].tolist()))
    reason = f"the law gives probability 0 to {len(sampled.impossible)} sampled text(s), for example {example}"
    lost = int(sampled.counts[(sampled.texts < 0).any(axis=1)].sum())
    return f"{reason}; {lost:,} shots read codes that stand for no token" if lost else reason


def distance_of(sampled: Sampled) -> Distance:
    """Return the distance between the frequencies and the law."""
    joint = sampled.law.listed
    if joint is None:
        return measured_distance(sampled.counts.astype(np.float64), sampled.probabilities)
    observed = sampled.law.tallied(joint, sampled.texts, sampled.counts)
    return measured_distance(observed, np.append(np.maximum(joint.probabilities, LEAST), 0.0))


def number_of_tests(joint: JointLaw | None) -> int:
    """Return how many different tests share the false-alarm rate.

    Texts that cannot be listed are tested by context only; texts of one token have one context, whose table is theirs.
    """
    return 1 if joint is None or joint.texts.shape[1] == 1 else 2


def tests(sampled: Sampled, alpha: float, resolution: float, scope: Scope, rng: np.random.Generator) -> list[ScopedTest]:
    """Return the tests; each has its share of the false-alarm rate.

    Which tests are made depends on the law, the shots and what is asked for, never on what was seen.
    """
    law, shots = sampled.law, sampled.shots
    joint = law.listed
    if joint is not None and scope in ("auto", "all"):
        cells = whole_texts(sampled, joint)
        if cells.hidden <= resolution:
            number = number_of_tests(joint)
            first = of_table(tested("texts", cells, shots, alpha / number, rng), "all", WHOLE)
            return [first] if number == 1 else [first, next_tokens(sampled, alpha / number, rng)]
    return widened(sampled, alpha, rng)


def widened(sampled: Sampled, alpha: float, rng: np.random.Generator) -> list[ScopedTest]:
    """Return all tests there are."""
    law, shots, joint = sampled.law, sampled.shots, sampled.law.listed
    share = alpha / FAMILY
    found = []
    if joint is not None:
        found.append(of_table(tested("texts", whole_texts(sampled, joint), shots, share, rng), "all", WHOLE))
    if joint is None or law.steps > 1:
        found.append(next_tokens(sampled, share, rng))
    possible = sampled.possible
    if possible.any():
        found += stream_tests(law, sampled.texts[possible], sampled.counts[possible], share, rng)
    return found


def whole_texts(sampled: Sampled, joint: JointLaw) -> PooledCells:
    """Return the table of whole texts."""
    observed = sampled.law.tallied(joint, sampled.texts, sampled.counts)[None, :-1]
    return pool(observed, np.maximum(joint.probabilities, LEAST)[None], sampled.shots)


def next_tokens(sampled: Sampled, alpha: float, rng: np.random.Generator) -> ScopedTest:
    """Return the test of what followed each context that was visited."""
    law = sampled.law
    cells, most = context_tables(law, sampled.texts, sampled.counts)
    test = tested("contexts", cells, sampled.shots, alpha, rng)
    named: dict[str, Any] = {"more": {"most": most}}
    if most:
        named["where"] = f"after {most[0]['after']!r}"
    if law.reads_all:
        return replace(of_table(test, "all", f"{WHOLE}, token by token"), **named)
    back = reach_of(law.model, law.steps)
    given = f"the last {back} before it" if back > 1 else "the one before it" if back else "nothing before it"
    return replace(of_table(test, "contexts", f"the next token given {given}"), **named)


def shots_for(joint: JointLaw, alpha: float, resolution: float, above: int = 0) -> int | None:
    """Return the least number of shots above that, to two digits, with which the test of whole texts has the resolution."""
    return shots_for_tables(joint.probabilities[None], np.ones(1), alpha / number_of_tests(joint), resolution, above)
