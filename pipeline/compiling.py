# SPDX-License-Identifier: Apache-2.0
"""From a source and what is asked of it to a program; what is left to prediction is decided first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stinespring.backends.aer.calibration import Calibration
from stinespring.backends.aer.sources import snapshot_calibration
from stinespring.backends.native import sheltered
from stinespring.circuits.devices.targets import open_target
from stinespring.errors import InputError
from stinespring.pipeline.running import compile_asked, split
from stinespring.stages import Asked, Backend, Device, Program

__all__ = ["compile_decided", "compile_words"]


def compile_words(source: Any, **given: Any) -> Program:
    """Do what :func:`stinespring.compile` does, with words as they were written on a command line."""
    sheltered()
    asked, options = split(source, given)
    return compile_decided(source, asked, options)[0]


def compile_decided(
    source: Any, asked: Asked, options: Mapping[str, Any], *, backend: Backend | None = None, one_circuit: bool = False
) -> tuple[Program, dict[str, Any]]:
    """Return the program of what is asked, and the compiler's arguments with everything decided that was left to prediction.

    With ``tolerance="auto"``, and for the schedule ``auto`` on a device with noise, texts are compiled in several ways, and
    the one whose noisy readings are predicted closest to the law is taken; see :mod:`stinespring.pipeline.noise.choices`.

    Args:
        source: of any kind.
        asked: of it.
        options: the compiler's arguments.
        backend: where it will run, if that is known: its calibration counts.
        one_circuit: only programs without conditions are candidates, and none with the host in the loop.

    Raises:
        InputError: ``tolerance="auto"`` without a target that has noise, or arguments that cannot be used.
    """
    wanted = options.get("tolerance") == "auto"
    if asked.kind != "texts" or not (wanted or options.get("schedule", "auto") == "auto"):
        return compile_asked(source, asked, options), dict(options)
    target = options.get("target", "aer")
    device: Device | None = open_target(target) if isinstance(target, str) else target
    calibration = None if device is None else errors_of_device(device, backend)
    if device is None or calibration is None:
        if wanted:
            raise InputError(
                "--tolerance auto needs a target with noise", got=f"--target {'aer' if device is None else device.name}",
                expected="a device that states its errors", todo="give --target fake:boston, or a tolerance as a number",
            )  # fmt: skip
        return compile_asked(source, asked, options), dict(options)
    from stinespring.pipeline.noise.choices import choose, choose_schedule

    decide = choose if wanted else choose_schedule
    given = {**options, "target": device}
    return decide(
        lambda chosen: compile_asked(source, asked, chosen), given, device, calibration, one_circuit=one_circuit
    )  # fmt: skip


def errors_of_device(device: Device, backend: Backend | None) -> Calibration | None:
    """Return what is known of a device's errors; None where it states none."""
    if backend is not None and backend.capabilities.device is not None:
        from stinespring.backends.aer.fake import calibration_of  # with the simulator, which a fetch does without

        found = calibration_of(backend)
    elif device.name.startswith("fake:"):
        found = snapshot_calibration(device.name.partition(":")[2])
    else:
        found = Calibration.of_target(device.target, name=device.name)
    return (
        found if any(gate.error for gate in found.gates) or any(q.readout and q.readout[0][1] for q in found.qubits) else None
    )
