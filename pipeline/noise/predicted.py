# SPDX-License-Identifier: Apache-2.0
"""How far from its source's law a program's readings will be on a backend with noise, before anything is sampled."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from stinespring.backends.aer.backend import AerBackend
from stinespring.backends.aer.calibration import Calibration
from stinespring.backends.aer.fake import calibration_of
from stinespring.backends.exact import EXACT_SHOTS
from stinespring.backends.execute import sample_body
from stinespring.backends.noisy.shares import NoisyShares
from stinespring.backends.seeds import derive_seed
from stinespring.circuits.devices.read_back import used_qubits
from stinespring.errors import InputError
from stinespring.pipeline.foreseen import Noise
from stinespring.pipeline.noise.beside import Beside, beside
from stinespring.pipeline.noise.product import error_bound, error_product
from stinespring.pipeline.running import check, on_backend, sampled, samples_of
from stinespring.stages import Backend, Device, Distance, Program

__all__ = ["BUDGET", "STATED_SHOTS", "bounded", "exactly", "predicted"]

BUDGET = 2.0e9  # numbers computed: some ten seconds
STATED_SHOTS = 1_000_000  # an interval holds what so many shots show
UNEVEN = 2.0  # readout errors of 0 or 1 are at most so many times their mean, which targets state
SPREADS = 4.0  # standard deviations of what they show
SIMULATED_QUBITS = 12
SIMULATED_WORK = 1 << 30  # elements of states that all instructions touch, a shot
SIMULATED_SHOTS = 100_000
MOST_ENTRIES = 1 << 28  # probabilities that a source is asked for: some seconds where they are cheap
SHOT_BY_SHOT = 10_000  # of a program with feed-forward, which is simulated shot by shot
ROOT = 18  # of the seeds of simulations


class Known(NamedTuple):
    """The exact noisy law of a program.

    Attributes:
        own: beside its source's law.
        claimed: beside the law that the program claims to realise.
        neglected: the share of what is read that was followed without noise, times the errors of one circuit.
    """

    own: Beside
    claimed: Beside | None
    neglected: float


def predicted(program: Program, backend: Backend, *, budget: float = BUDGET) -> Noise:
    """Return the TVD between what a program reads on a backend and its source's law.

    In this order: exactly, from the density matrices of all histories (``exact noisy law``); by simulated shots (``noisy
    simulation``); or the bound ``tvd_bound + 1 - prod (1 - e)`` (``error product``). The noise is that of the backend's
    calibration, as Aer simulates it.

    The interval ``low .. high`` of an exact law holds the TVD itself and the one that 10^6 shots *show*, which shot noise makes
    larger by up to ``sum sqrt(q (1 - q) / 2 pi N)``: from the TVD less four standard deviations of what they show to the mean
    of what they show and four more, widened by what was left out. That of simulated shots is one of confidence 95 % for the TVD
    itself, widened likewise. That of a product is from 0 to the bound.

    Args:
        program: compiled for the backend, or not lowered yet.
        backend: open.
        budget: numbers that the exact way may compute; 10^9 take some seconds.
    """
    program = on_backend(program, backend)
    try:
        calibration = calibration_of(backend)
    except InputError:
        return Noise(program.tvd_bound, 0.0, program.tvd_bound, "no noise")
    found = exactly(program, backend.capabilities.device, calibration, budget=budget)
    if found is not None:
        return exact_noise(found)
    shown = simulated(program, backend, calibration)
    if shown is not None:
        return simulated_noise(shown, program.tvd_bound)
    return bounded(program, backend.capabilities.device)


def laws_asked_for(program: Program) -> int:
    """Return about how many probabilities a simulation with the host in the loop asks its source for: a law a context."""
    if not program.body.host or program.asked.kind != "texts":
        return 0
    branching = int(program.source.branching)
    contexts = min(int(branching ** min(program.asked.steps - 1, 64)), SIMULATED_SHOTS)
    return contexts * branching


def bounded(program: Program, device: Device | None) -> Noise:
    """Return a bound on the TVD of a lowered program, from the errors that the device states."""
    if device is None:
        return Noise(program.tvd_bound, 0.0, program.tvd_bound, "no noise")
    expected = min(1.0, program.tvd_bound + error_product(program, device.target))
    return Noise(expected, 0.0, expected, "error product")


def exactly(
    program: Program, device: Device | None, calibration: Calibration, *, budget: float = BUDGET
) -> Known | None:  # fmt: skip
    """Return the exact noisy law of a lowered program beside its source's law.

    None where the program is too large, does more than gates behind its conditions, or its source's law cannot be listed.
    """
    if laws_asked_for(program) > MOST_ENTRIES:
        return None
    shares = NoisyShares(calibration, device, budget)
    try:
        seen = sample_body(program.body, shares, EXACT_SHOTS, 0)
        samples = samples_of(program, seen, EXACT_SHOTS)
        found, claimed = beside(samples), beside(samples, claimed=True)
    except InputError:  # also TooLargeError
        return None
    open_share = shares.neglected
    if open_share > 0 and device is not None:  # what noise does to a row is at most about its errors; readouts may be uneven
        open_share *= min(1.0, UNEVEN * error_bound(program.body.circuit, device.target))
    return None if found is None else Known(found, claimed, open_share)


def exact_noise(found: Known) -> Noise:
    """Return the prediction from an exact law."""
    tvd = found.own.tvd
    mean, spread = found.own.shown(STATED_SHOTS)
    low, high = tvd - SPREADS * spread - found.neglected, max(tvd, mean) + SPREADS * spread + found.neglected
    return Noise(min(1.0, tvd), max(0.0, low), min(1.0, high), "exact noisy law", found.claimed)


def simulated(program: Program, backend: Backend, calibration: Calibration) -> Distance | None:
    """Return the distance between simulated shots and the law that the program realises; None where it takes too long."""
    if laws_asked_for(program) > MOST_ENTRIES:
        return None
    body: Any = program.body
    circuit = body.circuit
    qubits = len(used_qubits(circuit))
    if qubits > SIMULATED_QUBITS or len(circuit.data) << 2 * min(qubits, 10) > SIMULATED_WORK:
        return None
    noisy = AerBackend(calibration=calibration, device=backend.capabilities.device)
    steered = any(hasattr(item.operation, "blocks") for item in circuit.data)
    shots = min(SHOT_BY_SHOT if steered else SIMULATED_SHOTS, noisy.capabilities.max_shots or SIMULATED_SHOTS)
    return check(sampled(program, noisy, shots, derive_seed(ROOT, shots)), resolution=0.5, within="none").distance


def simulated_noise(found: Distance, bound: float) -> Noise:
    """Return the prediction from simulated shots: noise adds to the distance in squares, so that it is taken off in squares."""
    likely = math.sqrt(max(0.0, found.tvd**2 - found.noise_floor**2))
    tvd = min(max(likely, found.low), found.high)
    wider = SPREADS * 0.5 / math.sqrt(STATED_SHOTS)
    return Noise(min(1.0, bound + tvd), max(0.0, found.low - wider), min(1.0, bound + found.high + wider), "noisy simulation")
