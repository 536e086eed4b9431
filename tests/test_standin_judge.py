# SPDX-License-Identifier: Apache-2.0
"""The stand-in's judge of circuits: one circuit for each rule of the hardware, and the package's own check beside it."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit.classical import expr

from standin.devices import Device, snapshot
from standin.judge import broadcasts, faults_of_job, share_of_broadcast
from stinespring.circuits.devices.legality import IBM, violations

pytest.importorskip("qiskit_ibm_runtime")


@pytest.fixture(scope="module")
def device():
    return Device.parse("ibm_whole=boston")


@pytest.fixture(scope="module")
def target():
    from qiskit_ibm_runtime.fake_provider import FakeBoston

    return FakeBoston().target


def judged(circuits, device, *, shots=100):
    return faults_of_job(circuits, device, shots=[shots], executions=shots * len(circuits))


def measured(size=2, name="c"):
    """A circuit on 20 qubits with a register that is measured bit by bit."""
    register = ClassicalRegister(size, name)
    circuit = QuantumCircuit(QuantumRegister(20), register)
    for bit in range(size):
        circuit.measure(bit % 20, register[bit])
    return circuit, register


def good():
    circuit, register = measured(32)
    with circuit.if_test((register, 5)) as else_:
        circuit.x(0)
        circuit.cz(0, 1)
    with else_:
        circuit.rz(0.3, 4)
    with circuit.if_test(expr.logic_and(register[0], expr.logic_not(register[31]))):
        circuit.sx(3)
    circuit.reset(0)
    circuit.delay(100, 2)
    circuit.barrier()
    circuit.measure(0, 0)
    return circuit


def foreign_gate():
    circuit, _ = measured()
    circuit.h(0)
    return circuit


def foreign_gate_inside():
    circuit, register = measured()
    with circuit.if_test((register[0], 1)):
        circuit.cx(0, 1)
    return circuit


def no_such_pair():
    circuit, _ = measured()
    circuit.cz(0, 2)
    return circuit


def no_such_pair_inside():
    """The wires of a block are those of the whole circuit, not its own."""
    circuit, register = measured()
    block = QuantumCircuit(2)
    block.cz(0, 1)
    circuit.if_test((register[0], 1), block, [3, 9], [])
    return circuit


def nested():
    circuit, register = measured()
    with circuit.if_test((register[0], 1)), circuit.if_test((register[1], 1)):
        circuit.x(0)
    return circuit


def measured_inside():
    circuit, register = measured()
    with circuit.if_test((register[0], 1)):
        circuit.measure(0, 1)
    return circuit


def reset_inside():
    circuit, register = measured()
    with circuit.if_test((register[0], 1)):
        circuit.reset(0)
    return circuit


def switch():
    circuit, register = measured()
    with circuit.switch(register) as case, case(1):
        circuit.x(0)
    return circuit


def loop():
    circuit, _ = measured()
    with circuit.for_loop(range(3)):
        circuit.x(0)
    return circuit


def while_loop():
    circuit, register = measured()
    with circuit.while_loop((register[0], 1)):
        circuit.x(0)
    return circuit


def wide_condition():
    circuit, register = measured(33)
    with circuit.if_test((register, 1)):
        circuit.x(0)
    return circuit


def wide_expression():
    circuit, register = measured(33)
    with circuit.if_test(expr.logic_not(expr.equal(register, 3))):
        circuit.x(0)
    return circuit


def arithmetic():
    circuit, register = measured(4)
    with circuit.if_test(expr.equal(expr.add(register, 1), 3)):
        circuit.x(0)
    return circuit


def variable():
    circuit, register = measured()
    flag = circuit.add_var("flag", expr.lift(register[0]))
    with circuit.if_test(flag):
        circuit.x(0)
    return circuit


def keyword_register():
    return measured(2, "while")[0]


def no_name():
    return measured(2, "a-b")[0]


def empty_register():
    circuit, _ = measured()
    circuit.add_register(ClassicalRegister(0, "empty"))
    return circuit


def too_many_broadcasts():
    """2401 tests of a bit that is measured anew each time."""
    circuit, register = measured(1)
    for _ in range(2401):
        circuit.measure(0, 0)
        circuit.if_test((register[0], 1), block_of_x(), [0], [])
    return circuit


def block_of_x():
    block = QuantumCircuit(1)
    block.x(0)
    return block


BAD = {
    foreign_gate: r"instruction h on qubits \(0,\)",
    foreign_gate_inside: r"instruction cx on qubits \(0, 1\)",
    no_such_pair: r"instruction cz on qubits \(0, 2\)",
    no_such_pair_inside: r"instruction cz on qubits \(3, 9\)",
    nested: "nested",
    measured_inside: "measure on qubits",
    reset_inside: "reset on qubits",
    switch: "switch_case is not supported",
    loop: "for_loop is not supported",
    while_loop: "while_loop is not supported",
    wide_condition: "33 bits",
    wide_expression: "33 bits",
    arithmetic: "arithmetic",
    variable: "variable",
    keyword_register: "not a name",
    no_name: "not a name",
    empty_register: "no bits",
    too_many_broadcasts: "broadcasts",
}


def test_good_circuit_passes(device):
    assert judged([good()], device) == []


@pytest.mark.parametrize("build", BAD, ids=lambda build: build.__name__)
def test_each_rule_refuses(device, build):
    found = judged([build()], device)
    assert any(re.search(BAD[build], fault) for fault in found), found


@pytest.mark.parametrize("build", [good, *BAD], ids=lambda build: build.__name__)
def test_package_agrees(device, target, build):
    """The package's check before submission and the judge were written apart and must not disagree."""
    circuit = build()
    ours = violations(circuit, IBM, target=target)
    assert bool(ours) == bool(judged([circuit], device)), ours


def test_one_bit_of_a_wide_register_may_be_tested(device):
    circuit, register = measured(40)
    with circuit.if_test((register[39], 1)):
        circuit.x(0)
    with circuit.if_test(expr.logic_not(register[38])):
        circuit.x(1)
    assert judged([circuit], device) == []


def test_shots_and_executions(device):
    assert "100001 shots" in judged([good()], device, shots=100_001)[0]
    assert "0 shots" in judged([good()], device, shots=0)[0]
    assert "executions" in faults_of_job([good()], device, shots=[100_000], executions=10_000_001)[0]


def test_small_device_has_fewer_qubits():
    small = Device.parse("ibm_few=boston:5@4")
    assert (small.qubits, small.queue, small.name) == (5, 4, "ibm_few")
    assert "20 qubits; the device has 5" in judged([good()], small)[0]
    assert small.properties["backend_name"] == "ibm_few"
    assert len(small.properties["qubits"]) == 5


def test_patch_keeps_the_calibration_of_its_qubits():
    """Each pair's error is that of the pair of the whole device at the same coordinates."""
    patch, whole = Device.parse("ibm_few=boston:12"), snapshot("boston", "props")
    places = snapshot("boston", "conf")["coords"]
    old = [places.index(place) for place in patch.configuration["coords"]]

    def errors(gates, names):
        return {
            tuple(names[wire] for wire in gate["qubits"]): value["value"]
            for gate in gates
            if gate["gate"] == "cz"
            for value in gate["parameters"]
            if value["name"] == "gate_error"
        }

    found = errors(patch.properties["gates"], old)
    everything = errors(whole["gates"], range(156))
    assert found == {pair: everything[pair] for pair in found}
    assert len(found) >= 11
    assert patch.operations["cz"] == {tuple(pair) for pair in patch.configuration["coupling_map"]}


@pytest.mark.parametrize("spec", ["ibm", "ibm=", "ibm=boston:few", "a b=boston"])
def test_specs_that_are_no_devices(spec):
    with pytest.raises(ValueError, match="no device"):
        Device.parse(spec)


def test_budget_of_broadcasts_is_the_published_one():
    assert share_of_broadcast(1) == pytest.approx(1 / 2400)
    assert share_of_broadcast(60) == pytest.approx(1 / 300)
    middle = (Fraction(1, 2400) + Fraction(1, 300)) / 2  # a straight line: halfway between is half of each
    assert share_of_broadcast(30.5) == pytest.approx(float(middle))


def test_job_is_judged_as_a_whole(device):
    circuit, register = measured(1)
    for _ in range(100):
        circuit.measure(0, 0)
        circuit.if_test((register[0], 1), block_of_x(), [0], [])
    assert judged([circuit] * 24, device) == []
    assert "broadcasts" in judged([circuit] * 25, device)[0]


def test_unchanged_register_is_sent_once():
    circuit, register = measured(3)
    for value in (1, 2, 3):
        circuit.if_test((register, value), block_of_x(), [0], [])
    circuit.if_test((register[0], 1), block_of_x(), [0], [])
    circuit.measure(0, 1)
    circuit.if_test((register, 1), block_of_x(), [0], [])
    circuit.if_test((register[0], 1), block_of_x(), [0], [])
    assert [set(bits) for bits in broadcasts(circuit)] == [{0, 1, 2}, {0}, {0, 1, 2}]
