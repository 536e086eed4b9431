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

from stinespring.checks.statistics.distance import CONFIDENCE
from stinespring.checks.statistics.gtest import detectable_tvd
from stinespring.checks.texts.readout import ReadoutCalibration
from stinespring.checks.texts.verdict import decide, listed_law, two_digits
from stinespring.errors import InputError, TooLargeError
from stinespring.models.texts.base import TextModel
from stinespring.readings import FloatArray, IntArray
from stinespring.stages import CodeCounts, Samples, Verdict

__all__ = ["Mitigated", "check_mitigated", "code_law", "require_few", "wald", "with_note"]

MOST_BITS = 16
THIN = 10.0  # expected count below which cells are pooled


@dataclass(frozen=True)
class Wald:
    """A test of counts against a law whose parameters were measured.

    Attributes:
        statistic: ``x^T S^+ x`` of the deviations x from the expected counts, with their covariance S.
        degrees: of freedom.
        p_value: from the chi-squared distribution.
        inflation: 1 plus the largest ratio of the calibration's variance to that of the counts, over all directions.
        hidden: the share of the expected counts in a pool of several outcomes.
    """

    statistic: float
    degrees: int
    p_value: float
    inflation: float
    hidden: float


@dataclass(frozen=True)
class Mitigated:
    """Quasi-probabilities of what the registers hold.

    Attributes:
        codes: shape (U, L), as in :class:`stinespring.stages.CodeCounts`.
        quasi: shape (U,), sum 1, possibly negative.
        overhead: the factor by which shot noise grew in variance, at most.
        method: what made them.
    """

    codes: IntArray
    quasi: FloatArray
    overhead: float
    method: str


def check_mitigated(
    samples: Samples,
    calibration: ReadoutCalibration,
    wires: Sequence[int],
    mitigated: Mitigated,
    *,
    model: TextModel | None = None,
    alpha: float = 0.001,
    resolution: float = 0.05,
) -> Verdict:
    """Test samples with readout errors against a model's law.

    FAIL if Pearson's test of the counts as read against the law as it would be read has a p-value below ``alpha``; UNVERIFIED
    if it would not have detected a law at TVD ``resolution``; else PASS. What it detects in the law itself is what it detects
    in the law as read, times the growth of distances by the inverse of the readout errors.

    Args:
        samples: with their codes.
        calibration: of the qubits that were read.
        wires: the device's qubit of every bit of ``t1..tL``, in order.
        mitigated: quasi-probabilities, for the distance.
        model: the law; by default the one that the sampled program realises.
        alpha: the false-alarm rate.
        resolution: the TVD that a PASS must have been able to detect.

    Raises:
        InputError: the samples have no codes, or errors of a half and more.
        TooLargeError: too many bits, or a law that cannot be listed.
    """
    read = require_testable(samples, calibration, wires)
    law = code_law(model or samples.realises or samples.model, samples, read)
    counts = np.bincount(numbers(read.registers, read.codes), weights=read.counts, minlength=len(law)).astype(np.float64)
    slopes = calibration.slopes(law, wires)
    test = wald(counts, calibration.pushed(law, wires), slopes, calibration.variances().ravel())
    growth, shots = calibration.amplification(wires), int(read.counts.sum())
    seen = detectable_tvd(test.degrees, shots, alpha) * float(np.sqrt(test.inflation))
    best = min(1.0, growth * (seen + test.hidden))
    needed = None
    if best > resolution > growth * test.hidden and test.p_value >= alpha:
        needed = two_digits(shots * (growth * seen / (resolution - growth * test.hidden)) ** 2)
    verdict, reason = decide(test.p_value, alpha, best, resolution, needed, f"{shots:,} shots")
    quasi = np.zeros(len(law))
    quasi[numbers(read.registers, mitigated.codes)] = mitigated.quasi
    noise = deviations(law, slopes, calibration, wires, shots)
    low, high = interval(float(abs(quasi - law).sum() / 2.0), growth, shots, len(law), noise[1])
    nearest = np.clip(quasi, 0.0, None) / np.clip(quasi, 0.0, None).sum()
    return Verdict(
        verdict=verdict, p_value=test.p_value, tvd=float(min(1.0, abs(quasi - law).sum() / 2.0)), tvd_low=low, tvd_high=high,
        tvd_noise_floor=noise[0], hellinger_fidelity=float(np.sqrt(nearest * law).sum() ** 2), resolution=best, shots=shots,
        alpha=alpha, shots_needed=needed, reason=f"with readout mitigation: {reason}",
        details={
            "read": {"p_value": test.p_value, "degrees_of_freedom": test.degrees, "method": "Pearson with calibration",
                     "statistic": test.statistic, "resolution": best, "pooled_mass": test.hidden},
            "mitigation": summary(mitigated, calibration, test, growth, shots, wires),
        },
    )  # fmt: skip


def summary(
    mitigated: Mitigated, calibration: ReadoutCalibration, test: Wald, growth: float, shots: int, wires: Sequence[int]
) -> dict[str, Any]:
    """Return what a verdict says of its mitigation."""
    errors = {str(q): [float(e) for e in calibration.errors[calibration.qubits.index(q)]] for q in dict.fromkeys(wires)}
    return {
        "applied": True, "method": mitigated.method, "overhead": mitigated.overhead, "amplification": growth,
        "effective_shots": float(shots / (growth**2 * test.inflation)), "calibration_shots": calibration.shots,
        "readout_errors": errors,
    }  # fmt: skip


def require_testable(samples: Samples, calibration: ReadoutCalibration, wires: Sequence[int]) -> CodeCounts:
    """Return the codes of samples that can be tested."""
    if samples.codes is None:
        raise InputError(
            "readout mitigation needs what one circuit read",
            got="samples of a stepwise program, or of a file",
            expected="a static or dynamic program",
            todo="use --schedule static, or --mitigation none",
        )
    bits = sum(register.size for register in samples.codes.registers)
    if bits > MOST_BITS or bits != len(wires):
        raise TooLargeError(
            "the law as it would be read is too large",
            got=f"{bits} bits",
            expected=f"at most {MOST_BITS}",
            todo="use fewer steps",
        )
    worst = float(calibration.errors.sum(axis=1).max(initial=0.0))
    if worst >= 0.9:
        raise InputError(
            "a qubit's reading says nothing", got=f"error rates that add up to {worst:.2g}", expected="well below 1"
        )
    return samples.codes


def require_few(bits: int) -> None:
    """Refuse a law over too many bits."""
    if bits > MOST_BITS:
        raise TooLargeError(
            "the law as it would be read is too large",
            got=f"{bits} bits",
            expected=f"at most {MOST_BITS} bits",
            todo="use fewer steps, or --mitigation none",
        )


def numbers(registers: Sequence[Any], codes: IntArray) -> IntArray:
    """Return one number for each row of codes: the first register least significant."""
    shifts = np.cumsum([0, *(register.size for register in registers[:-1])])
    return np.asarray((codes << shifts).sum(axis=1), dtype=np.int64)


def code_law(model: TextModel, samples: Samples, read: CodeCounts) -> FloatArray:
    """Return the law over what the token registers hold, shape (2^bits,).

    Raises:
        TooLargeError: the law has too many texts to be listed.
    """
    joint = listed_law(model, samples.prompt, samples.steps)
    if joint is None:
        raise TooLargeError("the texts are too many to be listed", got=f"{samples.steps} steps", todo="use fewer steps")
    codes = np.stack([register.code_of(joint.texts[:, i]) for i, register in enumerate(read.registers)], axis=1)
    size = 2 ** sum(register.size for register in read.registers)
    return np.bincount(numbers(read.registers, codes), weights=joint.probabilities, minlength=size).astype(np.float64)


def wald(observed: FloatArray, law: FloatArray, slopes: FloatArray, variances: FloatArray) -> Wald:
    """Return Pearson's test of counts against a law with measured parameters.

    With N counts, ``D = diag(N q)`` and slopes J of the expected counts, the deviations ``x = o - N q`` have the covariance
    ``D - D 1 1^T D / N + J C J^T``. All of it lies in the subspace of sum 0, where ``D^-1`` inverts the first two terms;
    the last one is added by Woodbury's formula. Cells with an expected count below 10 are pooled.

    Args:
        observed: counts, shape (K,).
        law: q, shape (K,).
        slopes: of q by each parameter, shape (K, m).
        variances: of the parameters, shape (m,).
    """
    from scipy.stats import chi2

    total = float(observed.sum())
    observed, law, slopes, hidden = pooled(observed, law, slopes, THIN / total)
    degrees = len(law) - 1
    if degrees < 1:
        return Wald(0.0, 0, 1.0, 1.0, hidden)
    expected = total * law
    scaled = total * slopes * np.sqrt(variances)  # J C^(1/2)
    deviation = (observed - expected) / np.sqrt(expected)
    weighted = scaled / np.sqrt(expected)[:, None]
    gram = weighted.T @ weighted
    along = weighted.T @ deviation
    statistic = float(deviation @ deviation - along @ np.linalg.solve(np.eye(len(gram)) + gram, along))
    inflation = 1.0 + float(np.linalg.eigvalsh(gram)[-1]) if len(gram) else 1.0
    return Wald(statistic, degrees, float(chi2.sf(statistic, degrees)), inflation, hidden)


def pooled(
    observed: FloatArray, law: FloatArray, slopes: FloatArray, thin: float
) -> tuple[FloatArray, FloatArray, FloatArray, float]:
    """Return the cells with those below a probability added up in one, and that one's share; it is not thin itself."""
    order = np.argsort(law, kind="stable")
    small = int((law < thin).sum())
    if small == 0:
        return observed, law, slopes, 0.0
    total = np.cumsum(law[order])
    small = max(small, min(len(law), int(np.searchsorted(total, thin)) + 1))
    pool, rest = order[:small], np.sort(order[small:])

    def joined(values: FloatArray) -> FloatArray:
        return np.concatenate([values[rest], values[pool].sum(axis=0)[None]])

    share = float(law[pool].sum())
    return joined(observed), joined(law), joined(slopes), share if small > 1 else 0.0


def deviations(
    law: FloatArray, slopes: FloatArray, calibration: ReadoutCalibration, wires: Sequence[int], shots: int
) -> tuple[float, float]:
    """Return the TVD that noise alone gives the mitigated law, and the part of it that the calibration can give.

    The first is half the sum of ``E|N(0, s)| = s sqrt(2/pi)`` with the standard deviations s of ``A^-1`` times the counts'
    shares; the second an upper limit at two standard deviations.
    """
    read = calibration.pushed(law, wires)
    by_shots = (calibration.unpushed_squares(read, wires) - law**2) / shots
    moved = calibration.unpushed(slopes, wires) * np.sqrt(calibration.variances().ravel())
    spread = np.sqrt(np.clip(by_shots + (moved**2).sum(axis=1), 0.0, None))
    sizes = abs(moved).sum(axis=0) / 2.0
    return float(min(1.0, spread.sum() / np.sqrt(2.0 * np.pi))), float(
        np.sqrt(2.0 / np.pi) * sizes.sum() + 2.0 * np.sqrt((sizes**2).sum())
    )


def interval(tvd: float, growth: float, shots: int, outcomes: int, calibrated: float) -> tuple[float, float]:
    """Return an interval of about 95 % for the TVD of the mitigated distribution from the law.

    As for counts (:func:`stinespring.checks.statistics.distance.tvd_interval`), with both terms grown by ``||A^-1||``, plus
    what the calibration's uncertainty can move.
    """
    slack = growth * float(np.sqrt(np.log(2.0 / (1.0 - CONFIDENCE)) / (2.0 * shots))) + calibrated
    bias = 0.5 * growth * float(np.sqrt((outcomes - 1) / shots))
    return max(0.0, tvd - slack - bias), min(1.0, tvd + slack)


def with_note(verdict: Verdict, note: Mapping[str, Any]) -> Verdict:
    """Return a verdict that says why nothing was mitigated."""
    return replace(
        verdict,
        reason=f"{verdict.reason}; no readout mitigation: {note['why']}",
        details={**verdict.details, "mitigation": dict(note)},
    )
