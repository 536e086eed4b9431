# SPDX-License-Identifier: Apache-2.0
"""Attention over a long context with a number of gates that is polynomial in its length: positions drawn by rejection.

The tokens of the text stay in qubits. A round prepares a uniform position and measures it, rotates the qubit ``done`` by the
pair of the last token and the token at that position, and measures it; the bits of the position and of ``done`` share one
register, so that a flat condition holds only where no round has accepted yet. The accepted position is kept in ``e<l>``, and
the next token is prepared under conditions on it. A table over contexts would have d^n rows; here a step of R rounds has
``2 R n + n`` conditions, of which a shot executes two a round, each with ``O(d^2)`` gates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stinespring.circuits.core.flow import Flow, If, Instruction, Measure, Reset
from stinespring.circuits.core.gates import Gate, relabel
from stinespring.circuits.qasm.assigned import narrowed
from stinespring.compiler.dynamic.conditional import Synthesis
from stinespring.compiler.texts.encode import plain
from stinespring.compiler.texts.operations import Place
from stinespring.compiler.texts.truncate import bits
from stinespring.errors import TooLargeError
from stinespring.models.texts.attention import AttentionModel
from stinespring.models.texts.rejection import pair_scores, rounds_needed
from stinespring.readings import FloatArray, IntArray, Register

__all__ = ["Rejection", "rejection_flow"]

MOST_CONDITIONS = 50_000


@dataclass(frozen=True)
class Rejection:
    """A program that draws attended positions by rejection.

    Attributes:
        flow: its instructions.
        registers: tokens and attended positions.
        errors: proven bound on the TVD that each step adds.
        rounds: R of each step.
    """

    flow: Flow
    registers: tuple[Register, ...]
    errors: tuple[float, ...]
    rounds: tuple[int, ...]


def rejection_flow(model: AttentionModel, prompt: IntArray, steps: int, *, tolerance: float, position: bool) -> Rejection:
    """Return a program for the next tokens whose size is polynomial in the length of the text.

    Args:
        model: attention blocks with one head, no stop token.
        prompt: the known tokens.
        steps: L.
        tolerance: the TVD of the joint law that running out of rounds may cost, above 0; each step gets an equal share.
        position: whether the attended positions are outputs ``e<l>``; otherwise their bits are called ``j<l>``.

    Raises:
        TooLargeError: too many rounds or conditions.
    """
    return _RejectionWriter(model, prompt, steps, tolerance / steps, position).program()


class _RejectionWriter:
    def __init__(self, model: AttentionModel, prompt: IntArray, steps: int, tolerance: float, position: bool) -> None:
        self.model, self.prompt, self.steps, self.tolerance = model, prompt, steps, tolerance
        self.k, self.position, self.name = bits(model.d), position, "e" if position else "j"
        self.width = bits(len(prompt) + steps - 1)
        self.synthesis = Synthesis()
        first = steps * self.k
        self.draw = tuple(range(first, first + self.width))
        self.kept = tuple(range(first + self.width, first + 2 * self.width))
        self.done = first + 2 * self.width
        self.out: list[Instruction] = []
        self.classical: list[tuple[str, int]] = []
        self.conditions = 0

    def program(self) -> Rejection:
        """Return the whole program."""
        errors, rounds, registers = [], [], []
        for step in range(1, self.steps + 1):
            length = len(self.prompt) + step - 1
            pairs = pair_scores(self.model, step, self.prompt, length)
            count = rounds_needed(pairs.least, self.tolerance) if length > 1 else 0
            size = bits(length)
            self.room(count, length)
            self.classical += [(f"{self.name}{step}", size), (f"t{step}", self.k)]
            for number in range(1, count + 1):
                self.round(step, number, pairs.accept)
            self.out.append(Measure(self.kept[:size], f"{self.name}{step}", tuple(range(size))))
            self.token(step, length)
            if step < self.steps:
                self.out.append(Reset((*self.kept, self.done)))
            errors.append((1.0 - pairs.least) ** count if length > 1 else 0.0)
            rounds.append(count)
            registers.append(Place("token", step).register(plain(range(self.model.d), self.model.d)))
            if self.position:
                registers.append(Place("environment", step).register(plain(range(length), length)))
        quantum = (
            *((f"q_t{i + 1}", self.k) for i in range(self.steps)),
            ("draw", self.width),
            ("kept", self.width),
            ("done", 1),
        )
        drawn = [name for name, _ in self.classical if name.startswith("d")]
        flow = narrowed(Flow(quantum, tuple(self.classical), tuple(self.out)), spare=drawn)
        return Rejection(flow, tuple(registers), tuple(errors), tuple(rounds))

    def room(self, rounds: int, length: int) -> None:
        """Refuse programs that would not fit."""
        self.conditions += (2 * rounds + 1) * length
        if self.conditions > MOST_CONDITIONS:
            raise TooLargeError(
                "rejection needs too many conditions",
                got=f"more than {MOST_CONDITIONS:,}",
                expected="fewer steps or a larger tolerance",
                todo="raise --tolerance, or use --schedule stepwise",
            )

    def wires(self, place: int) -> tuple[int, ...]:
        """Return the qubits of the text's token at a place, none where it is known."""
        number = place - len(self.prompt)
        return tuple(range(number * self.k, (number + 1) * self.k)) if number >= 0 else ()

    def round(self, step: int, number: int, accept: FloatArray) -> None:
        """Write one round: draw a position, accept it or not, keep it if it is the first that was accepted."""
        length = len(accept)
        size = bits(length)
        register = f"d{step}_{number}"
        self.classical.append((register, size + 2))
        draw = self.draw[:size]
        uniform = np.where(np.arange(1 << size) < length, 1.0 / length, 0.0)[None]
        if number > 1 or step > 1:
            self.out.append(Reset(self.draw))
        self.out += relabel(self.synthesis.gates(uniform, np.ones(1, dtype=np.bool_)), draw)
        self.out.append(Measure(draw, register, tuple(range(size))))
        if number > 1:
            self.out.append(Measure((self.done,), register, (size,)))
        for j in range(length):
            gates = self.rotation(accept[j], j, length)
            if gates:
                self.out.append(If(register, j, gates))
        self.out.append(Measure((self.done,), register, (size + 1,)))
        for j in range(1, length):
            flips = tuple(Gate("x", (self.kept[bit],)) for bit in range(size) if j >> bit & 1)
            self.out.append(If(register, j | 1 << (size + 1), flips))

    def rotation(self, accept: FloatArray, j: int, length: int) -> tuple[Gate, ...]:
        """Return the rotation of ``done`` for position j, controlled by the last token and the token at j."""
        asked, other = self.wires(length - 1), self.wires(j) if j < length - 1 else ()
        size = 1 << self.k
        table = np.zeros((size if other else 1, size if asked else 1, 2))
        care = np.zeros(table.shape[:2], dtype=np.bool_)
        for a in range(self.model.d) if asked else [int(self.prompt[-1])]:
            for b in range(self.model.d) if other else [a if j == length - 1 else int(self.prompt[j])]:
                p = min(1.0, float(accept[a, b]))
                table[b if other else 0, a if asked else 0] = (1.0 - p, p)
                care[b if other else 0, a if asked else 0] = True
        gates = self.synthesis.gates(table.reshape(-1, 2), care.reshape(-1))
        return tuple(relabel(gates, [*asked, *other, self.done]))

    def token(self, step: int, length: int) -> None:
        """Write the next token's preparation under conditions on the attended position, and its measurement."""
        target = tuple(range((step - 1) * self.k, step * self.k))
        for j in range(length):
            attended, size = self.wires(j), 1 << self.k
            table = np.zeros((size if attended else 1, size))
            care = np.zeros(len(table), dtype=np.bool_)
            for b in range(self.model.d) if attended else [int(self.prompt[j])]:
                table[b if attended else 0, : self.model.d] = self.reading(step, length, j, b)
                care[b if attended else 0] = True
            gates = tuple(relabel(self.synthesis.gates(table, care), [*attended, *target]))
            if length == 1:
                self.out += gates
            elif gates:
                self.out.append(If(f"{self.name}{step}", j, gates))
        self.out.append(Measure(target, f"t{step}", tuple(range(self.k))))

    def reading(self, step: int, length: int, j: int, b: int) -> FloatArray:
        """Return ``P(next token | token b attended at position j)``."""
        block = self.model.block(step)
        x = self.model.embedding[b] + (0.0 if self.model.positions is None else self.model.positions[j])
        joined = x @ block.heads[0].value.T
        if block.output is not None:
            joined = joined @ block.output.T
        return np.asarray(block.readout(block.ffn(joined[None]), self.model.embedding)[0])
