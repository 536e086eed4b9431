# SPDX-License-Identifier: Apache-2.0
"""Calls of gates in OpenQASM 3 expanded into factors: definitions by their bodies, loops, modifiers, whole registers."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stinespring.circuits.qasm.factors import (
    LIBRARY,
    Control,
    Factor,
    controlled,
    inverse,
    library_factors,
    phase_factor,
    power,
)
from stinespring.circuits.qasm.values import Names, angle_of, integer_of, meaning, range_of, typed, value_of
from stinespring.errors import InputError, TooLargeError

if TYPE_CHECKING:
    from openqasm3 import ast

__all__ = ["MOST_OPERATIONS", "Bits", "Definition", "Expansion", "Qubits", "name_of"]

MOST_OPERATIONS = 1 << 18
MOST_JOINED = 1 << 12  # places of an alias: aliases of aliases double with every line


class Qubits(tuple[int, ...]):
    """Numbers of qubits that a name stands for."""


class Bits(tuple[int, ...]):
    """Numbers of classical bits that a name stands for."""


@dataclass(frozen=True, eq=False)
class Definition:
    """A gate that the program defines.

    Attributes:
        name: for messages alone.
        angles: names of its parameters.
        qubits: names of its qubits.
        body: its statements.
        known: constants and gates where it was defined.
        depth: how many definitions it goes through.
        steps: how many statements it executes at least.
    """

    name: str
    angles: Sequence[str]
    qubits: Sequence[str]
    body: Sequence[Any]
    known: Names
    depth: int
    steps: int


def name_of(node: Any) -> str:
    """Return the name of an identifier, nothing for anything else."""
    name = getattr(node, "name", "")
    return name if isinstance(name, str) else ""


class Expansion:
    """Expands statements, as many as a program may have in all."""

    def __init__(self) -> None:
        self.left = MOST_OPERATIONS

    def spend(self, number: int = 1) -> None:
        """Count steps, so that no loop and no nested definition runs away.

        Raises:
            TooLargeError: too many of them.
        """
        self.left -= number
        if self.left < 0:
            raise TooLargeError(
                "the program is too long",
                got=f"more than {MOST_OPERATIONS:,} operations when it is written out",
                expected="shorter loops, fewer gates",
            )

    def gate(self, name: str, names: Names) -> Definition | str:
        """Return a definition, or the name of a gate of the library.

        Raises:
            InputError: no such gate.
        """
        found: Definition | str | None = meaning(name, names, Definition, str)
        if found is not None:
            return found
        raise InputError(
            "a gate is not defined",
            got=name,
            expected="U, gphase, or a gate defined before",
            todo='write: include "stdgates.inc";' if name in LIBRARY else None,
        )

    def called(self, body: Sequence[Any], gate: str) -> Iterator[str]:
        """Yield the names of the gates that a body calls.

        Raises:
            InputError: something that is no gate in the body of one.
        """
        from openqasm3 import ast

        for statement in body:
            match statement:
                case ast.QuantumGate():
                    yield statement.name.name
                case ast.ForInLoop():
                    yield from self.called(statement.block, gate)
                case ast.Box():
                    yield from self.called(statement.body, gate)
                case ast.QuantumPhase() | ast.QuantumBarrier() | ast.DelayInstruction():
                    pass
                case _:
                    raise InputError(
                        "the body of a gate holds no gate", got=f"{type(statement).__name__} in {gate}", expected="gates only"
                    )

    def factors(self, statement: Any, names: Names) -> list[Factor]:
        """Return what a statement of gates does."""
        from openqasm3 import ast

        self.spend()
        match statement:
            case ast.QuantumGate() | ast.QuantumPhase():
                return self.broadcast(statement, names)
            case ast.QuantumBarrier() | ast.DelayInstruction():
                for operand in statement.qubits:
                    self.selected(operand, names, Qubits)
                return []
            case ast.ForInLoop():
                rounds = self.rounds(statement, names)
                return [f for inner in rounds for part in statement.block for f in self.factors(part, inner)]
            case ast.Box():
                return [f for part in statement.body for f in self.factors(part, names)]
        raise InputError(
            "the program has a statement that is not supported",
            got=type(statement).__name__,
            expected="gates, measure, reset, flat if, for over a literal range",
        )

    def rounds(self, loop: ast.ForInLoop, names: Names) -> Iterator[Names]:
        """Yield the names within each round of a loop, whose length is checked before it starts."""
        from openqasm3 import ast

        values: Sequence[Any]
        if isinstance(loop.set_declaration, ast.RangeDefinition):
            values = range_of(loop.set_declaration, names)
        elif isinstance(loop.set_declaration, ast.DiscreteSet):
            values = [value_of(entry, names) for entry in loop.set_declaration.values]
        else:
            raise InputError(
                "a loop runs over something else", got=type(loop.set_declaration).__name__, expected="[a:b] or {a, b}"
            )
        self.spend(self.left + 1 if values[self.left :] else len(values))
        for value in values:
            yield names.new_child({loop.identifier.name: typed(loop.type, value)})

    def broadcast(self, statement: ast.QuantumGate | ast.QuantumPhase, names: Names) -> list[Factor]:
        """Return a call: on whole registers, side by side; single qubits are repeated."""
        operands = [self.selected(operand, names, Qubits) for operand in statement.qubits]
        widths = {len(operand) for operand in operands} - {1}
        if len(widths) > 1:
            raise InputError("a gate acts on registers of different sizes", got=sorted(widths), expected="equal sizes")
        result: list[Factor] = []
        for i in range(widths.pop() if widths else 1):
            qubits = [operand[0] if len(operand) == 1 else operand[i] for operand in operands]
            if len(set(qubits)) < len(qubits):
                raise InputError("a gate acts twice on one qubit", got=name_of(getattr(statement, "name", None)) or "gphase")
            result += self.applied(statement, qubits, names)
        return result

    def applied(self, statement: ast.QuantumGate | ast.QuantumPhase, qubits: list[int], names: Names) -> list[Factor]:
        """Return a call on single qubits, modifiers included."""
        from openqasm3 import ast

        modifiers: list[tuple[str, Any]] = []
        for modifier in statement.modifiers:
            kind, argument = modifier.modifier.name, modifier.argument
            if kind in ("ctrl", "negctrl"):
                count = 1 if argument is None else integer_of(argument, names)
                if not 1 <= count <= len(qubits):
                    raise InputError(
                        "a gate has too few qubits for its controls", got=f"{kind}({count})", expected="more qubits"
                    )
                modifiers.append((kind, [(qubit, kind == "ctrl") for qubit in qubits[:count]]))
                qubits = qubits[count:]
            else:
                modifiers.append((kind, value_of(argument, names) if kind == "pow" and argument is not None else -1))
        if isinstance(statement, ast.QuantumPhase):
            if qubits:
                raise InputError("gphase acts on no qubit", got=f"{len(qubits)} qubits", expected="as many as it has controls")
            result = [phase_factor(angle_of(statement.argument, names))]
        else:
            gate = self.gate(statement.name.name, names)
            angles = [angle_of(argument, names) for argument in statement.arguments]
            result = library_factors(gate, angles, qubits) if isinstance(gate, str) else self.body(gate, angles, qubits)
        for kind, argument in reversed(modifiers):
            result = self.modified(result, kind, argument)
        return result

    def modified(self, factors: list[Factor], kind: str, argument: Any) -> list[Factor]:
        """Return the factors under one modifier."""
        if kind == "inv":
            return inverse(factors)
        if kind == "pow":
            result = power(factors, argument, most=self.left)
            self.spend(max(0, len(result) - len(factors)))
            return result
        controls: list[Control] = argument
        return controlled(factors, controls)

    def body(self, gate: Definition, angles: Sequence[float], qubits: Sequence[int]) -> list[Factor]:
        """Return the factors of a definition."""
        if (len(angles), len(qubits)) != (len(gate.angles), len(gate.qubits)):
            raise InputError(
                f"gate {gate.name} is called wrongly",
                got=f"{len(angles)} angles, {len(qubits)} qubits",
                expected=f"{len(gate.angles)} angles, {len(gate.qubits)} qubits",
            )
        if gate.steps > self.left:  # known before it is written out
            self.spend(gate.steps)
        own: dict[str, Any] = dict(zip(gate.angles, angles, strict=True))
        own.update({name: Qubits([qubit]) for name, qubit in zip(gate.qubits, qubits, strict=True)})
        names: Names = ChainMap(own, *gate.known.maps)
        return [factor for statement in gate.body for factor in self.factors(statement, names)]

    def selected(self, operand: Any, names: Names, kind: type[Qubits] | type[Bits]) -> list[int]:
        """Return the numbers that an operand such as ``q``, ``q[2]``, ``q[1:3]`` or ``q[{0, 2}]`` names.

        Raises:
            InputError: no such register, an index outside.
        """
        from openqasm3 import ast

        indices = operand.indices if isinstance(operand, ast.IndexedIdentifier) else []
        name = name_of(operand.name if isinstance(operand, ast.IndexedIdentifier) else operand)
        register = meaning(name, names, kind)
        if register is None:
            raise InputError(
                "an operand is not declared",
                got=name or type(operand).__name__,
                expected="qubits" if kind is Qubits else "bits",
            )
        if len(indices) > 1:
            raise InputError("an operand is indexed twice", got=name, expected="one pair of brackets")
        return self.indexed(name, register, indices[0], names) if indices else list(register)

    def indexed(self, name: str, register: Sequence[int], index: Any, names: Names) -> list[int]:
        """Return the numbers at some places of a register."""
        from openqasm3 import ast

        size = len(register)
        places: list[int] = []
        for entry in index.values if isinstance(index, ast.DiscreteSet) else index:
            found = range_of(entry, names, size) if isinstance(entry, ast.RangeDefinition) else [integer_of(entry, names)]
            if found[size:]:
                raise InputError("an index is outside its register", got=f"a range of {name}", expected=f"{size} places")
            places += found
        outside = [place for place in places if not -size <= place < size]
        if outside or not places:
            raise InputError(
                "an index is outside its register", got=f"{name}[{outside[0] if outside else ''}]", expected=f"0 to {size - 1}"
            )
        return [register[place] for place in places]

    def joined(self, value: Any, names: Names) -> Qubits | Bits:
        """Return what an alias stands for: a register, some of it, or several joined by ``++``."""
        from openqasm3 import ast

        if isinstance(value, ast.Concatenation):
            left, right = self.joined(value.lhs, names), self.joined(value.rhs, names)
            if type(left) is not type(right):
                raise InputError("an alias joins qubits with bits", expected="one kind")
            if len(left) + len(right) > MOST_JOINED:
                raise TooLargeError(
                    "an alias is too long", got=f"{len(left) + len(right):,} places", expected=f"at most {MOST_JOINED:,}"
                )
            return type(left)((*left, *right))
        name = name_of(value.collection if isinstance(value, ast.IndexExpression) else value)
        register = meaning(name, names, Qubits, Bits)
        if register is None:
            raise InputError("an alias stands for no register", got=name or type(value).__name__, expected="a register")
        if isinstance(value, ast.IndexExpression):
            kind: type[Qubits] | type[Bits] = type(register)
            return kind(self.indexed(name, register, value.index, names))
        alias: Qubits | Bits = register
        return alias
