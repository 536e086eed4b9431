# SPDX-License-Identifier: Apache-2.0
"""The ledger on disk: one SQLite file, written in transactions before and after everything that matters."""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stinespring.errors import InputError
from stinespring.ledger.listing import Listed, listed
from stinespring.ledger.opening import DamagedError, LedgerError, LedgerFile, unusable
from stinespring.ledger.run import FINAL, FORMAT, HELD, Job, Run, State, damage, read_run
from stinespring.ledger.schema import MIGRATIONS, keep, statements

__all__ = [
    "FINAL", "DamagedError", "Job", "Ledger", "LedgerError", "Listed", "Run", "State", "damage", "fresh_id", "fresh_tag",
    "home", "now",
]  # fmt: skip

LATEST = "latest"
BEFORE = "ledger.version-1.sqlite"  # the file as stinespring 0.1 left it


def home() -> Path:
    """Return the ledger's folder: ``STINESPRING_HOME``, or the platform's folder for user data."""
    given = os.environ.get("STINESPRING_HOME")
    if given:
        return Path(given)
    from platformdirs import user_data_path

    return user_data_path("stinespring", appauthor=False)


def now() -> str:
    """Return the time, ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Ledger:
    """The runs and jobs in ``STINESPRING_HOME/ledger.sqlite``.

    Every method is one transaction: it happens whole or not at all, whatever kills the process.

    Args:
        folder: where the file lies; made if it is missing.

    Raises:
        InputError: the folder cannot be one, or the file is no ledger, or of a later version.
        LedgerError: the file cannot be used now.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or home()
        self.file = LedgerFile(self.folder)
        self.path = self.file.path
        self.migrate()

    @contextmanager
    def transaction(self, *, write: bool = True) -> Iterator[sqlite3.Connection]:
        """Give a connection inside one transaction; an exception rolls it back."""
        if write:
            self.file.require_writable()
        try:
            with closing(self.file.connect()) as connection:
                connection.row_factory = sqlite3.Row
                connection.execute("PRAGMA foreign_keys = ON")
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
                try:
                    yield connection
                except BaseException:
                    connection.rollback()
                    raise
                connection.commit()
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
            raise  # a mistake of ours
        except sqlite3.DatabaseError as error:
            raise unusable(self.path, error) from None

    def migrate(self) -> None:
        """Bring the file to the newest version, one migration after the other, each in its own transaction."""
        try:
            with closing(self.file.connect()) as connection:
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        except sqlite3.DatabaseError as error:
            raise unusable(self.path, error) from None
        if version == 0 and tables:
            raise unusable(self.path, sqlite3.DatabaseError("not a database of runs: no version, and tables of others"))
        while version != len(MIGRATIONS):
            with self.transaction() as connection:
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                if version > len(MIGRATIONS):
                    raise InputError(
                        "the ledger was written by a later version of stinespring",
                        got=f"{self.path}: version {version}",
                        expected=f"at most version {len(MIGRATIONS)}",
                        todo="update stinespring, or set STINESPRING_HOME to another folder",
                    )
                if version == len(MIGRATIONS):
                    return
                if version == 1:
                    self.keep_before()
                for statement in statements(MIGRATIONS[version]):
                    connection.execute(statement)
                version += 1
                connection.execute(f"PRAGMA user_version = {version}")

    def keep_before(self) -> None:
        """Keep the ledger of version 0.1 beside the new one."""
        try:
            keep(self.path, self.folder / BEFORE)
        except OSError as error:
            what = "the ledger of stinespring 0.1 cannot be kept beside the new one"
            todo = "make room or give permission, then try again: nothing was changed"
            raise LedgerError(what, got=f"{self.folder / BEFORE}: {error}", todo=todo) from None

    def require_writable(self) -> None:
        """Refuse what would have to be written down, where the ledger can only be read.

        Raises:
            LedgerError: saying why.
        """
        self.file.require_writable()

    def require_readable(self, run: Run) -> None:
        """Refuse runs that an earlier version wrote, and damaged ones.

        Raises:
            InputError: saying how they are fetched, or what they lack.
        """
        if run.format != FORMAT:
            raise InputError(
                "the run was submitted with stinespring 0.1, which wrote runs down in another form",
                got=f"run {run.id}, {run.created[:10]}, on {run.backend}",
                expected="a run of this version",
                todo=f"copy {self.folder / BEFORE} as ledger.sqlite into a folder of its own and, with stinespring 0.1 "
                f"installed, run STINESPRING_HOME=FOLDER stinespring fetch {run.id}: nothing is lost",
            )
        for name, found in (("request", run.request), ("program", run.program)):
            with damage(run.id, name):
                if missing := HELD[name] - found.keys():
                    raise ValueError(f"it lacks {', '.join(sorted(missing))}")

    def add(self, run: Run, jobs: Sequence[Job], calibration: Mapping[str, Any] | None, *, once: bool = False) -> Run:
        """Store a run and its first jobs; with ``once`` return a run that asked the same and did not fail, if there is one."""
        packed = None if calibration is None else zlib.compress(json.dumps(calibration).encode())
        with self.transaction() as connection:
            if once:
                row = connection.execute(
                    "SELECT * FROM runs WHERE identity = ? AND state NOT IN ('failed', 'cancelled') "
                    "ORDER BY number DESC LIMIT 1",
                    (run.identity,),
                ).fetchone()
                if row is not None:
                    return read_run(row)
            texts = [json.dumps(part, allow_nan=False) for part in (run.request, run.program, run.estimate, run.versions)]
            connection.execute(
                "INSERT INTO runs (id, identity, state, backend, shots, seed, created, updated, message, request, program, "
                "estimate, versions, calibration, session, format) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (run.id, run.identity, run.state, run.backend, run.shots, str(run.seed), run.created, run.created, run.message,
                 *texts, packed, run.session, run.format),
            )  # fmt: skip
            insert_jobs(connection, jobs)
        return run

    def add_jobs(self, jobs: Sequence[Job]) -> None:
        """Store the jobs of a later step."""
        with self.transaction() as connection:
            insert_jobs(connection, jobs)

    def run(self, name: str) -> Run:
        """Return a run by its id, by the beginning of its id if only one begins so, or the newest by ``latest``.

        Raises:
            InputError: there is no such run, or there are several.
        """
        with self.transaction(write=False) as connection:
            if not name.isascii():
                rows = []  # no id, and perhaps no text
            elif name == LATEST:
                rows = connection.execute("SELECT * FROM runs ORDER BY number DESC LIMIT 1").fetchall()
            else:
                rows = (
                    connection.execute("SELECT * FROM runs WHERE id = ?", (name,)).fetchall()
                    or connection.execute(
                        "SELECT * FROM runs WHERE substr(id, 1, ?) = ? LIMIT 2", (max(4, len(name)), name)
                    ).fetchall()
                )
        if len(rows) != 1:
            what = "several runs have an id that begins so" if rows else "there is no such run in the ledger"
            raise InputError(what, got=name, expected="an id, or latest", todo="see 'stinespring jobs'")
        return read_run(rows[0])

    def listed(self, most: int | None = None) -> list[Listed]:
        """Return the runs, the newest first, ``most`` of them or all, without what they hold; damaged ones are marked."""
        with self.transaction(write=False) as connection:
            return listed(connection, most)

    def number(self) -> int:
        """Return how many runs there are."""
        with self.transaction(write=False) as connection:
            return int(connection.execute("SELECT count(*) FROM runs").fetchone()[0])

    def calibration(self, run: str) -> dict[str, Any] | None:
        """Return the device's calibration when the run was submitted."""
        with self.transaction(write=False) as connection:
            row = connection.execute("SELECT calibration FROM runs WHERE id = ?", (run,)).fetchone()
        return None if row is None or row[0] is None else json.loads(zlib.decompress(row[0]))

    def jobs(self, run: str, step: int | None = None, *, unfinished: bool = False) -> list[Job]:
        """Return a run's jobs in order: all of them, those of one step, or those that have not ended."""
        with self.transaction(write=False) as connection:
            rows = connection.execute(
                "SELECT * FROM jobs WHERE run = ? AND step = coalesce(?, step) "
                "AND (state IN ('created', 'submitted') OR NOT ?) ORDER BY step, part",
                (run, step, unfinished),
            ).fetchall()
        names = ("tag", "run", "step", "part", "payload", "state", "remote", "outcomes", "attempted", "attempts")
        return [Job(**{name: row[name] for name in names}) for row in rows]

    def stored(self, run: str) -> list[str]:
        """Return the ids of every job that the service keeps for a run."""
        with self.transaction(write=False) as connection:
            rows = connection.execute("SELECT remote FROM stored WHERE run = ? ORDER BY rowid", (run,)).fetchall()
        return [remote for (remote,) in rows]

    def update(self, run: str, *, state: State | None = None, message: str | None = None, session: str | None = None) -> None:
        """Change a run's state, message or session; what is None stays."""
        with self.transaction() as connection:
            connection.execute(
                "UPDATE runs SET state = coalesce(?, state), message = coalesce(?, message), session = coalesce(?, session), "
                "updated = ? WHERE id = ?",
                (state, message, session, now(), run),
            )

    def done(self, run: str) -> None:
        """Record that everything of a run was measured, unless it came to another end meanwhile."""
        with self.transaction() as connection:
            connection.execute(
                "UPDATE runs SET state = 'done', message = '', updated = ? WHERE id = ? AND state IN ('created', 'submitted')",
                (now(), run),
            )

    def cancelled(self, run: str) -> None:
        """Record that a run and all its jobs that are not finished were cancelled by the user; what is over stays as it is."""
        with self.transaction() as connection:
            connection.execute(
                "UPDATE jobs SET state = 'cancelled', finished = ? WHERE run = ? AND state IN ('created', 'submitted')",
                (now(), run),
            )
            connection.execute(
                "UPDATE runs SET state = 'cancelled', message = 'cancelled by the user', updated = ? "
                "WHERE id = ? AND state IN ('created', 'submitted')",
                (now(), run),
            )

    def attempting(self, job: Job) -> None:
        """Record that a job is about to be sent."""
        with self.transaction() as connection:
            connection.execute("UPDATE jobs SET attempted = ?, attempts = attempts + 1 WHERE tag = ?", (time.time(), job.tag))

    def refused(self, job: Job) -> None:
        """Record that the service refused a job: it is not stored there."""
        with self.transaction() as connection:
            connection.execute("UPDATE jobs SET attempted = NULL WHERE tag = ?", (job.tag,))

    def adopted(self, job: Job, others: Sequence[str]) -> None:
        """Record further jobs with the same tag at the service."""
        with self.transaction() as connection:
            for remote in others:
                row = (remote, job.tag, job.run)
                connection.execute("INSERT OR IGNORE INTO stored (remote, tag, run) VALUES (?, ?, ?)", row)

    def posted(self, job: Job, remote: str, others: Sequence[str] = ()) -> None:
        """Record that the service keeps a job, and any further jobs with the same tag."""
        with self.transaction() as connection:
            connection.execute(
                "UPDATE jobs SET remote = ?, state = 'submitted' WHERE tag = ? AND state = 'created'", (remote, job.tag)
            )
            for known in (remote, *others):
                connection.execute(
                    "INSERT OR IGNORE INTO stored (remote, tag, run) VALUES (?, ?, ?)", (known, job.tag, job.run)
                )

    def told(self, job: Job, told: Sequence[Mapping[str, Any]]) -> None:
        """Keep what a service told of the execution of a job beside its counts: under ``executed`` of the run's versions."""
        with self.transaction() as connection:
            [(text,)] = connection.execute("SELECT versions FROM runs WHERE id = ?", (job.run,)).fetchall()
            versions = json.loads(text)
            versions.setdefault("executed", {})[job.remote or job.tag] = list(told)
            connection.execute("UPDATE runs SET versions = ? WHERE id = ?", (json.dumps(versions, allow_nan=False), job.run))

    def finished(self, job: Job, state: State, outcomes: str | None = None) -> None:
        """Record what became of a job."""
        with self.transaction() as connection:
            connection.execute(
                "UPDATE jobs SET state = ?, outcomes = ?, finished = ? WHERE tag = ?", (state, outcomes, now(), job.tag)
            )


def insert_jobs(connection: sqlite3.Connection, jobs: Sequence[Job]) -> None:
    """Insert jobs; those of a step that another process has stored already are left alone."""
    for job in jobs:
        connection.execute(
            "INSERT OR IGNORE INTO jobs (tag, run, step, part, state, payload, created) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (job.tag, job.run, job.step, job.part, job.state, job.payload, now()),
        )


def fresh_id() -> str:
    """Return a new run's id."""
    return secrets.token_hex(4)


def fresh_tag() -> str:
    """Return a tag that no other job has, at most 24 characters."""
    return f"ss-{secrets.token_hex(10)}"
