# SPDX-License-Identifier: Apache-2.0
"""Layers on the sphere, sampled: amplitudes, fidelities, overlaps and the energy, each against its analytic value."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from stinespring.checks.combine import worst
from stinespring.checks.statistics.ruling import require_shares
from stinespring.checks.statistics.special import binomial, normal_quantile
from stinespring.checks.tables import check_tables
from stinespring.models.sphere.landscape.measure import require_energy
from stinespring.models.sphere.layer_law import ANCILLA, tally
from stinespring.models.sphere.model import SphereModel
from stinespring.models.sphere.overlaps import energy_terms, overlaps_of
from stinespring.readings import FloatArray, IntArray
from stinespring.stages import Ruling, Samples, Verdict

__all__ = ["check_energy", "check_layers", "check_overlaps", "overlaps_summary"]

ROUNDING = 1e-12
POWER = 1.281552  # normal quantile of 0.9
ENERGY = ("estimate", "analytic", "expected", "standard_deviation")


def check_layers(samples: Samples, *, alpha: float = 0.001, resolution: float = 0.05, seed: int = 0) -> Verdict:
    """Test sampled layers by one G-test over all circuits; an outcome of probability 0 is a FAIL.

    Amplitudes show no signs: those are seen by the fidelity, whose register is 0 if and only if the state is right.

    Args:
        samples: of layers, one entry a circuit.
        alpha: the false-alarm rate.
        resolution: the mean TVD that a PASS must be able to detect.
        seed: of Monte-Carlo p-values.

    Returns:
        The verdict; its figure ``circuits`` has for each circuit what ``sphere sample --json`` prints.
    """
    verdict = check_tables(samples, alpha=alpha, resolution=resolution, seed=seed, what="circuits")
    return replace(verdict, figures={**verdict.figures, "circuits": circuit_figures(samples)})


def circuit_figures(samples: Samples) -> list[dict[str, Any]]:
    """Return for each circuit what it is, its law, and its counts of each value with success and of failures."""
    laws, asked = samples.asked.law(samples.source).circuits, samples.asked.circuits
    result = []
    for circuit, law, outcomes in zip(asked, laws, samples.outcomes, strict=True):
        *counts, failures = [int(count) for count in tally(law, outcomes)]
        *probabilities, failure = law.probabilities.tolist()
        result.append({
            "particle": circuit.particle, "read": circuit.read, "success_probability": 1.0 - failure, "law": probabilities,
            "counts": counts, "failures": failures,
        })  # fmt: skip
    return result


def check_overlaps(samples: Samples, *, alpha: float = 0.001, resolution: float = 0.05, seed: int = 0) -> Verdict:
    """Test sampled overlaps, and the energy where they give one.

    Args:
        samples: of ``read="hadamard"`` (``<u|v>`` with its sign) or ``read="swap"`` (``<u|v>^2``), one entry a pair.
        alpha: the false-alarm rate of each of the two verdicts.
        resolution: the mean TVD, and the relative error of the energy, that a PASS must be able to detect.
        seed: of Monte-Carlo p-values.

    Returns:
        The worse of the two verdicts, with the figures of the overlaps; its parts are ``overlaps`` and ``energy``.
    """
    pairs = check_tables(samples, alpha=alpha, resolution=resolution, seed=seed, what="pairs")
    parts = {"overlaps": pairs}
    if samples.asked.read == "hadamard" and samples.source.is_gradient:
        parts["energy"] = check_energy(samples, alpha=alpha, resolution=resolution)
    ruling = worst(part.verdict for part in parts.values())
    exact = overlaps_of(samples.source)
    zeros, shots = zeros_of(samples)
    figures = {
        **pairs.figures, "test": samples.asked.read, "pairs": len(exact), "sampled": (2.0 * zeros / shots - 1.0).tolist(),
        "analytic": (exact if samples.asked.read == "hadamard" else exact**2).tolist(),
        "energy": energy_figures(parts["energy"]) if "energy" in parts else None,
    }  # fmt: skip
    reason = pairs.reason if ruling == pairs.verdict else parts["energy"].reason
    return replace(pairs, verdict=ruling, reason=reason, figures=figures, parts=parts)


def overlaps_summary(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict of :func:`check_overlaps` as ``sphere overlaps --json`` prints it, with the reason of the overlaps."""
    return verdict.parts["overlaps"].summary() | {"verdict": verdict.verdict, **verdict.figures}


def check_energy(samples: Samples, *, alpha: float = 0.001, resolution: float = 0.05) -> Verdict:
    """Test the energy that sampled overlaps give.

    FAIL if the estimate is further from its expectation than chance allows at ``alpha``; UNVERIFIED if a deviation of
    ``resolution`` times the energy's size would not have been seen with power 0.9.

    Args:
        samples: of ``read="hadamard"``, one entry a pair.
        alpha: the false-alarm rate.
        resolution: the relative error that a PASS must be able to detect.

    Returns:
        The verdict; its p-value is two-sided, by the normal approximation to a sum over independent pairs, its resolution the
        relative error that is detected. Its figures are ``estimate`` (from the sampled overlaps), ``analytic`` (the energy
        itself), ``expected`` (mean of the estimate under the analytic overlaps, by exact sums over binomial laws: it differs
        from the energy by a bias of order 1/shots, because the energy is no linear function of overlaps) and its
        ``standard_deviation``.

    Raises:
        InputError: outside the gradient case, or an energy that float64 cannot hold.
    """
    require_shares(alpha, resolution)
    model = samples.source
    require_energy(model)
    zeros, shots = zeros_of(samples)
    alone = math.exp(0.0 if model.kernel == "scaled" else model.beta) / (2.0 * model.beta * model.n)  # pairs (i, i): overlap 1
    estimate = expected = analytic = alone
    variance = size = 0.0
    for pair, value in enumerate(overlaps_of(model).tolist()):
        mean, spread = moments(model, pair, value, int(shots[pair]))
        expected, variance = expected + mean, variance + spread
        estimate += term(model, 2.0 * float(zeros[pair]) / float(shots[pair]) - 1.0, pair)
        true = term(model, value, pair)
        analytic, size = analytic + true, size + abs(true)
    deviation, off, scale = math.sqrt(variance), abs(estimate - expected), alone + size
    p_value = float(off <= ROUNDING * scale) if deviation == 0 else math.erfc(off / deviation / math.sqrt(2.0))
    detects = (normal_quantile(alpha / 2) + POWER) * deviation / scale
    ruling: Ruling = "FAIL" if p_value < alpha else "PASS" if detects <= resolution else "UNVERIFIED"
    reason = (
        f"energy {estimate:.6g} sampled, {analytic:.6g} analytic, {expected:.6g} +- {deviation:.2g} expected of the estimate, "
        f"p = {p_value:.3g}"
    )
    figures = dict(zip(ENERGY, (estimate, analytic, expected, deviation), strict=True))
    return Verdict(ruling, reason, p_value, alpha, int(shots.min()), detects, figures=figures)


def energy_figures(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict of :func:`check_energy` as the entry ``energy`` of ``sphere overlaps --json``."""
    return {"verdict": verdict.verdict, **verdict.figures, "p_value": verdict.p_value}


def moments(model: SphereModel, pair: int, overlap: float, shots: int) -> tuple[float, float]:
    """Return mean and variance of what a pair adds to the estimate, by a sum over the binomial law of its count."""
    p = (1.0 + overlap) / 2.0
    reach = 12.0 * math.sqrt(shots * p * (1 - p)) + 30.0
    k = np.arange(max(0, math.floor(shots * p - reach)), min(shots, math.ceil(shots * p + reach)) + 1)
    terms, weights = energy_terms(model, 2.0 * k / shots - 1.0, pair), binomial(k.astype(np.float64), shots, p)
    mean = float(weights @ terms)
    return mean, float(weights @ (terms - mean) ** 2)


def term(model: SphereModel, overlap: float, pair: int) -> float:
    """Return what a pair of this overlap adds to the energy."""
    return float(energy_terms(model, np.array([overlap]), pair)[0])


def zeros_of(samples: Samples) -> tuple[IntArray, FloatArray]:
    """Return how often the ancilla of each pair read 0, and out of how many shots."""
    zeros = [int(part.counts[part.column(ANCILLA) == 0].sum()) for part in samples.outcomes]
    return np.array(zeros), np.array([part.shots for part in samples.outcomes], dtype=np.float64)
