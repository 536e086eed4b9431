# SPDX-License-Identifier: Apache-2.0
"""The ledger's file: made whole or not at all, opened for writing or, where nothing can be written, for reading alone."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from stinespring.errors import InputError, StinespringError
from stinespring.ledger.schema import MIGRATIONS, statements

__all__ = ["BUSY", "DamagedError", "LedgerError", "LedgerFile", "unusable"]

BUSY = 20.0  # seconds to wait for another process's transaction
ELSEWHERE = "set STINESPRING_HOME to another folder"


class LedgerError(StinespringError, OSError):
    """The ledger cannot be used now: locked, full disk, no permission. What is in it stays as it was."""

    exit_status = 4


class DamagedError(InputError):
    """Something in the ledger is not what was written: the message says what, and everything else can still be read."""


class LedgerFile:
    """The file, and how it is opened.

    Args:
        folder: where it lies; made if it is missing.

    Attributes:
        path: ``ledger.sqlite`` in the folder.
        readonly: whether nothing can be written here: a read-only file system, or no permission.

    Raises:
        InputError: the folder cannot be one, or the file is none, or empty.
        LedgerError: the file cannot be made now.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / "ledger.sqlite"
        self.scratch: tempfile.TemporaryDirectory[str] | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            size = self.path.stat().st_size if self.path.exists() else None
        except OSError as error:
            raise InputError(
                "the ledger's folder cannot be made",
                got=f"{folder}: {error.strerror or error}",
                expected="a folder that can be written",
                todo="set STINESPRING_HOME to one",
            ) from None
        self.readonly = not os.access(folder, os.W_OK) or (size is not None and not os.access(self.path, os.W_OK))
        if size is None:
            self.make()
        elif not self.path.is_file():
            raise InputError("the ledger is no regular file", got=str(self.path), expected="a file", todo=ELSEWHERE)
        elif size == 0:
            raise DamagedError(
                "the ledger is damaged: its file is empty",
                got=f"{self.path}: 0 bytes",
                expected="a file that stinespring made: it is never empty, for it is made whole or not at all",
                todo=f"bring it back from a backup, or remove it to begin a new one, or {ELSEWHERE}",
            )

    def make(self) -> None:
        """Make a new ledger under another name and give it its name at the end: a kill leaves none, or a whole one."""
        if self.readonly:
            raise InputError(
                "there is no ledger yet, and none can be made here", got=f"{self.folder}: read-only", todo=ELSEWHERE
            )
        try:
            handle, name = tempfile.mkstemp(dir=self.folder, prefix=".ledger.")
        except OSError as error:
            raise unwritten(self.path, error) from None
        os.close(handle)
        try:
            with closing(sqlite3.connect(name, isolation_level=None)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("BEGIN IMMEDIATE")
                for migration in MIGRATIONS:
                    for statement in statements(migration):
                        connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
                connection.commit()
            named(Path(name), self.path)
        except sqlite3.DatabaseError as error:
            raise unusable(self.path, error) from None
        except OSError as error:
            raise unwritten(self.path, error) from None
        finally:
            for ending in ("", "-wal", "-shm"):
                with suppress(OSError):
                    os.unlink(name + ending)

    def connect(self) -> sqlite3.Connection:
        """Return a connection that reads every text, also a damaged one."""
        connection = self.opened()
        connection.text_factory = lambda data: data.decode(errors="replace")
        return connection

    def opened(self) -> sqlite3.Connection:
        """Return a connection; where nothing can be written, one that only reads.

        What a killed process left beside the file (``-wal``) belongs to it; without a place to write, SQLite reads both from
        copies.
        """
        if not self.readonly:
            return sqlite3.connect(self.path, timeout=BUSY, isolation_level=None)
        left = Path(f"{self.path}-wal")
        if self.scratch is None and left.exists() and left.stat().st_size:
            self.scratch = tempfile.TemporaryDirectory(prefix="stinespring-ledger-")
            for path in (self.path, left):
                shutil.copyfile(path, Path(self.scratch.name) / path.name)
        if self.scratch is not None:
            return sqlite3.connect(Path(self.scratch.name) / self.path.name, isolation_level=None)
        return sqlite3.connect(f"file:{quote(str(self.path.absolute()))}?mode=ro&immutable=1", uri=True, isolation_level=None)

    def require_writable(self) -> None:
        """Refuse what would have to be written down.

        Raises:
            LedgerError: the file system, the folder or the file is read-only.
        """
        if self.readonly:
            raise LedgerError(
                "the ledger can only be read here",
                got=f"{self.path}: a read-only file system, or no permission to write",
                expected="a folder that can be written; jobs, export and the fetch of runs that are done only read",
                todo="give permission, or set STINESPRING_HOME to another folder: nothing was sent, and nothing was lost",
            )


def named(made: Path, path: Path) -> None:
    """Give a new file its name, unless another process has been faster: then its file is the ledger."""
    try:
        os.link(made, path)
    except FileExistsError:
        return
    except OSError:  # a file system without hard links
        if not path.exists():
            os.replace(made, path)


def unwritten(path: Path, error: OSError) -> LedgerError:
    """Return the message for what the system says."""
    todo = "make room or give permission, then try again: nothing was lost"
    return LedgerError("the ledger cannot be used now", got=f"{path}: {error.strerror or error}", todo=todo)


def unusable(path: Path, error: sqlite3.DatabaseError) -> StinespringError:
    """Return the message for what SQLite says."""
    text = str(error)
    broken: tuple[Any, ...] = ("not a database", "malformed", "no such table", "no such column", "unsupported file format")
    if any(word in text for word in broken):
        return DamagedError(
            "the file is no ledger, or a damaged one",
            got=f"{path}: {text}",
            expected="a file that stinespring made",
            todo=f"bring it back from a backup, move it away, or {ELSEWHERE}",
        )
    todo = "end the other process, or try again" if "locked" in text else "make room or give permission, then try again"
    return LedgerError("the ledger cannot be used now", got=f"{path}: {text}", todo=todo + ": nothing was lost")
