# SPDX-License-Identifier: Apache-2.0
"""A verdict on signed shares of randomised circuits: the law of the bits with the larger noise that signs and rates bring."""

from __future__ import annotations

from typing import Any

import numpy as np

from stinespring.checks.codes import codes_law, judged_registers
from stinespring.checks.mitigated import interval
from stinespring.checks.statistics.distance import CONFIDENCE
from stinespring.checks.statistics.gtest import detectable_tvd
from stinespring.checks.statistics.interval import quantile
from stinespring.checks.statistics.ruling import decide, require_shares, two_digits
from stinespring.checks.statistics.wald import signed_wald
from stinespring.checks.texts.verdict import bound_of, with_bound
from stinespring.errors import InputError, TooLargeError
from stinespring.readings import FloatArray, Outcomes, decoded
from stinespring.readout import SignedReadings
from stinespring.stages import Distance, Samples, Verdict

__all__ = ["check_flipped", "quasi_by_text"]

ROUNDING = 1e-12  # probabilities up to this are rounding
WORST = 0.45  # a bit that is wrong as often says nothing
LEFT_OUT = 0.2  # of 1 / sqrt(shots): errors that were not planned for shift the statistic by less than 0.2


def check_flipped(
    samples: Samples, signed: SignedReadings, *, alpha: float = 0.001, resolution: float = 0.05
) -> Verdict:  # fmt: skip
    """Test signed shares of randomised circuits against the law of their source.

    FAIL if Wald's test of the shares against the law as it would be read has a p-value below ``alpha``; UNVERIFIED if it would
    not have detected a law at TVD ``resolution``; else PASS. Bits that steered nothing are compared as they are read, with the
    symmetric errors in the law. Where the measured rates are so far above those that were planned for that what was not run
    matters, the test says nothing: UNVERIFIED.

    Args:
        samples: whose source, request, claim and registers count.
        signed: the shares of what their registers hold.
        alpha: the false-alarm rate.
        resolution: the TVD that a PASS must have been able to detect.

    Raises:
        InputError: rates of a half and more.
        TooLargeError: more than 16 bits, or a law that cannot be listed.
    """
    require_shares(alpha, resolution)
    if float(signed.rates.max(initial=0.0)) >= WORST:
        raise InputError("a qubit's reading says nothing", got=f"wrong at {signed.rates.max():.2g}", expected="well below 0.5")
    law = codes_law(samples)
    if law is None:
        raise TooLargeError(
            "the law over the registers' codes cannot be listed", got=f"a {samples.asked.kind} program",
            expected="a law that can be listed", todo="use fewer steps, or --mitigation none",
        )  # fmt: skip
    shares, law_as_read, slopes, spread = compared(signed, law)
    test = signed_wald(shares, law_as_read, spread, slopes, signed.variances)
    effective = max(1, round(1.0 / float(spread.sum())))
    seen = detectable_tvd(test.degrees, effective, alpha) * float(np.sqrt(test.inflation))
    best, hidden = min(1.0, signed.growth * (seen + test.hidden)), signed.growth * test.hidden
    needed = None
    if best > resolution > hidden and test.p_value >= alpha:
        needed = two_digits(signed.shots * (signed.growth * seen / (resolution - hidden)) ** 2)
    ruling, reason = decide(test.p_value, alpha, best, resolution, needed, f"{signed.shots:,} shots")
    if signed.left_out > LEFT_OUT / float(np.sqrt(effective)):
        words = "readings are wrong far more often than the device states, and the circuits were planned: errors of weight"
        ruling, reason = "UNVERIFIED", f"{words} {signed.left_out:.2g} are not undone; {reason}"
    read = {
        "p_value": test.p_value, "degrees_of_freedom": test.degrees, "method": "Wald with signs and rates",
        "statistic": test.statistic, "resolution": best, "pooled_mass": test.hidden,
    }  # fmt: skip
    scope = [{"against": "everything that is read", "tvd": best, "power": 0.9}] if best < 1.0 else []
    told = summary(signed, effective, test.inflation) | {"quasi_probabilities": quasi_by_text(samples, signed)}
    verdict = Verdict(
        ruling, f"with readout mitigation: {reason}", test.p_value, alpha, signed.shots, best,
        distance_of(signed, law, spread, slopes), needed, figures={"scope": scope}, details={"read": read, "mitigation": told},
    )  # fmt: skip
    bound = bound_of(samples)
    return verdict if bound is None else with_bound(verdict, bound)


def compared(signed: SignedReadings, law: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return shares, the law as read, slopes of their difference and v; what the registers cannot hold is one more cell."""
    read = signed.pushed(law)
    shares, slopes, spread = signed.shares, signed.slopes - signed.pushed_slopes(law), signed.spread(read)
    missing = 1.0 - float(law.sum())
    if missing > ROUNDING:
        shares, read, spread = np.append(shares, 0.0), np.append(read, missing), np.append(spread, signed.ratio * missing)
        slopes = np.concatenate([slopes, np.zeros((1, slopes.shape[1]))])
    held = spread > 0  # what nobody reads and the law does not have is no cell
    return shares[held], read[held], slopes[held], spread[held]


def distance_of(signed: SignedReadings, law: FloatArray, spread: FloatArray, slopes: FloatArray) -> Distance:
    """Return the distance between the quasi-probabilities and the law, by McDiarmid's bound with ``1 / sum(v)`` shots."""
    quasi = signed.unpushed(signed.shares)
    tvd = (float(abs(quasi - law).sum()) + max(0.0, 1.0 - float(law.sum()))) / 2.0
    every = (signed.slopes - signed.pushed_slopes(law)) * np.sqrt(signed.variances)
    moved = signed.unpushed(every)
    halves = abs(moved).sum(axis=0) / 2.0
    mean, wide = float(np.sqrt(2.0 / np.pi) * halves.sum()), float(np.sqrt((halves**2).sum()))
    shots = max(1, round(1.0 / float(spread.sum())))
    squares = signed.unpushed_squares(signed.spread(signed.pushed(law))) - law**2 / shots
    each = np.sqrt(np.clip(squares, 0.0, None) + (moved**2).sum(axis=1))
    cells = max(2, len(spread))

    def at(alpha: float) -> tuple[float, float]:
        found = interval(tvd, signed.growth, shots, cells, mean + max(2.0, quantile(alpha / 2.0)) * wide, alpha)
        return max(0.0, found[0] - signed.left_out), min(1.0, found[1] + signed.left_out)

    low, high = at(1.0 - CONFIDENCE)
    positive = np.clip(quasi, 0.0, None)
    fidelity = float(np.sqrt(positive / positive.sum() * law).sum() ** 2)
    return Distance(min(1.0, tvd), low, high, float(min(1.0, each.sum() / np.sqrt(2.0 * np.pi))), fidelity, at=at)


def quasi_by_text(samples: Samples, signed: SignedReadings) -> dict[str, float]:
    """Return the quasi-probabilities by what was read, as a person writes it."""
    registers, quasi = judged_registers(samples.registers), signed.unpushed(signed.shares)
    codes = np.flatnonzero(abs(quasi) > ROUNDING)
    shifts = np.cumsum([0, *(register.size for register in registers)])
    columns = {r.name: codes >> first & (1 << r.size) - 1 for r, first in zip(registers, shifts.tolist(), strict=False)}
    result: dict[str, float] = {}
    for row, share in zip(np.stack(list(columns.values()), axis=1), quasi[codes].tolist(), strict=True):
        one = Outcomes(tuple(columns), row[None], np.ones(1, dtype=np.int64))
        [key] = samples.asked.spell(samples.source, decoded(one, registers))
        result[key] = result.get(key, 0.0) + share
    return result


def summary(signed: SignedReadings, effective: float, inflation: float) -> dict[str, Any]:
    """Return what a verdict says of its mitigation."""
    return {
        "applied": True, "method": "randomised flips", "overhead": signed.overhead * signed.growth**2,
        "circuits": signed.circuits, "amplification": signed.growth,
        "effective_shots": effective / (signed.growth**2 * inflation), "readout_rates": signed.rates.tolist(),
    }  # fmt: skip
