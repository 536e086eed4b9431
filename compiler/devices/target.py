# SPDX-License-Identifier: Apache-2.0
"""Lowering to a device: its basis and its coupling map, by Qiskit's preset passes with several layouts tried."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stinespring.circuits.devices.legality import Rules, require_legal, rules_of
from stinespring.circuits.devices.read_back import flow_of, is_dynamic, worst_path_of
from stinespring.circuits.devices.snapshots import snapshot_target
from stinespring.compiler.export.lowering import flow_cost
from stinespring.errors import InputError, TooLargeError
from stinespring.stages import Cost

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.transpiler import Target

__all__ = ["Device", "lower", "lowered_cost", "open_target"]

MOST_QUBITS = 4096  # of a generic target
MOST_DISTANCE = 41  # a heavy-hex lattice of about 4,000 qubits
LAYOUTS = 8  # seeds of Qiskit's stochastic layout and routing that are compared
SPACING = 7919
BASES = frozenset("rz sx x id cx cz ecr u1 u2 u3 measure reset".split())  # noqa: SIM905 -- gates that layouts are tried with
GENERIC_BASIS = ["rz", "sx", "x", "cz", "measure", "reset"]


@dataclass(frozen=True)
class Device:
    """A target by name.

    Attributes:
        name: as in a backend or target string.
        target: Qiskit's description of it.
        rules: what it executes; by default those that go with the name.
    """

    name: str
    target: Target
    rules: Rules | None = None

    @property
    def executes(self) -> Rules:
        """What it executes."""
        return self.rules or rules_of(self.name)


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
        if kind in ("line", "grid", "heavy-hex"):
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


def lower(circuit: QuantumCircuit, device: Device, *, seed: int = 0) -> QuantumCircuit:
    """Return the circuit on the device's qubits and gates: of several layouts the one with the fewest two-qubit gates.

    Of a circuit with conditions those on its worst path count. What a condition guards is routed there and back, so that
    every path ends with the qubits in the same places.

    Raises:
        TooLargeError: the circuit has more qubits than the device.
        InputError: the circuit does what the device does not execute.
    """
    from qiskit.transpiler import generate_preset_pass_manager

    if circuit.num_qubits > device.target.num_qubits:
        raise TooLargeError(
            f"the program does not fit on {device.name}",
            got=f"{circuit.num_qubits} qubits",
            expected=f"at most {device.target.num_qubits}",
            todo="use fewer steps or --schedule stepwise",
        )
    dynamic = is_dynamic(circuit)
    if dynamic:
        require_executable(circuit, device)
    best: QuantumCircuit | None = None
    for trial in range(LAYOUTS):
        number = seed + SPACING * trial
        manager = generate_preset_pass_manager(
            optimization_level=3,
            target=device.target,
            seed_transpiler=number,
            initial_layout=near_layout(circuit, device, number) if dynamic else None,
        )
        candidate = manager.run(circuit)
        if best is None or price(candidate) < price(best):
            best = candidate
    assert best is not None, "at least one layout is tried"
    if dynamic:
        best = without_empty(best)
        require_legal(best, device.executes, target=device.target)
    return best


def near_layout(circuit: QuantumCircuit, device: Device, seed: int) -> list[int] | None:
    """Return a layout on as few qubits of the device as the circuit has; None if it has no such region.

    Given the whole of a large device, Qiskit's layout search spreads the program: of one with 14 conditions on three qubits
    it made 274 to 622 two-qubit gates on 156 qubits, where the region (like a line of three) takes 17.
    """
    from qiskit.circuit import IfElseOp
    from qiskit.transpiler import CouplingMap, Target, generate_preset_pass_manager

    coupling = device.target.build_coupling_map()
    if coupling is None or not 2 <= circuit.num_qubits < device.target.num_qubits:
        return None
    edges = set(coupling.get_edges())
    place = region(edges, circuit.num_qubits)
    if place is None:
        return None
    number = {qubit: i for i, qubit in enumerate(place)}
    inside = [(number[a], number[b]) for a, b in sorted(edges) if a in number and b in number]
    basis = sorted(BASES.intersection(device.target.operation_names))
    small: Target = Target.from_configuration(basis, num_qubits=len(place), coupling_map=CouplingMap(inside))
    small.add_instruction(IfElseOp, name="if_else")
    manager = generate_preset_pass_manager(optimization_level=3, target=small, seed_transpiler=seed)
    found = manager.run(circuit).layout
    return [place[i] for i in (found.initial_index_layout(filter_ancillas=True) if found else range(len(place)))]


def region(edges: Collection[tuple[int, int]], size: int) -> list[int] | None:
    """Return connected qubits with as many couplings among them as a breadth-first search from any qubit finds."""
    neighbours: dict[int, set[int]] = {}
    for a, b in edges:
        neighbours.setdefault(a, set()).add(b)
        neighbours.setdefault(b, set()).add(a)
    best: list[int] | None = None
    most = -1
    for start in sorted(neighbours):
        found: dict[int, None] = {start: None}
        places = deque([start])
        while places and len(found) < size:
            fresh = [q for q in sorted(neighbours[places.popleft()]) if q not in found][: size - len(found)]
            found.update(dict.fromkeys(fresh))
            places.extend(fresh)
        couplings = sum(len(neighbours[q].intersection(found)) for q in found)
        if len(found) == size and couplings > most:
            best, most = list(found), couplings
    return best


def require_executable(circuit: QuantumCircuit, device: Device) -> None:
    """Refuse what the device's rules forbid, and mid-circuit operations that it does not have at all."""
    require_legal(circuit, device.executes)
    missing = {"if_else", "reset"}.intersection(circuit.count_ops()) - set(device.target.operation_names)
    if missing:
        raise InputError(
            f"{device.name} does not execute dynamic circuits",
            got=", ".join(sorted(missing)),
            expected=", ".join(sorted(device.target.operation_names)),
            todo="use a newer device, such as fake:boston, or --schedule static",
        )


def without_empty(circuit: QuantumCircuit) -> QuantumCircuit:
    """Return a circuit without the conditions of which optimisation left nothing."""
    kept = [item for item in circuit.data if item.operation.name != "if_else" or any(b.size() for b in item.operation.blocks)]
    if len(kept) == len(circuit.data):
        return circuit
    result: QuantumCircuit = circuit.copy()
    result.data = kept
    return result


def price(circuit: QuantumCircuit) -> tuple[int, int]:
    """Return what layouts are compared by: two-qubit gates, then (with conditions) their depth, on the worst path."""
    if "if_else" not in circuit.count_ops():
        return int(circuit.num_nonlocal_gates()), 0
    worst = worst_path_of(circuit)
    return worst.two_qubit, max(worst.pairs, default=0)


def lowered_cost(circuit: QuantumCircuit) -> Cost:
    """Return what a lowered circuit costs, on its worst path; its qubits are the device's."""
    return flow_cost(flow_of(circuit))
