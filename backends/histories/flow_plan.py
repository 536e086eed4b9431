# SPDX-License-Identifier: Apache-2.0
"""Where a dynamic program is cut, and what each way of running it takes: a cost model in seconds of one core.

A segment is simulated once for every history that arrives at it, on as many wires as its measurements need while they are
deferred; a cut costs as many circuits as there are histories that the rest of the program can tell apart. The cheapest cuts
are found by dynamic programming over the places where measurements or resets end. The constants were fitted to Aer 0.18 on a
2026 server core and hold within a factor of about three, which is enough: the paths differ by more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from stinespring.backends.histories.flow_events import (
    ClearEvent,
    Event,
    Needed,
    ReadEvent,
    Switch,
    changed,
    needed,
    touched,
    until_reset,
)
from stinespring.circuits.core.flow import Flow, If, Measure, Reset

__all__ = ["Plan", "per_shot", "plan", "shot_branching"]

CALL, CIRCUIT = 4e-3, 9e-4  # one call of Aer; one circuit in it
AMPLITUDE = 4e-9  # one amplitude in one gate
EVENT, ASKED, BODY = 1e-5, 2e-7, 2.5e-5  # for one history: an event; a body of a switch; a body of a multiplexer
DRAW = 4e-7  # one wire of one shot
CONDITION, OPERATION = 5e-6, 5e-7  # of one shot that is simulated by itself
BRANCHED = 2.0  # a shot's condition under shot branching, relative to a plain one
MOST_PLACES = 400  # where a cut is considered


@dataclass(frozen=True)
class Plan:
    """Cuts, the width of the widest segment, and the time that it should take; infinite if no segment fits."""

    cuts: tuple[int, ...]
    qubits: int
    seconds: float


@dataclass
class _Wires:
    """The wires of a segment whose history is not known: an upper bound for every history."""

    used: int
    held: set[int]
    copied: dict[int, bool]  # qubit whose value is recorded -> whether in a wire of its own
    unknown: set[int]
    clean: int = 0
    weight: float = 0.0
    asked: int = 0
    bodies: int = 0

    def take(self) -> None:
        """Use one more wire."""
        self.used, self.clean = self.used + (self.clean == 0), max(0, self.clean - 1)

    def add(self, event: Event, stays: bool) -> None:
        """Add one event."""
        if isinstance(event, ReadEvent):
            if event.qubit in self.held:
                self.unknown.add(event.bit)
                if event.qubit not in self.copied:
                    self.copied[event.qubit] = not stays
                    if not stays:
                        self.take()
            else:
                self.unknown.discard(event.bit)
        elif isinstance(event, ClearEvent):
            self.clean += self.copied.pop(event.qubit, False)
            self.held.discard(event.qubit)
        else:
            for _ in touched(event) - self.held:
                self.take()
            self.held |= touched(event)
            for qubit in changed(event):
                self.copied.pop(qubit, None)
            self.weigh(event)

    def weigh(self, event: Event) -> None:
        """Count the amplitudes that a gate or switch works on, relative to a gate's."""
        if not isinstance(event, Switch):
            self.weight += 1
        elif self.unknown.isdisjoint(event.bits):
            self.weight += max(len(body) for body in event.bodies.values())
        else:
            self.weight += 1 << len(touched(event))
            self.asked += len(event.bodies)
            self.bodies += min(len(event.bodies), 1 << len(self.unknown & set(event.bits)))


def arrivals(program: Sequence[Event], need: Sequence[Needed], shots: int) -> list[tuple[int, set[int]]]:
    """Return how many histories can be told apart before each event, at most, and the qubits with a state of their own."""
    last: dict[int, int] = {}  # qubit with a definite value -> the bit that recorded it
    written, moved, result = set[int](), set[int](), list[tuple[int, set[int]]]()
    since = set[int]()  # outcomes that the state of the other qubits may depend on: bits, and resets as negative numbers
    for event, here in zip([*program, None], need, strict=True):
        since = since if moved & here.qubits else set()
        seen = here.bits & written | {last[q] for q in here.qubits if q in last}
        result.append((min(shots, 1 << min(60, len(seen | since))), set(moved & here.qubits)))
        if event is None:
            break
        if isinstance(event, ReadEvent):
            last[event.qubit] = event.bit
            written.add(event.bit)
            moved.discard(event.qubit)
            since.add(event.bit)
        elif isinstance(event, ClearEvent):
            last.pop(event.qubit, None)
            since.update({-1 - len(result)} if event.qubit in moved else ())
            moved.discard(event.qubit)
        else:
            moved |= touched(event) if isinstance(event, Switch) else changed(event)
            for qubit in moved:
                last.pop(qubit, None)
    return result


def plan(program: Sequence[Event], *, shots: int, limit: int, cut: bool = True) -> Plan:
    """Return the cheapest cuts of a program, at least one of them where there is a place for it.

    Args:
        program: from :func:`stinespring.backends.histories.flow_events.events`.
        shots: number of shots.
        limit: most qubits of one segment.
        cut: False defers all measurements.
    """
    need, stays = needed(program), until_reset(program)
    ends = [
        p
        for p in range(1, len(program))
        if isinstance(program[p - 1], ReadEvent | ClearEvent) and not isinstance(program[p], ReadEvent | ClearEvent)
    ]
    places = [0, *(ends[:: 1 + len(ends) // MOST_PLACES] if cut else []), len(program)]
    arriving = arrivals(program, need, shots)
    best = {0: Plan((), 0, 0.0)}
    for i, start in enumerate(places[:-1]):
        if start not in best:
            continue
        number, state = arriving[start]
        wires = _Wires(len(state), set(state), {}, set())
        at = start
        for stop in places[i + 1 :]:
            for event, stay in zip(program[at:stop], stays[at:stop], strict=True):
                wires.add(event, stay)
            at = stop
            if wires.used > limit:
                break
            if (start, stop) == (0, len(program)) and len(places) > 2:
                continue
            seconds = best[start].seconds + segment_seconds(wires, number, shots, stop - start)
            if stop not in best or seconds < best[stop].seconds:
                cuts = (*best[start].cuts, stop) if stop < len(program) else best[start].cuts
                best[stop] = Plan(cuts, max(best[start].qubits, wires.used), seconds)
    return best.get(len(program), Plan((), limit + 1, inf))


def segment_seconds(wires: _Wires, arriving: int, shots: int, count: int) -> float:
    """Return the time that one segment takes."""
    amplitudes = AMPLITUDE * wires.weight * 2.0**wires.used
    circuit = CIRCUIT + amplitudes + EVENT * count + ASKED * wires.asked + BODY * wires.bodies
    called = CALL * min(arriving, shots.bit_length())
    return called + arriving * circuit + DRAW * shots * (4 + wires.used)


def per_shot(flow: Flow, shots: int) -> float:
    """Return the time that Aer takes for one shot after another."""
    return CALL + shots * sum(CONDITION * asked + OPERATION + gates for asked, gates in instructions(flow))


def shot_branching(flow: Flow, shots: int) -> float:
    """Return the time that Aer takes if shots with the same outcomes so far share a state."""
    seconds, branches = CALL, 1
    for item, (asked, gates) in zip(flow.instructions, instructions(flow), strict=True):
        seconds += shots * CONDITION * BRANCHED * asked + branches * gates
        if isinstance(item, Measure | Reset):
            seconds += shots * OPERATION * len(item.qubits)
            branches = min(shots, branches << min(60, len(item.qubits)))
    return seconds


def instructions(flow: Flow) -> list[tuple[bool, float]]:
    """Return for each instruction whether it is a condition, and the time of its gates on one state."""
    one = AMPLITUDE * 2.0**flow.qubits
    result = []
    for item in flow.instructions:
        number = len(item.qubits) if isinstance(item, Measure | Reset) else 1
        result.append((isinstance(item, If), one * (1.0 if isinstance(item, If) else number)))
    return result
