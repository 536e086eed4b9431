# SPDX-License-Identifier: Apache-2.0
"""What the compiler of texts works on: the law of a step, a block's operation, its dilation, and the layout of them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from stinespring.circuits.core.gates import Gate
from stinespring.readings import FloatArray, IntArray, Register

__all__ = ["BlockOperation", "Dilation", "Extension", "Layout", "StepLaw"]

Extension = Literal["token", "position", "dephased"]


@dataclass(frozen=True)
class StepLaw:
    """A conditional law: which registers it reads, and the outcome's probabilities for each context that can occur.

    Attributes:
        target: the register that receives the outcome.
        reads: the registers it depends on, in text order.
        contexts: shape (B, len(reads)), symbols; all rows distinct.
        probabilities: shape (B, D) over symbols 0..D-1, rows sum to 1.
        reach: shape (B,), the probability that the context occurs (for prompts kept as quantum input: given the prompt).
    """

    target: str
    reads: tuple[str, ...]
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
    """Where every register lives and when it is measured.

    Attributes:
        kind: static, dynamic or stepwise.
        registers: all registers in the order they are declared.
        measured: names of the registers that are measured, in order.
        dilations: the steps in order.
    """

    kind: Literal["static", "dynamic", "stepwise"]
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
