# SPDX-License-Identifier: Apache-2.0
"""Sampled spins to verdicts: every token against its exact product law, and the averages against the mean field.

Given the context the spins of a token are independent with known odds. Up to three tests are made of each token, combined by
Bonferroni, and so are the tokens:

- ``tokens`` (few spins): whole tokens against the product law, one table for each context;
- ``spins``: how often each spin is -1, summed over the shots' own odds;
- ``sums``: collective statistics ``sum_i W^o_bi x_i`` and ``sum_i x_2i x_2i+1``, which spins that are not independent
  change. Their exact distribution in every shot turns the value into a number that is uniform in [0, 1] if the law holds.

Readings are distinct texts with their counts; they are never written out shot by shot.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from stinespring.checks.combine import combined, worst
from stinespring.checks.spins.mean_field import check_mean_field, mean_field_summary
from stinespring.checks.statistics.gtest import detectable_tvd, pool, upper_tail
from stinespring.checks.statistics.ruling import decide, require_shares, two_digits
from stinespring.models.spins.contexts import Contexts, tokens_of
from stinespring.models.spins.law import WHOLE, codes_of, token_law, visited
from stinespring.models.spins.network import OUTPUT, SignArray, SpinNetwork, column_kinds
from stinespring.readings import FloatArray, IntArray
from stinespring.stages import Samples, Verdict

__all__ = ["check_network", "check_spins", "spins_summary"]

MOST_CELLS = 1 << 23
PLENTY = 25.0  # variance of a spin's count above which it is taken as normal
BINS = 16


def check_network(samples: Samples, *, alpha: float = 0.001, resolution: float = 0.05, seed: int = 0) -> Verdict:
    """Test sampled tokens against the product law of every step, and their averages against the mean field.

    The verdict is that of the product law, or FAIL if an average fails; too few spins for the limit are no fault. The figures
    are keys of ``spins sample --json``.

    Args:
        samples: what was sampled.
        alpha: the false-alarm rate of each of the verdicts.
        resolution: the TVD that a PASS must have been able to detect.
        seed: of the randomised values of discrete sums, of simulated p-values and of simulated runs.

    Raises:
        InputError: alpha or resolution out of range.
    """
    product = check_spins(samples, alpha=alpha, resolution=resolution, seed=seed)
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
    samples: Samples, network: SpinNetwork | None = None, *, alpha: float = 0.001, resolution: float = 0.05, seed: int = 0
) -> Verdict:
    """Test sampled tokens against the exact product law of every step.

    Args:
        samples: what was sampled.
        network: the law; by default the network that was sampled.
        alpha: the false-alarm rate of the whole.
        resolution: the TVD that a PASS must have been able to detect.
        seed: of the randomised values of discrete sums, and of simulated p-values.

    Returns:
        The verdict with a part a token, ``token 1`` and so on. A part's resolution is that of its best test: of the whole law
        for ``tokens``, of one spin's or one sum's distribution for the others.

    Raises:
        InputError: alpha or resolution out of range.
    """
    require_shares(alpha, resolution)
    law, rng = (network or samples.source).one_column_a_spin(), np.random.default_rng(seed)
    [outcomes], parts = samples.outcomes, {}
    tokens = tokens_of(outcomes, samples.asked.steps, law.N)
    for step, contexts, which in visited(law, tokens):
        seen = TokenReadings(tokens[:, step], outcomes.counts, contexts, which)
        parts[f"token {step + 1}"] = judge(seen, alpha / samples.asked.steps, resolution, rng)
    steps = [step_figures(number, part) for number, part in enumerate(parts.values(), start=1)]
    return combined(parts, alpha=alpha, shots=samples.shots, figures={"steps": steps})


def spins_summary(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict of :func:`check_network` or :func:`check_spins` as ``spins sample --json`` prints it."""
    return {
        "verdict": verdict.verdict, "p_value": verdict.p_value, "alpha": verdict.alpha, "shots": verdict.shots,
        **verdict.figures,
    }  # fmt: skip


class TokenReadings(NamedTuple):
    """One token of all readings.

    Attributes:
        tokens: +-1, shape (U, N).
        counts: how often each reading occurred, shape (U,).
        contexts: those that were visited.
        which: the context of each reading, shape (U,).
    """

    tokens: SignArray
    counts: IntArray
    contexts: Contexts
    which: IntArray

    @property
    def shots(self) -> int:
        """Readings in all."""
        return int(self.counts.sum())


def judge(seen: TokenReadings, alpha: float, resolution: float, rng: np.random.Generator) -> Verdict:
    """Return the verdict on one token; ``alpha`` is its share of the false-alarm rate."""
    tests: dict[str, dict[str, float]] = {}
    N, shots = seen.contexts.network.N, seen.shots
    if N <= WHOLE and len(seen.contexts.plus) << N <= MOST_CELLS:
        tests["tokens"] = whole_tokens(seen, rng)
    tests["spins"] = single_spins(seen)
    tests["sums"] = collective(seen, rng)
    for test in tests.values():
        found = detectable_tvd(int(test["degrees_of_freedom"]), shots, alpha / len(tests)) + test.pop("hidden", 0.0)
        test["resolution"] = min(1.0, found)
    p_value = min(1.0, len(tests) * min(test["p_value"] for test in tests.values()))
    best = min(test["resolution"] for test in tests.values())
    needed = two_digits(shots * (best / resolution) ** 2) if best > resolution else None
    verdict, reason = decide(p_value, alpha, best, resolution, needed, f"{shots:,} shots")
    whole = f"; of whole tokens {tests['tokens']['resolution']:.3g}" if "tokens" in tests else ""
    reason += f" (TVD of one spin or sum{whole})"
    return Verdict(verdict, reason, p_value, alpha, shots, best, shots_needed=needed, details=tests)


def step_figures(number: int, part: Verdict) -> dict[str, Any]:
    """Return a token's verdict as JSON data."""
    return {
        "step": number, "verdict": part.verdict, "p_value": part.p_value, "resolution": part.resolution,
        "tests": dict(part.details), "reason": part.reason,
    }  # fmt: skip


def whole_tokens(seen: TokenReadings, rng: np.random.Generator) -> dict[str, float]:
    """Return the G-test of whole tokens, one table for each context."""
    N, rows = seen.contexts.network.N, len(seen.contexts.plus)
    law = token_law(seen.contexts.plus)
    cells = seen.which << N | codes_of(seen.tokens)
    observed = np.bincount(cells, weights=seen.counts, minlength=rows << N).reshape(rows, -1).astype(np.float64)
    pooled = pool(observed, law, seen.shots)
    p_value, _ = upper_tail(pooled, rng)
    if (observed[law == 0] > 0).any():
        p_value = 0.0
    return {"p_value": p_value, "degrees_of_freedom": float(pooled.degrees), "hidden": pooled.hidden}


def single_spins(seen: TokenReadings) -> dict[str, float]:
    """Return the test of each spin's count: ``sum_i Z_i^2`` against chi-squared; rare outcomes together by their number."""
    from scipy.stats import chi2, poisson

    plus, tokens = seen.contexts.plus, seen.tokens
    shots = np.bincount(seen.which, weights=seen.counts, minlength=len(plus)).astype(np.float64)
    expected, variance = shots @ plus, shots @ (plus * (1.0 - plus))
    plenty = variance >= PLENTY
    z = (seen.counts @ (tokens > 0) - expected)[plenty] / np.sqrt(variance[plenty])
    p_value = float(chi2.sf((z**2).sum(), plenty.sum())) if plenty.any() else 1.0
    if not plenty.all():
        likely = np.where(plus[seen.which][:, ~plenty] >= 0.5, 1, -1)
        rare = int(seen.counts @ (tokens[:, ~plenty] != likely).sum(axis=1))
        mean = float((shots @ np.minimum(plus, 1.0 - plus))[~plenty].sum())
        p_rare = min(1.0, 2.0 * min(float(poisson.sf(rare - 1, mean)), float(poisson.cdf(rare, mean))))
        p_value = min(1.0, 2.0 * min(p_value, p_rare))
    return {"p_value": p_value, "degrees_of_freedom": float(max(1, plenty.sum()))}


def collective(seen: TokenReadings, rng: np.random.Generator) -> dict[str, float]:
    """Return the tests of the sums, combined by Bonferroni."""
    bins = int(np.clip(seen.shots // 20, 2, BINS))
    p_values = []
    for values, odds, size in sums(seen.tokens, seen.contexts):
        below, width = stretch(values, odds, size, seen.which)
        observed = dealt(below, width, seen.counts, bins, rng)[None]
        p_values.append(upper_tail(pool(observed, np.full((1, bins), 1.0 / bins), seen.shots), rng)[0])
    return {"p_value": min(1.0, len(p_values) * min(p_values)), "degrees_of_freedom": float(bins - 1)}


def sums(tokens: SignArray, contexts: Contexts) -> Iterator[tuple[IntArray, FloatArray, IntArray]]:
    """Yield collective statistics: how many of n signs are +1 in each reading (U,), and the signs' odds by kind.

    The signs are independent; those of one kind have the same odds in every context: odds (C, K), counts (K,).
    """
    output = contexts.network.features[OUTPUT]
    _, size, kind = column_kinds(output)
    first = np.unique(kind, return_index=True)[1]
    for row in output:
        turned = np.where(row[first] > 0, contexts.plus[:, first], 1.0 - contexts.plus[:, first])
        yield (tokens == row).sum(axis=1), turned, size
    pairs = contexts.network.N // 2
    if pairs:
        _, one, size = np.unique(
            kind[: 2 * pairs : 2] * len(first) + kind[1 : 2 * pairs : 2], return_index=True, return_counts=True
        )
        a, b = contexts.plus[:, 2 * one], contexts.plus[:, 2 * one + 1]
        products = tokens[:, : 2 * pairs : 2] == tokens[:, 1 : 2 * pairs : 2]
        yield products.sum(axis=1), a * b + (1.0 - a) * (1.0 - b), size


def stretch(values: IntArray, odds: FloatArray, size: IntArray, which: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return ``P(X < x)`` and ``P(X = x)`` where ``values`` count the successes of independent trials, each shape (U,).

    ``u = P(X < x) + v P(X = x)`` with v uniform is uniform in [0, 1]; the distribution is the inverse Fourier transform of
    ``prod_k (1 - p_k + p_k e^{i w})^{n_k}``.

    Args:
        values: shape (U,).
        odds: of each kind of trial in each context, shape (C, K).
        size: trials of each kind, shape (K,).
        which: the context of each value, shape (U,).
    """
    trials = int(size.sum())
    below, width = np.empty(len(values)), np.empty(len(values))
    turn = np.exp(2j * np.pi * np.arange(trials + 1) / (trials + 1))
    order = np.argsort(which, kind="stable")
    bounds = np.concatenate([[0], np.cumsum(np.bincount(which, minlength=len(odds)))])
    rows = max(1, (1 << 20) // (trials + 1))
    for first in range(0, len(odds), rows):
        part = odds[first : first + rows]
        transform = np.ones((len(part), trials + 1), dtype=np.complex128)
        for kind, number in enumerate(size.tolist()):
            transform *= (1.0 - part[:, kind, None] + part[:, kind, None] * turn) ** number
        law = np.fft.fft(transform, axis=1).real.clip(min=0.0) / (trials + 1)
        less = np.concatenate([np.zeros((len(part), 1)), np.cumsum(law, axis=1)], axis=1)
        here = order[bounds[first] : bounds[min(first + rows, len(odds))]]
        row, x = which[here] - first, values[here]
        below[here], width[here] = less[row, x], law[row, x]
    return below.clip(0.0, 1.0), width


def dealt(below: FloatArray, width: FloatArray, counts: IntArray, bins: int, rng: np.random.Generator) -> FloatArray:
    """Return how many of the randomised values fall in each of equal bins of [0, 1], shape (bins,).

    A reading that occurred c times has c independent values, uniform between ``below`` and ``below + width``: they are drawn
    together, by the share of that stretch that lies in each bin.
    """
    edges = np.arange(bins + 1) / bins
    high = np.minimum(below + width, 1.0)
    inside = np.minimum(high[:, None], edges[1:]) - np.maximum(below[:, None], edges[:-1])
    shares = inside.clip(min=0.0)
    point = shares.sum(axis=1) <= 0.0  # a stretch without length is one value
    shares[point, np.minimum((below[point] * bins).astype(np.int64), bins - 1)] = 1.0
    drawn = rng.multinomial(counts, shares / shares.sum(axis=1, keepdims=True))
    return np.asarray(drawn.sum(axis=0).astype(np.float64))
