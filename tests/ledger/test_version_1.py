# SPDX-License-Identifier: Apache-2.0
"""A ledger that stinespring 0.1 wrote: its runs are listed, kept for that version, and refused with one message."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing, nullcontext
from pathlib import Path

import pytest

from memory import Memory
from stinespring.ledger import store
from stinespring.ledger.store import BEFORE, Ledger, LedgerError
from stinespring.pipeline import runs

# made by version 0.1: a static text on aer and a stepwise one, both done; a stepwise text that a service still had, and
# spins as a command that was sampled there
FILE = Path(__file__).with_name("version-1.sqlite")
ASKED = ["spins +2", "two_tokens 'a b' +2", "two_tokens 'a b' +2", "two_tokens 'a b' +2"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the ledger of version 0.1."""
    shutil.copy(FILE, tmp_path / "ledger.sqlite")
    monkeypatch.setenv("STINESPRING_HOME", str(tmp_path))
    return tmp_path


def content(path):
    """Everything in a database, its version included."""
    with closing(sqlite3.connect(path)) as connection:
        return [*connection.iterdump(), connection.execute("PRAGMA user_version").fetchone()[0]]


def test_its_runs_are_listed(folder, invoke):
    status, out, err = invoke("jobs", "--json")
    assert status == 0, err
    rows = json.loads(out)["jobs"]
    assert [row["asked"] for row in rows] == ASKED
    assert [row["state"] for row in rows] == ["done", "submitted", "done", "done"]
    assert [row["backend"] for row in rows] == ["ibm:ibm_standin_small"] * 2 + ["aer"] * 2
    assert [len(row["remote"]) for row in rows] == [9, 1, 0, 0]
    assert invoke("jobs")[0] == 0


@pytest.mark.parametrize("verb", ["fetch", "resume", "export"])
def test_its_runs_are_refused_and_the_message_says_how_they_are_fetched(folder, invoke, verb):
    for row in Ledger().listed():
        before = content(folder / "ledger.sqlite")
        status, out, err = invoke(verb, row.id, *(["-o", folder / "out.json"] if verb == "export" else []))
        assert (status, out) == (2, "")
        assert "stinespring 0.1" in err
        assert str(folder / BEFORE) in err
        assert f"stinespring fetch {row.id}" in err
        assert err.count("stinespring: ") == 1
        assert not (folder / "out.json").exists()
        assert content(folder / "ledger.sqlite") == before


def test_the_kept_copy_is_what_the_earlier_version_reads(folder):
    Ledger()
    assert content(folder / BEFORE) == content(FILE)
    assert content(folder / BEFORE)[-1] == 1
    assert [row.id for row in Ledger().listed()]
    assert content(folder / BEFORE) == content(FILE)  # a second look changes nothing
    assert sorted(file.name for file in folder.glob("*.sqlite*")) == ["ledger.sqlite", BEFORE]


def test_new_runs_work_beside(folder, invoke, examples):
    words = [examples / "two_tokens.json", "--prompt", "a b", "--steps", "2", "--shots", "200", "--seed", "1"]
    status, out, err = invoke("submit", *words, "--schedule", "static", "--backend", "aer", "--yes", "--json")
    assert status == 0, err
    run = json.loads(out)
    assert invoke("fetch", "latest", "--json")[0] == 3
    assert [row.id for row in Ledger().listed()][0] == run["id"]
    assert len(Ledger().listed()) == 5
    assert content(folder / BEFORE) == content(FILE)


def test_a_run_that_a_service_still_has_can_be_cancelled_here(folder, monkeypatch):
    """What is cancelled is told by the service's ids alone, so that a run of the earlier version can still be stopped."""
    ledger, service = Ledger(), Memory()
    run = next(ledger.run(row.id) for row in ledger.listed() if row.state == "submitted")
    monkeypatch.setattr(runs, "opened", lambda _: nullcontext(service))
    assert runs.cancel(ledger, run).state == "cancelled"
    assert service.cancelled == set(ledger.stored(run.id)) == {ledger.jobs(run.id)[0].remote}


def test_a_copy_that_cannot_be_written_leaves_the_ledger_as_it_was(folder, monkeypatch):
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(LedgerError, match="No space left"):
        Ledger()
    monkeypatch.undo()
    assert content(folder / "ledger.sqlite") == content(FILE)


def test_a_migration_that_is_cut_off_keeps_both_files(folder, monkeypatch):
    """The earlier version goes on with its ledger after the copy was made: the next copy has that, too."""
    monkeypatch.setattr(store, "MIGRATIONS", (store.MIGRATIONS[0], "NONSENSE"))
    with pytest.raises(LedgerError):
        Ledger(folder)
    monkeypatch.undo()
    with sqlite3.connect(folder / "ledger.sqlite") as connection:
        connection.execute("UPDATE runs SET message = 'more' WHERE number = 1")
    Ledger(folder)
    first, second = sorted(folder.glob("ledger.version-1*.sqlite"), key=lambda file: len(file.name), reverse=True)
    assert content(first) == content(FILE)
    assert second.name == BEFORE
    assert "'more'" in "".join(map(str, content(second)))
