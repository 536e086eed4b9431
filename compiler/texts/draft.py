# SPDX-License-Identifier: Apache-2.0
"""What the passes work on: a program in the making, and what it would cost as it stands."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from stinespring.compiler.export.lowering import circuit_cost, schedule_gates
from stinespring.compiler.texts.encode import Codes, registers
from stinespring.compiler.texts.operations import BlockOperation, Dilation, Extension, Layout, StepLaw
from stinespring.models.texts.base import TextModel
from stinespring.models.texts.fock import InputState
from stinespring.readings import IntArray, Register
from stinespring.stages import Cost, Effect

__all__ = ["Budget", "Draft", "Options", "counting_bound"]

Phases = Literal["exact", "free"]


@dataclass(frozen=True)
class Budget:
    """Hard limits of a program; None where there is none.

    Attributes:
        qubits: declared qubits.
        two_qubit: two-qubit gates on the worst path.
        conditions: ``if`` statements.
        feed_forward: ``none``: no condition; ``all``: every register is read as bits; ``auto``: the cost model chooses.
    """

    qubits: int | None = None
    two_qubit: int | None = None
    conditions: int | None = None
    feed_forward: str = "auto"

    @property
    def asked(self) -> bool:
        """Whether anything is asked for."""
        return self != Budget()


@dataclass(frozen=True)
class Options:
    """What the user asked for; see :func:`stinespring.compiler.compile.compile_model`."""

    schedule: str
    extension: Extension
    input: Literal["known", "quantum"]
    codes: Codes
    phases: Phases
    tolerance: float
    effort: float | None
    target: str
    budget: Budget = Budget()
    delays: str = "none"  # of a lowered circuit
    attention: str = "auto"  # from a table over contexts, or drawn by rejection
    state: InputState | None = None  # what the prompt registers hold
    tail: float = 1.0  # the share of the tolerance that tail tokens may take; the rest is for small rotations
    effort_share: float = 1.0  # the share of the effort for one of several drafts that are compared


@dataclass(frozen=True)
class Draft:
    """A program in the making.

    Attributes:
        model: the law.
        prompt: token numbers.
        steps: L.
        options: what was asked for.
        channels: the operations so far.
        errors: the TVD that each step may add to the joint law.
        dilations: the circuits, once they are synthesised.
        declared: all registers, once they are synthesised.
    """

    model: TextModel
    prompt: IntArray
    steps: int
    options: Options
    channels: tuple[BlockOperation, ...]
    errors: tuple[float, ...]
    dilations: tuple[Dilation, ...] = ()
    declared: tuple[Register, ...] = ()

    @property
    def quantum(self) -> bool:
        """Whether the prompt stays in registers."""
        return self.options.input == "quantum"

    def plain_registers(self) -> list[Register]:
        """Return the registers that a direct synthesis would use."""
        return registers(
            self.model,
            self.channels,
            prompt_length=len(self.prompt),
            quantum=self.quantum,
            codes=self.options.codes,
            state=self.options.state,
        )

    def schedule(self) -> Layout:
        """Return the static schedule of the synthesised circuits."""
        measured = tuple(r.name for r in self.declared if r.role in ("token", "environment"))
        return Layout("static", self.declared, measured, self.dilations)

    @cached_property
    def cost(self) -> Cost:
        """What the synthesised circuits cost, measurement included."""
        schedule = self.schedule()
        clbits = sum(r.size for r in self.declared if r.name in schedule.measured)
        return circuit_cost(schedule_gates(schedule), schedule.qubits, clbits)

    @cached_property
    def figures(self) -> tuple[int, int, int]:
        """Two-qubit gates, two-qubit depth and qubits; before there are circuits those of the Gray-code form."""
        if self.dilations:
            return self.cost.two_qubit_gates, self.cost.two_qubit_depth, self.cost.qubits
        sizes = {r.name: r.size for r in self.plain_registers()}
        gates = sum(gray_count(law, sizes) for channel in self.channels for law in channel.laws)
        return gates, gates, sum(sizes.values())

    @cached_property
    def bound(self) -> int:
        """Two-qubit gates that generic laws of this shape need."""
        return counting_bound(self.channels)

    def effect(self, name: str, reason: str, *, applied: bool) -> Effect:
        """Return the record of a pass that left the draft as it is now."""
        gates, depth, qubits = self.figures
        return Effect(name, applied, reason, gates, depth, qubits, min(1.0, sum(self.errors)), self.bound)


def gray_count(law: StepLaw, sizes: dict[str, int]) -> int:
    """Return ``2^M (2^k - 1) - k``: the CZ of a law's isometry in Gray order, M bits of context and k of outcome."""
    context = sum(sizes[name] for name in law.reads)
    return int(2**context * (2 ** sizes[law.target] - 1) - sizes[law.target])


def counting_bound(channels: tuple[BlockOperation, ...]) -> int:
    """Return a lower bound on the two-qubit gates of generic laws of this shape, phases free, by counting parameters.

    A circuit of N two-qubit gates on q qubits has at most ``4 N + q`` parameters that matter for the measured law; a law
    with D free probabilities needs as many. Laws with a structure can be cheaper.
    """
    total = 0
    for law in (channel.laws[-1] for channel in channels if channel.laws):
        free = int(((law.probabilities > 0).sum(axis=1) - 1).sum())
        wires = int(np.ceil(np.log2(max(2, len(law.contexts))))) + int(
            np.ceil(np.log2(max(2, (law.probabilities > 0).any(axis=0).sum())))
        )
        total += max(0, -(-(free - wires) // 4))
    return total
