# SPDX-License-Identifier: Apache-2.0
"""Sampled spins to verdicts: every token against its product law, all spins together, the averages against the mean field.

Given the context the spins of a token are independent with known odds. Tests are made of each token
(:mod:`stinespring.checks.spins.token`) and of all tokens together (:mod:`stinespring.checks.spins.together`), combined by
Bonferroni.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from stinespring.checks.combine import combined, worst
from stinespring.checks.spins.mean_field import check_mean_field, mean_field_summary
from stinespring.checks.spins.together import FAMILY, distance_of, judge_together, together_tests
from stinespring.checks.spins.token import TokenReadings, judge
from stinespring.checks.statistics.family import (
    Scope,
    ScopedTest,
    chosen_scope,
    in_words,
    needed_by,
    require_scope,
    scope_figures,
)  # fmt: skip
from stinespring.checks.statistics.ruling import decide, require_shares, shots_for_tables
from stinespring.models.spins.contexts import tokens_of
from stinespring.models.spins.law import SpinLaw, visited
from stinespring.models.spins.network import SpinNetwork
from stinespring.stages import Samples, Verdict

__all__ = ["check_network", "check_spins", "spins_summary"]

AGAINST: Mapping[str, tuple[Scope, str]] = {
    "tokens": ("contexts", "each whole token given its context"),
    "spins": ("bits", "each spin given its context"),
    "sums": ("sums", "collective sums of each token's spins"),
}


def check_network(
    samples: Samples, *, alpha: float = 0.001, resolution: float = 0.05, seed: int = 0, scope: str = "auto"
) -> Verdict:
    """Test sampled tokens against the product law of every step, and their averages against the mean field.

    The verdict is that of the product law, or FAIL if an average fails; too few spins for the limit are no fault. The figures
    are keys of ``spins sample --json``.

    Args:
        samples: what was sampled.
        alpha: the false-alarm rate of each of the verdicts.
        resolution: the TVD that a PASS must have been able to detect.
        seed: of the randomised values of discrete sums, of simulated p-values and of simulated runs.
        scope: that a PASS of the product law must cover, see :func:`check_spins`.

    Raises:
        InputError: alpha or resolution out of range.
    """
    product = check_spins(samples, alpha=alpha, resolution=resolution, seed=seed, scope=scope)
    limit = check_mean_field(samples, alpha=alpha, seed=seed) if samples.shots > 1 else None
    found = {} if limit is None else {"averages": limit.parts["averages"], "mean field": limit}
    wrong = [part for part in found.values() if part.verdict == "FAIL"]
    judged = wrong[0] if wrong and product.verdict != "FAIL" else product
    figures = {
        **product.figures, "product_law": product.verdict, "mean_field": None if limit is None else mean_field_summary(limit)
    }  # fmt: skip
    return replace(
        product, verdict=worst([product.verdict, *(part.verdict for part in wrong)]), reason=judged.reason, figures=figures,
        parts={"product law": product, **found},
    )  # fmt: skip


def check_spins(
    samples: Samples, network: SpinNetwork | None = None, *, alpha: float = 0.001, resolution: float = 0.05, seed: int = 0,
    scope: str = "auto",
) -> Verdict:  # fmt: skip
    """Test sampled tokens against the exact product law of every step, and all their spins together.

    Args:
        samples: what was sampled.
        network: the law; by default the network that was sampled.
        alpha: the false-alarm rate of the whole.
        resolution: the TVD that a PASS must have been able to detect.
        seed: of the randomised values of discrete sums, and of simulated p-values.
        scope: the deviations that a PASS covers: ``all``; ``contexts``, whole tokens of few spins given their context;
            ``pairs`` or ``triples`` of spins of any tokens; ``bits``, each spin; ``sums``. ``auto``: all where every sequence
            of tokens can be listed (16 spins in all), else the first, down to ``pairs``, in which the resolution is reached.

    Returns:
        The verdict with a part a token, ``token 1`` and so on, and a part ``together``. A token's resolution is that of its
        best test: of the whole law for ``tokens``, of one spin's or one sum's distribution for the others.

    Raises:
        InputError: an unknown scope, or alpha or resolution out of range.
    """
    require_shares(alpha, resolution)
    wanted = require_scope(scope)
    law, steps = SpinLaw(network or samples.source, samples.asked.steps), samples.asked.steps
    rng, [outcomes] = np.random.default_rng(seed), samples.outcomes
    tokens, parts, share = tokens_of(outcomes, steps, law.columns.N), {}, alpha / (steps + 1)
    for step, contexts, which in visited(law.columns, tokens):
        seen = TokenReadings(tokens[:, step], outcomes.counts, contexts, which)
        parts[f"token {step + 1}"] = judge(seen, share, resolution, rng)
    shown = [step_figures(number, part) for number, part in enumerate(parts.values(), start=1)]
    together = together_tests(law, tokens, outcomes.counts, share, rng)
    tests = [*by_token(parts, law), *together]
    parts["together"] = judge_together(together, share, resolution, samples.shots)
    figures = {"steps": shown, "scope": scope_figures(tests)}
    found = combined(parts, alpha=alpha, shots=samples.shots, figures=figures)
    found = replace(found, distance=distance_of(law, tokens, outcomes.counts))
    return found if found.verdict == "FAIL" else scoped(found, tests, wanted, law, resolution)


def by_token(parts: Mapping[str, Verdict], law: SpinLaw) -> list[ScopedTest]:
    """Return the tests that every token had, each with what it detects in the token where that is least."""
    found = []
    for name in next(iter(parts.values())).details:
        scope, against = AGAINST[name]
        each = [part.details[name] for part in parts.values() if name in part.details]
        missing = len(each) < len(parts)
        worst_of = 1.0 if missing else max(test["resolution"] for test in each)
        whole = law.steps == 1 and name == "tokens"
        found.append(ScopedTest(
            name, "all" if whole else scope, against, min(test["p_value"] for test in each), "", worst_of, 0,
            0.0 if missing else max(test.get("pooled_mass", 0.0) for test in each),
        ))  # fmt: skip
    return found


def scoped(found: Verdict, tests: Sequence[ScopedTest], scope: Scope, law: SpinLaw, resolution: float) -> Verdict:
    """Return the verdict with the ruling and the resolution of its scope."""
    listed, needed = law.listed, None
    covered, detects = chosen_scope(tests, scope, resolution, listed is not None)
    if detects > resolution:
        needed = needed_by(tests, covered, found.shots, resolution)
        if covered == "all" and listed is not None:
            share = found.parts["together"].alpha / FAMILY
            needed = shots_for_tables(listed[1][None], np.ones(1), share, resolution, found.shots)
    advice = "ask for a narrower scope: the sequences are too many"
    ruling, reason = decide(found.p_value, found.alpha, detects, resolution, needed, f"{found.shots:,} shots", advice=advice)
    words = in_words(tests, covered, detects, resolution)
    return replace(found, verdict=ruling, reason=reason + words, resolution=detects, shots_needed=needed)


def spins_summary(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict of :func:`check_network` or :func:`check_spins` as ``spins sample --json`` prints it."""
    return {
        "verdict": verdict.verdict, "p_value": verdict.p_value, "alpha": verdict.alpha, "shots": verdict.shots,
        **verdict.figures,
    }  # fmt: skip


def step_figures(number: int, part: Verdict) -> dict[str, Any]:
    """Return a token's verdict as JSON data."""
    return {
        "step": number, "verdict": part.verdict, "p_value": part.p_value, "resolution": part.resolution,
        "tests": dict(part.details), "reason": part.reason,
    }  # fmt: skip
