# SPDX-License-Identifier: Apache-2.0
"""What does not fit is refused before the work, with figures, whichever limit it is that sets them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stinespring import memory
from stinespring.backends.aer.backend import AerBackend
from stinespring.backends.aer.methods import state_bytes
from stinespring.batches import Batch, Item
from stinespring.errors import TooLargeError
from stinespring.memory import Room, available, capacity, group_rooms, require_memory
from stinespring.models.channels.cptp import choi_of_kraus

MB = 1 << 20


def group(folder: Path, **files: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in files.items():
        (folder / name.replace("__", ".")).write_text(f"{value}\n")


@pytest.fixture
def system(tmp_path, monkeypatch):
    """A process and control groups of our own."""
    monkeypatch.setattr(memory, "PROCESS", tmp_path / "self")
    monkeypatch.setattr(memory, "GROUPS", tmp_path / "groups")
    (tmp_path / "self").mkdir()
    return tmp_path


def test_every_group_above_counts(system):
    """Version 2: the process's group has no limit, its parent the least; pages of files can be given back."""
    (system / "self" / "cgroup").write_text("0::/a/b\n")
    group(system / "groups" / "a" / "b", memory__max="max", memory__current=5 * MB)
    group(
        system / "groups" / "a", memory__max=100 * MB, memory__current=30 * MB, memory__stat=f"anon 7\ninactive_file {10 * MB}"
    )
    group(system / "groups", memory__max=400 * MB, memory__current=40 * MB)
    assert sorted(room.size for room in group_rooms()) == [80 * MB, 360 * MB]
    assert sorted(room.size for room in group_rooms(used=False)) == [100 * MB, 400 * MB]
    assert available() == Room(80 * MB, f"the control group {system / 'groups' / 'a'}")
    assert capacity().size == 100 * MB


def test_version_1_of_the_groups(system):
    (system / "self" / "cgroup").write_text("3:cpu:/x\n2:cpuset,memory:/job\n")
    group(system / "groups" / "memory" / "job", **{"memory__limit_in_bytes": 50 * MB, "memory__usage_in_bytes": 20 * MB})
    group(system / "groups" / "memory", **{"memory__limit_in_bytes": 0x7FFFFFFFFFFFF000, "memory__usage_in_bytes": 20 * MB})
    assert [room.size for room in group_rooms()] == [30 * MB]


def test_what_does_not_fit_is_refused_with_figures(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: Room(132 * MB, "ulimit -v"))
    require_memory(99 * MB, "the table", "use a smaller one")
    with pytest.raises(TooLargeError) as refused:
        require_memory(3.2e9, "the table", "use a smaller one")
    words = str(refused.value)
    assert (
        "the table does not fit" in words and "3.2 GB" in words and "105 MB, by ulimit -v" in words and "smaller one" in words
    )


LIMITED = """
import resource, sys
from stinespring.memory import available
import numpy
resource.setrlimit(getattr(resource, sys.argv[1]), (6 << 30,) * 2)
room = available()
try:
    found = numpy.ones((room.size + (64 << 20)) // 8)
except MemoryError:
    found = None
print(room.by, found is None, numpy.ones((room.size - (64 << 20)) // 8 // 64).size > 0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone says what a process uses")
@pytest.mark.parametrize(("limit", "by"), [("RLIMIT_AS", "ulimit -v"), ("RLIMIT_DATA", "ulimit -d")])
def test_the_limits_of_a_process(limit, by):
    """What is told is what the system gives: a little more is refused by it."""
    words = [sys.executable, "-c", LIMITED, limit]
    out = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120).stdout
    if "what the system has free" not in out and "control group" not in out:  # a machine with less than 6 GB
        assert out == f"{by} True True\n"


SIMULATED = """
import re, sys
import numpy as np
from qiskit import QuantumCircuit
from stinespring.backends.aer.backend import AerBackend
from stinespring.batches import Batch, Item
def sampled(qubits):  # states of several sizes first, so that what Aer loads once is loaded
    circuit = QuantumCircuit(qubits, qubits)
    circuit.h(range(qubits))
    circuit.measure(range(qubits), range(qubits))
    backend = AerBackend(sys.argv[1])
    backend.sample(Batch((Item(circuit, None, np.array([100])),), (1,)), 1)
    return backend._needed
sampled(2), sampled(18 if sys.argv[1] == "statevector" else 9)
def resident(field):  # kB; the ru_maxrss of getrusage would begin with that of the process that made this one
    return int(re.search(field + r":\\s*(\\d+) kB", open("/proc/self/status").read())[1])
before = resident("VmRSS")
needed = sampled(int(sys.argv[2]))
print(needed / 1024, resident("VmHWM") - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="kB of the peak")
@pytest.mark.parametrize(("method", "qubits"), [("statevector", 24), ("density_matrix", 12)])
def test_the_prediction_is_within_a_quarter_of_the_peak(method, qubits):
    words = [sys.executable, "-c", SIMULATED, method, str(qubits)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=300)
    predicted, peak = map(float, done.stdout.split())
    assert predicted == state_bytes(qubits, method) / 1024 == 262_144
    assert abs(predicted - peak) <= 0.25 * peak


def test_a_state_that_does_not_fit_is_refused_before_it_is_made(monkeypatch):
    from qiskit import QuantumCircuit

    circuit = QuantumCircuit(20, 1)
    circuit.h(range(20))
    circuit.measure(0, 0)
    monkeypatch.setattr(memory, "available", lambda: Room(40 * MB, "ulimit -v"))
    monkeypatch.setattr("stinespring.backends.aer.backend.run_counts", lambda *words: pytest.fail("it was simulated"))
    with pytest.raises(TooLargeError, match="does not fit in memory"):
        AerBackend().sample(Batch((Item(circuit, None, np.array([100])),), (1,)), 1)


def test_a_choi_matrix_of_64_gib_is_refused_as_such(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: Room(60 << 30, "what the system has free"))
    with pytest.raises(TooLargeError, match=r"about 68\.7 GB needed"):
        choi_of_kraus(np.eye(256, dtype=np.complex128)[None])


def test_submit_refuses_what_run_refuses(tmp_path, monkeypatch, invoke, examples):
    """Both in the same words, and nothing is written down."""
    monkeypatch.setenv("STINESPRING_HOME", str(tmp_path))
    monkeypatch.setattr(memory, "available", lambda: Room(32 * MB, "ulimit -v"))
    words = [examples / "two_tokens.json", "--prompt", "a b", "--steps", 3, "--shots", 2000, "--effort", 0]
    ran, sent = invoke("run", *words), invoke("submit", *words, "--yes")
    assert ran.returncode == sent.returncode == 2
    assert ran.stderr == sent.stderr and "does not fit in memory" in ran.stderr and "to do: " in ran.stderr
    assert json.loads(invoke("jobs", "--json").stdout) == {"jobs": []}
    assert os.listdir(tmp_path) == ["ledger.sqlite"]
