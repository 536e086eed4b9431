# SPDX-License-Identifier: Apache-2.0
"""What nobody foresaw ends with one message and a status of its own: 1 means FAIL and nothing else."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from stinespring.pipeline.running import check
from stinespring.stages import Verdict

Invoke = Callable[..., Any]

ROOT = Path(__file__).resolve().parents[2]
LAW = ["law", "examples/two_tokens.json", "--prompt", "a b", "--steps", "2"]
WRITTEN = {"--plot": b"a.svg", "--report": b"b.html", "-o": b"c.qasm", "--draw": b"d.png"}
TWO_TOKENS = ROOT / "examples" / "two_tokens.json"
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


@pytest.mark.parametrize(("resolution", "status"), [("0.05", 70), ("0.0001", 3)])
def test_a_figure_that_fails_swallows_no_verdict(
    resolution: str, status: int, tmp_path: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*words: object) -> None:
        raise ValueError("mathtext")

    monkeypatch.setattr("stinespring.cli.texts.shown.plot", broken)
    page = tmp_path / "page.html"
    files = ["--plot", tmp_path / "figure.png", "--report", page]
    done = invoke("run", TWO_TOKENS, *RUN[2:], "--resolution", resolution, *files)
    assert ("PASS: p = " if status == 70 else "UNVERIFIED: p = ") in done.stdout
    assert "ValueError" in done.stderr
    assert done.returncode == status  # of the verdict unless that is PASS: then what was asked for is not all there
    assert page.exists()  # one file that fails does not keep the other from being written


def test_fail_stays_fail_whatever_becomes_of_the_figure(
    tmp_path: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*words: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("stinespring.cli.texts.shown.plot", full)
    monkeypatch.setattr("stinespring.pipeline.whole.check", lambda samples, **more: failing(check(samples, **more)))
    done = invoke("run", TWO_TOKENS, *RUN[2:], "--plot", tmp_path / "figure.png")
    assert "FAIL: planted" in done.stdout
    assert "No space left" in done.stderr
    assert done.returncode == 1


def failing(verdict: Verdict) -> Verdict:
    return replace(verdict, verdict="FAIL", reason="planted")


@pytest.mark.parametrize("verb", ["run", "check"])
def test_a_verdict_that_cannot_be_printed_is_in_the_message(verb: str, invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*words: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(f"stinespring.cli.{'texts.shown' if verb == 'run' else 'runs.check'}.print_verdict", broken)
    counts = ["--prompt", "a b", "--steps", "2", "--counts", ROOT / "examples" / "counts.json"]
    done = invoke(verb, TWO_TOKENS, *(RUN[2:] if verb == "run" else counts))
    assert done.returncode == 70
    assert re.search("the verdict is (PASS|UNVERIFIED): p = ", done.stderr)
    assert len(done.stderr.splitlines()) <= 12


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_messages_that_cannot_be_written_change_no_status(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for words, status in (([*LAW[:4], "a b", "--steps", "0"], 2), ([*RUN, "--resolution", "0.0001"], 3)):
        with suppress(OSError), Path("/dev/full").open("w") as full:
            monkeypatch.setattr("sys.stderr", full)
            found.append((invoke(words[0], TWO_TOKENS, *words[2:]).returncode, status))
    assert [status for status, _ in found] == [status for _, status in found] == [2, 3]


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


def test_half_a_character_in_a_file_is_refused(save: Callable[..., Path], invoke: Invoke) -> None:
    half = {"format": "stinespring/table@1", "tokens": ["\ud83d", "b"], "context": 0, "law": [[0.5, 0.5]]}
    for words in (["law", save(half)], ["check", TWO_TOKENS, "--counts", save({"counts": {"\ud83d": 1}}, "counts.json")]):
        done = invoke(*words, "--prompt", "a b", "--steps", "1")
        assert done.returncode == 2
        assert "half a character" in done.stderr


def test_a_whole_character_in_two_escapes_is_one(tmp_path: Path, invoke: Invoke) -> None:
    model = tmp_path / "model.json"
    model.write_text('{"format": "stinespring/table@1", "tokens": ["\\ud83d\\ude00", "b"], "context": 0, "law": [[0.5, 0.5]]}')
    done = invoke("law", model, "--prompt", "", "--steps", "1", "--json")
    assert json.loads(done.stdout)["joint"] == {"\U0001f600": 0.5, "b": 0.5}


def test_a_name_that_is_no_text(tmp_path: Path, invoke: Invoke) -> None:
    model = tmp_path / os.fsdecode(b"\xff$_^.json")
    model.write_bytes(TWO_TOKENS.read_bytes())
    files = {option: tmp_path / os.fsdecode(b"\xfe" + name) for option, name in WRITTEN.items()}
    done = invoke("run", model, *RUN[2:], "--plot", files["--plot"], "--report", files["--report"])
    assert (done.returncode, "PASS" in done.stdout) == (0, True)
    assert invoke("compile", model, *RUN[2:6], "-o", files["-o"], "--draw", files["--draw"]).returncode == 0
    assert all(file.exists() for file in files.values())
    assert r"\udcff$_^" in files["--report"].read_text(encoding="utf-8")


LONG = "a" * 250
REFUSED = {
    "plot": ["run", "examples/two_tokens.json", "--plot", f"{LONG}aaaa.png"],
    "report": ["run", "examples/two_tokens.json", "--report", f"{LONG}aaaa.html"],
    "draw": ["compile", "examples/two_tokens.json", "--draw", f"{LONG}/a.svg"],
    "movie": ["sphere", "run", "examples/sphere.json", "--movie", f"{LONG}aaaa.gif"],
    "arrays": ["sphere", "run", "examples/sphere.json", "-o", f"{LONG * 2}/a.npz"],
    "network": ["spins", "meanfield", "examples/spins.json", "-o", f"{LONG}aaaa.json"],
    "states": ["lens", "glassllm:en", "--full", f"{LONG}aaaa.npz"],
}


@pytest.mark.parametrize("words", REFUSED.values(), ids=REFUSED)
def test_names_that_no_file_can_have_are_refused_before_the_work(
    words: list[str], invoke: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def worked(*words: object, **more: object) -> None:
        raise AssertionError("the work was done first")

    for place in ("runs.run.run_named", "runs.compile.compile_source", "spins.spins.mean_field", "lens.lens.named_decoder"):
        monkeypatch.setattr(f"stinespring.cli.{place}", worked)
    monkeypatch.setattr(import_module("stinespring.models.sphere.simulate"), "simulate", worked)
    monkeypatch.chdir(tmp_path)
    steps = ["--prompt", "a b"] if words[0] != "sphere" and words[0] != "spins" else []
    more = [*steps, "--steps", "1"] if words[0] != "lens" else ["--prompt", "a"]
    done = invoke(*[str(ROOT / word) if word.startswith("examples/") else word for word in words], *more)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) <= 12


def test_a_name_as_long_as_names_can_be(tmp_path: Path, invoke: Invoke) -> None:
    figure = tmp_path / f"{LONG}b.png"
    assert invoke("compile", TWO_TOKENS, *RUN[2:6], "--draw", figure).returncode == 0
    assert figure.exists()


def test_an_id_that_is_no_text(invoke: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STINESPRING_HOME", str(tmp_path))
    done = invoke("fetch", os.fsdecode(b"\xff"))
    assert (done.returncode, "no such run" in done.stderr) == (2, True)
