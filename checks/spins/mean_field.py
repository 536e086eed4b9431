# SPDX-License-Identifier: Apache-2.0
"""Averages of sampled spins against the mean field, the limit of infinitely many spins, and against the exact law of N."""

from __future__ import annotations

from typing import Any

import numpy as np

from stinespring.checks.combine import worst
from stinespring.checks.statistics.ruling import two_digits
from stinespring.checks.statistics.special import normal_head, normal_quantile
from stinespring.errors import InputError
from stinespring.models.spins import mean_field, run_network
from stinespring.models.spins.contexts import tokens_of
from stinespring.models.spins.network import OUTPUT
from stinespring.readings import BoolArray, FloatArray
from stinespring.stages import Ruling, Samples, Verdict

__all__ = ["check_mean_field", "mean_field_summary"]

INFORMATIVE = 0.25  # spread of one run's overlap above which the mean field says little
REFERENCE_RUNS = 4000


def check_mean_field(samples: Samples, *, alpha: float = 0.001, seed: int = 0) -> Verdict:
    """Compare the averages of the overlaps over sampled runs with the mean field.

    Args:
        samples: what was sampled; at least two shots.
        alpha: the false-alarm rate of each of the two verdicts.
        seed: of the simulated runs.

    Returns:
        The verdict on the mean field, the worst of all steps, with the figures

        - ``steps``: of each token PASS if its averages are certainly within the spread that a single run of N spins has; FAIL
          if one certainly is not, although the exact law of N spins is; UNVERIFIED otherwise, in particular where the spread,
          here or at an earlier step, is so large or the exact averages so far off that the limit says little about N spins;
        - ``mean``: averages of ``<W^o_b x>`` over the sampled runs, T x M, and their ``standard_error``;
        - ``mean_field``, and ``spread``: standard deviation of one run, from simulated runs that are exact in law;
        - ``finite_size``: average over those runs minus the mean field;
        - ``exact_p_value``, ``exact_verdict``: that the sampled averages are those of the simulated runs, also the part
          ``averages``.

    Raises:
        InputError: a single shot.
    """
    network, steps, [outcomes] = samples.source.one_column_a_spin(), samples.asked.steps, samples.outcomes
    shots = outcomes.shots
    if shots < 2:
        raise InputError("one run has no standard error", got="1 shot", expected="at least 2")
    tokens = tokens_of(outcomes, steps, network.N).astype(np.float64)
    sampled = tokens @ network.features[OUTPUT].T.astype(np.float64) / network.N
    mean = np.einsum("u,utb->tb", outcomes.counts / shots, sampled)
    variance = np.einsum("u,utb->tb", outcomes.counts / (shots - 1), (sampled - mean) ** 2)
    runs = run_network(network, steps=steps, runs=REFERENCE_RUNS, seed=seed).m_o[0]
    spread, simulated = runs.std(axis=0, ddof=1), runs.mean(axis=0)
    limit = mean_field(network, steps=steps).m_o[0, 1:]
    quantile = normal_quantile(alpha / (2 * mean.size))
    far, reach = abs(mean - limit), quantile * spread / np.sqrt(shots) + 1e-12
    together = np.sqrt(spread**2 / shots + spread**2 / REFERENCE_RUNS) + 1e-12
    exact = min(1.0, mean.size * 2.0 * float(normal_head(-(abs(mean - simulated) / together).max())))
    drawn = quantile * spread / np.sqrt(REFERENCE_RUNS)
    comparable = (spread <= INFORMATIVE) & (abs(simulated - limit) + drawn <= spread + 1e-12)
    outcome, reason = compare(far, spread, reach, comparable, network.N)
    averages = Verdict(
        "FAIL" if exact < alpha else "PASS", f"averages of the exact law of finite N: p = {exact:.3g}", exact, alpha, shots
    )
    figures = {
        "steps": list(outcome), "mean": mean.tolist(), "standard_error": np.sqrt(variance / shots).tolist(),
        "mean_field": limit.tolist(), "spread": spread.tolist(), "finite_size": (simulated - limit).tolist(),
        "exact_p_value": exact, "exact_verdict": averages.verdict,
    }  # fmt: skip
    return Verdict(worst(outcome), reason, alpha=alpha, shots=shots, figures=figures, parts={"averages": averages})


def mean_field_summary(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict of :func:`check_mean_field` as ``spins sample --json`` prints it."""
    return {"verdict": verdict.verdict, "reason": verdict.reason, **verdict.figures}


def compare(
    far: FloatArray, spread: FloatArray, reach: FloatArray, comparable: BoolArray, spins: int
) -> tuple[tuple[Ruling, ...], str]:
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


def step_outcome(trusted: bool, beyond: bool, within: bool) -> Ruling:
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
