# SPDX-License-Identifier: Apache-2.0
"""OpenQASM 3 in the portable subset, with angles at full precision.

Qiskit's exporter replaces angles near simple fractions of pi by those fractions (errors up to 8e-10 were measured), so
the text is written here, from the same list of gates that the Qiskit circuit is made of.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stinespring.circuits.gates import Gate, Slot
from stinespring.compiler.lowering import quantum_name, schedule_gates
from stinespring.compiler.stepwise import Template
from stinespring.stages import Program, Register

__all__ = ["program_qasm", "template_qasm"]

NAMES = {"u": "U"}  # the general one-qubit gate is built into the language; its library has no "u"


def program_qasm(program: Program) -> str:
    """Return the program, or a stepwise program's widest template, as OpenQASM 3."""
    if program.stepper is not None:
        return template_qasm(program.stepper.widest(program.steps))
    schedule = program.schedule
    return write(schedule.registers, schedule.measured, schedule_gates(schedule), 0)


def template_qasm(template: Template) -> str:
    """Return a template as OpenQASM 3; the angles are declared as ``input float[64] a0; ...``."""
    return write(template.registers, [r.name for r in template.registers], template.gates, template.slots)


def write(registers: Sequence[Register], measured: Sequence[str], gates: Iterable[Gate], slots: int) -> str:
    """Return the text of one program."""
    lines = ["OPENQASM 3.0;", 'include "stdgates.inc";']
    lines += [f"input float[64] a{i};" for i in range(slots)]
    lines += [f"qubit[{r.size}] {quantum_name(r)};" for r in registers]
    lines += [f"bit[{r.size}] {r.name};" for r in registers if r.name in measured]
    wires = [f"{quantum_name(r)}[{i}]" for r in registers for i in range(r.size)]
    for name, on, params in gates:
        angles = f"({', '.join([angle(p) for p in params])})" if params else ""
        lines.append(f"{NAMES.get(name, name)}{angles} {', '.join([wires[q] for q in on])};")
    lines += [f"{r.name} = measure {quantum_name(r)};" for r in registers if r.name in measured]
    return "\n".join(lines) + "\n"


def angle(value: float | Slot) -> str:
    """Return an angle as the shortest text that reads back as the same float64."""
    return f"a{value.number}" if isinstance(value, Slot) else repr(float(value))
