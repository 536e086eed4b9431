# SPDX-License-Identifier: Apache-2.0
"""Work and outcomes as bytes: QPY, arrays without pickle, JSON."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stinespring.batches import Batch, Item
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
    """

    items: tuple[Item, ...]
    owner: IntArray
    wanted: IntArray

    @property
    def rows(self) -> IntArray:
        """Shots of every row, shape (rows,)."""
        return np.concatenate([item.shots for item in self.items])

    @property
    def executions(self) -> int:
        """Shots in all."""
        return int(self.rows.sum())


def whole(batch: Batch) -> Work:
    """Return a batch as one job, as a backend of this machine takes it."""
    wanted = np.concatenate([item.shots for item in batch.items])
    return Work(batch.items, np.arange(len(wanted)), wanted)


def works_of(batch: Batch, most: int) -> list[Work]:
    """Return a batch as jobs of a service, which takes one number of shots for all rows of a job.

    Args:
        batch: with circuits as the service executes them.
        most: shots of one row.
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
    steered = any(item.circuit.has_control_flow_op() for item in items)  # they share a job's budget of broadcasts
    return split(Work(tuple(items), owner, wanted), 1 if steered else max(1, MOST_EXECUTIONS // shots))


def allocate(wanted: IntArray, most: int) -> tuple[int, IntArray]:
    """Return the shots of every row, and which context each row samples, so that all contexts get what they need.

    One number of shots s holds for the whole job; context i takes ``ceil(w_i / s)`` rows. Of the candidates for s the one with
    the least ``sum_i ceil(w_i / s) (s + 30)`` wins.

    Example:
        >>> shots, owner = allocate(np.array([1000, 500, 490]), 100_000)
        >>> shots, owner.tolist()
        (500, [0, 0, 1, 2])
    """
    largest = int(wanted.max())
    grid = np.unique(np.concatenate([wanted, np.geomspace(1, largest, 40).astype(np.int64), -(-wanted // 2), [most]]))
    candidates = grid[(grid >= 1) & (grid <= min(most, largest))]
    rows = -(-wanted[None, :] // candidates[:, None])
    best = int(np.argmin((rows * (candidates[:, None] + ROW)).sum(axis=1)))
    return int(candidates[best]), np.repeat(np.arange(len(wanted)), rows[best])


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
        jobs.append(Work(tuple(items), work.owner[first : first + room], work.wanted))
    return jobs


def pack(work: Work) -> bytes:
    """Return a job as bytes: a zip of arrays without pickle, circuits as QPY."""
    from qiskit import qpy

    circuits = io.BytesIO()
    qpy.dump([item.circuit for item in work.items], circuits)
    arrays: dict[str, Any] = {
        "qpy": np.frombuffer(circuits.getvalue(), dtype=np.uint8),
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
        found: list[Any] = [None] * len(shots)
        if circuits:
            from qiskit import qpy

            found = qpy.load(io.BytesIO(arrays["qpy"].tobytes()))
        items = [Item(circuit, arrays.get(f"angles{i}"), shots[i]) for i, circuit in enumerate(found)]
        return Work(tuple(items), arrays["owner"], arrays["wanted"])


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


def require_complete(work: Work, rows: Sequence[Outcomes], registers: Sequence[str]) -> None:
    """Refuse a result that lacks rows, shots or registers.

    Raises:
        BackendError: naming what is missing.
    """
    if len(rows) != len(work.owner):
        raise BackendError("the result has another number of rows", got=len(rows), expected=len(work.owner))
    for row, shots in zip(rows, work.rows.tolist(), strict=True):
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
