# SPDX-License-Identifier: Apache-2.0
"""Exact verification of a circuit: a simulator returns the matrix of what it does, the check compares it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from stinespring.backends.aer.choi import channel_wires, circuit_choi, outcome_choi
from stinespring.backends.native import sheltered
from stinespring.backends.registry import opened
from stinespring.backends.seeds import root_seed
from stinespring.batches import Report, quiet
from stinespring.checks import process
from stinespring.compiler.channels.probe import probed
from stinespring.errors import InputError
from stinespring.models.channels.asked import ChannelAsked
from stinespring.models.channels.cptp import CPTP
from stinespring.models.channels.given import as_channel
from stinespring.models.texts.joint import require_count
from stinespring.pipeline.running import check, on_backend, sampled
from stinespring.pipeline.systems.channels import settled
from stinespring.readings import ComplexArray
from stinespring.stages import Program, Samples, Verdict

__all__ = ["choi_of", "sample_process", "sampled_process", "verify_channel"]


def choi_of(program: Any, channel: CPTP) -> dict[int | None, ComplexArray]:
    """Return the Choi matrix of a program under None, or of an instrument one for each value of register ``outcome``.

    Args:
        program: a compiled channel, or a circuit with quantum register ``sys``.
        channel: how many qubits go in and out, and whether it is an instrument.

    Raises:
        InputError: other registers, control flow that cannot be simulated exactly.
        TooLargeError: too many qubits for the Choi matrix.
    """
    circuit = program.circuit if isinstance(program, Program) else program
    wires = channel_wires(circuit, inputs=channel.inputs, outputs=channel.outputs)
    if channel.labels is None:
        return {None: circuit_choi(circuit, *wires)}
    found = [register for register in circuit.cregs if register.name == "outcome"]
    if not found:
        raise InputError("the program has no classical register 'outcome'", expected="the outcomes of the instrument")
    bits = [circuit.find_bit(bit).index for bit in found[0]]
    return {value: matrix for value, matrix in outcome_choi(circuit, *wires, bits).items()}  # noqa: C416 - its keys gain None


def verify_channel(
    channel: Any, program: Any, *, tolerance: float = 1e-9, outcomes: Mapping[int, int] | None = None
) -> Verdict:
    """Compare a program with a channel: run it once, reconstruct its Choi matrix, and bound the diamond distance.

    Args:
        channel: what it should be, all that :func:`stinespring.compile_channel` takes; with labels an instrument, compared
            outcome by outcome.
        program: a compiled channel, or a circuit with quantum register ``sys``, and for an instrument classical ``outcome``.
        tolerance: the diamond distance (half the norm) that counts as equal.
        outcomes: for an instrument, the label that each value of ``outcome`` stands for; by default itself.

    Raises:
        InputError: other registers, control flow that cannot be simulated exactly, a tolerance out of range.
        TooLargeError: too many qubits for the Choi matrix.
    """
    sheltered()
    wanted = as_channel(channel)
    return process.verify_channel(wanted, choi_of(program, wanted), tolerance=tolerance, outcomes=outcomes)


def sample_process(
    channel: Any, program: Any, *, shots: int, settings: int = 40, backend: str | Any = "aer",
    seed: int | np.random.Generator | None = None, alpha: float = 0.001, resolution: float = 0.05, report: Report = quiet,
) -> Verdict:  # fmt: skip
    """Test a program against a channel by sampling: random product inputs, random product measurements.

    One G-test over all settings, each setting one table. A PASS means that a mean TVD of ``resolution`` over these settings
    would have been seen with power 0.9; it is a test of the channel on product inputs, not a bound on the diamond distance.

    Args:
        channel: what it should be, all that :func:`stinespring.compile_channel` takes; the outcomes of an instrument are summed
            over.
        program: a compiled channel, or a circuit with quantum register ``sys``.
        shots: in all, shared evenly among the settings.
        settings: how many pairs of input (6^m) and measurement (3^n) are drawn.
        backend: where to run; see :func:`stinespring.backends.registry.open_backend`.
        seed: of the settings and of the backend.
        alpha: the false-alarm rate.
        resolution: the mean TVD that a PASS must be able to detect.
        report: progress.
    """
    samples = sampled_process(channel, program, shots=shots, settings=settings, backend=backend, seed=seed, report=report)
    return check(samples, alpha=alpha, resolution=resolution)


def sampled_process(
    channel: Any, program: Any, *, shots: int, settings: int = 40, backend: str | Any = "aer",
    seed: int | np.random.Generator | None = None, report: Report = quiet,
) -> Samples:  # fmt: skip
    """Return the samples that :func:`sample_process` judges."""
    sheltered()
    shots, settings, root = require_count(shots, "shots"), require_count(settings, "settings"), root_seed(seed)
    if shots < settings:
        raise InputError("there are fewer shots than settings", got=f"{shots} and {settings}", expected="a shot a setting")
    channel = as_channel(channel)
    if channel.outputs < 1:
        raise InputError("a channel without output cannot be sampled", got="n = 0", expected="at least one output qubit")
    whole = probed(program, settled(channel, ChannelAsked(()), {"settings": settings}, root), channel=channel)
    with opened(backend) as ready:
        samples = sampled(on_backend(whole, ready), ready, shots, root, report)
    return replace(samples, seed=root)
