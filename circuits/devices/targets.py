# SPDX-License-Identifier: Apache-2.0
"""Targets by their names: lattices without a name, and snapshots of devices."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from stinespring.circuits.devices.snapshots import snapshot_readout, snapshot_target
from stinespring.errors import InputError
from stinespring.stages import Device

if TYPE_CHECKING:
    from qiskit.transpiler import Target

__all__ = ["GENERIC", "generic_target", "open_target", "readout_rates"]

GENERIC = ("line", "grid", "heavy-hex")  # targets that are no backends
MOST_QUBITS = 4096  # of a generic target
MOST_DISTANCE = 41  # a heavy-hex lattice of about 4,000 qubits
GENERIC_BASIS = ["rz", "sx", "x", "cz", "measure", "reset"]


def open_target(name: str) -> Device | None:
    """Return the device that a string names; ``aer`` has no constraints and gives None.

    Args:
        name: ``aer``, ``line:N``, ``grid:RxC``, ``heavy-hex:D`` (D odd, the code distance) or ``fake:NAME`` (a snapshot of
            an IBM device, extra ``[ibm]``).

    Raises:
        InputError: an unknown name or size.
    """
    kind, _, size = name.partition(":")
    if kind == "aer":
        return None
    if kind == "fake":
        return Device(name, snapshot_target(size))
    try:
        if kind in GENERIC:
            return Device(name, generic_target(kind, size))
    except ValueError as error:
        raise InputError("the target's size is not usable", got=name, expected="line:5, grid:3x4, heavy-hex:3") from error
    raise InputError("unknown target", got=name, expected="aer, line:N, grid:RxC, heavy-hex:D or fake:NAME")


def generic_target(kind: str, size: str) -> Target:
    """Return a target with CZ, sqrt(X), X, Rz and conditions on a line, a grid or a heavy-hex lattice."""
    from qiskit.circuit import IfElseOp
    from qiskit.transpiler import CouplingMap, Target

    numbers = [int(part) for part in size.split("x")]
    if min(numbers) < 1 or math.prod(numbers) > MOST_QUBITS or (kind == "heavy-hex" and numbers[0] > MOST_DISTANCE):
        raise ValueError(size)
    if kind == "line":
        coupling = CouplingMap.from_line(int(size))
    elif kind == "grid":
        rows, columns = (int(n) for n in size.split("x"))
        coupling = CouplingMap.from_grid(rows, columns)
    else:
        if int(size) % 2 == 0:
            raise ValueError(size)
        coupling = CouplingMap.from_heavy_hex(int(size))
    target: Target = Target.from_configuration(basis_gates=GENERIC_BASIS, coupling_map=coupling, num_qubits=coupling.size())
    target.add_instruction(IfElseOp, name="if_else")
    return target


def readout_rates(device: Device, qubit: int) -> tuple[float, float] | None:
    """Return the rates of 1 read for 0, and of 0 read for 1, of a device's qubit; both the one it states, or None."""
    if device.name.startswith("fake:"):
        both = snapshot_readout(device.name.removeprefix("fake:")).get(qubit)
        if both is not None:
            return both
    target = device.target
    found = target["measure"].get((qubit,)) if "measure" in target.operation_names else None
    return None if found is None or found.error is None else (float(found.error), float(found.error))
