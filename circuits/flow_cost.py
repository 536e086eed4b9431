# SPDX-License-Identifier: Apache-2.0
"""What a program with conditions costs on the path where it costs most.

Counts and depths are linear over (max, +): of two histories that no later condition can tell apart only the larger numbers,
wire by wire, are kept, and the result is still exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stinespring.circuits.flow import Flow, If, Instruction, Measure
from stinespring.circuits.gates import TWO_QUBIT, Gate

__all__ = ["WorstPath", "worst_path"]

MOST_HISTORIES = 4096
Values = tuple[int, ...]


@dataclass
class WorstPath:
    """Two-qubit gates and, wire by wire, how many layers (of two-qubit gates, of anything) end there."""

    two_qubit: int
    pairs: list[int]
    layers: list[int]

    def run(self, gates: Sequence[Gate]) -> None:
        """Count gates."""
        for name, on, _ in gates:
            if name in TWO_QUBIT:
                self.two_qubit += 1
                a, b = on
                self.pairs[a] = self.pairs[b] = max(self.pairs[a], self.pairs[b]) + 1
                self.layers[a] = self.layers[b] = max(self.layers[a], self.layers[b]) + 1
            else:
                self.layers[on[0]] += 1

    def tick(self, qubits: Sequence[int]) -> None:
        """Count a measurement or a reset."""
        for qubit in qubits:
            self.layers[qubit] += 1

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
    histories = _Histories(flow)
    for index, item in enumerate(flow.instructions):
        histories.follow(index, item)
    result, *others = histories.paths.values()
    for path in others:
        result = result.join(path)
    return result


class _Histories:
    """What the registers that are still asked may hold, and the worst path to each of their values.

    A register is ``blurred`` once its values are too many: then a condition on it may hold or not whatever happened, and
    ``before`` keeps the paths from before a run of conditions of which one at most holds.
    """

    def __init__(self, flow: Flow) -> None:
        self.names = [name for name, _ in flow.classical]
        self.last = {item.register: i for i, item in enumerate(flow.instructions) if isinstance(item, If)}
        start = WorstPath(0, [0] * flow.qubits, [0] * flow.qubits)
        self.paths: dict[Values, WorstPath] = {(0,) * len(self.names): start}
        self.blurred: set[str] = set()
        self.asked: tuple[str, int | None] | None = None
        self.before: dict[Values, WorstPath] = {}

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
                path.tick(item.qubits)
        if isinstance(item, Measure) and self.last.get(item.register, -1) > index and item.register not in self.blurred:
            place = self.names.index(item.register)
            if len(self.paths) << len(item.bits) > MOST_HISTORIES:
                self.blurred.add(item.register)
                self.paths = forgotten(self.paths, place)
            else:
                self.paths = measured(self.paths, item, place)

    def ask(self, item: If) -> None:
        """Count the gates of a condition on the paths where it holds."""
        if (item.register, item.bit) != self.asked:
            self.before = {values: path.copy() for values, path in self.paths.items()}
        self.asked = (item.register, item.bit)
        for values, path in list(self.paths.items()):
            if item.register in self.blurred:
                chosen = self.before[values].copy()
                chosen.run(item.gates)
                self.paths[values] = path.join(chosen)
            elif item.holds(dict(zip(self.names, values, strict=True))):
                path.run(item.gates)


def measured(paths: dict[Values, WorstPath], item: Measure, place: int) -> dict[Values, WorstPath]:
    """Return every history with every outcome."""
    result: dict[Values, WorstPath] = {}
    mask = sum(1 << bit for bit in item.bits)
    for values, path in paths.items():
        for outcome in range(1 << len(item.bits)):
            word = values[place] & ~mask | sum((outcome >> j & 1) << bit for j, bit in enumerate(item.bits))
            after = (*values[:place], word, *values[place + 1 :])
            result[after] = path.copy() if after not in result else result[after].join(path)
    return result


def forgotten(paths: dict[Values, WorstPath], place: int) -> dict[Values, WorstPath]:
    """Join the histories that differ in one register only."""
    result: dict[Values, WorstPath] = {}
    for values, path in paths.items():
        rest = (*values[:place], 0, *values[place + 1 :])
        result[rest] = path if rest not in result else result[rest].join(path)
    return result
