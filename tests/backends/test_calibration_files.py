# SPDX-License-Identifier: Apache-2.0
"""Calibrations that say what no device can be: refused with one message, or simulated as they say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stinespring.backends.aer.calibration import read_calibration
from stinespring.errors import InputError

Invoke = Callable[..., Any]

READOUT = [[0.98, 0.02], [0.03, 0.97]]
Change = Callable[[dict[str, Any]], object]


def calibration() -> dict[str, Any]:
    """Return four qubits in a line with every gate."""
    gates = [{"name": "cx", "qubits": [i, i + 1], "error": 0.01, "duration": 3e-7} for i in range(3)]
    alone = ("rz", "sx", "x", "measure", "reset")
    gates += [{"name": name, "qubits": [i], "error": 0.001, "duration": 1e-7} for i in range(4) for name in alone]
    qubits = [{"t1": 1e-4, "t2": 1e-4, "readout": READOUT} for _ in range(4)]
    return {"format": "stinespring/calibration@1", "name": "x", "conditions": True, "qubits": qubits, "gates": gates}


def with_gate(**gate: object) -> Change:
    return lambda data: data["gates"].append(gate)


REFUSED: dict[str, Change] = {
    "on one qubit": with_gate(name="cx", qubits=[0]),
    "on two qubits": with_gate(name="x", qubits=[0, 1]),
    "of two sizes": lambda data: data["gates"].extend([{"name": "own", "qubits": [0]}, {"name": "own", "qubits": [0, 1]}]),
    "twice": with_gate(name="cx", qubits=[0, 1], error=0.5),
    "no gate": with_gate(name="if_else", qubits=[0]),
    "long": with_gate(name="a" * 3000, qubits=[2, 3]),
    "measured twice": with_gate(name="measure_2", qubits=[0, 1]),
}
KEPT: dict[str, Change] = {
    "unknown of two qubits": with_gate(name="own", qubits=[2, 3], error=0.01),
    "t2 beyond 2 t1": lambda data: [qubit.update(t1=1e-5, t2=1e-3) for qubit in data["qubits"]],
    "every gate fails": lambda data: [gate.update(error=1.0) for gate in data["gates"]],
    "disconnected": lambda data: data["gates"].pop(1),
    "endless": lambda data: [gate.update(duration=1e300) for gate in data["gates"]],
}


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED)
def test_what_no_device_has_is_refused(change: Change, save: Callable[..., Path]) -> None:
    data = calibration()
    change(data)
    with pytest.raises(InputError, match="gate"):
        read_calibration(save(data))


@pytest.mark.parametrize("change", KEPT.values(), ids=KEPT)
def test_what_is_only_bad_is_simulated(change: Change, save: Callable[..., Path], invoke: Invoke, examples: Path) -> None:
    data = calibration()
    change(data)
    words = ["--prompt", "a b", "--steps", "1", "--shots", "100", "--seed", "1", "--effort", "0"]
    done = invoke("run", examples / "two_tokens.json", *words, "--backend", f"aer?noise={save(data)}", "--json")
    assert sum(json.loads(done.stdout)["counts"].values()) == 100
    assert done.returncode in (0, 1, 3)


@pytest.mark.parametrize("missing", ["cx", "rz", "measure"])
def test_a_device_on_which_the_circuit_cannot_be_written(
    missing: str, save: Callable[..., Path], invoke: Invoke, examples: Path
) -> None:
    data = calibration()
    data["gates"] = [gate for gate in data["gates"] if gate["name"] != missing]
    words = ["--prompt", "a b", "--steps", "2", "--shots", "100", "--effort", "0", "--codes", "free"]
    done = invoke("run", examples / "two_tokens.json", *words, "--backend", f"aer?noise={save(data)}")
    assert done.returncode == 2
    assert "cannot be written in the gates" in done.stderr
