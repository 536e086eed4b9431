# SPDX-License-Identifier: Apache-2.0
"""IBM's devices as backends: submit, look up, fetch, cancel, through the client's own classes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from http import HTTPStatus
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from stinespring.backends.ibm.account import Announced, connect, post_once
from stinespring.backends.ibm.options import IBMOptions, read_options
from stinespring.backends.ibm.rehearsal import rehearsed
from stinespring.backends.ibm.told import told_of_pubs
from stinespring.backends.ibm.wire import ANSWER, CONNECT, POST, guarded, patiently, within
from stinespring.backends.remote import RemoteState
from stinespring.backends.rows import Gathered, batches, counted_bytes, require_shots, require_values, rows_of
from stinespring.backends.service import ServiceError
from stinespring.batches import Batch, Item, Report, quiet
from stinespring.circuits.deeds.account import MOST_DEEDS, require_same
from stinespring.circuits.deeds.of_circuit import account_of_circuit
from stinespring.circuits.devices.legality import IBM, circuits_per_job, require_legal
from stinespring.circuits.devices.own_kinds import MEASURE_2, RESET_2, with_measure_reset
from stinespring.errors import BackendError, InputError
from stinespring.readings import IntArray, Outcomes
from stinespring.stages import Capabilities, Device

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.transpiler import Target
    from qiskit_ibm_runtime import Batch as ServiceBatch
    from qiskit_ibm_runtime import IBMBackend, QiskitRuntimeService, Session

__all__ = ["IBMDevice", "open_ibm"]

LEAST_BUSY = "least-busy"
FINAL = {"DONE": "done", "ERROR": "failed", "CANCELLED": "cancelled"}
MAX_SHOTS, REP_DELAY = 100_000, 250e-6  # IBM's defaults
POLL = 0.5  # seconds between two questions about a job's state; grown to
SLOWEST_POLL = 5.0


def open_ibm(name: str, options: Mapping[str, str]) -> IBMDevice:
    """Return the backend that ``ibm:NAME[?option=value&...]`` or ``ibm:least-busy`` names; nothing is sent yet."""
    if not name:
        raise InputError("the backend has no name", got="ibm", expected="ibm:NAME or ibm:least-busy")
    return IBMDevice(name, read_options(options), dict(options))


class IBMDevice:
    """A device of IBM's service.

    Args:
        name: as the service knows it, or ``least-busy``, which the first question to the service resolves.
        options: see :class:`stinespring.backends.ibm.options.IBMOptions`.
        given: the options as they were written, for the name.

    Every method may raise :class:`stinespring.backends.service.ServiceError`.
    """

    keeps_jobs = True

    def __init__(self, name: str, options: IBMOptions, given: Mapping[str, str] | None = None) -> None:
        self.wanted, self.options, self.given = name, options, dict(given or {})
        self.executed: dict[str, list[dict[str, Any]]] = {}  # what the service told of the jobs whose results were fetched

    @classmethod
    def of(cls, backend: IBMBackend) -> IBMDevice:
        """Return the device of the client's own backend object, with the connection that it has."""
        found = cls(str(backend.name), IBMOptions())
        found.service, found.backend = backend.service, backend
        return found

    @cached_property
    def service(self) -> QiskitRuntimeService:
        """The client, connected."""
        return connect(self.options.account, self.options.instance)

    @cached_property
    def announced(self) -> Announced:
        """Who is told before a job is sent; the client no longer repeats a POST by itself."""
        return post_once(self.service)

    @cached_property
    def backend(self) -> IBMBackend:
        """The client's backend."""
        found: IBMBackend = patiently(self._find_backend, seconds=CONNECT)
        return found

    def _find_backend(self) -> Any:
        from qiskit.providers.exceptions import QiskitBackendNotFoundError

        with guarded("find the device") as heard:
            try:
                return self.service.least_busy() if self.wanted == LEAST_BUSY else self.service.backend(self.wanted)
            except QiskitBackendNotFoundError:
                if heard.failure is not None or heard.broken:
                    raise
                names = sorted(found.name for found in self.service.backends())
                if not names or heard.failure is not None or self.wanted in (*names, LEAST_BUSY):
                    raise
        raise InputError("the service has no such device", got=f"ibm:{self.wanted}", expected=" or ".join(names))

    @property
    def name(self) -> str:
        """The backend string; the least busy device by its own name once it is known."""
        query = "&".join(f"{key}={value}" for key, value in self.given.items())
        found = self.backend.name if self.wanted == LEAST_BUSY else self.wanted
        return f"ibm:{found}" + (f"?{query}" if query else "")

    @cached_property
    def device(self) -> Device:
        """Qubits, gates and times, read from the service."""
        backend = self.backend

        def read() -> Device:
            with guarded("read the device's properties"):
                return Device(f"ibm:{backend.name}", backend.target)

        return patiently(read)

    @cached_property
    def capabilities(self) -> Capabilities:
        """Qubits, gates and limits, read from the service once."""
        given, known = self.options.rep_delay, self.backend.configuration()
        return Capabilities(
            device=self.device,
            max_shots=int(getattr(known, "max_shots", MAX_SHOTS)),
            seeded=False,
            noisy=True,
            rep_delay=float(given if given is not None else getattr(known, "default_rep_delay", REP_DELAY)),
        )

    def close(self) -> None:
        """End nothing: every request ends by itself, and jobs stay with the service."""

    def calibration(self) -> dict[str, Any]:
        """Return errors, durations and coherence times as the service states them now."""
        from stinespring.backends.aer.calibration import Calibration

        now = datetime.now(UTC).isoformat(timespec="seconds")
        most = self.capabilities.max_shots
        return Calibration.of_target(self.device.target, name=self.backend.name, taken=now, max_shots=most).content()

    def metadata(self) -> dict[str, Any]:
        """Return versions and options."""
        versions = {name: metadata.version(name) for name in ("qiskit", "qiskit-ibm-runtime")}
        return {**versions, "options": {k: v for k, v in self.given.items() if k not in ("account", "instance")}}

    def finish(self, circuit: QuantumCircuit) -> QuantumCircuit:
        """Return a lowered circuit with the device's own mid-circuit measurement and reset, where it has them.

        Raises:
            InputError: the device does not execute the circuit, or refuses an option for it.
        """
        target = self.device.target
        if self.options.dynamical_decoupling != "none" and circuit.has_control_flow_op():
            raise InputError(
                "IBM's service has no dynamical decoupling for programs with conditions",
                got=f"dynamical_decoupling={self.options.dynamical_decoupling}",
                expected="dynamical_decoupling=none",
                todo="use --delays decouple, or --schedule static",
            )
        if self.options.measurement == "mid":
            given, circuit = circuit, with_own_kinds(circuit, target)
            if circuit is not given and given.size() <= MOST_DEEDS:
                same = (account_of_circuit(given), account_of_circuit(circuit))
                require_same(*same, "the circuit with measurements of another kind", registers=False, idle=False)
        require_legal(circuit, IBM, target=target)
        return circuit

    def together(self, circuit: QuantumCircuit) -> int:
        """Return how many circuits with conditions like this one a job may hold."""
        return circuits_per_job(circuit, IBM)

    def sample(self, batch: Batch, seed: int, report: Report = quiet) -> list[Outcomes]:
        """Submit one job for each number of shots, outside the ledger, and wait; see :class:`stinespring.stages.Backend`.

        Raises:
            InputError: more shots of a row than the device takes, or what it does not execute.
            BackendError: a job failed or was cancelled, or the service did not answer.
        """
        require_shots(batch, self.capabilities.max_shots, self.name)
        for item in batch.items:
            require_values(item.circuit)
        circuits = [self.finish(item.circuit) for item in batch.items]
        owners = np.repeat(np.arange(len(batch.items)), [item.rows for item in batch.items])
        places = np.concatenate([np.arange(item.rows) for item in batch.items])
        gathered, wanted = Gathered(batch), np.concatenate([item.shots for item in batch.items])
        for shots, rows in batches(wanted):
            parts = [(number, places[rows[owners[rows] == number]]) for number in np.unique(owners[rows]).tolist()]
            work = [piece for number, some in parts for piece in pieces(batch.items[number], circuits[number], some, shots)]
            found = iter(self.waited(work, shots, report))
            for number, some in parts:
                gathered.add(number, some, [next(found) for _ in some])
        return gathered.outcomes()

    def waited(self, items: Sequence[Item], shots: int, report: Report) -> list[Outcomes]:
        """Return the outcomes of all rows of one job, once it is done."""
        import secrets

        job = self.post(items, shots, [f"ss-{secrets.token_hex(10)}"], None, lambda: None)
        pause = POLL
        while (found := self.state(job)).state in ("queued", "running"):
            report(f"job {job} {found.state}", 0.0)
            time.sleep(pause)
            pause = min(1.5 * pause, SLOWEST_POLL)
        if found.state != "done":
            raise BackendError(f"IBM's job {found.state}", got=f"{job}: {found.message}")
        return [row for rows in self.result(job) for row in rows]

    def open_group(self, jobs: int) -> str | None:
        """Open the session or batch of a run; a run of one job needs none unless it was asked for."""
        from qiskit_ibm_runtime import Batch as ServiceBatch
        from qiskit_ibm_runtime import Session

        mode = self.options.mode
        _ = self.announced  # opening a session is a POST too
        if mode == "job" or (mode == "auto" and jobs < 2):
            return None
        kind: type[Session] = Session if mode == "session" else ServiceBatch
        backend = self.backend

        def create() -> str:
            with guarded("open a session"):
                return str(kind(backend, max_time=self.options.max_time).session_id)

        return patiently(create)

    def group(self, identity: str) -> Session | ServiceBatch:
        """Return an open session or batch by its id."""
        from qiskit_ibm_runtime import Batch as ServiceBatch
        from qiskit_ibm_runtime import Session

        with guarded("find the session"):
            kind = Session if self.options.mode == "session" else ServiceBatch
            found = kind(self.backend, create_new=False)
            found._session_id = identity
            return found

    def group_is_open(self, group: str) -> bool:
        """Return whether a session or batch still takes jobs."""

        def ask() -> dict[str, Any]:
            with guarded("ask for the session"):
                return self.group(group).details() or {}

        try:
            details = patiently(ask)
        except ServiceError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return False
            raise
        return details.get("state") != "closed" and details.get("accepting_jobs") is not False

    def close_group(self, group: str) -> None:
        """Take no more jobs in a session or batch."""

        def close() -> None:
            with guarded("close the session"):
                self.group(group).close()

        within(ANSWER, close)

    def post(
        self, items: Sequence[Item], shots: int, tags: Sequence[str], group: str | None, before: Callable[[], None]
    ) -> str:
        """Submit one job; a failure is never repeated here, for the job may have been stored."""
        from qiskit_ibm_runtime.executor_sampler import Sampler

        mode = self.backend if group is None else self.group(group)
        self.announced.before = before

        def send() -> str:
            with guarded("submit the job"):
                sampler = Sampler(mode=mode, options=self.options.sampler(shots, list(tags)))
                job = sampler.run([(item.circuit, item.angles) for item in items], shots=shots)
                return str(job.job_id())

        return within(POST, send)

    def rehearse(self, items: Sequence[Item], shots: int, wait: float) -> dict[str, Any]:
        """Send one job as a dry run; see :func:`stinespring.backends.ibm.rehearsal.rehearsed`."""
        return rehearsed(self, items, shots, wait)

    def find(self, tag: str) -> list[str]:
        """Return the ids of all jobs with a tag, in every instance of the account, the oldest first."""

        def look(instance: str) -> list[Any]:
            with guarded("look up the job"):
                return list(self.service.jobs(limit=50, job_tags=[tag], instance=instance, include_mocks=True))

        found: dict[str, str] = {}
        for instance in [entry["crn"] for entry in self.service.instances()]:
            for job in patiently(lambda crn=instance: look(crn)):  # type: ignore[misc]
                if tag in (job.tags or []):
                    found[str(job.job_id())] = str(getattr(job, "_creation_date", "") or "")
        return sorted(found, key=lambda job: (found[job], job))

    def state(self, job: str) -> RemoteState:
        """Return the service's word on a job."""

        def ask() -> RemoteState:
            with guarded(f"ask for the state of job {job}"):
                found = self.service.job(job)
                status = str(found.status())
                message = "" if status != "ERROR" else str(found.error_message() or "")
            state: Any = FINAL.get(status, "running" if status == "RUNNING" else "queued")
            return RemoteState(state, message)

        return patiently(ask)

    def result(self, job: str) -> list[list[Outcomes]]:
        """Return what was measured, for each item and each of its rows."""

        def load() -> list[list[Outcomes]]:
            with guarded(f"fetch the result of job {job}"):
                pubs = list(self.service.job(job).result())
                self.executed[job] = told_of_pubs(pubs, self.device.target.dt)
                return [counted_rows(pub.data) for pub in pubs]

        return patiently(load)

    def cancel(self, job: str) -> None:
        """Cancel a job; one that is finished already stays finished."""
        from qiskit_ibm_runtime import RuntimeInvalidStateError

        def stop() -> None:
            with guarded(f"cancel job {job}"):
                try:
                    self.service.job(job).cancel()
                except RuntimeInvalidStateError:
                    return

        patiently(stop)


def with_own_kinds(circuit: QuantumCircuit, target: Target) -> QuantumCircuit:
    """Return a lowered circuit with the device's own measurements and resets in its middle, where the device has them."""
    circuit = with_measure_reset(circuit, target)
    names = [kind if kind in target.operation_names else plain for kind, plain in ((MEASURE_2, "measure"), (RESET_2, "reset"))]
    if names == ["measure", "reset"]:
        return circuit
    from qiskit.transpiler import PassManager
    from qiskit_ibm_runtime.transpiler import passes

    if names[1] == "reset":  # also where the client, before version 0.49, knows no other reset
        convert = passes.ConvertToMidCircuitMeasure(target)
    else:
        convert = passes.ConvertToMidCircuitResetAndMeasure(target, mcm_name=names[0], mcr_name=names[1])
    result: QuantumCircuit = PassManager([convert]).run(circuit)
    return result


def pieces(item: Item, circuit: QuantumCircuit, rows: Sequence[int] | IntArray, shots: int) -> list[Item]:
    """Return the finished circuit with some rows of an item; without angles once for each row."""
    if item.angles is None:
        return [Item(circuit, None, np.array([shots])) for _ in rows]
    return [Item(circuit, rows_of(item.angles, rows), np.full(len(rows), shots))]


def counted_rows(data: Any) -> list[Outcomes]:
    """Return the outcomes of each parameter row from a pub's bit arrays."""
    arrays = {name: data[name].array for name in data}
    if not arrays:
        raise ServiceError("the result has no measured registers", status=200)
    rows = {1 if array.ndim == 2 else int(np.prod(array.shape[:-2])) for array in arrays.values()}
    if len(rows) != 1:
        raise ServiceError("the result's registers differ in their number of rows", status=200, got=sorted(rows))
    shots = {array.shape[-2] for array in arrays.values()}
    if len(shots) != 1:
        raise ServiceError("the result's registers differ in their number of shots", status=200, got=sorted(shots))
    [each] = shots
    return [counted_bytes(data, list(arrays), row, each) for row in range(rows.pop())]
