# SPDX-License-Identifier: Apache-2.0
"""A service that keeps jobs, in memory, and a hand that kills whoever talks to it or writes into the ledger.

What a job measures depends on what it runs alone, so that a run has the same counts however often it was cut off.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from stinespring.backends.aer.backend import AerBackend
from stinespring.backends.remote import RemoteState
from stinespring.backends.seeds import one_run
from stinespring.batches import Batch, Item, Report, quiet
from stinespring.ledger.store import Ledger
from stinespring.readings import Outcomes
from stinespring.stages import Capabilities


class Killed(BaseException):
    """The process ends here."""


class Hand:
    """Kills at the event with a number; there are events before and after whatever is seen from outside."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.events = 0

    def event(self) -> None:
        self.events += 1
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                self.left = None
                raise Killed

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def called(*words: Any, **more: Any) -> Any:
            self.event()
            found = function(*words, **more)
            self.event()
            return found

        return called

    def on_ledger(self, patch: pytest.MonkeyPatch) -> None:
        """Lay hands on every transaction of the ledger that writes."""
        own = Ledger.transaction

        @contextmanager
        def transaction(ledger: Ledger, *, write: bool = True) -> Iterator[Any]:
            if write:
                self.event()
            with own(ledger, write=write) as connection:
                yield connection
            if write:
                self.event()

        patch.setattr(Ledger, "transaction", transaction)


class Memory:
    """The service; ``jobs`` are what it was given, by id, each with its tag."""

    keeps_jobs, name = True, "memory"

    def __init__(self, most: int | None = None) -> None:
        self.capabilities = Capabilities(max_shots=most, seeded=False)
        self.jobs: dict[str, tuple[str, list[Item], int]] = {}
        self.cancelled: set[str] = set()
        self.failing: set[int] = set()  # the numbers of jobs that fail, from 0
        self.looks: dict[str, int] = {}
        self.groups: list[str] = []
        self.simulator = AerBackend()

    def under(self, hand: Hand) -> Memory:
        """Lay a hand on what the service is asked."""
        for name in ("post", "find", "state", "result", "open_group", "close_group"):
            setattr(self, name, hand.around(getattr(self, name)))
        return self

    def metadata(self) -> dict[str, Any]:
        return {}

    def close(self) -> None:
        pass

    def calibration(self) -> dict[str, Any]:
        return {"gates": []}

    def finish(self, circuit: Any) -> Any:
        return circuit

    def open_group(self, jobs: int) -> str | None:
        self.groups.append(f"group{len(self.groups)}")
        return self.groups[-1] if jobs > 1 else None

    def group_is_open(self, group: str) -> bool:
        return True

    def close_group(self, group: str) -> None:
        pass

    def post(
        self, items: Sequence[Item], shots: int, tags: Sequence[str], group: str | None, before: Callable[[], None]
    ) -> str:
        before()
        number = f"job{len(self.jobs)}"
        self.jobs[number] = (tags[0], list(items), shots)
        return number

    def find(self, tag: str) -> list[str]:
        return [number for number, job in self.jobs.items() if job[0] == tag]

    def state(self, job: str) -> RemoteState:
        """Done at the second look."""
        self.looks[job] = self.looks.get(job, 0) + 1
        if job in self.cancelled:
            return RemoteState("cancelled", "by the user")
        if int(job[3:]) in self.failing:
            return RemoteState("failed", "the job\nfailed")
        return RemoteState("done" if self.looks[job] > 1 else "running")

    def result(self, job: str) -> list[list[Outcomes]]:
        _, items, _ = self.jobs[job]
        rows = iter(self.sampled(items))
        return [[next(rows) for _ in range(item.rows)] for item in items]

    def sampled(self, items: Sequence[Item]) -> list[Outcomes]:
        """Sample with a seed that is hashed from what is run."""
        parts = [item.shots.tobytes() + (b"" if item.angles is None else item.angles.tobytes()) for item in items]
        with one_run():  # a service gives the same result whenever it is asked
            return self.simulator.sample(Batch(tuple(items), (1,)), zlib.crc32(b"".join(parts)))

    def cancel(self, job: str) -> None:
        self.cancelled.add(job)

    def sample(self, batch: Batch, seed: int, report: Report = quiet) -> list[Outcomes]:
        return self.simulator.sample(batch, seed, report)
