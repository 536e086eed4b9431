# SPDX-License-Identifier: Apache-2.0
"""What the service answers to each request, apart from the wire: a table of endpoints and a function for each."""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from standin import tokens
from standin.devices import DEFAULT_DEVICES, Device
from standin.execution import CannotRun, at_random, run, seed_of
from standin.faults import Fault
from standin.jobs import FINAL, Job, Store, WorkSession, now, seconds_since
from standin.judge import faults_of_job
from standin.programs import BadInput, Program, Registers, decode

PAGE = 20
WORKER = ThreadPoolExecutor(1)  # one thread for all circuits: reading QPY in a new thread for every request crashed Qiskit 2.6
MOST_TAGS = 8


@dataclass
class Request:
    """A request: the path without the prefix of the service, the query, headers in lower case, and the body."""

    method: str
    path: str
    query: dict[str, list[str]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""

    def json(self) -> dict[str, Any]:
        return json.loads(self.body or "{}")


@dataclass
class Reply:
    """An answer: text, or anything that becomes JSON."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return "" if self.body is None else self.body if isinstance(self.body, str) else json.dumps(self.body)


@dataclass
class Settings:
    """How jobs go on: a job is queued, and then running, for at least so many polls and so many seconds."""

    queued_polls: int = 1
    running_polls: int = 1
    queued_seconds: float = 0.0
    running_seconds: float = 0.0
    token_seconds: float = 3600.0
    usage_limit: float = 600.0
    seed: int = 20260415


def refused(status: int, code: int, message: str) -> Reply:
    return Reply(status, {"errors": [{"code": code, "message": message, "solution": "", "more_info": ""}], "trace": "standin"})


class Service:
    """The stand-in's state and its answers."""

    def __init__(self, devices: tuple[str, ...] = DEFAULT_DEVICES, state: Path | None = None) -> None:
        real = [Device.parse(device) for device in devices]
        self.devices = {device.name: device for device in (*real, *(device.mocked() for device in real))}
        self.settings = Settings()
        self.store = Store(state)
        self.lock = threading.RLock()
        self.results: dict[str, tuple[Program, list[Registers]]] = {}

    def answer(self, request: Request, fault: Fault | None = None) -> Reply:
        """Answer a request; a fault may decide the fate of the job that it submits or spoil the result that it fetches."""
        for method, pattern, public, reply in ENDPOINTS:
            found = re.fullmatch(pattern, request.path)
            if method == request.method and found:
                denied = None if public else self.denied(request)
                with self.lock:
                    return denied or reply(self, request, fault, *found.groups())
        return refused(404, 1000, f"{request.method} {request.path} does not exist")

    def denied(self, request: Request) -> Reply | None:
        """Refuse a request without a valid token, or for another instance."""
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        good = tokens.valid(secret) if scheme == "Bearer" else scheme == "apikey" and secret == tokens.TOKEN
        if not good:
            return refused(401, 1200, "You are not authorized to perform this action.")
        if "service-crn" in request.headers and request.headers["service-crn"] != tokens.CRN:
            return refused(403, 1203, "This instance is not yours.")
        return None

    # Identity, instances and devices

    def token(self, request: Request, fault: Fault | None) -> Reply:
        if parse_qs(request.body).get("apikey") != [tokens.TOKEN]:
            return Reply(400, {"errorCode": "BXNIM0415E", "errorMessage": "Provided API key could not be found."})
        return Reply(200, tokens.issue(self.settings.token_seconds))

    def search(self, request: Request, fault: Fault | None) -> Reply:
        item = {"crn": tokens.CRN, "name": "standin", "service_plan_unique_id": tokens.PLAN, "tags": []}
        return Reply(200, {"items": [item | {"doc": {"extensions": {"allocation": 1}}}]})

    def plan(self, request: Request, fault: Fault | None) -> Reply:
        return Reply(200, {"overview_ui": {"en": {"display_name": "Open"}}, "metadata": {"pricing": {"type": "free"}}})

    def list_devices(self, request: Request, fault: Fault | None) -> Reply:
        mocks = request.query.get("include_mocks", ["false"])[0].lower() == "true"
        return Reply(200, {"devices": [device.entry() for device in self.devices.values() if mocks or not device.mock]})

    def device(self, request: Request, fault: Fault | None, name: str, what: str) -> Reply:
        if name not in self.devices:
            return refused(404, 1007, f"Backend not found: {name}")
        found = getattr(self.devices[name], what)
        return Reply(200, found() if callable(found) else found)

    def usage(self, request: Request, fault: Fault | None) -> Reply:
        used = sum(job.seconds for job in self.store.jobs.values() if not self.devices[job.backend].mock)
        limit = self.settings.usage_limit
        return Reply(
            200,
            {
                "instance_id": tokens.CRN,
                "plan_id": tokens.PLAN,
                "usage_consumed_seconds": used,
                "usage_limit_seconds": limit,
                "usage_limit_reached": used >= limit,
            },
        )

    # Jobs

    def submit(self, request: Request, fault: Fault | None) -> Reply:
        asked = request.json()
        missing = {"program_id", "params", "backend"} - set(asked)
        if missing:
            return refused(400, 1215, f"missing: {sorted(missing)}")
        if asked["backend"] not in self.devices:
            return refused(404, 1007, f"Backend not found: {asked['backend']}")
        if len(asked.get("tags", [])) > MOST_TAGS:
            return refused(400, 1204, f"more than {MOST_TAGS} tags")
        session = asked.get("session_id")
        if session is not None and not (session in self.store.sessions and self.store.sessions[session].accepting):
            return refused(400, 1217, f"Session {session} is closed or does not exist.")
        return Reply(200, {"id": self.stored(asked, fault).id, "backend": asked["backend"]})

    def stored(self, asked: dict[str, Any], fault: Fault | None) -> Job:
        self.store.submitted += 1
        job = Job(
            id=uuid.uuid4().hex[:20],
            number=self.store.submitted,
            program=asked["program_id"],
            backend=asked["backend"],
            params=asked["params"],
            tags=asked.get("tags", []),
            session_id=asked.get("session_id"),
            cost=asked.get("cost"),
            private=asked.get("private", False),
            fate=fault.as_dict() if fault else None,
        )
        self.store.jobs[job.id] = job
        self.store.save()
        return job

    def of_job(
        self, request: Request, fault: Fault | None, job_id: str, act: Callable[[Service, Request, Fault | None, Job], Reply]
    ) -> Reply:
        if job_id not in self.store.jobs:
            return refused(404, 1291, f"Job not found. Job ID: {job_id}")
        reply = act(self, request, fault, self.store.jobs[job_id])
        self.store.save()
        return reply

    def get(self, request: Request, fault: Fault | None, job: Job) -> Reply:
        self.advance(job)
        return Reply(200, job.entry(params=request.query.get("exclude_params") != ["true"]))

    def result(self, request: Request, fault: Fault | None, job: Job) -> Reply:
        if job.status == "Failed":
            return Reply(200, job.reason)
        if job.status != "Completed":
            return Reply(204)
        kinds = {found["kind"] for found in (job.fate, fault.as_dict() if fault else None) if found}
        return Reply(200, self.encoded(job, kinds))

    def cancel(self, request: Request, fault: Fault | None, job: Job) -> Reply:
        if job.status in FINAL:
            return refused(409, 1226, f"Job {job.id} is {job.status} and cannot be cancelled.")
        job.end("Cancelled")
        return Reply(204)

    def delete(self, request: Request, fault: Fault | None, job: Job) -> Reply:
        del self.store.jobs[job.id]
        return Reply(204)

    def tag(self, request: Request, fault: Fault | None, job: Job) -> Reply:
        job.tags = request.json()["tags"]
        return Reply(204)

    def list_jobs(self, request: Request, fault: Fault | None) -> Reply:
        found = self.store.found(request.query)
        limit, offset = (int(request.query.get(name, [default])[0]) for name, default in (("limit", PAGE), ("offset", 0)))
        params = request.query.get("exclude_params") != ["true"]
        page = [job.entry(params=params) for job in found[offset : offset + limit]]
        return Reply(200, {"jobs": page, "count": len(found), "limit": limit, "offset": offset})

    # How a job goes on

    def advance(self, job: Job) -> None:
        """Count a poll of a job, and let it start or end when its time has come."""
        kind = job.fate["kind"] if job.fate else None
        if job.status in FINAL or kind == "stuck":
            return
        job.polls += 1
        wait, work, age = self.settings.queued_polls, self.settings.running_polls, seconds_since(job.created)
        if job.running is None and job.polls > wait and age >= self.settings.queued_seconds:
            job.status, job.running = "Running", now()
        if job.running and job.polls > wait + work and age >= self.settings.queued_seconds + self.settings.running_seconds:
            self.finish(job, kind)

    def finish(self, job: Job, kind: str | None) -> None:
        """End a job: by its fate, by the judgement of its circuits, or with a result."""
        if job.fate and kind == "fail":
            job.end("Failed", job.fate["reason"], job.fate["reason_code"])
        elif kind == "timeout":
            self.overrun(job)
        else:
            try:
                self.execute(job)
            except BadInput as error:
                job.refused = [str(error)]
                job.end("Failed", str(error), 1516)
            except CannotRun as error:
                job.end("Failed", f"the stand-in cannot run it: {error}", 9000)

    def overrun(self, job: Job) -> None:
        job.end("Cancelled", "Job ran longer than maximum execution time.", 1305)

    def execute(self, job: Job) -> None:
        """Judge a job as the device does, and run it if the device would."""
        device, program = self.devices[job.backend], self.program(job)
        job.executions = sum(work.executions for work in program.works)
        circuits, shots = [work.circuit for work in program.works], [work.shots for work in program.works]
        job.refused = faults_of_job(circuits, device, shots=shots, executions=job.executions)
        if job.refused:
            job.end("Failed", "; ".join(job.refused[:3]), 1517)
        elif job.cost is not None and job.seconds > job.cost:
            self.overrun(job)
        else:
            self.results[job.id] = program, self.ran(job, program)
            job.end("Completed")

    def program(self, job: Job) -> Program:
        delays = self.devices[job.backend].configuration.get("rep_delay_range")
        return WORKER.submit(decode, job.program, job.params, seed=self.seed(job), rep_delays=delays).result()

    def ran(self, job: Job, program: Program) -> list[Registers]:
        if self.devices[job.backend].mock:
            return [at_random(work.circuit, work.values, work.shots, self.seed(job)) for work in program.works]
        return [
            WORKER.submit(run, work.circuit, work.values, work.shots, seed_of(self.seed(job), index)).result()
            for index, work in enumerate(program.works)
        ]

    def seed(self, job: Job) -> int:
        return seed_of(self.settings.seed, job.number)

    def encoded(self, job: Job, faults: set[str]) -> str:
        if job.id not in self.results:  # after a restart: the seed is the job's, and so the result is the same
            program = self.program(job)
            self.results[job.id] = program, self.ran(job, program)
        program, taken = self.results[job.id]
        if "wrong_shots" in faults:
            taken = [{name: array[..., : max(1, array.shape[-2] // 2), :] for name, array in one.items()} for one in taken]
        if "missing_register" in faults:
            taken = [dict(list(one.items())[:-1]) for one in taken]
        return program.encode(taken)

    # Sessions

    def open_session(self, request: Request, fault: Fault | None) -> Reply:
        asked = request.json()
        if asked.get("backend") not in self.devices:
            return refused(404, 1007, f"Backend not found: {asked.get('backend')}")
        session = WorkSession(
            uuid.uuid4().hex[:20],
            asked["backend"],
            asked.get("mode", "dedicated"),
            asked["instance"],
            asked.get("max_ttl", 28800),
        )
        self.store.sessions[session.id] = session
        self.store.save()
        return Reply(200, {"id": session.id} | session.entry([]))

    def session(self, request: Request, fault: Fault | None, session_id: str) -> Reply:
        """Tell about a session, close it (PATCH) or cancel its jobs (DELETE)."""
        if session_id not in self.store.sessions:
            return refused(404, 1244, f"Session not found: {session_id}")
        session, jobs = self.store.sessions[session_id], self.store.of_session(session_id)
        if request.method == "GET":
            return Reply(200, session.entry(jobs))
        session.accepting = request.method == "PATCH" and request.json().get("accepting_jobs", True)
        session.closed = None if session.accepting else now()
        for job in jobs if request.method == "DELETE" else ():
            if job.status not in FINAL:
                job.end("Cancelled")
        self.store.save()
        return Reply(204)


def job_endpoint(act: Callable[[Service, Request, Fault | None, Job], Reply]) -> Callable[..., Reply]:
    return lambda service, request, fault, job_id: service.of_job(request, fault, job_id, act)


Endpoint = tuple[str, str, bool, Callable[..., Reply]]
ENDPOINTS: list[Endpoint] = [  # method, path, whether it needs no token, answer
    ("POST", "/identity/token", True, Service.token),
    ("POST", "/v3/resources/search", False, Service.search),
    ("GET", f"/{tokens.PLAN}", False, Service.plan),
    ("GET", "/backends", False, Service.list_devices),
    ("GET", "/backends/([^/]+)/(configuration|properties|status)", False, Service.device),
    ("GET", "/instances/usage", False, Service.usage),
    ("GET", "/jobs", False, Service.list_jobs),
    ("POST", "/jobs", False, Service.submit),
    ("GET", "/jobs/([^/]+)", False, job_endpoint(Service.get)),
    ("DELETE", "/jobs/([^/]+)", False, job_endpoint(Service.delete)),
    ("GET", "/jobs/([^/]+)/results", False, job_endpoint(Service.result)),
    ("POST", "/jobs/([^/]+)/cancel", False, job_endpoint(Service.cancel)),
    ("GET", "/jobs/([^/]+)/metrics", False, job_endpoint(lambda service, request, fault, job: Reply(200, job.metrics()))),
    ("GET", "/jobs/([^/]+)/logs", False, job_endpoint(lambda service, request, fault, job: Reply(200, job.reason or "done"))),
    ("PUT", "/jobs/([^/]+)/tags", False, job_endpoint(Service.tag)),
    ("POST", "/sessions", False, Service.open_session),
    ("GET", "/sessions/([^/]+)", False, Service.session),
    ("PATCH", "/sessions/([^/]+)", False, Service.session),
    ("DELETE", "/sessions/([^/]+)/close", False, Service.session),
]
