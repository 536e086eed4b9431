# SPDX-License-Identifier: Apache-2.0
"""Detection: readings that tell an error are dropped, and the rest is judged against the law given that nothing was detected.

What tells an error has probability 0 under the law (codes that stand for no token, a token after the vacuum, texts and outcomes
that cannot occur), or is a failed flag. Of the first kind the law has nothing, so that the law given "not detected" is the law
itself; of particles it is the law given success. How much was dropped is judged apart: a law, or the errors that a device
states, must explain it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from stinespring.checks.codes import listing
from stinespring.checks.combine import worst
from stinespring.checks.statistics.interval import clopper_pearson
from stinespring.checks.texts.verdict import claimed_law
from stinespring.errors import InputError
from stinespring.models.sphere.asked import SphereAsked
from stinespring.models.sphere.layer_law import SphereLaw
from stinespring.models.texts.law import TextLaw, readable
from stinespring.readings import BoolArray, FloatArray, Outcomes, rows_of
from stinespring.stages import Ruling, Samples, Verdict

__all__ = ["Detected", "Judge", "detected", "with_detection"]

IMPOSSIBLE = 1e-12  # probabilities up to this are rounding, but those of texts, which are exact
MOST_UNEXPLAINED = 0.5  # share of dropped shots up to which counts of unknown origin can PASS
ELSEWHERE = ("file", "counts")  # backends of counts that somebody else sampled
Judge = Callable[[Samples, float], Verdict]  # from samples and a false-alarm rate


class GivenSuccess(SphereAsked):
    """Particles' ways through layers, given that every flag says success."""

    def law(self, source: Any) -> SphereLaw:
        """Return the law of every circuit given success: ``P(x) / P(success)``, and no failure."""
        law = super().law(source)
        return replace(law, circuits=tuple(c._replace(probabilities=given_success(c.probabilities)) for c in law.circuits))


def given_success(probabilities: FloatArray) -> FloatArray:
    """Return the law of values and failure, given that it is no failure."""
    return np.append(probabilities[:-1] / probabilities[:-1].sum(), 0.0)


@dataclass(frozen=True, eq=False)
class Detected:
    """Samples without what tells an error.

    Attributes:
        kept: the others, whose law is that given "not detected".
        dropped: how many shots.
        shots: of all circuits, before.
        expected: the share that the law itself gives to what is dropped.
    """

    kept: Samples
    dropped: int
    shots: int
    expected: float

    @property
    def share(self) -> float:
        """The share of the shots that were dropped."""
        return self.dropped / self.shots


def detected(samples: Samples) -> Detected:
    """Return samples without the shots that tell an error.

    Args:
        samples: of texts, points of a lens, particles, spins or channels.

    Raises:
        InputError: overlaps of particles, in which no reading tells an error.
    """
    if isinstance(samples.asked, SphereAsked) and samples.asked.overlaps:
        raise InputError(
            "no reading of an overlap tells an error", got="--detect for overlaps", expected="particles and their layers",
            todo="leave --detect out",
        )  # fmt: skip
    masks = [possible(samples, entry) for entry in range(len(samples.outcomes))]
    kept = tuple(chosen(outcomes, mask) for outcomes, mask in zip(samples.outcomes, masks, strict=True))
    shots, left = sum(part.shots for part in samples.outcomes), sum(part.shots for part in kept)
    given, expected = samples.asked, 0.0
    if isinstance(given, SphereAsked):
        failures = [circuit.probabilities[-1] for circuit in given.law(samples.source).circuits]
        weights = [part.shots / shots for part in samples.outcomes]
        expected = float(sum(p * w for p, w in zip(failures, weights, strict=True)))
        given = GivenSuccess(**given.plain())
    return Detected(replace(samples, asked=given, outcomes=kept), shots - left, shots, expected)


def possible(samples: Samples, entry: int) -> BoolArray:
    """Return which readings of one circuit tell no error, shape (U,)."""
    outcomes, law = samples.outcomes[entry], samples.asked.law(samples.source)
    if isinstance(law, TextLaw):
        own = claimed_law(samples)
        texts = readable(outcomes, own.steps, own.model.vacuum)
        return np.asarray(own.log_probabilities(texts) > -np.inf) & (texts >= 0).all(axis=1)
    if isinstance(law, SphereLaw):
        circuit = law.circuits[entry]
        good = np.all([outcomes.column(name) == 0 for name in circuit.registers], axis=0)
        values = outcomes.column(circuit.values) if circuit.values else np.zeros(len(good), dtype=np.int64)
        return np.asarray(good & held(values, circuit.probabilities[:-1]))
    listed = listing(law, entry)
    if listed is None:
        return np.ones(len(outcomes.counts), dtype=bool)
    values, probabilities = listed
    if values.shape[1] == 1:
        return held(outcomes.values[:, 0], probabilities)
    rows = rows_of(values, outcomes.values[:, : values.shape[1]])
    return np.asarray((rows >= 0) & (probabilities[rows] > IMPOSSIBLE))


def held(values: Any, probabilities: FloatArray) -> BoolArray:
    """Return which values 0, 1, ... have a probability above rounding; others, and those beyond the list, have none."""
    inside = (values >= 0) & (values < len(probabilities))
    return np.asarray(inside & (probabilities[np.where(inside, values, 0)] > IMPOSSIBLE))


def chosen(outcomes: Outcomes, mask: BoolArray) -> Outcomes:
    """Return some of the readings."""
    return Outcomes(outcomes.registers, outcomes.values[mask], outcomes.counts[mask])


def with_detection(samples: Samples, judge: Judge, *, alpha: float) -> Verdict:
    """Return the verdict on the shots in which nothing was detected, and on how many there were.

    Where readings cannot be wrong, what is detected must be what the law says: all shots are also judged against the whole
    law, each of the two at half the rate if the law has failures at all. Where a device's stated errors bound the share of
    shots with any error, more is a FAIL: the lower limit of the share (Clopper and Pearson) is tested at ``alpha / 2``, the
    kept shots at the other half. Where nothing is known of the errors, more than half of the shots is UNVERIFIED.

    Args:
        samples: all of them. ``metadata["stated_errors"]`` is the most that a device's errors explain, if anyone knows it;
            ``metadata["noisy"]`` is whether readings may be wrong, of counts from a file.
        judge: from samples and a false-alarm rate to the verdict on them.
        alpha: the false-alarm rate of all together.
    """
    found = detected(samples)
    explained, exact = samples.metadata.get("stated_errors"), without_noise(samples)
    told: dict[str, Any] = {"dropped": found.dropped, "share": found.share, "expected": found.expected, "judged": "kept"}
    if exact:
        whole = judge(samples, alpha if not found.expected else alpha / 2)
        if not found.dropped or whole.verdict == "FAIL":
            told |= {"explained": found.expected, "judged": "all"}
            note = "on a backend without noise nothing may be detected that the law does not have; "
            return told_of(whole, found, told, alpha, note if found.dropped else "")
        told["explained"] = found.expected
        return told_of(on_kept(found, judge, alpha / 2), found, told, alpha)
    low, high = clopper_pearson(found.dropped, found.shots, alpha / 4 if found.expected else alpha / 2)
    if explained is not None and explained < 1:
        limit = min(1.0, found.expected + float(explained))
        told["explained"] = limit
        kept = on_kept(found, judge, alpha / 2)
        words = f"the device's stated errors explain at most {limit:.2%} of the shots, and at least {low:.2%} are detected; "
        least = found.expected - float(explained)
        if high < least:
            words = f"by its law and the device's stated errors at least {least:.2%} fail, and at most {high:.2%} do; "
        wrong = low > limit or high < least
        return told_of(kept, found, told, alpha, words, "FAIL") if wrong else told_of(kept, found, told, alpha)
    told["explained"] = None
    kept = on_kept(found, judge, alpha)
    words = f"at least {low:.2%} of the shots are detected, and nothing is known of errors that explain it; "
    over, under = low > max(MOST_UNEXPLAINED, found.expected), high < found.expected - MOST_UNEXPLAINED
    if under:
        words = f"the law fails in {found.expected:.2%}, at most {high:.2%} are detected, and nothing known explains it; "
    return told_of(kept, found, told, alpha, words, "UNVERIFIED") if over or under else told_of(kept, found, told, alpha)


def without_noise(samples: Samples) -> bool:
    """Return whether it is known that no reading can be wrong; of counts from elsewhere it is known if their file says so."""
    if samples.backend.startswith(ELSEWHERE):
        return samples.metadata.get("noisy") is False
    return not samples.noisy


def on_kept(found: Detected, judge: Judge, alpha: float) -> Verdict:
    """Return the verdict on what is left; UNVERIFIED where a circuit has nothing left."""
    left = [part.shots for part in found.kept.outcomes]
    if min(left) > 0:
        return judge(found.kept, alpha)
    return Verdict("UNVERIFIED", "no shot of a circuit is left to judge", alpha=alpha, shots=sum(left))


def told_of(
    verdict: Verdict, found: Detected, told: Mapping[str, Any], alpha: float, words: str = "", ruling: Ruling = "PASS"
) -> Verdict:
    """Return a verdict that says what was dropped, and what it is about; at least as bad as a ruling."""
    law = "the law given success" if found.expected else "the law itself, in which they have probability 0"
    said = f"detected: {found.dropped:,} of {found.shots:,} shots ({found.share:.2%}) dropped, the others judged against {law}"
    return replace(
        verdict, verdict=worst([verdict.verdict, ruling]), alpha=alpha, reason=f"{words}{verdict.reason}; {said}",
        figures={**verdict.figures, "detected": dict(told)},
    )  # fmt: skip
