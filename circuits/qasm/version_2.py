# SPDX-License-Identifier: Apache-2.0
"""Programs without conditions and free angles as OpenQASM 2, in the gates of its own library ``qelib1.inc``.

Angles are decimal numbers without an exponent, because not every reader takes one; they read back as the same float64.
Source: arXiv 1707.03429.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from stinespring.circuits.core.flow import Flow, If, Measure, Reset
from stinespring.circuits.core.gates import Gate, Slot
from stinespring.circuits.qasm.few_gates import QELIB1, in_few_gates
from stinespring.errors import InputError

__all__ = ["new_names", "qasm2"]

PLAIN = re.compile(r"[a-z][A-Za-z0-9_]*")
TAKEN = QELIB1 | frozenset(  # names of the language and of its library, in the widest version of it
    """
    u1 u2 u3 cy ch swap ccx cswap crx cry crz cu1 cu3 cp cu rxx rzz sx sxdg id p u0 csx c3x c4x rccx rc3x c3sqrtx cu
    qreg creg gate opaque measure reset barrier if pi sin cos tan exp ln sqrt include
    """.split()  # noqa: SIM905
)


def new_names(flow: Flow) -> dict[str, str]:
    """Return the name of every register: its own, or one with ``reg_`` before it where OpenQASM 2 does not take it.

    Example:
        >>> new_names(Flow((("x", 1), ("q_t1", 1)), (("t1", 1),), ()))
        {'x': 'reg_x', 'q_t1': 'q_t1', 't1': 't1'}
    """
    names = [name for name, _ in (*flow.quantum, *flow.classical)]
    return {name: name if PLAIN.fullmatch(name) and name not in TAKEN else f"reg_{name}" for name in names}


def qasm2(flow: Flow) -> str:
    """Return a program as OpenQASM 2; its global phase, which the language cannot say, is left out.

    Raises:
        InputError: conditions, free angles, or a gate that cannot be written in the library's.

    Example:
        >>> print(qasm2(Flow((("q", 1),), (("t1", 1),), (Gate("u", (0,), (1e-9, 0.0, 0.5)), Measure((0,), "t1", (0,))))))
        OPENQASM 2.0;
        include "qelib1.inc";
        qreg q[1];
        creg t1[1];
        u3(0.000000001,0.0,0.5) q[0];
        measure q[0] -> t1[0];
        <BLANKLINE>
    """
    names = new_names(flow)
    lines = ["OPENQASM 2.0;", 'include "qelib1.inc";']
    lines += [f"qreg {names[name]}[{size}];" for name, size in flow.quantum if size]
    lines += [f"creg {names[name]}[{size}];" for name, size in flow.classical if size]
    wires = [f"{names[name]}[{i}]" for name, size in flow.quantum for i in range(size)]
    return "\n".join([*lines, *statements(in_few_gates(flow, QELIB1), wires, names)]) + "\n"


def statements(flow: Flow, wires: list[str], names: dict[str, str]) -> Iterator[str]:
    """Yield the instructions."""
    for item in flow.instructions:
        if isinstance(item, If):
            raise InputError(
                "OpenQASM 2 is written for programs without conditions only", got="a program with feed-forward",
                expected="a static program", todo="use --schedule static, or --dialect qasm3",
            )  # fmt: skip
        if isinstance(item, Measure):
            for qubit, bit in zip(item.qubits, item.bits, strict=True):
                yield f"measure {wires[qubit]} -> {names[item.register]}[{bit}];"
        elif isinstance(item, Reset):
            yield from (f"reset {wires[qubit]};" for qubit in item.qubits)
        else:
            yield statement(item, wires)


def statement(gate: Gate, wires: list[str]) -> str:
    """Return one gate."""
    if gate.name not in QELIB1:
        raise InputError("OpenQASM 2's library has no such gate", got=gate.name, expected=" ".join(sorted(QELIB1)))
    if any(isinstance(p, Slot) for p in gate.params):
        raise InputError(
            "OpenQASM 2 has no free angles", got="templates with a host in the loop", expected="a program in one piece",
            todo="use --schedule static, or --dialect qasm3",
        )  # fmt: skip
    angles = ",".join(decimal(float(p)) for p in gate.params)  # type: ignore[arg-type]
    return (
        f"{'u3' if gate.name == 'u' else gate.name}{f'({angles})' if angles else ''} {','.join(wires[q] for q in gate.qubits)};"
    )


def decimal(value: float) -> str:
    """Return the shortest decimal number without an exponent that reads back as the same float64."""
    text = format(Decimal(repr(value)), "f")
    return text if "." in text else f"{text}.0"
