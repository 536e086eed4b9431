# SPDX-License-Identifier: Apache-2.0
"""A stretch of a dynamic program as one unitary circuit with measurements at its end, for one classical history.

What the history fixes is resolved: a condition on known bits becomes plain gates or none. A bit measured inside the stretch
stays in a qubit (deferred measurement), and a condition on it becomes a multiplexer, which Aer applies as one instruction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from stinespring.backends.histories.flow_events import ClearEvent, Event, ReadEvent, Switch, keeps_value
from stinespring.circuits.core.gates import Gate
from stinespring.circuits.core.simulate import gate_isometry

__all__ = ["Segment", "Stage", "Step"]

MOST_TARGETS = 4  # of one multiplexer
MOST_ENTRIES = 1 << 19  # of all its matrices: 8 MB
ANGLES = {"x": (np.pi, 0.0, np.pi), "h": (np.pi / 2, 0.0, np.pi), "cx": (np.pi, 0.0, np.pi), "cz": (0.0, 0.0, np.pi)}


class Step(NamedTuple):
    """One instruction of Aer; ``matrices`` are those of a multiplexer (targets first), as bytes, ``targets`` their qubits."""

    name: str
    wires: tuple[int, ...]
    params: tuple[float, ...] = ()
    matrices: bytes = b""
    targets: int = 0


class Stage(NamedTuple):
    """What Aer runs: it does not name classical bits, so that different histories share it.

    Attributes:
        steps: gates.
        width: number of wires; the first ones hold the initial state, the others start in |0>.
        measured: wires that are measured, all that are not ``kept`` if any is.
        kept: wires whose state goes on, least significant first.
    """

    steps: tuple[Step, ...]
    width: int
    measured: tuple[int, ...]
    kept: tuple[int, ...]


class Segment:
    """The circuit in the making.

    A source is where a bit's value is: wire w >= 0, or the constant ``~source``.

    Args:
        bits: known bits; those left out are 0.
        known: qubits with a known value; those left out are |0>.
        state: qubits that start in a common state, least significant first.
    """

    def __init__(self, bits: Mapping[int, int], known: Mapping[int, int], state: Sequence[int] = ()) -> None:
        self.steps: list[Step] = []
        self.width = len(state)
        self.wire = {qubit: i for i, qubit in enumerate(state)}
        self.known = dict(known)
        self.record: dict[int, int] = {}  # qubit -> wire that holds its measured value, as long as it is its value
        self.source = {bit: ~value for bit, value in bits.items()}
        self.written: set[int] = set()
        self.clean: list[int] = []  # wires that are back in |0>

    def add(self, program: Sequence[Event], stays: Sequence[bool]) -> None:
        """Add events; ``stays`` is :func:`stinespring.backends.histories.flow_events.until_reset` of them."""
        for event, stay in zip(program, stays, strict=True):
            if isinstance(event, ReadEvent):
                self.source[event.bit] = self.read(event.qubit, stay)
                self.written.add(event.bit)
            elif isinstance(event, ClearEvent):
                self.clear(event.qubit)
            elif isinstance(event, Switch):
                self.switch(event)
            else:
                self.gate(event)

    def fresh(self) -> int:
        """Return a wire in |0>."""
        if self.clean:
            return self.clean.pop()
        self.width += 1
        return self.width - 1

    def place(self, qubit: int) -> int:
        """Return the qubit's wire; a known value is prepared on a fresh one."""
        if qubit not in self.wire:
            self.wire[qubit] = self.fresh()
            if self.known.pop(qubit, 0):
                self.steps.append(Step("x", (self.wire[qubit],)))
        return self.wire[qubit]

    def read(self, qubit: int, stays: bool) -> int:
        """Return the source of the qubit's value: its own wire if the value stays there, else a copy."""
        if qubit not in self.wire:
            return ~self.known.get(qubit, 0)
        if qubit not in self.record:
            self.record[qubit] = self.wire[qubit] if stays else self.fresh()
            if not stays:
                self.steps.append(Step("cx", (self.wire[qubit], self.record[qubit])))
        return self.record[qubit]

    def clear(self, qubit: int) -> None:
        """Take a fresh wire for the qubit from now on; the old one is |0> again if a copy of its value undoes it."""
        self.known.pop(qubit, None)
        wire, record = self.wire.pop(qubit, None), self.record.pop(qubit, None)
        if wire is not None and record is not None and record != wire:
            self.steps.append(Step("cx", (record, wire)))
            self.clean.append(wire)

    def gate(self, gate: Gate) -> None:
        """Add a gate; on known values it is only book-keeping."""
        first = gate.qubits[0]
        if gate.name == "cz" and first in self.wire and gate.qubits[1] not in self.wire:
            gate = gate._replace(qubits=gate.qubits[::-1])
            first = gate.qubits[0]
        if first not in self.wire:
            if gate.name in {"cx", "cz"}:
                if self.known.get(first, 0):
                    self.gate(Gate("x" if gate.name == "cx" else "rz", gate.qubits[1:], (np.pi,) * (gate.name == "cz")))
                return
            if gate.name == "rz":
                return
            if gate.name == "x":
                self.known[first] = 1 - self.known.get(first, 0)
                return
        self.steps.append(Step(gate.name, tuple(self.place(q) for q in gate.qubits), numbers(gate)))
        self.forget(gate)

    def forget(self, gate: Gate) -> None:
        """Drop the records of values that a gate may change."""
        for qubit in gate.qubits:
            if not keeps_value(gate, qubit):
                self.record.pop(qubit, None)

    def switch(self, event: Switch) -> None:
        """Add the gates under a condition."""
        sources = [self.source.get(bit, ~0) for bit in event.bits]
        fixed = sum(~s << i for i, s in enumerate(sources) if s < 0)
        mask = sum(1 << i for i, s in enumerate(sources) if s < 0)
        if mask + 1 == 1 << len(sources):
            for gate in event.bodies.get(fixed, ()):
                self.gate(gate)
            return
        controls = sorted({s for s in sources if s >= 0})
        bodies: dict[int, tuple[Gate, ...]] = {}
        for value, body in event.bodies.items():
            if value & mask == fixed:
                values = {(s, value >> i & 1) for i, s in enumerate(sources) if s >= 0}
                if len(values) == len(controls):  # else two bits with one source would differ
                    bodies[sum(bit << controls.index(s) for s, bit in values)] = body
        if bodies:
            self.multiplex(controls, bodies)

    def multiplex(self, controls: list[int], bodies: Mapping[int, tuple[Gate, ...]]) -> None:
        """Add gates chosen by the value on some wires: one multiplexer if it is not too large."""
        qubits = sorted({q for body in bodies.values() for gate in body for q in gate.qubits})
        wires = [self.place(q) for q in qubits]
        for body in bodies.values():
            for gate in body:
                self.forget(gate)
        if len(wires) > MOST_TARGETS or 1 << len(controls) + 2 * len(wires) > MOST_ENTRIES:
            for value, body in bodies.items():
                self.controlled(controls, value, body)
            return
        size, on = 1 << len(wires), (*wires, *controls)
        last = self.steps[-1] if self.steps else None
        matrices = np.tile(np.eye(size, dtype=np.complex128), (1 << len(controls), 1, 1))
        if last is not None and last.targets == len(wires) and last.wires == on:
            self.steps.pop()
            matrices = np.frombuffer(last.matrices, dtype=np.complex128).reshape(matrices.shape).copy()
        for value, body in bodies.items():
            matrices[value] = matrix(body, qubits) @ matrices[value]
        self.steps.append(Step("multiplexer", on, (), matrices.tobytes(), len(wires)))

    def controlled(self, controls: list[int], value: int, body: Iterable[Gate]) -> None:
        """Add gates one by one under the condition that some wires have a value, up to phases that depend on that value."""
        flips = [Step("x", (wire,)) for i, wire in enumerate(controls) if not value >> i & 1]
        self.steps += flips
        for gate in body:
            theta, phi, lam = angles(gate)
            wires = (*controls, *(self.wire[q] for q in gate.qubits))
            self.steps.append(Step("mcu", wires, (theta, phi, lam, 0.0)))
        self.steps += flips

    def finish(self, qubits: Iterable[int]) -> tuple[Stage, dict[int, int], dict[int, int], tuple[int, ...]]:
        """Return what Aer runs, and what it means.

        Args:
            qubits: those whose state is needed afterwards.

        Returns:
            The stage; the sources of the bits written; the sources of the needed qubits with a definite value; the other
            needed qubits, whose state goes on.
        """
        bits = {bit: self.source[bit] for bit in sorted(self.written)}
        definite, going = {}, []
        for qubit in sorted(qubits):
            if qubit in self.wire and qubit not in self.record:
                going.append(qubit)
            else:
                definite[qubit] = self.record.get(qubit, ~self.known.get(qubit, 0))
        kept = tuple(self.wire[q] for q in going)
        measured = {s for s in (*bits.values(), *definite.values()) if s >= 0}
        if kept:
            measured = set(range(self.width)) - set(kept)
        return Stage(tuple(self.steps), self.width, tuple(sorted(measured)), kept), bits, definite, tuple(going)


def numbers(gate: Gate) -> tuple[float, ...]:
    """Return the angles of a gate that has no slots left."""
    return tuple(float(p) for p in gate.params)  # type: ignore[arg-type]


def angles(gate: Gate) -> tuple[float, float, float]:
    """Return theta, phi, lambda of the gate, or of what it does to its target, up to a phase."""
    if gate.name in ANGLES:
        return ANGLES[gate.name]
    if gate.name == "rz":
        return 0.0, 0.0, numbers(gate)[0]
    theta, phi, lam = numbers(gate) if gate.name == "u" else (*numbers(gate), 0.0, 0.0)
    return theta, phi, lam


def matrix(body: Sequence[Gate], qubits: Sequence[int]) -> np.ndarray:
    """Return the matrix of some gates on the given qubits, least significant first."""
    local = [gate._replace(qubits=tuple(qubits.index(q) for q in gate.qubits)) for gate in body]
    return gate_isometry(local, len(qubits), len(qubits))
