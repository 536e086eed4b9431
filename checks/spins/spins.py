# SPDX-License-Identifier: Apache-2.0
"""Sampled spins to verdicts: every token against its exact product law, and the averages against the mean field.

Given the context the spins of a token are independent with known odds. Up to three tests are made of each token, combined by
Bonferroni, and so are the tokens:

- ``tokens`` (few spins): whole tokens against the product law, one table for each context;
- ``spins``: how often each spin is -1, summed over the shots' own odds;
- ``sums``: collective statistics ``sum_i W^o_bi x_i`` and ``sum_i x_2i x_2i+1``, which spins that are not independent
  change. Their exact distribution in every shot turns the value into a number that is uniform in [0, 1] if the law holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from stinespring.checks.statistics.gtest import detectable_tvd, pool, upper_tail
from stinespring.checks.texts.verdict import decide, two_digits
from stinespring.compiler.systems.spins import SpinSamples
from stinespring.errors import InputError
from stinespring.models.spins import SpinNetwork, mean_field, run_network
from stinespring.models.spins.contexts import Contexts, distinct
from stinespring.models.spins.network import OUTPUT, SignArray, column_kinds
from stinespring.readings import BoolArray, FloatArray, IntArray

__all__ = ["MeanFieldVerdict", "SpinVerdict", "StepVerdict", "check_mean_field", "check_spins"]

Outcome = Literal["PASS", "FAIL", "UNVERIFIED"]
WHOLE = 10  # spins up to which whole tokens are tested
MOST_CELLS = 1 << 23
PLENTY = 25.0  # variance of a spin's count above which it is taken as normal
BINS = 16
INFORMATIVE = 0.25  # spread of one run's overlap above which the mean field says little
REFERENCE_RUNS = 4000


@dataclass(frozen=True)
class StepVerdict:
    """What the samples say about the law of one token.

    Attributes:
        step: 1 for the first generated token.
        verdict: PASS, FAIL or UNVERIFIED.
        p_value: combined over the tests of this token.
        resolution: smallest TVD that its best test detects with power 0.9: of the whole law for ``tokens``, of one spin's or
            one sum's distribution for the others.
        tests: p-value, degrees of freedom and resolution by test.
        reason: one sentence.
    """

    step: int
    verdict: Outcome
    p_value: float
    resolution: float
    tests: Mapping[str, Mapping[str, float]]
    reason: str


@dataclass(frozen=True)
class SpinVerdict:
    """What the samples say about all tokens.

    Attributes:
        verdict: the worst of the tokens'.
        p_value: combined over the tokens.
        steps: of each token.
        alpha: the false-alarm rate of the whole.
        shots: number of runs.
    """

    verdict: Outcome
    p_value: float
    steps: tuple[StepVerdict, ...]
    alpha: float
    shots: int

    def summary(self) -> dict[str, Any]:
        """Return the figures that ``spins sample --json`` prints."""
        return asdict(self)


def check_spins(
    samples: SpinSamples, network: SpinNetwork | None = None, *, alpha: float = 0.001, resolution: float = 0.05, seed: int = 0
) -> SpinVerdict:
    """Test sampled tokens against the exact product law of every step.

    Args:
        samples: what was sampled.
        network: the law; by default the network that was compiled. One column a spin.
        alpha: the false-alarm rate of the whole.
        resolution: the TVD that a PASS must have been able to detect.
        seed: of the randomised values of discrete sums, and of simulated p-values.

    Raises:
        InputError: alpha or resolution out of range.
    """
    for name, value in (("alpha", alpha), ("resolution", resolution)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
            raise InputError(f"{name} is out of range", got=value, expected="a number between 0 and 1")
    law, rng = network or samples.program.network, np.random.default_rng(seed)
    share = alpha / samples.program.steps
    contexts, which = Contexts.start(law), np.zeros(samples.shots, dtype=np.int64)
    steps = []
    for step in range(samples.program.steps):
        tokens = samples.tokens[:, step]
        steps.append(judge(step + 1, tokens, contexts, which, share, resolution, rng))
        if step < samples.program.steps - 1:
            first, grown = distinct(samples.tokens[:, max(0, step + 1 - law.L) : step + 1])
            contexts, which = contexts.after(which[first], tokens[first]), grown
    p_value = min(1.0, len(steps) * min(found.p_value for found in steps))
    return SpinVerdict(worst([found.verdict for found in steps]), p_value, tuple(steps), alpha, samples.shots)


def worst(outcomes: list[Outcome]) -> Outcome:
    """Return the worst verdict."""
    order: tuple[Outcome, ...] = ("FAIL", "UNVERIFIED", "PASS")
    return next(outcome for outcome in order if outcome in outcomes)


def judge(
    step: int, tokens: SignArray, contexts: Contexts, which: IntArray, alpha: float, resolution: float,
    rng: np.random.Generator,
) -> StepVerdict:  # fmt: skip
    """Return the verdict on one token; ``alpha`` is its share of the false-alarm rate."""
    tests: dict[str, dict[str, float]] = {}
    if contexts.network.N <= WHOLE and len(contexts.plus) << contexts.network.N <= MOST_CELLS:
        tests["tokens"] = whole_tokens(tokens, contexts, which, rng)
    tests["spins"] = single_spins(tokens, contexts, which)
    tests["sums"] = collective(tokens, contexts, which, rng)
    shots = len(tokens)
    for test in tests.values():
        found = detectable_tvd(int(test["degrees_of_freedom"]), shots, alpha / len(tests)) + test.pop("hidden", 0.0)
        test["resolution"] = min(1.0, found)
    p_value = min(1.0, len(tests) * min(test["p_value"] for test in tests.values()))
    best = min(test["resolution"] for test in tests.values())
    needed = two_digits(shots * (best / resolution) ** 2) if best > resolution else None
    verdict, reason = decide(p_value, alpha, best, resolution, needed, f"{shots:,} shots")
    whole = f"; of whole tokens {tests['tokens']['resolution']:.3g}" if "tokens" in tests else ""
    reason += f" (TVD of one spin or sum{whole})"
    return StepVerdict(step, verdict, p_value, best, tests, reason)


def whole_tokens(tokens: SignArray, contexts: Contexts, which: IntArray, rng: np.random.Generator) -> dict[str, float]:
    """Return the G-test of whole tokens, one table for each context."""
    N, rows = contexts.network.N, len(contexts.plus)
    law = np.ones((rows, 1))
    for spin in reversed(range(N)):  # bit i of a code is spin i
        plus = contexts.plus[:, spin, None]
        law = np.concatenate([law[:, :, None] * plus[:, :, None], law[:, :, None] * (1.0 - plus)[:, :, None]], axis=2)
        law = law.reshape(rows, -1)
    codes = (tokens < 0).astype(np.int64) @ (1 << np.arange(N))
    observed = np.bincount(which << N | codes, minlength=rows << N).reshape(rows, -1).astype(np.float64)
    cells = pool(observed, law, len(tokens))
    p_value, _ = upper_tail(cells, rng)
    if (observed[law == 0] > 0).any():
        p_value = 0.0
    return {"p_value": p_value, "degrees_of_freedom": float(cells.degrees), "hidden": cells.hidden}


def single_spins(tokens: SignArray, contexts: Contexts, which: IntArray) -> dict[str, float]:
    """Return the test of each spin's count: ``sum_i Z_i^2`` against chi-squared; rare outcomes together by their number."""
    from scipy.stats import chi2, poisson

    shots = np.bincount(which, minlength=len(contexts.plus)).astype(np.float64)
    plus = contexts.plus
    expected, variance = shots @ plus, shots @ (plus * (1.0 - plus))
    plenty = variance >= PLENTY
    z = ((tokens > 0).sum(axis=0) - expected)[plenty] / np.sqrt(variance[plenty])
    p_value = float(chi2.sf((z**2).sum(), plenty.sum())) if plenty.any() else 1.0
    if not plenty.all():
        likely = np.where(plus[which][:, ~plenty] >= 0.5, 1, -1)
        rare = int((tokens[:, ~plenty] != likely).sum())
        mean = float((shots @ np.minimum(plus, 1.0 - plus))[~plenty].sum())
        p_rare = min(1.0, 2.0 * min(float(poisson.sf(rare - 1, mean)), float(poisson.cdf(rare, mean))))
        p_value = min(1.0, 2.0 * min(p_value, p_rare))
    return {"p_value": p_value, "degrees_of_freedom": float(max(1, plenty.sum()))}


def collective(tokens: SignArray, contexts: Contexts, which: IntArray, rng: np.random.Generator) -> dict[str, float]:
    """Return the tests of the sums, combined by Bonferroni."""
    bins = int(np.clip(len(tokens) // 20, 2, BINS))
    p_values = []
    for values, odds, counts in sums(tokens, contexts):
        places = np.minimum((uniform(values, odds, counts, which, rng) * bins).astype(np.int64), bins - 1)
        observed = np.bincount(places, minlength=bins)[None].astype(np.float64)
        p_values.append(upper_tail(pool(observed, np.full((1, bins), 1.0 / bins), len(tokens)), rng)[0])
    return {"p_value": min(1.0, len(p_values) * min(p_values)), "degrees_of_freedom": float(bins - 1)}


def sums(tokens: SignArray, contexts: Contexts) -> Iterator[tuple[IntArray, FloatArray, IntArray]]:
    """Yield collective statistics: how many of n signs are +1 in each shot (shots,), and the signs' odds by kind.

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


def uniform(values: IntArray, odds: FloatArray, counts: IntArray, which: IntArray, rng: np.random.Generator) -> FloatArray:
    """Return numbers that are uniform in [0, 1] if ``values`` count the successes of independent trials.

    ``u = P(X < x) + v P(X = x)`` with v uniform; the distribution is the inverse Fourier transform of
    ``prod_k (1 - p_k + p_k e^{i w})^{n_k}``.
    """
    trials, result = int(counts.sum()), np.empty(len(values))
    turn = np.exp(2j * np.pi * np.arange(trials + 1) / (trials + 1))
    order = np.argsort(which, kind="stable")
    bounds = np.concatenate([[0], np.cumsum(np.bincount(which, minlength=len(odds)))])
    rows = max(1, (1 << 20) // (trials + 1))
    for first in range(0, len(odds), rows):
        part = odds[first : first + rows]
        transform = np.ones((len(part), trials + 1), dtype=np.complex128)
        for kind, number in enumerate(counts.tolist()):
            transform *= (1.0 - part[:, kind, None] + part[:, kind, None] * turn) ** number
        law = np.fft.fft(transform, axis=1).real.clip(min=0.0) / (trials + 1)
        below = np.concatenate([np.zeros((len(part), 1)), np.cumsum(law, axis=1)], axis=1)
        shots = order[bounds[first] : bounds[min(first + rows, len(odds))]]
        row, x = which[shots] - first, values[shots]
        result[shots] = below[row, x] + rng.random(len(shots)) * law[row, x]
    return result.clip(0.0, 1.0)


@dataclass(frozen=True)
class MeanFieldVerdict:
    """What the averages over the runs say about the mean field, the limit of infinitely many spins.

    Attributes:
        verdict: of all averages: the worst of ``steps``.
        reason: one sentence; it names the step and the component that decide.
        steps: of each token. PASS if its averages are certainly within the spread that a single run of N spins has; FAIL if one
            certainly is not, although the exact law of N spins is; UNVERIFIED otherwise, in particular where the spread, here
            or at an earlier step, is so large or the exact averages so far off that the limit says little about N spins.
        mean: averages of ``<W^o_b x>`` over the sampled runs, shape (T, M).
        standard_error: of them, shape (T, M).
        mean_field: shape (T, M).
        spread: standard deviation of one run, from simulated runs that are exact in law, shape (T, M).
        finite_size: average over those runs minus the mean field, shape (T, M).
        exact_p_value: that the sampled averages are those of the simulated runs.
        exact_verdict: PASS or FAIL by it.
    """

    verdict: Outcome
    reason: str
    steps: tuple[Outcome, ...]
    mean: FloatArray
    standard_error: FloatArray
    mean_field: FloatArray
    spread: FloatArray
    finite_size: FloatArray
    exact_p_value: float
    exact_verdict: Literal["PASS", "FAIL"]

    def summary(self) -> dict[str, Any]:
        """Return the figures that ``spins sample --json`` prints."""
        return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in asdict(self).items()}


def check_mean_field(samples: SpinSamples, *, alpha: float = 0.001, seed: int = 0) -> MeanFieldVerdict:
    """Compare the averages of the overlaps over sampled runs with the mean field.

    Args:
        samples: what was sampled; at least two shots.
        alpha: the false-alarm rate of each of the two verdicts.
        seed: of the simulated runs.
    """
    from scipy.stats import norm

    network, steps = samples.program.network, samples.program.steps
    if samples.shots < 2:
        raise InputError("one run has no standard error", got="1 shot", expected="at least 2")
    sampled = samples.tokens.astype(np.float64) @ network.features[OUTPUT].T.astype(np.float64) / network.N
    mean, error = sampled.mean(axis=0), sampled.std(axis=0, ddof=1) / np.sqrt(samples.shots)
    runs = run_network(network, steps=steps, runs=REFERENCE_RUNS, seed=seed).m_o[0]
    spread, simulated = runs.std(axis=0, ddof=1), runs.mean(axis=0)
    limit = mean_field(network, steps=steps).m_o[0, 1:]
    quantile = float(norm.isf(alpha / (2 * mean.size)))
    far, reach = abs(mean - limit), quantile * spread / np.sqrt(samples.shots) + 1e-12
    together = np.sqrt(spread**2 / samples.shots + spread**2 / REFERENCE_RUNS) + 1e-12
    exact = min(1.0, mean.size * 2.0 * float(norm.sf((abs(mean - simulated) / together).max())))
    drawn = quantile * spread / np.sqrt(REFERENCE_RUNS)
    comparable = (spread <= INFORMATIVE) & (abs(simulated - limit) + drawn <= spread + 1e-12)
    outcomes, reason = compare(far, spread, reach, comparable, network.N)
    return MeanFieldVerdict(
        worst(list(outcomes)), reason, outcomes, mean, error, limit, spread, simulated - limit, exact,
        "FAIL" if exact < alpha else "PASS",
    )  # fmt: skip


def compare(
    far: FloatArray, spread: FloatArray, reach: FloatArray, comparable: BoolArray, spins: int
) -> tuple[tuple[Outcome, ...], str]:
    """Return each step's verdict on its distances from the mean field, and a reason.

    Args:
        far: distances of the averages, shape (T, M).
        spread: of one run, shape (T, M).
        reach: by how much the averages may be off, shape (T, M).
        comparable: where the exact law of so many spins is near the mean field, shape (T, M).
        spins: N.
    """
    trusted = np.logical_and.accumulate(comparable.all(axis=1))  # what an earlier token scattered, later ones inherit
    beyond, within = far - reach > spread + 1e-12, far + reach <= spread + 3e-12
    outcomes = tuple([step_outcome(bool(trusted[t]), bool(beyond[t].any()), bool(within[t].all())) for t in range(len(far))])
    if "FAIL" in outcomes:
        shown = np.where(trusted[:, None] & beyond, far - reach - spread, -np.inf)
        return outcomes, f"{place(shown, far, spread, spins)}: further off than {spins:,} spins scatter"
    if not trusted.all():
        first = int(np.argmin(trusted))
        worst_here = np.full(far.shape, -np.inf)
        worst_here[first] = np.where(comparable[first], -np.inf, spread[first])
        widest = float(spread.max())
        advice = f"about {two_digits(spins * (widest / INFORMATIVE) ** 2):,} would do" if widest > INFORMATIVE else "take more"
        return outcomes, f"{place(worst_here, far, spread, spins)}: too few spins for the limit from there on, {advice}"
    if "UNVERIFIED" in outcomes:
        return outcomes, f"{place(np.where(within, -np.inf, far + reach - spread), far, spread, spins)}: too few shots to tell"
    return outcomes, place(far, far, spread, spins)


def step_outcome(trusted: bool, beyond: bool, within: bool) -> Outcome:
    """Return one step's verdict: nothing is known where the mean field says little about N spins."""
    if trusted and beyond:
        return "FAIL"
    return "PASS" if trusted and within else "UNVERIFIED"


def place(weight: FloatArray, far: FloatArray, spread: FloatArray, spins: int) -> str:
    """Return in words where ``weight`` is largest: step, component, distance and spread."""
    step, component = np.unravel_index(int(np.argmax(weight)), weight.shape)
    return (
        f"step {step + 1}, component {component + 1}: the average is {far[step, component]:.3g} from the mean field; one run "
        f"of {spins:,} spins spreads by {spread[step, component]:.3g} there"
    )
