# SPDX-License-Identifier: Apache-2.0
"""Exports read no bit before it is assigned, and do what the programs do that take it for 0."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from qiskit import qasm3

import stinespring
import strategies
from oracles.assigned_bits import unassigned as unassigned_in_text
from oracles.qasm_runner import distribution
from stinespring.circuits.core.flow import Flow, If, Measure, Reset
from stinespring.circuits.core.gates import Gate
from stinespring.circuits.devices.legality import IBM, violations
from stinespring.circuits.devices.targets import open_target
from stinespring.circuits.qasm.assigned import assigned, assigned_circuit, narrowed, unassigned, unassigned_of_circuit
from stinespring.compiler.export.dialects import written
from stinespring.compiler.export.qasm import flow_qasm, lowered_qasm
from stinespring.errors import TooLargeError
from stinespring.models.channels.cptp import CPTP
from stinespring.models.spins.files import network_from
from stinespring.models.texts.attention import AttentionModel
from stinespring.models.texts.table import TableModel

FLIP = (Gate("x", (0,)),)
CHAIN = Flow(  # three bits made one by one, the highest first, and asked for what is made
    (("q", 1),),
    (("t1", 3),),
    (
        Gate("ry", (0,), (1.0,)), Measure((0,), "t1", (2,)), Reset((0,)),
        If("t1", 4, (Gate("ry", (0,), (0.4,)),)), If("t1", 0, (Gate("ry", (0,), (0.9,)),)),
        Measure((0,), "t1", (1,)), Reset((0,)),
        If("t1", 6, (Gate("ry", (0,), (0.7,)),)), If("t1", 2, (Gate("ry", (0,), (1.3,)),)),
        Measure((0,), "t1", (0,)),
    ),
)  # fmt: skip


@settings(max_examples=15)
@given(st.data())
def test_programs_of_texts(data):
    content = data.draw(strategies.table_models(max_tokens=5, max_context=1))
    limits = data.draw(st.sampled_from([{}, {"max_qubits": 1}, {"feed_forward": "all"}]))
    if "max_qubits" in limits:
        limits = {"feed_forward": "all"} if content["context"] == 0 else limits
    steps = data.draw(st.integers(1, 3))
    program = stinespring.compile(
        TableModel(content), prompt=[0] * content["context"], steps=steps, schedule="dynamic", effort=0, **limits
    )
    require_assigned(program)


@settings(max_examples=8)
@given(st.data(), st.sampled_from(["token", "position", "dephased"]))
def test_programs_of_attention_with_a_quantum_prompt(data, extension):
    content = data.draw(strategies.attention_models(max_tokens=3, max_heads=2))
    prompt = data.draw(strategies.texts(content))[:2]
    assume(prompt)
    program = stinespring.compile(
        AttentionModel(content), prompt=prompt, steps=1, schedule="dynamic", effort=0, extension=extension, input="quantum"
    )
    require_assigned(program, compare=False)


@settings(max_examples=6)
@given(st.data())
def test_programs_by_rejection(data):
    content = data.draw(strategies.attention_models(max_tokens=3, max_heads=1, stop=False))
    prompt = data.draw(strategies.texts(content))[:2]
    try:
        program = stinespring.compile(AttentionModel(content), prompt=prompt, steps=1, attention="rejection", tolerance=0.4)
    except TooLargeError:
        assume(False)
    require_assigned(program, compare=program.cost.clbits <= 16)


@settings(max_examples=10)
@given(strategies.spin_networks(spins=2))
def test_programs_of_spins(content):
    require_assigned(stinespring.compile(network_from(content, "net"), steps=3, schedule="dynamic"))


@settings(max_examples=3)
@given(strategies.random_kraus(1, 1, 2) | strategies.random_kraus(2, 1, 5))
def test_trees_of_channels(kraus):
    require_assigned(stinespring.compile(CPTP.from_kraus(kraus), form="tree", effort=0), compare=False)


def require_assigned(program, compare=True) -> None:
    """No condition reads an unassigned bit; Qiskit reads the text; IBM's rules hold; the law is that of the flow alone."""
    form, text = program.body.form, program.qasm3()
    assert unassigned_in_text(text) == []
    circuit = qasm3.loads(text)
    assert unassigned_of_circuit(circuit) == []
    assert not violations(circuit, IBM)
    plain = flow_qasm(form)
    assert set(unassigned_in_text(plain)) == {f"{name}[{bit}]" for name, bit in unassigned(form)}
    if compare and form.clbits:
        names = [name for name, _ in form.classical]
        expected, found = distribution(plain, names), distribution(text, names)
        assert found == pytest.approx(expected, abs=1e-12)


def test_the_walk_sees_what_is_missing():
    text = written(CHAIN).text
    assert unassigned_in_text(text) == []
    assert unassigned_in_text(flow_qasm(CHAIN)) == ["t1[0]", "t1[1]"] * 2 + ["t1[0]"] * 2
    first = next(line for line in text.splitlines() if line.startswith("t1[0] = measure"))
    assert "t1[0]" in unassigned_in_text(text.replace(first + "\n", "", 1))


def test_a_single_measured_bit_is_asked_alone():
    found = narrowed(CHAIN)
    assert [(item.bit, item.value) for item in found.instructions if isinstance(item, If)][:2] == [(2, 1), (2, 0)]
    assert unassigned(found) == [("t1", 0)]
    for flow in (found, assigned(found)[0], assigned(CHAIN)[0]):
        assert distribution(flow_qasm(flow), ["t1"]) == pytest.approx(distribution(flow_qasm(CHAIN), ["t1"]), abs=1e-12)


def test_what_can_never_hold_is_left_out_and_what_always_holds_is_none():
    flow = Flow((("q", 1),), (("h", 2),), (If("h", 1, FLIP), If("h", 0, FLIP), If("h", 9, FLIP), Measure((0,), "h", (0,))))
    assert narrowed(flow).instructions == (FLIP[0], Measure((0,), "h", (0,)))


def test_bits_that_no_condition_needs_are_dropped_from_spare_registers():
    tests = (Measure((0,), "h", (1,)), If("h", 2, FLIP), If("h", 3, FLIP), Measure((0,), "h", (0,)))
    found = narrowed(Flow((("q", 1),), (("h", 2),), tests), spare=["h"])
    assert found.classical == (("h", 1),)
    assert found.instructions == (Measure((0,), "h", (0,)), If("h", 1, FLIP))


@pytest.mark.parametrize(
    ("quantum", "at", "declared"),
    [((("sys", 1), ("env", 1)), 0, 2), ((("p1", 1),), 3, 1)],
    ids=["beside an input", "after a reset"],
)
def test_no_input_is_measured(quantum, at, declared):
    items = (Gate("ry", (0,), (0.3,)), Measure((0,), "t1", (1,)), Reset((0,)), If("t1", 2, FLIP), Measure((0,), "t1", (0,)))
    found, bits = assigned(Flow(quantum, (("t1", 2),), items))
    assert bits == [("t1", 0)]
    assert found.instructions[at] == Measure((1 if at == 0 else 0,), "t1", (0,))
    assert found.qubits == declared


def test_a_qubit_is_added_where_all_hold_an_input():
    items = (Measure((0,), "t1", (1,)), If("t1", 2, FLIP), Measure((0,), "t1", (0,)))
    found, _ = assigned(Flow((("p1", 1),), (("t1", 2),), items))
    assert (found.quantum[-1], found.instructions[0]) == (("zero", 1), Measure((1,), "t1", (0,)))


def test_circuits_on_a_device():
    from stinespring.compiler.devices.lower import lower

    circuit = lower(CHAIN.circuit(), open_target("line:3"))
    found, bits = assigned_circuit(circuit)
    assert bits == [0, 1]
    assert unassigned_in_text(lowered_qasm(found)) == []
    assert distribution(lowered_qasm(found), ["t1"]) == pytest.approx(distribution(lowered_qasm(circuit), ["t1"]), abs=1e-9)
    held = [i for i, q in enumerate(circuit.qubits) if any(q in item.qubits for item in circuit.data)]
    elsewhere, _ = assigned_circuit(circuit, held)
    assert elsewhere.data[0].qubits[0] not in {circuit.qubits[i] for i in held}


def test_the_file_says_which_bits_were_measured_from_zero(tmp_path):
    laws = np.random.default_rng(5).dirichlet(np.ones(6), size=6)
    content = {"format": "stinespring/table@1", "tokens": list("abcdef"), "context": 1, "law": laws.tolist()}
    program = stinespring.compile(TableModel(content), prompt=[0], steps=2, schedule="dynamic", effort=0, max_qubits=1)
    given_ = written(program.body.form).told
    assert set(given_) == {"measured_from_zero"}
    [path, beside] = program.write(tmp_path / "chain.qasm")
    assert unassigned_in_text(path.read_text()) == []
    assert '"measured_from_zero"' in beside.read_text()
