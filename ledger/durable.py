# SPDX-License-Identifier: Apache-2.0
"""Any command's circuits as a run of the ledger: a backend that remembers every call.

A command that samples is a function of its arguments, its seed and what its calls measured. So each call of ``sample`` is a job
of the ledger, numbered in order; when the command is run again, the calls whose jobs are done return what was measured then,
and the first one that is not goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from stinespring.backends.remote import Outcomes, Pub, Remote
from stinespring.backends.seeds import derive_seed
from stinespring.errors import BackendError
from stinespring.ledger.advance import POLL, SLOWEST_POLL, Advance, held, jobs_of
from stinespring.ledger.payload import Work, allocate, merged, split, unpack, unpack_outcomes
from stinespring.readings import FloatArray, IntArray

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from stinespring.compiler.devices.target import Device
    from stinespring.ledger.store import Job, Ledger

__all__ = ["LedgerBackend", "Pending"]


class Pending(Exception):
    """The next outcomes are not there yet."""


@dataclass
class Calls:
    """What the driver of a run asks of a command: it begins no steps by itself, for each call is one."""

    seed: int
    steps: int

    def measured(self, step: int) -> list[str]:
        """Return the registers that a result must have: the circuit's own, which are checked when they are read."""
        return []

    def following(self, done: Sequence[Any], backend: Any) -> list[Work]:
        """Return nothing: the next call of the command is the next step."""
        return []


@dataclass
class LedgerBackend:
    """A service that keeps jobs, as a backend whose every call is a job of one run.

    Args:
        ledger: where the run is kept.
        run: its id.
        remote: the service's backend.
        calls: seed and expected number of calls.
        wait: seconds to wait for outcomes, counted from the first question; None: none at all.
        send: whether circuits that were never sent are sent.
    """

    ledger: Ledger
    run: str
    remote: Remote
    calls: Calls
    wait: float | None
    send: bool = True
    report: Any = None
    number: int = 0
    driver: Advance = field(init=False)

    def __post_init__(self) -> None:
        self.driver = Advance(self.ledger, self.run, self.calls, lambda: self.remote)
        self.name = self.ledger.run(self.run).backend

    @property
    def device(self) -> Device | None:
        """The device; None once everything was measured, for then nothing is lowered any more."""
        return None if self.ledger.run(self.run).state == "done" else self.remote.device

    def metadata(self) -> dict[str, Any]:
        """Return versions and options as they were when the run was submitted."""
        return {**self.ledger.run(self.run).versions, "run": self.run}

    def sample(
        self, circuit: QuantumCircuit, angles: FloatArray | None, shots: int, seed: int
    ) -> Sequence[Mapping[str, IntArray]]:
        """Return what the job of this call measured; see :class:`stinespring.backends.base.Backend`.

        Raises:
            Pending: it has not measured yet.
            BackendError: it failed, was cancelled, or the service did not answer.
        """
        self.number += 1
        jobs = self.mine()
        if not jobs:
            jobs = self.begin(circuit, angles, shots)
        if any(job.state != "done" for job in jobs):
            jobs = self.waited()
        works = [(unpack(job.payload, circuits=False), unpack_outcomes(job.outcomes or "[]")) for job in jobs]
        rows: dict[int, list[Outcomes]] = {}
        for work, found in works:
            for owner, row in zip(work.owner.tolist(), found, strict=True):
                rows.setdefault(owner, []).append(row)
        one = [merged(rows[row], shots, derive_seed(seed, row)) for row in sorted(rows)]
        return [{name: np.repeat(row.column(name), row.counts) for name in row.registers} for row in one]

    def mine(self) -> list[Job]:
        """Return the jobs of this call."""
        return [job for job in self.ledger.jobs(self.run) if job.step == self.number]

    def begin(self, circuit: QuantumCircuit, angles: FloatArray | None, shots: int) -> list[Job]:
        """Write the jobs of this call down."""
        if not self.send:
            raise Pending
        rows = 1 if angles is None else len(angles)
        wanted = np.full(rows, shots)
        each, owner = allocate(wanted, self.remote.max_shots)
        circuit = self.remote.finish(circuit)
        pubs = tuple(Pub(circuit, None) for _ in owner) if angles is None else (Pub(circuit, angles[owner]),)
        nothing = np.zeros((rows, 0), dtype=np.int64)
        works = split(Work(pubs, each, owner, wanted, nothing, nothing), 1 if circuit.has_control_flow_op() else None)
        self.ledger.add_jobs(jobs_of(self.run, self.number, works))
        return self.mine()

    def waited(self) -> list[Job]:
        """Return the jobs of this call once they are done."""
        pause = POLL
        while True:
            with held(self.ledger, self.run):
                self.driver.post_missing(self.ledger.run(self.run), self.mine(), send=self.send, fresh=frozenset())
                self.driver.collect(self.mine())
            run, jobs = self.ledger.run(self.run), self.mine()
            if run.state in ("failed", "cancelled"):
                raise BackendError(f"run {self.run} {run.state}", got=run.message or None, todo="submit it again")
            if all(job.state == "done" for job in jobs):
                return jobs
            left = -1.0 if self.wait is None else (self.driver.asked or time.monotonic()) + self.wait - time.monotonic()
            if left <= 0:
                raise Pending
            time.sleep(min(pause, left))
            pause = min(1.5 * pause, SLOWEST_POLL)
