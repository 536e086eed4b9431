# SPDX-License-Identifier: Apache-2.0
"""Snapshots of IBM's devices, as qiskit-ibm-runtime ships them: found by name, one of them read."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from stinespring.backends.calibration import Calibration, Readout, readout_of
from stinespring.errors import InputError

if TYPE_CHECKING:
    from qiskit.transpiler import Target

__all__ = ["snapshot", "snapshot_calibration", "snapshot_names", "snapshot_target"]


@cache
def classes() -> Mapping[str, Any]:
    """Return the classes of all snapshots by name; none of them is read.

    Raises:
        InputError: the extra is not installed.
    """
    try:
        import qiskit_ibm_runtime.fake_provider as provider
    except ImportError:
        raise InputError(
            "qiskit-ibm-runtime is not installed",
            got="a device snapshot (fake:NAME or noise=NAME)",
            expected="the extra [ibm]",
            todo="pip install 'stinespring[ibm]'",
        ) from None
    found = [value for value in vars(provider).values() if isinstance(value, type) and hasattr(value, "props_filename")]
    return {str(c.backend_name).removeprefix("fake_"): c for c in found if hasattr(c, "backend_name")}


def snapshot_names() -> list[str]:
    """Return the names of all snapshots."""
    return sorted(classes())


@cache
def snapshot(name: str) -> Any:
    """Return a snapshot as a Qiskit backend.

    Raises:
        InputError: no such snapshot, or the extra is not installed.
    """
    if name not in classes():
        raise InputError("no such device snapshot", got=f"fake:{name}", expected="one of " + " ".join(snapshot_names()))
    with warnings.catch_warnings():  # some snapshots warn about others
        warnings.simplefilter("ignore")
        return classes()[name]()


def snapshot_target(name: str) -> Target:
    """Return the target of a snapshot."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        target: Target = snapshot(name).target
    return target


@cache
def snapshot_calibration(name: str) -> Calibration:
    """Return the errors and times of a snapshot; readout errors differ for 0 and 1 where the snapshot says so."""
    target, backend = snapshot_target(name), snapshot(name)
    properties = backend.properties()
    readout: dict[int, Readout] = {}
    for qubit, figures in enumerate(properties.qubits if properties else []):
        given = {figure.name: figure.value for figure in figures}
        if "prob_meas1_prep0" in given and "prob_meas0_prep1" in given:
            readout[qubit] = readout_of(float(given["prob_meas1_prep0"]), float(given["prob_meas0_prep1"]))
    taken = None if properties is None else properties.last_update_date.isoformat()
    most = backend.configuration().to_dict().get("max_shots")
    return Calibration.of_target(target, name=f"fake:{name}", readout=readout, taken=taken, max_shots=most)
