# SPDX-License-Identifier: Apache-2.0
"""Braket's dialect and OpenQASM 2: each read by its own reader has exactly the law of the portable text."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pytest
from qiskit import QuantumCircuit, qasm2
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.quantum_info import Operator, Statevector

import stinespring
from oracles.qasm_runner import distribution
from stinespring.circuits.core.flow import Flow, If, Measure, Reset
from stinespring.circuits.core.gates import Gate
from stinespring.circuits.qasm import few_gates
from stinespring.circuits.qasm.few_gates import BRAKET_DEVICES, QELIB1, WRITTEN, in_few_gates
from stinespring.circuits.qasm.version_2 import decimal
from stinespring.compiler.export.dialects import written
from stinespring.errors import DefectError, InputError

CASES = [  # file, what is asked
    ("two_tokens.json", {"prompt": "a b", "steps": 2}),
    ("three_tokens.json", {"prompt": "sun rain", "steps": 1, "codes": "binary", "phases": "exact"}),
    ("three_tokens.json", {"prompt": "sun rain", "steps": 2, "target": "line:6"}),
]
ANGLES = (0.3, -1.1, 2.0)


def operator(gates) -> np.ndarray:
    circuit = QuantumCircuit(2)
    known = get_standard_gate_name_mapping()
    for name, wires, angles in gates:
        kind = known[name].base_class
        circuit.append(kind(*angles), list(wires))
    return Operator(circuit).data


@pytest.mark.parametrize("kept", [BRAKET_DEVICES, QELIB1, frozenset({"u", "cx"} | {"rx", "ry", "rz", "h", "x"})], ids=len)
@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_gates_in_other_gates_are_the_same_up_to_a_phase(name, kept):
    known = get_standard_gate_name_mapping()[name]
    gate = Gate(name, (1, 0)[: known.num_qubits], ANGLES[: len(known.params)])
    found = in_few_gates(Flow((("q", 2),), (), (gate,)), kept).instructions
    assert all(item.name in kept for item in found)
    product = operator([gate]).conj().T @ operator(found)
    assert abs(np.trace(product)) == pytest.approx(4.0, abs=1e-12)


@pytest.mark.parametrize(("file", "asked"), CASES, ids=["texts", "isometry", "device"])
def test_laws_of_static_programs(examples, file, asked):
    program = stinespring.compile(stinespring.load(examples / file), schedule="static", effort=0, **asked)
    form = program.body.form if program.body.lowered is None else program.body.circuit
    expected = law_of_bits(program.qasm3())
    assert law_by_qiskit(written(form, "qasm2").text) == pytest.approx(expected, abs=1e-10)
    found = written(form, "braket")
    assert set(re.findall(r"^(\w+)(?:\(.*\))? q\[", found.text, re.MULTILINE)) <= {"x", "h", "rx", "ry", "rz", "cnot"}
    assert law_by_braket(found.text) == pytest.approx(expected, abs=1e-10)


def law_of_bits(text: str) -> dict[str, float]:
    """The law of all bits, the last one of the last register on the left."""
    sizes = {name: int(size) for size, name in re.findall(r"^bit\[(\d+)\] (\w+);", text, re.MULTILINE)}
    law = distribution(text, list(sizes))
    return {
        "".join(f"{v:0{n}b}" for v, n in reversed(list(zip(values, sizes.values(), strict=True)))): p
        for values, p in law.items()
        if p > 1e-13
    }


def law_by_qiskit(text: str) -> dict[str, float]:
    circuit = qasm2.loads(text)
    assert circuit.count_ops().keys() <= {*QELIB1, "u3", "measure"}
    at = {
        circuit.find_bit(i.clbits[0]).index: circuit.find_bit(i.qubits[0]).index
        for i in circuit
        if i.operation.name == "measure"
    }
    circuit.remove_final_measurements(inplace=True)
    law = Statevector(circuit).probabilities_dict([at[bit] for bit in sorted(at)])
    return {key: p for key, p in law.items() if p > 1e-13}


def law_by_braket(text: str) -> dict[str, float]:
    pytest.importorskip("braket.default_simulator", reason="the extra [braket] is not installed")
    from braket.default_simulator import StateVectorSimulator
    from braket.ir.openqasm import Program

    reads = {int(bit): int(qubit) for bit, qubit in re.findall(r"\w+\[(\d+)\] = measure q\[(\d+)\];", text)}
    exact = re.sub(r"\w+\[\d+\] = measure q\[\d+\];\n", "", text)
    order = sorted(reads.values())  # the simulator orders the qubits of its answer itself
    exact += "#pragma braket result probability " + ", ".join(f"q[{qubit}]" for qubit in order) + "\n"
    [found] = StateVectorSimulator().run(Program(source=exact), shots=0).resultTypes
    law = {}
    for i, p in enumerate(found.value):
        value = dict(zip(order, f"{i:0{len(order)}b}", strict=True))
        if p > 1e-13:
            law["".join(value[reads[bit]] for bit in sorted(reads, reverse=True))] = float(p)
    return law


@pytest.mark.parametrize("value", [0.1, 1e-9, -2.5e-17, 1e22, math.pi, -0.0, 5e-324, 3.0])
def test_decimals_read_back_as_the_same_number(value):
    text = decimal(value)
    assert re.fullmatch(r"-?\d+\.\d+", text)
    assert float(text) == value
    assert math.copysign(1, float(text)) == math.copysign(1, value)


def test_a_register_with_the_name_of_a_gate_is_renamed():
    found = written(Flow((("x", 1), ("CX", 1)), (("t1", 1),), (Gate("h", (0,)), Measure((0,), "t1", (0,)))), "qasm2")
    assert "qreg reg_x[1];" in found.text
    assert found.told["registers_renamed"] == {"x": "reg_x", "CX": "reg_CX"}
    qasm2.loads(found.text)


def test_what_a_dialect_cannot_say_is_refused(two_tokens, tmp_path):
    dynamic = stinespring.compile(two_tokens, prompt="a b", steps=2, schedule="dynamic", feed_forward="all")
    stepwise = stinespring.compile(two_tokens, prompt="a b", steps=2, schedule="stepwise")
    if not dynamic.cost.conditions:
        dynamic = stinespring.compile(two_tokens, prompt="a b", steps=3, schedule="dynamic", feed_forward="all")
    for program in (dynamic, stepwise):
        with pytest.raises(InputError, match="OpenQASM 2"):
            program.write(tmp_path / "p.qasm", "qasm2")
        assert list(tmp_path.iterdir()) == []


def test_an_unknown_dialect_is_refused(two_tokens, tmp_path):
    with pytest.raises(InputError, match="unknown dialect"):
        stinespring.compile(two_tokens, prompt="a b", steps=1).write(tmp_path / "p.qasm", "quil")
    assert list(tmp_path.iterdir()) == []


def test_conditions_and_several_registers_in_brakets_dialect():
    flow = Flow(
        (("q", 1),), (("a", 1), ("b", 2)),
        (
            Gate("h", (0,)), Measure((0,), "a", (0,)), Measure((0,), "b", (1,)), Reset((0,)),
            If("b", 2, (Gate("x", (0,)),)), Measure((0,), "b", (0,)),
        ),
    )  # fmt: skip
    found = written(flow, "braket")
    assert found.told["bits_of"] == {"a": ["c[0]"], "b": ["c[1]", "c[2]"]}
    assert "if (c[2] == 1) { x q[0]; }" in found.text  # b[0] is not assigned yet


@pytest.mark.parametrize("dialect", ["braket", "qasm2"])
def test_a_wrong_translation_is_never_written(monkeypatch, dialect):
    """Planted: the writer leaves out a gate, the reader sees it."""
    from stinespring.circuits.qasm import braket, version_2

    module = {"braket": braket, "qasm2": version_2}[dialect]
    whole = module.statements
    monkeypatch.setattr(module, "statements", lambda *given: list(whole(*given))[1:])
    with pytest.raises(DefectError, match=dialect):
        written(Flow((("q", 1),), (("t1", 1),), (Gate("h", (0,)), Measure((0,), "t1", (0,)))), dialect)


def test_a_wrong_rule_is_seen_by_the_test_above(monkeypatch):
    monkeypatch.setitem(few_gates.WRITTEN, "cz", lambda: [("cx", (0, 1), ())])
    with pytest.raises(AssertionError):
        test_gates_in_other_gates_are_the_same_up_to_a_phase("cz", BRAKET_DEVICES)


@pytest.mark.parametrize("dialect", ["qasm3", "braket", "qasm2"])
def test_the_command_writes_it_and_reads_counts_of_it(invoke, examples, tmp_path, dialect):
    """Counts in the order of the dialect's own readers are judged; 40,000 draws with a fixed seed, alpha 1e-9."""
    path, model = tmp_path / "p.qasm", examples / "two_tokens.json"
    words = ["--prompt", "a b", "--steps", "2", "--effort", "0", "--codes", "binary", "--schedule", "static"]
    status, _, err = invoke("compile", model, *words, "-o", path, "--dialect", dialect, "--json")
    assert status == 0, err
    told = json.loads(path.with_suffix(".json").read_text())
    assert told.get("dialect", "qasm3") == dialect
    law = law_of_bits(
        stinespring.compile(stinespring.load(model), prompt="a b", steps=2, effort=0, codes="binary", schedule="static").qasm3()
    )
    drawn = np.random.default_rng(3).multinomial(40_000, list(law.values())).tolist()
    keys = [key[::-1] if dialect == "braket" else key for key in law]
    (tmp_path / "counts.json").write_text(json.dumps(dict(zip(keys, drawn, strict=True))))
    judge = ("check", model, "--program", path.with_suffix(".json"), "--counts", tmp_path / "counts.json", "--alpha", "1e-9")
    assert invoke(*judge, "--resolution", "0.1", "--json")[0] == 0
    (tmp_path / "counts.json").write_text(json.dumps(dict(zip([key[::-1] for key in keys], drawn, strict=True))))
    assert invoke(*judge, "--resolution", "0.1", "--json")[0] == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--dialect", "quil"], "unknown dialect"), (["--dialect", "qasm2", "--schedule", "dynamic"], "OpenQASM 2")],
)
def test_bad_dialects_end_with_status_2(invoke, examples, tmp_path, words, said):
    model = examples / "three_tokens.json"
    status, out, err = invoke("compile", model, "--prompt", "sun rain", "--steps", "2", "-o", tmp_path / "p.qasm", *words)
    assert (status, out, list(tmp_path.iterdir())) == (2, "", [])
    assert said in err


def test_templates_in_brakets_dialect(invoke, examples, tmp_path):
    """Free angles are floats without a size there; with the angles of a text each template has the model's law of its token."""
    model, folder = examples / "three_tokens.json", tmp_path / "folder"
    words = ["--prompt", "sun rain", "--steps", "2", "--schedule", "stepwise", "--dialect", "braket", "--effort", "0"]
    status, _, err = invoke("compile", model, *words, "-o", folder)
    assert status == 0, err
    angles = json.loads((folder / "angles.json").read_text())["prefixes"]
    for text in ("", "sun"):
        told = angles[text]
        source = (folder / told["template"]).read_text()
        assert "include" not in source and source.count("input float a") == len(told["angles"])
        for number, angle in enumerate(told["angles"]):
            source = re.sub(rf"\ba{number}\b", repr(angle), source.replace(f"input float a{number};\n", ""))
        found = law_of_bits(source.replace("OPENQASM 3.0;", 'OPENQASM 3.0;\ninclude "stdgates.inc";').replace("cnot", "cx"))
        seen = {told["decode"][str(int(key, 2))]: share for key, share in found.items() if share > 1e-9}
        _, out, _ = invoke("law", model, "--prompt", f"sun rain {text}".strip(), "--steps", "1", "--json")
        assert seen == pytest.approx(json.loads(out)["joint"], abs=1e-7)
