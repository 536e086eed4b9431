# SPDX-License-Identifier: Apache-2.0
"""A run and its jobs as the ledger holds them, and what is said where a cell does not hold what was written."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from zipfile import BadZipFile

from stinespring.errors import StinespringError
from stinespring.ledger.listing import JSON, STATES
from stinespring.ledger.opening import DamagedError
from stinespring.showing import Brief, FourLines

__all__ = ["FINAL", "FORMAT", "HELD", "Job", "Run", "State", "damage", "read_run"]

State = Literal["created", "submitted", "done", "failed", "cancelled"]
FINAL: tuple[State, ...] = ("done", "failed", "cancelled")
FORMAT = 2  # of what a run's request and program hold
HELD = {  # keys of a run of this format, without which it cannot be read
    "request": {
        "asked",
        "backend",
        "content",
        "fingerprint",
        "kind",
        "mitigation",
        "name",
        "options",
        "seed",
        "settings",
        "title",
    },
    "program": {"again", "calls", "claim", "cost", "details", "hash", "key", "mitigation", "registers", "schedule"},
}


@dataclass(frozen=True, repr=False)
class Run(Brief):
    """One run: what was asked, and how far it is."""

    id: str
    identity: str
    state: State
    backend: str
    shots: int
    seed: int
    created: str
    message: str
    request: Mapping[str, Any]
    program: Mapping[str, Any]
    estimate: Mapping[str, Any]
    versions: Mapping[str, Any]
    session: str | None = None
    format: int = FORMAT

    def brief(self) -> FourLines:
        """Return what was asked, its state and where it runs."""
        title = self.request.get("title") or self.request.get("name") or "a program"
        return FourLines(
            f"Run {self.id}: {self.state}",
            [
                f"asked: {title}",
                f"shots: {self.shots:,} on {self.backend}, seed {self.seed}",
                f"created: {self.created[:19]} {self.message}",
            ],
        )


@dataclass(frozen=True)
class Job:
    """One job of a run: its payload, and what came back."""

    tag: str
    run: str
    step: int
    part: int
    payload: bytes = field(repr=False)
    state: State = "created"
    remote: str | None = None
    outcomes: str | None = field(default=None, repr=False)
    attempted: float | None = None
    attempts: int = 0


def read_run(row: sqlite3.Row) -> Run:
    """Return a run from its row.

    Raises:
        DamagedError: a cell does not hold what was written.
    """
    named = str(row["id"]) if "id" in row.keys() else "without an id"  # noqa: SIM118 -- a row is no mapping
    plain: dict[str, Any] = {}
    with damage(named, "columns"):
        session, form = row["session"], row["format"]
        plain = {name: row[name] for name in ("id", "identity", "backend", "created", "message")}
    texts: dict[str, Any] = {}
    for name in JSON:
        with damage(str(row["id"]), name):
            texts[name] = json.loads(row[name])
            if not isinstance(texts[name], dict):
                raise TypeError(f"{type(texts[name]).__name__} instead of an object")
    for name, value in plain.items():
        with damage(str(row["id"]), name):
            if not isinstance(value, str):
                raise TypeError(repr(value))
    with damage(str(row["id"]), "state, shots or seed"):
        seed, shots, state = int(row["seed"]), row["shots"], row["state"]
        if type(shots) is not int or shots < 1 or state not in STATES:
            raise ValueError(f"state {state!r}, shots {shots!r}")
    return Run(**plain, state=state, shots=shots, seed=seed, session=session, format=form, **texts)


@contextmanager
def damage(run: str, what: str) -> Iterator[None]:
    """Say what of a run is damaged where it cannot be read as it was written.

    Raises:
        DamagedError: instead of what reading it raises.
    """
    try:
        yield
    except StinespringError:
        raise
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OSError, EOFError, BadZipFile, zlib.error) as error:
        raise DamagedError(
            "a run in the ledger is damaged",
            got=f"run {run}, {what}: {type(error).__name__}: {' '.join(str(error).split())}",
            expected="what was written when it was submitted",
            todo="bring the ledger back from a backup, or submit the run again; the other runs can be read",
        ) from None
