# SPDX-License-Identifier: Apache-2.0
"""The ledger's tables, as numbered migrations: number n brings version n-1 to version n; none is ever changed."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

__all__ = ["MIGRATIONS", "keep", "statements"]

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE runs (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        identity TEXT NOT NULL,               -- SHA-256 of what was asked
        state TEXT NOT NULL CHECK (state IN ('created', 'submitted', 'done', 'failed', 'cancelled')),
        backend TEXT NOT NULL,
        shots INTEGER NOT NULL,
        seed TEXT NOT NULL,                   -- decimal, of any size
        created TEXT NOT NULL,                -- ISO 8601, UTC
        updated TEXT NOT NULL,
        message TEXT NOT NULL DEFAULT '',
        request TEXT NOT NULL,                -- JSON: the model itself, the prompt, all options
        program TEXT NOT NULL,                -- JSON: what decodes and judges the outcomes
        estimate TEXT NOT NULL,               -- JSON
        versions TEXT NOT NULL,               -- JSON
        calibration BLOB,                     -- JSON, compressed by zlib
        session TEXT                          -- batch or session at the service
    );
    CREATE INDEX runs_by_identity ON runs (identity);
    CREATE TABLE jobs (
        tag TEXT PRIMARY KEY,                 -- no other job has it, here or at the service
        run TEXT NOT NULL REFERENCES runs (id),
        step INTEGER NOT NULL,                -- from 1
        part INTEGER NOT NULL,                -- from 0
        state TEXT NOT NULL CHECK (state IN ('created', 'submitted', 'done', 'failed', 'cancelled')),
        remote TEXT,                          -- the service's id
        payload BLOB NOT NULL,                -- circuits as QPY and parameter values, npz
        outcomes TEXT,                        -- JSON: what was measured, by row
        created TEXT NOT NULL,
        attempted REAL,                       -- Unix time of the last attempt whose fate is open, written before the attempt
        attempts INTEGER NOT NULL DEFAULT 0,
        finished TEXT,
        UNIQUE (run, step, part)
    );
    CREATE TABLE stored (
        remote TEXT NOT NULL,                 -- every job that the service keeps for a run, adopted or not
        tag TEXT NOT NULL REFERENCES jobs (tag),
        run TEXT NOT NULL REFERENCES runs (id),
        PRIMARY KEY (remote, tag)
    );
    """,
    """
    -- 1: written by stinespring 0.1, 2: what is asked and how it is decoded, for any source
    ALTER TABLE runs ADD COLUMN format INTEGER NOT NULL DEFAULT 1;
    """,
)


def statements(migration: str) -> list[str]:
    """Return the statements of a migration."""
    return [statement for statement in migration.split(";") if statement.strip()]


def keep(path: Path, kept: Path) -> None:
    """Keep a ledger as it is under another name, so that an earlier version can still fetch its runs.

    Args:
        path: the ledger; whoever calls this holds its write lock, so that nothing comes in between.
        kept: the other name. A file that bears it, of an attempt that was cut off or of another ledger, gets a new one.

    Raises:
        OSError: it cannot be written.
    """
    scratch = kept.with_suffix(".new")
    scratch.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection, closing(sqlite3.connect(scratch)) as copy:
        connection.backup(copy)
    if kept.exists():
        os.replace(kept, kept.with_suffix(f".{time.time_ns()}.sqlite"))
    os.replace(scratch, kept)
