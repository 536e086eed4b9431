# SPDX-License-Identifier: Apache-2.0
"""Programs in the dialect of OpenQASM 3 that Amazon Braket reads: its own gate names, one classical register, tests of bits."""

from __future__ import annotations

from collections.abc import Iterator

from stinespring.circuits.core.flow import Flow, If, Measure, Reset
from stinespring.circuits.core.gates import Gate, Slot
from stinespring.errors import InputError

__all__ = ["bits_name", "braket_qasm", "first_bits", "measured_bits"]

NAMES = {  # of the standard library -> of Braket
    "cx": "cnot", "cz": "cz", "h": "h", "id": "i", "p": "phaseshift", "rx": "rx", "ry": "ry", "rz": "rz", "s": "s", "sdg": "si",
    "swap": "swap", "sx": "v", "sxdg": "vi", "t": "t", "tdg": "ti", "u": "U", "x": "x", "y": "y", "z": "z", "ecr": "ecr",
}  # fmt: skip
BITS = "c"


def first_bits(flow: Flow) -> dict[str, int]:
    """Return where each classical register begins in the only register that Braket reports."""
    first, offset = {}, 0
    for name, size in flow.classical:
        first[name], offset = offset, offset + size
    return first


def measured_bits(flow: Flow) -> list[int]:
    """Return the bits that are measured, in increasing order: the columns of Braket's table of outcomes."""
    first = first_bits(flow)
    return sorted({first[item.register] + bit for item in flow.instructions if isinstance(item, Measure) for bit in item.bits})


def bits_name(flow: Flow) -> str:
    """Return the name of the only classical register: its own where the program has one, else ``c``."""
    names = [name for name, _ in flow.classical]
    return names[0] if len(names) == 1 and names[0] not in ("q", *NAMES.values()) else BITS


def braket_qasm(flow: Flow, slots: int = 0) -> str:
    """Return a program as Braket reads it; free angles are declared as ``input float a0; ...``.

    Raises:
        InputError: a gate that Braket has no name for.

    Example:
        >>> print(braket_qasm(Flow((("q", 1),), (("t1", 1),), (Gate("h", (0,)), Measure((0,), "t1", (0,))))))
        OPENQASM 3.0;
        qubit[1] q;
        bit[1] t1;
        h q[0];
        t1[0] = measure q[0];
        <BLANKLINE>
    """
    lines = ["OPENQASM 3.0;", *(f"input float a{number};" for number in range(slots)), f"qubit[{flow.qubits}] q;"]
    lines += [f"bit[{flow.clbits}] {bits_name(flow)};"] if flow.clbits else []
    return "\n".join([*lines, *statements(flow, bits_name(flow))]) + "\n"


def statements(flow: Flow, held: str) -> Iterator[str]:
    """Yield the instructions; a bit that was never measured is 0, which Braket does not know."""
    first, sizes, known = first_bits(flow), dict(flow.classical), set[int]()
    for item in flow.instructions:
        if isinstance(item, Measure):
            for qubit, bit in zip(item.qubits, item.bits, strict=True):
                known.add(first[item.register] + bit)
                yield f"{held}[{first[item.register] + bit}] = measure q[{qubit}];"
        elif isinstance(item, Reset):
            yield from (f"reset q[{qubit}];" for qubit in item.qubits)
        elif isinstance(item, If):
            start = first[item.register]
            bits = range(sizes[item.register]) if item.bit is None else (item.bit,)
            wanted = {start + bit: item.value >> place & 1 for place, bit in enumerate(bits)}
            if item.value >> len(bits) or any(value and bit not in known for bit, value in wanted.items()):
                continue
            tests = [f"{held}[{bit}] == {value}" for bit, value in wanted.items() if bit in known]
            body = " ".join(statement(gate) for gate in item.gates)
            yield f"if ({' && '.join(tests)}) {{ {body} }}" if tests else body
        else:
            yield statement(item)


def statement(gate: Gate) -> str:
    """Return one gate."""
    if gate.name not in NAMES:
        raise InputError(
            "Braket has no such gate", got=gate.name, expected=" ".join(NAMES), todo="use --target aer, or another backend"
        )
    words = [f"a{p.number}" if isinstance(p, Slot) else repr(float(p)) for p in gate.params]
    angles = f"({', '.join(words)})" if words else ""
    return f"{NAMES[gate.name]}{angles} {', '.join(f'q[{qubit}]' for qubit in gate.qubits)};"
