# SPDX-License-Identifier: Apache-2.0
"""From OpenQASM 3 text to a flat list of operations on numbered qubits and bits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import openqasm3
from openqasm3 import ast
from openqasm3.parser import QASM3ParsingError

from oracles.qasm_conditions import Condition, condition
from oracles.qasm_expressions import QasmError, constant, integer
from oracles.qasm_gates import BUILT_IN, STANDARD, StandardGate

# More is a slip in the program, not a register.
WIDEST_REGISTER = 1 << 16


@dataclass(frozen=True)
class Unitary:
    """`matrix` on `targets` (the first one most significant) where every control has its value."""

    name: str
    controls: tuple[tuple[int, int], ...]
    targets: tuple[int, ...]
    matrix: np.ndarray

    @property
    def qubits(self) -> tuple[int, ...]:
        """All qubits the gate acts on."""
        return tuple(qubit for qubit, _ in self.controls) + self.targets


@dataclass(frozen=True)
class Measure:
    """Measurement of one qubit into one bit, or into nothing."""

    qubit: int
    bit: int | None


@dataclass(frozen=True)
class Reset:
    """Reset of one qubit to |0>."""

    qubit: int


@dataclass(frozen=True)
class Branching:
    """`if`/`else`."""

    condition: Condition
    then: tuple[Operation, ...]
    otherwise: tuple[Operation, ...]


Operation = Unitary | Measure | Reset | Branching


@dataclass
class Program:
    """Registers as lists of global numbers in declaration order, and the operations."""

    qubits: dict[str, list[int]] = field(default_factory=dict)
    bits: dict[str, list[int]] = field(default_factory=dict)
    operations: list[Operation] = field(default_factory=list)

    @property
    def n_qubits(self) -> int:
        """Number of declared qubits."""
        return sum(map(len, self.qubits.values()))

    @property
    def n_bits(self) -> int:
        """Number of declared bits."""
        return sum(map(len, self.bits.values()))


@lru_cache(maxsize=8)
def load(qasm: str) -> Program:
    """Parse and flatten a program.

    Raises:
        QasmError: if the text does not parse or uses an unsupported construct.
    """
    if not qasm.strip():
        raise QasmError("the program is empty")
    try:
        tree = openqasm3.parse(qasm)
    except QASM3ParsingError as error:
        raise QasmError(f"not OpenQASM 3: {error}") from error
    if tree.version is not None and tree.version.split(".")[0] != "3":
        raise QasmError(f"expected OPENQASM 3, got version {tree.version}")
    return _Reader().read(tree)


@dataclass(frozen=True, eq=False)
class _Definition:
    """A gate of the program's own, and what the names in its body meant where it was defined."""

    syntax: ast.QuantumGateDefinition
    gates: Mapping[str, StandardGate | _Definition]


class _Reader:
    """Walks the syntax tree once, in the order of the text."""

    def __init__(self) -> None:
        self.program = Program()
        self.gates: dict[str, StandardGate | _Definition] = dict(BUILT_IN)
        self.constants: dict[str, float] = {}

    def read(self, tree: ast.Program) -> Program:
        for statement in tree.statements:
            if isinstance(statement, ast.EndStatement):
                break
            match statement:
                case ast.Include():
                    self.include(statement.filename)
                case ast.QubitDeclaration():
                    self.declare(self.program.qubits, statement.qubit.name, statement.size)
                case ast.ClassicalDeclaration():
                    self.declare_bits(statement)
                case ast.ConstantDeclaration():
                    self.check_new(statement.identifier.name)
                    value = constant(statement.init_expression, self.constants)
                    self.constants[statement.identifier.name] = value
                case ast.QuantumGateDefinition():
                    self.define(statement)
                case _:
                    self.program.operations += self.operations(statement)
        return self.program

    def include(self, filename: str) -> None:
        if filename != "stdgates.inc":
            raise QasmError(f"cannot include {filename!r}, only stdgates.inc")
        clash = sorted(set(STANDARD) & set(self.gates))
        if clash:
            raise QasmError(f"stdgates.inc defines again: {', '.join(clash)}")
        self.gates.update(STANDARD)

    def check_new(self, name: str) -> None:
        if name in self.program.qubits or name in self.program.bits or name in self.constants:
            raise QasmError(f"{name!r} is declared twice")
        if name in self.gates:
            raise QasmError(f"{name!r} is the name of a gate")

    def declare(self, table: dict[str, list[int]], name: str, size: ast.Expression | None) -> None:
        self.check_new(name)
        width = 1 if size is None else integer(size, self.constants)
        if not 1 <= width <= WIDEST_REGISTER:
            raise QasmError(f"register {name!r} has size {width}, expected 1 to {WIDEST_REGISTER}")
        start = sum(map(len, table.values()))
        table[name] = list(range(start, start + width))

    def declare_bits(self, statement: ast.ClassicalDeclaration) -> None:
        if not isinstance(statement.type, ast.BitType):
            raise QasmError(f"unsupported classical type {type(statement.type).__name__}, only bit")
        name, start = statement.identifier, statement.init_expression
        self.declare(self.program.bits, name.name, statement.type.size)
        if isinstance(start, ast.QuantumMeasurement):
            self.program.operations += self.measure(start, name)
        elif start is not None:
            raise QasmError(f"unsupported initial value of bit register {name.name!r}")

    def define(self, statement: ast.QuantumGateDefinition) -> None:
        name = statement.name.name
        if not isinstance(self.gates.get(name), StandardGate):  # the library's gates may be defined anew
            self.check_new(name)
        names = [argument.name for argument in [*statement.arguments, *statement.qubits]]
        if len(set(names)) < len(names):
            raise QasmError(f"gate {name!r} names a parameter twice")
        called = {inner.name.name for inner in statement.body if isinstance(inner, ast.QuantumGate)}
        # Only gates defined further up may be used, so an expansion always ends.
        unknown = sorted(called - set(self.gates))
        if unknown:
            raise QasmError(f"gate {name!r} uses the unknown gate {unknown[0]!r}")
        self.gates[name] = _Definition(statement, {inner: self.gates[inner] for inner in called})

    def operations(self, statement: ast.Statement | ast.Pragma) -> list[Operation]:
        match statement:
            case ast.QuantumGate() | ast.QuantumPhase():
                return self.broadcast(statement)
            case ast.QuantumMeasurementStatement():
                return self.measure(statement.measure, statement.target)
            case ast.QuantumReset():
                return [Reset(qubit) for qubit in self.select(self.program.qubits, statement.qubits)]
            case ast.QuantumBarrier():
                for operand in statement.qubits:
                    self.select(self.program.qubits, operand)
                return []
            case ast.BranchingStatement():
                test = condition(statement.condition, self.program.bits, self.constants)
                then = [op for inner in statement.if_block for op in self.operations(inner)]
                otherwise = [op for inner in statement.else_block for op in self.operations(inner)]
                return [Branching(test, tuple(then), tuple(otherwise))]
        raise QasmError(f"unsupported statement {type(statement).__name__}")

    def select(self, table: Mapping[str, list[int]], operand: ast.QASMNode) -> list[int]:
        """Global numbers that an operand such as `q`, `q[2]`, `q[1:3]` or `q[{0, 2}]` names."""
        if isinstance(operand, ast.Identifier):
            return _lookup(table, operand.name)
        if not isinstance(operand, ast.IndexedIdentifier) or len(operand.indices) != 1:
            raise QasmError(f"unsupported operand {type(operand).__name__}")
        register, index = _lookup(table, operand.name.name), operand.indices[0]
        if isinstance(index, ast.DiscreteSet):
            expressions: Sequence[ast.Expression | ast.RangeDefinition] = index.values
        else:
            expressions = index
        chosen: list[int] = []
        for entry in expressions:
            for position in self.positions(entry, len(register)):
                if not -len(register) <= position < len(register):
                    raise QasmError(f"index {position} of {operand.name.name!r}, which has {len(register)}")
                chosen.append(register[position])
        return chosen

    def positions(self, entry: ast.Expression | ast.RangeDefinition, size: int) -> Sequence[int]:
        if not isinstance(entry, ast.RangeDefinition):
            return [integer(entry, self.constants)]
        bounds = (entry.start, entry.step, entry.end)
        start, step, end = (None if e is None else integer(e, self.constants) for e in bounds)
        step = 1 if step is None else step
        if step == 0:
            raise QasmError("a range has step 0")
        start = start if start is not None else (0 if step > 0 else size - 1)
        end = end if end is not None else (size - 1 if step > 0 else 0)
        first, last = (p + size if p < 0 else p for p in (start, end))
        # OpenQASM ranges include their end, Python's do not.
        return range(first, last + (1 if step > 0 else -1), step)

    def measure(self, source: ast.QuantumMeasurement, target: ast.QASMNode | None) -> list[Operation]:
        qubits = self.select(self.program.qubits, source.qubit)
        if target is None:
            return [Measure(qubit, None) for qubit in qubits]
        bits = self.select(self.program.bits, target)
        if len(bits) != len(qubits):
            raise QasmError(f"{len(qubits)} qubits are measured into {len(bits)} bits")
        return [Measure(qubit, bit) for qubit, bit in zip(qubits, bits, strict=True)]

    def broadcast(self, statement: ast.QuantumGate | ast.QuantumPhase) -> list[Operation]:
        """A gate on whole registers acts on their qubits side by side; single qubits are repeated."""
        operands = [self.select(self.program.qubits, operand) for operand in statement.qubits]
        widths = {len(operand) for operand in operands} - {1}
        if len(widths) > 1:
            raise QasmError(f"registers of different sizes {sorted(widths)} in one gate")
        width = widths.pop() if widths else 1
        result: list[Operation] = []
        for i in range(width):
            qubits = tuple(operand[0] if len(operand) == 1 else operand[i] for operand in operands)
            if len(set(qubits)) < len(qubits):
                raise QasmError(f"a gate acts twice on one qubit: {qubits}")
            result += self.expand(statement, qubits, self.constants, _Context(), self.gates)
        return result

    def expand(
        self,
        statement: ast.QuantumGate | ast.QuantumPhase,
        qubits: tuple[int, ...],
        names: Mapping[str, float],
        context: _Context,
        gates: Mapping[str, StandardGate | _Definition],
    ) -> list[Unitary]:
        """One gate call as standard gates; `names` holds the values of the angles in scope, `gates` the gates."""
        context, qubits = context.modified(statement.modifiers, qubits, names)
        if isinstance(statement, ast.QuantumPhase):
            if qubits:
                raise QasmError("gphase takes qubits only as controls")
            matrix = np.array([[np.exp(1j * constant(statement.argument, names))]])
            return [context.unitary("gphase", (), (), matrix)]
        if statement.duration is not None:
            raise QasmError("a gate with a duration is unsupported")
        name = statement.name.name
        gate = gates.get(name)
        if gate is None:
            raise QasmError(f"unknown gate {name!r}")
        angles = [constant(argument, names) for argument in statement.arguments]
        if isinstance(gate, StandardGate):
            _check_arity(name, angles, gate.angles, qubits, gate.controls + gate.targets)
            if context.controls and not gate.exact_phase:
                raise QasmError(f"a controlled {name!r} is read differently by different tools")
            controls = tuple((qubit, 1) for qubit in qubits[: gate.controls])
            return [context.unitary(name, controls, qubits[gate.controls :], gate.matrix(*angles))]
        _check_arity(name, angles, len(gate.syntax.arguments), qubits, len(gate.syntax.qubits))
        return self.expand_definition(gate, angles, qubits, context)

    def expand_definition(
        self, definition: _Definition, angles: list[float], qubits: tuple[int, ...], context: _Context
    ) -> list[Unitary]:
        gate = definition.syntax
        scope = dict(self.constants)
        scope.update(zip((argument.name for argument in gate.arguments), angles, strict=True))
        wires = dict(zip((qubit.name for qubit in gate.qubits), qubits, strict=True))
        result: list[Unitary] = []
        for inner in reversed(gate.body) if context.inverse else gate.body:
            if isinstance(inner, ast.QuantumBarrier):
                continue
            if not isinstance(inner, ast.QuantumGate | ast.QuantumPhase):
                raise QasmError(f"unsupported {type(inner).__name__} in gate {gate.name.name!r}")
            operands = [operand.name if isinstance(operand, ast.Identifier) else "" for operand in inner.qubits]
            if not set(operands) <= set(wires) or len(set(operands)) < len(operands):
                raise QasmError(f"bad operands {operands} in the body of gate {gate.name.name!r}")
            result += self.expand(inner, tuple(wires[operand] for operand in operands), scope, context, definition.gates)
        return result


@dataclass(frozen=True)
class _Context:
    """Modifiers that act on everything inside a gate call."""

    controls: tuple[tuple[int, int], ...] = ()
    inverse: bool = False

    def modified(
        self,
        modifiers: Sequence[ast.QuantumGateModifier],
        qubits: tuple[int, ...],
        names: Mapping[str, float],
    ) -> tuple[_Context, tuple[int, ...]]:
        """The context inside the modifiers, and the operands that remain for the gate itself."""
        controls, inverse = self.controls, self.inverse
        for modifier in modifiers:
            kind = modifier.modifier.name
            if kind == "inv":
                inverse = not inverse
            elif kind in ("ctrl", "negctrl"):
                number = 1 if modifier.argument is None else integer(modifier.argument, names)
                if not 1 <= number <= len(qubits):
                    raise QasmError(f"{number} controls, but {len(qubits)} operands")
                controls += tuple((qubit, int(kind == "ctrl")) for qubit in qubits[:number])
                qubits = qubits[number:]
            else:
                raise QasmError(f"unsupported gate modifier {kind!r}")
        return _Context(controls, inverse), qubits

    def unitary(
        self, name: str, controls: tuple[tuple[int, int], ...], targets: tuple[int, ...], matrix: np.ndarray
    ) -> Unitary:
        prefix = "".join("ctrl @ " if value else "negctrl @ " for _, value in self.controls)
        if self.inverse:
            prefix, matrix = prefix + "inv @ ", matrix.conj().T
        return Unitary(prefix + name, self.controls + controls, targets, matrix)


def _lookup(table: Mapping[str, list[int]], name: str) -> list[int]:
    if name not in table:
        raise QasmError(f"unknown register {name!r}; declared: {', '.join(table) or 'none'}")
    return table[name]


def _check_arity(name: str, angles: list[float], n_angles: int, qubits: tuple[int, ...], n_qubits: int) -> None:
    if (len(angles), len(qubits)) != (n_angles, n_qubits):
        raise QasmError(f"gate {name!r} got {len(angles)} angles and {len(qubits)} qubits, expected {n_angles} and {n_qubits}")
