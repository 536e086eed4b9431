# SPDX-License-Identifier: Apache-2.0
"""What is asked most often is quick: ``jobs`` and ``fetch`` load nothing that they do not need, however long the ledger is."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys

import pytest

from stinespring.ledger.store import Ledger

LOADED = """
import sys
from pathlib import Path
sys.argv = ["stinespring", *sys.argv[1:]]
from stinespring.cli.main import command
try:
    command()
finally:
    heavy = "numpy scipy qiskit qiskit_aer networkx pydantic rich filelock"
    rooms = sorted({name.partition(".")[0] for name in sys.modules} & set(heavy.split()))
    unused = ("stinespring.compiler", "stinespring.backends.aer.backend")
    compiled = [name for name in sys.modules if name.startswith(unused)]
    print(*rooms, *compiled, file=sys.stderr)
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    print(int(status["VmHWM"].split()[0]) // 1024, file=sys.stderr)
"""
RUNS = 10_000


@pytest.fixture
def long(monkeypatch, invoke, examples, tmp_path):
    """A ledger of 10,000 runs, copies of one that is done."""
    monkeypatch.setenv("STINESPRING_HOME", str(tmp_path / "home"))
    words = ["submit", examples / "three_tokens.json", "--prompt", "sun", "--steps", 1, "--shots", 20_000, "--yes", "--json"]
    assert invoke(*words, "--seed", 1).returncode == 0
    with sqlite3.connect(Ledger().path) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        for table, own in (("runs", {"id": "printf('%08x', n)"}), ("jobs", {"run": "printf('%08x', n)", "tag": "'t' || n"})):
            names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[1] != "number"]
            picked = ", ".join(own.get(name, name) for name in names)
            connection.execute(
                f"WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {RUNS - 1}) "
                f"INSERT INTO {table} ({', '.join(names)}) SELECT {picked} FROM c, {table}"
            )


def fresh(*words: str) -> tuple[str, list[str], int]:
    """Return what a fresh process prints, what it has loaded, and its peak memory in MB."""
    done = subprocess.run([sys.executable, "-c", LOADED, *words], capture_output=True, text=True, timeout=60, env=os.environ)
    *_, loaded, peak = done.stderr.splitlines()
    return done.stdout, loaded.split(), int(peak)


def test_the_list_and_a_verdict_are_light(long):
    out, loaded, peak = fresh("jobs")
    assert not loaded and peak < 100 and f"{RUNS:,} run(s)" in out
    out, loaded, peak = fresh("jobs", "--json")
    assert not loaded and peak < 100 and len(json.loads(out)["jobs"]) == RUNS
    out, loaded, peak = fresh("fetch", "latest")
    assert loaded == ["numpy", "pydantic"] and "PASS" in out
