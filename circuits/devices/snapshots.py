# SPDX-License-Identifier: Apache-2.0
"""Snapshots of IBM's devices, as qiskit-ibm-runtime ships them: found by name, one of them read."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stinespring.errors import InputError

if TYPE_CHECKING:
    from qiskit.transpiler import Target

__all__ = ["configurations", "snapshot", "snapshot_names", "snapshot_readout", "snapshot_target"]


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


@cache
def configurations() -> Mapping[str, Mapping[str, Any]]:
    """Return the configurations of all snapshots by name, read from the package's files: importing it takes seconds."""
    package = find_spec("qiskit_ibm_runtime")
    folders = [] if package is None else list(package.submodule_search_locations or ())
    files = [file for folder in folders for file in Path(folder).glob("fake_provider/backends/*/conf_*.json")]
    if not files:
        return {name: snapshot(name).configuration().to_dict() for name in sorted(classes())}
    return {file.stem.removeprefix("conf_"): json.loads(file.read_text(encoding="utf-8")) for file in sorted(files)}


def snapshot_names() -> list[str]:
    """Return the names of all snapshots."""
    return list(configurations())


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


@cache
def snapshot_readout(name: str) -> Mapping[int, tuple[float, float]]:
    """Return the rates of 1 read for 0, and of 0 read for 1, of the qubits of which a snapshot says both."""
    properties, found = snapshot(name).properties(), {}
    for qubit, figures in enumerate(properties.qubits if properties else []):
        given = {figure.name: figure.value for figure in figures}
        if "prob_meas1_prep0" in given and "prob_meas0_prep1" in given:
            found[qubit] = (float(given["prob_meas1_prep0"]), float(given["prob_meas0_prep1"]))
    return found


def snapshot_target(name: str) -> Target:
    """Return the target of a snapshot."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        target: Target = snapshot(name).target
    return target
