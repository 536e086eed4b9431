# SPDX-License-Identifier: Apache-2.0
"""OpenQASM 3 in the portable subset, with angles at full precision.

Qiskit's exporter replaces angles near simple fractions of pi by those fractions (errors up to 8e-10 were measured), so
the text is written here, from the same list of gates that the Qiskit circuit is made of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import pi
from typing import TYPE_CHECKING, Any

from stinespring.circuits.core.build import quantum_name
from stinespring.circuits.core.flow import Flow, If, Instruction, Measure, Reset
from stinespring.circuits.core.gates import Gate, Slot
from stinespring.circuits.devices.read_back import condition_of, register_and_bit
from stinespring.compiler.export.forms import FlowTemplate
from stinespring.compiler.stepwise.template import Template
from stinespring.compiler.texts.operations import Layout
from stinespring.errors import InputError
from stinespring.readings import Register

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.circuit import CircuitInstruction

__all__ = ["flow_qasm", "form_qasm", "lowered_qasm"]

DEFINITIONS = {  # gates of devices that the language's library does not have
    "ecr": "gate ecr a, b { s a; sx b; cx a, b; x a; }",
    "rzz": "gate rzz(t) a, b { cx a, b; rz(t) b; cx a, b; }",
}
OWN = {  # the library's gates from what is built in, for programs whose registers bear names of the library
    "h": "gate h a { U(pi/2, 0, pi) a; }",
    "ry": "gate ry(t) a { U(t, 0, 0) a; }",
    "rz": "gate rz(t) a { gphase(-t/2); U(0, 0, t) a; }",
    "cz": "gate cz a, b { ctrl(2) @ gphase(pi) a, b; }",
    "cx": "gate cx a, b { U(pi/2, 0, pi) b; ctrl(2) @ gphase(pi) a, b; U(pi/2, 0, pi) b; }",
}
LIBRARY = frozenset(  # names of its gates; the comment: a list of words is easier to read
    "p x y z h s sdg t tdg sx rx ry rz cx cy cz cp crx cry crz ch swap ccx cswap cu CX phase cphase id u1 u2 u3".split()  # noqa: SIM905
)
WRITTEN = LIBRARY | {"u", "reset", "barrier", *DEFINITIONS}  # beside what has a form of its own: measure, delay, if
NAMES = {"u": "U"}  # the general one-qubit gate is built into the language; its library has no "u"


def form_qasm(form: Any) -> str:
    """Return a circuit before any device as OpenQASM 3; angles that are free are declared as ``input float[64] a0; ...``.

    Args:
        form: a flow, a layout of isometries, or a template; any other circuit is written on one register ``q``.
    """
    if isinstance(form, Flow):
        return flow_qasm(form)
    if isinstance(form, Layout):
        return write(form.registers, form.measured, form.gates(), 0)
    if isinstance(form, FlowTemplate):
        head, include, rest = flow_qasm(form.flow).split("\n", 2)
        return "\n".join([head, include, *(f"input float[64] a{i};" for i in range(form.slots)), rest])
    if isinstance(form, Template):
        return write(form.registers, [r.name for r in form.registers], form.gates, form.slots)
    return lowered_qasm(form.circuit())


def lowered_qasm(circuit: QuantumCircuit) -> str:
    """Return a lowered circuit as OpenQASM 3 on one register ``q`` whose indices are the device's qubits.

    Raises:
        InputError: control flow other than flat ifs that compare a register or a bit with a constant; a gate that is neither in
            the language's library nor defined here.
    """
    wires = [f"q[{i}]" for i in range(circuit.num_qubits)]
    body = [line for item in circuit.data for line in lowered_statement(circuit, item, wires)]
    names = {name for name in DEFINITIONS if any(re.search(rf"\b{name}\b", line) for line in body)}
    lines = ["OPENQASM 3.0;", 'include "stdgates.inc";', *(DEFINITIONS[name] for name in sorted(names))]
    lines.append(f"qubit[{circuit.num_qubits}] q;")
    lines += [f"bit[{register.size}] {register.name};" for register in circuit.cregs if register.size]
    return "\n".join([*lines, *body]) + "\n"


def lowered_statement(circuit: QuantumCircuit, item: CircuitInstruction, wires: Sequence[str]) -> list[str]:
    """Return one instruction of a lowered circuit, an if with all that it guards on one line."""
    operation, on = item.operation, ", ".join(wires[circuit.find_bit(qubit).index] for qubit in item.qubits)
    if operation.name == "measure":
        register, index = register_and_bit(circuit, item.clbits[0])
        return [f"{register}[{index}] = measure {on};"]
    if operation.name == "delay" and operation.unit == "expr":
        raise InputError(
            "a delay whose length the service finds is not in the portable subset", got="--delays stretch",
            expected="delays of known length", todo="export with another --delays; stretches are for submitted runs",
        )  # fmt: skip
    if operation.name == "delay":
        return [f"delay[{operation.duration}{operation.unit}] {on};"]
    if operation.name == "if_else":
        return [lowered_if(circuit, item, [wires[circuit.find_bit(qubit).index] for qubit in item.qubits])]
    if hasattr(operation, "blocks"):
        raise InputError("the circuit has control flow that hardware does not execute", got=operation.name, expected="if_else")
    if operation.name not in WRITTEN:
        raise InputError(
            "OpenQASM's library has no such gate", got=operation.name, expected=" ".join(sorted(WRITTEN)),
            todo="compile for a device with other gates, or for none",
        )  # fmt: skip
    if operation.name == "barrier" or not operation.params:
        return [f"{operation.name} {on};"]
    return [f"{NAMES.get(operation.name, operation.name)}({', '.join(repr(float(p)) for p in operation.params)}) {on};"]


def lowered_if(circuit: QuantumCircuit, item: CircuitInstruction, wires: Sequence[str]) -> str:
    """Return an if of a lowered circuit."""
    register, bit, value = condition_of(circuit, item.operation)
    tested = register if bit is None else f"{register}[{bit}]"
    texts = [
        " ".join(line for inner in block.data for line in lowered_statement(block, inner, wires))
        for block in item.operation.blocks
    ]
    return f"if ({tested} == {value}) {{ {texts[0]} }}" + "".join(f" else {{ {text} }}" for text in texts[1:])


def write(registers: Sequence[Register], measured: Sequence[str], gates: Iterable[Gate], slots: int) -> str:
    """Return the text of one program."""
    lines = ["OPENQASM 3.0;", 'include "stdgates.inc";']
    lines += [f"input float[64] a{i};" for i in range(slots)]
    lines += [f"qubit[{r.size}] {quantum_name(r)};" for r in registers]
    lines += [f"bit[{r.size}] {r.name};" for r in registers if r.name in measured]
    wires = [f"{quantum_name(r)}[{i}]" for r in registers for i in range(r.size)]
    lines += [statement(gate, wires) for gate in gates]
    lines += [f"{r.name} = measure {quantum_name(r)};" for r in registers if r.name in measured]
    return "\n".join(lines) + "\n"


def flow_qasm(flow: Flow) -> str:
    """Return a program with measurements, resets and conditions as OpenQASM 3.

    A register must not bear the name of a gate. Where one does (``x``), the library is not included; the gates are then
    defined from the built-in ``U`` and ``gphase``, in a way that does not depend on the phase that a reader gives ``U``.
    """
    flow = with_own_gates(flow)
    lines = ["OPENQASM 3.0;", *gate_definitions(flow)]
    lines += [f"qubit[{size}] {name};" for name, size in flow.quantum if size]
    lines += [f"bit[{size}] {name};" for name, size in flow.classical if size]
    if flow.phase:
        lines.append(f"gphase({angle(flow.phase)});")
    wires = [f"{name}[{i}]" for name, size in flow.quantum for i in range(size)]
    for item in flow.instructions:
        if isinstance(item, Measure):
            pairs = zip(item.bits, item.qubits, strict=True)
            lines += [f"{item.register}[{bit}] = measure {wires[qubit]};" for bit, qubit in pairs]
        elif isinstance(item, Reset):
            lines += [f"reset {wires[qubit]};" for qubit in item.qubits]
        elif isinstance(item, If):
            body = " ".join(statement(gate, wires) for gate in item.gates)
            lines.append(f"if ({condition(item)}) {{ {body} }}")
        else:
            lines.append(statement(item, wires))
    return "\n".join(lines) + "\n"


def clashes(flow: Flow) -> bool:
    """Return whether a register bears the name of a gate of the library."""
    return bool(LIBRARY & {name for name, _ in (*flow.quantum, *flow.classical)})


def with_own_gates(flow: Flow) -> Flow:
    """Return the program with ``u`` in place of ``x`` where the library's names are not to be had."""
    if not clashes(flow):
        return flow

    def own(gate: Gate) -> Gate:
        return Gate("u", gate.qubits, (pi, 0.0, pi)) if gate.name == "x" else gate

    items: list[Instruction] = []
    for item in flow.instructions:
        if isinstance(item, If):
            items.append(item._replace(gates=tuple([own(gate) for gate in item.gates])))
        else:
            items.append(own(item) if isinstance(item, Gate) else item)
    return replace(flow, instructions=tuple(items))


def gate_definitions(flow: Flow) -> list[str]:
    """Return the line that includes the library, or definitions of the gates that are used."""
    if not clashes(flow):
        return ['include "stdgates.inc";']
    parts = [item.gates if isinstance(item, If) else (item,) for item in flow.instructions]
    used = {gate.name for part in parts for gate in part if isinstance(gate, Gate)}
    return [OWN[name] for name in sorted(used & OWN.keys())]


def condition(item: If) -> str:
    """Return what an ``if`` tests: a register's value, or a bit as Qiskit's importer reads it."""
    if item.bit is None:
        return f"{item.register} == {item.value}"
    return f"{'' if item.value else '!'}{item.register}[{item.bit}]"


def statement(gate: Gate, wires: Sequence[str]) -> str:
    """Return one gate."""
    name, on, params = gate
    angles = f"({', '.join([angle(p) for p in params])})" if params else ""
    return f"{NAMES.get(name, name)}{angles} {', '.join([wires[q] for q in on])};"


def angle(value: float | Slot) -> str:
    """Return an angle as the shortest text that reads back as the same float64."""
    return f"a{value.number}" if isinstance(value, Slot) else repr(float(value))
