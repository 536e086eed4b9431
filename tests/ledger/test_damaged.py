# SPDX-License-Identifier: Apache-2.0
"""A ledger that is damaged, or that can only be read: what is whole stays readable, and what is not is named."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

import pytest

from stinespring.ledger import opening
from stinespring.ledger.store import Ledger

CELLS = [
    ("state", "asleep"), ("state", 7), ("shots", "many"), ("shots", -1), ("shots", None), ("created", "yesterday"),
    ("created", 5.0), ("request", "{"), ("request", b"\xff\xfe"), ("request", "[]"), ("request", "{}"), ("request", None),
    ("program", "null"), ("program", '{"again": 1}'), ("estimate", "nothing"), ("versions", 3), ("backend", None),
    ("message", b"\x80"), ("id", None),
]  # fmt: skip
UNREADABLE = {"request", "program", "shots", "state", "versions", "estimate", "backend"}


@pytest.fixture
def runs(tmp_path, monkeypatch, invoke, examples):
    """Three runs that are done, oldest first."""
    monkeypatch.setenv("STINESPRING_HOME", str(tmp_path / "home"))
    words = ["submit", examples / "two_tokens.json", "--prompt", "a b", "--steps", 1, "--shots", 400, "--yes", "--json"]
    return [json.loads(invoke(*words, "--seed", seed).stdout)["id"] for seed in range(3)]


def spoil(run: str, column: str, value: object, table: str = "runs", key: str = "id") -> None:
    """Write what no constraint would let through, as a bad disk does."""
    with sqlite3.connect(Ledger().path) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("PRAGMA ignore_check_constraints = ON")
        [text] = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (text.replace("NOT NULL", ""), table))
    with sqlite3.connect(Ledger().path) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", (value, run))


@pytest.mark.parametrize(("column", "value"), CELLS)
def test_a_damaged_cell_marks_its_row_and_breaks_nothing_else(runs, invoke, column, value):
    first, middle, last = runs
    spoil(middle, column, value)
    listed = json.loads(invoke("jobs", "--json").stdout)["jobs"]
    assert [job["id"] for job in listed if not job["damaged"]] == ([last, middle, first] if value in FINE else [last, first])
    if value not in FINE:
        [damaged] = [job for job in listed if job["damaged"]]
        assert damaged["damaged"] == [column] and column in damaged["message"] and "damaged" in damaged["message"]
        assert damaged["state"] in ("done", "damaged")
    table = invoke("jobs")
    assert table.returncode == 0 and table.stdout.count("two_tokens") >= 2 and "Traceback" not in table.stderr
    for run in (first, "latest"):
        assert invoke("fetch", run, "--json").returncode == 3  # 400 shots are too few for a verdict
    if column in UNREADABLE:
        done = invoke("fetch", middle)
        assert (
            done.returncode == 2 and "damaged" in done.stderr and middle in done.stderr and len(done.stderr.splitlines()) <= 5
        )
        assert invoke("export", middle, "-o", Path(os.environ["STINESPRING_HOME"]) / "counts.json").returncode == 2


FINE = ('{"again": 1}',)  # JSON, whose keys are looked at only by those who need them


@pytest.mark.parametrize(
    ("column", "value"),
    [("payload", b"no zip"), ("payload", None), ("outcomes", "["), ("outcomes", "[[1]]"),
     ("outcomes", '[[["t1"], [[0]], [3]]]'), ("outcomes", None), ("state", "asleep")],
)  # fmt: skip
def test_a_damaged_job_is_named(runs, invoke, column, value):
    spoil(runs[1], column, value, "jobs", "run")
    assert len(json.loads(invoke("jobs", "--json").stdout)["jobs"]) == 3
    done = invoke("fetch", runs[1])
    assert done.returncode == 2
    assert done.stdout == "" and "Traceback" not in done.stderr and runs[1] in done.stderr
    assert invoke("fetch", runs[0]).returncode == 3


def test_an_empty_file_is_named(runs, invoke):
    Ledger().path.write_bytes(b"")
    for words in (["jobs"], ["jobs", "--json"], ["fetch", "latest"], ["resume", "latest"]):
        done = invoke(*words)
        assert done.returncode == 2 and done.stdout == ""
        assert "damaged" in done.stderr and "ledger.sqlite: 0 bytes" in done.stderr and "to do: " in done.stderr
    path = Path(os.environ["STINESPRING_HOME"]) / "ledger.sqlite"
    assert path.stat().st_size == 0  # nothing was written over what a backup may belong to


def test_a_new_ledger_is_whole_or_none(tmp_path, monkeypatch):
    """A kill while it is made leaves no file of its name, and the next one begins anew."""

    def killed(made, path):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(opening, "named", killed)
        with pytest.raises(KeyboardInterrupt):
            Ledger(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert Ledger(tmp_path).listed() == []
    assert [path.name for path in tmp_path.iterdir()] == ["ledger.sqlite"]


def test_the_faster_of_two_makes_it(tmp_path, monkeypatch):
    own = opening.named

    def late(made, path):
        monkeypatch.setattr(opening, "named", own)
        Ledger(tmp_path)
        own(made, path)

    monkeypatch.setattr(opening, "named", late)
    assert Ledger(tmp_path).number() == 0
    assert [path.name for path in tmp_path.iterdir()] == ["ledger.sqlite"]


def test_the_tables_of_others_are_left_alone(tmp_path):
    with sqlite3.connect(tmp_path / "ledger.sqlite") as connection:
        connection.execute("CREATE TABLE mine (x)")
    before = (tmp_path / "ledger.sqlite").read_bytes()
    with pytest.raises(opening.DamagedError, match="no ledger"):
        Ledger(tmp_path)
    assert (tmp_path / "ledger.sqlite").read_bytes() == before


@pytest.mark.parametrize("left", [False, True])
def test_it_can_be_read_where_nothing_can_be_written(runs, invoke, examples, monkeypatch, tmp_path, left):
    """The system says so, as on a read-only file system; with what a killed process left beside the file, too."""
    home = Path(os.environ["STINESPRING_HOME"])
    if left:  # the last run is in the log alone
        writer = sqlite3.connect(home / "ledger.sqlite")
        writer.execute("UPDATE runs SET message = 'in the log' WHERE id = ?", (runs[2],))
        writer.commit()
    before = {path: path.stat().st_mtime_ns for path in sorted(home.rglob("*")) if path.suffix != ".sqlite-shm"}
    access = os.access
    monkeypatch.setattr(opening.os, "access", lambda path, mode: home not in (path, *Path(path).parents) and access(path, mode))
    jobs = json.loads(invoke("jobs", "--json").stdout)["jobs"]
    assert [job["id"] for job in jobs] == runs[::-1]
    assert jobs[0]["message"] == ("in the log" if left else "")
    assert invoke("fetch", "latest", "--json").returncode == 3
    assert invoke("export", runs[0], "-o", tmp_path / "counts.json").returncode == 0
    words = ["submit", examples / "two_tokens.json", "--prompt", "a b", "--steps", 1, "--shots", 400, "--yes"]
    for refused in (words, ["resume", "latest"], ["cancel", "latest"]):
        done = invoke(*refused)
        assert done.returncode == 4 and "can only be read" in done.stderr and "STINESPRING_HOME" in done.stderr
    assert {path: path.stat().st_mtime_ns for path in sorted(home.rglob("*")) if path.suffix != ".sqlite-shm"} == before


def test_the_newest_are_shown_and_all_to_who_asks(runs, invoke, monkeypatch):
    monkeypatch.setattr("stinespring.cli.runs.jobs.SHOWN", 2)
    short = invoke("jobs").stdout
    assert runs[0] not in short and runs[2] in short and "1 older" in short
    assert all(run in invoke("jobs", "--all").stdout for run in runs)
    assert len(json.loads(invoke("jobs", "--json").stdout)["jobs"]) == 3
