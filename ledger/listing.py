# SPDX-License-Identifier: Apache-2.0
"""The list of runs: one line each, also of a row that is damaged, which is marked and hides no other."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime
from typing import Any, NamedTuple

__all__ = ["STATES", "Listed", "listed"]

STATES = ("created", "submitted", "done", "failed", "cancelled")
JSON = ("request", "program", "estimate", "versions")  # columns that hold JSON objects


def is_json(name: str) -> str:
    """Return the condition that a column is a JSON object: json_extract would end the whole query at a text that is none."""
    return f"typeof({name}) = 'text' AND substr({name}, 1, 1) = '{{' AND json_valid({name})"


QUERY = f"""
    SELECT id, state, backend, shots, created, message,
        {" || ".join(f"CASE WHEN {is_json(name)} THEN '' ELSE ' {name}' END" for name in JSON)},
        CASE WHEN {is_json("request")}
        THEN json_extract(request, '$.name', '$.title', '$.options.prompt', '$.options.steps') END
    FROM runs ORDER BY number DESC LIMIT ?
"""  # noqa: S608 -- names of columns, written above


class Listed(NamedTuple):  # ten thousand of them are made at once
    """A run in the list of runs.

    Attributes:
        id: of the run.
        state: one of :data:`STATES`, or ``damaged``.
        backend: where it runs.
        shots: for its program; None where that cannot be read.
        created: ISO 8601 in UTC.
        message: what the run says, or what is damaged.
        name: of its source.
        title: what was asked.
        remote: the jobs that the service keeps for it.
        damaged: the columns that do not hold what was written.
    """

    id: str
    state: str
    backend: str
    shots: int | None
    created: str
    message: str
    name: str
    title: str
    remote: tuple[str, ...]
    damaged: tuple[str, ...] = ()


def listed(connection: sqlite3.Connection, most: int | None = None) -> list[Listed]:
    """Return the runs, the newest first, without what they hold: some hold a whole model; ``most`` of them, or all."""
    stored: dict[Any, list[str]] = {}
    for run, remote in connection.execute("SELECT run, remote FROM stored ORDER BY rowid"):
        stored.setdefault(run, []).append(str(remote))
    connection.row_factory = None
    rows = connection.execute(QUERY, (-1 if most is None else most,)).fetchall()
    asked = json.loads(f"[{','.join([row[-1] or '[null, null, null, null]' for row in rows])}]")  # one call for all
    return [line(row, words, tuple(stored.get(row[0], ()))) for row, words in zip(rows, asked, strict=True)]


def line(row: tuple[Any, ...], asked: list[Any], remote: tuple[str, ...]) -> Listed:
    """Return one run of the list."""
    run, state, backend, shots, created, message, wrong, _ = row
    name, title = titled(*asked)
    whole = not wrong and type(shots) is int and shots > 0 and state in STATES and is_time(created)
    if whole and are_texts(run, backend, message, name, title):
        return Listed(run, state, backend, shots, created, message, name, title, remote)
    texts = {"id": run, "backend": backend, "message": message}
    damaged = [column for column, value in texts.items() if not isinstance(value, str)]
    damaged += [] if state in STATES else ["state"]
    damaged += [] if type(shots) is int and shots > 0 else ["shots"]
    damaged += [] if is_time(created) else ["created"]
    damaged += wrong.split()
    damaged += [] if "request" in damaged or are_texts(name, title) else ["request"]
    said = f"; it said: {message}" if message and isinstance(message, str) else ""
    return Listed(
        shown(run), state if state in STATES else "damaged", shown(backend), shots if type(shots) is int else None,
        shown(created), f"damaged in the ledger: {', '.join(damaged)}{said}", shown(name), shown(title), remote, tuple(damaged),
    )  # fmt: skip


def titled(name: Any, title: Any, prompt: Any, steps: Any) -> tuple[Any, Any]:
    """Return a run's source and what was asked of it; runs that version 0.1 wrote have no title."""
    if title is None and isinstance(name, str):
        parts = [name, "" if prompt is None else f"'{prompt}'", "" if steps is None else f"+{steps}"]
        title = " ".join(part for part in parts if part)
    return name, title


def are_texts(*values: Any) -> bool:
    """Return whether all values are texts."""
    return all(isinstance(value, str) for value in values)


def is_time(text: Any) -> bool:
    """Return whether this is a time as it is written down."""
    try:
        return datetime.fromisoformat(text) is not None
    except (TypeError, ValueError):
        return False


def shown(value: Any) -> str:
    """Return a value as text that fits a table."""
    return value if isinstance(value, str) else "" if value is None else repr(value)[:40]
