# SPDX-License-Identifier: Apache-2.0
"""From gates to a Qiskit circuit, and what a circuit costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple
from typing import TYPE_CHECKING, Protocol

from stinespring.circuits.core.flow import Flow
from stinespring.circuits.core.gates import TWO_QUBIT, Gate, RotationArray, append, concatenated, depths, relabel
from stinespring.circuits.core.worst_path import worst_path
from stinespring.readings import Register
from stinespring.stages import Cost

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = [
    "Part", "Slotted", "Static", "circuit_cost", "flow_cost", "largest_cost", "quantum_name", "schedule_gates", "static_circuit",
    "template_circuit",
]  # fmt: skip


class Part(Protocol):
    """Gates on some registers, whose qubits are numbered through them in order."""

    @property
    def registers(self) -> tuple[Register, ...]:
        """The registers."""

    @property
    def gates(self) -> Sequence[Gate]:
        """The gates."""


class Slotted(Part, Protocol):
    """A circuit with free angles, all of whose registers are measured."""

    @property
    def slots(self) -> int:
        """Number of angles."""


class Static(Protocol):
    """Registers, what acts on them, and which of them are measured at the end."""

    @property
    def registers(self) -> tuple[Register, ...]:
        """All registers, in the order they are declared."""

    @property
    def measured(self) -> tuple[str, ...]:
        """Names of those that are measured, in order."""

    @property
    def dilations(self) -> Sequence[Part]:
        """What acts on them, in order."""

    def place(self, name: str) -> tuple[int, ...]:
        """Return the qubit numbers of a register, least significant first."""


def quantum_name(register: Register) -> str:
    """Return the name of the qubits behind a register; the plain name belongs to the classical bits that are read out."""
    return register.name if register.role == "prompt" else f"q_{register.name}"


def schedule_gates(layout: Static) -> Sequence[Gate]:
    """Return all gates on the layout's qubits, in order."""
    parts: list[Sequence[Gate]] = []
    for dilation in layout.dilations:
        wires = [q for register in dilation.registers for q in layout.place(register.name)]
        parts.append(relabel(dilation.gates, wires))
    return concatenated(parts)


def build_circuit(
    registers: Sequence[Register], measured: Sequence[str], gates: Iterable[Gate], slots: int, name: str
) -> QuantumCircuit:
    """Return a Qiskit circuit with the registers' names, measured at the end."""
    from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
    from qiskit.circuit import ParameterVector

    quantum = {r.name: QuantumRegister(r.size, quantum_name(r)) for r in registers}
    classical = {r.name: ClassicalRegister(r.size, r.name) for r in registers if r.name in measured}
    circuit = QuantumCircuit(*quantum.values(), *classical.values(), name=name)
    append(circuit, gates, ParameterVector("a", slots) if slots else ())
    for register in measured:
        circuit.measure(quantum[register], classical[register])
    return circuit


def static_circuit(layout: Static) -> QuantumCircuit:
    """Return the circuit of a static layout, measured at the end."""
    return build_circuit(layout.registers, layout.measured, schedule_gates(layout), 0, "stinespring")


def template_circuit(template: Slotted) -> QuantumCircuit:
    """Return a template as a Qiskit circuit with parameters ``a[i]``."""
    names = [r.name for r in template.registers]
    return build_circuit(template.registers, names, template.gates, template.slots, "template")


def flow_cost(flow: Flow) -> Cost:
    """Return the cost of a program on its worst path."""
    worst = worst_path(flow)
    return Cost(
        qubits=flow.qubits,
        clbits=flow.clbits,
        two_qubit_gates=worst.two_qubit,
        two_qubit_depth=max(worst.pairs, default=0),
        depth=max(worst.layers, default=0),
        mid_circuit_measurements=flow.mid_circuit_measurements,
        conditions=flow.conditions,
    )


def largest_cost(costs: Iterable[Cost]) -> Cost:
    """Return the cost of several circuits: the largest of each number."""
    return Cost(*(max(numbers) for numbers in zip(*map(astuple, costs), strict=True)))


def circuit_cost(gates: Sequence[Gate], qubits: int, clbits: int) -> Cost:
    """Return the cost of gates followed by one measurement layer (if anything is measured)."""
    layer = 1 if clbits else 0
    if isinstance(gates, RotationArray):
        deepest, chain = depths(gates, qubits)
        return Cost(qubits, clbits, gates.two_qubit, chain, deepest + layer, 0, 0)
    level, pairs = [0] * qubits, [0] * qubits
    two_qubit = 0
    for name, on, _ in gates:
        if name in TWO_QUBIT:
            two_qubit += 1
            a, b = on
            level[a] = level[b] = max(level[a], level[b]) + 1
            pairs[a] = pairs[b] = max(pairs[a], pairs[b]) + 1
        else:
            level[on[0]] += 1
    return Cost(qubits, clbits, two_qubit, max(pairs, default=0), max(level, default=0) + layer, 0, 0)
