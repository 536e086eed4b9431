# SPDX-License-Identifier: Apache-2.0
"""Conditions on classical bits, evaluated for many branches at once."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from openqasm3 import ast

from oracles.qasm_expressions import QasmError, constant, integer

# Values are compared in signed 64-bit integers.
WIDEST = 62

COMPARISONS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Condition:
    """`holds(bits)` maps the bits of the branches, (B, n_bits), to B truth values; `reads` names the bits."""

    reads: frozenset[int]
    holds: Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class _Term:
    """A value per branch; `truth` says whether it may stand alone as a condition."""

    reads: frozenset[int]
    values: Callable[[np.ndarray], np.ndarray]
    truth: bool


def register_values(bits: np.ndarray, register: list[int]) -> np.ndarray:
    """Values of a register, bit 0 least significant: (B, n_bits) to (B,)."""
    if len(register) > WIDEST:
        raise QasmError(f"a register of {len(register)} bits has no value here, at most {WIDEST}")
    weights = 1 << np.arange(len(register), dtype=np.int64)
    return bits[:, register].astype(np.int64) @ weights


def condition(expression: ast.Expression, registers: Mapping[str, list[int]], names: Mapping[str, float]) -> Condition:
    """The condition of an `if`.

    Raises:
        QasmError: for anything but bits, registers, integers, comparisons, `!`, `&&` and `||`.
    """
    term = _term(expression, registers, names)
    return Condition(term.reads, _truth(term))


def _truth(term: _Term) -> Callable[[np.ndarray], np.ndarray]:
    if not term.truth:
        raise QasmError("a register of several bits or a number cannot stand alone as a condition")
    return lambda bits: np.broadcast_to(term.values(bits), len(bits)).astype(bool)


def _literal(value: int, truth: bool) -> _Term:
    return _Term(frozenset(), lambda bits: np.full(len(bits), value, dtype=np.int64), truth)


def _bits(register: list[int]) -> _Term:
    return _Term(frozenset(register), lambda bits: register_values(bits, register), len(register) == 1)


def _term(expression: ast.Expression, registers: Mapping[str, list[int]], names: Mapping[str, float]) -> _Term:
    match expression:
        case ast.BooleanLiteral():
            return _literal(int(expression.value), True)
        case ast.BitstringLiteral():
            return _literal(expression.value, expression.width == 1)
        case ast.Identifier() if expression.name in registers:
            return _bits(registers[expression.name])
        case ast.IndexExpression():
            return _bits([_bit(expression, registers, names)])
        case ast.Cast() if isinstance(expression.type, ast.BoolType):
            inner = _term(expression.argument, registers, names)
            return _Term(inner.reads, lambda bits: inner.values(bits) != 0, True)
        case ast.UnaryExpression() if expression.op.name == "!":
            inner = _term(expression.expression, registers, names)
            holds = _truth(inner)
            return _Term(inner.reads, lambda bits: ~holds(bits), True)
        case ast.BinaryExpression() if expression.op.name in ("&&", "||", *COMPARISONS):
            left = _term(expression.lhs, registers, names)
            right = _term(expression.rhs, registers, names)
            return _binary(expression.op.name, left, right)
    value = constant(expression, names)
    if not isinstance(value, int) or abs(value) >> WIDEST:
        raise QasmError(f"a condition compares with {value!r}, expected an integer below 2^{WIDEST}")
    return _literal(value, False)


def _binary(symbol: str, left: _Term, right: _Term) -> _Term:
    reads = left.reads | right.reads
    if symbol in COMPARISONS:
        compare = COMPARISONS[symbol]
        return _Term(
            reads,
            lambda bits: compare(left.values(bits).astype(np.int64), right.values(bits).astype(np.int64)),
            True,
        )
    first, second = _truth(left), _truth(right)
    if symbol == "&&":
        return _Term(reads, lambda bits: first(bits) & second(bits), True)
    return _Term(reads, lambda bits: first(bits) | second(bits), True)


def _bit(expression: ast.IndexExpression, registers: Mapping[str, list[int]], names: Mapping[str, float]) -> int:
    collection, index = expression.collection, expression.index
    if not isinstance(collection, ast.Identifier) or collection.name not in registers:
        raise QasmError("a condition indexes something that is no bit register")
    if not isinstance(index, list) or len(index) != 1 or isinstance(index[0], ast.RangeDefinition):
        raise QasmError("a condition reads single bits or whole registers only")
    register, position = registers[collection.name], integer(index[0], names)
    if not -len(register) <= position < len(register):
        raise QasmError(f"bit {position} of {collection.name!r}, which has {len(register)}")
    return register[position]
