# SPDX-License-Identifier: Apache-2.0
"""Lowering: the device's gates and coupling only, the same law, no more gates than Qiskit's own route from a peer's circuit."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit.library import UCRYGate
from qiskit.transpiler import generate_preset_pass_manager

import stinespring
from oracles.qasm_runner import distribution
from stinespring.circuits.devices.targets import open_target
from stinespring.errors import InputError, TooLargeError
from stinespring.models.texts.table import TableModel


@pytest.fixture(scope="module")
def chain():
    rows = np.random.default_rng(2).dirichlet(np.ones(4), size=4)
    return TableModel({"tokens": list("abcd"), "context": 1, "law": rows.tolist()})


def test_only_the_devices_gates_on_its_couplings(chain):
    device = open_target("line:5")
    program = stinespring.compile(chain, prompt="a", steps=2, schedule="static", effort=0, target="line:5")
    text = program.qasm3()
    assert set(re.findall(r"^([a-z]+)\b", text, flags=re.MULTILINE)) <= {"include", "qubit", "bit", "rz", "sx", "x", "cz", "t"}
    edges = set(device.target.build_coupling_map().get_edges())
    for a, b in re.findall(r"^cz q\[(\d+)\], q\[(\d+)\];", text, flags=re.MULTILINE):
        assert {(int(a), int(b)), (int(b), int(a))} & edges
    plain = stinespring.compile(chain, prompt="a", steps=2, schedule="static", effort=0)
    assert distribution(text, ["t1", "t2"]) == pytest.approx(distribution(plain.qasm3(), ["t1", "t2"]), abs=1e-9)
    assert program.passes[-1].name == "lower" and program.passes[-1].applied
    assert program.passes[-1].two_qubit_gates == program.cost.two_qubit_gates == text.count("\ncz ")


def test_a_lowered_program_runs_and_passes(chain):
    """Idle qubits of a device cost nothing on a simulator: 115 qubits of heavy-hex:7, of which a few are used."""
    program = stinespring.compile(chain, prompt="a", steps=2, schedule="static", effort=0, target="heavy-hex:7")
    assert program.cost.qubits > 100
    assert stinespring.check(stinespring.run(program, shots=20_000, seed=4), alpha=1e-6).passed


def test_a_quantum_prompt_is_found_by_the_layout(chain, tmp_path):
    """The law of a lowered program for every prompt, prepared on the qubits that FILE.json names."""
    program = stinespring.compile(chain, prompt="a", steps=1, input="quantum", effort=0, target="line:5")
    program.write(tmp_path / "p.qasm")
    layout = json.loads((tmp_path / "p.json").read_text())["layout"]
    table = next(r.symbols for r in program.registers if r.name == "t1")
    for prompt in range(4):
        start = sum(1 << qubit for bit, qubit in enumerate(layout["p1"]) if prompt >> bit & 1)
        for (code,), p in distribution(program.qasm3(), ["t1"], {"q": start}).items():
            assert p == pytest.approx(chain.table[prompt, table[code]] if table[code] >= 0 else 0.0, abs=1e-9)


@pytest.mark.parametrize("name", ["line:-3", "grid:-1x-4", "line:999999999", "heavy-hex:999999", "heavy-hex:-1"])
def test_sizes_that_no_device_has_are_refused(name):
    with pytest.raises(InputError):
        open_target(name)


def test_never_more_than_qiskit_from_the_peers_circuit(chain):
    """The peer: uniformly controlled Ry (Qiskit's UCRYGate), lowered by Qiskit's own level 3."""
    ours = stinespring.compile(chain, prompt="a", steps=1, input="quantum", phases="free", effort=0, target="heavy-hex:3")
    peer = QuantumCircuit(4)
    for bit, controls in ((3, [0, 1]), (2, [0, 1, 3])):
        angles = np.random.default_rng(bit).uniform(0.2, 2.9, 2 ** len(controls))
        peer.append(UCRYGate(angles.tolist()), [bit, *controls])
    manager = generate_preset_pass_manager(optimization_level=3, target=open_target("heavy-hex:3").target, seed_transpiler=1)
    assert ours.cost.two_qubit_gates <= manager.run(peer).num_nonlocal_gates()


@pytest.mark.parametrize("name", ["nowhere", "line:x", "grid:3", "heavy-hex:2"])
def test_unknown_targets_are_refused(chain, name):
    with pytest.raises(InputError):
        stinespring.compile(chain, prompt="a", steps=1, target=name)


def test_a_program_that_does_not_fit_names_the_size(chain):
    with pytest.raises(TooLargeError, match="at most 2"):
        stinespring.compile(chain, prompt="a", steps=2, schedule="static", effort=0, target="line:2")
