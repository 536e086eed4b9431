# SPDX-License-Identifier: Apache-2.0
"""The verdict on a run with randomised flips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from stinespring.checks.flipped import check_flipped
from stinespring.checks.plain.flips import flips_differ
from stinespring.checks.within import equivalent
from stinespring.pipeline.readout.flips import FlipPlan, without_errors
from stinespring.pipeline.running import check, looked_at
from stinespring.readings import Outcomes
from stinespring.stages import Samples, Verdict

__all__ = ["judged_flips"]


def judged_flips(
    samples: Samples, verdict: Verdict, note: Mapping[str, Any], readings: Sequence[Outcomes], *, resolution: float
) -> tuple[Verdict, dict[str, Any]]:
    """Return the verdict on the signed shares of randomised circuits, and what was done.

    Args:
        samples: with the readings of all circuits.
        verdict: of all readings as they are, deliberate errors among them: its rate and its distance are taken.
        note: what was planned.
        readings: of the calibration.
        resolution: the TVD that a PASS must have been able to detect.
    """
    plan, within = FlipPlan.of(note["flips"]), verdict.figures.get("within")
    signed = plan.signed(samples.registers, samples.readings[0], readings)
    judged = check_flipped(samples, signed, alpha=verdict.alpha, resolution=resolution)
    told = judged.details["mitigation"]
    if within is not None:
        judged = equivalent(judged, within, bound=samples.tvd_bound if samples.claim is not None else 0.0)
    wrong = flips_differ(samples, note["flips"], readings, told["quasi_probabilities"])
    if wrong is not None:
        judged = replace(judged, verdict="FAIL", reason=f"{wrong}; {judged.reason}")
    judged = looked_at(samples, judged)
    plain = check(without_errors(samples, plan), alpha=verdict.alpha, resolution=resolution, within=within or "none")
    tvd = None if plain.distance is None else plain.distance.tvd
    without = {"verdict": plain.verdict, "p_value": plain.p_value, "tvd": tvd, "reason": plain.reason, "shots": plain.shots}
    places = [f"{qubit} on the way" if mid else str(qubit) for qubit, mid in plan.kinds]
    told = {
        **told, "readout_rates": dict(zip(places, told["readout_rates"], strict=True)), "mode": note["mode"],
        "measurements": sum(reading.steers for reading in plan.readings), "without": without,
        "calibration_shots": readings[0].shots,
    }  # fmt: skip
    return replace(judged, details={**judged.details, "mitigation": told}), told
