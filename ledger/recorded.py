# SPDX-License-Identifier: Apache-2.0
"""A backend that records: it answers a call from the ledger's rows if they are there, sends it if it may, or says "not yet".

A run is a function of its program, its seed and what its calls measured. So whoever runs the one loop on this backend begins a
run, goes on with it, or reads it again: submitting, fetching and resuming are the same loop with other permissions, and a
submitted run gives the counts that a run at once gives.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stinespring.backends.remote import Remote, keeps_jobs
from stinespring.backends.seeds import derive_seed
from stinespring.batches import Batch, Circuit, Item, Report, quiet
from stinespring.errors import BackendError
from stinespring.ledger.delivery import PATIENCE, SLOWEST_POLL, Delivery, HeldElsewhereError, held
from stinespring.ledger.payload import (
    Work,
    merged,
    pack,
    pack_outcomes,
    require_complete,
    unpack,
    unpack_outcomes,
    whole,
    works_of,
)
from stinespring.ledger.store import FINAL, Job, Ledger, damage, fresh_tag
from stinespring.readings import Outcomes
from stinespring.stages import Backend, Capabilities

__all__ = ["CALIBRATION", "FIRST", "Pending", "Permissions", "Recorded", "jobs_of"]

POLL = 0.5  # seconds between two questions; grows by half up to SLOWEST_POLL
CALIBRATION, FIRST = 0, 1  # steps: of the calibration, whose key is (0,), and of a program's first call; the others follow


class Pending(Exception):
    """The outcomes of a call are not there: not yet, or its run has come to another end. The run's state says which."""


def as_it_is(batch: Batch, backend: Backend) -> Batch:
    """Return the call: its circuits are on the backend's device already."""
    return batch


@dataclass(frozen=True)
class Permissions:
    """What may be done for a run.

    Attributes:
        send: jobs of the calibration and of the first call that were never sent may be sent.
        onward: later calls may be begun and sent once the one before is done.
        wait: seconds to wait for outcomes, counted from the first question; None: one look.
    """

    send: bool = False
    onward: bool = False
    wait: float | None = None


def jobs_of(run: str, step: int, batch: Batch, backend: Backend) -> list[Job]:
    """Return the rows of one call's jobs, each with a tag of its own; circuits as the backend best executes them."""
    if keeps_jobs(backend):
        works = works_of(finished(batch, backend), most_shots(batch, backend), getattr(backend, "together", None))
    else:
        works = [whole(batch)]
    return [Job(fresh_tag(), run, step, part, pack(work)) for part, work in enumerate(works)]


def finished(batch: Batch, remote: Remote) -> Batch:
    """Return a call with its circuits as the service best executes them; each is finished once."""
    made: dict[int, Circuit] = {}
    for item in batch.items:
        if id(item.circuit) not in made:
            made[id(item.circuit)] = remote.finish(item.circuit)
    return Batch(tuple(Item(made[id(item.circuit)], item.angles, item.shots) for item in batch.items), batch.key)


def most_shots(batch: Batch, remote: Remote) -> int:
    """Return the most shots of one row."""
    return remote.capabilities.max_shots or max(int(item.shots.max()) for item in batch.items)


@dataclass
class Recorded:
    """A backend whose every call is a step of one run in the ledger, numbered in order.

    Args:
        ledger: where the run is kept.
        run: its id.
        open: opens the backend, when it is needed.
        may: what may be done.
        steps: how many calls the run makes, about.
        report: called with a phrase and the share done.
        prepare: lowers the circuits of a call to the backend's device, where the host makes them as it goes.
    """

    ledger: Ledger
    run: str
    open: Callable[[], Backend]
    may: Permissions
    steps: int = 1
    report: Report = quiet
    prepare: Callable[[Batch, Backend], Batch] = as_it_is
    keeps_jobs: bool = False
    _number: int = CALIBRATION
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
            Pending: they have not measured yet, may not be sent, failed, or were cancelled.
            BackendError: the service did not answer as it should; the run stays as it was.
        """
        if batch.key != (CALIBRATION,):
            self._number += 1
        jobs = self.ledger.jobs(self.run, self._number)
        if not jobs or any(job.state != "done" for job in jobs):
            jobs = self.completed(batch, seed)
        rows: dict[int, list[Outcomes]] = {}
        wanted: dict[int, int] = {}
        for job in jobs:
            work, found = self.measured(job)
            for owner, row in zip(work.owner.tolist(), found, strict=True):
                rows.setdefault(owner, []).append(row)
                wanted[owner] = int(work.wanted[owner])
        return [merged(rows[row], wanted[row], derive_seed(seed, row)) for row in sorted(rows)]

    def measured(self, job: Job) -> tuple[Work, list[Outcomes]]:
        """Return what a job was and what it measured.

        Raises:
            DamagedError: that is not what was written.
        """
        with damage(self.run, f"job {job.tag}"):
            work, found = unpack(job.payload, circuits=False), unpack_outcomes(job.outcomes or "[]")
            try:
                require_complete(work, found)
            except BackendError as error:
                raise ValueError(f"{error.what}: {error.got}, expected {error.expected}") from None
            return work, found

    def completed(self, batch: Batch, seed: int) -> list[Job]:
        """Return the jobs of a call once they are done."""
        pause, begun = POLL, time.monotonic()
        while True:
            self.one_pass(batch, seed)
            run, jobs = self.ledger.run(self.run), self.ledger.jobs(self.run, self._number)
            if jobs and all(job.state == "done" for job in jobs):
                return jobs
            asked = None if self._delivery is None else self._delivery.asked
            left = -1.0 if self.may.wait is None else (asked or begun) + self.may.wait - time.monotonic()
            if left <= 0 or run.state != "submitted" or (jobs and not any(map(self.coming, jobs))):
                raise Pending
            time.sleep(min(pause, left))
            pause = min(1.5 * pause, SLOWEST_POLL)

    def coming(self, job: Job) -> bool:
        """Return whether a job is on its way: one that was never sent, and may not be, is not worth a wait."""
        return job.state == "submitted" or (job.state == "created" and self.allowed(job))

    def allowed(self, job: Job) -> bool:
        """Return whether a job may be sent."""
        return self.may.send if job.step <= FIRST else self.may.onward

    def one_pass(self, batch: Batch, seed: int) -> None:
        """Begin, send and collect once, or leave it to another process that works on the run and look at what it found."""
        try:
            with held(self.ledger, self.run, PATIENCE if self.may.send else 1.0):
                if self.ledger.run(self.run).state in FINAL:
                    return
                jobs = self.ledger.jobs(self.run, self._number) or self.begin(batch)
                if not any(job.remote or job.attempts or self.allowed(job) for job in jobs):
                    raise Pending
                if not self.open().keeps_jobs:
                    return self.sample_here(jobs, batch.key, seed)
                self.delivery.post_missing(self.ledger.jobs(self.run, unfinished=True), self.allowed)
                self.delivery.collect(self.ledger.jobs(self.run, unfinished=True))
        except HeldElsewhereError:
            if self.may.send:
                raise

    def begin(self, batch: Batch) -> list[Job]:
        """Write the jobs of a call down."""
        if not self.may.onward or not batch.items:
            raise Pending
        self.ledger.add_jobs(jobs_of(self.run, self._number, self.prepare(batch, self.open()), self.open()))
        return self.ledger.jobs(self.run, self._number)

    @property
    def delivery(self) -> Delivery:
        """What talks to the service."""
        if self._delivery is None:
            remote: Remote = self.open()  # type: ignore[assignment]
            self._delivery = Delivery(self.ledger, self.run, remote, self.report, self.steps)
        return self._delivery

    def sample_here(self, jobs: list[Job], key: tuple[int, ...], seed: int) -> None:
        """Sample a call in this process, exactly as it would be sampled at once; cut short it begins again."""
        [job] = jobs
        if job.state == "done" or not self.allowed(job):
            return
        work = unpack(job.payload)
        try:
            rows = self.open().sample(Batch(work.items, key), seed, self.report)
        except BackendError as error:
            self.ledger.update(self.run, message=error.what)
            raise
        require_complete(work, rows)
        self.ledger.finished(job, "done", pack_outcomes(rows))

    def send(self) -> None:
        """Send what is written down, without asking how it goes."""
        with held(self.ledger, self.run):
            self.delivery.post_missing(self.ledger.jobs(self.run, unfinished=True), self.allowed)

    def finish(self) -> None:
        """Record that all calls were measured, and close the run's session."""
        run = self.ledger.run(self.run)
        if run.state not in FINAL:
            self.ledger.done(self.run)
            if run.session is not None:
                self.delivery.close(run)
