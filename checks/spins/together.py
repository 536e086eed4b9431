# SPDX-License-Identifier: Apache-2.0
"""All spins of all sampled tokens together: whole sequences where they can be listed, and every pair of spins.

Given all that was read before, every spin has known odds, so that its product with any earlier spin, or with two of them, or
with the parity of all, has a known mean: spins that copy others show there, however right each one is on its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stinespring.checks.statistics.bits import Features, FeatureSums
from stinespring.checks.statistics.distance import LEAST, measured_distance
from stinespring.checks.statistics.family import ScopedTest, of_table
from stinespring.checks.statistics.gtest import detectable_tvd, pool
from stinespring.checks.statistics.ruling import decide
from stinespring.checks.statistics.table_test import tested
from stinespring.models.spins.law import SpinLaw, codes_of, visited
from stinespring.models.spins.network import SignArray
from stinespring.readings import FloatArray, IntArray
from stinespring.stages import Distance, Verdict

__all__ = ["FAMILY", "distance_of", "judge_together", "together_tests"]

FAMILY = 3  # tests that share the false-alarm rate
MOST_CELLS = 1 << 22  # spins of one chunk of readings
WHOLE = "whole sequences of tokens, every deviation"


def together_tests(
    law: SpinLaw, tokens: SignArray, counts: IntArray, alpha: float, rng: np.random.Generator
) -> list[ScopedTest]:
    """Return the tests of whole sequences, pairs and triples of spins.

    Args:
        law: of the tokens.
        tokens: shape (U, T, N).
        counts: shape (U,).
        alpha: the false-alarm rate of all of them together.
        rng: of simulated p-values.
    """
    share, shots = alpha / FAMILY, int(counts.sum())
    sums = FeatureSums(features_of(law), len(tokens))
    odds = odds_of(law, tokens)
    rows = max(1, MOST_CELLS // sums.features.width)
    for begin in range(0, len(tokens), rows):
        signs = tokens[begin : begin + rows].reshape(-1, sums.features.width).astype(np.float64)
        up = odds[begin : begin + rows]
        sums.add(signs, (signs + 1.0) / 2.0 - up, up * (1.0 - up), counts[begin : begin + rows])
    found = [test for test in sums.tests(share) if test.scope != "bits"]
    if law.listed is not None and law.steps > 1:
        found.append(sequences(law.listed, codes_of(tokens), counts, share, rng))
    elif not sums.variance.any():  # one sequence is certain: anything else has probability 0
        found.append(ScopedTest("sequences", "all", WHOLE, 1.0, "no degree of freedom", detectable_tvd(0, shots, share), 0))
    return found


def features_of(law: SpinLaw) -> Features:
    """Return every spin of every token as a feature."""
    N = law.columns.N
    places = [f"token {step + 1} spin {spin + 1}" for step in range(law.steps) for spin in range(N)]
    return Features(
        places, np.arange(law.steps * N), 1, "each spin", "any two spins of any tokens", "any three spins of any tokens",
        "the parity of all spins up to each",
    )  # fmt: skip


def odds_of(law: SpinLaw, tokens: SignArray) -> FloatArray:
    """Return the odds of +1 of every spin in the context it was drawn in, shape (U, T N)."""
    return np.concatenate([contexts.plus[which] for _, contexts, which in visited(law.columns, tokens)], axis=1)


def sequences(
    listed: tuple[IntArray, FloatArray], codes: IntArray, counts: IntArray, alpha: float, rng: np.random.Generator
) -> ScopedTest:
    """Return the G-test of whole sequences of tokens; one of probability 0 is seen by the tokens' own tests."""
    _, probabilities = listed
    observed, shots = tallied(listed, codes, counts), int(counts.sum())
    return of_table(tested("sequences", pool(observed[None], probabilities[None], shots), shots, alpha, rng), "all", WHOLE)


def tallied(listed: tuple[IntArray, FloatArray], codes: IntArray, counts: IntArray) -> FloatArray:
    """Return the counts of every sequence of tokens, shape (U,)."""
    rows, _ = listed
    number = {tuple(row): i for i, row in enumerate(rows.tolist())}
    at = [number[tuple(row)] for row in codes.tolist()]
    return np.bincount(at, weights=counts, minlength=len(rows)).astype(np.float64)


def distance_of(law: SpinLaw, tokens: SignArray, counts: IntArray) -> Distance:
    """Return the distance between the frequencies of whole sequences and their law; beyond 16 spins of those that were read."""
    if law.listed is not None:
        return measured_distance(tallied(law.listed, codes_of(tokens), counts), law.listed[1])
    up, signs = odds_of(law, tokens), tokens.reshape(len(tokens), -1)
    with np.errstate(divide="ignore"):
        logs = np.log(np.where(signs > 0, up, 1.0 - up)).sum(axis=1)
    probabilities = np.where(logs > -np.inf, np.maximum(np.exp(logs), LEAST), 0.0)
    return measured_distance(counts.astype(np.float64), probabilities)


def judge_together(tests: Sequence[ScopedTest], alpha: float, resolution: float, shots: int) -> Verdict:
    """Return the verdict on all spins together; its resolution is that of its best test."""
    if not tests:
        return Verdict("PASS", "a single spin is its own whole", 1.0, alpha, shots, 0.0)
    p_value = min(1.0, FAMILY * min(test.p_value for test in tests))
    best = min(tests, key=lambda test: test.resolution)
    ruling, reason = decide(p_value, alpha, best.resolution, resolution, None, f"{shots:,} shots")
    first = min(tests, key=lambda test: test.p_value)
    words = f" in {first.against}, {first.where}" if ruling == "FAIL" else f" in {best.against}"
    details = {test.name: test.summary() for test in tests}
    return Verdict(ruling, reason + words, p_value, alpha, shots, best.resolution, details=details)
