# SPDX-License-Identifier: Apache-2.0
"""A verdict on samples with readout errors: the counts as read, against the law as it would be read.

Quasi-probabilities have no counting statistics, so that the test is made before they are: the counts are compared with the
law pushed through the calibrated readout errors, by Pearson's statistic with the uncertainty of the calibration in its
covariance. The distance is that of the mitigated quasi-probabilities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from stinespring.checks.codes import codes_law, judged_registers, numbers, readings_of, require_few
from stinespring.checks.statistics.distance import CONFIDENCE
from stinespring.checks.statistics.gtest import detectable_tvd
from stinespring.checks.statistics.interval import quantile
from stinespring.checks.statistics.ruling import decide, require_shares, two_digits
from stinespring.checks.statistics.wald import Wald, wald
from stinespring.checks.texts.verdict import bound_of, with_bound
from stinespring.errors import InputError, TooLargeError
from stinespring.readings import FloatArray, Outcomes, decoded
from stinespring.readout import Mitigated, ReadoutCalibration
from stinespring.stages import Distance, Samples, Verdict

__all__ = ["check_mitigated", "require_few", "require_testable", "with_note"]

ROUNDING = 1e-12  # probabilities up to this are rounding


@dataclass(frozen=True, eq=False)
class Reading:
    """Counts as read beside the law as it is held.

    Attributes:
        counts: shape (2^bits,).
        law: shape (2^bits,); less than 1 in all where the registers have no code for something that can occur.
        calibration: of the qubits that were read.
        wires: the device's qubit of every bit.
    """

    counts: FloatArray
    law: FloatArray
    calibration: ReadoutCalibration
    wires: Sequence[int]

    @property
    def shots(self) -> int:
        """How many."""
        return int(self.counts.sum())

    @property
    def growth(self) -> float:
        """How much a distance can grow when the errors are undone."""
        return self.calibration.amplification(self.wires)

    @property
    def missing(self) -> float:
        """The probability of what the registers have no code for."""
        lost = 1.0 - float(self.law.sum())
        return lost if lost > ROUNDING else 0.0

    def test(self) -> Wald:
        """Return the test of the counts; what the registers cannot hold is a cell that was never read."""
        read, slopes = self.calibration.pushed(self.law, self.wires), self.calibration.slopes(self.law, self.wires)
        counts, variances = self.counts, self.calibration.variances().ravel()
        if self.missing:
            counts, read = np.append(counts, 0.0), np.append(read, self.missing)
            slopes = np.concatenate([slopes, np.zeros((1, slopes.shape[1]))])
        return wald(counts, read, slopes, variances)


def check_mitigated(
    samples: Samples,
    calibration: ReadoutCalibration,
    wires: Sequence[int],
    mitigated: Mitigated,
    *,
    entry: int = 0,
    alpha: float = 0.001,
    resolution: float = 0.05,
) -> Verdict:
    """Test samples with readout errors against the law of their source.

    FAIL if Pearson's test of the counts as read against the law as it would be read has a p-value below ``alpha``; UNVERIFIED
    if it would not have detected a law at TVD ``resolution``; else PASS. What it detects in the law itself is what it detects
    in the law as read, times the growth of distances by the inverse of the readout errors.

    Args:
        samples: with their raw readings.
        calibration: of the qubits that were read.
        wires: the device's qubit of every bit of the registers that are judged, in order.
        mitigated: quasi-probabilities of these registers, for the distance.
        entry: number of the circuit.
        alpha: the false-alarm rate.
        resolution: the TVD that a PASS must have been able to detect.

    Raises:
        InputError: the samples have no raw readings, or errors of a half and more.
        TooLargeError: too many bits, or a law that cannot be listed.
    """
    require_shares(alpha, resolution)
    reading = require_testable(samples, calibration, wires, entry)
    test, growth, shots = reading.test(), reading.growth, reading.shots
    seen = detectable_tvd(test.degrees, shots, alpha) * float(np.sqrt(test.inflation))
    best = min(1.0, growth * (seen + test.hidden))
    needed = None
    if best > resolution > growth * test.hidden and test.p_value >= alpha:
        needed = two_digits(shots * (growth * seen / (resolution - growth * test.hidden)) ** 2)
    ruling, reason = decide(test.p_value, alpha, best, resolution, needed, f"{shots:,} shots")
    read = {
        "p_value": test.p_value, "degrees_of_freedom": test.degrees, "method": "Pearson with calibration",
        "statistic": test.statistic, "resolution": best, "pooled_mass": test.hidden,
    }  # fmt: skip
    scope = [{"against": "everything that is read", "tvd": best, "power": 0.9}] if best < 1.0 else []
    told = summary(reading, mitigated, test) | {"quasi_probabilities": spelled(samples, mitigated)}
    verdict = Verdict(
        ruling, f"with readout mitigation: {reason}", test.p_value, alpha, shots, best,
        distance_of(samples, reading, mitigated), needed,
        figures={"scope": scope}, details={"read": read, "mitigation": told},
    )  # fmt: skip
    bound = bound_of(samples)
    return verdict if bound is None else with_bound(verdict, bound)


def require_testable(samples: Samples, calibration: ReadoutCalibration, wires: Sequence[int], entry: int = 0) -> Reading:
    """Return the counts and the law of samples that can be tested.

    Raises:
        InputError: no raw readings, or errors of a half and more.
        TooLargeError: too many bits, or a law that cannot be listed.
    """
    registers, read = judged_registers(samples.registers), readings_of(samples, entry)
    bits = sum(register.size for register in registers)
    require_few(bits)
    if bits != len(wires):
        raise InputError("the qubits are not those of the registers", got=f"{len(wires)} qubits", expected=f"{bits}")
    worst = float(calibration.errors.sum(axis=1).max(initial=0.0))
    if worst >= 0.9:
        raise InputError(
            "a qubit's reading says nothing", got=f"error rates that add up to {worst:.2g}", expected="well below 1"
        )
    law = codes_law(samples, entry)
    if law is None:
        raise TooLargeError(
            "the law over the registers' codes cannot be listed", got=f"{bits} bits of a {samples.asked.kind} program",
            expected="a law that can be listed", todo="use fewer steps, or --mitigation none",
        )  # fmt: skip
    counts = np.bincount(numbers(registers, read.values), weights=read.counts, minlength=len(law)).astype(np.float64)
    return Reading(counts, law, calibration, wires)


def distance_of(samples: Samples, reading: Reading, mitigated: Mitigated) -> Distance:
    """Return the distance between the quasi-probabilities and the law."""
    law, quasi = reading.law, np.zeros(len(reading.law))
    quasi[numbers(judged_registers(samples.registers), mitigated.codes)] = mitigated.quasi
    tvd = (float(abs(quasi - law).sum()) + reading.missing) / 2.0
    slopes = reading.calibration.slopes(law, reading.wires)
    floor, mean, spread = deviations(law, slopes, reading.calibration, reading.wires, reading.shots)

    def at(alpha: float) -> tuple[float, float]:
        calibrated = mean + max(2.0, quantile(alpha / 2.0)) * spread
        return interval(tvd, reading.growth, reading.shots, len(law), calibrated, alpha)

    low, high = at(1.0 - CONFIDENCE)
    nearest = np.clip(quasi, 0.0, None) / np.clip(quasi, 0.0, None).sum()
    return Distance(min(1.0, tvd), low, high, floor, float(np.sqrt(nearest * law).sum() ** 2), at=at)


def summary(reading: Reading, mitigated: Mitigated, test: Wald) -> dict[str, Any]:
    """Return what a verdict says of its mitigation."""
    calibration = reading.calibration
    errors = {str(q): [float(e) for e in calibration.errors[calibration.qubits.index(q)]] for q in dict.fromkeys(reading.wires)}
    return {
        "applied": True, "method": mitigated.method, "overhead": mitigated.overhead, "amplification": reading.growth,
        "effective_shots": float(reading.shots / (reading.growth**2 * test.inflation)),
        "calibration_shots": calibration.shots, "readout_errors": errors,
    }  # fmt: skip


def spelled(samples: Samples, mitigated: Mitigated) -> dict[str, float]:
    """Return the quasi-probabilities by what was read, as a person writes it."""
    registers = judged_registers(samples.registers)
    result: dict[str, float] = {}
    for codes, share in zip(mitigated.codes, mitigated.quasi.tolist(), strict=True):
        one = Outcomes(tuple(register.name for register in registers), codes[None], np.ones(1, dtype=np.int64))
        [key] = samples.asked.spell(samples.source, decoded(one, registers))
        result[key] = result.get(key, 0.0) + share
    return result


def deviations(
    law: FloatArray, slopes: FloatArray, calibration: ReadoutCalibration, wires: Sequence[int], shots: int
) -> tuple[float, float, float]:
    """Return the TVD that noise alone gives the mitigated law, and the part of it that the calibration gives, with its spread.

    The first is half the sum of ``E|N(0, s)| = s sqrt(2/pi)`` with the standard deviations s of ``A^-1`` times the counts'
    shares; the others the mean and the standard deviation of an upper limit.
    """
    read = calibration.pushed(law, wires)
    by_shots = (calibration.unpushed_squares(read, wires) - law**2) / shots
    moved = calibration.unpushed(slopes, wires) * np.sqrt(calibration.variances().ravel())
    spread = np.sqrt(np.clip(by_shots + (moved**2).sum(axis=1), 0.0, None))
    sizes = abs(moved).sum(axis=0) / 2.0
    floor = float(min(1.0, spread.sum() / np.sqrt(2.0 * np.pi)))
    return floor, float(np.sqrt(2.0 / np.pi) * sizes.sum()), float(np.sqrt((sizes**2).sum()))


def interval(
    tvd: float, growth: float, shots: int, outcomes: int, calibrated: float, alpha: float
) -> tuple[float, float]:  # fmt: skip
    """Return an interval of about 1 - alpha for the TVD of the mitigated distribution from the law.

    One shot moves the measured TVD by at most ``||A^-1|| / N``, so that it is within ``||A^-1|| sqrt(ln(2/alpha) / 2N)`` of its
    mean (McDiarmid 1989), which exceeds the distance by at most ``1/2 ||A^-1|| sqrt((K-1)/N)``; what the calibration's
    uncertainty can move is added. Quasi-probabilities have no counts, to which a sharper bound could apply.
    """
    slack = growth * float(np.sqrt(np.log(2.0 / alpha) / (2.0 * shots))) + calibrated
    bias = 0.5 * growth * float(np.sqrt((outcomes - 1) / shots))
    return max(0.0, tvd - slack - bias), min(1.0, tvd + slack)


def with_note(verdict: Verdict, note: Mapping[str, Any]) -> Verdict:
    """Return a verdict that says why nothing was mitigated."""
    return replace(
        verdict,
        reason=f"{verdict.reason}; no readout mitigation: {note['why']}",
        details={**verdict.details, "mitigation": dict(note)},
    )
