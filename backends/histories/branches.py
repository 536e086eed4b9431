# SPDX-License-Identifier: Apache-2.0
"""A dynamic program cut into segments: shots whose futures are the same share one circuit.

At a cut a shot is what the rest of the program can still see of it: the bits that a later condition tests, the values of
qubits that were measured, and the state of the other qubits. Shots that agree in these go on together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from stinespring.backends.aer.simulator import checked_simulator
from stinespring.backends.histories.flow_events import Event, needed, until_reset
from stinespring.backends.histories.segment import Segment, Stage
from stinespring.backends.histories.stage_runner import StageOutcomes, run_stages
from stinespring.errors import StinespringError
from stinespring.readings import ComplexArray, IntArray

__all__ = ["Branched", "follow"]

LEAST = float(np.log(1e-12))  # of a coincidence: two histories' shots that are the same one after the other

Bits = np.ndarray  # of dtype uint8, shape (shots, bits) or (shots, qubits)


class Branched(NamedTuple):
    """Sampled bits, shape (shots, bits), how many circuits were run on how many qubits at most, and the seconds they took."""

    bits: Bits
    circuits: int
    qubits: int
    seconds: float


class State(NamedTuple):
    """A quantum state that shots can be in: of some qubits, least significant first."""

    qubits: tuple[int, ...]
    vector: ComplexArray


class _Part(NamedTuple):
    """Some shots in one segment, and what their stage means for them."""

    rows: IntArray
    bits: Mapping[int, int]
    definite: Mapping[int, int]
    going: tuple[int, ...]


class _Shots:
    """All shots at a cut."""

    def __init__(self, shots: int, bits: int, qubits: int) -> None:
        self.bits: Bits = np.zeros((shots, bits), dtype=np.uint8)
        self.values: Bits = np.zeros((shots, qubits), dtype=np.uint8)  # of qubits with a definite value, else 0
        self.state: IntArray = np.zeros(shots, dtype=np.int64)
        self.states = [State((), np.ones(1, dtype=np.complex128))]
        self.number: dict[tuple[tuple[int, ...], bytes], int] = {}

    def groups(self, bits: Sequence[int], qubits: Sequence[int]) -> list[IntArray]:
        """Return the rows of the shots that agree in some bits, some qubits' values and the state."""
        seen = np.packbits(np.concatenate([self.bits[:, bits], self.values[:, qubits]], axis=1), axis=1)
        rows = np.concatenate([seen, self.state[:, None].view(np.uint8)], axis=1)
        keys = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.shape[1]))).ravel()
        _, group = np.unique(keys, return_inverse=True)
        order = np.argsort(group, kind="stable")
        return np.split(order, np.flatnonzero(np.diff(group[order])) + 1)

    def name(self, qubits: tuple[int, ...], vector: ComplexArray) -> int:
        """Return the number of a state; equal states have one number."""
        key = (qubits, vector.tobytes())
        if key not in self.number:
            self.number[key] = len(self.states)
            self.states.append(State(qubits, vector))
        return self.number[key]

    def record(self, part: _Part, stage: Stage, values: IntArray, states: Mapping[int, ComplexArray]) -> None:
        """Write what happened to some shots; ``values`` as in :class:`.stage_runner.StageOutcomes`."""
        place = {wire: i for i, wire in enumerate(stage.measured)}

        def value(source: int) -> IntArray | int:
            return ~source if source < 0 else values >> place[source] & 1

        for bit, source in part.bits.items():
            self.bits[part.rows, bit] = value(source)
        self.values[part.rows] = 0
        for qubit, source in part.definite.items():
            self.values[part.rows, qubit] = value(source)
        self.state[part.rows] = 0
        if part.going:
            different, which = np.unique(values, return_inverse=True)
            numbers = np.array([self.name(part.going, states[v]) for v in different.tolist()])
            self.state[part.rows] = numbers[which]


def follow(
    program: Sequence[Event],
    cuts: Sequence[int],
    *,
    shots: int,
    bits: int,
    qubits: int,
    seed: int,
    options: Mapping[str, Any] | None = None,
) -> Branched:
    """Sample a program segment by segment.

    Args:
        program: from :func:`stinespring.backends.histories.flow_events.events`.
        cuts: numbers of events before which the program is cut, increasing; none: all measurements are deferred.
        shots: at least 1.
        bits: number of classical bits.
        qubits: number of qubits.
        seed: root of the seeds.
        options: of Aer's simulator.
    """
    need, all_shots, circuits, width = needed(program), _Shots(shots, bits, qubits), 0, 0
    simulator = checked_simulator("statevector", **(options or {}))
    for number, (start, stop) in enumerate(pairwise((0, *cuts, len(program)))):
        piece = program[start:stop]
        stays = until_reset(piece)
        tested, alive = sorted(need[start].bits), sorted(need[start].qubits)
        shared: dict[tuple[Stage, int], list[_Part]] = {}
        for rows in all_shots.groups(tested, alive) if start else [np.arange(shots)]:
            row, state = rows[0], int(all_shots.state[rows[0]])
            segment = Segment(
                dict(zip(tested, all_shots.bits[row, tested].tolist(), strict=True)),
                dict(zip(alive, all_shots.values[row, alive].tolist(), strict=True)),
                all_shots.states[state].qubits,
            )
            segment.add(piece, stays)
            stage, written, definite, going = segment.finish(need[stop].qubits)
            shared.setdefault((stage, state), []).append(_Part(rows, written, definite, going))
        work = []
        for (stage, state), parts in shared.items():
            vector = all_shots.states[state].vector if all_shots.states[state].qubits else None
            work.append((stage, vector, sum(len(part.rows) for part in parts)))
        found, ran = run_stages(work, simulator, seed=seed, purpose=number)
        circuits, width = circuits + ran, max([width, *(stage.width for stage, *_ in work)])
        for ((stage, _), parts), outcome in zip(shared.items(), found, strict=True):
            share(all_shots, stage, parts, outcome)
    return Branched(all_shots.bits, circuits, width, simulator.seconds)


def share(all_shots: _Shots, stage: Stage, parts: Sequence[_Part], outcome: StageOutcomes) -> None:
    """Give every part as many outcomes as it has shots."""
    used = 0
    for part in parts:
        all_shots.record(part, stage, outcome.values[used : used + len(part.rows)], outcome.states)
        used += len(part.rows)
    require_apart(all_shots, parts)


def require_apart(all_shots: _Shots, parts: Sequence[_Part]) -> None:
    """Refuse histories whose shots have the same bits one after the other, as if the outcomes of one run were both's.

    n shots of any law are a given sequence with a probability of at most ``prod_v (c_v / n)^{c_v}``, c_v how often v occurs.

    Raises:
        StinespringError: two neighbouring parts are the same, which chance gives with a probability below 1e-12; a defect.
    """
    for part, other in pairwise(parts):
        n = min(len(part.rows), len(other.rows))
        read = [bit for bit, source in part.bits.items() if source >= 0 and other.bits.get(bit) == source]
        one, two = all_shots.bits[part.rows[:n]][:, read], all_shots.bits[other.rows[:n]][:, read]
        if not read or not np.array_equal(one, two):
            continue
        counts = np.unique(one, axis=0, return_counts=True)[1]
        if (counts * np.log(counts / n)).sum() < LEAST:
            raise StinespringError(
                "two histories have the outcomes of one run", got=f"{n:,} shots that are the same one after the other",
                expected="outcomes of their own", todo="this is a defect of stinespring: please report it",
            )  # fmt: skip
