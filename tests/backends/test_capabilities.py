# SPDX-License-Identifier: Apache-2.0
"""What is said of backends is so: tried capabilities, stated ones, packages of others that work, are broken or abort."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from sampling import sampled
from stinespring.backends import open_backend
from stinespring.backends.probing.probe import MAJORITY, circuits, share, tried
from stinespring.backends.registry import KINDS
from stinespring.circuits.devices.snapshots import classes, configurations, snapshot, snapshot_target
from stinespring.compiler.devices.lower import lower
from stinespring.errors import InputError

KEYS = {"name", "installed", "qubits", "mid_circuit_measurement", "reset", "conditions", "noise", "probed"}
PLUGIN = """
import numpy as np
from stinespring.readings import Outcomes
from stinespring.stages import Capabilities

class Zeros:
    keeps_jobs = False
    name = "zeros"
    capabilities = Capabilities()
    def metadata(self):
        return {}
    def close(self):
        pass
    def sample(self, batch, seed, report=None):
        return [
            Outcomes(names, np.zeros((1, len(names)), dtype=np.int64), np.array([shots]))
            for item in batch.items
            for names in [tuple(r.name for r in item.circuit.cregs)]
            for shots in item.shots
        ]

class Half:
    def sample(self, circuit, angles, shots, seed):
        return []

def open_zeros(name, options):
    return Half() if name == "half" else Zeros()
"""


@pytest.fixture
def packages(tmp_path):
    """A folder with three packages that offer backends; returns the environment that sees it."""
    (tmp_path / "zeros.py").write_text(PLUGIN)
    (tmp_path / "broken.py").write_text("import a_module_that_is_not_there\n")
    (tmp_path / "aborts.py").write_text("import os\nos.abort()\n")
    info = tmp_path / "others-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[stinespring.backends]\naborts = aborts:open\nbroken = broken:open\nzeros = zeros:open_zeros\n"
    )
    (tmp_path / "braket.py").write_text("raise RuntimeError('this extra is broken')\n")  # installed, and of no use
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    return os.environ | {"PYTHONPATH": path}


def command(*words, env=None):
    return subprocess.run(
        [sys.executable, "-m", "stinespring.cli.main", *words], capture_output=True, text=True, env=env, timeout=300
    )


def test_the_list(packages):
    """One run of the command: keys, what Aer does, devices as they say, and packages of others, broken ones included."""
    done = command("backends", "--json", "--probe", "zeros", env=packages)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    rows = {row["name"]: row for row in json.loads(done.stdout)["backends"]}
    assert all(set(row) >= KEYS for row in rows.values())
    assert not rows["braket"]["installed"] and "RuntimeError: this extra is broken" in rows["braket"]["reason"]
    able = ["mid_circuit_measurement", "reset", "conditions"]
    assert [rows["aer"][name] for name in able] == [True] * 3 and rows["aer"]["probed"]
    assert [rows["aer?method=extended_stabilizer"][name] for name in able] == [True, True, False]
    assert rows["aer?noise=NAME|FILE"]["noise"] is True and rows["aer?noise=NAME|FILE"]["probed"]
    assert rows["fake:boston"]["qubits"] == 156 and not rows["fake:boston"]["probed"]
    assert rows["broken"]["installed"] is False and "a_module_that_is_not_there" in rows["broken"]["reason"]
    assert rows["aborts"]["installed"] is False and rows["aborts"]["reason"]
    assert rows["zeros"]["installed"] and rows["zeros"]["probed"]
    assert [rows["zeros"][name] for name in able] == [False] * 3, "a backend that reads 0 always does none of it"


def test_a_package_of_others_runs_programs(packages, save):
    model = save({"format": "stinespring/table@1", "tokens": ["a", "b"], "context": 0, "law": [[0.5, 0.5]]})
    done = command(
        "run", str(model), "--prompt", "", "--steps", "1", "--shots", "50", "--backend", "zeros", "--json", env=packages
    )
    assert done.returncode == 1, "always the same token is not a fair coin"
    assert len(json.loads(done.stdout)["counts"]) == 1
    done = command("run", str(model), "--prompt", "", "--steps", "1", "--backend", "zeros:half", env=packages)
    assert done.returncode == 2 and "Half without keeps_jobs, name, capabilities, metadata, close" in done.stderr
    done = command("run", str(model), "--prompt", "", "--steps", "1", "--backend", "broken", env=packages)
    assert done.returncode == 2 and "cannot be loaded" in done.stderr and "Traceback" not in done.stderr


def test_the_table_marks_only_what_was_tried(invoke):
    done = invoke("backends", "--all")
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line.strip()}
    assert "✓" in lines["aer"] and "✗" in lines["aer?method=extended_stabilizer"]
    assert "✓" not in lines["fake:boston"] and "yes" in lines["fake:boston"]


@pytest.mark.parametrize("name", ["boston", "manila", "almaden", "berlin", "fez"])
def test_configurations_say_what_targets_have(name):
    from stinespring.backends.probing.listing import devices

    row = next(row for row in devices() if row.name == f"fake:{name}")
    target = snapshot_target(name)
    assert row.qubits == target.num_qubits
    assert row.conditions == ("if_else" in target.operation_names)
    assert row.reset == ("reset" in target.operation_names)


def test_every_snapshot_has_its_configuration():
    assert set(configurations()) == set(classes())
    assert configurations()["boston"]["n_qubits"] == snapshot("boston").num_qubits


def test_a_simulated_device_does_what_it_says():
    assert all(tried(open_backend("fake:boston"), lower).values())
    assert tried(open_backend("fake:almaden"), lower)["conditions"] is False


def test_wrong_executions_are_seen():
    """Dropping a reset changes what is read, and so does dropping the condition that holds."""
    backend = open_backend("aer")
    for circuit, expected in circuits().values():
        for place, item in enumerate(circuit.data):
            name = item.operation.name
            if name == "reset" or (name == "if_else" and item.operation.condition[1] == 1):
                changed = circuit.copy_empty_like()
                for other in circuit.data[:place] + circuit.data[place + 1 :]:
                    changed.append(other)
                [outcomes] = sampled(backend, changed, 20, 1)
                assert share(outcomes, expected) < MAJORITY, (name, place)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"aer", "fake"}))
def test_a_missing_extra_is_one_message(monkeypatch, kind):
    from stinespring.backends import registry

    monkeypatch.setitem(registry.EXTRAS, kind, ("extra", "a_module_that_is_not_there"))
    with pytest.raises(InputError, match=r"stinespring\[extra\]"):
        open_backend(f"{kind}:x")


@pytest.mark.parametrize(
    "words",
    [["--probe", "nowhere"], ["--probe", "aer?="], ["--backend", "fake:boston"], ["--save-calibration", "x.json"],
     ["--save-calibration", "x.json", "--backend", "aer"],
     ["--save-calibration", "no/such/x.json", "--backend", "fake:manila"]],
)  # fmt: skip
def test_bad_options_are_refused(tmp_path, monkeypatch, words, invoke):
    monkeypatch.chdir(tmp_path)
    done = invoke("backends", *words)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) <= 12 and "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_calibration_is_saved_and_used(tmp_path, monkeypatch, invoke):
    monkeypatch.chdir(tmp_path)
    done = invoke("backends", "--save-calibration", "manila.json", "--backend", "fake:manila", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["name"] == "fake:manila"
    assert open_backend("aer?noise=manila.json").calibration == open_backend("fake:manila").calibration
