# SPDX-License-Identifier: Apache-2.0
"""One sampled token of spins against its product law.

- ``tokens`` (few spins): whole tokens against the product law, one table for each context;
- ``spins``: how often each spin is -1, summed over the shots' own odds;
- ``sums``: collective statistics ``sum_i W^o_bi x_i`` and ``sum_i x_2i x_2i+1``, which spins that are not independent
  change. Their exact distribution in every shot turns the value into a number that is uniform in [0, 1] if the law holds.

Readings are distinct texts with their counts; they are never written out shot by shot.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from stinespring.checks.statistics.gtest import detectable_tvd, pool, upper_tail
from stinespring.checks.statistics.ruling import decide, two_digits
from stinespring.checks.statistics.special import chi_squared_tail, gamma_head, gamma_tail
from stinespring.checks.statistics.uniform import dealt
from stinespring.models.spins.contexts import Contexts
from stinespring.models.spins.law import WHOLE, codes_of, token_law
from stinespring.models.spins.network import OUTPUT, SignArray, column_kinds
from stinespring.readings import FloatArray, IntArray
from stinespring.stages import Verdict

__all__ = ["TokenReadings", "judge", "stretch"]

MOST_CELLS = 1 << 23
PLENTY = 25.0  # variance of a spin's count above which it is taken as normal
BINS = 16


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
    plus, tokens = seen.contexts.plus, seen.tokens
    shots = np.bincount(seen.which, weights=seen.counts, minlength=len(plus)).astype(np.float64)
    expected, variance = shots @ plus, shots @ (plus * (1.0 - plus))
    plenty = variance >= PLENTY
    z = (seen.counts @ (tokens > 0) - expected)[plenty] / np.sqrt(variance[plenty])
    p_value = chi_squared_tail(float((z**2).sum()), float(plenty.sum())) if plenty.any() else 1.0
    if not plenty.all():
        likely = np.where(plus[seen.which][:, ~plenty] >= 0.5, 1, -1)
        rare = int(seen.counts @ (tokens[:, ~plenty] != likely).sum(axis=1))
        mean = float((shots @ np.minimum(plus, 1.0 - plus))[~plenty].sum())
        p_rare = min(1.0, 2.0 * min(gamma_head(rare, mean) if rare else 1.0, gamma_tail(rare + 1, mean)))
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
