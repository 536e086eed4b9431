# SPDX-License-Identifier: Apache-2.0
"""A dynamic program as single events, without what no classical bit can notice, and what is still needed at each point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from stinespring.circuits.core.flow import Flow, If, Measure, Reset
from stinespring.circuits.core.gates import Gate

__all__ = [
    "ClearEvent",
    "Event",
    "Needed",
    "ReadEvent",
    "Switch",
    "changed",
    "events",
    "keeps_value",
    "needed",
    "touched",
    "until_reset",
]


class ReadEvent(NamedTuple):
    """Measurement of one qubit into one bit; bits are numbered through the registers."""

    qubit: int
    bit: int


class ClearEvent(NamedTuple):
    """Return of one qubit to |0>."""

    qubit: int


class Switch(NamedTuple):
    """Gates chosen by the value of some bits, the first bit least significant; no gates for a value that is left out."""

    bits: tuple[int, ...]
    bodies: Mapping[int, tuple[Gate, ...]]


Event = Gate | ReadEvent | ClearEvent | Switch


class Needed(NamedTuple):
    """What is still needed before an event: bits that a condition tests, and qubits whose state matters."""

    bits: frozenset[int]
    qubits: frozenset[int]


def events(flow: Flow) -> list[Event]:
    """Return the program as events that matter to the final value of some classical bit.

    Neighbouring conditions on one register become one switch: their order does not matter, since at most one value is met.
    """
    first, offset = {}, 0
    for name, size in flow.classical:
        first[name], offset = offset, offset + size
    sizes = dict(flow.classical)
    found: list[Event] = []
    for item in flow.instructions:
        if isinstance(item, Measure):
            found += [ReadEvent(q, first[item.register] + b) for q, b in zip(item.qubits, item.bits, strict=True)]
        elif isinstance(item, Reset):
            found += [ClearEvent(q) for q in item.qubits]
        elif isinstance(item, If):
            start = first[item.register]
            bits = tuple(range(start, start + sizes[item.register])) if item.bit is None else (start + item.bit,)
            if item.value >> len(bits):
                continue
            last = found[-1] if found else None
            bodies = dict(last.bodies) if isinstance(last, Switch) and last.bits == bits else {}
            if bodies:
                found.pop()
            bodies[item.value] = (*bodies.get(item.value, ()), *item.gates)
            found.append(Switch(bits, bodies))
        else:
            found.append(item)
    return list(noticed(found, offset))


def noticed(found: Sequence[Event], bits: int) -> Iterator[Event]:
    """Yield the events that can change the law of the bits' final values; a measurement of a qubit in use also disturbs it."""
    wanted, alive, kept = set(range(bits)), set[int](), list[Event]()
    for event in reversed(found):
        if isinstance(event, ReadEvent):
            if event.bit not in wanted and event.qubit not in alive:
                continue
            wanted.discard(event.bit)
            alive.add(event.qubit)
        elif isinstance(event, ClearEvent):
            if event.qubit not in alive:
                continue
            alive.discard(event.qubit)
        elif not touched(event) & alive:
            continue
        else:
            alive |= touched(event)
            wanted.update(event.bits if isinstance(event, Switch) else ())
        kept.append(event)
    return reversed(kept)


def needed(program: Sequence[Event]) -> list[Needed]:
    """Return what is needed before each event and, last, at the end: nothing."""
    bits, qubits, result = set[int](), set[int](), [Needed(frozenset(), frozenset())]
    for event in reversed(program):
        if isinstance(event, ReadEvent):
            bits.discard(event.bit)
            qubits.add(event.qubit)
        elif isinstance(event, ClearEvent):
            qubits.discard(event.qubit)
        else:
            qubits |= touched(event)
            bits.update(event.bits if isinstance(event, Switch) else ())
        result.append(Needed(frozenset(bits), frozenset(qubits)))
    return result[::-1]


def touched(event: Event) -> set[int]:
    """Return the qubits that an event acts on."""
    if isinstance(event, Switch):
        return {q for body in event.bodies.values() for gate in body for q in gate.qubits}
    return set(event.qubits) if isinstance(event, Gate) else {event.qubit}


def keeps_value(gate: Gate, qubit: int) -> bool:
    """Return whether a gate on a qubit commutes with the qubit's measurement."""
    return gate.name in {"cz", "rz"} or (gate.name == "cx" and qubit == gate.qubits[0])


def changed(event: Event) -> set[int]:
    """Return the qubits whose value in the computational basis an event may change."""
    if isinstance(event, ReadEvent):
        return set()
    if isinstance(event, ClearEvent):
        return {event.qubit}
    gates = [event] if isinstance(event, Gate) else [gate for body in event.bodies.values() for gate in body]
    return {q for gate in gates for q in gate.qubits if not keeps_value(gate, q)}


def until_reset(program: Sequence[Event]) -> list[bool]:
    """Return for each event whether it is a measurement after which the qubit's value stays until a reset or the end.

    Where a condition on what was read acts on the qubit itself, too, a copy must control it, even if the value stays.
    """
    stays: dict[int, bool] = {}
    conditions, own = set[tuple[int, int]](), set[int]()  # (bit, qubit it acts on); qubits that their own value acts on
    result = []
    for event in reversed(program):
        if isinstance(event, Switch):
            conditions |= {(bit, qubit) for bit in event.bits for qubit in touched(event)}
        elif isinstance(event, ReadEvent):
            own |= {event.qubit} & {qubit for bit, qubit in conditions if bit == event.bit}
            conditions = {(bit, qubit) for bit, qubit in conditions if bit != event.bit}
        elif isinstance(event, ClearEvent):
            own.discard(event.qubit)
            conditions = {(bit, qubit) for bit, qubit in conditions if qubit != event.qubit}
        result.append(isinstance(event, ReadEvent) and event.qubit not in own and stays.get(event.qubit, True))
        stays.update(dict.fromkeys(changed(event), isinstance(event, ClearEvent)))
    return result[::-1]
