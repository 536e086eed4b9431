# SPDX-License-Identifier: Apache-2.0
"""A backend that records: it answers a call from the ledger's rows if they are there, sends it if it may, or says "not yet".

A run is a function of its program, its seed and what its calls measured. So whoever runs the one loop on this backend begins a
run, goes on with it, or reads it again: submitting, fetching and resuming are the same loop with other permissions, and a
submitted run gives the counts that a run at once gives.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stinespring.backends.remote import Remote
from stinespring.backends.seeds import derive_seed
from stinespring.batches import Batch, Item, Report, quiet
from stinespring.errors import BackendError
from stinespring.ledger.delivery import PATIENCE, SLOWEST_POLL, Delivery, HeldElsewhereError, held
from stinespring.ledger.payload import merged, pack, pack_outcomes, require_complete, unpack, unpack_outcomes, whole, works_of
from stinespring.ledger.store import Job, Ledger, fresh_tag
from stinespring.readings import Outcomes
from stinespring.stages import Backend, Capabilities

__all__ = ["Pending", "Permissions", "Recorded", "jobs_of"]

POLL = 0.5  # seconds between two questions; grows by half up to SLOWEST_POLL
FAILED = ("failed", "cancelled")


class Pending(Exception):
    """The outcomes of a call are not there yet."""


def as_it_is(batch: Batch, backend: Backend) -> Batch:
    """Return the call: its circuits are on the backend's device already."""
    return batch


@dataclass(frozen=True)
class Permissions:
    """What may be done for a run.

    Attributes:
        send: jobs of the first call that were never sent may be sent.
        onward: later calls may be begun and sent once the one before is done.
        wait: seconds to wait for outcomes, counted from the first question; None: one look.
    """

    send: bool = False
    onward: bool = False
    wait: float | None = None


def jobs_of(run: str, batch: Batch, backend: Backend) -> list[Job]:
    """Return the rows of one call's jobs, each with a tag of its own; circuits as the backend best executes them."""
    if backend.keeps_jobs:
        remote: Remote = backend  # type: ignore[assignment]
        finished = tuple(Item(remote.finish(item.circuit), item.angles, item.shots) for item in batch.items)
        works = works_of(Batch(finished, batch.key), remote.capabilities.max_shots or int(max(i.shots.max() for i in finished)))
    else:
        works = [whole(batch)]
    return [Job(fresh_tag(), run, batch.key[0], part, pack(work)) for part, work in enumerate(works)]


@dataclass
class Recorded:
    """A backend whose every call is a row of one run in the ledger.

    Args:
        ledger: where the run is kept.
        run: its id.
        open: opens the backend, when it is needed.
        may: what may be done.
        registers: what results must have, by the first number of a call's key; calls that are not named need nothing.
        steps: how many calls the run makes, about.
        report: called with a phrase and the share done.
        fresh: tags of jobs that were written in this very process.
        prepare: lowers the circuits of a call to the backend's device, where the host makes them as it goes.
    """

    ledger: Ledger
    run: str
    open: Callable[[], Backend]
    may: Permissions
    registers: Mapping[int, Sequence[str]] = field(default_factory=dict)
    steps: int = 1
    report: Report = quiet
    fresh: frozenset[str] = frozenset()
    prepare: Callable[[Batch, Backend], Batch] = as_it_is
    keeps_jobs: bool = False
    _delivery: Delivery | None = None

    @property
    def name(self) -> str:
        """The backend's name when the run was written down."""
        return self.ledger.run(self.run).backend

    @property
    def capabilities(self) -> Capabilities:
        """Nothing is lowered any more: the program was when the run was written down."""
        return Capabilities()

    def metadata(self) -> dict[str, Any]:
        """Return versions and options as they were when the run was submitted."""
        return {**self.ledger.run(self.run).versions, "run": self.run}

    def close(self) -> None:
        """Leave the backend to whoever opened it."""

    def sample(self, batch: Batch, seed: int, report: Report = quiet) -> list[Outcomes]:
        """Return what the jobs of this call measured, row by row; see :class:`stinespring.stages.Backend`.

        Raises:
            Pending: they have not measured yet, or may not be sent.
            BackendError: one failed, was cancelled, or the service did not answer.
        """
        step = batch.key[0]
        jobs = self.mine(step)
        if not jobs:
            jobs = self.begin(batch)
        if any(job.state != "done" for job in jobs):
            jobs = self.completed(step, seed)
        rows: dict[int, list[Outcomes]] = {}
        wanted: dict[int, int] = {}
        for job in jobs:
            work = unpack(job.payload, circuits=False)
            for owner, row in zip(work.owner.tolist(), unpack_outcomes(job.outcomes or "[]"), strict=True):
                rows.setdefault(owner, []).append(row)
                wanted[owner] = int(work.wanted[owner])
        return [merged(rows[row], wanted[row], derive_seed(seed, row)) for row in sorted(rows)]

    def mine(self, step: int) -> list[Job]:
        """Return the jobs of a call."""
        return [job for job in self.ledger.jobs(self.run) if job.step == step]

    def begin(self, batch: Batch) -> list[Job]:
        """Write the jobs of a call down."""
        if not self.may.onward or not batch.items:
            raise Pending
        self.ledger.add_jobs(jobs_of(self.run, self.prepare(batch, self.open()), self.open()))
        self.fresh = frozenset()
        return self.mine(batch.key[0])

    def delivery(self) -> Delivery:
        """Return what talks to the service."""
        if self._delivery is None:
            remote: Remote = self.open()  # type: ignore[assignment]
            self._delivery = Delivery(self.ledger, self.run, remote, self.report, self.steps, fresh=self.fresh)
        return self._delivery

    def completed(self, step: int, seed: int) -> list[Job]:
        """Return the jobs of a call once they are done."""
        send = self.may.send if step <= 1 else self.may.onward
        if not any(job.remote for job in self.mine(step)):
            if not send and not any(job.attempts for job in self.mine(step)):
                raise Pending
            if not self.open().keeps_jobs:
                return self.sampled_here(step, seed)
        pause = POLL
        while True:
            self.one_pass(step, send)
            run, jobs = self.ledger.run(self.run), self.mine(step)
            if run.state in FAILED:
                raise BackendError(f"run {self.run} {run.state}", got=run.message or None, todo="submit it again")
            if all(job.state == "done" for job in jobs):
                return jobs
            begun = self.delivery().asked or time.monotonic()
            left = -1.0 if self.may.wait is None else begun + self.may.wait - time.monotonic()
            if left <= 0 or run.state == "created":
                raise Pending
            time.sleep(min(pause, left))
            pause = min(1.5 * pause, SLOWEST_POLL)

    def one_pass(self, step: int, send: bool) -> None:
        """Send and collect once; where another process works on the run and nothing is to be sent, look at what it found."""
        try:
            with held(self.ledger, self.run, PATIENCE if send else 1.0):
                delivery = self.delivery()
                delivery.post_missing(self.mine(step), send=send)
                delivery.collect(self.mine(step), self.registers.get(step, ()))
        except HeldElsewhereError:
            if send:
                raise

    def sampled_here(self, step: int, seed: int) -> list[Job]:
        """Sample a call in this process, exactly as it would be sampled at once; cut short it begins again."""
        if step <= 1 and not self.may.send:
            raise Pending
        with held(self.ledger, self.run):
            [job] = self.mine(step)
            if job.state != "done":
                work = unpack(job.payload)
                try:
                    rows = self.open().sample(Batch(work.items, (step,)), seed, self.report)
                except BackendError as error:
                    self.ledger.update(self.run, message=error.what)
                    raise
                require_complete(work, rows, self.registers.get(step, ()))
                self.ledger.finished(job, "done", pack_outcomes(rows))
        return self.mine(step)

    def post_only(self, steps: Sequence[int]) -> None:
        """Send the jobs of some calls that are written down, without asking how they go."""
        with held(self.ledger, self.run):
            for step in steps:
                self.delivery().post_missing(self.mine(step), send=True)
