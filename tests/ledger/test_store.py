# SPDX-License-Identifier: Apache-2.0
"""The ledger on disk: whole transactions, migrations, and what happens where it cannot be used."""

from __future__ import annotations

import resource
import sqlite3
import subprocess
import sys
import threading
from datetime import datetime

import pytest

from stinespring.errors import InputError
from stinespring.ledger import opening, schema, store
from stinespring.ledger.store import Job, Ledger, LedgerError, Run, fresh_id, fresh_tag, now


def run_named(name, identity="same", state="created"):
    return Run(name, identity, state, "aer", 10, 2**70, now(), "", {"a": [1, None]}, {}, {}, {})


def job_of(run, step=1, part=0):
    return Job(fresh_tag(), run, step, part, b"\x00payload")


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "new" / "folder")


def test_what_is_added_comes_back(ledger):
    job = job_of("r1")
    ledger.add(run_named("r1"), [job], {"t1": [1e-6]})
    again = Ledger(ledger.folder)
    assert again.run("r1") == ledger.run("r1")
    assert again.run("r1").seed == 2**70
    assert again.jobs("r1") == [job]
    assert again.calibration("r1") == {"t1": [1e-6]}
    assert datetime.fromisoformat(again.run("r1").created).utcoffset().total_seconds() == 0


def test_names_of_runs(ledger):
    for name in ("abcd0001", "abcd0002", "ffff0001"):
        ledger.add(run_named(name), [], None)
    assert ledger.run("latest").id == "ffff0001"
    assert ledger.run("ffff").id == "ffff0001"
    assert [run.id for run in ledger.listed()] == ["ffff0001", "abcd0002", "abcd0001"]
    for unusable in ("abcd", "abc", "x", "", "%", "____0001"):
        with pytest.raises(InputError):
            ledger.run(unusable)


def test_once_returns_a_run_that_did_not_fail(ledger):
    assert ledger.add(run_named("a"), [], None, once=True).id == "a"
    assert ledger.add(run_named("b"), [], None, once=True).id == "a"
    assert ledger.add(run_named("c", identity="other"), [], None, once=True).id == "c"
    ledger.update("a", state="failed")
    assert ledger.add(run_named("d"), [], None, once=True).id == "d"
    assert ledger.add(run_named("e"), [], None).id == "e"  # repeats are data


def test_processes_that_submit_once_at_the_same_time_make_one_run(ledger):
    kept = []

    def add(number):
        kept.append(ledger.add(run_named(f"t{number}"), [job_of(f"t{number}")], None, once=True).id)

    threads = [threading.Thread(target=add, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kept) == 8
    assert len(set(kept)) == len(ledger.listed()) == 1


def test_a_step_is_stored_once(ledger):
    ledger.add(run_named("a"), [job_of("a")], None)
    first, second = job_of("a", step=2), job_of("a", step=2)
    ledger.add_jobs([first])
    ledger.add_jobs([second])
    assert [job.tag for job in ledger.jobs("a") if job.step == 2] == [first.tag]


def test_jobs_of_the_service_are_remembered_once(ledger):
    job = job_of("a")
    ledger.add(run_named("a"), [job], None)
    ledger.posted(job, "remote-1", ["remote-2"])
    ledger.posted(job, "remote-1")
    assert ledger.stored("a") == list(ledger.listed()[0].remote) == ["remote-1", "remote-2"]
    assert ledger.jobs("a")[0].remote == "remote-1"


def test_an_exception_rolls_back(ledger):
    ledger.add(run_named("a"), [], None)
    with pytest.raises(RuntimeError), ledger.transaction() as connection:
        connection.execute("UPDATE runs SET state = 'done'")
        raise RuntimeError
    assert ledger.run("a").state == "created"


def test_migrations_run_one_after_the_other(tmp_path, monkeypatch):
    Ledger(tmp_path)
    more = (*schema.MIGRATIONS, "CREATE TABLE extra (x INTEGER); INSERT INTO extra VALUES (7);")
    monkeypatch.setattr(store, "MIGRATIONS", more)
    with Ledger(tmp_path).transaction() as connection:
        assert connection.execute("SELECT x FROM extra").fetchone()[0] == 7
        assert connection.execute("PRAGMA user_version").fetchone()[0] == len(more)
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_a_migration_that_fails_changes_nothing(tmp_path, monkeypatch):
    Ledger(tmp_path).add(run_named("kept"), [], None)
    monkeypatch.setattr(store, "MIGRATIONS", (*schema.MIGRATIONS, "CREATE TABLE extra (x INTEGER); NONSENSE;"))
    with pytest.raises(LedgerError):
        Ledger(tmp_path)
    monkeypatch.undo()
    with Ledger(tmp_path).transaction() as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'extra'").fetchone()[0] == 0
        assert connection.execute("SELECT id FROM runs").fetchone()[0] == "kept"


def test_a_later_version_is_refused(tmp_path):
    Ledger(tmp_path)
    with sqlite3.connect(tmp_path / "ledger.sqlite") as connection:
        connection.execute("PRAGMA user_version = 999")
    with pytest.raises(InputError, match="later version"):
        Ledger(tmp_path)


@pytest.mark.parametrize("content", [b"this is no database" * 100, b"SQLite format 3\x00" + b"\xff" * 4096])
def test_a_file_that_is_no_ledger_is_left_alone(tmp_path, content):
    (tmp_path / "ledger.sqlite").write_bytes(content)
    with pytest.raises(InputError, match="no ledger"):
        Ledger(tmp_path)
    assert (tmp_path / "ledger.sqlite").read_bytes() == content


def test_a_folder_that_cannot_be_one(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="folder cannot be made"):
        Ledger(tmp_path / "file" / "below")


def test_a_locked_file(ledger, monkeypatch):
    monkeypatch.setattr(opening, "BUSY", 0.05)
    with sqlite3.connect(ledger.path, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LedgerError, match="locked"):
            ledger.add(run_named("a"), [], None)
        other.execute("ROLLBACK")
    assert ledger.listed() == []


FULL = """
import resource, signal
from pathlib import Path
from stinespring.ledger.store import Job, Ledger, LedgerError, Run, now
ledger = Ledger(Path({folder!r}))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
try:
    for number in range(1000):
        name = f"run{{number}}"
        run = Run(name, "same", "created", "aer", 10, 1, now(), "", {{}}, {{}}, {{}}, {{}})
        ledger.add(run, [Job(name, name, 1, 0, b"payload" * 1000)], None)
except LedgerError as error:
    print(number, error.exit_status)
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="the system has no limit on the size of files")
def test_a_full_disk_keeps_what_was_written(tmp_path):
    """A limit on the size of files stands for a full disk: the transaction fails, the ones before are there."""
    code = FULL.format(folder=str(tmp_path), limit=400_000)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    number, status = map(int, done.stdout.split())
    assert number > 0
    assert status == 4
    assert [run.id for run in Ledger(tmp_path).listed()] == [f"run{i}" for i in reversed(range(number))]


def test_ids_and_tags_are_new_every_time():
    assert len({fresh_id() for _ in range(1000)}) == 1000
    assert len({fresh_tag() for _ in range(1000)}) == 1000
    assert len(fresh_tag()) <= 24
