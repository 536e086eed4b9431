# SPDX-License-Identifier: Apache-2.0
"""One program in the languages that readers take: OpenQASM 3 in the portable subset, Amazon Braket's dialect, OpenQASM 2."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from stinespring.circuits.core.build import quantum_name
from stinespring.circuits.core.flow import Flow, If, Instruction, Measure
from stinespring.circuits.devices.read_back import flow_of
from stinespring.circuits.qasm.assigned import assigned, assigned_circuit
from stinespring.circuits.qasm.braket import bits_name, braket_qasm, first_bits
from stinespring.circuits.qasm.dialects import Dialect
from stinespring.circuits.qasm.few_gates import BRAKET_DEVICES, QELIB1, in_few_gates
from stinespring.circuits.qasm.version_2 import new_names, qasm2
from stinespring.compiler.export.faithful import read_back, read_back_flow
from stinespring.compiler.export.forms import FlowTemplate
from stinespring.compiler.export.qasm import form_qasm, lowered_qasm
from stinespring.compiler.stepwise.template import Template
from stinespring.compiler.texts.operations import Layout

__all__ = ["WrittenText", "written"]


@dataclass(frozen=True)
class WrittenText:
    """A program's text, and what a reader of it has to know beside.

    Attributes:
        text: as it goes into the file.
        told: for FILE.json.
    """

    text: str
    told: dict[str, Any]


def written(
    form: Any, dialect: Dialect = "qasm3", *, finish: Callable[[str], str] = str, inputs: Collection[int] = ()
) -> WrittenText:
    """Return a form, or a circuit on a device, as it will be written, once it was read back.

    Args:
        form: a form of the compiler's, or a Qiskit circuit.
        dialect: the language.
        finish: makes the text final.
        inputs: of a circuit on a device the qubits that hold an input.

    Raises:
        InputError: the dialect has no words for the program.
        DefectError: the text says something else.
    """
    if dialect == "qasm3":
        return portable(form, finish, inputs)
    flow, slots = as_flow(form)
    if dialect == "qasm2":
        plain = in_few_gates(flow, QELIB1)
        names = new_names(flow)
        renamed = {old: new for old, new in names.items() if old != new}
        expected = Flow(
            tuple((names[name], size) for name, size in flow.quantum),
            tuple((names[name], size) for name, size in flow.classical),
            tuple(i._replace(register=names[i.register]) if isinstance(i, Measure | If) else i for i in plain.instructions),
        )
        text = read_back_flow(finish(qasm2(flow)), expected, slots, dialect="qasm2", registers=True)
        return WrittenText(text, {"dialect": dialect} | ({"registers_renamed": renamed} if renamed else {}))
    plain = in_few_gates(flow, BRAKET_DEVICES)
    text = read_back_flow(finish(braket_qasm(plain, slots)), plain, slots, dialect="braket", registers=False)
    first, held = first_bits(flow), bits_name(flow)
    bits = {name: [f"{held}[{first[name] + i}]" for i in range(size)] for name, size in flow.classical}
    return WrittenText(text, {"dialect": dialect, "bits_of": bits})


def portable(form: Any, finish: Callable[[str], str], inputs: Collection[int]) -> WrittenText:
    """Return OpenQASM 3 in the portable subset, in which every bit that is tested is assigned."""
    given: dict[str, list[int]] = {}
    if isinstance(form, Flow):
        form, bits = assigned(form)
        for name, bit in bits:
            given.setdefault(name, []).append(bit)
    elif hasattr(form, "data"):
        form, numbers = assigned_circuit(form, inputs)
        for number in numbers:
            register, index = form.find_bit(form.clbits[number]).registers[0]
            given.setdefault(str(register.name), []).append(index)
    text = lowered_qasm(form) if hasattr(form, "data") else form_qasm(form)
    return WrittenText(read_back(finish(text), form), {"measured_from_zero": given} if given else {})


def as_flow(form: Any) -> tuple[Flow, int]:
    """Return any form as a flow, and how many free angles it has."""
    if isinstance(form, Flow):
        return form, 0
    if isinstance(form, FlowTemplate):
        return form.flow, form.slots
    if isinstance(form, Layout | Template):
        read = form.measured if isinstance(form, Layout) else [register.name for register in form.registers]
        gates: list[Instruction] = list(form.gates() if isinstance(form, Layout) else form.gates)
        first = 0
        for register in form.registers:
            if register.name in read:
                gates.append(Measure(tuple(range(first, first + register.size)), register.name, tuple(range(register.size))))
            first += register.size
        quantum = tuple((quantum_name(register), register.size) for register in form.registers)
        classical = tuple((register.name, register.size) for register in form.registers if register.name in read)
        return Flow(quantum, classical, tuple(gates)), form.slots if isinstance(form, Template) else 0
    return flow_of(form if hasattr(form, "data") else form.circuit()), 0
