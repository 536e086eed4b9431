# SPDX-License-Identifier: Apache-2.0
"""Circuits with free angles, what a host in the loop lists of itself, and the cost of several circuits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from stinespring.circuits.core.flow import Flow, Measure
from stinespring.circuits.core.gates import Gate, append
from stinespring.readings import Register
from stinespring.stages import Cost

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["FlowTemplate", "Listing", "SlottedGates", "largest_cost"]


@dataclass(frozen=True)
class FlowTemplate:
    """A circuit with free angles, without conditions.

    Attributes:
        flow: gates whose angles may be slots, then measurements.
        slots: number of angles.
    """

    flow: Flow
    slots: int

    def circuit(self) -> QuantumCircuit:
        """Return the Qiskit circuit, with parameters ``a[i]``."""
        from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
        from qiskit.circuit import ParameterVector

        classical = {name: ClassicalRegister(size, name) for name, size in self.flow.classical}
        quantum = [QuantumRegister(size, name) for name, size in self.flow.quantum if size]
        circuit = QuantumCircuit(*quantum, *classical.values(), name="template")
        append(circuit, [i for i in self.flow.instructions if isinstance(i, Gate)], ParameterVector("a", self.slots))
        for item in self.flow.instructions:
            if isinstance(item, Measure):
                circuit.measure(item.qubits, [classical[item.register][bit] for bit in item.bits])
        return circuit


class SlottedGates(Protocol):
    """Gates with free angles on registers that are all measured."""

    @property
    def registers(self) -> tuple[Register, ...]:
        """The registers, in order."""

    @property
    def gates(self) -> Sequence[Gate]:
        """The gates."""

    @property
    def slots(self) -> int:
        """Number of angles."""


class Listing(NamedTuple):
    """What the folder of a host in the loop lists.

    Attributes:
        templates: by file name.
        prefixes: by the text generated so far: the template's name, the prefix's probability, its angles, and what
            else a reader needs.
        steps: number of tokens before which all prefixes are listed.
        complete: whether those are all prefixes there are.
    """

    templates: Mapping[str, FlowTemplate | SlottedGates]
    prefixes: Mapping[str, Mapping[str, Any]]
    steps: int
    complete: bool


def largest_cost(costs: Iterable[Cost]) -> Cost:
    """Return the cost of several circuits: the largest of each number."""
    return Cost(*(max(numbers) for numbers in zip(*map(astuple, costs), strict=True)))
