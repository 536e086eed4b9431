# SPDX-License-Identifier: Apache-2.0
"""Faults that the stand-in makes on order: which request, which time, and what goes wrong."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal, get_args

Kind = Literal[
    "status", "slow", "cut", "lost", "truncated", "malformed", "fail", "stuck", "timeout", "wrong_shots", "missing_register"
]
OF_JOBS = frozenset({"fail", "stuck", "timeout"})  # what becomes of a job: only for POST /jobs
OF_RESULTS = frozenset({"wrong_shots", "missing_register"})  # for POST /jobs or for GET /jobs/*/results


@dataclass
class Fault:
    """One order.

    Attributes:
        kind: ``status`` answers with a code instead; ``slow`` waits first, and then does what was asked even if the client
            has gone; ``cut`` closes the connection and does nothing;
            ``lost`` does what was asked and closes the connection; ``truncated`` closes it in the middle of the answer;
            ``malformed`` does what was asked and answers nonsense; ``fail``, ``stuck`` and ``timeout`` (the service stops
            the job, code 1305) decide a submitted job's fate; ``wrong_shots`` and ``missing_register`` spoil its result.
        match: method and path below the prefix of the service, ``*`` for anything: ``"GET /jobs/*/results"``.
        nth: the first matching request that is hit, counted from the order on, from 1.
        times: how many are hit; 0 for all from then on.
        status: the code.
        retry_after: seconds, of the header of that name.
        seconds: to wait.
        after: do what was asked before ``status`` or ``slow``: the job is stored, and its submitter does not know.
        body: of the answer.
        reason, reason_code: of the failed job.
    """

    kind: Kind
    match: str
    nth: int = 1
    times: int = 1
    status: int = 500
    retry_after: float | None = None
    seconds: float = 1.0
    after: bool = False
    body: str | None = None
    reason: str = "the control system reported an error"
    reason_code: int = 9999
    seen: int = 0

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"no fault {self.kind!r}: {', '.join(get_args(Kind))}")
        if " /" not in self.match:
            raise ValueError(f"match {self.match!r} is not METHOD /path")
        if self.nth < 1 or self.times < 0:
            raise ValueError("nth counts from 1 and times from 0")
        if self.kind in OF_JOBS and self.match != "POST /jobs":
            raise ValueError(f"{self.kind} is a fault of POST /jobs")
        if self.kind in OF_RESULTS and self.match != "POST /jobs" and not self.match.endswith("/results"):
            raise ValueError(f"{self.kind} is a fault of POST /jobs or GET /jobs/*/results")

    def hits(self, request: str) -> bool:
        """Count a request and tell whether it is hit."""
        if not fnmatchcase(request, self.match):
            return False
        self.seen += 1
        return self.seen >= self.nth and (self.times == 0 or self.seen < self.nth + self.times)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
