# SPDX-License-Identifier: Apache-2.0
"""The account of an OpenQASM 3 text in the subset that is written here: strict, and fast enough to read every file back.

Programs from elsewhere are read by :mod:`stinespring.circuits.core.from_qasm`, which knows the whole language of circuits and
takes twenty times as long. This reader refuses whatever it does not know for certain. A gate that the text defines is run by
its body.
"""

from __future__ import annotations

import re
from cmath import exp
from collections.abc import Iterator, Mapping, Sequence
from math import pi
from typing import NamedTuple

import numpy as np

from stinespring.circuits.deeds.account import Account, Deed, slot_angle
from stinespring.circuits.deeds.language import BRAKET, BUILT_IN, ELDER, STANDARD, Spelled, controlled_by, on_wires
from stinespring.readings import ComplexArray

__all__ = ["UnreadableError", "account_of_text"]

NAME = r"[A-Za-z_][A-Za-z0-9_]*"
OPERAND = rf"{NAME}(?:\[\d+\])?"
CALL = re.compile(rf"(?:ctrl\((\d+)\) @ )?({NAME})(?:\(([^()]*)\))?(?: ({OPERAND}(?:, {OPERAND})*))?")
MEASURE = re.compile(rf"({OPERAND}) = measure ({OPERAND})")
DECLARED = re.compile(rf"(qubit|bit)\[([1-9]\d*)\] ({NAME})")
INPUT = re.compile(r"input float\[64\] a(\d+)")
BRAKET_INPUT = re.compile(r"input float a(\d+)")  # Braket's floats have no size
DEFINED = re.compile(rf"gate ({NAME})(?:\(({NAME}(?:, {NAME})*)\))? ({NAME}(?:, {NAME})*)")
DELAY = re.compile(rf"delay\[([\d.e+-]+[a-z]+)\] ({OPERAND}(?:, {OPERAND})*)")
TEST = re.compile(rf"(!?)({NAME})(?:\[(\d+)\])?(?: == (\d+))?")
ANGLE = re.compile(rf"(-?)({NAME}|\d+(?:\.\d*)?(?:e[+-]?\d+)?)(?:/(\d+))?")
ELDER_REGISTER = re.compile(rf"([qc])reg ({NAME})\[([1-9]\d*)\];")
ELDER_MEASURE = re.compile(rf"measure ({OPERAND}) -> ({OPERAND});")
ELDER_CALL = re.compile(rf"([a-z][a-z0-9]*)(\([^()]*\))? ({OPERAND}(?:,{OPERAND})*);")
PIECES = re.compile(r"[^;{}]+|[;{}]")
WIDEST = 3  # qubits of a gate that the text defines


class UnreadableError(ValueError):
    """The text is not in the subset."""


class _Body(NamedTuple):
    """A gate that the text defines: names of angles and qubits, statements, and the gates it may call."""

    angles: Sequence[str]
    qubits: Sequence[str]
    statements: Sequence[str]
    known: Mapping[str, Spelled]


class _Reader:
    """Takes in one statement after the other."""

    def __init__(self, pieces: list[str], gates: Mapping[str, Spelled], free: re.Pattern[str] = INPUT) -> None:
        self.pieces, self.at, self.free = pieces, 0, free
        self.gates = dict(gates)
        self.registers: dict[str, tuple[str, int, int]] = {}  # kind, first number, size
        self.sizes = {"qubit": 0, "bit": 0}
        self.order: dict[str, list[tuple[str, int]]] = {"qubit": [], "bit": []}
        self.inputs: dict[str, float] = {}
        self.phase = 1.0 + 0j

    def next(self) -> str:
        if self.at >= len(self.pieces):
            raise UnreadableError("the text ends within a statement")
        self.at += 1
        return self.pieces[self.at - 1]

    def expect(self, mark: str) -> None:
        found = self.next()
        if found != mark:
            raise UnreadableError(f"{found!r} stands where {mark!r} belongs")

    def program(self) -> list[Deed]:
        deeds: list[Deed] = []
        while self.at < len(self.pieces):
            words = self.next()
            if words.startswith("if "):
                deeds.append(self.condition(words))
            elif words.startswith("gate "):
                self.define(words)
            else:
                self.expect(";")
                deeds += self.statement(words)
        return deeds

    def statement(self, words: str) -> Iterator[Deed]:
        """Take in what ends with a semicolon."""
        if found := MEASURE.fullmatch(words):
            bits, qubits = self.numbers("bit", found[1]), self.numbers("qubit", found[2])
            if len(bits) != len(qubits):
                raise UnreadableError(f"sizes differ: {words}")
            yield from (Deed("measure", (q,), (b,)) for q, b in zip(qubits, bits, strict=True))
        elif words.startswith("reset "):
            yield from (Deed("reset", (q,)) for q in self.numbers("qubit", words[6:]))
        elif found := DECLARED.fullmatch(words):
            self.declare(found[1], found[3], int(found[2]))
        elif found := self.free.fullmatch(words):
            if int(found[1]) != len(self.inputs):
                raise UnreadableError(f"free angles are not numbered in order: {words}")
            self.new(f"a{found[1]}")
            self.inputs[f"a{found[1]}"] = slot_angle(int(found[1]))
        elif words == 'include "stdgates.inc"':
            self.gates.update(STANDARD)
        elif found := DELAY.fullmatch(words):
            yield from (Deed("delay", (q,), words=found[1]) for q in self.wires(found[2]))
        elif words.startswith("barrier "):
            yield Deed("barrier", tuple(self.wires(words[8:])))
        else:
            yield from self.called(words)

    def called(self, words: str) -> Iterator[Deed]:
        """Take in a gate."""
        found = CALL.fullmatch(words)
        if not found:
            raise UnreadableError(f"no statement of the subset: {words}")
        controls, name, angles, operands = found.groups()
        values = [angle(text, self.inputs) for text in angles.split(", ")] if angles is not None else []
        if name == "gphase" and controls is None and operands is None and len(values) == 1:
            self.phase *= exp(1j * values[0])
            return
        wires = tuple(self.wires(operands or ""))
        yield Deed("gate", wires, matrix=matrix_of(self.gates, name, controls, values, len(wires), words))

    def condition(self, words: str) -> Deed:
        """Take in a flat if."""
        if not (words.startswith("if (") and words.endswith(") ")):
            raise UnreadableError(f"no condition of the subset: {words}")
        tests: dict[int, int] = {}
        for test in words[4:-2].split(" && "):
            found = TEST.fullmatch(test)
            if not found or (found[1] and (found[3] is None or found[4])) or (found[3] is None and not found[4]):
                raise UnreadableError(f"no test of the subset: {test}")
            bits = self.numbers("bit", found[2] if found[3] is None else f"{found[2]}[{found[3]}]")
            value = int(found[4]) if found[4] else 0 if found[1] else 1
            if value >> len(bits):
                raise UnreadableError(f"no value of these bits: {test}")
            for place, bit in enumerate(bits):
                if tests.setdefault(bit, value >> place & 1) != value >> place & 1:
                    raise UnreadableError(f"a test contradicts itself: {words}")
        then = self.block()
        otherwise: tuple[Deed, ...] = ()
        if self.at < len(self.pieces) and self.pieces[self.at] == "else ":
            self.at += 1
            otherwise = self.block()
        touched = tuple(sorted({qubit for deed in (*then, *otherwise) for qubit in deed.qubits}))
        value = sum(one << place for place, one in enumerate(tests.values()))
        return Deed("if", touched, tuple(tests), None, value, then, otherwise)

    def block(self) -> tuple[Deed, ...]:
        self.expect("{")
        deeds: list[Deed] = []
        while (words := self.next()) != "}":
            self.expect(";")
            inner = list(self.statement(words))
            if not inner or any(deed.kind not in ("gate", "delay", "barrier") for deed in inner):
                raise UnreadableError(f"a condition guards more than gates: {words}")
            deeds += inner
        return tuple(deeds)

    def define(self, words: str) -> None:
        """Take in the definition of a gate."""
        found = DEFINED.fullmatch(words.rstrip())
        if not found:
            raise UnreadableError(f"no definition of the subset: {words}")
        name, angles, qubits = found[1], (found[2] or "").split(", ") if found[2] else [], found[3].split(", ")
        self.new(name)
        self.expect("{")
        statements: list[str] = []
        while (inner := self.next()) != "}":
            self.expect(";")
            statements.append(inner)
        if len({*angles, *qubits}) < len(angles) + len(qubits) or len(qubits) > WIDEST:
            raise UnreadableError(f"no definition of the subset: {words}")
        body = _Body(angles, qubits, statements, dict(self.gates))
        self.gates[name] = Spelled(len(angles), len(qubits), lambda *values: product(body, values))

    def new(self, name: str) -> None:
        """Refuse a name that means something already."""
        if name in self.gates or name in self.registers or name in self.inputs or name in ("pi", "gphase"):
            raise UnreadableError(f"the name {name} is taken")

    def declare(self, kind: str, name: str, size: int) -> None:
        self.new(name)
        self.registers[name] = (kind, self.sizes[kind], size)
        self.order[kind].append((name, size))
        self.sizes[kind] += size

    def numbers(self, kind: str, operand: str) -> list[int]:
        """Return the qubits or bits that an operand names."""
        name, _, index = operand.partition("[")
        found, first, size = self.registers.get(name, ("", 0, 0))
        if found != kind:
            raise UnreadableError(f"{name} is no {kind}")
        if not index:
            return list(range(first, first + size))
        number = int(index[:-1])
        if number >= size:
            raise UnreadableError(f"{operand} is not there")
        return [first + number]

    def wires(self, operands: str) -> list[int]:
        """Return single qubits, all different."""
        found = [self.numbers("qubit", operand) for operand in operands.split(", ")]
        wires = [one[0] for one in found if len(one) == 1]
        if len(wires) < len(found) or len(set(wires)) < len(wires):
            raise UnreadableError(f"no single qubits, or one twice: {operands}")
        return wires


def angle(text: str, known: Mapping[str, float]) -> float:
    """Return the value of an angle: a number, a name, or a part of it."""
    found = ANGLE.fullmatch(text)
    if not found:
        try:
            return float(text) if re.fullmatch(r"-?\d[\d.e+-]*", text) else known[text]
        except (KeyError, ValueError):
            raise UnreadableError(f"no angle of the subset: {text}") from None
    sign, what, parts = found.groups()
    try:
        value = pi if what == "pi" else known[what] if what in known else float(what)
    except ValueError:
        raise UnreadableError(f"the angle {what} is not known") from None
    return (-value if sign else value) / int(parts or 1)


def matrix_of(
    gates: Mapping[str, Spelled], name: str, controls: str | None, values: Sequence[float], qubits: int, words: str
) -> ComplexArray:
    """Return the matrix of a call."""
    if name == "gphase":
        if len(values) != 1 or int(controls or 0) != qubits:
            raise UnreadableError(f"a phase is called wrongly: {words}")
        return controlled_by(np.array([[exp(1j * values[0])]]), qubits)
    gate = gates.get(name)
    if gate is None or controls is not None or (gate.angles, gate.qubits) != (len(values), qubits):
        raise UnreadableError(f"no such gate, or called wrongly: {words}")
    return gate.matrix(*values)


def product(body: _Body, values: Sequence[float]) -> ComplexArray:
    """Return the matrix of a gate that the text defines."""
    width = len(body.qubits)
    known = dict(zip(body.angles, values, strict=True))
    result = np.eye(1 << width, dtype=np.complex128)
    for words in body.statements:
        found = CALL.fullmatch(words)
        if not found:
            raise UnreadableError(f"no gate in the body of a gate: {words}")
        controls, name, angles, operands = found.groups()
        inner = [angle(text, known) for text in angles.split(", ")] if angles is not None else []
        names = operands.split(", ") if operands else []
        if not set(names) <= set(body.qubits) or len(set(names)) < len(names):
            raise UnreadableError(f"no qubits of the gate: {words}")
        matrix = matrix_of(body.known, name, controls, inner, len(names), words)
        result = on_wires(matrix, [body.qubits.index(n) for n in names], width) @ result
    return result


def translated(line: str) -> str:
    """Return a line of OpenQASM 2 as the other language says it.

    Raises:
        UnreadableError: a statement that only the other language has.
    """
    if line in ("", "OPENQASM 2.0;"):
        return line
    if line == 'include "qelib1.inc";':
        return ""
    if found := ELDER_REGISTER.fullmatch(line):
        return f"{'qubit' if found[1] == 'q' else 'bit'}[{found[3]}] {found[2]};"
    if found := ELDER_MEASURE.fullmatch(line):
        return f"{found[2]} = measure {found[1]};"
    if found := ELDER_CALL.fullmatch(line):
        return f"{found[1]}{(found[2] or '').replace(',', ', ')} {found[3].replace(',', ', ')};"
    raise UnreadableError(f"no statement of OpenQASM 2 as it is written here: {line}")


def account_of_text(text: str, *, dialect: str = "qasm3") -> Account:
    r"""Return what a text says that is done.

    Args:
        text: OpenQASM 3 as it is written here; comments take whole lines.
        dialect: ``qasm3``, ``braket`` with Braket's gates instead of a library, or ``qasm2``.

    Raises:
        UnreadableError: anything that is not in the subset.

    Example:
        >>> found = account_of_text("OPENQASM 3.0;\nqubit[1] q;\nbit[1] c;\nU(0.5, 0, pi) q[0];\nc = measure q;\n")
        >>> [deed.told() for deed in found.deeds]
        ['gate on qubit 0', 'measure qubit 0 into bit 0']
    """
    lines = [line for line in text.split("\n") if not line.startswith("//")]
    version = "OPENQASM 2.0;" if dialect == "qasm2" else "OPENQASM 3.0;"
    if not lines or lines[0] != version or lines[-1]:
        raise UnreadableError("the text does not begin with its version, or does not end with a line")
    if dialect == "qasm2":
        lines = [translated(line) for line in lines]
    pieces = [piece for line in lines[1:] for piece in (part.lstrip() for part in PIECES.findall(line)) if piece]
    gates = {"qasm3": BUILT_IN, "braket": {**BUILT_IN, **BRAKET}, "qasm2": ELDER}[dialect]
    reader = _Reader(pieces, gates, BRAKET_INPUT if dialect == "braket" else INPUT)
    deeds = reader.program()
    quantum, classical = (tuple(reader.order[kind]) for kind in ("qubit", "bit"))
    return Account(quantum, classical, tuple(deeds), reader.phase, len(reader.inputs))
