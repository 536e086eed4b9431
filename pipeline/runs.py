# SPDX-License-Identifier: Apache-2.0
"""Runs that survive: planned, submitted, brought forward, read. Each is the one loop on a backend that records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any

from stinespring.backends.execute import sample_body
from stinespring.backends.registry import opened, target_of
from stinespring.backends.remote import keeps_jobs
from stinespring.backends.seeds import derive_seed, root_seed
from stinespring.batches import Batch, Circuit, Item, Report, quiet
from stinespring.errors import BackendError, InputError
from stinespring.ledger.delivery import Delivery
from stinespring.ledger.recorded import CALIBRATION, FIRST, Pending, Permissions, Recorded, jobs_of
from stinespring.ledger.store import FINAL, Ledger, LedgerError, Run, damage, fresh_id, now
from stinespring.pipeline.compiling import compile_decided
from stinespring.pipeline.readout.flips import randomised
from stinespring.pipeline.readout.mitigation import ReadoutCircuits, calibration_body, planned_mitigation, require_mode
from stinespring.pipeline.readout.stated import stated_errors
from stinespring.pipeline.record import described, identity, requested, require_kept, restored, unlowered
from stinespring.pipeline.running import require_runnable, samples_of, split
from stinespring.pipeline.systems import system_of
from stinespring.readings import Outcomes
from stinespring.stages import Backend, Device, Program, Samples
from stinespring.version import __version__

if TYPE_CHECKING:
    from stinespring.pipeline.estimate import Estimate

__all__ = ["EVERYTHING", "MONTH", "Planned", "bring_forward", "cancel", "plan", "read", "submit"]

MONTH = 30 * 86_400.0
EVERYTHING = Permissions(send=True, onward=True, wait=MONTH)


@dataclass(frozen=True, eq=False)
class Planned:
    """A run that could be submitted.

    Attributes:
        program: lowered, if the backend is a device.
        ran: the same, with randomised circuits where they are planned.
        options: the compiler's arguments.
        backend: open.
        shots: for the program.
        root: of all seeds.
        calibration: circuits that measure the readout errors, if they are to be mitigated.
        mitigation: what was planned of it, or why there is none.
        estimate: what the run will take.
        request: what was asked, as the ledger keeps it.
    """

    program: Program
    ran: Program
    options: Mapping[str, Any]
    backend: Backend
    shots: int
    root: int
    calibration: ReadoutCircuits | None
    mitigation: Mapping[str, Any]
    estimate: Estimate
    request: Mapping[str, Any]


def plan(
    source: Any, given: Mapping[str, Any], *, backend: Backend, asked_of: str, shots: int, seed: int | None = None,
    settings: Mapping[str, Any] | None = None, mitigation: str = "none", alpha: float = 0.001, resolution: float = 0.05,
    within: float | str | None = "auto", detect: bool = False, simulate: bool = False, title: str = "", report: Report = quiet,
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
        mitigation: ``none``, ``readout``, ``flips`` or ``always``.
        alpha: of the verdict.
        resolution: of the verdict.
        within: of the verdict; see :func:`stinespring.check`.
        detect: whether shots whose readings tell an error will be dropped.
        simulate: whether the expected TVD of a small program is simulated with the device's noise.
        title: one line for the list of runs.
        report: progress.
    """
    from stinespring.pipeline.estimate import estimated

    settings = settings or {}
    require_mode(mitigation, detect)
    wanted, options = split(source, given)
    options = {**options, "target": target_for(backend, options.get("target", "aer"))}
    root = root_seed(seed)
    program, options = compile_decided(
        source, system_of(source).settled(source, wanted, settings, root), options, backend=backend,
        one_circuit=detect or mitigation != "none",
    )  # fmt: skip
    shots = require_runnable(program, shots)
    note = planned_mitigation(program, backend, mitigation, shots=shots, root=root)
    ran = randomised(program, note, backend)
    calibration = calibration_body(note, backend, shots)
    report("estimating", 1.0)
    found = estimated(
        program, backend, shots, ran=ran, calibration=calibration, simulate=simulate, alpha=alpha, resolution=resolution,
        within=within, detect=detect,
    )  # fmt: skip
    request = requested(
        program, options, wanted=wanted, settings=settings, shots=shots, seed=seed, backend=asked_of, mitigation=mitigation,
        title=title or source.name, detect=detect,
    )  # fmt: skip
    return Planned(program, ran, options, backend, shots, root, calibration, note, found, request)


def target_for(backend: Backend, target: str | Device) -> str | Device:
    """Return what a program is compiled for: the backend's device, if it has one, else the target that was given.

    Raises:
        InputError: they are different devices.
    """
    device, named = backend.capabilities.device, target_of(target) if isinstance(target, str) else target
    if device is None:
        return named
    name = named if isinstance(named, str) else named.name
    if name not in ("aer", device.name):
        raise InputError("the backend is another device than the target", got=f"--target {name}", expected=device.name)
    return device


def submit(ledger: Ledger, planned: Planned, *, once: bool = False, report: Report = quiet) -> Run:
    """Write a run down, then send it; a backend that keeps no jobs samples it at once.

    Args:
        ledger: where it is written.
        planned: what is asked.
        once: return an earlier run that asked the same and did not fail, instead of a new one.
        report: progress.

    Raises:
        InputError: the source could not be made again when the run is read.
        LedgerError: the run could not be written; nothing was sent.
        BackendError: it was written but not sent; its state says how far it came.
    """
    backend, program = planned.backend, planned.program
    require_kept(planned.request)
    again = unlowered(planned.ran, planned.options)
    first = again.body.next([], planned.shots)
    assert first is not None, "every program makes a call"
    versions = {"stinespring": __version__, "qiskit": metadata.version("qiskit"), **backend.metadata()}
    versions |= {"noisy": backend.capabilities.noisy, "stated_errors": stated_errors(program, backend)}
    run = Run(
        id=fresh_id(), identity=identity(planned.request), state="created", backend=backend.name, shots=planned.shots,
        seed=planned.root, created=now(), message="", request=planned.request,
        program=described(program, again, first, planned.mitigation), estimate=planned.estimate.plain(), versions=versions,
    )  # fmt: skip
    recording = recorded(ledger, run, lambda: backend, EVERYTHING, report)
    lowered = recording.prepare(first, backend)
    if not backend.keeps_jobs and (refuse := getattr(backend, "require", None)) is not None:
        refuse(lowered)  # before anything is written: what a run at once refuses, too
    jobs = jobs_of(run.id, FIRST, lowered, backend)
    if planned.calibration is not None:
        jobs = jobs_of(run.id, CALIBRATION, planned.calibration.batch(), backend) + jobs
    stored = ledger.add(run, jobs, backend.calibration() if keeps_jobs(backend) else None, once=once)
    if stored.id != run.id:
        return stored
    try:
        if not backend.keeps_jobs:
            return looped(run, again, recording)
        recording.send()
        return ledger.run(run.id)
    except LedgerError as error:
        todo = f"then 'stinespring resume {run.id}', not submit again: the job may be at the service already"
        raise LedgerError(error.what, got=error.got, todo=todo) from None


def recorded(ledger: Ledger, run: Run, open: Callable[[], Backend], may: Permissions, report: Report = quiet) -> Recorded:
    """Return the backend that records a run's calls."""
    delays = run.request["options"].get("delays", "none")
    found = Recorded(ledger, run.id, open, may, run.program["calls"], report)
    if run.program["again"] is not None:
        found.prepare = lambda batch, backend: lowered_batch(batch, backend.capabilities.device, delays)
    return found


def lowered_batch(batch: Batch, device: Device | None, delays: str) -> Batch:
    """Return a call with its circuits on a device, if there is one; each is lowered once."""
    if device is None:
        return batch
    from stinespring.compiler.devices.lower import lower, padded

    made: dict[int, Circuit] = {}
    for item in batch.items:
        if id(item.circuit) not in made:
            circuit = lower(item.circuit, device)
            if delays != "none":
                circuit = padded(circuit, device, delays)
            made[id(item.circuit)] = circuit
    return Batch(tuple(Item(made[id(item.circuit)], item.angles, item.shots) for item in batch.items), batch.key)


def looped(run: Run, program: Program, backend: Recorded) -> Run:
    """Run the loop on a recording backend as far as it goes; return the run as it then is."""
    try:
        outcomes_of(run, program, backend)
    except Pending:
        return backend.ledger.run(run.id)
    backend.finish()
    return backend.ledger.run(run.id)


def outcomes_of(run: Run, program: Program, backend: Recorded) -> tuple[list[Outcomes], list[list[Outcomes]]]:
    """Return what the calibration and the program's calls measured."""
    zeros: list[Outcomes] = []
    if run.program["mitigation"].get("wires") is not None:
        zeros = backend.sample(Batch((), (CALIBRATION,)), derive_seed(run.seed, CALIBRATION))
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
    with damage(run.id, "request or program"):
        program = restored(run)
    with opening(run) as open_once:
        ready = open_once if backend is None else lambda: backend
        return looped(run, program, recorded(ledger, run, ready, may, report))


def read(ledger: Ledger, run: Run) -> tuple[Program, Samples, list[Outcomes]]:
    """Return the program and the samples of a run that is done, and what its calibration read, zeros first.

    Raises:
        InputError: it is not done, or an earlier version wrote it, or this one compiles another program.
        BackendError: it failed or was cancelled.
    """
    ledger.require_readable(run)
    if run.state in ("failed", "cancelled"):
        what = "failed at the service" if run.state == "failed" else "was cancelled"
        raise BackendError(f"run {run.id} {what}", got=run.message or None, todo="submit it again")
    if run.state != "done":
        raise InputError("the run has no complete counts yet", got=f"run {run.id}: {run.state}", expected="state done")
    with damage(run.id, "request or program"):
        program = restored(run)
    with damage(run.id, "its jobs"), opening(run) as open_once:
        try:
            calibration, seen = outcomes_of(run, program, recorded(ledger, run, open_once, Permissions()))
        except Pending:
            raise ValueError("the run is done, and not all of its jobs are") from None
    record = {**run.versions, "run": run.id, "identity": run.identity, "program": run.program["hash"]}
    seed = run.request["seed"]
    samples = samples_of(
        program,
        seen,
        run.shots,
        backend=run.backend,
        noisy=bool(run.versions.get("noisy")),
        seed=run.seed if seed is None else seed,
        seconds=0.0,
        metadata=record,
    )
    return program, samples, calibration


def cancel(ledger: Ledger, run: Run, report: Report = quiet) -> Run:
    """Cancel every job of a run that the service has, also those whose ids never arrived here.

    Raises:
        BackendError: the service could not be asked; the run stays as it was.
    """
    if run.state in ("done", "failed"):
        return run
    with opening(run) as open_once:
        backend = open_once()
        if keeps_jobs(backend):
            return Delivery(ledger, run.id, backend, report).cancel()
    ledger.cancelled(run.id)
    return ledger.run(run.id)
