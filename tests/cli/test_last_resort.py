# SPDX-License-Identifier: Apache-2.0
"""What nobody foresaw ends with one message and a status of its own: 1 means FAIL and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAW = ["law", "examples/two_tokens.json", "--prompt", "a b", "--steps", "2"]
RUN = ["run", "examples/two_tokens.json", "--prompt", "a b", "--steps", "1", "--shots", "20000", "--seed", "1"]
DEFECT = """
import sys
from stinespring.cli import main
import {module} as module
def broken(*words, **more):
    raise {error}
module.{name} = broken
main.main()
"""


def started(code: str, words: list[str], **more: object) -> subprocess.CompletedProcess[str]:
    """Run the command line in a fresh process, with a defect planted."""
    return subprocess.run(
        [sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120, **more
    )  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize(
    "error", ["TypeError('of no use')", "RecursionError('deep')", "ZeroDivisionError('zero')", "KeyError('ffn')"]
)
def test_a_defect_is_no_fail(error: str) -> None:
    done = started(DEFECT.format(module="stinespring.cli.texts.law", name="print_json", error=error), [*LAW, "--json"])
    assert done.returncode == 70
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 3
    assert error.partition("(")[0] in done.stderr
    assert "report this" in done.stderr


def test_the_traceback_is_shown_to_who_asks() -> None:
    code = DEFECT.format(module="stinespring.cli.texts.law", name="print_json", error="TypeError('of no use')")
    done = started(code, [*LAW, "--json"], env=os.environ | {"STINESPRING_LOG": "DEBUG"})
    assert done.returncode == 70
    assert "Traceback" in done.stderr


def test_too_little_memory_is_bad_input() -> None:
    code = DEFECT.format(module="stinespring.cli.texts.law", name="print_json", error="MemoryError()")
    done = started(code, [*LAW, "--json"])
    assert done.returncode == 2
    assert "enough memory" in done.stderr


def test_a_figure_that_fails_swallows_no_verdict(tmp_path: Path) -> None:
    code = DEFECT.format(module="stinespring.cli.texts.shown", name="plot", error="ValueError('mathtext')")
    done = started(code, [*RUN, "--plot", str(tmp_path / "figure.png")])
    assert done.returncode == 70
    assert "PASS: p = " in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "stinespring.cli.main", *LAW], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True,
            check=False, timeout=120,
        )  # fmt: skip
    assert done.returncode == 74
    assert len(done.stderr.splitlines()) == 1


def test_a_reader_that_has_gone() -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "stinespring.cli.main", *LAW], cwd=ROOT, stdout=write, stderr=subprocess.PIPE, text=True,
            check=False, timeout=120,
        )  # fmt: skip
    finally:
        os.close(write)
    assert done.returncode == 74
    assert "Traceback" not in done.stderr


def test_a_closed_stdout() -> None:
    words = " ".join([sys.executable, "-m", "stinespring.cli.main", "law", "examples/two_tokens.json", "--prompt", "'a b'"])
    done = subprocess.run(
        ["sh", "-c", f"{words} --steps 2 >&-"], cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
