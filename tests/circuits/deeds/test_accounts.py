# SPDX-License-Identifier: Apache-2.0
"""Accounts of one program from its representations agree, and any planted difference is seen and named."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.quantum_info import Operator

from stinespring.circuits.core.flow import Flow, If, Measure, Reset
from stinespring.circuits.core.from_qasm import program_of
from stinespring.circuits.core.gates import Gate, Slot
from stinespring.circuits.deeds.account import MOST_DEEDS, difference, fused
from stinespring.circuits.deeds.language import BRAKET, STANDARD
from stinespring.circuits.deeds.law import law_of, required_law
from stinespring.circuits.deeds.of_circuit import account_of_circuit
from stinespring.circuits.deeds.of_flow import account_of_flow
from stinespring.circuits.deeds.of_text import UnreadableError, account_of_text
from stinespring.circuits.qasm.braket import NAMES, braket_qasm
from stinespring.compiler.export.qasm import flow_qasm, lowered_qasm
from tests.oracles.qasm_runner import distribution

ANGLES = (0.3, -1.1, 2.0, 0.7)
PROGRAM = Flow(
    (("q", 2), ("x1", 1)),
    (("t1", 2), ("t2", 1)),
    (
        Gate("h", (0,)),
        Gate("ry", (1,), (0.7,)),
        Gate("cx", (0, 1)),
        Measure((0, 1), "t1", (0, 1)),
        If("t1", 2, (Gate("u", (2,), ANGLES[:3]),)),
        Reset((0,)),
        If("t1", 1, (Gate("x", (2,)),), 0),
        Gate("cz", (2, 1)),
        Gate("h", (2,)),
        Measure((2,), "t2", (0,)),
    ),
    0.4,
)
PLANTED = {  # what is planted in the text: a fault of a writer
    "a dropped reset": ("reset q[0];\n", ""),
    "a dropped condition": ("if (t1[0]) { x x1[0]; }\n", ""),
    "what a condition guards is done always": ("if (t1 == 2) { U(0.3, -1.1, 2.0) x1[0]; }", "U(0.3, -1.1, 2.0) x1[0];"),
    "another value": ("t1 == 2", "t1 == 1"),
    "a bit for its opposite": ("(t1[0])", "(!t1[0])"),
    "another bit": ("(t1[0])", "(t1[1])"),
    "swapped bits": ("t1[0] = measure q[0];\nt1[1] = measure q[1];", "t1[1] = measure q[0];\nt1[0] = measure q[1];"),
    "another register": ("t2[0] = measure", "t1[0] = measure"),
    "control and target": ("cx q[0], q[1]", "cx q[1], q[0]"),
    "a rounded angle": ("ry(0.7)", "ry(0.70000000001)"),
    "another gate": ("h q[0]", "x q[0]"),
    "a gate too many": ("h q[0];\n", "h q[0];\nh q[0];\n"),
    "a reset before the measurement": ("t1[0] = measure q[0];\n", "reset q[0];\nt1[0] = measure q[0];\n"),
    "a lost global phase": ("gphase(0.4);\n", ""),
    "another name": ("bit[1] t2;", "bit[1] t3;"),
    "another size": ("qubit[1] x1;", "qubit[2] x1;"),
    "a lost measurement": ("t2[0] = measure x1[0];\n", ""),
}


def test_all_representations_agree():
    """The writer, Qiskit's matrices and the flow: one program. The circuit does not say in which phase a branch is."""
    flow = account_of_flow(PROGRAM)
    assert difference(flow, account_of_text(flow_qasm(PROGRAM))) is None
    assert difference(flow, account_of_circuit(PROGRAM.circuit())) is None
    assert difference(account_of_circuit(program_of(flow_qasm(PROGRAM))), flow, phase=False) is None


@pytest.mark.parametrize("fault", PLANTED)
def test_planted_faults_of_the_writer_are_seen(fault):
    old, new = PLANTED[fault]
    text = flow_qasm(PROGRAM)
    assert text.count(old) == 1
    try:
        where = difference(account_of_flow(PROGRAM), account_of_text(text.replace(old, new)))
    except UnreadableError as error:
        where = str(error)
    assert where


def test_what_is_independent_may_change_places():
    first, second = Gate("h", (0,)), Gate("ry", (1,), (0.2,))
    one, other = (Flow((("q", 2),), (), order) for order in ((first, second), (second, first)))
    assert difference(account_of_flow(one), account_of_flow(other)) is None
    cz = Gate("cz", (0, 1))
    one, other = (Flow((("q", 2),), (), order) for order in ((first, cz), (cz, first)))
    assert "deed 1" in difference(account_of_flow(one), account_of_flow(other))


@pytest.mark.parametrize("name", sorted(set(STANDARD) & set(get_standard_gate_name_mapping())))
def test_the_library_is_that_of_qiskit(name):
    """Two independent lists of matrices: ours from the specification, Qiskit's."""
    spelled, gate = STANDARD[name], get_standard_gate_name_mapping()[name]
    made = type(gate)(*ANGLES[: spelled.angles])
    assert abs(spelled.matrix(*ANGLES[: spelled.angles]) - made.to_matrix()).max() < 1e-15


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"u"}))
def test_brakets_gates_are_those_of_the_simulator(name):
    pytest.importorskip("braket.default_simulator")
    from braket.default_simulator.gate_operations import BRAKET_GATES

    spelled, qubits = BRAKET[NAMES[name]], range(BRAKET[NAMES[name]].qubits)
    operation = BRAKET_GATES[NAMES[name]](tuple(qubits), *ANGLES[: spelled.angles])
    theirs = np.asarray(operation.matrix)  # the first qubit most significant
    if spelled.qubits == 2:
        theirs = theirs[np.ix_([0, 2, 1, 3], [0, 2, 1, 3])]
    assert abs(spelled.matrix(*ANGLES[: spelled.angles]) - theirs).max() < 1e-12


def test_free_angles_must_be_the_same_ones():
    flow = Flow((("q", 2),), (), (Gate("ry", (0,), (Slot(0),)), Gate("ry", (1,), (Slot(1),))))
    head = 'OPENQASM 3.0;\ninclude "stdgates.inc";\ninput float[64] a0;\ninput float[64] a1;\n'
    text = head + "qubit[2] q;\nry(a0) q[0];\nry(a1) q[1];\n"
    assert difference(account_of_flow(flow, 2), account_of_text(text)) is None
    assert difference(account_of_flow(flow, 2), account_of_text(text.replace("ry(a1)", "ry(a0)")))
    assert "free angles" in difference(
        account_of_flow(flow, 2), account_of_text(text.replace("input float[64] a1;\n", "").replace("ry(a1)", "ry(1.0)"))
    )


@pytest.mark.parametrize(
    "line",
    [
        "ry(0.1) q;", "h q[2];", "h r[0];", "cx q[0], q[0];", "foo q[0];", "rx q[0];", "if (c == 4) { x q[0]; }",
        "if (c) { x q[0]; }", "c = measure q[0];", "measure q[0];", "x q[0]", "if (c[0]) { reset q[0]; }", "qubit[1] h;",
        "for int i in [0:3] { x q[0]; }", "ry(0.1 q[0];", "gate h a { x a; }", "ry(1e) q[0];", "if (c[0] == 1) x q[0];",
        "ctrl(1) @ gphase(pi) q[0], q[1];",
    ],
)  # fmt: skip
def test_what_is_not_in_the_subset_is_refused(line):
    with pytest.raises(UnreadableError):
        account_of_text(f'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q;\nbit[2] c;\n{line}\n')


def test_gates_that_are_defined_are_run_by_their_bodies():
    """The writer's definitions of ecr and rzz, against Qiskit's matrices up to a phase; and a definition that lies."""
    circuit = QuantumCircuit(2)
    circuit.ecr(0, 1)
    circuit.rzz(0.4, 1, 0)
    text = lowered_qasm(circuit)
    assert difference(account_of_circuit(circuit, phase=False), account_of_text(text)) is None
    lies = text.replace("sx b; cx a, b", "sx a; cx a, b")
    assert lies != text
    assert "differs" in difference(account_of_circuit(circuit, phase=False), account_of_text(lies))


def test_brakets_dialect_tests_bits_one_by_one():
    flow = replace(PROGRAM, phase=0.0)
    expected = account_of_circuit(flow.circuit())
    text = braket_qasm(flow)
    assert difference(expected, account_of_text(text, dialect="braket"), registers=False, phase=False) is None
    for old, new in (("c[1] == 1", "c[1] == 0"), ("reset q[0];\n", ""), ("c[2] = measure q[2];\n", ""), ("cnot", "cz")):
        assert text.count(old) == 1
        assert difference(expected, account_of_text(text.replace(old, new), dialect="braket"), registers=False, phase=False)


def test_pairs_that_cancel_vanish_where_idle_times_are_filled():
    plain, shielded = QuantumCircuit(1, 1), QuantumCircuit(1, 1)
    plain.h(0)
    plain.measure(0, 0)
    shielded.h(0)
    shielded.x(0)
    shielded.delay(100, 0)
    shielded.x(0)
    shielded.measure(0, 0)
    assert difference(*[fused(account_of_circuit(c)) for c in (plain, shielded)]) is None
    shielded.data.pop(1)
    assert difference(*[fused(account_of_circuit(c)) for c in (plain, shielded)])


@st.composite
def flows(draw):
    """Random programs on three qubits and three bits."""
    wires, angle = st.integers(0, 2), st.floats(-3, 3)
    gate = st.one_of(
        st.builds(lambda n, q: Gate(n, (q,)), st.sampled_from("xh"), wires),
        st.builds(lambda n, q, a: Gate(n, (q,), (a,)), st.sampled_from(["ry", "rz"]), wires, angle),
        st.builds(lambda n, q, d: Gate(n, (q, (q + d) % 3)), st.sampled_from(["cx", "cz"]), wires, st.integers(1, 2)),
    )
    item = st.one_of(
        gate, gate, st.builds(lambda q, b: Measure((q,), "c", (b,)), wires, st.integers(0, 1)),
        st.builds(lambda q: Measure((q,), "d", (0,)), wires), st.builds(lambda q: Reset((q,)), wires),
        st.builds(lambda v, g: If("c", v, (g,)), st.integers(0, 3), gate),
        st.builds(lambda v, g: If("c", v, (g,), 1), st.integers(0, 1), gate),
    )  # fmt: skip
    return Flow((("q", 3),), (("c", 2), ("d", 1)), tuple(draw(st.lists(item, max_size=12))))


@given(flows())
@settings(max_examples=40, deadline=None)
def test_random_programs_agree_and_have_the_oracles_law(flow):
    """The law from the account, against an independent simulator of the text."""
    account = account_of_flow(flow)
    assert difference(account, account_of_text(flow_qasm(flow))) is None
    assert difference(account, account_of_circuit(flow.circuit())) is None
    law = law_of(account)
    exact = distribution(flow_qasm(flow), ["c", "d"])
    assert sum(law.values()) == pytest.approx(1.0)
    assert {(w & 3, w >> 2): p for w, p in law.items() if p > 1e-12} == pytest.approx(
        {k: p for k, p in exact.items() if p > 1e-12}
    )


def test_the_law_sees_what_gates_hide():
    """The same program in other gates has the same law, without its reset another one."""
    other = QuantumCircuit(*PROGRAM.circuit().qregs, *PROGRAM.circuit().cregs)
    for item in PROGRAM.circuit().data:
        if item.operation.name == "h":
            other.append(get_standard_gate_name_mapping()["sdg"], item.qubits)
            other.append(get_standard_gate_name_mapping()["s"], item.qubits)
        other.append(item)
    expected = account_of_flow(PROGRAM)
    assert required_law(expected, account_of_circuit(other)) is None
    again = Flow(
        (("q", 1),), (("a", 1), ("b", 1)), (Gate("h", (0,)), Measure((0,), "a", (0,)), Reset((0,)), Measure((0,), "b", (0,)))
    )
    kept = replace(again, instructions=tuple(item for item in again.instructions if not isinstance(item, Reset)))
    assert "TVD of 0.5" in required_law(account_of_flow(again), account_of_flow(kept))


def test_of_wide_programs_the_measurements_are_counted():
    measures = tuple(Measure((q,), "c", (q,)) for q in range(12))
    flow = Flow((("q", 12),), (("c", 12),), (*(Gate("h", (q,)) for q in range(12)), *measures))
    short = replace(flow, instructions=flow.instructions[:-1])
    assert law_of(account_of_flow(flow)) is None
    assert required_law(account_of_flow(flow), account_of_flow(flow)) is None
    assert "bits 11" in required_law(account_of_flow(flow), account_of_flow(short))


def test_matrices_are_those_of_the_operators():
    circuit = QuantumCircuit(2)
    circuit.cu(*ANGLES, 1, 0)
    [deed] = account_of_circuit(circuit).deeds
    assert deed.qubits == (1, 0)
    assert abs(deed.matrix[np.ix_([0, 2, 1, 3], [0, 2, 1, 3])] - Operator(circuit).data).max() < 1e-15
    assert math.isclose(abs(np.linalg.det(deed.matrix)), 1.0)
    assert MOST_DEEDS >= 5_000
