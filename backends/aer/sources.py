# SPDX-License-Identifier: Apache-2.0
"""Where noise comes from: calibration files and snapshots of devices."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from stinespring.backends.aer.calibration import Calibration, Readout, read_calibration, readout_of
from stinespring.circuits.devices.snapshots import snapshot, snapshot_names, snapshot_readout, snapshot_target
from stinespring.circuits.devices.targets import open_target
from stinespring.errors import InputError
from stinespring.stages import Device

__all__ = ["noise_source", "snapshot_calibration"]


def noise_source(source: str) -> tuple[Calibration, Device | None]:
    """Return the calibration that ``noise=`` names, a file or a device snapshot, and the snapshot's device.

    Raises:
        InputError: neither a file nor a snapshot.
    """
    if source.endswith(".json") or Path(source).is_file():
        return read_calibration(source), None
    name = source.removeprefix("fake:").removeprefix("fake_")
    if name not in snapshot_names():
        raise InputError(
            "no such noise", got=f"noise={source}", expected="a calibration file, or one of " + " ".join(snapshot_names())
        )
    return snapshot_calibration(name), open_target(f"fake:{name}")


@cache
def snapshot_calibration(name: str) -> Calibration:
    """Return the errors and times of a snapshot; readout errors differ for 0 and 1 where the snapshot says so."""
    target, backend = snapshot_target(name), snapshot(name)
    properties = backend.properties()
    readout: dict[int, Readout] = {qubit: readout_of(*rates) for qubit, rates in snapshot_readout(name).items()}
    taken = None if properties is None else properties.last_update_date.isoformat()
    most = backend.configuration().to_dict().get("max_shots")
    return Calibration.of_target(target, name=f"fake:{name}", readout=readout, taken=taken, max_shots=most)
