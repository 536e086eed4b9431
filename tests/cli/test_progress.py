# SPDX-License-Identifier: Apache-2.0
"""A bar on a terminal after a second; nothing elsewhere, nothing on stdout, nothing left behind; Ctrl-C ends with 130."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time

import pytest

SCRIPT = """
import sys, time
from stinespring.cli.progress import progress
with progress("waiting") as report:
    time.sleep({before})
    report("step 2 of 4", 0.5)
    time.sleep({after})
print("done")
"""


def on_a_terminal(before, after):
    """Run the script with stderr on a terminal of its own; return stdout and what the terminal got."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(before=before, after=after)], stdout=subprocess.PIPE, stderr=theirs, text=True,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "100"},
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    return out, shown.decode()


def test_the_bar_appears_after_a_second_and_is_taken_away():
    out, shown = on_a_terminal(2.0, 1.0)
    assert out == "done\n"
    assert "waiting" in shown and "step 2 of 4" in shown and "50%" in shown and "\x1b" in shown
    assert shown.rstrip().endswith("\x1b[2K") or "\x1b[2K" in shown.rsplit("step 2", 1)[1]  # the line is erased


def test_what_is_soon_done_shows_nothing():
    assert on_a_terminal(0.0, 0.0) == ("done\n", "")


def test_nothing_where_nobody_looks():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(before=1.5, after=0.2)], capture_output=True, text=True, timeout=30
    )
    assert (done.stdout, done.stderr) == ("done\n", "")


def many(backend, schedule):
    return ["run", "examples/two_tokens.json", "--prompt", "a b", "--json", "--backend", backend, "--seed", "1",
            "--steps", "12", "--schedule", schedule, "--shots", "400000"]  # fmt: skip


@pytest.mark.parametrize("backend", ["aer", "braket:local"])
def test_ctrl_c_while_sampling(backend, examples):
    """In a process that has loaded NumPy before the command, which is not forked any more."""
    if backend.startswith("braket"):
        pytest.importorskip("braket.default_simulator", reason="the extra [braket] is not installed")
    process = subprocess.Popen(
        [sys.executable, "-c", PATIENT, *many(backend, "stepwise")], cwd=examples.parent,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    line = process.stderr.readline()
    assert line == "sampling\n"
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and out == "" and "Traceback" not in err and "interrupted" in err


# the command, which says when its first circuit is sampled
PATIENT = """
import sys, time
from stinespring.backends import execute
from stinespring.cli.main import main
before = execute.sample_body
def sample_body(*arguments, **options):
    sys.stderr.write("sampling\\n"); sys.stderr.flush()
    while True:
        result = before(*arguments, **options)
execute.sample_body = sample_body  # before a verb takes it
sys.argv[0] = "stinespring"
main()
"""
