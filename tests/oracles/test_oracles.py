# SPDX-License-Identifier: Apache-2.0
"""Tests of the OpenQASM interpreter: against Qiskit, and on programs with known answers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, qasm3
from qiskit.circuit.library import UGate, UnitaryGate
from qiskit.circuit.random import random_circuit
from qiskit.quantum_info import Operator, Statevector, random_statevector

import strategies
from oracles.qasm_gates import STANDARD
from oracles.qasm_runner import (
    QasmError,
    branches,
    count,
    distribution,
    operator,
    registers,
    statements,
    two_qubit_gates,
    worst_path_two_qubit_gates,
)

HEAD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'
# Qiskit's exporter snaps angles near fractions of pi: up to 8e-10 per gate.
EXPORTED = 1e-7


@pytest.mark.parametrize("name", sorted(STANDARD))
def test_standard_gate_equals_qiskits(name: str) -> None:
    gate = STANDARD[name]
    angles = [0.3, -1.1, 2.7, 0.9][: gate.angles]
    n = gate.controls + gate.targets
    call = f"({', '.join(map(str, angles))})" if angles else ""
    # Operands in reversed order, so that a mixed-up operand order shows.
    program = f"{HEAD}qubit[{n}] w;\n{name}{call} {', '.join(f'w[{i}]' for i in reversed(range(n)))};"
    expected = QuantumCircuit(n)
    method = {"u3": "u", "u1": "p", "phase": "p", "cphase": "cp", "CX": "cx"}.get(name, name)
    if name == "u2":
        expected.append(UGate(math.pi / 2, *angles), [0])
    else:
        getattr(expected, method)(*angles, *reversed(range(n)))
    np.testing.assert_allclose(operator(program), Operator(expected).data, atol=1e-14)


@given(seed=strategies.seeds(), n=st.integers(1, 4), depth=st.integers(1, 8))
@settings(max_examples=40, deadline=None)
def test_operator_of_exported_random_circuits(seed: int, n: int, depth: int) -> None:
    circuit = random_circuit(n, depth, max_operands=min(n, 3), seed=seed)
    found, expected = operator(qasm3.dumps(circuit)), Operator(circuit).data
    # The exporter drops the global phase of the gates it defines itself (sxdg, ecr, ryy, ...).
    overlap = np.vdot(found, expected) / 2**n
    assert abs(overlap) == pytest.approx(1, abs=EXPORTED)
    np.testing.assert_allclose(found * overlap, expected, atol=EXPORTED)


@given(seed=strategies.seeds())
@settings(max_examples=20, deadline=None)
def test_terminal_measurements_in_asymmetric_bit_order(seed: int) -> None:
    first, second = QuantumRegister(2, "first"), QuantumRegister(3, "second")
    low, high = ClassicalRegister(3, "low"), ClassicalRegister(2, "high")
    circuit = QuantumCircuit(first, second)
    circuit.compose(random_circuit(5, 5, max_operands=2, seed=seed), inplace=True)
    probabilities = Statevector(circuit).probabilities()
    circuit.add_register(low, high)
    wires = {low[2]: first[0], low[0]: second[1], low[1]: first[1], high[0]: second[2], high[1]: second[0]}
    for bit, qubit in wires.items():
        circuit.measure(qubit, bit)
    place = {bit: circuit.find_bit(qubit).index for bit, qubit in wires.items()}
    expected = np.zeros((4, 8))
    for basis, probability in enumerate(probabilities):
        value = [sum((basis >> place[bit] & 1) << i for i, bit in enumerate(reg)) for reg in (high, low)]
        expected[value[0], value[1]] += probability
    found = distribution(qasm3.dumps(circuit), ["high", "low"])
    for (value_high, value_low), probability in found.items():
        assert probability == pytest.approx(expected[value_high, value_low], abs=EXPORTED)
    assert sum(found.values()) == pytest.approx(1, abs=1e-12)
    low_only = distribution(qasm3.dumps(circuit), ["low"])
    assert low_only.get((0,), 0.0) == pytest.approx(expected[:, 0].sum(), abs=EXPORTED)


class Coherent:
    """A dynamic circuit and its unitary twin, where every measurement copies onto a fresh qubit."""

    def __init__(self, n: int, n_bits: int, seed: int, length: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.dynamic = QuantumCircuit(QuantumRegister(n, "wire"), ClassicalRegister(n_bits, "seen"))
        self.twin = QuantumCircuit(n)
        self.wires = list(self.twin.qubits)
        # A bit nobody has measured yet reads 0, as a fresh qubit does.
        self.seen = [self.fresh() for _ in range(n_bits)]
        for _ in range(length):
            getattr(self, self.rng.choice(["gate", "gate", "entangle", "measure", "reset", "bit", "register"]))()

    def fresh(self):
        extra = QuantumRegister(1)
        self.twin.add_register(extra)
        return extra[0]

    def pick(self) -> int:
        return int(self.rng.integers(len(self.wires)))

    def random_gate(self) -> UGate:
        return UGate(*self.rng.uniform(-3, 3, size=3))

    def gate(self) -> None:
        gate, wire = self.random_gate(), self.pick()
        self.dynamic.append(gate, [wire])
        self.twin.append(gate, [self.wires[wire]])

    def entangle(self) -> None:
        if len(self.wires) > 1:
            a, b = (int(i) for i in self.rng.permutation(len(self.wires))[:2])
            self.dynamic.cx(a, b)
            self.twin.cx(self.wires[a], self.wires[b])

    def measure(self) -> None:
        wire, bit = self.pick(), int(self.rng.integers(len(self.seen)))
        self.dynamic.measure(wire, bit)
        self.seen[bit] = self.fresh()
        self.twin.cx(self.wires[wire], self.seen[bit])

    def reset(self) -> None:
        wire = self.pick()
        self.dynamic.reset(wire)
        self.wires[wire] = self.fresh()

    def bit(self) -> None:
        bit, wire, value = int(self.rng.integers(len(self.seen))), self.pick(), int(self.rng.integers(2))
        self.condition((self.dynamic.clbits[bit], value), [self.seen[bit]], value, wire)

    def register(self) -> None:
        value, wire = int(self.rng.integers(2 ** len(self.seen))), self.pick()
        self.condition((self.dynamic.cregs[0], value), self.seen, value, wire)

    def condition(self, test, controls, value: int, wire: int) -> None:
        then, otherwise = self.random_gate(), self.random_gate()
        with self.dynamic.if_test(test) as else_:
            self.dynamic.append(then, [wire])
        with else_:
            self.dynamic.append(otherwise, [wire])
        self.twin.append(otherwise, [self.wires[wire]])
        change = UnitaryGate(then.to_matrix() @ otherwise.to_matrix().conj().T)
        controlled = change.control(len(controls), ctrl_state=value, annotated=False)
        self.twin.append(controlled, [*controls, self.wires[wire]])

    def law(self) -> np.ndarray:
        places = [self.twin.find_bit(qubit).index for qubit in self.seen]
        return Statevector(self.twin).probabilities(places)


@given(seed=strategies.seeds(), n=st.integers(1, 3), n_bits=st.integers(1, 2), length=st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_dynamic_circuits_equal_their_coherent_twins(seed: int, n: int, n_bits: int, length: int) -> None:
    pair = Coherent(n, n_bits, seed, length)
    program, expected = qasm3.dumps(pair.dynamic), pair.law()
    found = distribution(program, ["seen"])
    assert set(found) <= {(value,) for value in range(2**n_bits)}
    np.testing.assert_allclose([found.get((v,), 0.0) for v in range(2**n_bits)], expected, atol=EXPORTED)
    # The same from all branches, where nothing is deferred, dropped or merged.
    totals = np.zeros(2**n_bits)
    for branch in branches(program):
        totals[branch.values["seen"]] += branch.probability
        assert np.linalg.norm(branch.state) ** 2 == pytest.approx(branch.probability, abs=1e-14)
    np.testing.assert_allclose(totals, expected, atol=EXPORTED)


def test_initial_states_by_register() -> None:
    program = HEAD + "qubit[2] left;\nqubit right;\nbit[2] m;\nbit r;\nm = measure left;\nr = measure right;"
    assert distribution(program, ["r", "m"], {"left": 2, "right": 1}) == {(1, 2): 1.0}
    psi = random_statevector(4, seed=5).data
    found = distribution(program, ["m"], {"left": psi})
    np.testing.assert_allclose([found[(v,)] for v in range(4)], np.abs(psi) ** 2, atol=1e-15)
    (branch,) = branches(HEAD + "qubit[2] left;\nqubit right;\nx right;", {"left": psi})
    np.testing.assert_allclose(branch.state, np.kron([0, 1], psi))
    for bad in ({"left": 4}, {"left": psi[:2]}, {"left": 2 * psi}, {"other": 0}):
        with pytest.raises(QasmError):
            distribution(program, ["m"], bad)


def test_teleportation_of_a_random_state() -> None:
    program = HEAD + (
        "qubit sent;\nqubit[2] pair;\nbit[2] m;\n"
        "h pair[0];\ncx pair[0], pair[1];\ncx sent, pair[0];\nh sent;\n"
        "m[0] = measure sent;\nm[1] = measure pair[0];\nif (m[1]) { x pair[1]; }\nif (m[0] == 1) z pair[1];"
    )
    psi = random_statevector(2, seed=11).data
    found = branches(program, {"sent": psi})
    assert sorted(branch.values["m"] for branch in found) == [0, 1, 2, 3]
    for branch in found:
        arrived = branch.state.reshape(2, 4)[:, branch.values["m"]]
        np.testing.assert_allclose(arrived, psi / 2, atol=1e-15)


def test_gate_definitions_with_arithmetic_nesting_and_modifiers() -> None:
    program = HEAD + (
        "gate inner(a, b) t { rz(a - 2 * b) t; ry(-(a) ** 2 + pi / 4) t; }\n"
        "gate outer(a) u, v { inner(a / 2, sin(a)) v; cx v, u; gphase(a); }\n"
        "qubit[3] w;\nouter(0.7) w[2], w[0];\ninv @ outer(0.7) w[2], w[0];\n"
        "negctrl @ outer(1.3) w[1], w[0], w[2];\n"
    )
    body = QuantumCircuit(2, global_phase=1.3)
    body.rz(0.65 - 2 * math.sin(1.3), 1)
    body.ry(-(0.65**2) + math.pi / 4, 1)
    body.cx(1, 0)
    expected = QuantumCircuit(3)
    gate = UnitaryGate(Operator(body)).control(1, ctrl_state=0, annotated=False)
    expected.append(gate, [1, 0, 2])
    np.testing.assert_allclose(operator(program), Operator(expected).data, atol=1e-12)
    names = count(program)
    assert (names["rz"], names["inv @ rz"], names["negctrl @ cx"], names["negctrl @ gphase"]) == (1, 1, 1, 1)
    with pytest.raises(QasmError, match="3 qubits"):
        two_qubit_gates(program)


def test_broadcast_ranges_and_old_declarations() -> None:
    program = HEAD + (
        "qreg a[3];\nqreg b[3];\ncreg c[3];\nbit one = measure a[0];\nx a[0:1];\ncx a, b;\nx b[{0, 2}];\n"
        "barrier a, b;\nmeasure b -> c;\none = measure a[-1];"
    )
    assert distribution(program, ["c", "one"]) == {(0b110, 0): 1.0}
    assert count(program) == {"x": 4, "cx": 3}
    assert two_qubit_gates(program) == 3
    assert statements(program) == {"measure": 5, "reset": 0, "if": 0}
    assert registers(program) == ({"a": 3, "b": 3}, {"one": 1, "c": 3})


@pytest.mark.parametrize(
    ("test", "values"),
    [
        ("c == 2", {2}),
        ("c != 2", {0, 1, 3}),
        ("c >= 2", {2, 3}),
        ('c == "10"', {2}),
        ("c[1]", {2, 3}),
        ("!c[0]", {0, 2}),
        ("c[0] == 0", {0, 2}),
        ("c[0] == true && !(c[1] == 1)", {1}),
        ("c[0] || bool(c[1])", {1, 2, 3}),
    ],
)
def test_conditions(test: str, values: set[int]) -> None:
    program = HEAD + (f"qubit[3] w;\nbit[2] c;\nbit f;\nc = measure w[0:1];\nif ({test}) {{ x w[2]; }}\nf = measure w[2];")
    for value in range(4):
        assert distribution(program, ["f"], {"w": value}) == {(int(value in values),): 1.0}


def test_else_and_nested_if_with_measurement_inside() -> None:
    program = HEAD + (
        "qubit[2] w;\nbit a;\nbit b;\nry(1.2) w[0];\na = measure w[0];\n"
        "if (a) { h w[1]; b = measure w[1]; if (b) { x w[0]; } } else { ry(0.4) w[0]; }\n"
        "reset w[1];\na = measure w[0];"
    )
    zero = math.cos(0.6) ** 2
    expected = {
        (0, 0): zero * math.cos(0.2) ** 2,
        (1, 0): zero * math.sin(0.2) ** 2 + (1 - zero) / 2,
        (0, 1): (1 - zero) / 2,
    }
    assert distribution(program, ["a", "b"]) == pytest.approx(expected, abs=1e-15)


def test_a_bit_measured_twice_keeps_the_later_value() -> None:
    program = HEAD + "qubit[2] w;\nbit c;\nx w[1];\nc = measure w[0];\nc = measure w[1];"
    assert distribution(program, ["c"]) == {(1,): 1.0}
    assert [branch.values for branch in branches(program)] == [{"c": 1}]


def test_counts_along_the_worst_path() -> None:
    program = HEAD + (
        "qubit[2] w;\nbit c;\nx w[0];\nc = measure w[0];\n"
        "if (c) { cx w[0], w[1]; cx w[0], w[1]; }\nif (!c) { cz w[0], w[1]; }\nswap w[0], w[1];"
    )
    assert two_qubit_gates(program) == 4
    assert worst_path_two_qubit_gates(program) == 3
    assert worst_path_two_qubit_gates(program, {"w": 1}) == 2


def test_long_chain_on_one_qubit_needs_no_branch_per_text() -> None:
    lines = ["qubit w;", "bit[40] c;", "bit last;"]
    for step in range(39):
        lines += [f"c[{step}] = measure w;", "reset w;"]
        lines.append(f"if (c[{step}] == 1) {{ ry(0.5) w; }} else {{ ry(1.5) w; }}")
    lines.append("last = measure w;")
    to_one = np.array([math.sin(0.75) ** 2, math.sin(0.25) ** 2])
    law = np.linalg.matrix_power(np.array([1 - to_one, to_one]), 39)[:, 0]
    found = distribution(HEAD + "\n".join(lines), ["last"])
    np.testing.assert_allclose([found[(0,)], found[(1,)]], law, atol=1e-12)


def test_sixteen_measured_qubits_stay_one_branch() -> None:
    program = HEAD + "qubit[16] w;\nbit[8] lo;\nbit[8] hi;\nh w;\nlo = measure w[0:7];\nhi = measure w[8:15];"
    found = distribution(program, ["hi", "lo"])
    assert len(found) == 2**16
    assert all(probability == pytest.approx(2**-16) for probability in found.values())


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("qubit w; foo w;", "unknown gate"),
        ("qubit w; cx w, w;", "twice on one qubit"),
        ("qubit[2] w; x w[2];", "index 2"),
        ("qubit w; x v;", "unknown register"),
        ("qubit w; rx(alpha) w;", "unknown name"),
        ("qubit w; rx(1/0.0) w;", "no value"),
        ("qubit w; rx(1/2) w;", "two integers"),
        ("qubit w; rx w;", "0 angles"),
        ("qubit[2] w; ctrl @ U(1, 2, 3) w[0], w[1];", "differently"),
        ("qubit w; qubit w;", "declared twice"),
        ("qubit h;", "name of a gate"),
        ("gate x a { } gate x a { }", "name of a gate"),
        ("gate g a { unheard a; }", "unknown gate"),
        ("qubit[2] w; bit c; c = measure w;", "2 qubits"),
        ("qubit w; bit[2] c; if (c) { x w; }", "cannot stand alone"),
        ("qubit w; while (true) { x w; }", "WhileLoop"),
        ("int i = 3;", "classical type"),
        ("qubit[2] w; x w[", "not OpenQASM 3"),
        ("qubit w; pow(2) @ x w;", "modifier"),
    ],
)
def test_errors_name_what_is_wrong(body: str, message: str) -> None:
    with pytest.raises(QasmError, match=message):
        branches(HEAD + body)


def test_standard_gates_need_their_include() -> None:
    with pytest.raises(QasmError, match="unknown gate"):
        operator("OPENQASM 3.0; qubit w; x w;")
    own = "OPENQASM 3.0; gate cx a, b { ctrl @ not a, b; }"
    with pytest.raises(QasmError):
        operator(own)
    with pytest.raises(QasmError, match="no unitary"):
        operator(HEAD + "qubit w; reset w;")
    with pytest.raises(QasmError, match="expected OPENQASM 3"):
        operator('OPENQASM 2.0; include "stdgates.inc"; qubit w;')
