# SPDX-License-Identifier: Apache-2.0
"""The client's dry run: a job goes to the mock of a device, which checks it, and costs nothing."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from stinespring.backends.ibm.wire import POST, guarded, patiently
from stinespring.backends.service import TRANSIENT
from stinespring.batches import Item

__all__ = ["rehearsed"]

TAG = "stinespring-dry-run"
PAUSE, LONGEST = 0.5, 5.0  # seconds between two questions about its state


def rehearsed(device: Any, items: Sequence[Item], shots: int, wait: float) -> dict[str, Any]:
    """Send one job as a dry run of the client (qiskit-ibm-runtime 0.50): its answer is random bits, and nothing is charged.

    Args:
        device: an :class:`stinespring.backends.ibm.backend.IBMDevice`.
        items: finished circuits with their angles.
        shots: of every row.
        wait: seconds to wait for the answer.

    Returns:
        ``sent``; if it was, ``job``, ``state``, ``message``, and where it is done ``usage_seconds`` and ``executed``, as the
        service states them; else ``reason``.

    Raises:
        ServiceError: the service did not answer as it should.
    """
    from qiskit.providers.exceptions import QiskitBackendNotFoundError
    from qiskit_ibm_runtime.executor_sampler import Sampler

    device.announced.before = lambda: None
    until = time.monotonic() + wait

    def send() -> str:
        with guarded("submit the dry run") as heard:
            try:
                sampler = Sampler(mode=device.backend, options=device.options.sampler(shots, [TAG]))
                pubs = [(item.circuit, item.angles) for item in items]
                return str(sampler.run(pubs, shots=shots, dry_run=True).job_id())
            except QiskitBackendNotFoundError:
                if (heard.failure is not None and heard.failure[2] != 404) or heard.broken:
                    raise
                return ""

    job = patiently(send, statuses=TRANSIENT, seconds=POST)  # one that is stored twice costs nothing
    if not job:
        return {"sent": False, "reason": "the service has no mock of this device"}
    pause = PAUSE
    while (found := device.state(job)).state in ("queued", "running") and time.monotonic() < until:
        time.sleep(pause)
        pause = min(1.5 * pause, LONGEST)
    told: dict[str, Any] = {"sent": True, "job": job, "state": found.state, "message": found.message}
    if found.state == "done":
        device.result(job)
        told |= {"usage_seconds": usage(device, job), "executed": device.executed.get(job, [])}
    return told


def usage(device: Any, job: str) -> float | None:
    """Return the seconds that a job is charged for, as the service states them; None where it does not."""

    def ask() -> float | None:
        with guarded(f"ask for the usage of job {job}"):
            found = (device.service.job(job).metrics() or {}).get("usage") or {}
            known = found.get("quantum_seconds", found.get("qpu_charge_time_seconds", found.get("seconds")))
            return float(known) if isinstance(known, int | float) else None

    return patiently(ask)
