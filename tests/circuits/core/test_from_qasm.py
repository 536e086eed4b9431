# SPDX-License-Identifier: Apache-2.0
"""Programs read from OpenQASM 3: gates by their bodies whatever their names, bounds before anything is made, messages."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit.circuit import library
from qiskit.quantum_info import Operator

from oracles.qasm_choi import choi, outcome_choi
from oracles.qasm_gates import STANDARD
from stinespring.backends.aer.choi import channel_wires, circuit_choi
from stinespring.backends.aer.choi import outcome_choi as aer_choi
from stinespring.circuits.core.from_qasm import program_of, read_program
from stinespring.circuits.qasm.factors import LIBRARY, gate_sizes
from stinespring.errors import InputError, TooLargeError
from stinespring.models.channels.cptp import choi_of_kraus
from stinespring.models.channels.distance import diamond_distance

HEAD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'
DAMPING = np.array([[[1, 0], [0, np.sqrt(0.7)]], [[0, np.sqrt(0.3)], [0, 0]]])
ANGLE = 1.1592794807274085
SQUARE = np.sqrt(0.5)
RZZ = np.diag(np.exp([-0.35j, 0.35j, 0.35j, -0.35j]))
CX = np.array([[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0]])  # control qubit 0, target qubit 1
REVERSED_CX = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]])
ECR = np.array([[0, 1, 0, 1j], [1, 0, -1j, 0], [0, 1j, 0, 1], [-1j, 0, 1, 0]]) * SQUARE
H = np.array([[1, 1], [1, -1]]) * SQUARE


def made(text: str, m: int, n: int) -> np.ndarray:
    circuit = program_of(text)
    return circuit_choi(circuit, *channel_wires(circuit, inputs=m, outputs=n))


def wanted(*kraus: np.ndarray) -> np.ndarray:
    return choi_of_kraus(np.stack([np.asarray(k, dtype=complex) for k in kraus]))


def unitary(body: str, qubits: int = 2, head: str = HEAD) -> np.ndarray:
    return np.asarray(Operator(program_of(f"{head}qubit[{qubits}] q;\n{body}")).data)


UNITARY_GATE = """gate unitary _gate_q_0, _gate_q_1 {
  U(pi/2, 0, 0) _gate_q_0;
  U(1.7765547498286405, -pi/2, -pi) _gate_q_1;
  cx _gate_q_0, _gate_q_1;
  U(2.561952913226089, -pi, -pi/2) _gate_q_0;
  U(2*pi/3, 2.526112944919406, -2.526112944919406) _gate_q_1;
  cx _gate_q_0, _gate_q_1;
  U(pi/2, 0, -pi) _gate_q_0;
  U(3*pi/4, -pi/2, pi/2) _gate_q_1;
}
qubit[1] sys; qubit[1] env;
unitary sys[0], env[0];
"""
ONE_AND_ONE = "qubit[1] sys; qubit[1] env;"
READ = {
    "custom gate": (f"gate damp(t) a, b {{ cry(t) a, b; cx b, a; }} {ONE_AND_ONE} damp({ANGLE}) sys[0], env[0];", 1),
    "diagonal": (f"gate diagonal(t) a, b {{ cry(t) a, b; cx b, a; }} {ONE_AND_ONE} diagonal({ANGLE}) sys, env;", 1),
    "unitary": (UNITARY_GATE, 1),
    "identity called rzz": ("gate rzz(t) a, b { id a; id b; } qubit[2] sys; rzz(0.7) sys[0], sys[1];", 2),
    "rzz": ("gate rzz(t) a, b { cx a, b; rz(t) b; cx a, b; } qubit[2] sys; rzz(0.7) sys[0], sys[1];", 2),
    "cx reversed": ("gate cx a, b { h a; h b; cx a, b; h a; h b; } qubit[2] sys; cx sys[0], sys[1];", 2),
    "cx by itself, reversed": ("gate cx a, b { cx b, a; } qubit[2] sys; cx sys[0], sys[1];", 2),
    "earlier gates keep theirs": ("gate g a, b { cx a, b; } gate cx a, b { cz a, b; } qubit[2] sys; g sys[0], sys[1];", 2),
    "ecr": ("gate ecr a, b { s a; sx b; cx a, b; x a; } qubit[2] sys; ecr sys[0], sys[1];", 2),
    "h as x": ("gate h a { x a; } qubit[1] sys; h sys[0];", 1),
    "swap as nothing": ("gate swap a, b { } qubit[2] sys; swap sys[0], sys[1];", 2),
    "parameters permuted": ("gate u(a, b, c) q { U(c, a, b) q; } qubit[1] sys; u(0.3, 0.2, 0.9) sys;", 1),
    "measured": ("qubit[2] sys; bit[1] outcome; h sys[0]; outcome[0] = measure sys[0]; if (outcome == 1) { x sys[1]; }", 2),
    "measured, arrow": ("qubit[2] sys; creg outcome[1]; measure sys[0] -> outcome[0]; if (!outcome[0]) { h sys[1]; }", 2),
    "else": ("qubit[2] sys; bit[2] c; c = measure sys; if (c == 2) { x sys[0]; } else { h sys[1]; x sys[0]; }", 2),
    "else of a bit": ("qubit[2] sys; bit[2] c; c[1] = measure sys[1]; if (c[1]) { x sys[0]; } else { h sys[0]; }", 2),
    "unlike": ("qubit[2] sys; bit[2] c; c = measure sys; if (c != 1) { x sys[0]; }", 2),
    "never": ("qubit[1] sys; bit[1] c; c = measure sys; if (c == 2) { x sys[0]; } else { h sys[0]; }", 1),
    "measured into nothing": ("qubit[1] sys; h sys; measure sys; h sys;", 1),
    "reset": ("qubit[1] sys; qubit[1] env; cx sys[0], env[0]; reset sys; h sys;", 1),
    "whole registers": ("qubit[2] sys; qubit[2] env; h sys; cx sys, env; cx env[0], sys[1];", 2),
    "constants": ("const float[64] a = pi/2 + 2**-1; const uint n = 1; qubit[2] sys; rx(sin(a) * n) sys[n]; barrier sys;", 2),
    "ctrl and inv in bodies": ("gate g(t) a, b { ctrl @ rx(t) a, b; inv @ s b; } qubit[2] sys; inv @ g(1) sys[0], sys[1];", 2),
    "controlled definition": ("gate g a, b { h a; s b; gphase(0.4); } qubit[3] sys; negctrl @ g sys[2], sys[0], sys[1];", 3),
    "two controls": ("gate g(t) a { rx(t) a; t a; } qubit[3] sys; ctrl @ negctrl @ g(0.9) sys[1], sys[0], sys[2];", 3),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_programs_against_the_interpreter(name):
    body, n = READ[name]
    assert made(HEAD + body, n, n) == pytest.approx(choi(HEAD + body, n, n), abs=1e-12)


@pytest.mark.parametrize(
    ("name", "kraus"),
    [
        ("custom gate", DAMPING),
        ("diagonal", DAMPING),
        ("identity called rzz", [np.eye(4)]),
        ("rzz", [RZZ]),
        ("cx reversed", [REVERSED_CX]),
        ("cx by itself, reversed", [REVERSED_CX]),
        ("earlier gates keep theirs", [CX]),
        ("ecr", [ECR]),
        ("h as x", [np.array([[0, 1], [1, 0]])]),
        ("swap as nothing", [np.eye(4)]),
    ],
)
def test_programs_against_what_they_should_be(name, kraus):
    body, n = READ[name]
    assert made(HEAD + body, n, n) == pytest.approx(wanted(*kraus), abs=1e-12)


@pytest.mark.parametrize(
    ("name", "named"),
    [("identity called rzz", RZZ), ("cx reversed", CX), ("h as x", H), ("swap as nothing", CX @ REVERSED_CX @ CX)],
)
def test_a_gate_is_never_what_it_is_called(name, named):
    body, n = READ[name]
    low, _ = diamond_distance(made(HEAD + body, n, n), wanted(named), inputs=1 << n)
    assert low > 0.1


def test_without_the_library():
    text = """OPENQASM 3.0;
gate h a { U(pi/2, 0, pi) a; }
gate cz a, b { ctrl(2) @ gphase(pi) a, b; }
gate cx a, b { h b; cz a, b; h b; }
qubit[2] x;
gphase(0.3);
h x[0];
cx x[0], x[1];
"""
    assert np.asarray(Operator(program_of(text)).data) == pytest.approx(np.exp(0.3j) * CX @ np.kron(np.eye(2), H), abs=1e-12)


def test_every_gate_of_the_library():
    rng = np.random.default_rng(5)
    assert set(LIBRARY) == set(STANDARD)
    for name, standard in STANDARD.items():
        angles, qubits = gate_sizes(name)
        assert (angles, qubits) == (standard.angles, standard.controls + standard.targets)
        values = rng.uniform(-3, 3, angles).tolist()
        given = f"({', '.join(map(repr, values))})" if values else ""
        call = f"{name}{given} {', '.join(f'sys[{i}]' for i in range(qubits))};"
        text = f"{HEAD}qubit[{qubits}] sys;\n{call}"
        assert made(text, qubits, qubits) == pytest.approx(choi(text, qubits, qubits), abs=1e-12), name


POWERS = {
    "pow(0.5) @ x q[0];": library.SXGate(),
    "pow(2) @ sx q[0];": library.XGate(),
    "pow(-1) @ s q[0];": library.SdgGate(),
    "inv @ pow(0.5) @ z q[0];": library.SdgGate(),
    "pow(0) @ x q[0];": library.IGate(),
    "pow(3.0) @ rz(0.4) q[0];": library.RZGate(1.2),
    "pow(1.0/3) @ t q[0];": library.PhaseGate(np.pi / 12),
}


@pytest.mark.parametrize("body", POWERS)
def test_powers(body):
    assert unitary(body, 1) == pytest.approx(np.asarray(POWERS[body].to_matrix()), abs=1e-12)


def test_powers_of_definitions():
    define = HEAD + "gate g(t) a, b { rx(t) a; cx a, b; ry(t) b; }\n"
    once = unitary("g(0.3) q[0], q[1];", head=define)
    assert unitary("pow(3) @ g(0.3) q[0], q[1];", head=define) == pytest.approx(once @ once @ once, abs=1e-12)
    assert unitary("pow(-2) @ g(0.3) q[0], q[1];", head=define) @ once @ once == pytest.approx(np.eye(4), abs=1e-12)
    root = unitary("pow(0.5) @ g(0.3) q[0], q[1];", head=define)
    assert root @ root == pytest.approx(once, abs=1e-12)
    controlled = unitary("ctrl @ pow(0.5) @ g(0.3) q[2], q[0], q[1];", 3, head=define)
    assert controlled == pytest.approx(np.block([[np.eye(4), np.zeros((4, 4))], [np.zeros((4, 4)), root]]), abs=1e-12)


@pytest.mark.parametrize("controls", [1, 2, 3, 4])
@pytest.mark.parametrize("gate", ["x", "rx(0.7)", "sx", "p(0.3)", "U(0.3, 0.4, 0.5)", "h"])
def test_many_controls(gate, controls):
    single = unitary(f"{gate} q[0];", 1)
    operands = ", ".join(f"q[{i}]" for i in (*range(1, controls + 1), 0))
    expected = np.eye(2 << controls, dtype=complex)
    expected[-2:, -2:] = single
    assert unitary(f"ctrl({controls}) @ {gate} {operands};", controls + 1) == pytest.approx(expected, abs=1e-12)
    none = np.eye(2 << controls, dtype=complex)
    none[:2, :2] = single
    assert unitary(f"negctrl({controls}) @ {gate} {operands};", controls + 1) == pytest.approx(none, abs=1e-12)


def test_controlled_phases_and_swaps():
    assert unitary("ctrl @ gphase(0.3) q[1];") == pytest.approx(np.diag(np.exp([0, 0, 0.3j, 0.3j])), abs=1e-12)
    swap = np.asarray(library.SwapGate().to_matrix())
    expected = np.eye(16, dtype=complex)
    expected[-4:, -4:] = swap
    assert unitary("ctrl(2) @ swap q[2], q[3], q[0], q[1];", 4) == pytest.approx(expected, abs=1e-12)


def test_loops_sets_and_aliases():
    body = """let low = q[0:1]; let both = low[{1}] ++ q[2:3];
for uint i in [0:2] { cx q[i], q[i + 1]; if (i == 1) { h q[0]; } }
for int j in {3, 1} x q[j];
for int k in [3:-2:0] { rx(k / 2.0) q[k]; }
y both;"""
    plain = """cx q[0], q[1]; cx q[1], q[2]; h q[0]; cx q[2], q[3]; x q[3]; x q[1]; rx(1.5) q[3]; rx(0.5) q[1];
y q[1]; y q[2]; y q[3];"""
    assert unitary(body, 4) == pytest.approx(unitary(plain, 4), abs=1e-12)
    looped = "gate g a { for int i in [1:3] { rx(i) a; } }\n"
    assert unitary("g q[0];", 1, head=HEAD + looped) == pytest.approx(unitary("rx(6) q[0];", 1), abs=1e-12)


def test_what_changes_no_state():
    body = "barrier q; delay[10ns] q[0]; box { x q[0]; } { const float c = 0.5; rx(c) q[1]; } end; x q[0];"
    assert unitary(body) == pytest.approx(unitary("x q[0]; rx(0.5) q[1];"), abs=1e-12)
    assert dict(program_of(HEAD + "qubit q; bit c = measure q; bit[3] d = 0; output bit e;").count_ops()) == {"measure": 1}


GATES = ["cx", "cz", "h", "rzz", "ecr", "diagonal", "unitary", "swap", "u", "x", "sxdg", "mcx", "U2", "kraus", "iswap"]
OWN = [  # what the library's gates were before their names were taken
    *(f"gate own_{name} a, b {{ {name} a, b; }}" for name in ("cx", "cz")),
    *(f"gate own_{name}(t) a {{ {name}(t) a; }}" for name in ("rz", "ry")),
    "gate own_x a { x a; }",
]
BODIES = {  # number of angles, of qubits, and what it does
    "nothing": (1, 2, ""),
    "cz": (0, 2, "own_cz a, b;"),
    "cx reversed": (0, 2, "own_cx b, a;"),
    "rotation": (2, 1, "own_rz(s) a; own_ry(t) a;"),
    "swapped angles": (2, 1, "U(t, s, s) a;"),
    "x": (0, 1, "own_x a;"),
    "phase": (1, 2, "ctrl @ gphase(t) a; inv @ own_ry(t) b;"),
    "controlled": (1, 2, "ctrl @ own_ry(t) b, a;"),
}


@st.composite
def adversarial(draw: st.DrawFn) -> str:
    """A program whose gates have other gates' names."""
    names = draw(st.lists(st.sampled_from(GATES), min_size=1, max_size=4, unique=True))
    lines, known = ["OPENQASM 3.0;", 'include "stdgates.inc";', *OWN], []
    for name in names:
        angles, qubits, body = BODIES[draw(st.sampled_from(sorted(BODIES)))]
        parameters = ["t", "s"][:angles]
        on = ["a", "b"][:qubits]
        for _ in range(draw(st.integers(0, 2))):
            if known:
                inner, n_angles, n_qubits = draw(st.sampled_from(known))
                if n_qubits <= qubits:
                    given = ", ".join(draw(st.sampled_from([*parameters, "0.3", "-pi/5"])) for _ in range(n_angles))
                    body += f" {inner}{'(' + given + ')' if given else ''} {', '.join(draw(st.permutations(on))[:n_qubits])};"
        lines.append(f"gate {name}{'(' + ', '.join(parameters) + ')' if parameters else ''} {', '.join(on)} {{ {body} }}")
        known.append((name, angles, qubits))
    lines += ["qubit[2] sys;", "qubit[1] env;", "bit[2] outcome;"]
    wires = ["sys[0]", "sys[1]", "env[0]"]
    for _ in range(draw(st.integers(1, 6))):
        name, angles, qubits = draw(st.sampled_from(known))
        order = draw(st.permutations(wires))
        given = ", ".join(repr(draw(st.floats(-3, 3))) for _ in range(angles))
        lead = draw(st.sampled_from(["", "", "inv @ "]))
        call = f"{lead}{name}{'(' + given + ')' if given else ''} {', '.join(order[:qubits])};"
        kind = draw(st.integers(0, 4))
        if kind == 0:
            lines.append(f"outcome[{draw(st.integers(0, 1))}] = measure {order[0]};")
        if kind == 1:
            call = f"if (outcome == {draw(st.integers(0, 3))}) {{ {call} }}"
        lines.append(call)
    return "\n".join(lines) + "\n"


@given(adversarial())
def test_names_mean_nothing(text):
    circuit = program_of(text)
    wires = channel_wires(circuit, inputs=2, outputs=2)
    assert circuit_choi(circuit, *wires) == pytest.approx(choi(text, 2, 2), abs=1e-10)
    bits = [circuit.find_bit(bit).index for bit in next(r for r in circuit.cregs if r.name == "outcome")]
    parts = aer_choi(circuit, *wires, bits)
    for value, part in outcome_choi(text, 2, 2).items():
        assert parts.get(value, np.zeros((16, 16))) == pytest.approx(part, abs=1e-10)


NEST = "if (c == 0) { " * 300 + "x q[0];" + "}" * 300
CHAIN = "gate g0 a { x a; }" + "".join(f"gate g{i} a {{ g{i - 1} a; g{i - 1} a; }}" for i in range(1, 60)) + " g59 q[0];"
REFUSED = {
    "nested ifs": ("qubit[1] q; bit[1] c; " + NEST, "nested too deeply"),
    "an if in an if": ("qubit q; bit c; bit d; if (c) { if (d) { x q; } }", "'if' within"),
    "else if": ("qubit q; bit c; bit d; if (c) { x q; } else if (d) { h q; }", "'if' within"),
    "long sum": (f"qubit q; rx({'1+' * 3000}1) q;", "nested too deeply"),
    "many qubits": ("qubit[1000000000] sys;", "too many qubits"),
    "many registers": ("".join(f"qubit[100] r{i};" for i in range(50)), "too many qubits"),
    "many bits": ("bit[1000000000] c;", "too many bits"),
    "no size": ("qubit[0] q;", "has no size"),
    "negative size": ("qubit[-3] q;", "has no size"),
    "long loop": ("qubit q; for int i in [0:100000000] { x q; }", "too long"),
    "longest loop": ("qubit q; for int i in [0:9223372036854775807] { x q; }", "too long"),
    "loops in loops": ("qubit q; " + "for int i in [0:99] " * 5 + "{ }", "too long"),
    "definitions in definitions": ("qubit q; " + CHAIN, "too long"),
    "deep definitions": ("gate g0 a { }" + "".join(f"gate g{i} a {{ g{i - 1} a; }}" for i in range(1, 99)), "too deeply"),
    "recursion": ("gate g a { g a; }", "not defined"),
    "step of nothing": ("qubit q; for int i in [0:0:3] { x q; }", "step of 0"),
    "division by zero": ("qubit q; rx(pi/0) q;", "no value"),
    "overflow": ("qubit q; rx(1e308*1.57e0*9) q;", "not finite"),
    "tower": ("qubit q; rx(9**9**9**9) q;", "no value"),
    "root of a negative": ("qubit q; rx(sqrt(-1)) q;", "no value"),
    "half of one": ("qubit q; rx(1/2) q;", "cut off"),
    "huge integer": (f"qubit q; rx({'9' * 5000}) q;", "not OpenQASM 3"),
    "unknown constant": ("qubit q; rx(alpha) q;", "not constant"),
    "parameter": ("input float[64] a; qubit q; rx(a) q;", "free parameter"),
    "variable": ("int i = 3;", "computes with a variable"),
    "assignment": ("bit c; c = 1;", "not supported"),
    "bit that is one": ("bit c = 1;", "does not start in 0"),
    "while": ("qubit q; bit c; while (c) { x q; }", "not supported"),
    "subroutine": ("def f(qubit q) { x q; }", "not supported"),
    "pragma": ("#pragma noise\nqubit q;", "not supported"),
    "undefined": ("qubit q; foo q;", "not defined"),
    "rzz of no library": ("qubit[2] q; rzz(0.1) q[0], q[1];", "not defined"),
    "undefined in a body": ("gate g a { foo a; }", "not defined"),
    "body that measures": ("gate g a { reset a; }", "not OpenQASM 3"),
    "defined twice": ("gate g a { } gate g a { }", "declared twice"),
    "declared twice": ("qubit q; bit q;", "declared twice"),
    "named like a gate": ("qubit h;", "declared twice"),
    "named like a number": ("qubit pi;", "declared twice"),
    "parameter twice": ("gate g a, a { }", "parameter twice"),
    "one qubit twice": ("qubit[2] q; cx q[0], q[0];", "twice on one qubit"),
    "one qubit twice, controlled": ("qubit[2] q; ctrl @ x q[0], q[0];", "twice on one qubit"),
    "outside": ("qubit[2] q; x q[2];", "outside"),
    "endless range": ("qubit[2] q; x q[0:9223372036854775807];", "outside"),
    "too few controls": ("qubit[2] q; ctrl(3) @ x q[0], q[1];", "too few qubits"),
    "no angle": ("qubit q; rx q;", "called wrongly"),
    "angles of a definition": ("gate g(t) a { } qubit q; g q;", "called wrongly"),
    "sizes": ("qubit[2] q; qubit[3] r; cx q, r;", "different sizes"),
    "measured into more": ("qubit[2] q; bit[3] c; c = measure q;", "does not fit"),
    "no register": ("x q;", "not declared"),
    "hardware": ("x $0;", "not declared"),
    "register as condition": ("qubit q; bit[2] c; if (c) { x q; }", "stands alone"),
    "part of a register": ("qubit q; bit[3] c; if (c[0:1] == 1) { x q; }", "some bits of a register"),
    "and": ("qubit q; bit[2] c; if (c[0] && c[1]) { x q; }", "not constant"),
    "other file": ('include "qelib1.inc";', "unknown file"),
    "power": ("qubit q; pow(1e9) @ x q;", "too large"),
    "wide power": ("gate g a,b,c,d,e,f,k { h a; h b; h c; h d; h e; h f; h k; } qubit[7] q; pow(0.5) @ g q[0],q[1],q[2],q[3],q[4],q[5],q[6];", "too large"),  # noqa: E501
    "power of powers": ("gate g a, b { U(1, 2, 3) a; cx a, b; } qubit[2] q; " + "pow(1000000) @ " * 2 + "g q[0], q[1];", "accurate"),  # noqa: E501
    "angle of powers": ("qubit q; pow(1000000) @ pow(1000000) @ rz(0.1) q;", "accurate"),
    "no grammar": ("qubit q; x q; y;;; $", "not OpenQASM 3"),
    "unclosed": ("qubit q; {", "not OpenQASM 3"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_one_message(name, capfd):
    body, message = REFUSED[name]
    with pytest.raises(InputError, match=message) as caught:
        program_of(HEAD + body)
    assert len(str(caught.value).splitlines()) <= 5
    assert capfd.readouterr() == ("", "")


def test_library_only_where_it_is_included():
    with pytest.raises(InputError, match="not defined") as caught:
        program_of("OPENQASM 3.0; qubit q; h q;")
    assert 'include "stdgates.inc"' in str(caught.value)
    with pytest.raises(InputError, match="defines a name again"):
        program_of('OPENQASM 3.0; gate h a { } include "stdgates.inc";')
    with pytest.raises(InputError, match="another language"):
        program_of('OPENQASM 2.0; include "qelib1.inc"; qreg q[1];')
    for text in ("", " \n"):
        with pytest.raises(InputError, match="empty"):
            program_of(text)


def test_messages_name_file_and_line(tmp_path):
    path = tmp_path / "p.qasm"
    path.write_text(HEAD + "qubit[1] sys;\n" + "h sys[0];\n" * 6000 + "foo sys[0];\n")
    with pytest.raises(InputError) as caught:
        read_program(path)
    assert f"{path}, line 6004" in str(caught.value)
    path.write_text(HEAD + "qubit[1] sys;\nh sys[0]\nx sys[0];\n")
    with pytest.raises(InputError, match="line 5"):
        read_program(path)


def test_what_is_no_file(tmp_path, monkeypatch):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, message in (
        (tmp_path, "is no file"),
        (pipe, "is no file"),
        ("/dev/null", "is no file"),
        ("missing", "not found"),
    ):
        with pytest.raises(InputError, match=message):
            read_program(path)
    binary = tmp_path / "binary.qasm"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        read_program(binary)
    with pytest.raises(InputError):
        read_program("a\0b")
    monkeypatch.setattr("stinespring.circuits.qasm.text.MOST_BYTES", 100)
    binary.write_text(HEAD + "\n" * 100)
    with pytest.raises(TooLargeError, match="too large"):
        read_program(binary)


def test_long_texts(monkeypatch):
    monkeypatch.setattr("stinespring.circuits.qasm.text.PIECE", 50)
    text = (
        HEAD + "qubit[2] q; bit[1] c; gate g a { x a; h a; }\n" + "/* ; else */ if (c[0]) x q[0]; // ;\n else { g q[1]; }\n" * 3
    )
    assert program_of(text).count_ops() == {"if_else": 3}
    monkeypatch.setattr("stinespring.circuits.qasm.text.MOST_STATEMENTS", 6)
    with pytest.raises(TooLargeError, match="too long"):
        program_of(text)
    monkeypatch.setattr("stinespring.circuits.qasm.text.MOST_OF_ONE", 20)
    with pytest.raises(TooLargeError, match="statement is too long"):
        program_of(text)
