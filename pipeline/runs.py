# SPDX-License-Identifier: Apache-2.0
"""Runs that survive: planned, submitted, brought forward, read. Each is the one loop on a backend that records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from importlib import metadata
from typing import Any

from stinespring.backends.execute import sample_body
from stinespring.backends.registry import opened
from stinespring.backends.seeds import derive_seed, root_seed
from stinespring.batches import Batch, Item, Report, quiet
from stinespring.compiler.devices.lower import lower
from stinespring.errors import InputError
from stinespring.ledger.delivery import Delivery
from stinespring.ledger.recorded import Pending, Permissions, Recorded, jobs_of
from stinespring.ledger.store import Ledger, LedgerError, Run, fresh_id, now
from stinespring.pipeline.estimate import Estimate, estimated
from stinespring.pipeline.mitigation import Calibration, calibration_body, planned_mitigation
from stinespring.pipeline.record import described, identity, requested, restored
from stinespring.pipeline.running import compile_asked, require_runnable, samples_of, split
from stinespring.pipeline.systems import system_of
from stinespring.readings import Outcomes
from stinespring.stages import Backend, Program, Samples
from stinespring.version import __version__

__all__ = ["MONTH", "Planned", "bring_forward", "cancel", "plan", "read", "submit"]

MONTH = 30 * 86_400.0
FINAL = ("done", "failed", "cancelled")
EVERYTHING = Permissions(send=True, onward=True, wait=MONTH)


@dataclass(frozen=True, eq=False)
class Planned:
    """A run that could be submitted.

    Attributes:
        program: lowered, if the backend is a device.
        options: the compiler's arguments.
        backend: open.
        asked_of: the backend string that was given.
        shots: for the program.
        seed: as given.
        root: of all seeds.
        calibration: circuits that measure the readout errors, if they are to be mitigated.
        mitigation: what was asked of it, or why there is none.
        estimate: what the run will take.
        title: one line for the list of runs.
    """

    program: Program
    options: Mapping[str, Any]
    backend: Backend
    asked_of: str
    shots: int
    seed: int | None
    root: int
    calibration: Calibration | None
    mitigation: Mapping[str, Any]
    estimate: Estimate
    title: str


def plan(
    source: Any, given: Mapping[str, Any], *, backend: Backend, asked_of: str, shots: int, seed: int | None = None,
    settings: Mapping[str, Any] | None = None, mitigation: str = "none", alpha: float = 0.001, resolution: float = 0.05,
    simulate: bool = False, title: str = "", report: Report = quiet,
) -> Planned:  # fmt: skip
    """Compile what is asked for a backend and estimate it; nothing is written or submitted.

    Args:
        source: of any kind.
        given: keyword arguments of :func:`stinespring.compile`.
        backend: where it will run.
        asked_of: the backend string that was given.
        shots: for the program.
        seed: of what is random on this side; None draws one.
        settings: keyword arguments of :func:`stinespring.run` beyond those here.
        mitigation: ``none``, ``readout`` or ``always``.
        alpha: of the verdict.
        resolution: of the verdict.
        simulate: whether the expected TVD of a small program is simulated with the device's noise.
        title: one line for the list of runs.
        report: progress.
    """
    asked, options = split(source, given)
    device, target = backend.capabilities.device, options.get("target", "aer")
    if device is not None and target not in ("aer", device.name, device):
        raise InputError("the backend is another device than the target", got=f"--target {target}", expected=device.name)
    options = {**options, "target": target if device is None else device}
    root = root_seed(seed)
    program = compile_asked(source, system_of(source).settled(source, asked, settings or {}, root), options)
    shots = require_runnable(program, shots)
    note = planned_mitigation(program, backend, mitigation)
    calibration = calibration_body(note, backend, shots)
    report("estimating", 1.0)
    found = estimated(program, backend, shots, calibration=calibration, simulate=simulate, alpha=alpha, resolution=resolution)
    return Planned(program, options, backend, asked_of, shots, seed, root, calibration, note, found, title or source.name)


def submit(ledger: Ledger, planned: Planned, *, once: bool = False, report: Report = quiet) -> Run:
    """Write a run down, then send it; a backend that keeps no jobs samples it at once.

    Args:
        ledger: where it is written.
        planned: what is asked.
        once: return an earlier run that asked the same and did not fail, instead of a new one.
        report: progress.

    Raises:
        LedgerError: the run could not be written; nothing was sent.
        BackendError: it was written but not sent; its state says how far it came.
    """
    backend, program = planned.backend, planned.program
    request = requested(
        program, planned.options, shots=planned.shots, seed=planned.seed, backend=planned.asked_of, title=planned.title
    )
    kept = described(program, planned.options, planned.mitigation)
    versions = {"stinespring": __version__, "qiskit": metadata.version("qiskit"), **backend.metadata()}
    run = Run(
        id=fresh_id(), identity=identity(request), state="created", backend=backend.name, shots=planned.shots,
        seed=planned.root, created=now(), message="", request=request, program=kept, estimate=planned.estimate.plain(),
        versions=versions,
    )  # fmt: skip
    first = [] if planned.calibration is None else [planned.calibration.batch()]
    begun = program.body.next([], planned.shots)
    assert begun is not None, "every program makes a call"
    jobs = [job for batch in (*first, begun) for job in jobs_of(run.id, batch, backend)]
    stored = ledger.add(run, jobs, backend.calibration() if backend.keeps_jobs else None, once=once)  # type: ignore[attr-defined]
    if stored.id != run.id:
        return stored
    fresh = frozenset(job.tag for job in jobs)
    try:
        if backend.keeps_jobs:
            steps = sorted({job.step for job in jobs})
            recorded(ledger, run, program, lambda: backend, EVERYTHING, report, fresh).post_only(steps)
            return ledger.run(run.id)
        return looped(ledger, run, program, recorded(ledger, run, program, lambda: backend, EVERYTHING, report, fresh))
    except LedgerError as error:
        todo = f"then 'stinespring resume {run.id}', not submit again: the job may be at the service already"
        raise LedgerError(error.what, got=error.got, todo=todo) from None


def recorded(
    ledger: Ledger, run: Run, program: Program, open: Callable[[], Backend], may: Permissions, report: Report = quiet,
    fresh: frozenset[str] = frozenset(),
) -> Recorded:  # fmt: skip
    """Return the backend that records a run's calls."""
    host = program.body.host
    steps = int(getattr(program.asked, "steps", 1)) if host else 1
    names = [r.name for r in program.registers if r.role in ("token", "environment", "flag", "state", "outcome")]
    needed = {0: ["r0"]} if host else {0: ["r0"], 1: names}
    prepare = lowered_batch if host else None
    extra: dict[str, Any] = {} if prepare is None else {"prepare": prepare}
    return Recorded(ledger, run.id, open, may, needed, steps, report, fresh, **extra)


def lowered_batch(batch: Batch, backend: Backend) -> Batch:
    """Return a call with its circuits on the backend's device."""
    device = backend.capabilities.device
    if device is None:
        return batch
    made: dict[int, Any] = {}
    for item in batch.items:
        if id(item.circuit) not in made:
            made[id(item.circuit)] = lower(item.circuit, device)
    return Batch(tuple(Item(made[id(item.circuit)], item.angles, item.shots) for item in batch.items), batch.key)


def looped(ledger: Ledger, run: Run, program: Program, backend: Recorded) -> Run:
    """Run the loop on a recording backend as far as it goes; return the run as it then is."""
    try:
        outcomes_of(run, program, backend)
    except Pending:
        return ledger.run(run.id)
    found = ledger.run(run.id)
    if found.state not in FINAL:
        ledger.update(run.id, state="done", message="")
        if found.session is not None:
            backend.delivery().close(found)
    return ledger.run(run.id)


def outcomes_of(run: Run, program: Program, backend: Recorded) -> tuple[list[Outcomes], list[list[Outcomes]]]:
    """Return what the calibration and the program's calls measured."""
    zeros: list[Outcomes] = []
    if run.program["mitigation"].get("wires") is not None:
        zeros = backend.sample(Batch((), (0,)), derive_seed(run.seed, 0))
    return zeros, sample_body(program.body, backend, run.shots, run.seed, backend.report)


@contextmanager
def opening(run: Run) -> Iterator[Callable[[], Backend]]:
    """Give a function that opens a run's backend when it is needed; it is closed at the end."""
    with ExitStack() as stack:
        found: list[Backend] = []

        def open_once() -> Backend:
            if not found:
                found.append(stack.enter_context(opened(run.backend)))
            return found[0]

        yield open_once


def bring_forward(ledger: Ledger, run: Run, may: Permissions, report: Report = quiet, *, backend: Backend | None = None) -> Run:
    """Do for a run what may be done: send, ask, collect, begin the next call; return it as it then is.

    Raises:
        InputError: an earlier version wrote it, or this one compiles another program.
        BackendError: the service failed; the run stays as it was, with the reason in its message.
    """
    ledger.require_readable(run)
    if run.state in FINAL:
        return run
    program = restored(run)
    with opening(run) as open:
        ready = open if backend is None else lambda: backend
        return looped(ledger, run, program, recorded(ledger, run, program, ready, may, report))


def read(ledger: Ledger, run: Run) -> tuple[Program, Samples, list[Outcomes]]:
    """Return the program and the samples of a run that is done, and what its calibration read, zeros first.

    Raises:
        InputError: it is not done, or an earlier version wrote it.
    """
    ledger.require_readable(run)
    if run.state != "done":
        raise InputError("the run has no complete counts yet", got=f"run {run.id}: {run.state}", expected="state done")
    program = restored(run)
    with opening(run) as open:
        calibration, seen = outcomes_of(run, program, recorded(ledger, run, program, open, Permissions()))
    record = {**run.versions, "run": run.id, "identity": run.identity, "program": run.program["hash"]}
    seed = run.request["seed"]
    samples = samples_of(
        program, seen, run.shots, backend=run.backend, seed=run.seed if seed is None else seed, seconds=0.0, metadata=record
    )
    return replace(program, passes=()), samples, calibration


def cancel(ledger: Ledger, run: Run, report: Report = quiet) -> Run:
    """Cancel every job of a run that the service has, also those whose ids never arrived here.

    Raises:
        BackendError: the service could not be asked; the run stays as it was.
    """
    if run.state in ("done", "failed"):
        return run
    with opening(run) as open:
        backend = open()
        if backend.keeps_jobs:
            return Delivery(ledger, run.id, backend, report).cancel()  # type: ignore[arg-type]
    ledger.cancelled(run.id)
    return ledger.run(run.id)
