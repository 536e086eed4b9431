# SPDX-License-Identifier: Apache-2.0
"""OpenQASM 3 programs as Qiskit circuits, by what the text says: a gate that it defines is its body, whatever its name.

The result consists of Qiskit's standard gates, measurements, resets and flat ifs. Barriers and delays, which change no state,
are left out. Names are bound where a gate is defined, so that one that takes the name of a gate of the library changes
nothing of what was defined before.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from stinespring.circuits.qasm.circuit import Branch, Clear, Item, Read, built
from stinespring.circuits.qasm.expansion import Bits, Definition, Expansion, Qubits, name_of
from stinespring.circuits.qasm.factors import LIBRARY
from stinespring.circuits.qasm.text import parsed, read_text
from stinespring.circuits.qasm.values import CONSTANTS, Names, integer_of, meaning, typed, value_of
from stinespring.errors import InputError, TooLargeError

if TYPE_CHECKING:
    from openqasm3 import ast
    from qiskit import QuantumCircuit

__all__ = ["program_of", "read_program"]

MOST_WIRES = 1 << 12  # qubits, and bits, in all
DEEPEST = 64  # definitions within definitions


def read_program(path: str | Path) -> QuantumCircuit:
    """Return the circuit in an OpenQASM 3 file.

    Raises:
        InputError: no such file, or a program that is not OpenQASM 3 or not made of gates, measurements, resets, loops over
            literal ranges and flat ifs.
        TooLargeError: more than 64 MB, 4,096 qubits or bits, or 2^18 operations.
    """
    return program_of(read_text(path), where=str(path))


def program_of(text: str, *, where: str = "program") -> QuantumCircuit:
    """Return the circuit of an OpenQASM 3 text.

    Example:
        >>> text = "OPENQASM 3.0; gate cx a, b { U(0, 0, pi) a; } qubit[2] q; cx q[1], q[0];"
        >>> [(item.operation.name, item.qubits[0]._index) for item in program_of(text).data]
        [('u', 1)]
    """
    program = _Program()
    try:
        for first, tree in parsed(text):
            for statement in tree.statements:
                line = first + (statement.span.start_line - 1 if statement.span else 0)
                try:
                    if not program.read(statement):
                        return program.circuit()
                except InputError as error:
                    raise type(error)(
                        error.what, got=f"{where}, line {line}: {error.got}", expected=error.expected, todo=error.todo
                    ) from None
        return program.circuit()
    except RecursionError:
        raise InputError("the program is nested too deeply", got=where, expected="flat text") from None


class _Test(NamedTuple):
    """Bits and the value they must have; ``negated``: any other."""

    bits: tuple[int, ...]
    value: int
    negated: bool = False


class _Program:
    """Registers, names and operations, statement by statement."""

    def __init__(self) -> None:
        self.quantum: list[tuple[str, int]] = []
        self.classical: list[tuple[str, int]] = []
        self.items: list[Item] = []
        self.expansion = Expansion()
        self.names: Names = ChainMap({}, {**CONSTANTS, "U": "U"})
        self.constants: tuple[dict[str, Any], ...] = ({}, dict(CONSTANTS))  # what the bodies of gates see

    def circuit(self) -> QuantumCircuit:
        return built(self.quantum, self.classical, self.items)

    def read(self, statement: ast.Statement | ast.Pragma) -> bool:
        """Take in one statement of the program itself; return False at its end."""
        from openqasm3 import ast

        match statement:
            case ast.EndStatement():
                return False
            case ast.Include():
                self.include(statement.filename)
            case ast.QubitDeclaration():
                self.declare(self.quantum, statement.qubit.name, statement.size)
            case ast.ClassicalDeclaration() | ast.IODeclaration():
                self.declare_bits(statement)
            case ast.QuantumGateDefinition():
                self.define(statement)
            case _:
                self.items += self.operations(statement, self.names)
        return True

    def include(self, filename: str) -> None:
        if filename != "stdgates.inc":
            raise InputError("the program includes an unknown file", got=filename, expected="stdgates.inc alone")
        for name in LIBRARY:
            if self.names.get(name, name) != name:
                raise InputError("the library defines a name again", got=name, expected="the include at the top")
        self.names.maps[0].update({name: name for name in LIBRARY})

    def new(self, names: Names, name: str) -> None:
        found = names.maps[0].get(name, names.get(name) if name in CONSTANTS else None)
        if found is not None:
            raise InputError("a name is declared twice", got=name, expected="another name")

    def declare(self, registers: list[tuple[str, int]], name: str, size: ast.Expression | None) -> list[int]:
        """Declare a register; its size is checked before anything of that size is made."""
        self.new(self.names, name)
        width = 1 if size is None else integer_of(size, self.names)
        first = sum(other for _, other in registers)
        if width < 1:
            raise InputError("a register has no size", got=f"{name}[{width}]", expected="at least 1")
        if first + width > MOST_WIRES:
            kind = "qubits" if registers is self.quantum else "bits"
            raise TooLargeError(
                f"the program has too many {kind}", got=f"{name}[{width}]", expected=f"at most {MOST_WIRES:,} {kind} in all"
            )
        registers.append((name, width))
        numbers = list(range(first, first + width))
        self.names.maps[0][name] = Qubits(numbers) if registers is self.quantum else Bits(numbers)
        return numbers

    def declare_bits(self, statement: ast.ClassicalDeclaration | ast.IODeclaration) -> None:
        from openqasm3 import ast

        name = statement.identifier.name
        if isinstance(statement, ast.IODeclaration) and statement.io_identifier.name == "input":
            raise InputError("the program has a free parameter", got=f"input {name}", expected="numbers", todo="insert it")
        if not isinstance(statement.type, ast.BitType):
            kind = type(statement.type).__name__.removesuffix("Type").lower()
            raise InputError("the program computes with a variable", got=f"{kind} {name}", expected="bit, qubit or const")
        bits = self.declare(self.classical, name, statement.type.size)
        start = getattr(statement, "init_expression", None)
        if isinstance(start, ast.QuantumMeasurement):
            self.items += self.measured(start, bits, self.names)
        elif start is not None:
            given = start.value if isinstance(start, ast.BitstringLiteral) else value_of(start, self.names)
            if given != 0:
                raise InputError("a bit does not start in 0", got=f"{name} = {given}", expected="0 until it is measured")

    def define(self, statement: ast.QuantumGateDefinition) -> None:
        """Bind the gates that a body calls to what they are now."""
        name = statement.name.name
        if isinstance(self.names.get(name), Qubits | Bits | Definition | float | int):
            self.new(self.names, name)
        parameters = [parameter.name for parameter in (*statement.arguments, *statement.qubits)]
        if len(set(parameters)) < len(parameters):
            raise InputError("a gate names a parameter twice", got=f"gate {name}", expected="distinct names")
        bound: dict[str, Any] = {}
        steps = len(statement.body)
        for called in self.expansion.called(statement.body, name):
            bound[called] = gate = self.expansion.gate(called, self.names)
            steps += gate.steps if isinstance(gate, Definition) else 0
        depth = 1 + max((gate.depth for gate in bound.values() if isinstance(gate, Definition)), default=0)
        if depth > DEEPEST:
            raise TooLargeError("gates are defined too deeply", got=f"gate {name}", expected=f"at most {DEEPEST} levels")
        angles, qubits = ([parameter.name for parameter in part] for part in (statement.arguments, statement.qubits))
        self.names.maps[0][name] = Definition(
            name, angles, qubits, statement.body, ChainMap(bound, *self.constants), depth, steps
        )

    def operations(self, statement: ast.Statement | ast.Pragma, names: Names) -> list[Item]:
        """Return what a statement does."""
        from openqasm3 import ast

        match statement:
            case ast.QuantumMeasurementStatement():
                target = statement.target
                bits = None if target is None else self.expansion.selected(target, names, Bits)
                return self.measured(statement.measure, bits, names)
            case ast.QuantumReset():
                return [Clear(qubit) for qubit in self.expansion.selected(statement.qubits, names, Qubits)]
            case ast.ConstantDeclaration():
                name = statement.identifier.name
                self.new(names, name)
                names.maps[0][name] = typed(statement.type, value_of(statement.init_expression, names))
                if names is self.names:
                    self.constants[0][name] = names[name]
                return []
            case ast.AliasStatement():
                self.new(names, statement.target.name)
                names.maps[0][statement.target.name] = self.expansion.joined(statement.value, names)
                return []
            case ast.BranchingStatement():
                return self.branched(statement, names)
            case ast.ForInLoop():
                return [
                    item for inner in self.expansion.rounds(statement, names) for item in self.block(statement.block, inner)
                ]
            case ast.CompoundStatement():
                return self.block(statement.statements, names.new_child())
            case ast.Box():
                return self.block(statement.body, names.new_child())
        return list(self.expansion.factors(statement, names))

    def block(self, statements: Sequence[ast.Statement], names: Names) -> list[Item]:
        return [item for statement in statements for item in self.operations(statement, names)]

    def measured(self, source: ast.QuantumMeasurement, bits: Sequence[int] | None, names: Names) -> list[Item]:
        qubits = self.expansion.selected(source.qubit, names, Qubits)
        if bits is not None and len(bits) != len(qubits):
            raise InputError(
                "a measurement does not fit", got=f"{len(qubits)} qubits, {len(bits)} bits", expected="equal sizes"
            )
        targets: Sequence[int | None] = [None] * len(qubits) if bits is None else bits
        return [Read(qubit, bit) for qubit, bit in zip(qubits, targets, strict=True)]

    def branched(self, statement: ast.BranchingStatement, names: Names) -> list[Item]:
        """Return a flat ``if``, or one of its blocks where the condition is constant."""
        test = self.test(statement.condition, names)
        then = self.block(statement.if_block, names.new_child())
        otherwise = self.block(statement.else_block, names.new_child())
        if isinstance(test, bool):
            return then if test else otherwise
        if any(isinstance(item, Branch) for item in (*then, *otherwise)):
            raise InputError("the program has an 'if' within an 'if'", got="if (...) { if (...)", expected="flat 'if' only")
        if test.negated:
            then, otherwise = otherwise, then
        if not 0 <= test.value < 1 << len(test.bits):
            return otherwise
        if len(test.bits) > 1 and test.bits not in self.registers():
            raise InputError(
                "a condition tests some bits of a register", got=f"{len(test.bits)} bits", expected="one bit or all"
            )
        if not then and not otherwise:
            return []
        return [Branch(test.bits, test.value, tuple(then), tuple(otherwise))]

    def registers(self) -> Iterator[tuple[int, ...]]:
        first = 0
        for _, size in self.classical:
            yield tuple(range(first, first + size))
            first += size

    def test(self, condition: ast.Expression, names: Names) -> _Test | bool:
        """Return what a condition asks: bits and a value, or a constant."""
        from openqasm3 import ast

        found = self.bits_of(condition, names)
        if found is not None:
            if len(found) > 1:
                raise InputError("a register stands alone as a condition", got=f"{len(found)} bits", expected="register == n")
            return _Test(found, 1)
        match condition:
            case ast.UnaryExpression() if condition.op.name == "!":
                inner = self.test(condition.expression, names)
                return not inner if isinstance(inner, bool) else inner._replace(negated=not inner.negated)
            case ast.Cast() if isinstance(condition.type, ast.BoolType) and self.bits_of(condition.argument, names):
                return self.test(condition.argument, names)
            case ast.BinaryExpression() if condition.op.name in ("==", "!="):
                for side, other in ((condition.lhs, condition.rhs), (condition.rhs, condition.lhs)):
                    bits = self.bits_of(side, names)
                    if bits is not None:
                        return _Test(bits, self.compared(other, bits, names), condition.op.name == "!=")
        return bool(value_of(condition, names))

    def compared(self, expression: ast.Expression, bits: Sequence[int], names: Names) -> int:
        from openqasm3 import ast

        if isinstance(expression, ast.BitstringLiteral):
            if expression.width != len(bits):
                raise InputError(
                    "a condition compares other sizes", got=f"{expression.width} bits", expected=f"{len(bits)} bits"
                )
            return int(expression.value)
        value = value_of(expression, names)
        return int(value) if isinstance(value, bool) else integer_of(expression, names)

    def bits_of(self, expression: ast.Expression, names: Names) -> tuple[int, ...] | None:
        """Return the bits that an expression names, None where it is something else."""
        from openqasm3 import ast

        name = name_of(expression.collection if isinstance(expression, ast.IndexExpression) else expression)
        register = meaning(name, names, Bits)
        if register is None:
            return None
        if isinstance(expression, ast.IndexExpression):
            return tuple(self.expansion.indexed(name, register, expression.index, names))
        return tuple(register)
