# SPDX-License-Identifier: Apache-2.0
"""Which verdict a run will have, and from how many shots on, before anything is sampled."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from stinespring.checks.codes import listing
from stinespring.checks.statistics.interval import expected_interval, shots_to_tell
from stinespring.checks.texts.planning import shots_for_verdict
from stinespring.errors import TooLargeError
from stinespring.models.sphere.layer_law import SphereLaw
from stinespring.readings import FloatArray
from stinespring.stages import Program, Ruling

__all__ = ["Foreseen", "Noise", "foreseen"]


class Noise(NamedTuple):
    """What noise and approximation are expected to do to a distribution.

    Attributes:
        tvd: the distance that is expected, or a bound on it.
        low, high: what it may be.
        by: ``exact noisy law``, ``noisy simulation``, ``error product`` (a bound), or ``no noise``.
    """

    tvd: float
    low: float
    high: float
    by: str


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
        return agreement(program, shots, alpha, resolution)
    if noise.by == "error product" and noise.tvd > within:
        note = f"the errors that the device states allow a TVD of up to {noise.tvd:.3g}, which says nothing about {within:g}"
        return Foreseen(None, None, None, note)
    law = whole_law(program)
    if law is None:
        return Foreseen(None, None, None, "the law is too large to list: the verdict cannot be told beforehand")
    low, high, spread = expected_interval(law, noise.tvd, shots, alpha)
    verdict: Ruling = "FAIL" if low > within else "PASS" if high <= within else "UNVERIFIED"
    needed = shots_to_tell(law, noise.tvd, within, alpha)
    probability = float(np.clip(0.5 if spread <= 0 else normal((within - high) / spread), 0.0, 1.0))
    if noise.tvd > within:
        told = "" if needed is None else f": FAIL from about {needed:,} shots on"
        note = f"no number of shots gives a PASS: the expected TVD {noise.tvd:.3g} exceeds {within:g}{told}"
        return Foreseen(verdict, probability, needed, note)
    told = "cannot be told from any number of shots" if needed is None else f"PASS from about {needed:,} shots on"
    return Foreseen(verdict, probability, needed, f"within {within:g}: {told}")


def agreement(program: Program, shots: int, alpha: float, resolution: float) -> Foreseen:
    """Return the verdict on samples that follow the law."""
    needed = shots_of_agreement(program, alpha, resolution)
    if needed is None:
        return Foreseen(None, None, None, "the shots of a verdict cannot be told beforehand")
    return Foreseen("PASS" if shots >= needed else "UNVERIFIED", 1.0 - alpha if shots >= needed else 0.0, needed, "")


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
