# SPDX-License-Identifier: Apache-2.0
"""A submission without the submission: what would be sent, and what the service's dry run says of it."""

from __future__ import annotations

from typing import Any

from stinespring.backends.remote import keeps_jobs
from stinespring.batches import Batch, Report, quiet
from stinespring.errors import BackendError
from stinespring.ledger.payload import Work, works_of
from stinespring.ledger.recorded import finished, most_shots
from stinespring.pipeline.record import require_kept, unlowered
from stinespring.pipeline.runs import Planned, lowered_batch

__all__ = ["rehearse"]

WAIT = 60.0  # seconds for the answer of each job's dry run


def rehearse(planned: Planned, report: Report = quiet) -> dict[str, Any]:
    """Return what would be sent first, and what a dry run of it says; nothing that costs is sent, and nothing written down.

    Args:
        planned: what is asked.
        report: progress.

    Returns:
        ``dry_run``, ``backend`` and ``estimate`` as for a run; ``would_send``: for every job of the run's first step the
        circuits with their instructions, qubits and rows, and the shots of a row; of a backend that keeps no jobs the circuits
        that it would sample; ``service``: for every job what its dry run said (see
        :func:`stinespring.backends.ibm.rehearsal.rehearsed`), or None where there is no service.

    Raises:
        InputError: what submitting would refuse before it sends anything.
        BackendError: the service did not answer as it should, or refuses the job.
    """
    require_kept(planned.request)
    backend, delays = planned.backend, planned.options.get("delays", "none")
    first = unlowered(planned.ran, planned.options).body.next([], planned.shots)
    assert first is not None, "every program makes a call"
    calls = [lowered_batch(first, backend.capabilities.device, delays) if planned.ran.body.host else first]
    if planned.calibration is not None:
        calls.insert(0, planned.calibration.batch())
    head = {"dry_run": True, "backend": backend.name, "estimate": planned.estimate.plain()}
    if not keeps_jobs(backend):
        here = [{"circuits": circuits_of(call), "shots": int(call.shots)} for call in calls]
        return {**head, "would_send": here, "service": None}
    works = [work for call in calls for work in works_of(finished(call, backend), most_shots(call, backend))]
    told = []
    for number, work in enumerate(works):
        report(f"dry run of job {number + 1} of {len(works)}", number / len(works))
        told.append(dry_run(backend, work))
    sent = [{"circuits": circuits_of(work), "shots": int(work.rows[0])} for work in works]
    return {**head, "would_send": sent, "service": told}


def dry_run(backend: Any, work: Work) -> dict[str, Any]:
    """Return what the service's dry run says of a job."""
    if not hasattr(backend, "rehearse"):
        return {"sent": False, "reason": "the backend has no dry run"}
    found: dict[str, Any] = backend.rehearse(work.items, int(work.rows[0]), WAIT)
    if found.get("state") == "failed":
        raise BackendError("the service refuses the job", got=found.get("message"), todo="nothing was sent but its dry run")
    return found


def circuits_of(call: Batch | Work) -> list[dict[str, Any]]:
    """Return what is told of each circuit."""
    return [
        {
            "qubits": len({qubit for part in item.circuit.data if part.operation.name != "barrier" for qubit in part.qubits}),
            "instructions": {name: int(n) for name, n in sorted(item.circuit.count_ops().items())},
            "rows": item.rows,
        }
        for item in call.items
    ]
