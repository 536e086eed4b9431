# SPDX-License-Identifier: Apache-2.0
"""What one job runs, and what it measured: as bytes, which hold QPY, arrays without pickle, and JSON."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stinespring.batches import Batch, Circuit, Item
from stinespring.errors import BackendError
from stinespring.readings import IntArray, Outcomes

__all__ = [
    "Work", "allocate", "merged", "pack", "pack_outcomes", "require_complete", "unpack", "unpack_outcomes", "whole", "works_of",
]  # fmt: skip

ROW = 30  # what one more row of parameters costs, in shots: a device loads it in about 10 ms
MOST_EXECUTIONS = 5_000_000  # of one job; IBM's limit is 10 million


@dataclass(frozen=True, eq=False)
class Work:
    """What one job runs, and which rows of a batch its rows are.

    Attributes:
        items: circuits with their parameter values.
        owner: shape (rows,), the row of the batch that each row samples.
        wanted: shape (B,), the shots that each row of the batch needs; surplus shots are dropped at random.
        measured: for each item the registers that its circuit measures into.
    """

    items: tuple[Item, ...]
    owner: IntArray
    wanted: IntArray
    measured: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, items: Sequence[Item], owner: IntArray, wanted: IntArray) -> Work:
        """Return the work of items whose circuits are at hand."""
        found = {id(item.circuit): item.circuit for item in items}
        names = {key: measured_into(circuit) for key, circuit in found.items()}
        return cls(tuple(items), owner, wanted, tuple(names[id(item.circuit)] for item in items))

    @property
    def rows(self) -> IntArray:
        """Shots of every row, shape (rows,)."""
        return np.concatenate([item.shots for item in self.items])

    @property
    def executions(self) -> int:
        """Shots in all."""
        return int(self.rows.sum())


def measured_into(circuit: Circuit) -> tuple[str, ...]:
    """Return the names of the classical registers that a circuit measures into, in order."""
    read = set(bits_read(circuit, list(range(circuit.num_clbits))))
    place = {bit: number for number, bit in enumerate(circuit.clbits)}
    return tuple(register.name for register in circuit.cregs if any(place[bit] in read for bit in register))


def bits_read(circuit: Circuit, outer: Sequence[int]) -> Iterator[int]:
    """Yield the numbers of the bits that are measured into, also in the branches of conditions."""
    place = dict(zip(circuit.clbits, outer, strict=True))
    for item in circuit.data:
        inner = [place[bit] for bit in item.clbits]
        for block in getattr(item.operation, "blocks", ()):
            yield from bits_read(block, inner)
        if item.operation.name.startswith("measure"):  # a device may have several kinds
            yield from inner


def whole(batch: Batch) -> Work:
    """Return a batch as one job, as a backend of this machine takes it."""
    wanted = np.concatenate([item.shots for item in batch.items])
    return Work.of(batch.items, np.arange(len(wanted)), wanted)


def works_of(batch: Batch, most: int, together: Callable[[Circuit], int] | None = None) -> list[Work]:
    """Return a batch as jobs of a service, which takes one number of shots for all rows of a job.

    Args:
        batch: with circuits as the service executes them.
        most: shots of one row.
        together: how many circuits with conditions like this one a job may hold; None: one.
    """
    wanted = np.concatenate([item.shots for item in batch.items])
    shots, owner = allocate(wanted, most)
    items: list[Item] = []
    first = 0
    for item in batch.items:
        mine = owner[(owner >= first) & (owner < first + item.rows)] - first
        if item.angles is None:
            items += [Item(item.circuit, None, np.array([shots]))] * len(mine)
        else:
            items.append(Item(item.circuit, item.angles[mine], np.full(len(mine), shots)))
        first += item.rows
    steered = {id(item.circuit): item.circuit for item in items if item.circuit.has_control_flow_op()}  # they share a budget
    room = [max(1, MOST_EXECUTIONS // shots), *(1 if together is None else together(each) for each in steered.values())]
    return split(Work.of(items, owner, wanted), min(room))


def allocate(wanted: IntArray, most: int) -> tuple[int, IntArray]:
    """Return the shots of every row, and which context each row samples, so that all contexts get what they need.

    One number of shots s holds for the whole job; context i takes ``ceil(w_i / s)`` rows. Of the candidates for s the one with
    the least ``sum_i ceil(w_i / s) (s + 30)`` wins.

    Example:
        >>> shots, owner = allocate(np.array([1000, 500, 490]), 100_000)
        >>> shots, owner.tolist()
        (500, [0, 0, 1, 2])
    """
    needs, times = np.unique(wanted, return_counts=True)
    largest = int(needs[-1])
    grid = np.unique(np.concatenate([needs, np.geomspace(1, largest, 40).astype(np.int64), -(-needs // 2), [most]]))
    candidates = grid[(grid >= 1) & (grid <= min(most, largest))]
    rows = -(-needs[None, :] // candidates[:, None])
    best = int(candidates[np.argmin((rows @ times) * (candidates + ROW))])
    return best, np.repeat(np.arange(len(wanted)), -(-wanted // best))


def split(work: Work, room: int) -> list[Work]:
    """Return the jobs of one call: at most ``room`` rows in each, so that a job stays within the service's limits."""
    if len(work.owner) <= room:
        return [work]
    rows = [(number, row) for number, item in enumerate(work.items) for row in range(item.rows)]
    jobs: list[Work] = []
    for first in range(0, len(rows), room):
        chosen = rows[first : first + room]
        items = []
        for number in dict.fromkeys(number for number, _ in chosen):
            own, item = [row for other, row in chosen if other == number], work.items[number]
            items.append(Item(item.circuit, None if item.angles is None else item.angles[own], item.shots[own]))
        jobs.append(Work.of(items, work.owner[first : first + room], work.wanted))
    return jobs


def pack(work: Work) -> bytes:
    """Return a job as bytes: a zip of arrays without pickle, each circuit once, as QPY."""
    from qiskit import qpy

    distinct = list({id(item.circuit): item.circuit for item in work.items}.values())
    number = {id(circuit): index for index, circuit in enumerate(distinct)}
    circuits = io.BytesIO()
    qpy.dump(distinct, circuits)
    arrays: dict[str, Any] = {
        "qpy": np.frombuffer(circuits.getvalue(), dtype=np.uint8),
        "which": np.array([number[id(item.circuit)] for item in work.items]),
        "measured": np.frombuffer(json.dumps(work.measured).encode(), dtype=np.uint8),
        "owner": work.owner,
        "wanted": work.wanted,
        "sizes": np.array([item.rows for item in work.items]),
        "shots": work.rows,
    }
    arrays |= {f"angles{i}": item.angles for i, item in enumerate(work.items) if item.angles is not None}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def unpack(payload: bytes, *, circuits: bool = True) -> Work:
    """Return a job from its bytes; without ``circuits`` only what its rows mean."""
    with np.load(io.BytesIO(payload), allow_pickle=False) as arrays:
        shots = np.split(arrays["shots"], np.cumsum(arrays["sizes"])[:-1])
        found: list[Circuit] = [None] * len(shots)
        if circuits:
            from qiskit import qpy

            distinct = qpy.load(io.BytesIO(arrays["qpy"].tobytes()))
            found = [distinct[index] for index in arrays["which"].tolist()]
        items = [Item(circuit, arrays.get(f"angles{i}"), shots[i]) for i, circuit in enumerate(found)]
        measured = tuple(tuple(names) for names in json.loads(arrays["measured"].tobytes()))
        return Work(tuple(items), arrays["owner"], arrays["wanted"], measured)


def pack_outcomes(rows: Sequence[Outcomes]) -> str:
    """Return outcomes as JSON: for each row the registers, the distinct values and their counts."""
    return json.dumps([[list(row.registers), row.values.tolist(), row.counts.tolist()] for row in rows])


def unpack_outcomes(text: str) -> list[Outcomes]:
    """Return outcomes from JSON."""
    return [
        Outcomes(
            tuple(names), np.array(values, dtype=np.int64).reshape(len(counts), len(names)), np.array(counts, dtype=np.int64)
        )
        for names, values, counts in json.loads(text)
    ]


def require_complete(work: Work, rows: Sequence[Outcomes]) -> None:
    """Refuse a result that lacks rows, shots, or registers that its circuits measure into.

    Raises:
        BackendError: naming what is missing.
    """
    if len(rows) != len(work.owner):
        raise BackendError("the result has another number of rows", got=len(rows), expected=len(work.owner))
    names = [own for own, item in zip(work.measured, work.items, strict=True) for _ in range(item.rows)]
    for row, shots, registers in zip(rows, work.rows.tolist(), names, strict=True):
        if row.shots != shots:
            raise BackendError("the result has another number of shots", got=row.shots, expected=shots)
        missing = sorted(set(registers) - set(row.registers))
        if missing:
            raise BackendError("the result lacks registers", got=" ".join(row.registers), expected=" ".join(missing))


def merged(rows: Sequence[Outcomes], wanted: int, seed: int) -> Outcomes:
    """Return what the rows of one context measured, as many shots as it needs.

    Where more were run, a random choice is kept: shots are exchangeable, so that nothing is distorted.
    """
    found = rows[0]
    for row in rows[1:]:
        found = found + row
    return found.limited(wanted, seed)
