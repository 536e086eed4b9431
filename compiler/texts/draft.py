# SPDX-License-Identifier: Apache-2.0
"""What the passes work on: a program in the making, and what it would cost as it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

from stinespring.circuits.core.cost import circuit_cost
from stinespring.compiler.options import CompileOptions
from stinespring.compiler.texts.encode import registers, with_book
from stinespring.compiler.texts.operations import BlockOperation, Dilation, Layout, StepLaw
from stinespring.compiler.texts.spare import Spare
from stinespring.models.texts.base import TextModel
from stinespring.models.texts.fock import InputState
from stinespring.readings import Codebook, IntArray, Register
from stinespring.stages import Cost, Effect, Promise

__all__ = ["Coding", "Draft", "counting_bound"]

Coding = Literal["binary", "free", "prefix", "number", "split", "texts"]


@dataclass(frozen=True)
class Draft:
    """A program in the making.

    Attributes:
        model: the law.
        prompt: token numbers.
        steps: L.
        options: what was asked for, with input and phases settled.
        state: what the prompt registers hold, if there is an input state.
        tail: the share of the tolerance that tail tokens may take; the rest is for small rotations.
        effort_share: the share of the effort for one of several drafts that are compared.
        channels: the operations so far.
        errors: the TVD that each step may add to the joint law.
        dilations: the circuits, once they are synthesised.
        declared: all registers, once they are synthesised.
        coding: how texts are coded: as ``codes`` of the options, ``number`` being codes by prefix in one register, ``split``
            the same with several codes for likely texts, so that all codes are used.
        book: what the codes mean together, where they depend on the text before.
        spare: where spare codes are placed so that wrong readings land on them; None: wherever gates are saved.
        tables: laws that were tabulated already, shared by all drafts of one compilation.
    """

    model: TextModel
    prompt: IntArray
    steps: int
    options: CompileOptions
    state: InputState | None = None
    tail: float = 1.0
    effort_share: float = 1.0
    channels: tuple[BlockOperation, ...] = ()
    errors: tuple[float, ...] = ()
    dilations: tuple[Dilation, ...] = ()
    declared: tuple[Register, ...] = ()
    coding: Coding = "free"
    book: Codebook | None = None
    spare: Spare | None = None
    tables: dict[tuple[Any, ...], Any] = field(default_factory=dict)

    @property
    def renumbered(self) -> bool:
        """Whether the symbols of a token register may get any codes."""
        return self.coding not in ("binary", "number", "split") and self.spare is None

    @property
    def promise(self) -> Promise:
        """What the circuits keep."""
        return "exact" if self.options.phases == "exact" else "free"

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
            codes="binary" if self.coding == "binary" else "free",
            state=self.state,
        )

    def sizes(self) -> dict[str, int]:
        """Return the qubits of each register that a direct synthesis would use, by name."""
        return {r.name: r.size for r in self.plain_registers()}

    def layout(self) -> Layout:
        """Return the layout of the synthesised circuits."""
        measured = tuple(r.name for r in self.declared if r.role in ("token", "environment"))
        return Layout(with_book(self.declared, self.book), measured, self.dilations)

    @cached_property
    def cost(self) -> Cost:
        """What the synthesised circuits cost, measurement included."""
        layout = self.layout()
        clbits = sum(r.size for r in self.declared if r.name in layout.measured)
        return circuit_cost(layout.gates(), layout.qubits, clbits)

    @cached_property
    def figures(self) -> tuple[int, int, int]:
        """Two-qubit gates, two-qubit depth and qubits; before there are circuits those of the Gray-code form."""
        if self.dilations:
            return self.cost.two_qubit_gates, self.cost.two_qubit_depth, self.cost.qubits
        sizes = self.sizes()
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
    context = sum(sizes[place.name] for place in law.reads)
    size = sizes[law.target.name]
    return int(2**context * (2**size - 1) - size)


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
