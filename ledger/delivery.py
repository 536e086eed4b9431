# SPDX-License-Identifier: Apache-2.0
"""Jobs of a run at a service: send what was never sent, heal what was, ask, collect, cancel.

The order of writing and sending is what makes a crash harmless. A job's row, with a tag that no other job has, is in the ledger
before the job is sent. Whoever finds a row without the service's id looks the tag up before anything is sent again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

from stinespring.backends.remote import Remote
from stinespring.backends.service import ATTEMPTS, LONGEST, PAUSE, ServiceError
from stinespring.batches import Report, quiet
from stinespring.errors import BackendError
from stinespring.ledger.payload import pack_outcomes, require_complete, unpack
from stinespring.ledger.store import Job, Ledger, LedgerError, Run

__all__ = ["Delivery", "HeldElsewhereError", "held"]

SLOWEST_POLL = 5.0
SETTLED = 30.0  # seconds after which a request that was cut off is stored or lost: only then is it sent again
REFUSED = frozenset({429, 500, 503})  # answers after which a job was not stored, by IBM's word; others leave it open
PATIENCE = 30.0  # seconds to wait for another process that works on the same run


class HeldElsewhereError(LedgerError):
    """Another process works on the run."""


@contextmanager
def held(ledger: Ledger, run: str, patience: float = PATIENCE) -> Iterator[None]:
    """Hold a run: two processes never send for one run at once. The system frees the lock of a process that dies.

    Raises:
        HeldElsewhereError: another process works on the run.
    """
    from filelock import FileLock, Timeout

    folder = ledger.folder / "locks"
    try:
        folder.mkdir(exist_ok=True, mode=0o700)
        with FileLock(folder / f"{run}.lock", timeout=max(0.0, patience)):
            yield
    except Timeout:
        raise HeldElsewhereError(
            "another process works on this run", got=f"run {run}", todo="wait for it, or try again: nothing was lost"
        ) from None


@dataclass
class Delivery:
    """The jobs of one run at a service that keeps jobs.

    Args:
        ledger: where the run is kept.
        run: its id.
        remote: the service.
        report: called with a phrase and the share done.
        steps: how many calls the run makes, about.
    """

    ledger: Ledger
    run: str
    remote: Remote
    report: Report = quiet
    steps: int = 1
    asked: float | None = None  # when the service was first asked for a state

    def cancel(self) -> Run:
        """Cancel every job that the service has, also those whose ids never arrived here.

        Raises:
            BackendError: the service could not be asked; the run stays as it was.
        """
        with held(self.ledger, self.run):
            run, jobs = self.ledger.run(self.run), self.ledger.jobs(self.run)
            if run.state in ("done", "failed"):
                return run
            for job in jobs:
                if job.remote is None and job.attempts:  # also of a run that was cancelled before: it may have come since
                    found = self.settled(job, wait=True)
                    self.ledger.adopted(job, found)
                    for remote in found:
                        self.remote.cancel(remote)
                elif job.state == "submitted" and job.remote is not None:
                    if job.attempts > 1:
                        self.cancel_doubles(job)
                    self.remote.cancel(job.remote)
            self.ledger.cancelled(self.run)
            self.close(run)
            return self.ledger.run(self.run)

    def close(self, run: Run) -> None:
        """Close a run's session, which is not needed any more; a failure costs nothing, for the service closes it by itself."""
        if run.session is not None:
            try:
                self.remote.close_group(run.session)
            except ServiceError:
                return

    def post_missing(self, jobs: Sequence[Job], allowed: Callable[[Job], bool]) -> None:
        """Adopt the jobs that have no id of the service, or send those that are allowed."""
        waiting = [job for job in jobs if job.state == "created"]
        for index, job in enumerate(waiting):
            self.report(f"submitting job {index + 1} of {len(waiting)}", index / len(waiting))
            try:
                self.post_one(job, send=allowed(job))
            except BackendError as error:
                self.ledger.update(self.run, message=error.what)
                advice = f"; {error.todo}" if error.todo and "nothing is lost" not in error.todo else ""
                todo = f"nothing is lost: 'stinespring resume {self.run}' sends what is missing{advice}"
                raise BackendError(error.what, got=error.got, todo=todo) from None

    def post_one(self, job: Job, *, send: bool) -> None:
        """Adopt a job that the service has, else send it."""
        found = self.settled(job, wait=send) if job.attempts else []
        if not found and send:
            found = self.send(job)
        if found:
            self.ledger.posted(job, found[0], found[1:])
            self.ledger.update(self.run, state="submitted", message="")

    def settled(self, job: Job, *, wait: bool) -> list[str]:
        """Return the ids of a job whose answer never arrived; before it is sent again, wait until the first request is settled.

        A request whose sender died may still be on its way, and a look right after the crash would not find the job.
        """
        pause = PAUSE
        while not (found := self.remote.find(job.tag)) and wait and job.attempted is not None:
            left = job.attempted + SETTLED - time.time()
            if not 0 < left <= SETTLED:
                break
            self.report("waiting for an interrupted request", 1 - left / SETTLED)
            time.sleep(min(pause, left))
            pause = min(1.5 * pause, SLOWEST_POLL)
        return found

    def send(self, job: Job) -> list[str]:
        """Return the ids of the job at the service, which has it once.

        Too many requests and failures of the server are tried again, after a look whether the job was stored all the same.
        After a cut connection only the look is repeated: the request may still be on its way.
        """
        work, session, pause = unpack(job.payload), self.session(job), PAUSE
        shots = int(work.rows[0])
        for attempt in range(ATTEMPTS):
            try:
                before = partial(self.ledger.attempting, job)
                return [self.remote.post(work.items, shots, [job.tag, "stinespring"], session, before)]
            except ServiceError as error:
                last = attempt == ATTEMPTS - 1
                asked = error.method == "GET"  # a question before the job, which the client itself has repeated
                if asked and error.status != HTTPStatus.TOO_MANY_REQUESTS:
                    raise
                if error.status != HTTPStatus.OK and not error.transient:
                    self.ledger.refused(job)
                    raise
                time.sleep(pause)
                found = self.look_up(job.tag, error)
                if found:
                    return found
                if last or error.status not in REFUSED:
                    raise
                pause = min(2 * pause, LONGEST)
        raise AssertionError("the last attempt returns or raises")

    def look_up(self, tag: str, cause: ServiceError) -> list[str]:
        """Return the jobs with a tag; if even that fails, the first failure is what the user should see."""
        try:
            return self.remote.find(tag)
        except ServiceError:
            raise cause from None

    def session(self, job: Job) -> str | None:
        """Return the run's session or batch, opened if there is none that takes jobs."""
        run = self.ledger.run(self.run)
        if run.session is not None and (job.step <= 1 or self.remote.group_is_open(run.session)):
            return run.session
        group = self.remote.open_group(max(self.steps, len(self.ledger.jobs(self.run))))
        if group is not None:
            self.ledger.update(self.run, session=group)
        return group

    def collect(self, jobs: Sequence[Job]) -> None:
        """Ask for every job that was sent, and store what came back, if it is complete."""
        sent = [job for job in jobs if job.state == "submitted" and job.remote is not None]
        for index, job in enumerate(sent):
            assert job.remote is not None, "chosen so above"
            self.report(f"step {job.step} of {self.steps}: waiting", (max(1, job.step) - 1 + index / len(sent)) / self.steps)
            self.asked = self.asked or time.monotonic()
            if job.attempts > 1:
                self.cancel_doubles(job)
            word = self.remote.state(job.remote)
            if word.state in ("failed", "cancelled"):
                state: Any = word.state
                self.ledger.finished(job, state)
                message = " ".join(word.message.split()) or f"the service says: {word.state}"
                self.ledger.update(self.run, state=state, message=message)
                return
            if word.state == "done":
                rows = [row for item in self.remote.result(job.remote) for row in item]
                require_complete(unpack(job.payload, circuits=False), rows)
                told = getattr(self.remote, "executed", {}).get(job.remote)
                if told:
                    self.ledger.told(job, told)
                self.ledger.finished(job, "done", pack_outcomes(rows))

    def cancel_doubles(self, job: Job) -> None:
        """Cancel what an earlier attempt left at the service after all: one job of them is enough."""
        others = [remote for remote in self.remote.find(job.tag) if remote != job.remote]
        self.ledger.adopted(job, others)
        for remote in others:
            if self.remote.state(remote).state in ("queued", "running"):
                self.remote.cancel(remote)
