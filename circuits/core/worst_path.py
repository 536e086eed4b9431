# SPDX-License-Identifier: Apache-2.0
"""What a program with conditions costs on the path where it costs most.

Counts and depths are linear over (max, +): of two histories that no later condition can tell apart only the larger numbers,
wire by wire, are kept, and the result is still exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeVar

from stinespring.circuits.core.flow import Flow, If, Instruction, Measure, Reset
from stinespring.circuits.core.gates import Gate

__all__ = ["PathCost", "WorstPath", "largest", "worst_path"]

MOST_HISTORIES = 4096
Values = tuple[int, ...]


class PathCost(Protocol):
    """Numbers that grow along a history; of two of them the larger ones can be kept."""

    def run(self, gates: Sequence[Gate]) -> None:
        """Count gates."""

    def tick(self, item: Measure | Reset) -> None:
        """Count a measurement or a reset."""

    def decide(self, item: If, holds: bool) -> None:
        """Count a condition."""

    def copy(self) -> Self:
        """Return a copy that can be counted on."""

    def join(self, other: Self) -> Self:
        """Return the larger numbers."""


P = TypeVar("P", bound=PathCost)


@dataclass
class WorstPath:
    """Two-qubit gates and, wire by wire, how many layers (of two-qubit gates, of anything) end there."""

    two_qubit: int
    pairs: list[int]
    layers: list[int]

    def run(self, gates: Sequence[Gate]) -> None:
        """Count gates."""
        for _, on, _ in gates:
            if len(on) == 2:
                self.two_qubit += 1
                a, b = on
                self.pairs[a] = self.pairs[b] = max(self.pairs[a], self.pairs[b]) + 1
                self.layers[a] = self.layers[b] = max(self.layers[a], self.layers[b]) + 1
            else:
                self.layers[on[0]] += 1

    def tick(self, item: Measure | Reset) -> None:
        """Count a measurement or a reset."""
        for qubit in item.qubits:
            self.layers[qubit] += 1

    def decide(self, item: If, holds: bool) -> None:
        """Count the gates of a condition that holds."""
        if holds:
            self.run(item.gates)

    def copy(self) -> WorstPath:
        """Return a copy that can be counted on."""
        return WorstPath(self.two_qubit, list(self.pairs), list(self.layers))

    def join(self, other: WorstPath) -> WorstPath:
        """Return the larger numbers."""
        return WorstPath(
            max(self.two_qubit, other.two_qubit),
            [max(a, b) for a, b in zip(self.pairs, other.pairs, strict=True)],
            [max(a, b) for a, b in zip(self.layers, other.layers, strict=True)],
        )


def worst_path(flow: Flow) -> WorstPath:
    """Return the numbers of the worst path; the depths are the largest entries.

    Exact, unless more than 4,096 histories have to be told apart at once; then any value of a register may follow any
    history, and the numbers are upper bounds.
    """
    return largest(flow, WorstPath(0, [0] * flow.qubits, [0] * flow.qubits))


def largest(flow: Flow, start: P) -> P:
    """Return the largest numbers over all histories of a program; exact under the same condition as :func:`worst_path`."""
    histories = _Histories(flow, start)
    for index, item in enumerate(flow.instructions):
        histories.follow(index, item)
    result, *others = histories.paths.values()
    for path in others:
        result = result.join(path)
    return result


class _Histories(Generic[P]):
    """What the registers that are still asked may hold, and the worst path to each of their values.

    A register is ``blurred`` once its values are too many: then a condition on it may hold or not whatever happened, and
    ``before`` keeps the paths from before a run of conditions of which one at most holds.
    """

    def __init__(self, flow: Flow, start: P) -> None:
        self.names = [name for name, _ in flow.classical]
        self.last = {item.register: i for i, item in enumerate(flow.instructions) if isinstance(item, If)}
        self.paths: dict[Values, P] = {(0,) * len(self.names): start}
        self.blurred: set[str] = set()
        self.asked: tuple[str, int | None] | None = None
        self.values: set[int] = set()
        self.before: dict[Values, P] = {}

    def follow(self, index: int, item: Instruction) -> None:
        """Count one instruction on every path."""
        if isinstance(item, If):
            self.ask(item)
            if self.last[item.register] == index:
                self.paths = forgotten(self.paths, self.names.index(item.register))
            return
        self.asked = None
        for path in self.paths.values():
            if isinstance(item, Gate):
                path.run((item,))
            else:
                path.tick(item)
        if isinstance(item, Measure) and self.last.get(item.register, -1) > index and item.register not in self.blurred:
            place = self.names.index(item.register)
            if len(self.paths) << len(item.bits) > MOST_HISTORIES:
                self.blurred.add(item.register)
                self.paths = forgotten(self.paths, place)
            else:
                self.paths = measured(self.paths, item, place)

    def ask(self, item: If) -> None:
        """Count the gates of a condition on the paths where it holds."""
        if (item.register, item.bit) != self.asked or item.value in self.values:
            self.before = {values: path.copy() for values, path in self.paths.items()}
            self.values = set()
        self.asked = (item.register, item.bit)
        self.values.add(item.value)
        place = self.names.index(item.register)
        for values, path in list(self.paths.items()):
            if item.register in self.blurred:
                chosen = self.before[values].copy()
                chosen.decide(item, True)
                path.decide(item, False)
                self.paths[values] = path.join(chosen)
            else:
                path.decide(item, item.holds(values[place]))


def measured(paths: dict[Values, P], item: Measure, place: int) -> dict[Values, P]:
    """Return every history with every outcome."""
    result: dict[Values, P] = {}
    mask = sum(1 << bit for bit in item.bits)
    for values, path in paths.items():
        for outcome in range(1 << len(item.bits)):
            word = values[place] & ~mask | sum((outcome >> j & 1) << bit for j, bit in enumerate(item.bits))
            after = (*values[:place], word, *values[place + 1 :])
            result[after] = path.copy() if after not in result else result[after].join(path)
    return result


def forgotten(paths: dict[Values, P], place: int) -> dict[Values, P]:
    """Join the histories that differ in one register only."""
    result: dict[Values, P] = {}
    for values, path in paths.items():
        rest = (*values[:place], 0, *values[place + 1 :])
        result[rest] = path if rest not in result else result[rest].join(path)
    return result
