# SPDX-License-Identifier: Apache-2.0
"""The compiler's own list of gates: light enough for a million of them, turned into Qiskit at the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import starmap
from typing import TYPE_CHECKING, NamedTuple, overload

import numpy as np

from stinespring.readings import FloatArray, IntArray

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.circuit import ParameterExpression

__all__ = [
    "ROTATION",
    "TWO_QUBIT",
    "Gate",
    "RotationArray",
    "Slot",
    "append",
    "concatenated",
    "count_two_qubit",
    "depths",
    "inverted",
    "relabel",
]


TWO_QUBIT = frozenset({"cx", "cz"})
ROTATION = -1  # in place of a control


class Slot(NamedTuple):
    """A rotation angle that is bound later: the ``number``-th entry of a vector of angles."""

    number: int


class Gate(NamedTuple):
    """One gate: a name of the OpenQASM standard library, qubits (control first) and angles in radians."""

    name: str
    qubits: tuple[int, ...]
    params: tuple[float | Slot, ...] = ()


def gate(control: int, target: int, angle: float) -> Gate:
    """Return one gate."""
    return Gate("ry", (target,), (angle,)) if control == ROTATION else Gate("cz", (control, target))


@dataclass(frozen=True, eq=False)
class RotationArray(Sequence[Gate]):
    """A sequence of Ry on targets and CZ between controls and targets, read like any sequence of gates.

    Attributes:
        controls: shape (G,); :data:`ROTATION` where the gate is an Ry.
        targets: shape (G,).
        angles: in radians, shape (G,); 0 where the gate is a CZ.
    """

    controls: IntArray
    targets: IntArray
    angles: FloatArray

    def __len__(self) -> int:
        """Return the number of gates."""
        return self.controls.size

    def __iter__(self) -> Iterator[Gate]:
        """Iterate over the gates."""
        return starmap(gate, zip(self.controls.tolist(), self.targets.tolist(), self.angles.tolist(), strict=True))

    @overload
    def __getitem__(self, index: int) -> Gate: ...
    @overload
    def __getitem__(self, index: slice) -> RotationArray: ...
    def __getitem__(self, index: int | slice) -> Gate | RotationArray:
        """Return a gate, or some of the gates."""
        if isinstance(index, slice):
            return RotationArray(self.controls[index], self.targets[index], self.angles[index])
        return gate(int(self.controls[index]), int(self.targets[index]), float(self.angles[index]))

    @property
    def two_qubit(self) -> int:
        """Number of CZ."""
        return int((self.controls != ROTATION).sum())

    def on(self, wires: Sequence[int]) -> RotationArray:
        """Return the gates with qubit q replaced by ``wires[q]``."""
        table = np.append(np.asarray(wires, dtype=np.int64), ROTATION)  # entry -1 is the last one
        return RotationArray(table[self.controls], table[self.targets], self.angles)


def relabel(gates: Sequence[Gate], wires: Sequence[int]) -> Sequence[Gate]:
    """Return the gates with local qubit q replaced by ``wires[q]``; the same gates where nothing changes."""
    if list(wires) == list(range(len(wires))):
        return gates
    if isinstance(gates, RotationArray):
        return gates.on(wires)
    return [Gate(name, tuple([wires[q] for q in on]), params) for name, on, params in gates]


def concatenated(parts: Sequence[Sequence[Gate]]) -> Sequence[Gate]:
    """Return all gates in order: as arrays if all parts are arrays, as a list otherwise."""
    arrays = [part for part in parts if isinstance(part, RotationArray)]
    if len(arrays) < len(parts) or not arrays:
        return [gate for part in parts for gate in part]
    controls, targets = (np.concatenate(c) for c in ([a.controls for a in arrays], [a.targets for a in arrays]))
    return RotationArray(controls, targets, np.concatenate([a.angles for a in arrays]))


def count_two_qubit(gates: Iterable[Gate]) -> int:
    """Return the number of two-qubit gates."""
    if isinstance(gates, RotationArray):
        return gates.two_qubit
    return sum(gate.name in TWO_QUBIT for gate in gates)


def inverted(gates: Iterable[Gate]) -> list[Gate]:
    """Return the inverse circuit, exactly: gates without slots in reverse order, angles negated."""
    result = []
    for name, qubits, params in gates:
        angles = [-p for p in params if not isinstance(p, Slot)]
        if name == "u":  # u(theta, phi, lambda)^-1 = u(-theta, -lambda, -phi)
            angles = [angles[0], angles[2], angles[1]]
        result.append(Gate(name, qubits, tuple(angles)))
    return result[::-1]


def depths(gates: RotationArray, qubits: int) -> tuple[int, int]:
    """Return the depth, and the depth that counts CZ only.

    In a run of gates on one target the level after gate i is ``L_i = max(L_{i-1}, C_i) + 1`` for the level ``C_i`` of its
    control before the run (controls used again are behind the target), so ``L_i - i = max_{j <= i} (C_j - j + 1)``.
    """
    all_gates, pairs = np.zeros(qubits + 1, dtype=np.int64), np.zeros(qubits + 1, dtype=np.int64)  # the last: no control
    starts = np.flatnonzero(np.diff(gates.targets, prepend=-1))
    ends = np.append(starts, len(gates))[1:]
    for first, end in zip(starts.tolist(), ends.tolist(), strict=True):
        target, control = int(gates.targets[first]), gates.controls[first:end]
        for level, added in (
            (all_gates, np.ones(end - first, dtype=np.int64)),
            (pairs, (control != ROTATION).astype(np.int64)),
        ):
            done = np.cumsum(added)
            after = done + np.maximum(np.maximum.accumulate(level[control] - done + added), level[target])
            level[control] = after  # of gates with the same control the last one counts
            level[target], level[ROTATION] = after[-1], 0
    return int(all_gates.max()), int(pairs.max())


def append(circuit: QuantumCircuit, gates: Iterable[Gate], parameters: Sequence[ParameterExpression] = ()) -> None:
    """Append gates to a Qiskit circuit whose qubits are numbered as in the gates.

    No Qiskit gate is made, which would take most of the time: instructions name Qiskit's own standard gates, and an instruction
    without angles is made once and used for every gate on the same qubits.

    Args:
        circuit: changed in place.
        gates: what to append.
        parameters: what a :class:`Slot` stands for.
    """
    from qiskit.circuit import CircuitInstruction
    from qiskit.circuit.library import CXGate, CZGate, HGate, RYGate, RZGate, UGate, XGate

    kinds = {"ry": RYGate, "rz": RZGate, "u": UGate, "x": XGate, "h": HGate, "cz": CZGate, "cx": CXGate}
    standard = {name: kind._standard_gate for name, kind in kinds.items()}
    made, add, wires = CircuitInstruction.from_standard, circuit._data.append, circuit.qubits
    known: dict[tuple[str, tuple[int, ...]], CircuitInstruction] = {}

    def bare(name: str, qubits: tuple[int, ...]) -> CircuitInstruction:
        item = known.get((name, qubits))
        if item is None:
            item = known[name, qubits] = made(standard[name], [wires[q] for q in qubits], ())
        return item

    if isinstance(gates, RotationArray):
        turn, alone = standard["ry"], [(wire,) for wire in wires]
        for control, target, angle in zip(gates.controls.tolist(), gates.targets.tolist(), gates.angles.tolist(), strict=True):
            add(made(turn, alone[target], (angle,)) if control == ROTATION else bare("cz", (control, target)))
        return
    for name, qubits, params in gates:
        if not params:
            add(bare(name, qubits))
            continue
        angles = [parameters[p.number] if isinstance(p, Slot) else p for p in params]
        add(made(standard[name], [wires[q] for q in qubits], angles))
