# SPDX-License-Identifier: Apache-2.0
"""Circuits with mid-circuit measurement, reset and conditions, in the form that hardware executes.

A condition is flat: it compares one classical register, or one of its bits, with a constant and guards gates only. Bits
of a register hold 0 until they are measured, so that a register filled bit by bit can be tested for a prefix.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from stinespring.circuits.core.gates import Gate, append

if TYPE_CHECKING:
    from qiskit import ClassicalRegister, QuantumCircuit

__all__ = ["Flow", "If", "Instruction", "Measure", "Reset"]


class Measure(NamedTuple):
    """Measurement of qubits into bits of one classical register."""

    qubits: tuple[int, ...]
    register: str
    bits: tuple[int, ...]


class Reset(NamedTuple):
    """Return of qubits to |0>."""

    qubits: tuple[int, ...]


class If(NamedTuple):
    """Gates that are applied if a register (or one ``bit`` of it) has a value."""

    register: str
    value: int
    gates: tuple[Gate, ...]
    bit: int | None = None

    def holds(self, value: int) -> bool:
        """Return whether the condition is met by the register's value."""
        return (value if self.bit is None else value >> self.bit & 1) == self.value


Instruction = Gate | Measure | Reset | If


@dataclass(frozen=True)
class Flow:
    """A program of gates, measurements, resets and conditions.

    Attributes:
        quantum: names and sizes of the quantum registers; qubits are numbered through them in this order.
        classical: names and sizes of the classical registers, all zero at the start.
        instructions: in order.
        phase: global phase; the whole program is ``e^{i phase}`` times its instructions.
    """

    quantum: tuple[tuple[str, int], ...]
    classical: tuple[tuple[str, int], ...]
    instructions: tuple[Instruction, ...]
    phase: float = 0.0

    @property
    def qubits(self) -> int:
        """Number of qubits."""
        return sum(size for _, size in self.quantum)

    @property
    def clbits(self) -> int:
        """Number of classical bits."""
        return sum(size for _, size in self.classical)

    @property
    def conditions(self) -> int:
        """Number of conditions."""
        return sum(isinstance(item, If) for item in self.instructions)

    @cached_property
    def mid_circuit_measurements(self) -> int:
        """Number of measurements whose qubit is used again or whose bit steers a condition; all others can wait."""
        sizes = dict(self.classical)
        used: set[int] = set()
        asked: set[tuple[str, int]] = set()
        count = 0
        for item in reversed(self.instructions):
            if isinstance(item, Measure):
                for qubit, bit in zip(item.qubits, item.bits, strict=True):
                    count += qubit in used or (item.register, bit) in asked
                    asked.discard((item.register, bit))
            elif isinstance(item, If):
                bits = range(sizes[item.register]) if item.bit is None else (item.bit,)
                asked |= {(item.register, bit) for bit in bits}
                used |= {qubit for gate in item.gates for qubit in gate.qubits}
            if not isinstance(item, If):
                used.update(item.qubits)
        return count

    def place(self, name: str) -> tuple[int, ...]:
        """Return the qubit numbers of a quantum register, least significant first."""
        first = 0
        for register, size in self.quantum:
            if register == name:
                return tuple(range(first, first + size))
            first += size
        raise KeyError(name)

    def circuit(self) -> QuantumCircuit:
        """Return the program as a Qiskit circuit."""
        from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister

        registers = {name: ClassicalRegister(size, name) for name, size in self.classical}
        quantum = [QuantumRegister(size, name) for name, size in self.quantum if size]
        circuit = QuantumCircuit(*quantum, *registers.values(), name="stinespring", global_phase=self.phase)
        for _, run in groupby(self.instructions, key=type):
            items = list(run)
            append(circuit, [item for item in items if isinstance(item, Gate)])  # all or none
            for item in items:
                if isinstance(item, Measure):
                    circuit.measure(item.qubits, [registers[item.register][bit] for bit in item.bits])
                elif isinstance(item, Reset):
                    circuit.reset(item.qubits)
                elif isinstance(item, If):
                    append_conditional(circuit, item, registers[item.register])
        return circuit


def append_conditional(circuit: QuantumCircuit, item: If, register: ClassicalRegister) -> None:
    """Append gates under a condition on a register of the circuit."""
    from qiskit import QuantumCircuit

    wires = sorted({qubit for gate in item.gates for qubit in gate.qubits})
    number = {wire: i for i, wire in enumerate(wires)}
    body = QuantumCircuit([circuit.qubits[w] for w in wires], register)
    append(body, [gate._replace(qubits=tuple(number[q] for q in gate.qubits)) for gate in item.gates])
    condition = (register if item.bit is None else register[item.bit], item.value)
    circuit.if_test(condition, body, wires, list(register))
