# SPDX-License-Identifier: Apache-2.0
"""Qiskit circuits as lists of gates: by their definitions, or by a pass manager, whose start alone takes a second."""

from __future__ import annotations

from collections.abc import Callable
from math import pi
from typing import TYPE_CHECKING

from stinespring.circuits.core.gates import Gate
from stinespring.circuits.core.one_qubit import wire_gates

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["plain_gates", "translated"]

Angles = tuple[float, ...]
TURNS: dict[str, Callable[..., Angles]] = {  # gates that are ``u`` up to a phase
    "u": lambda *angles: angles,
    "p": lambda angle: (0.0, 0.0, angle),
    "s": lambda: (0.0, 0.0, pi / 2),
    "sdg": lambda: (0.0, 0.0, -pi / 2),
    "t": lambda: (0.0, 0.0, pi / 4),
    "tdg": lambda: (0.0, 0.0, -pi / 4),
}
KEPT = frozenset({"x", "h", "cx", "cz", "ry", "rz"})


def plain_gates(circuit: QuantumCircuit) -> list[Gate]:
    """Return a circuit without measurements as ``u``, ``cx`` and ``cz``, up to a global phase."""
    return wire_gates(_unfolded(circuit, range(circuit.num_qubits)), circuit.num_qubits)


def _unfolded(circuit: QuantumCircuit, wires: range | list[int]) -> list[Gate]:
    """Return the gates on given wires, everything else replaced by its definition."""
    gates: list[Gate] = []
    for item in circuit.data:
        operation, on = item.operation, [wires[circuit.find_bit(qubit).index] for qubit in item.qubits]
        name = operation.name
        if name in KEPT or name in TURNS:
            angles = tuple([float(p) for p in operation.params])
            gates.append(Gate(name, tuple(on), angles) if name in KEPT else Gate("u", tuple(on), TURNS[name](*angles)))
        else:
            gates += _unfolded(operation.definition, on)
    return gates


def translated(circuit: QuantumCircuit) -> list[Gate]:
    """Return a circuit without measurements as ``u`` and ``cx`` by Qiskit's passes, up to a global phase."""
    from qiskit import transpile

    flat = transpile(circuit, basis_gates=["u", "cx"], optimization_level=1, seed_transpiler=0, approximation_degree=1.0)
    wire = {qubit: i for i, qubit in enumerate(flat.qubits)}
    return [
        Gate(item.operation.name, tuple([wire[q] for q in item.qubits]), tuple(map(float, item.operation.params)))
        for item in flat.data
        if item.operation.name in {"u", "cx"}
    ]
