# SPDX-License-Identifier: Apache-2.0
"""Constant expressions of OpenQASM 3: angles, sizes and indices."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping

from openqasm3 import ast

CONSTANTS: dict[str, float] = {
    "pi": math.pi,
    "π": math.pi,
    "tau": math.tau,
    "τ": math.tau,
    "euler": math.e,
    "ℇ": math.e,
}

FUNCTIONS: dict[str, Callable[[float], float]] = {
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "arcsin": math.asin,
    "arccos": math.acos,
    "arctan": math.atan,
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
}

ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    # Powers are floats: 9 ** 9 ** 9 overflows at once instead of being computed.
    "**": math.pow,
}


class QasmError(ValueError):
    """A program that is malformed or uses a construct the interpreter does not support."""


def constant(expression: ast.Expression, names: Mapping[str, float]) -> float:
    """Value of a constant expression.

    Args:
        expression: the parsed expression.
        names: values of the identifiers in scope; pi, tau and euler are added.

    Returns:
        An int where the expression is one, else a float.

    Raises:
        QasmError: for an unknown name, an unsupported operator or a value that is not finite.
    """
    try:
        value = _constant(expression, names)
        finite = not isinstance(value, complex) and math.isfinite(value)
    except (ZeroDivisionError, OverflowError, ValueError) as error:
        if isinstance(error, QasmError):
            raise
        raise QasmError(f"constant expression has no value: {error}") from error
    if not finite:
        raise QasmError(f"constant expression is not a finite real number: {value}")
    return value


def _constant(expression: ast.Expression, names: Mapping[str, float]) -> float:
    match expression:
        case ast.IntegerLiteral() | ast.FloatLiteral():
            return expression.value
        case ast.Identifier():
            if expression.name in names:
                return names[expression.name]
            if expression.name in CONSTANTS:
                return CONSTANTS[expression.name]
            raise QasmError(f"unknown name {expression.name!r} in a constant expression")
        case ast.UnaryExpression() if expression.op.name == "-":
            return -_constant(expression.expression, names)
        case ast.BinaryExpression():
            left, right = _constant(expression.lhs, names), _constant(expression.rhs, names)
            return _binary(expression.op.name, left, right)
        case ast.FunctionCall() if expression.name.name in FUNCTIONS and len(expression.arguments) == 1:
            return FUNCTIONS[expression.name.name](_constant(expression.arguments[0], names))
    raise QasmError(f"unsupported constant expression {type(expression).__name__}")


def _binary(symbol: str, left: float, right: float) -> float:
    if symbol == "/":
        if isinstance(left, int) and isinstance(right, int):
            # Readers disagree on whether 1/2 is 0 or 0.5, so only exact quotients are accepted.
            if left % right:
                raise QasmError(f"{left}/{right} of two integers is read differently by different tools")
            return left // right
        return left / right
    if symbol in ARITHMETIC:
        return ARITHMETIC[symbol](left, right)
    raise QasmError(f"unsupported operator {symbol!r} in a constant expression")


def integer(expression: ast.Expression, names: Mapping[str, float]) -> int:
    """Value of a constant expression that must be an integer (a size or an index)."""
    value = constant(expression, names)
    if not isinstance(value, int):
        raise QasmError(f"expected an integer, got {value!r}")
    return value
