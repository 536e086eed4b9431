# SPDX-License-Identifier: Apache-2.0
"""Circuits of spins: exported programs give the enumerated law, exactly, in an interpreter that shares no code."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracles import plain_spins
from oracles.qasm_runner import distribution
from stinespring.circuits.systems.spin_tokens import token_angles
from stinespring.compiler.export.lowering import flow_cost
from stinespring.compiler.systems.spins import compile_spins
from stinespring.errors import InputError, TooLargeError
from stinespring.models.spins import draw_network, network_content, read_network
from strategies import spin_networks


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("spins") / "network.json"


def load(data, path):
    path.write_text(json.dumps(data))
    return read_network(path)


def same(found, law):
    for text in {*found, *law}:
        assert abs(found.get(text, 0.0) - law.get(text, 0.0)) < 1e-10


@settings(max_examples=30)
@given(spin_networks(spins=2), st.integers(1, 4), st.sampled_from(["static", "dynamic"]))
def test_the_exported_program_gives_the_enumerated_law(path, data, steps, schedule):
    data["gamma"] = min(data["gamma"], 20.0)
    program = compile_spins(load(data, path), steps=steps, schedule=schedule)
    found = distribution(program.qasm3(), [f"t{step}" for step in range(1, steps + 1)])
    same(found, plain_spins.joint_law(data, steps))


def test_a_context_of_one_token_tests_its_own_register(path):
    network = draw_network(M=2, N=2, P=0, eps=0.0, gamma=2.0, beta=0.8, seed=3)
    program = compile_spins(network, steps=4, schedule="dynamic")
    assert "h1" not in program.qasm3()
    same(distribution(program.qasm3(), ["t1", "t2", "t3", "t4"]), plain_spins.joint_law(network_content(network), 4))


@settings(max_examples=15)
@given(spin_networks(spins=2), st.integers(1, 3))
def test_the_cost_of_conditions_is_that_of_the_worst_path(path, data, steps):
    program = compile_spins(load(data, path), steps=steps, schedule="dynamic")
    walked = flow_cost(program.flow)
    assert program.cost == replace(walked, depth=program.cost.depth)
    assert walked.depth <= program.cost.depth <= walked.depth + steps


def test_qiskit_reads_the_program_and_the_static_circuit_is_its_state():
    from qiskit import qasm3
    from qiskit.quantum_info import Statevector

    network = draw_network(M=3, N=2, P=1, eps=0.1, gamma=4.0, beta=1.1, seed=8)
    law = plain_spins.joint_law(network_content(network), 3)
    program = compile_spins(network, steps=3, schedule="static")
    for circuit in (program.circuit, qasm3.loads(program.qasm3())):
        state = Statevector(circuit.remove_final_measurements(inplace=False)).probabilities()
        for code, p in enumerate(state):
            assert abs(p - law[code & 3, code >> 2 & 3, code >> 4]) < 1e-12
    dynamic = qasm3.loads(compile_spins(network, steps=3, schedule="dynamic").qasm3())
    assert dynamic.num_qubits == 2


def test_one_token_has_one_rotation_a_spin_and_nothing_else():
    network = draw_network(M=3, N=50, P=2, eps=0.02, gamma=220.0, beta=1.27, repeat=2, seed=1)
    program = compile_spins(network, steps=7)
    assert program.cost.two_qubit_gates == 0
    assert program.cost.qubits == 100
    text = program.qasm3()
    assert len(re.findall(r"^ry\(a\d+\)", text, flags=re.M)) == 100
    assert {name.size for name in program.circuit.cregs} == {60, 40}  # values fit in 64 bits


def test_angles_keep_small_probabilities():
    beta_h = np.array([-300.0, -20.0, 0.0, 0.7, 20.0, 300.0, 1e4])
    minus = np.sin(token_angles(beta_h) / 2) ** 2
    np.testing.assert_allclose(minus[1:-1], 1 / (1 + np.exp(2 * beta_h[1:-1])), rtol=1e-12)
    assert minus[0] == 1.0 and minus[-1] == 0.0


def test_a_folder_lists_angles_that_give_the_enumerated_law(path, tmp_path):
    network = draw_network(M=2, N=2, P=1, eps=0.1, gamma=3.0, beta=1.0, seed=4)
    compile_spins(network, steps=3).write(tmp_path / "program")
    description = json.loads((tmp_path / "program" / "program.json").read_text())
    prefixes = json.loads((tmp_path / "program" / "angles.json").read_text())["prefixes"]
    assert description["complete"] and len(prefixes) == 1 + 4 + 16
    law = plain_spins.joint_law(network_content(network), 3)
    names = description["decode"]["t1"]
    for text, weight in law.items():
        p = 1.0
        for step, value in enumerate(text):
            entry = prefixes[" ".join(names[str(v)] for v in text[:step])]
            assert abs(entry["probability"] - p) < 1e-12
            template = (tmp_path / "program" / entry["template"]).read_text()
            assert f"bit[2] t{step + 1};" in template
            minus = np.sin(np.array(entry["angles"]) / 2) ** 2
            p *= np.prod([m if value >> i & 1 else 1 - m for i, m in enumerate(minus)])
        assert abs(p - weight) < 1e-12


def test_what_cannot_be_listed_is_said(tmp_path):
    network = draw_network(M=2, N=40, P=1, eps=0.1, gamma=3.0, beta=1.0, seed=4)
    compile_spins(network, steps=2).write(tmp_path / "program")
    description = json.loads((tmp_path / "program" / "program.json").read_text())
    assert (description["steps_listed"], description["complete"]) == (1, False)
    assert description["decode"] == {}


def test_the_same_network_gives_the_same_bytes(tmp_path):
    network = draw_network(M=2, N=2, P=1, eps=0.1, gamma=3.0, beta=1.0, seed=4)
    for name in ("a", "b"):
        compile_spins(network, steps=3, schedule="dynamic").write(tmp_path / f"{name}.qasm")
    assert (tmp_path / "a.qasm").read_bytes() == (tmp_path / "b.qasm").read_bytes()
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    other = compile_spins(network.with_beta(1.1), steps=3, schedule="dynamic")
    assert other.hash != compile_spins(network, steps=3, schedule="dynamic").hash


@pytest.mark.parametrize("schedule", ["static", "dynamic"])
def test_too_many_contexts_are_refused(schedule):
    network = draw_network(M=2, N=20, P=2, eps=0.1, gamma=3.0, beta=1.0, seed=4)
    with pytest.raises(TooLargeError, match="stepwise"):
        compile_spins(network, steps=5, schedule=schedule)
    assert compile_spins(network, steps=1, schedule=schedule).cost.qubits == 20


def test_attention_vectors_leave_tokens_open(path):
    data = network_content(draw_network(M=2, N=2, P=0, eps=0.1, gamma=3.0, beta=1.0, seed=4))
    del data["window"]
    with pytest.raises(InputError, match="attention_window"):
        compile_spins(load(data | {"attention_window": [[0.1, 0.2]]}, path), steps=1)


@pytest.mark.parametrize("change", [{"steps": 0}, {"schedule": "auto"}])
def test_unusable_numbers(change):
    network = draw_network(M=2, N=2, P=0, eps=0.1, gamma=3.0, beta=1.0, seed=4)
    with pytest.raises(InputError):
        compile_spins(network, **({"steps": 1} | change))
