# SPDX-License-Identifier: Apache-2.0
"""Planted faults of everything that writes or converts a program: its forms are compared with each other."""

from __future__ import annotations

from benchmarks.planted import Mutant

__all__ = ["COMMANDS", "PLANTED"]

SUN = 'examples/three_tokens.json --prompt "sun rain"'
STEERED = f"{SUN} --steps 3 --schedule dynamic --feed-forward all --max-qubits 1 --codes binary"
STATIC = f"{SUN} --steps 2 --effort 0"
COMMANDS = {
    "written": f"compile {STEERED} -o p.qasm",
    "written static": f"compile {STATIC} -o p.qasm",
    "written for a device": f"compile {STATIC} --schedule dynamic --target line:6 -o p.qasm",
    "written stepwise": f"compile {STATIC} --schedule stepwise -o p",
    "written for Braket": f"compile {SUN} --steps 2 --schedule dynamic --feed-forward all --dialect braket -o p.qasm",
    "written as OpenQASM 2": f"compile {STATIC} --dialect qasm2 -o p.qasm",
    "converted": f"run {STEERED} --shots 2000 --seed 5",
    "converted static": f"run {STATIC} --shots 2000 --seed 5",
    "described": "channel examples/amplitude_damping.npz --form tree -o c.qasm; "
    "verify-channel examples/amplitude_damping.npz c.qasm",
}

WRITER, FLOW, BACK = "compiler/export/qasm.py", "circuits/core/flow.py", "circuits/devices/read_back.py"
EVENTS = "backends/histories/flow_events.py"

PLANTED = (
    # the writer
    Mutant(
        "the writer drops resets", WRITER, 'lines += [f"reset {wires[qubit]};" for qubit in item.qubits]', "pass",
        "written",
    ),
    Mutant(
        "the writer forgets what gates depend on",
        WRITER,
        'lines.append(f"if ({condition(item)}) {{ {body} }}")',
        "lines.append(body)",
        "written",
    ),
    Mutant(
        "the writer tests another value", WRITER, '{item.register} == {item.value}"', '{item.register} == {item.value ^ 1}"',
        "written",
    ),
    Mutant(
        "the writer measures registers into bits in reverse",
        WRITER,
        "{r.name} = measure {quantum_name(r)};",
        "{r.name}[0] = measure {quantum_name(r)}[{r.size - 1}];",
        "written static",
    ),
    Mutant(
        "the writer of a device's circuits tests the opposite",
        WRITER,
        "if ({tested} == {value})",
        "if ({tested} == {1 - value})",
        "written for a device",
    ),
    Mutant(
        "the writer gives a template's angles other numbers",
        WRITER,
        'return f"a{value.number}" if',
        'return f"a{value.number ^ 1}" if',
        "written stepwise",
    ),
    # the converter
    Mutant("circuits lose their resets", FLOW, "circuit.reset(item.qubits)", "pass", "converted"),
    Mutant(
        "circuits forget what gates depend on",
        FLOW,
        "circuit.if_test(condition, body, wires, list(register))",
        "circuit.compose(body, wires, inplace=True)",
        "converted",
    ),
    Mutant(
        "circuits lose what is conditional", FLOW, "circuit.if_test(condition, body, wires, list(register))", "pass",
        "converted",
    ),
    Mutant(
        "circuits test another value",
        FLOW,
        "register[item.bit], item.value)",
        "register[item.bit], item.value ^ 1)",
        "converted",
    ),
    Mutant(
        "circuits measure into bits in reverse",
        "circuits/core/build.py",
        "circuit.measure(quantum[register], classical[register])",
        "circuit.measure(quantum[register], list(classical[register])[::-1])",
        "converted static",
    ),
    Mutant("circuits are read back without resets", BACK, "instructions.append(Reset(on))", "pass", "converted"),
    # what is sampled on this machine
    Mutant(
        "conditions become switches of another value",
        EVENTS,
        "bodies[item.value] = (*bodies.get(item.value, ()), *item.gates)",
        "bodies[item.value ^ 1] = (*bodies.get(item.value, ()), *item.gates)",
        "converted",
    ),
    # other dialects, and conditions on what is measured
    Mutant(
        "Braket's text tests the opposite", "circuits/qasm/braket.py", "[{bit}] == {value}", "[{bit}] == {1 - value}",
        "written for Braket",
    ),
    Mutant(
        "OpenQASM 2 measures into other bits",
        "circuits/qasm/version_2.py",
        "for qubit, bit in zip(item.qubits, item.bits, strict=True)",
        "for qubit, bit in zip(item.qubits[::-1], item.bits, strict=True)",
        "written as OpenQASM 2",
    ),
    Mutant(
        "a condition on the only measured bit asks for its opposite",
        "circuits/qasm/assigned.py",
        "value=item.value >> bit & 1, bit=bit",
        "value=1 - (item.value >> bit & 1), bit=bit",
        "converted",
    ),
    # pairs of files
    Mutant(
        "the description names another circuit",
        "compiler/export/files.py",
        '{"circuit_hash": digest(text)}',
        '{"circuit_hash": digest(text + " ")}',
        "described",
    ),
)  # fmt: skip
