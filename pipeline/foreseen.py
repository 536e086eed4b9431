# SPDX-License-Identifier: Apache-2.0
"""Which verdict a run will have, and from how many shots on, before anything is sampled."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import numpy as np

from stinespring.checks.codes import listing
from stinespring.checks.statistics.interval import expected_interval, shots_to_tell, tvd_interval
from stinespring.checks.texts.planning import shots_for_verdict
from stinespring.errors import TooLargeError
from stinespring.models.sphere.layer_law import SphereLaw
from stinespring.pipeline.noise.beside import Beside
from stinespring.readings import FloatArray
from stinespring.stages import Program, Ruling

__all__ = ["Foreseen", "Noise", "foreseen"]

DRAWN = 30  # runs that a verdict is told from


class Noise(NamedTuple):
    """What noise and approximation are expected to do to a distribution.

    Attributes:
        tvd: the distance that is expected, or a bound on it.
        low, high: what it may be.
        by: ``exact noisy law``, ``noisy simulation``, ``error product`` (a bound), or ``no noise``.
        read: what is read beside the law that the program claims, where both are known exactly.
    """

    tvd: float
    low: float
    high: float
    by: str
    read: Beside | None = None


class Foreseen(NamedTuple):
    """A verdict before the run.

    Attributes:
        verdict: what it will be with the shots asked for; None where that cannot be told.
        probability: of PASS; None where that cannot be told.
        shots: from how many on it is decided, with probability 0.9; None if never, or where that cannot be told.
        note: one sentence.
    """

    verdict: Ruling | None
    probability: float | None
    shots: int | None
    note: str


def foreseen(
    program: Program, noise: Noise, shots: int, *, within: float | None, alpha: float, resolution: float
) -> Foreseen:  # fmt: skip
    """Return the verdict that is to be expected.

    Args:
        program: lowered, if the backend is a device.
        noise: what is expected of it.
        shots: as asked for.
        within: D, of an equivalence test; None: of a test of agreement.
        alpha: the false-alarm rate.
        resolution: of a test of agreement.
    """
    if within is None:
        return agreement(program, noise, shots, alpha, resolution)
    if noise.by == "error product" and noise.tvd > within:
        note = f"the errors that the device states allow a TVD of up to {noise.tvd:.3g}, which says nothing about {within:g}"
        return Foreseen(None, None, None, note)
    law = whole_law(program) if noise.read is None else noise.read.law
    if law is None:
        return Foreseen(None, None, None, "the law is too large to list: the verdict cannot be told beforehand")
    bound = program.tvd_bound if program.claim is not None else 0.0  # the check takes it off and adds it
    apart = max(0.0, noise.tvd - bound) if noise.read is None else noise.read.tvd
    verdict, probability = ruling(law, apart, shots, within, bound, alpha)
    if noise.read is not None:
        verdict, probability = drawn(noise.read, shots, within, bound, alpha)
    needed = None
    if apart + bound < within or apart - bound > within:
        needed = shots_to_tell(law, apart, within - bound if apart < within else within + bound, alpha)
    if noise.tvd > within:
        told = "" if needed is None else f": FAIL from about {needed:,} shots on"
        note = f"no number of shots gives a PASS: the expected TVD {noise.tvd:.3g} exceeds {within:g}{told}"
        return Foreseen(verdict, probability, needed, note)
    told = "cannot be told from any number of shots" if needed is None else f"PASS from about {needed:,} shots on"
    return Foreseen(verdict, probability, needed, f"within {within:g}: {told}")


def ruling(
    law: FloatArray, apart: float, shots: int, within: float, bound: float, alpha: float
) -> tuple[Ruling, float]:  # fmt: skip
    """Return the verdict that the expected interval gives, and the probability of PASS if its upper end is normal."""
    low, high, spread = expected_interval(law, apart, shots, alpha)
    low, high = low - bound, high + bound
    verdict: Ruling = "FAIL" if low > within else "PASS" if high <= within else "UNVERIFIED"
    return verdict, float(np.clip(0.5 if spread <= 0 else normal((within - high) / spread), 0.0, 1.0))


def drawn(read: Beside, shots: int, within: float, bound: float, alpha: float) -> tuple[Ruling, float]:
    """Return the most frequent verdict of some runs that are drawn from what is read, and how often it is PASS."""
    random, found = np.random.default_rng([DRAWN, shots]), Counter[Ruling]()
    for _ in range(DRAWN):
        counts = random.multinomial(shots, read.read / read.read.sum()).astype(np.float64)
        low, high = tvd_interval(counts, read.law, alpha=2.0 * min(alpha, 0.5))
        found["FAIL" if low - bound > within else "PASS" if high + bound <= within else "UNVERIFIED"] += 1
    return found.most_common(1)[0][0], found["PASS"] / DRAWN


def agreement(program: Program, noise: Noise, shots: int, alpha: float, resolution: float) -> Foreseen:
    """Return the verdict of a test of agreement, on samples that follow the law or what noise makes of it.

    Readings of the law q fail a test against p with the probability that chi-squared with the noncentrality
    ``N sum (q - p)^2 / p`` exceeds its quantile; readings that p does not have fail it at once.
    """
    needed = shots_of_agreement(program, alpha, resolution)
    if noise.read is None and noise.by != "no noise":
        return Foreseen(
            None, None, needed, "errors are tested as errors of the law here: the verdict cannot be told beforehand"
        )
    passes = 1.0 - alpha if noise.read is None else 1.0 - failing(noise.read, shots, alpha)
    if passes < 0.5:
        return Foreseen(
            "FAIL", passes if needed is not None and shots >= needed else 0.0, None, "the noise shows in so many shots"
        )
    if needed is None:
        return Foreseen(None, None, None, "the shots of a verdict cannot be told beforehand")
    return Foreseen("PASS" if shots >= needed else "UNVERIFIED", passes if shots >= needed else 0.0, needed, "")


def failing(read: Beside, shots: int, alpha: float) -> float:
    """Return the probability that readings fail a test of agreement."""
    from scipy.special import chdtri, chndtr

    held = read.law > 0
    seen = -np.expm1(shots * np.log1p(-min(1.0 - 1e-16, float(read.read[~held].sum()))))
    p, q = read.law[held], read.read[held]
    shift = shots * float(((q - p) ** 2 / p).sum())
    degrees = max(1, len(p) - 1)
    return float(1.0 - (1.0 - seen) * chndtr(chdtri(degrees, alpha), degrees, shift))


def shots_of_agreement(program: Program, alpha: float, resolution: float) -> int | None:
    """Return the shots with which a PASS can detect the resolution; None where that cannot be told beforehand."""
    if program.asked.kind != "texts":
        return None
    begin = program.asked.begin(program.source)
    claim: Any = program.claim
    model = begin.model if claim is None else claim.law(program.source, program.asked)
    return shots_for_verdict(model, begin.prompt, program.asked.steps, alpha=alpha, resolution=resolution)


def whole_law(program: Program) -> FloatArray | None:
    """Return the law of all that is read, each circuit with its share of the shots; None where it cannot be listed."""
    law = program.asked.law(program.source)
    if isinstance(law, SphereLaw):
        parts = [circuit.probabilities for circuit in law.circuits]
    else:
        count = getattr(program.asked, "settings", None) or getattr(program.asked, "points", None) or (0,)
        try:
            found = [listing(law, entry) for entry in range(len(count))]
        except TooLargeError:
            return None
        if any(one is None for one in found):
            return None
        parts = [one[1] for one in found if one is not None]
    return np.concatenate(parts) / len(parts)


def normal(value: float) -> float:
    """Return the probability that a standard normal value is below this one."""
    from scipy.special import ndtr

    return float(ndtr(value))
