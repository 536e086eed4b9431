# SPDX-License-Identifier: Apache-2.0
"""Work and outcomes as bytes: QPY, arrays without pickle, JSON."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from stinespring.backends.remote import Outcomes, Pub
from stinespring.errors import BackendError
from stinespring.readings import IntArray

__all__ = ["Work", "allocate", "merged", "pack", "pack_outcomes", "require_complete", "split", "unpack", "unpack_outcomes"]

ROW = 30  # what one more row of parameters costs, in shots: a device loads it in about 10 ms
MOST_EXECUTIONS = 5_000_000  # of one job; IBM's limit is 10 million


@dataclass(frozen=True)
class Work:
    """What one job runs, and what its rows mean.

    Attributes:
        pubs: circuits with their parameter values; each row of a pub is one row of the job.
        shots: of every row: IBM's sampler takes one number for the whole job.
        owner: shape (rows,), the context that each row samples.
        wanted: shape (B,), the shots that each context needs; surplus shots are dropped at random.
        contexts: shape (B, n), what has been generated before, by context.
        symbols: shape (B, 2^k), what each code of the new token means, by context; empty where the program says it.
    """

    pubs: tuple[Pub, ...]
    shots: int
    owner: IntArray
    wanted: IntArray
    contexts: IntArray
    symbols: IntArray

    @property
    def executions(self) -> int:
        """Shots in all."""
        return self.shots * len(self.owner)


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


def split(work: Work, circuits_per_job: int | None = None) -> list[Work]:
    """Return the jobs of one step: so many rows in each that a job stays within the service's limits."""
    room = max(1, MOST_EXECUTIONS // work.shots)
    if circuits_per_job is not None:
        room = min(room, circuits_per_job)
    if len(work.owner) <= room:
        return [work]
    jobs: list[Work] = []
    rows = [(pub, row) for pub in work.pubs for row in range(pub.rows)]
    for first in range(0, len(rows), room):
        chosen = rows[first : first + room]
        pubs = []
        for pub in dict.fromkeys(id(pub) for pub, _ in chosen):
            own = [(p, row) for p, row in chosen if id(p) == pub]
            circuit, angles = own[0][0].circuit, own[0][0].angles
            pubs.append(Pub(circuit, None if angles is None else angles[[row for _, row in own]]))
        jobs.append(replace(work, pubs=tuple(pubs), owner=work.owner[first : first + room]))
    return jobs


def pack(work: Work) -> bytes:
    """Return a job as bytes: a zip of arrays without pickle, circuits as QPY."""
    from qiskit import qpy

    circuits = io.BytesIO()
    qpy.dump([pub.circuit for pub in work.pubs], circuits)
    arrays: dict[str, Any] = {
        "qpy": np.frombuffer(circuits.getvalue(), dtype=np.uint8),
        "shots": np.array(work.shots),
        "owner": work.owner,
        "wanted": work.wanted,
        "contexts": work.contexts,
        "symbols": work.symbols,
    }
    arrays |= {f"angles{i}": pub.angles for i, pub in enumerate(work.pubs) if pub.angles is not None}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def unpack(payload: bytes, *, circuits: bool = True) -> Work:
    """Return a job from its bytes; without ``circuits`` only what its rows mean."""
    with np.load(io.BytesIO(payload), allow_pickle=False) as arrays:
        pubs: list[Pub] = []
        if circuits:
            from qiskit import qpy

            found = qpy.load(io.BytesIO(arrays["qpy"].tobytes()))
            pubs = [Pub(circuit, arrays.get(f"angles{i}")) for i, circuit in enumerate(found)]
        return Work(tuple(pubs), int(arrays["shots"]), *(arrays[n] for n in ("owner", "wanted", "contexts", "symbols")))


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
    for row in rows:
        if int(row.counts.sum()) != work.shots:
            raise BackendError("the result has another number of shots", got=int(row.counts.sum()), expected=work.shots)
        missing = sorted(set(registers) - set(row.registers))
        if missing:
            raise BackendError("the result lacks registers", got=" ".join(row.registers), expected=" ".join(missing))


def merged(rows: Sequence[Outcomes], wanted: int, seed: int) -> Outcomes:
    """Return what the rows of one context measured, as many shots as it needs.

    Where more were run, a random choice is kept: shots are exchangeable, so that nothing is distorted.
    """
    values, back = np.unique(np.concatenate([row.values for row in rows]), axis=0, return_inverse=True)
    counts = np.bincount(back.reshape(-1), weights=np.concatenate([row.counts for row in rows]), minlength=len(values))
    return Outcomes(rows[0].registers, values, counts.astype(np.int64)).limited(wanted, seed)
