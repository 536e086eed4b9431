# SPDX-License-Identifier: Apache-2.0
"""What the compiler of texts works on: the law of a step, a block's operation, its dilation, and the layout of them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from stinespring.circuits.core.build import build_circuit
from stinespring.circuits.core.gates import Gate, concatenated, relabel
from stinespring.compiler.options import Extension
from stinespring.readings import FloatArray, IntArray, Register, Role

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["BlockOperation", "Dilation", "Layout", "Place", "StepLaw"]

LETTERS: dict[Role, str] = {"prompt": "p", "token": "t", "environment": "e", "memory": "m", "ancilla": "a_t"}


class Place(NamedTuple):
    """Where a symbol is kept: the prompt's or a step's token, the position a head attends to, or a memory.

    Attributes:
        role: what it holds.
        step: of a prompt the place of the token, otherwise the generation step; both from 1.
        head: the attention head, from 1; 0 where there is one only.
    """

    role: Role
    step: int
    head: int = 0

    @classmethod
    def of(cls, register: Register) -> Place:
        """Return the place of a register."""
        return cls(register.role, register.step, register.head)

    @property
    def name(self) -> str:
        """The name of its register; a token of no step is the whole text."""
        if self.role == "token" and self.step == 0:
            return "text"
        return f"{LETTERS[self.role]}{self.step}" + (f"_{self.head}" if self.head else "")

    def register(self, symbols: Sequence[int]) -> Register:
        """Return its register with these symbols."""
        return Register(self.name, self.role, tuple(symbols), step=self.step, head=self.head)


@dataclass(frozen=True)
class StepLaw:
    """A conditional law: which registers it reads, and the outcome's probabilities for each context that can occur.

    Attributes:
        target: the place that receives the outcome.
        reads: the places it depends on, in text order.
        contexts: shape (B, len(reads)), symbols; all rows distinct.
        probabilities: shape (B, D) over symbols 0..D-1, rows sum to 1.
        reach: shape (B,), the probability that the context occurs (for prompts kept as quantum input: given the prompt).
    """

    target: Place
    reads: tuple[Place, ...]
    contexts: IntArray
    probabilities: FloatArray
    reach: FloatArray


@dataclass(frozen=True)
class BlockOperation:
    """One block's quantum operation: laws applied one after the other, those for environment registers first.

    With ``E`` the environment outcomes and ``t`` the token: ``V|w> = |w> sum_{E,t} sqrt(P(E|w) P(t|E,w)) |t>|E>``; tracing
    out the environment leaves the operation with Kraus operators ``K_E = (1 (x) <E|) V``.
    """

    step: int
    extension: Extension
    laws: tuple[StepLaw, ...]


@dataclass(frozen=True)
class Dilation:
    """A Stinespring isometry as a circuit.

    Attributes:
        channel: what it dilates.
        registers: the registers that the gates act on; qubits are numbered through them in this order.
        gates: the circuit; the registers it creates start in |0>.
        error: proven bound on the TVD between this step's law and the model's, given the text before.
    """

    channel: BlockOperation
    registers: tuple[Register, ...]
    gates: Sequence[Gate]
    error: float = 0.0


@dataclass(frozen=True)
class Layout:
    """One circuit, measured at the end: where every register lives, and the isometries on them.

    Attributes:
        registers: all registers in the order they are declared.
        measured: names of the registers that are measured, in order.
        dilations: the steps in order.
    """

    registers: tuple[Register, ...]
    measured: tuple[str, ...]
    dilations: tuple[Dilation, ...]

    @property
    def qubits(self) -> int:
        """Number of qubits declared."""
        return sum(r.size for r in self.registers)

    def place(self, name: str) -> tuple[int, ...]:
        """Return the qubit numbers of a register, least significant first."""
        first = 0
        for register in self.registers:
            if register.name == name:
                return tuple(range(first, first + register.size))
            first += register.size
        raise KeyError(name)

    def gates(self) -> Sequence[Gate]:
        """Return all gates on the layout's qubits, in order."""
        parts: list[Sequence[Gate]] = []
        for dilation in self.dilations:
            wires = [q for register in dilation.registers for q in self.place(register.name)]
            parts.append(relabel(dilation.gates, wires))
        return concatenated(parts)

    def circuit(self) -> QuantumCircuit:
        """Return the Qiskit circuit."""
        return build_circuit(self.registers, self.measured, self.gates())
