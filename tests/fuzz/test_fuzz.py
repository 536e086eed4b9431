# SPDX-License-Identifier: Apache-2.0
"""Every reader keeps its contract on the corpus; the long series changes it for minutes. A breach of it is noticed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
READERS = {
    "text", "state", "spins", "sphere", "positions", "counts", "calibration", "channel", "program", "description", "lens",
    "prompts", "letters", "ledger", "words",
}  # fmt: skip


def python(*words: object, seconds: float) -> subprocess.CompletedProcess[str]:
    """Run Python at the repository's root, where ``benchmarks`` is."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return subprocess.run(
        [sys.executable, *map(str, words)], cwd=ROOT, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True,
        timeout=seconds, check=False,
    )  # fmt: skip


def test_the_corpus_is_answered(tmp_path):
    done = python(
        "-m", "benchmarks", "fuzz", "--corpus", 1, "--seconds", 300, "--limit", 30, "--keep", tmp_path / "failed",
        "--output", tmp_path / "found.json", seconds=400,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    rows = {row["reader"]: row for row in json.loads((tmp_path / "found.json").read_text())["rows"] if "reader" in row}
    assert set(rows) == READERS
    for name, row in rows.items():
        files = [path for path in (Path(__file__).parent / "corpus" / name).iterdir() if path.is_file()]
        assert row["cases"] == sum(row["statuses"].values()) == len(files) > 0
        assert row["statuses"].get("0", 0) > 0 or name == "counts", name  # what is valid is read, not only refused
    assert not (tmp_path / "failed").exists()


def test_changed_files_are_answered(tmp_path, request):
    """The long series: minutes of new cases; a failing one is kept with what repeats it."""
    if not request.config.getoption("--long"):
        pytest.skip("minutes: make test-long")
    seed = int(request.config.getoption("--hypothesis-seed"))
    done = python("-m", "benchmarks", "fuzz", "--seconds", 240, "--seed", seed, "--keep", tmp_path, seconds=900)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_case_is_the_same_every_time():
    program = (
        "import hashlib; from benchmarks.fuzz.readers import READERS, made\n"
        "for seed in (1, 2):\n"
        "    cases = [made(seed, name, number) for name in READERS for number in range(6)]\n"
        "    print(hashlib.sha256(repr(cases).encode()).hexdigest())"
    )
    first, again = (python("-W", "ignore", "-c", program, seconds=120) for _ in range(2))
    assert first.returncode == 0, first.stderr
    assert first.stdout == again.stdout
    assert len(set(first.stdout.split())) == 2


def test_what_breaks_the_contract_is_noticed(tmp_path):
    """Each planted fault has its name, and neither it nor the end of its process changes what is said of the others."""
    wanted = {
        "good": "well", "bug": "70", "loop": "too slow", "refuses": "well", "abort": "died of signal 6", "silent": "74",
        "memory": "out of memory", "talks": "more than 12 lines", "warns": "warning", "nan": "stdout is not one JSON object",
        "twice": "stdout is not one JSON object", "sleep": "hangs",
    }  # fmt: skip
    done = python(Path(__file__).with_name("planted.py"), tmp_path, 0.5, *wanted, "good", seconds=120)
    assert done.returncode == 0, done.stderr
    said = [line.split("\t") for line in done.stdout.splitlines()]
    assert [word for word, _ in said] == [*wanted, "good"]
    for word, fault in said:
        slow = {fault, "too slow"} if word == "loop" and fault == "hangs" else {fault}  # it had no processor to itself
        assert wanted[word] in slow, (word, fault)
