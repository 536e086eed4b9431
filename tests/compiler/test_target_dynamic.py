# SPDX-License-Identifier: Apache-2.0
"""Lowering of programs with conditions: legal, with the same law, and costed on the worst path."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import assume, given
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit.random import random_circuit
from qiskit.quantum_info import Operator

from oracles import histories
from oracles.qasm_runner import distribution, operator, statements, worst_path_two_qubit_gates
from stinespring.circuits.core.flow import Flow, If, Measure, Reset
from stinespring.circuits.core.gates import Gate
from stinespring.circuits.devices.legality import rules_of, violations
from stinespring.circuits.devices.read_back import flow_of, is_dynamic, worst_path_of
from stinespring.circuits.devices.targets import open_target
from stinespring.compiler.devices.lower import lower, lowered_cost, region
from stinespring.compiler.export.qasm import flow_qasm, lowered_qasm
from stinespring.errors import InputError
from strategies import flows

DEVICES = ["line:4", "grid:2x2", "heavy-hex:3", "fake:boston", "fake:kingston", "fake:pittsburgh"]
REGISTERS = ["outcome", "other"]


@pytest.fixture(scope="module")
def line():
    return open_target("line:3")


@pytest.fixture(scope="module")
def steered():
    """A reused ancilla steers gates between all pairs, twice; the law has no symmetry."""
    return Flow(
        (("sys", 2), ("env", 1)),
        (("outcome", 3), ("other", 1)),
        (
            Gate("ry", (0,), (0.7,)), Gate("cx", (0, 1)), Gate("u", (2,), (0.4, 1 / 3, -1.1)), Gate("cx", (1, 2)),
            Measure((2,), "outcome", (0,)), Reset((2,)), Gate("ry", (2,), (math.pi / 7 + 1e-10,)),
            If("outcome", 1, (Gate("cx", (0, 2)), Gate("cx", (0, 1)), Gate("ry", (1,), (0.3,)))),
            If("outcome", 0, (Gate("ry", (0,), (0.9,)),)),
            Gate("cx", (0, 2)), Measure((2,), "other", (0,)),
            If("other", 1, (Gate("cz", (0, 1)), Gate("h", (0,))), bit=0),
            Measure((0,), "outcome", (1,)), If("outcome", 3, (Gate("cx", (2, 1)),)), Measure((1,), "outcome", (2,)),
        ),
    )  # fmt: skip


def on_used_qubits(text: str) -> str:
    """Renumber the qubits that a program mentions: 156 do not fit into a state vector."""
    body = re.sub(r"^qubit.*\n", "", text, flags=re.MULTILINE)
    number = {name: f"q[{i}]" for i, name in enumerate(sorted(set(re.findall(r"\bq\[\d+\]", body))))}
    body = re.sub(r"\bq\[\d+\]", lambda match: number[match[0]], body)
    return body.replace('include "stdgates.inc";', f'include "stdgates.inc";\nqubit[{len(number)}] q;')


def assert_same_law(text: str, expected: str) -> None:
    assert distribution(on_used_qubits(text), REGISTERS) == pytest.approx(distribution(expected, REGISTERS), abs=1e-10)


@given(flow=flows())
def test_random_programs_keep_their_law_on_a_line(line, flow):
    lowered = lower(flow.circuit(), line)
    text = lowered_qasm(lowered)
    expected, found = distribution(flow_qasm(flow), REGISTERS), distribution(text, REGISTERS)
    for key in expected | found:  # the oracle leaves out what is less likely than 1e-15
        assert found.get(key, 0.0) == pytest.approx(expected.get(key, 0.0), abs=1e-10)
    assert violations(lowered, rules_of("fake:boston"), target=line.target) == ()
    assert set(re.findall(r"([a-z]+)(?:\([^)]*\))? q\[", text)) <= {"rz", "sx", "x", "cz", "measure", "reset"}


@given(flow=flows())
def test_worst_path_of_the_lowered_circuit(line, flow):
    """Equal to the largest number over all assignments of outcomes, reachable or not."""
    assume(sum(isinstance(item, Measure) for item in flow.instructions) <= 6)
    lowered = lower(flow.circuit(), line)
    cost = lowered_cost(lowered)
    assert cost.two_qubit_gates == worst_path_of(lowered).two_qubit == histories.two_qubit_gates(lowered)
    assert cost.two_qubit_gates >= worst_path_two_qubit_gates(lowered_qasm(lowered))
    assert cost.conditions == statements(lowered_qasm(lowered))["if"] <= flow.conditions


@pytest.mark.parametrize("name", DEVICES)
def test_every_device_executes_a_steered_program(name, steered):
    if name.startswith("fake"):
        pytest.importorskip("qiskit_ibm_runtime")
    device = open_target(name)
    lowered = lower(steered.circuit(), device)
    text = lowered_qasm(lowered)
    assert_same_law(text, flow_qasm(steered))
    assert violations(lowered, rules_of(name), target=device.target) == ()
    cost = lowered_cost(lowered)
    assert cost.two_qubit_gates == histories.two_qubit_gates(lowered)
    assert cost.conditions == text.count("\nif (") == 4
    assert cost.mid_circuit_measurements == 3  # of four: nothing depends on the last one
    assert statements(text)["reset"] == 1


@pytest.mark.parametrize("name", ["boston", "kingston", "pittsburgh"])
def test_the_service_client_accepts_what_the_validator_accepts(name, steered):
    pytest.importorskip("qiskit_ibm_runtime")
    from qiskit.primitives.containers.sampler_pub import SamplerPub
    from qiskit_ibm_runtime.fake_provider import FakeProviderForBackendV2
    from qiskit_ibm_runtime.utils.validations import validate_classical_registers, validate_isa_circuits

    backend = next(b for b in FakeProviderForBackendV2().backends() if b.name == f"fake_{name}")
    lowered = lower(steered.circuit(), open_target(f"fake:{name}"))
    assert violations(lowered, rules_of(f"fake:{name}"), target=backend.target) == ()
    validate_isa_circuits([lowered], backend.target)
    validate_classical_registers([SamplerPub.coerce((lowered,))])
    backend.check_faulty(lowered)


def test_a_large_device_costs_no_more_than_its_region(steered):
    """Twenty qubits in a line against three: the same neighbourhood, so at most a few swaps of luck apart."""
    small, large = (lowered_cost(lower(steered.circuit(), open_target(name))).two_qubit_gates for name in ("line:3", "line:20"))
    assert large <= small + 3  # one swap


def test_one_qubit_alone_on_a_device():
    flow = Flow((("sys", 1),), (("outcome", 2),), (
        Gate("h", (0,)), Measure((0,), "outcome", (0,)), Reset((0,)), If("outcome", 1, (Gate("ry", (0,), (0.4,)),)),
        Measure((0,), "outcome", (1,)),
    ))  # fmt: skip
    lowered = lower(flow.circuit(), open_target("grid:2x2"))
    found = distribution(on_used_qubits(lowered_qasm(lowered)), ["outcome"])
    assert found == pytest.approx(distribution(flow_qasm(flow), ["outcome"]), abs=1e-10)
    assert lowered_cost(lowered).two_qubit_gates == 0


def test_regions_are_connected_and_dense():
    square = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 2)]
    assert sorted(region(square, 4)) == [2, 3, 4, 5]
    assert region([(0, 1), (2, 3)], 3) is None


def test_devices_without_conditions_are_named(steered):
    pytest.importorskip("qiskit_ibm_runtime")
    with pytest.raises(InputError, match="fake:lima does not execute dynamic circuits"):
        lower(steered.circuit(), open_target("fake:lima"))


def test_illegal_programs_are_refused_before_routing(line):
    circuit = QuantumCircuit(2, 2)
    with circuit.if_test((circuit.clbits[0], 1)), circuit.if_test((circuit.clbits[1], 1)):
        circuit.x(0)
    with pytest.raises(InputError, match="inside a condition"):
        lower(circuit, line)


def test_conditions_of_which_nothing_is_left_disappear(line):
    flow = Flow((("sys", 1),), (("outcome", 1),), (
        Gate("h", (0,)), Measure((0,), "outcome", (0,)), If("outcome", 1, (Gate("x", (0,)), Gate("x", (0,)))), Gate("h", (0,)),
    ))  # fmt: skip
    assert lowered_cost(lower(flow.circuit(), line)).conditions == 0


def test_angles_are_written_in_full():
    angle = math.pi / 4 + 1e-12  # Qiskit's exporter writes pi/4
    circuit = QuantumCircuit(QuantumRegister(1, "q"), ClassicalRegister(1, "c"))
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.rz(angle, 0)
    assert lowered_qasm(circuit).splitlines()[-1] == f"if (c[0] == 1) {{ rz({angle!r}) q[0]; }}"


def test_gates_that_the_library_lacks():
    circuit = QuantumCircuit(QuantumRegister(2, "q"))
    circuit.ecr(0, 1)
    circuit.rzz(0.3, 1, 0)
    text = lowered_qasm(circuit)
    assert text.count("gate ecr") == text.count("gate rzz") == 1
    assert Operator(operator(text)).equiv(Operator(circuit))


def test_else_of_a_bit():
    circuit = QuantumCircuit(QuantumRegister(2, "q"), ClassicalRegister(1, "c"))
    circuit.ry(0.4, 0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)) as otherwise:
        circuit.cx(0, 1)
    with otherwise:
        circuit.cx(0, 1)
        circuit.x(1)
        circuit.cz(0, 1)
    circuit.measure(1, 0)
    text = lowered_qasm(circuit)
    assert distribution(text, ["c"]) == pytest.approx({(1,): 1.0})
    assert worst_path_of(circuit).two_qubit == worst_path_two_qubit_gates(text) == 2


@pytest.mark.parametrize("seed", range(5))
def test_static_circuits_cost_what_qiskit_counts(line, seed):
    circuit = random_circuit(3, 4, max_operands=2, seed=seed)
    circuit.measure_all()
    assert not is_dynamic(circuit)
    lowered = lower(circuit, line)
    cost = lowered_cost(lowered)
    assert cost.two_qubit_gates == lowered.num_nonlocal_gates()
    assert cost.depth == lowered.depth(lambda item: item.operation.name != "barrier")
    assert cost.two_qubit_depth == lowered.depth(lambda item: len(item.qubits) == 2 and item.operation.name != "barrier")
    assert (cost.mid_circuit_measurements, cost.conditions) == (0, 0)


def test_mid_circuit_means_used_again():
    """Routing may list a final measurement before gates on other qubits; that does not make it mid-circuit."""
    first, second = Measure((0,), "c", (0,)), Measure((1,), "c", (1,))
    assert Flow((("q", 2),), (("c", 2),), (first, Gate("x", (1,)), second)).mid_circuit_measurements == 0
    assert Flow((("q", 2),), (("c", 2),), (first, Gate("x", (0,)), second)).mid_circuit_measurements == 1
    steered = (first, second, If("c", 1, (Gate("x", (1,)),), bit=0))
    assert Flow((("q", 2),), (("c", 2),), steered).mid_circuit_measurements == 2
    overwritten = (first, Measure((1,), "c", (0,)), If("c", 1, (Gate("x", (1,)),), bit=0))
    assert Flow((("q", 2),), (("c", 2),), overwritten).mid_circuit_measurements == 1


@pytest.mark.parametrize("kind", ["nested", "while", "expression", "else of a register"])
def test_what_has_no_flat_form_is_refused(kind):
    from qiskit.circuit.classical import expr

    register = ClassicalRegister(2, "c")
    circuit = QuantumCircuit(QuantumRegister(1, "q"), register)
    if kind == "nested":
        with circuit.if_test((register, 1)), circuit.if_test((register[0], 1)):
            circuit.x(0)
    elif kind == "while":
        with circuit.while_loop((register, 1)):
            circuit.x(0)
    elif kind == "expression":
        with circuit.if_test(expr.less(register, 2)):
            circuit.x(0)
    else:
        with circuit.if_test((register, 1)) as otherwise:
            circuit.x(0)
        with otherwise:
            circuit.x(0)
    with pytest.raises(InputError):
        flow_of(circuit)
