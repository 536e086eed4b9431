# SPDX-License-Identifier: Apache-2.0
"""Delays that stretch: where qubits wait beside conditions, for IBM's service alone, and what it resolved them to is kept."""

from __future__ import annotations

import json

import pytest
from qiskit import QuantumCircuit

import stinespring
from standin import StandIn
from stinespring.backends.registry import target_of
from stinespring.circuits.devices.legality import AER, IBM, LATTICE, violations
from stinespring.compiler.devices.stretches import with_stretches
from stinespring.compiler.export.faithful import require_padded
from stinespring.compiler.export.qasm import lowered_qasm
from stinespring.errors import DefectError, InputError

pytest.importorskip("qiskit_ibm_runtime")
SMALL = "ibm:ibm_standin_small"


def steered():
    """Qubit 2 waits while qubit 0 is measured and qubit 1 is steered; qubit 3 is not used yet."""
    circuit = QuantumCircuit(4, 3)
    circuit.sx(2)
    circuit.sx(0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(1)
    circuit.cz(1, 2)
    circuit.sx(3)
    circuit.measure(2, 1)
    return circuit


def test_who_waits_is_decoupled():
    given = steered()
    found = with_stretches(given, SMALL)
    assert [s.name for s in found.iter_stretches()] == ["wait0"]
    names = [(item.operation.name, [found.find_bit(q).index for q in item.qubits]) for item in found.data]
    shield = [(name, [2]) for name in ("delay", "x", "delay", "delay", "x", "delay")]
    begin = names.index(("barrier", [0, 1, 2]))
    assert names[begin + 1][0] == "measure" and names[begin + 2][0] == "if_else"
    assert names[begin + 3 : begin + 9] == shield
    assert names[begin + 9] == ("barrier", [0, 1, 2])
    require_padded(given, found)
    found.data.pop(begin + 4)  # planted: one of the pair is lost
    with pytest.raises(DefectError):
        require_padded(given, found)


def test_where_nobody_waits_nothing_changes():
    circuit = QuantumCircuit(2, 2)
    circuit.sx(0)
    circuit.measure([0, 1], [0, 1])
    assert with_stretches(circuit, SMALL).count_ops() == circuit.count_ops()


def test_only_the_service_resolves_them(two_tokens):
    for name in ("fake:boston", "line:3"):
        with pytest.raises(InputError, match="only IBM's service"):
            with_stretches(steered(), name)
    with pytest.raises(InputError, match="only IBM's service"):
        stinespring.compile(two_tokens, prompt="a b", steps=1, target="line:3", delays="stretch")
    found = with_stretches(steered(), SMALL)
    assert not [v for v in violations(found, IBM) if "variable" in v.what]
    for rules in (AER, LATTICE):
        assert any("variable" in v.what for v in violations(found, rules))
    with pytest.raises(InputError, match="portable subset"):
        lowered_qasm(found)


def test_the_service_says_what_they_became(tmp_path, monkeypatch, invoke, examples):
    """A dynamic program with a qubit that waits; its law is judged at a false-alarm rate of 1e-9."""
    with StandIn() as serving:
        for name, value in serving.env(tmp_path).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("STINESPRING_HOME", str(tmp_path / "ledger"))
        words = [
            examples / "three_tokens.json",
            "--prompt",
            "sun rain",
            "--steps",
            "2",
            "--schedule",
            "dynamic",
            "--effort",
            "0",
        ]
        words += ["--feed-forward", "auto", "--extension", "position", "--delays", "stretch", "--shots", "500", "--seed", "1"]
        model = stinespring.load(examples / "two_tokens.json")
        program = stinespring.compile(
            model,
            prompt="a b",
            steps=3,
            schedule="dynamic",
            effort=0,
            extension="position",
            delays="stretch",
            target=target_of(SMALL),
        )
        stretches = [stretch.name for stretch in program.circuit.iter_stretches()]
        words = [examples / "two_tokens.json", "--prompt", "a b", "--steps", "3", "--schedule", "dynamic", "--effort", "0"]
        words += ["--extension", "position", "--delays", "stretch", "--shots", "500", "--seed", "1"]
        status, out, err = invoke("submit", *words, "--backend", SMALL, "--yes", "--json")
        assert status == 0, err
        status, out, err = invoke("fetch", "latest", "--wait", "60", "--alpha", "1e-9", "--resolution", "0.5", "--json")
        assert status == 0, err
        [[part]] = json.loads(out)["executed"].values()
        assert [each["name"] for each in part.get("stretches", [])] == sorted(stretches)
        assert stretches, "the program was chosen so that a qubit waits"
        assert not serving.jobs()[-1]["refused"]
