# SPDX-License-Identifier: Apache-2.0
"""Whatever native code does, the command can be interrupted, and an abort ends with a message and a status of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAW = ["law", "examples/two_tokens.json", "--prompt", "a b", "--steps", "2"]
AT_MOST = 5.0  # seconds; 2 are promised (docs/performance.md), and machines that test are busy
WORKING = b"working\n"
PLANTED = """
import os, signal, sys, time
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup has it ignored
from stinespring.cli import main
def work(*words, **more):
    sys.stderr.write("working\\n")
    sys.stderr.flush()
{body}
main.application = lambda verb: work  # before anything native is loaded, as it is when the command begins
main.main()
"""
AER = """
    from qiskit import QuantumCircuit
    from qiskit_aer import AerSimulator
    circuit = QuantumCircuit(22)
    for layer in range(400):
        for qubit in range(22):
            circuit.ry(0.1 + layer, qubit)
            circuit.cx(qubit, (qubit + 1) % 22)
    circuit.measure_all()
    AerSimulator(method="statevector", max_parallel_threads=1).run(circuit, shots=10).result()
"""
DEAF = """
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    time.sleep(100)
"""
LOOP = """
    while True:
        pass
"""
ENDING = """
    try:
        time.sleep(100)
    finally:
        time.sleep(0.1)
        sys.stderr.write("closed\\n")
"""


def started(body: str, *words: str) -> subprocess.Popen[str]:
    """Start the command line in a fresh process and session, with work planted; return when it works."""
    process = subprocess.Popen(
        [sys.executable, "-c", PLANTED.format(body=body), *LAW, "--json"], cwd=ROOT, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    said = b""
    while len(said) < len(WORKING):  # no more than that: what is read ahead here is not seen by communicate()
        part = os.read(process.stderr.fileno(), len(WORKING) - len(said))
        assert part, f"it ended with {process.wait()} after {said!r}"
        said += part
    assert said == WORKING
    return process


def members(session: int) -> list[int]:
    """The living processes of a session; one that is being ended has closed its pipes before it is gone, and has a while."""
    words, until = ["ps", "-o", "pid=,stat=", "-s", str(session)], time.monotonic() + AT_MOST
    while True:
        found = subprocess.run(words, capture_output=True, text=True, check=False).stdout
        left = [int(line.split()[0]) for line in found.splitlines() if not line.split()[1].startswith("Z")]
        if not left or time.monotonic() > until:
            return left
        time.sleep(0.05)


@pytest.mark.parametrize("body", [AER, DEAF, LOOP], ids=["aer", "deaf", "loop"])
@pytest.mark.parametrize("terminal", [True, False])
def test_ctrl_c_ends_whatever_works(body: str, terminal: bool) -> None:
    process = started(body)
    if body == AER:
        time.sleep(3)  # it has been imported, and simulates
    begun = time.monotonic()
    (os.killpg if terminal else os.kill)(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert time.monotonic() - begun < AT_MOST
    assert (process.returncode, out, err) == (130, "", "stinespring: interrupted\n")
    assert members(process.pid) == []


def test_an_interrupted_command_may_close_what_it_holds() -> None:
    """Ctrl-C reaches both processes, and is passed on: the second one does not interrupt the end that the first began."""
    process = started(ENDING)
    time.sleep(0.5)  # it has come to its try
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "closed\nstinespring: interrupted\n")


@pytest.mark.parametrize(
    ("body", "named"),
    [("    os.abort()", "SIGABRT"), ("    os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
     ("    os.kill(os.getpid(), signal.SIGKILL)", "memory")],
)  # fmt: skip
def test_an_abort_is_a_failed_backend(body: str, named: str) -> None:
    process = started(body)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (4, "")
    assert named in err
    assert "to do: " in err
    assert len(err.splitlines()) == 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_are_passed_on(number: signal.Signals) -> None:
    process = started(DEAF)
    os.kill(process.pid, number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (-number, "", "")
    assert members(process.pid) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_killed_it_leaves_nothing_behind() -> None:
    process = started(DEAF)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)  # both ends of the pipes are closed
    assert members(process.pid) == []


IMPORTING = """
import os, signal, sys
class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
sys.argv = ["stinespring", "jobs"]
from stinespring.cli.entry import main
main()
"""


@pytest.mark.parametrize("name", ["stinespring.cli.main", "typer", "stinespring.cli.supervisor"])
def test_an_interruption_before_the_command_is_imported_is_one_line(name):
    done = subprocess.run(
        [sys.executable, "-c", IMPORTING.format(name=name)], capture_output=True, text=True, timeout=60, cwd=ROOT
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "stinespring: interrupted\n")
