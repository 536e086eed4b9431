# SPDX-License-Identifier: Apache-2.0
"""Durations against Qiskit and against every history; delays fill idle time and change no law."""

from __future__ import annotations

import re
import sys
from dataclasses import replace

import pytest
from hypothesis import assume, given
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit.random import random_circuit
from qiskit.quantum_info import Operator
from qiskit.transpiler import InstructionProperties, Target

from oracles import histories
from oracles.qasm_runner import distribution
from stinespring.batches import OneCircuit, Several
from stinespring.circuits.core.cost import flow_cost
from stinespring.circuits.core.flow import Flow, If, Measure, Reset
from stinespring.circuits.core.gates import Gate
from stinespring.circuits.devices.legality import IBM, violations
from stinespring.circuits.devices.read_back import used_qubits
from stinespring.circuits.devices.targets import open_target
from stinespring.circuits.qasm.assigned import assigned_circuit
from stinespring.compiler.devices.lower import lower, on_device
from stinespring.compiler.devices.timing import FEED_FORWARD, duration, with_delays
from stinespring.compiler.export.files import EXPORTER, input_qubits
from stinespring.compiler.export.qasm import flow_qasm, lowered_qasm
from stinespring.errors import InputError
from stinespring.stages import Device, Program
from strategies import flows

DT = 4e-9
SECONDS = {"rz": 0.0, "sx": 32e-9, "x": 32e-9, "cz": 68e-9, "measure": 2.2e-6, "reset": 2.232e-6}
REGISTERS = ["outcome", "other"]


@pytest.fixture(scope="module")
def timed():
    """A line of three qubits with the times of a Heron device; the second pair is slower."""
    plain = open_target("line:3").target
    target = Target(num_qubits=3, dt=DT)
    for name in plain.operation_names:
        if name == "if_else":
            target.add_instruction(plain.operation_from_name(name), name=name)
        else:
            places = {on: InstructionProperties(duration=SECONDS[name] * (2 if on == (1, 2) else 1)) for on in plain[name]}
            target.add_instruction(plain.operation_from_name(name), places, name=name)
    return Device("line:3", target)


@pytest.fixture(scope="module")
def boston():
    pytest.importorskip("qiskit_ibm_runtime")
    return open_target("fake:boston")


@pytest.fixture(scope="module")
def steered():
    return Flow(
        (("sys", 2), ("env", 1)),
        (("outcome", 3), ("other", 1)),
        (
            Gate("ry", (0,), (0.7,)), Gate("cx", (0, 1)), Gate("cx", (1, 2)), Measure((2,), "outcome", (0,)), Reset((2,)),
            If("outcome", 1, (Gate("cx", (0, 2)), Gate("ry", (1,), (0.3,)))), Gate("cx", (0, 2)),
            If("outcome", 0, (Gate("cx", (0, 2)), Gate("ry", (1,), (0.3,)))), Measure((2,), "other", (0,)),
            If("other", 1, (Gate("cz", (0, 1)), Gate("h", (0,))), bit=0), Measure((0,), "outcome", (1,)),
            If("outcome", 3, (Gate("cx", (2, 1)),)), Measure((1,), "outcome", (2,)),
        ),
    )  # fmt: skip


def without_delays(text: str) -> str:
    """The text on the qubits that it mentions, without delays: the oracle has no clock."""
    body = re.sub(r"delay\[[^;]*;", "", re.sub(r"^qubit.*\n", "", text, flags=re.MULTILINE))
    number = {name: f"q[{i}]" for i, name in enumerate(sorted(set(re.findall(r"\bq\[\d+\]", body))))}
    body = re.sub(r"\bq\[\d+\]", lambda match: number[match[0]], body)
    return body.replace('include "stdgates.inc";', f'include "stdgates.inc";\nqubit[{len(number)}] q;')


@pytest.mark.parametrize("seed", range(5))
def test_static_circuits_take_what_qiskit_says(boston, seed):
    circuit = random_circuit(4, 5, max_operands=2, seed=seed)
    circuit.measure_all()
    lowered = lower(circuit, boston)
    assert duration(lowered, boston.target).seconds == pytest.approx(lowered.estimate_duration(boston.target), rel=1e-12)


@given(flow=flows())
def test_the_longest_history(timed, flow):
    """Against a clock that is run through every assignment of outcomes."""
    assume(sum(isinstance(item, Measure) for item in flow.instructions) <= 6)
    lowered = lower(flow.circuit(), timed)

    def seconds(name: str, on: tuple[int, ...]) -> float:
        return timed.target[name][on].duration

    for feed_forward in (0.0, 0.7e-6):
        found = duration(lowered, timed.target, feed_forward=feed_forward)
        assert found.seconds == pytest.approx(histories.longest(lowered, seconds, feed_forward), rel=1e-12)
        assert all(0 <= idle <= found.seconds for idle in found.idle.values())


def test_a_condition_waits_for_its_bits_once():
    """Measure (2.2 us), broadcast (1 us), two conditions on the same bit with one sx (32 ns) each; by hand."""
    circuit = QuantumCircuit(QuantumRegister(2, "q"), ClassicalRegister(1, "c"))
    circuit.sx(1)
    circuit.measure(0, 0)
    for value in (1, 0):
        with circuit.if_test((circuit.clbits[0], value)):
            circuit.sx(1)
    timing = duration(circuit, open_target("line:2").target, durations=SECONDS, feed_forward=1e-6)
    assert timing.seconds == pytest.approx(2.2e-6 + 1e-6 + 32e-9, rel=1e-12)
    assert timing.idle[1] == pytest.approx(timing.seconds - 2 * 32e-9, rel=1e-12)
    assert timing.idle[0] == 0.0
    assert FEED_FORWARD == duration(circuit, open_target("line:2").target, durations=SECONDS).feed_forward


def program_of(*flows):
    """Return a program of circuits that no source stands behind."""
    body = OneCircuit(flows[0], ()) if len(flows) == 1 else Several(flows, (None,) * len(flows), ())
    return Program(
        source=None, asked=None, schedule="dynamic", body=body, registers=(), promise="exact", tvd_bound=0.0, claim=None,
        cost=flow_cost(flows[0]), seconds=0.0, hash="", exporter=EXPORTER,
    )  # fmt: skip


def test_a_program_on_a_device(boston, steered):
    program = on_device(program_of(steered), boston)
    lowered = program.circuit
    assert program.device == boston.name
    assert program.duration == duration(lowered, boston.target).seconds > 4 * 2.2e-6
    assert len(used_qubits(lowered)) == 3
    assert program.cost.two_qubit_gates == histories.two_qubit_gates(lowered)
    assert (program.cost.conditions, program.cost.mid_circuit_measurements) == (4, 3)
    assert [(note.name, note.applied, note.two_qubit_gates) for note in program.passes] == [
        ("lower", True, program.cost.two_qubit_gates)
    ]
    assert program.qasm3() == lowered_qasm(assigned_circuit(lowered, input_qubits(program))[0])
    assert on_device(program, boston) is program
    line = open_target("line:3")
    with pytest.raises(InputError, match="on another device") as caught:
        on_device(program, line)
    assert boston.name in str(caught.value) and "line:3" in str(caught.value)
    assert on_device(program_of(steered), line).duration is None


def test_several_circuits_on_a_device(timed, steered):
    """The figures are those of the worst circuit."""
    small = replace(steered, instructions=steered.instructions[:6])
    program = on_device(program_of(small, steered), timed)
    alone = [on_device(program_of(flow), timed) for flow in (small, steered)]
    assert program.cost.two_qubit_gates == max(one.cost.two_qubit_gates for one in alone)
    assert program.duration == max(one.duration for one in alone)
    assert program.details["circuits"] == 2


def test_delays_of_a_program(timed, steered):
    pytest.importorskip("qiskit_ibm_runtime")
    plain = on_device(program_of(steered), timed)
    padded = on_device(program_of(steered), timed, "pad")
    assert "delay" in padded.circuit.count_ops() and "delay" not in plain.circuit.count_ops()
    assert padded.cost == plain.cost
    assert padded.circuit == with_delays(plain.circuit, timed.target)
    with pytest.raises(InputError, match="delays need"):
        on_device(program_of(steered), None, "pad")
    assert on_device(program_of(steered), None).device is None


def test_unknown_times_are_asked_for(steered):
    line = open_target("line:3")
    lowered = lower(steered.circuit(), line)
    with pytest.raises(InputError, match="durations="):
        duration(lowered, line.target)
    assert duration(lowered, line.target, durations=SECONDS).seconds > 0
    with pytest.raises(InputError, match="out of range"):
        duration(lowered, line.target, durations=SECONDS | {"cz": -1.0})


def rows(circuit: QuantumCircuit, target: Target) -> list[dict[int, float]]:
    """Between barriers, the seconds of each qubit's delays and operations, on every used qubit; conditions apart."""
    index = {qubit: i for i, qubit in enumerate(circuit.qubits)}
    result: list[dict[int, float]] = [{}]
    for item in circuit.data:
        on = tuple(index[qubit] for qubit in item.qubits)
        name = item.operation.name
        if name in ("barrier", "if_else"):
            result.append({})
            continue
        length = item.operation.duration * target.dt if name == "delay" else target[name][on].duration
        for q in on:
            result[-1][q] = result[-1].get(q, 0.0) + length
    return [row for row in result if row]


@pytest.mark.parametrize("decoupling", [False, True])
def test_delays_fill_what_is_idle(boston, steered, decoupling):
    lowered = lower(steered.circuit(), boston)
    padded = with_delays(lowered, boston.target, dynamical_decoupling=decoupling)
    used = {q for row in rows(lowered, boston.target) for q in row}
    for row in rows(padded, boston.target):
        assert set(row) == used
        assert max(row.values()) == pytest.approx(min(row.values()), abs=1e-12)
    assert violations(padded, IBM, target=boston.target) == ()
    assert padded.layout is not None
    blocks = [block for item in padded.data if item.operation.name == "if_else" for block in item.operation.blocks]
    assert any("delay" in block.count_ops() for block in blocks)


@pytest.mark.parametrize("decoupling", [False, True])
def test_delays_change_no_law(boston, steered, decoupling):
    padded = with_delays(lower(steered.circuit(), boston), boston.target, dynamical_decoupling=decoupling)
    expected = distribution(flow_qasm(steered), REGISTERS)
    assert distribution(without_delays(lowered_qasm(padded)), REGISTERS) == pytest.approx(expected, abs=1e-10)


@given(flow=flows())
def test_delays_and_decoupling_of_random_programs(timed, flow):
    pytest.importorskip("qiskit_ibm_runtime")
    lowered = lower(flow.circuit(), timed)
    expected = distribution(flow_qasm(flow), REGISTERS)
    for decoupling in (False, True):
        padded = with_delays(lowered, timed.target, dynamical_decoupling=decoupling)
        found = distribution(without_delays(lowered_qasm(padded)), REGISTERS)
        for key in expected | found:
            assert found.get(key, 0.0) == pytest.approx(expected.get(key, 0.0), abs=1e-10)


def test_decoupling_is_the_identity_and_takes_no_longer(boston):
    """Of a static circuit with a long idle time: the same unitary, the same duration, pulses in pairs."""
    circuit = QuantumCircuit(QuantumRegister(4, "q"))
    circuit.h(0)
    circuit.cx(0, 1)
    for step in range(8):  # which keeps qubit 0 waiting
        circuit.cx(1, 2)
        circuit.rx(0.3 + step, 2)
        circuit.cx(2, 3)
        circuit.rx(0.2 + step, 2)
    circuit.cx(0, 1)
    lowered = lower(circuit, boston)
    plain = with_delays(lowered, boston.target)
    decoupled = with_delays(lowered, boston.target, dynamical_decoupling=True)
    pulses = decoupled.count_ops()["x"] - lowered.count_ops().get("x", 0)
    assert pulses > 0 and pulses % 2 == 0
    assert duration(decoupled, boston.target).seconds == pytest.approx(duration(plain, boston.target).seconds, rel=1e-12)
    assert duration(plain, boston.target).seconds == pytest.approx(duration(lowered, boston.target).seconds, rel=1e-12)
    assert unitary(decoupled).equiv(unitary(lowered))


def unitary(circuit: QuantumCircuit) -> Operator:
    used = sorted({circuit.find_bit(q).index for item in circuit.data for q in item.qubits})
    small = QuantumCircuit(len(used))
    for item in circuit.data:
        if item.operation.name not in ("delay", "barrier"):
            small.append(item.operation, [used.index(circuit.find_bit(q).index) for q in item.qubits])
    return Operator(small)


def test_targets_without_times_are_refused(steered):
    line = open_target("line:3")
    with pytest.raises(InputError, match="states no times"):
        with_delays(lower(steered.circuit(), line), line.target)


def test_the_missing_extra_is_named(timed, steered, monkeypatch):
    monkeypatch.setitem(sys.modules, "qiskit_ibm_runtime.transpiler.passes", None)
    with pytest.raises(InputError, match=r"stinespring\[ibm\]"):
        with_delays(lower(steered.circuit(), timed), timed.target)


def test_a_circuit_that_was_not_lowered_is_refused(timed, steered):
    pytest.importorskip("qiskit_ibm_runtime")
    with pytest.raises(InputError):
        with_delays(steered.circuit(), timed.target)
