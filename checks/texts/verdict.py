# SPDX-License-Identifier: Apache-2.0
"""Samples to verdict: do these texts come from this law, and could these shots have told otherwise?"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from stinespring.checks.statistics.contexts import context_tables, text_probabilities
from stinespring.checks.statistics.distance import hellinger_fidelity, noise_floor, total_variation, tvd_interval
from stinespring.checks.statistics.gtest import PooledCells, detectable_tvd, pool, upper_tail
from stinespring.errors import InputError, TooLargeError
from stinespring.models.texts.base import TextModel
from stinespring.models.texts.joint import JointLaw
from stinespring.readings import IntArray
from stinespring.stages import Samples, Verdict

__all__ = ["check", "decide", "listed_law", "require_shares", "shots_for", "two_digits"]

MOST_TEXTS = 1 << 17  # joint laws up to this many texts are tested as a whole
MOST_SHOTS = 10**12


@dataclass(frozen=True)
class Part:
    """One test: its cells, its p-value, how it was found, and the TVD it would detect."""

    name: str
    cells: PooledCells
    p_value: float
    method: str
    resolution: float

    def summary(self) -> dict[str, Any]:
        """Return the figures of this part."""
        return {
            "p_value": self.p_value,
            "degrees_of_freedom": self.cells.degrees,
            "method": self.method,
            "resolution": self.resolution,
            "pooled_mass": self.cells.hidden,
        }


def check(
    samples: Samples, model: TextModel | None = None, *, alpha: float = 0.001, resolution: float = 0.05, seed: int = 0
) -> Verdict:
    """Test sampled texts against a model's law.

    Up to two G-tests are combined (Bonferroni): the texts as a whole, where their law can be listed, and the next token
    after each visited context. For a single step they are one test, which counts once. Any text of probability 0 is a
    FAIL. Otherwise FAIL if the combined p-value is below ``alpha``;
    UNVERIFIED if these shots could not have detected a TVD of ``resolution`` with power 0.9; else PASS.

    Args:
        samples: what was sampled.
        model: the law; by default the one the sampled program realises (the model's, or its truncation).
        alpha: the false-alarm rate.
        resolution: the TVD that a PASS must have been able to detect.
        seed: of the Monte-Carlo p-values.

    Raises:
        InputError: no samples, or alpha or resolution out of range.
    """
    require_shares(alpha, resolution)
    if samples.shots < 1:
        raise InputError("there are no samples to check", got="0 shots", expected="at least 1")
    law_model = model or samples.realises or samples.model
    rng = np.random.default_rng(seed)
    probabilities = text_probabilities(law_model, samples.prompt, samples.texts)
    joint = listed_law(law_model, samples.prompt, samples.steps)
    parts = tests(samples, law_model, joint, alpha, rng)
    impossible = samples.texts[probabilities <= 0]
    p_value = 0.0 if len(impossible) else min(1.0, number_of_tests(joint) * min(part.p_value for part in parts))
    best = min(part.resolution for part in parts)
    needed = (
        shots_needed(joint, parts[-1], samples.shots, alpha, resolution) if best > resolution and p_value >= alpha else None
    )
    verdict, reason = decide(p_value, alpha, best, resolution, needed, f"{samples.shots:,} shots")
    if len(impossible):
        example = repr(law_model.text(impossible[0].tolist()))
        reason = f"the law gives probability 0 to {len(impossible)} sampled text(s), for example {example}"
        lost = int(samples.counts[(samples.texts < 0).any(axis=1)].sum())
        if lost:
            reason += f"; {lost:,} shots read codes that stand for no token"
    if samples.tvd_bound and model is None:
        reason += f"; tested against the truncated law, which is within TVD {samples.tvd_bound:.3g} of the model"
    frequencies = samples.counts / samples.shots
    tvd = total_variation(frequencies, probabilities)
    low, high = tvd_interval(tvd, samples.shots, None if joint is None else len(joint) + len(impossible))
    return Verdict(
        verdict=verdict,
        p_value=p_value,
        tvd=tvd,
        tvd_low=low,
        tvd_high=high,
        tvd_noise_floor=noise_floor(probabilities, samples.counts, None if joint is None else joint.probabilities),
        hellinger_fidelity=hellinger_fidelity(frequencies, probabilities),
        resolution=best,
        shots=samples.shots,
        alpha=alpha,
        shots_needed=needed,
        reason=reason,
        details={part.name: part.summary() for part in parts},
    )


def require_shares(alpha: float, resolution: float) -> None:
    """Refuse rates outside (0, 1)."""
    for name, value in (("alpha", alpha), ("resolution", resolution)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
            raise InputError(f"{name} is out of range", got=value, expected="a number between 0 and 1")


def decide(
    p_value: float, alpha: float, detects: float, wanted: float, needed: int | None, shots: str
) -> tuple[Literal["PASS", "FAIL", "UNVERIFIED"], str]:
    """Return the verdict and its reason from the p-value and what the shots could detect."""
    reason = f"p = {p_value:.3g} at false-alarm rate {alpha:g}; these {shots} detect a TVD of {detects:.3g} with power 0.9"
    if p_value < alpha:
        return "FAIL", reason
    if detects <= wanted:
        return "PASS", reason
    advice = f"about {needed:,} shots would do" if needed else "use fewer steps or a smaller --top-k: the texts are too many"
    return "UNVERIFIED", f"{reason}, not {wanted:g}: {advice}"


def listed_law(model: TextModel, prompt: IntArray, steps: int) -> JointLaw | None:
    """Return the joint law if it has few enough texts to be listed, else None."""
    if model.window != 0 and steps * math.log(max(2, support_bound(model))) > math.log(64.0 * MOST_TEXTS):
        return None
    try:
        joint = model.joint(prompt.tolist(), steps)
    except TooLargeError:
        return None
    return joint if len(joint) <= MOST_TEXTS else None


def support_bound(model: TextModel) -> int:
    """Return the most tokens that can follow a text."""
    return int(getattr(model, "top_k", model.d))


def number_of_tests(joint: JointLaw | None) -> int:
    """Return how many different tests share the false-alarm rate.

    Texts that cannot be listed are tested by context only; texts of one token have one context, whose table is theirs.
    """
    return 1 if joint is None or joint.texts.shape[1] == 1 else 2


def tests(samples: Samples, model: TextModel, joint: JointLaw | None, alpha: float, rng: np.random.Generator) -> list[Part]:
    """Return the tests by name, the one by context last; each has its share of the false-alarm rate."""
    share = alpha / number_of_tests(joint)
    if joint is None:
        return [by_context(samples, model, share, rng)]
    whole = whole_texts(samples, joint, share, rng)
    if number_of_tests(joint) == 1:
        return [whole, replace(whole, name="contexts")]
    return [whole, by_context(samples, model, share, rng)]


def whole_texts(samples: Samples, joint: JointLaw, alpha: float, rng: np.random.Generator) -> Part:
    """Return the test of whole texts."""
    lookup = {tuple(text): i for i, text in enumerate(joint.texts.tolist())}
    observed = np.zeros(len(joint))
    for text, count in zip(samples.texts.tolist(), samples.counts.tolist(), strict=True):
        if tuple(text) in lookup:
            observed[lookup[tuple(text)]] += count
    return part("texts", pool(observed[None, :], joint.probabilities[None, :], samples.shots), samples.shots, alpha, rng)


def by_context(samples: Samples, model: TextModel, alpha: float, rng: np.random.Generator) -> Part:
    """Return the test of the next token after each visited context."""
    tables = context_tables(model, samples.prompt, samples.texts, samples.counts)
    return part("contexts", tables.cells, samples.shots, alpha, rng)


def part(name: str, cells: PooledCells, shots: int, alpha: float, rng: np.random.Generator) -> Part:
    """Return one test; ``alpha`` is its share of the false-alarm rate, what its pools hide adds to what it detects."""
    p_value, method = upper_tail(cells, rng)
    return Part(name, cells, p_value, method, min(1.0, detectable_tvd(cells.degrees, shots, alpha) + cells.hidden))


def shots_needed(joint: JointLaw | None, contexts: Part, shots: int, alpha: float, resolution: float) -> int | None:
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
    share = alpha / number_of_tests(joint)

    def enough(shots: int) -> bool:
        cells = pool(joint.probabilities[None, :] * shots, joint.probabilities[None, :], shots)
        return bool(detectable_tvd(cells.degrees, shots, share) + cells.hidden <= resolution)

    return smallest(enough)


def smallest(enough: Callable[[int], bool]) -> int | None:
    """Return the smallest number, rounded up to two digits, for which ``enough`` holds; None if none up to 10^12 does."""
    high = 1
    while not enough(high):
        high *= 2
        if high > MOST_SHOTS:
            return None
    low = high // 2
    while high - low > max(1, high // 200):
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return two_digits(high)


def two_digits(shots: float) -> int:
    """Return a number of shots rounded up to two digits."""
    whole = math.ceil(shots)
    unit = 10 ** max(0, len(str(whole)) - 2)
    return int(-(-whole // unit) * unit)
