# SPDX-License-Identifier: Apache-2.0
"""The validator: random programs pass, every mutant is caught with a message that says where and what to change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import CircuitInstruction, IfElseOp
from qiskit.circuit.classical import expr, types
from qiskit.transpiler import generate_preset_pass_manager

from stinespring.circuits.devices.legality import AER, IBM, LATTICE, broadcasts, cost, require_legal, rules_of, violations
from stinespring.circuits.devices.targets import open_target
from stinespring.errors import InputError
from strategies import flows


@given(flow=flows())
def test_programs_of_the_compiler_are_legal(flow):
    circuit = flow.circuit()
    for rules in (IBM, AER, LATTICE):
        assert violations(circuit, rules) == ()


@given(flow=flows(), place=st.integers(0, 12), kind=st.sampled_from(["measure", "reset", "if"]))
def test_mutants_of_random_programs_are_caught(flow, place, kind):
    """One condition with something forbidden inside, anywhere."""
    circuit = flow.circuit()
    register = circuit.cregs[0]
    body = QuantumCircuit([circuit.qubits[0]], register)
    if kind == "measure":
        body.measure(0, 0)
    elif kind == "reset":
        body.reset(0)
    else:
        with body.if_test((register[0], 1)):
            body.x(0)
    place = min(place, len(circuit.data))
    mutant = CircuitInstruction(IfElseOp((register, 1), body), [circuit.qubits[0]], list(register))
    circuit.data = [*circuit.data[:place], mutant, *circuit.data[place:]]
    [violation] = violations(circuit, IBM)
    assert "inside a condition" in violation.what
    assert violation.where == f"instruction {place} (if_else) > instruction 0 ({'if_else' if kind == 'if' else kind})"
    assert violation.todo
    assert violations(circuit, AER) == ()


def blank(bits: int = 2, name: str = "c") -> QuantumCircuit:
    return QuantumCircuit(QuantumRegister(2, "q"), ClassicalRegister(bits, name))


def wide() -> QuantumCircuit:
    circuit = blank(33)
    with circuit.if_test((circuit.cregs[0], 1)):
        circuit.x(0)
    return circuit


def switch() -> QuantumCircuit:
    circuit = blank()
    with circuit.switch(circuit.cregs[0]) as case, case(1):
        circuit.x(0)
    return circuit


def while_loop() -> QuantumCircuit:
    circuit = blank()
    with circuit.while_loop((circuit.cregs[0], 1)):
        circuit.x(0)
    return circuit


def for_loop() -> QuantumCircuit:
    circuit = blank()
    with circuit.for_loop(range(2)):
        circuit.x(0)
    return circuit


def box() -> QuantumCircuit:
    circuit = blank()
    with circuit.box():
        circuit.x(0)
    return circuit


def store() -> QuantumCircuit:
    circuit = blank()
    circuit.store(circuit.clbits[0], expr.lift(True))
    return circuit


def variable() -> QuantumCircuit:
    circuit = blank()
    flag = circuit.add_var("flag", expr.lift(False))
    with circuit.if_test(flag):
        circuit.x(0)
    return circuit


def input_variable() -> QuantumCircuit:
    circuit = blank()
    circuit.add_input("n", types.Uint(4))
    return circuit


def condition(test) -> QuantumCircuit:
    circuit = blank()
    with circuit.if_test(test(circuit.cregs[0])):
        circuit.x(0)
    return circuit


def register_truth() -> QuantumCircuit:
    return condition(lambda register: expr.logic_or(register, register[0]))


def index() -> QuantumCircuit:
    return condition(lambda register: expr.index(register, 1))


def shift() -> QuantumCircuit:
    return condition(lambda register: expr.equal(expr.shift_left(register, 1), 2))


def addition() -> QuantumCircuit:
    return condition(lambda register: expr.equal(expr.add(register, register), 2))


def comparison() -> QuantumCircuit:
    return condition(lambda register: expr.less(register, 2))


def switch_on_expression() -> QuantumCircuit:
    circuit = blank()
    with circuit.switch(expr.bit_xor(circuit.cregs[0], 2)) as case, case(1):
        circuit.x(0)
    return circuit


FORBIDDEN_BY_IBM = {
    wide: "all 33 bits", switch: "no switch_case", while_loop: "no while_loop", for_loop: "no for_loop", box: "no box",
    store: "stored", variable: "variable", input_variable: "variable", shift: "shift_left", addition: "add",
    (lambda: blank(1, "class")): "keyword", (lambda: blank(1, "output")): "keyword", (lambda: blank(1, "a b")): "identifier",
    (lambda: blank(0)): "no bits",
}  # fmt: skip
FORBIDDEN_BY_AER = {
    box: "no box", store: "stored", variable: "variable", input_variable: "variable", register_truth: "truth value",
    index: "index", shift: "shift_left", addition: "add", switch_on_expression: "switch on an expression",
}  # fmt: skip


@pytest.mark.parametrize(("make", "what"), FORBIDDEN_BY_IBM.items())
def test_what_ibm_forbids(make, what):
    found = violations(make(), IBM)
    assert any(what in violation.what for violation in found)
    assert all(violation.where and violation.todo for violation in found)


@pytest.mark.parametrize(("make", "what"), FORBIDDEN_BY_AER.items())
def test_what_aer_forbids(make, what):
    assert any(what in violation.what for violation in violations(make(), AER))


@pytest.mark.parametrize("make", [wide, switch, while_loop, for_loop, comparison, lambda: blank(1, "class"), lambda: blank(0)])
def test_what_aer_allows(make):
    assert violations(make(), AER) == ()


def test_one_bit_of_a_wide_register_may_be_tested():
    circuit = blank(60)
    with circuit.if_test((circuit.clbits[59], 1)) as otherwise:
        circuit.x(0)
    with otherwise:
        circuit.h(0)
    assert violations(circuit, IBM) == ()
    assert violations(comparison(), IBM) == ()


def test_aer_has_no_measure_2():
    pytest.importorskip("qiskit_ibm_runtime")
    from qiskit_ibm_runtime.circuit import MidCircuitMeasure

    circuit = blank()
    circuit.append(MidCircuitMeasure(), [0], [0])
    assert [v.what for v in violations(circuit, AER)] == ["Aer has no measure_2"]
    assert violations(circuit, IBM) == ()
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.append(MidCircuitMeasure(), [0], [0])
    assert len(violations(circuit, IBM)) == 1


def test_the_client_and_the_transpiler_let_nested_conditions_pass():
    """Why there is a validator."""
    pytest.importorskip("qiskit_ibm_runtime")
    from qiskit_ibm_runtime.utils.validations import validate_isa_circuits

    target = open_target("fake:boston").target
    circuit = blank()
    circuit.h(0)
    circuit.measure([0, 1], [0, 1])
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.measure(1, 1)
        with circuit.if_test((circuit.clbits[1], 1)):
            circuit.x(0)
    circuit.measure([0, 1], [0, 1])
    lowered = generate_preset_pass_manager(optimization_level=0, target=target).run(circuit)
    validate_isa_circuits([lowered], target)
    found = violations(lowered, IBM, target=target)
    assert sorted(v.what for v in found) == ["a condition inside a condition", "a measurement or reset inside a condition"]


def test_a_test_of_an_unchanged_register_is_one_broadcast():
    circuit = blank()
    register = circuit.cregs[0]
    for value in range(4):
        with circuit.if_test((register, value)):
            circuit.x(0)
    assert broadcasts(circuit) == [2]
    circuit.measure(0, 1)
    with circuit.if_test((register, 1)):
        circuit.x(0)
    with circuit.if_test((register[0], 1)):
        circuit.x(0)
    with circuit.if_test((register[0], 0)):
        circuit.x(0)
    assert broadcasts(circuit) == [2, 2, 1]
    circuit.measure(0, 1)  # not the bit that was tested
    with circuit.if_test((register[0], 0)):
        circuit.x(0)
    assert broadcasts(circuit) == [2, 2, 1]


def test_the_budget_belongs_to_the_job():
    circuit = blank()
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(0)
    assert 300 * cost(60, IBM.broadcasts) == pytest.approx(1)
    assert violations(circuit, IBM, circuits_per_job=2399) == ()
    [violation] = violations(circuit, IBM, circuits_per_job=2401)
    assert violation.where == "the job" and "2401 broadcasts" in violation.what
    assert violations(circuit, LATTICE, circuits_per_job=10**6) == ()


def test_instructions_must_exist_on_their_qubits():
    target = open_target("line:3").target
    circuit = QuantumCircuit(QuantumRegister(3, "q"), ClassicalRegister(1, "c"))
    circuit.cz(0, 1)
    circuit.cz(0, 2)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.cx(1, 2)
    found = violations(circuit, LATTICE, target=target)
    assert [v.what for v in found] == ["no cz on qubits (0, 2)", "no cx on qubits (1, 2)"]
    assert any("at most 3" in v.todo for v in violations(QuantumCircuit(4), LATTICE, target=target))


def test_the_message_lists_the_first_violations():
    circuit = blank()
    for _ in range(6):
        with circuit.if_test((circuit.clbits[0], 1)):
            circuit.measure(0, 0)
    with pytest.raises(InputError) as caught:
        require_legal(circuit, IBM)
    text = str(caught.value)
    assert "IBM hardware does not execute this circuit" in text
    assert "instruction 0 (if_else) > instruction 0 (measure)" in text and "and 2 more" in text
    assert "to do: measure before the condition" in text
    require_legal(circuit, AER)


@pytest.mark.parametrize(
    ("name", "rules"),
    [("aer", AER), ("fake:boston", IBM), ("line:3", LATTICE), ("grid:2x2", LATTICE), ("heavy-hex:3", LATTICE)],
)
def test_rules_by_the_name_of_the_target(name, rules):
    assert rules_of(name) is rules


def test_rules_of_nowhere():
    with pytest.raises(InputError, match="unknown target"):
        rules_of("nowhere")
