# SPDX-License-Identifier: Apache-2.0
"""Simulated devices: the gates, the rules and the noise of a snapshot, on Aer."""

from __future__ import annotations

from collections.abc import Mapping

from stinespring.backends.aer.backend import AerBackend, require_known, whole
from stinespring.backends.aer.calibration import Calibration
from stinespring.backends.aer.sources import snapshot_calibration
from stinespring.circuits.devices.targets import open_target
from stinespring.errors import InputError
from stinespring.stages import Backend

__all__ = ["calibration_of", "open_fake"]

OPTIONS = ("method", "threads", "memory")


def open_fake(name: str, options: Mapping[str, str]) -> AerBackend:
    """Return the simulated device that ``fake:NAME[?option=value&...]`` names."""
    require_known("fake", options, OPTIONS)
    calibration, device = snapshot_calibration(name), open_target(f"fake:{name}")
    text = "&".join(f"{key}={options[key]}" for key in OPTIONS if key in options)
    return AerBackend(
        options.get("method", "auto"), calibration=calibration, device=device, name=f"fake:{name}" + f"?{text}" * bool(text),
        threads=whole(options, "threads"), memory=whole(options, "memory"),
    )  # fmt: skip


def calibration_of(backend: Backend) -> Calibration:
    """Return what a backend knows about its errors: its calibration, or what its device's target states.

    Raises:
        InputError: it has neither.
    """
    if isinstance(backend, AerBackend) and backend.calibration is not None:
        return backend.calibration
    able = backend.capabilities
    if able.device is None:
        raise InputError(
            "the backend has no calibration", got=backend.name, expected="a device, for example fake:boston or aer?noise=boston"
        )
    return Calibration.of_target(able.device.target, name=able.device.name, max_shots=able.max_shots)
