# SPDX-License-Identifier: Apache-2.0
"""Bringing a run forward: send what was never sent, heal what was, ask, collect, and begin the next step.

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
from typing import Any, Protocol

from filelock import FileLock, Timeout

from stinespring.backends.base import Backend
from stinespring.backends.ibm.wire import ATTEMPTS, LONGEST, PAUSE, ServiceError
from stinespring.backends.remote import Outcomes, Remote, keeps_jobs
from stinespring.errors import BackendError
from stinespring.ledger.local import sample_work
from stinespring.ledger.payload import Work, pack, pack_outcomes, require_complete, unpack, unpack_outcomes
from stinespring.ledger.store import Job, Ledger, LedgerError, Run, fresh_tag

__all__ = ["Advance", "calibration_readings", "finished_steps", "held", "jobs_of"]

POLL = 0.5  # seconds between two questions; grows by half up to
SLOWEST_POLL = 5.0
SETTLED = 30.0  # seconds after which a request that was cut off is stored or lost: only then is it sent again
REFUSED = frozenset({429, 500, 503})  # answers after which a job was not stored, by IBM's word; others leave it open
PATIENCE = 30.0  # seconds to wait for another process that works on the same run
FINAL = ("done", "failed", "cancelled")
Report = Callable[[str, float], None]


class HeldElsewhereError(LedgerError):
    """Another process works on the run."""


@contextmanager
def held(ledger: Ledger, run: str, patience: float = PATIENCE) -> Iterator[None]:
    """Hold a run: two processes never send for one run at once. The system frees the lock of a process that dies.

    Raises:
        LedgerError: another process works on the run.
    """
    folder = ledger.folder / "locks"
    try:
        folder.mkdir(exist_ok=True, mode=0o700)
        with FileLock(folder / f"{run}.lock", timeout=max(0.0, patience)):
            yield
    except Timeout:
        raise HeldElsewhereError(
            "another process works on this run", got=f"run {run}", todo="wait for it, or try again: nothing was lost"
        ) from None


def jobs_of(run: str, step: int, works: Sequence[Work]) -> list[Job]:
    """Return the rows of one step's jobs, each with a tag of its own."""
    return [Job(fresh_tag(), run, step, part, pack(work)) for part, work in enumerate(works)]


class Task(Protocol):
    """What a run's steps measure, and which come next."""

    @property
    def steps(self) -> int:
        """Number of steps, if it is known."""

    @property
    def seed(self) -> int:
        """Root of the seeds."""

    def measured(self, step: int) -> list[str]:
        """Return the registers that a step's result must have."""

    def following(self, done: Sequence[Any], backend: Backend) -> list[Work]:
        """Return the jobs of the step after those that are done; none if that was the last."""


@dataclass
class Advance:
    """Brings one run forward.

    Args:
        ledger: where it is kept.
        run: its id.
        texts: what its steps run.
        backend: opens the backend when it is needed.
        report: called with a phrase and the share done.
    """

    ledger: Ledger
    run: str
    texts: Task
    backend: Callable[[], Backend]
    report: Report = lambda phrase, share: None
    asked: float | None = None  # when the service was first asked for a state

    def until(self, deadline: float | None, *, send: bool, onward: bool, fresh: frozenset[str] = frozenset()) -> Run:
        """Bring the run forward until it is finished, nothing more can be done, or the time is up.

        Args:
            deadline: seconds after the first question at which to stop; None: one pass only.
            send: whether jobs of the first step that were never sent are sent.
            onward: whether later steps are sent when the one before is done.
            fresh: tags made in this very process, which need not be looked up.

        Raises:
            BackendError: the service failed; the run stays as it was, with the reason in its message.
        """
        pause = POLL
        while True:
            try:
                with held(self.ledger, self.run, PATIENCE if send else 1.0):
                    run = self.pass_once(send=send, onward=onward, fresh=fresh)
            except HeldElsewhereError:
                if send:
                    raise
                run = self.ledger.run(self.run)  # what the other process has found so far
            if run.state in FINAL or deadline is None or run.state == "created":
                return run
            left = (self.asked or time.monotonic()) + deadline - time.monotonic()
            if left <= 0:
                return run
            time.sleep(min(pause, left))
            pause = min(1.5 * pause, SLOWEST_POLL)

    def send_first(self, fresh: frozenset[str]) -> Run:
        """Send the first step, without asking how it goes."""
        with held(self.ledger, self.run):
            self.post_missing(self.ledger.run(self.run), self.ledger.jobs(self.run), send=True, fresh=fresh)
            return self.ledger.run(self.run)

    def pass_once(self, *, send: bool, onward: bool, fresh: frozenset[str]) -> Run:
        """Do everything that can be done now, and return the run as it then is."""
        while (run := self.ledger.run(self.run)).state not in FINAL:
            jobs = self.ledger.jobs(self.run)
            step = max(job.step for job in jobs)
            self.post_missing(run, jobs, send=send or (onward and step > 1), fresh=fresh)
            self.collect(self.ledger.jobs(self.run))
            run, jobs = self.ledger.run(self.run), self.ledger.jobs(self.run)
            if run.state in FINAL or any(job.state != "done" for job in jobs):
                return run
            if not onward and step < self.texts.steps:
                return run
            works = self.texts.following(finished_steps(jobs), self.backend())
            if works:
                self.ledger.add_jobs(jobs_of(self.run, step + 1, works))
                fresh = frozenset()
            else:
                self.finish(run)
        return self.ledger.run(self.run)

    def cancel(self) -> Run:
        """Cancel every job that the service has, also those whose ids never arrived here.

        Raises:
            BackendError: the service could not be asked; the run stays as it was.
        """
        with held(self.ledger, self.run):
            run, jobs = self.ledger.run(self.run), self.ledger.jobs(self.run)
            if run.state in ("done", "failed"):
                return run
            backend = self.backend()
            if keeps_jobs(backend):
                for job in jobs:
                    if job.remote is None and job.attempts:  # also of a run that was cancelled before: it may have come since
                        found = self.settled(backend, job, wait=True)
                        self.ledger.adopted(job, found)
                        for remote in found:
                            backend.cancel(remote)
                    elif job.state == "submitted" and job.remote is not None:
                        backend.cancel(job.remote)
            for job in self.ledger.jobs(self.run):
                if job.state in ("created", "submitted"):
                    self.ledger.finished(job, "cancelled")
            self.ledger.update(self.run, state="cancelled", message="cancelled by the user")
            if keeps_jobs(backend) and run.session is not None:
                self.close(backend, run.session)
            return self.ledger.run(self.run)

    def finish(self, run: Run) -> None:
        """Mark a run as done and close its session, which the service would close by itself later."""
        self.ledger.update(self.run, state="done", message="")
        backend = self.backend() if run.session is not None else None
        if keeps_jobs(backend) and run.session is not None:
            self.close(backend, run.session)

    def close(self, backend: Remote, session: str) -> None:
        """Close a session that is not needed any more; a failure costs nothing, for the service closes it by itself."""
        try:
            backend.close_group(session)
        except ServiceError:
            return

    def post_missing(self, run: Run, jobs: Sequence[Job], *, send: bool, fresh: frozenset[str]) -> None:
        """Adopt or send the jobs that have no id of the service."""
        waiting = [job for job in jobs if job.state == "created"]
        if not waiting:
            return
        backend = self.backend()
        if not keeps_jobs(backend):
            if send:
                self.sample_here(backend, waiting)
            return
        for index, job in enumerate(waiting):
            self.report(f"submitting job {index + 1} of {len(waiting)}", index / len(waiting))
            try:
                self.post_one(backend, job, send=send, known=job.tag in fresh)
            except BackendError as error:
                self.ledger.update(self.run, message=error.what)
                advice = f"; {error.todo}" if error.todo and "nothing is lost" not in error.todo else ""
                todo = f"nothing is lost: 'stinespring resume {self.run}' sends what is missing{advice}"
                raise BackendError(error.what, got=error.got, todo=todo) from None
        if any(job.remote for job in self.ledger.jobs(self.run)) and run.state == "created":
            self.ledger.update(self.run, state="submitted", message="")

    def post_one(self, backend: Remote, job: Job, *, send: bool, known: bool) -> None:
        """Adopt a job that the service has, else send it."""
        found = [] if known or not job.attempts else self.settled(backend, job, wait=send)
        if not found and send:
            found = self.send(backend, job)
        if found:
            self.ledger.posted(job, found[0], found[1:])
            self.ledger.update(self.run, state="submitted", message="")

    def settled(self, backend: Remote, job: Job, *, wait: bool) -> list[str]:
        """Return the ids of a job whose answer never arrived; before it is sent again, wait until the first request is settled.

        A request whose sender died may still be on its way, and a look right after the crash would not find the job.
        """
        pause = PAUSE
        while not (found := backend.find(job.tag)) and wait and job.attempted is not None:
            left = job.attempted + SETTLED - time.time()
            if not 0 < left <= SETTLED:
                break
            self.report("waiting for an interrupted request", 1 - left / SETTLED)
            time.sleep(min(pause, left))
            pause = min(1.5 * pause, SLOWEST_POLL)
        return found

    def send(self, backend: Remote, job: Job) -> list[str]:
        """Return the ids of the job at the service, which has it once.

        Too many requests and failures of the server are tried again, after a look whether the job was stored all the same.
        After a cut connection only the look is repeated: the request may still be on its way.
        """
        work, session, pause = unpack(job.payload), self.session(backend, job), PAUSE
        for attempt in range(ATTEMPTS):
            try:
                before = partial(self.ledger.attempting, job)
                return [backend.post(work.pubs, work.shots, [job.tag, "stinespring"], session, before)]
            except ServiceError as error:
                last = attempt == ATTEMPTS - 1
                asked = error.method == "GET"  # a question before the job, which the client itself has repeated
                if asked and error.status != HTTPStatus.TOO_MANY_REQUESTS:
                    raise
                if error.status != HTTPStatus.OK and not error.transient:
                    self.ledger.refused(job)
                    raise
                time.sleep(pause)
                found = self.look_up(backend, job.tag, error)
                if found:
                    return found
                if last or error.status not in REFUSED:
                    raise
                pause = min(2 * pause, LONGEST)
        raise AssertionError("the last attempt returns or raises")

    def look_up(self, backend: Remote, tag: str, cause: ServiceError) -> list[str]:
        """Return the jobs with a tag; if even that fails, the first failure is what the user should see."""
        try:
            return backend.find(tag)
        except ServiceError:
            raise cause from None

    def session(self, backend: Remote, job: Job) -> str | None:
        """Return the run's session or batch, opened if there is none that takes jobs."""
        run = self.ledger.run(self.run)
        jobs = max(self.texts.steps, len(self.ledger.jobs(self.run)))
        if run.session is not None and (job.step == 1 or backend.group_is_open(run.session)):
            return run.session
        group = backend.open_group(jobs)
        if group is not None:
            self.ledger.update(self.run, session=group)
        return group

    def collect(self, jobs: Sequence[Job]) -> None:
        """Ask for every job that was sent, and store what came back."""
        sent = [job for job in jobs if job.state == "submitted" and job.remote is not None]
        backend = self.backend() if sent else None
        for index, job in enumerate(sent):
            assert keeps_jobs(backend), "only remote jobs are submitted"
            assert job.remote is not None, "chosen so above"
            self.report(
                f"step {job.step} of {self.texts.steps}: waiting", (job.step - 1 + index / len(sent)) / self.texts.steps
            )
            self.asked = self.asked or time.monotonic()
            if job.attempts > 1:
                self.cancel_doubles(backend, job)
            word = backend.state(job.remote)
            if word.state in ("failed", "cancelled"):
                state: Any = word.state
                self.ledger.finished(job, state)
                message = " ".join(word.message.split()) or f"the service says: {word.state}"
                self.ledger.update(self.run, state=state, message=message)
                return
            if word.state == "done":
                rows = [row for pub in backend.result(job.remote) for row in pub]
                self.store(job, unpack(job.payload, circuits=False), rows)

    def cancel_doubles(self, backend: Remote, job: Job) -> None:
        """Cancel what an earlier attempt left at the service after all: one job of them is enough."""
        others = [remote for remote in backend.find(job.tag) if remote != job.remote]
        self.ledger.adopted(job, others)
        for remote in others:
            if backend.state(remote).state in ("queued", "running"):
                backend.cancel(remote)

    def store(self, job: Job, work: Work, rows: Sequence[Outcomes]) -> None:
        """Keep what a job measured, if it is complete."""
        require_complete(work, rows, self.texts.measured(job.step))
        self.ledger.finished(job, "done", pack_outcomes(rows))

    def sample_here(self, backend: Backend, jobs: Sequence[Job]) -> None:
        """Sample jobs in this process; a run that is cut short here begins again with the same seeds."""
        for job in jobs:
            self.report(f"step {job.step} of {self.texts.steps}: sampling", (job.step - 1) / self.texts.steps)
            work = unpack(job.payload)
            try:
                rows = sample_work(work, backend, (self.texts.seed, job.step, job.part))
            except BackendError as error:
                self.ledger.update(self.run, message=error.what)
                raise
            self.store(job, work, rows)


def calibration_readings(jobs: Sequence[Job]) -> list[Outcomes]:
    """Return what the calibration of a run read, zeros first; empty if there is none."""
    return [row for job in jobs if job.step == 0 and job.outcomes is not None for row in unpack_outcomes(job.outcomes)]


def finished_steps(jobs: Sequence[Job]) -> list[list[tuple[Work, list[Outcomes]]]]:
    """Return what each step measured, by job."""
    steps: dict[int, list[tuple[Work, list[Outcomes]]]] = {}
    for job in (job for job in jobs if job.step > 0):
        assert job.outcomes is not None, "called once all jobs are done"
        steps.setdefault(job.step, []).append((unpack(job.payload, circuits=False), unpack_outcomes(job.outcomes)))
    return [steps[step] for step in sorted(steps)]
