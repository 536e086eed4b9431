# SPDX-License-Identifier: Apache-2.0
"""A dynamic program as rounds: gates, some of them chosen by known bits, and then measurements and resets.

Which qubits have a state of their own at every point is the same for every history, and so is where a value is kept: column b
of a history's word is classical bit b, the columns after the bits are the values of qubits that were measured. Within a round
no condition tests what the round measures, so that all its measurements can be drawn at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from stinespring.backends.histories.flow_events import ClearEvent, Event, ReadEvent, Switch, needed, touched
from stinespring.circuits.core.gates import TWO_QUBIT, Gate
from stinespring.circuits.core.one_qubit import gate_matrix
from stinespring.readings import ComplexArray, IntArray

__all__ = ["Acting", "BitRun", "GateChoice", "HistoryRound", "rounds"]

ZERO = -1  # the source of a column that becomes 0


class Acting(NamedTuple):
    """One gate on places of a round's state; ``matrices`` of one qubit, shape (2, 2), or (rows, 2, 2) chosen by a value."""

    name: str
    places: tuple[int, ...]
    matrices: ComplexArray | None = None


class GateChoice(NamedTuple):
    """Gates of the same kind on the same places, chosen by the value of some columns: row i is for ``values[i]``."""

    columns: tuple[int, ...]
    values: IntArray
    gates: tuple[Acting, ...]


class BitRun(NamedTuple):
    """Outcome bits ``first, first + 1, ...``, ``size`` of them, that become as many columns from ``column`` on."""

    first: int
    column: int
    size: int


class HistoryRound(NamedTuple):
    """One round.

    Attributes:
        going: qubits with a state of their own before it; qubit ``going[i]`` has place i.
        entering: columns of the qubits that join them, on the places that follow.
        work: gates, in order.
        columns: what the gates and the entering qubits' values depend on.
        measured: places of the qubits that are measured or reset at its end, the first one least significant.
        kept: places of those whose state goes on, in the next round's order.
        runs: where the outcomes go.
        copies: columns that become what other columns were, or zero (``ZERO``).
    """

    going: tuple[int, ...]
    entering: tuple[int, ...]
    work: tuple[Acting | GateChoice, ...]
    columns: tuple[int, ...]
    measured: tuple[int, ...]
    kept: tuple[int, ...]
    runs: tuple[BitRun, ...]
    copies: Mapping[int, int]

    @property
    def wires(self) -> int:
        """Number of qubits of the round's state."""
        return len(self.going) + len(self.entering)


def rounds(program: Sequence[Event], bits: int) -> list[HistoryRound]:
    """Return a program as rounds.

    Args:
        program: from :func:`stinespring.backends.histories.flow_events.events`.
        bits: number of classical bits; qubit q has the column ``bits + q``.
    """
    need, result, at = needed(program), list[HistoryRound](), 0
    live: tuple[int, ...] = ()
    ones = set[int]()  # columns that may hold 1
    while at < len(program):
        middle = next((i for i in range(at, len(program)) if isinstance(program[i], ReadEvent | ClearEvent)), len(program))
        end = next((i for i in range(middle, len(program)) if not isinstance(program[i], ReadEvent | ClearEvent)), len(program))
        made = one_round(program[at:middle], program[middle:end], live, bits, need[end].qubits, ones)
        order = (*live, *(column - bits for column in made.entering))
        live = tuple(order[place] for place in made.kept)
        result.append(made)
        at = end
    return result


def one_round(
    work: Sequence[Event], tail: Sequence[Event], live: tuple[int, ...], bits: int, wanted: frozenset[int], ones: set[int]
) -> HistoryRound:
    """Return one round, and bring ``ones`` up to date."""
    new = sorted(set().union(*(touched(event) for event in work)) - set(live)) if work else []
    place = {qubit: i for i, qubit in enumerate((*live, *new))}
    read = dict.fromkeys(event.qubit for event in tail if isinstance(event, ReadEvent | ClearEvent) and event.qubit in place)
    ended = [*read, *(qubit for qubit in place if qubit not in wanted and qubit not in read)]
    kept = tuple(place[qubit] for qubit in place if qubit not in ended)
    tested = {bit for event in work if isinstance(event, Switch) for bit in event.bits}
    columns = tuple(sorted((tested | {bits + qubit for qubit in new}) & ones))
    source, number = dict[int, int](), {qubit: i for i, qubit in enumerate(ended)}
    now = {qubit: ~i - 1 for qubit, i in number.items()}  # below ZERO: an outcome; else a column
    for event in tail:
        if isinstance(event, ReadEvent):
            source[event.bit] = now.get(event.qubit, bits + event.qubit)
        elif isinstance(event, ClearEvent):
            now[event.qubit] = ZERO
    source |= {bits + qubit: value for qubit, value in now.items() if qubit in wanted}
    copies = {column: (value if value in ones else ZERO) for column, value in source.items() if value >= ZERO}
    outcomes = {column: ~value - 1 for column, value in source.items() if value < ZERO}
    for column, value in copies.items():
        (ones.add if value != ZERO else ones.discard)(column)
    ones.update(outcomes)
    acting = tuple(actions(work, place))
    return HistoryRound(
        live, tuple(bits + q for q in new), acting, columns, tuple(place[q] for q in ended), kept, runs_of(outcomes), copies
    )


def runs_of(outcomes: Mapping[int, int]) -> tuple[BitRun, ...]:
    """Return columns and the outcome bits that they take, neighbours together."""
    found: list[BitRun] = []
    for column, bit in sorted(outcomes.items()):
        last = found[-1] if found else None
        if last and column == last.column + last.size and bit == last.first + last.size:
            found[-1] = last._replace(size=last.size + 1)
        else:
            found.append(BitRun(bit, column, 1))
    return tuple(found)


def actions(work: Sequence[Event], place: Mapping[int, int]) -> list[Acting | GateChoice]:
    """Return gates and switches on places; neighbouring gates of one qubit become one."""
    result: list[Acting | GateChoice] = []
    waiting: dict[int, ComplexArray] = {}

    def flush(places: Sequence[int]) -> None:
        result.extend(Acting("u", (p,), waiting.pop(p)) for p in places if p in waiting)

    for event in work:
        if isinstance(event, Switch):
            flush([place[qubit] for qubit in sorted(touched(event))])
            result += choices(event, place)
        elif isinstance(event, Gate):
            places = tuple(place[qubit] for qubit in event.qubits)
            if event.name in TWO_QUBIT:
                flush(places)
                result.append(Acting(event.name, places))
            else:
                matrix = gate_matrix(event)
                waiting[places[0]] = matrix @ waiting[places[0]] if places[0] in waiting else matrix
    flush(list(waiting))
    return result


def choices(event: Switch, place: Mapping[int, int]) -> list[GateChoice]:
    """Return a switch: values whose gates differ in their angles only go together."""
    kinds: dict[tuple[tuple[str, tuple[int, ...]], ...], list[int]] = {}
    for value, body in sorted(event.bodies.items()):
        if body:
            names = tuple((g.name if g.name in TWO_QUBIT else "u", tuple(place[q] for q in g.qubits)) for g in body)
            kinds.setdefault(names, []).append(value)
    found = []
    for names, values in kinds.items():
        gates = []
        for i, (name, places) in enumerate(names):
            one = None if name != "u" else np.array([gate_matrix(event.bodies[value][i]) for value in values])
            gates.append(Acting(name, places, one))
        found.append(GateChoice(event.bits, np.array(values, dtype=np.int64), tuple(gates)))
    return found
