# SPDX-License-Identifier: Apache-2.0
"""From what the user asks to a run in the ledger, and from a run to its samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from stinespring.backends.base import Backend, device_of
from stinespring.backends.readout.mitigation import require_mode
from stinespring.backends.registry import opened
from stinespring.backends.remote import keeps_jobs
from stinespring.backends.seeds import root_seed
from stinespring.checks.texts.verdict import check
from stinespring.compiler.compile import compile_model
from stinespring.errors import InputError
from stinespring.ledger.advance import Advance, Report, calibration_readings, finished_steps, jobs_of
from stinespring.ledger.durable import Calls
from stinespring.ledger.estimate import Estimate, estimate_run
from stinespring.ledger.payload import Work
from stinespring.ledger.request import Request, read_request
from stinespring.ledger.store import Ledger, LedgerError, Run, fresh_id, now
from stinespring.ledger.texts import TextRun, describe_program
from stinespring.models.texts.joint import require_count
from stinespring.stages import Program, Samples, Verdict
from stinespring.version import __version__

__all__ = ["Plan", "advancing", "is_command", "plan", "samples_of", "submit", "verdict_of"]


@dataclass
class Plan:
    """A run that could be submitted."""

    request: Request
    program: Program
    backend: Backend
    texts: TextRun
    works: list[Work]
    calibration: list[Work]
    estimate: Estimate


def plan(
    source: str, *, backend: Backend, asked: str, shots: int, seed: int | None, options: Mapping[str, Any],
    top_k: int | None = None, temperature: float | None = None, alpha: float = 0.001, resolution: float = 0.05,
    mitigation: str = "none", simulate: bool = False,
) -> Plan:  # fmt: skip
    """Compile a request for a backend and estimate it; nothing is written or submitted.

    Args:
        source: the model, as :func:`stinespring.load` takes it.
        backend: where it will run.
        asked: the backend string that was given.
        shots: number of texts.
        seed: of what is random on this side; None draws one.
        options: keyword arguments of :func:`stinespring.compile`.
        top_k: for language models.
        temperature: for language models.
        alpha: of the verdict.
        resolution: of the verdict.
        mitigation: ``none``, ``readout`` or ``always``; see :mod:`stinespring.backends.readout.mitigation`.
        simulate: whether the expected TVD of a small program is simulated with the device's noise.
    """
    shots = require_count(shots, "shots")
    request, model = read_request(
        source, top_k=top_k, temperature=temperature, options=options, shots=shots, seed=seed,
        backend=asked,
    )  # fmt: skip
    device = device_of(backend)
    target = options.get("target", "aer")
    if device is not None and target not in ("aer", device.name):
        raise InputError("the backend is another device than the target", got=f"--target {target}", expected=device.name)
    program = compile_model(model, **{**options, "target": target if device is None else device})
    texts = TextRun(request, describe_program(program, device, require_mode(mitigation)), root_seed(seed), program)
    works = texts.first(backend)
    calibration = texts.calibration(backend)
    found = estimate_run(
        program, works, backend, shots, calibration=calibration, simulate=simulate, alpha=alpha, resolution=resolution
    )
    return Plan(request, program, backend, texts, works, calibration, found)


def submit(ledger: Ledger, planned: Plan, *, once: bool = False, report: Report | None = None) -> Run:
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
    backend, request = planned.backend, planned.request
    versions = {"stinespring": __version__, "qiskit": metadata.version("qiskit"), **backend.metadata()}
    calibration = backend.calibration() if keeps_jobs(backend) else None
    run = Run(
        id=fresh_id(), identity=request.identity, state="created", backend=backend.name, shots=request.shots,
        seed=planned.texts.seed, created=now(), message="", request=request.plain(), program=planned.texts.program,
        estimate=planned.estimate.plain(), versions=versions,
    )  # fmt: skip
    jobs = [*jobs_of(run.id, 0, planned.calibration), *jobs_of(run.id, 1, planned.works)]
    kept = ledger.add(run, jobs, calibration, once=once)
    if kept.id != run.id:
        return kept
    driver = Advance(ledger, run.id, planned.texts, lambda: backend)
    driver.report = report or driver.report
    fresh = frozenset(job.tag for job in jobs)
    try:
        return driver.send_first(fresh) if keeps_jobs(backend) else driver.until(None, send=True, onward=True)
    except LedgerError as error:
        todo = f"then 'stinespring resume {run.id}', not submit again: the job may be at the service already"
        raise LedgerError(error.what, got=error.got, todo=todo) from None


@contextmanager
def advancing(ledger: Ledger, run: Run, report: Report | None = None) -> Iterator[Advance]:
    """Give what brings a stored run forward; the backend is opened when it is needed, and closed at the end."""
    with ExitStack() as stack:
        found: list[Backend] = []

        def backend() -> Backend:
            if not found:
                found.append(stack.enter_context(opened(run.backend)))
            return found[0]

        task: TextRun | Calls
        if is_command(run):
            task = Calls(run.seed, int(run.request["calls"]))
        else:
            task = TextRun(Request(**run.request), run.program, run.seed)
        driver = Advance(ledger, run.id, task, backend)
        driver.report = report or driver.report
        yield driver


def is_command(run: Run) -> bool:
    """Return whether a run is that of another command than ``run`` and ``submit``; see :mod:`stinespring.ledger.durable`."""
    return bool(run.request.get("kind") == "command")


def verdict_of(
    ledger: Ledger, run: Run, samples: Samples, *, alpha: float, resolution: float
) -> tuple[Verdict, dict[str, Any]]:
    """Return the verdict on a run's samples, after readout mitigation where it was asked for, and what was mitigated."""
    texts = TextRun(Request(**run.request), run.program, run.seed)
    plain = check(samples, alpha=alpha, resolution=resolution)
    return texts.judged(samples, calibration_readings(ledger.jobs(run.id)), plain, resolution)


def samples_of(ledger: Ledger, run: Run) -> Samples:
    """Return the texts of a run that is done."""
    if is_command(run):
        raise InputError(
            "the run has no texts",
            got=f"run {run.id}: {run.request['command']}",
            todo=f"see 'stinespring fetch {run.id} --json'",
        )
    if run.state != "done":
        raise InputError("the run has no complete counts yet", got=f"run {run.id}: {run.state}", expected="state done")
    texts = TextRun(Request(**run.request), run.program, run.seed)
    provenance = {**run.versions, "run": run.id, "identity": run.identity, "program": run.program["hash"]}
    return texts.samples(finished_steps(ledger.jobs(run.id)), backend=run.backend, seconds=0.0, metadata=provenance)
