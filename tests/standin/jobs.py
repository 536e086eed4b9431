# SPDX-License-Identifier: Apache-2.0
"""Jobs and sessions that the stand-in holds, and the file that keeps them when it is restarted."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FINAL = frozenset({"Completed", "Failed", "Cancelled"})


def now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def seconds_since(moment: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()


@dataclass
class Job:
    """A submitted job."""

    id: str
    number: int
    program: str
    backend: str
    params: dict[str, Any]
    tags: list[str] = field(default_factory=list)
    session_id: str | None = None
    cost: int | None = None
    private: bool = False
    created: str = field(default_factory=now)
    running: str | None = None
    finished: str | None = None
    status: str = "Queued"
    reason: str | None = None
    reason_code: int | None = None
    polls: int = 0
    fate: dict[str, Any] | None = None  # the fault that decides what becomes of it
    refused: list[str] = field(default_factory=list)  # what the device refuses in it
    executions: int = 0

    @property
    def seconds(self) -> float:
        """Seconds that the device was used: 2 for the load, then the default repetition delay and a readout per execution."""
        return 0.0 if self.running is None else round(2 + self.executions * 255e-6, 3)

    def end(self, status: str, reason: str | None = None, code: int | None = None) -> None:
        self.status, self.reason, self.reason_code, self.finished = status, reason, code, now()

    def entry(self, *, params: bool) -> dict[str, Any]:
        """Return what the service tells about the job."""
        state = {"status": self.status}
        if self.reason:
            state |= {"reason": self.reason, "reason_code": self.reason_code}
        entry = {
            "id": self.id,
            "backend": self.backend,
            "program": {"id": self.program},
            "created": self.created,
            "ended": self.finished,
            "tags": self.tags,
            "session_id": self.session_id,
            "private": self.private,
            "state": state,
            "status": self.status,
            "cost": self.cost,
            "estimated_running_time_seconds": 2.0,
        }
        return entry | ({"params": self.params} if params else {})

    def metrics(self) -> dict[str, Any]:
        done = self.status in FINAL
        return {
            "timestamps": {"created": self.created, "running": self.running, "finished": self.finished},
            "usage": {"status": "complete" if done else "pending", "qpu_charge_time_seconds": self.seconds if done else 0.0},
            "bss": {"seconds": self.seconds if done else 0.0},
            "num_circuits": None,
        }


@dataclass
class WorkSession:
    """A session ("dedicated") or a batch."""

    id: str
    backend: str
    mode: str
    instance: str
    max_ttl: int
    accepting: bool = True
    created: str = field(default_factory=now)
    closed: str | None = None

    def entry(self, jobs: list[Job]) -> dict[str, Any]:
        pending = any(job.status not in FINAL for job in jobs)
        state = "active" if pending else "closed" if not self.accepting else "inactive" if jobs else "open"
        return {
            "id": self.id,
            "backend_name": self.backend,
            "mode": self.mode,
            "state": state,
            "accepting_jobs": self.accepting,
            "max_ttl": self.max_ttl,
            "active_ttl": self.max_ttl,
            "interactive_ttl": 60,
            "started_at": self.created,
            "closed_at": self.closed,
            "elapsed_time": sum(job.seconds for job in jobs),
        }


class Store:
    """All jobs and sessions, in memory and, with a file, there too: written anew as a whole after every change."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.jobs: dict[str, Job] = {}
        self.sessions: dict[str, WorkSession] = {}
        self.submitted = 0  # jobs ever stored, deleted ones too
        if path is not None and path.exists():
            held = json.loads(path.read_text(encoding="utf-8"))
            self.jobs = {job["id"]: Job(**job) for job in held["jobs"]}
            self.sessions = {one["id"]: WorkSession(**one) for one in held["sessions"]}
            self.submitted = held["submitted"]

    def save(self) -> None:
        if self.path is None:
            return
        held = {
            "submitted": self.submitted,
            "jobs": [asdict(job) for job in self.jobs.values()],
            "sessions": [asdict(one) for one in self.sessions.values()],
        }
        part = self.path.with_name(self.path.name + ".part")
        part.write_text(json.dumps(held), encoding="utf-8")
        os.replace(part, self.path)

    def of_session(self, session_id: str) -> list[Job]:
        return [job for job in self.jobs.values() if job.session_id == session_id]

    def found(self, query: dict[str, list[str]]) -> list[Job]:
        """Return the jobs that a query of the list of jobs asks for, in its order, before it is cut into pages."""

        def fits(job: Job) -> bool:
            one = {name: values[0] for name, values in query.items()}
            moment = datetime.fromisoformat(job.created)
            return (
                one.get("backend", job.backend) == job.backend
                and one.get("program", job.program) == job.program
                and one.get("session_id", job.session_id) == job.session_id
                and set(query.get("tags", ())) <= set(job.tags)
                and ("pending" not in one or (one["pending"] == "true") == (job.status not in FINAL))
                and ("created_after" not in one or moment >= datetime.fromisoformat(one["created_after"]))
                and ("created_before" not in one or moment <= datetime.fromisoformat(one["created_before"]))
            )

        ordered = sorted(filter(fits, self.jobs.values()), key=lambda job: job.number)
        return ordered if query.get("sort") == ["ASC"] else ordered[::-1]
