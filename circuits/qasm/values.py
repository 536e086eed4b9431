# SPDX-License-Identifier: Apache-2.0
"""Constant expressions of OpenQASM 3: angles, sizes, indices, and what a loop runs over."""

from __future__ import annotations

import math
import operator
from collections import ChainMap
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from stinespring.errors import InputError

if TYPE_CHECKING:
    from openqasm3 import ast

__all__ = ["CONSTANTS", "Names", "Value", "angle_of", "integer_of", "meaning", "range_of", "typed", "value_of"]

Value = bool | int | float
Names = ChainMap[str, Any]  # numbers, registers, definitions; the name itself for a gate of the library
CONSTANTS: Mapping[str, float] = {
    "pi": math.pi,
    "π": math.pi,
    "tau": math.tau,
    "τ": math.tau,
    "euler": math.e,
    "ℇ": math.e,
}
FUNCTIONS: Mapping[str, Callable[..., Value]] = {
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "arcsin": math.asin,
    "arccos": math.acos,
    "arctan": math.atan,
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "ceiling": math.ceil,
    "floor": math.floor,
}
OPERATORS: Mapping[str, Callable[[Any, Any], Value]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "&&": lambda left, right: bool(left) and bool(right),
    "||": lambda left, right: bool(left) or bool(right),
}
WIDEST = 64  # bits of a whole number


def meaning(name: str, names: Names, *kinds: type) -> Any:
    """Return what a name stands for in the innermost scope that has it as one of some kinds, None if none has.

    A parameter ``t`` of a gate does not hide the gate ``t`` of the library.
    """
    return next((scope[name] for scope in names.maps if isinstance(scope.get(name), kinds)), None)


def value_of(expression: ast.Expression, names: Names) -> Value:
    """Return the value of a constant expression.

    Args:
        expression: what the parser returned.
        names: what identifiers mean; those that are no numbers are refused.

    Raises:
        InputError: something that is not constant, not finite, or read differently by different readers.
    """
    try:
        value = evaluated(expression, names)
    except (ZeroDivisionError, OverflowError) as error:
        raise InputError("an expression has no value", got=str(error), expected="a finite number") from None
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError("an expression has no value", got=str(error), expected="a finite real number") from None
    if not math.isfinite(value):
        raise InputError("an expression is not finite", got=value, expected="a finite number")
    if isinstance(value, int) and value.bit_length() > WIDEST:
        raise InputError("a whole number is too large", got=f"{value.bit_length()} bits", expected=f"at most {WIDEST} bits")
    return value


def evaluated(expression: ast.Expression, names: Names) -> Value:
    """Return the value, which may be infinite."""
    from openqasm3 import ast

    match expression:
        case ast.IntegerLiteral() | ast.FloatLiteral() | ast.BooleanLiteral():
            literal: Value = expression.value
            return literal
        case ast.Identifier():
            value = meaning(expression.name, names, bool, int, float)
            if value is not None:
                number: Value = value
                return number
            found = "no constant" if expression.name in names else "not declared"
            raise InputError("an expression is not constant", got=f"{expression.name}, which is {found}", expected="a number")
        case ast.UnaryExpression() if expression.op.name == "-":
            return -value_of(expression.expression, names)
        case ast.UnaryExpression() if expression.op.name == "!":
            return not value_of(expression.expression, names)
        case ast.BinaryExpression():
            return binary(expression.op.name, value_of(expression.lhs, names), value_of(expression.rhs, names))
        case ast.FunctionCall() if expression.name.name in FUNCTIONS and len(expression.arguments) == 1:
            return FUNCTIONS[expression.name.name](value_of(expression.arguments[0], names))
        case ast.FunctionCall() if expression.name.name == "mod" and len(expression.arguments) == 2:
            return binary("%", *[value_of(argument, names) for argument in expression.arguments])
        case ast.Cast():
            return typed(expression.type, value_of(expression.argument, names))
    what = expression.name.name if isinstance(expression, ast.FunctionCall) else type(expression).__name__
    raise InputError("an expression is not constant", got=what, expected="numbers, constants, + - * / ** % and functions")


def binary(symbol: str, left: Value, right: Value) -> Value:
    """Return the value of two operands under an operator."""
    whole = isinstance(left, int) and isinstance(right, int)
    if symbol == "/":
        if whole and right and left % right:
            raise InputError(
                "a quotient of two whole numbers is cut off by some readers and not by others",
                got=f"{left}/{right}",
                expected="a fraction",
                todo=f"write {left}.0/{right}",
            )
        return left // right if whole else left / right
    if symbol == "%":
        if left < 0 or right <= 0:
            raise InputError("a remainder of negative numbers is not supported", got=f"{left} % {right}", expected="n % m > 0")
        return left % right
    if symbol == "**":
        if whole and right >= 0 and left.bit_length() * right <= WIDEST:  # type: ignore[union-attr]
            return int(left**right)
        return math.pow(left, right)
    if symbol in OPERATORS:
        return OPERATORS[symbol](left, right)
    raise InputError("an expression has an unsupported operator", got=symbol, expected=" ".join(["/", "%", "**", *OPERATORS]))


def typed(kind: ast.ClassicalType, value: Value) -> Value:
    """Return a value as a classical type holds it.

    Raises:
        InputError: a type that would round the value or cut it off.
    """
    from openqasm3 import ast

    size = getattr(kind, "size", None)
    width = None if size is None else integer_of(size, ChainMap({}, dict(CONSTANTS)))
    match kind:
        case ast.FloatType() | ast.AngleType() if width in (None, 64):
            return float(value)
        case ast.IntType() | ast.UintType():
            whole = int(value)
            signed = isinstance(kind, ast.IntType)
            bits = whole.bit_length() + signed if whole >= 0 else (~whole).bit_length() + 1
            if whole != value or (whole < 0 and not signed) or (width is not None and bits > width):
                raise InputError("a number does not fit its type", got=value, expected="a whole number in the type's range")
            return whole
        case ast.BoolType():
            return bool(value)
    named = type(kind).__name__.removesuffix("Type").lower() + ("" if width is None else f"[{width}]")
    raise InputError("a constant has an unsupported type", got=named, expected="int, uint, float[64], angle or bool")


def integer_of(expression: ast.Expression, names: Names) -> int:
    """Return the value of an expression that must be a whole number: a size, an index."""
    value = value_of(expression, names)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError("a size or an index is not a whole number", got=value, expected="a whole number")
    return value


def angle_of(expression: ast.Expression, names: Names) -> float:
    """Return the value of an angle in radians."""
    return float(value_of(expression, names))


def range_of(entry: ast.RangeDefinition, names: Names, size: int | None = None) -> range:
    """Return the numbers ``start:step:end``, the end included; with a size, ends count from behind where negative.

    Raises:
        InputError: a step of 0, or an end that is missing where there is no size.
    """
    start, step, end = (None if e is None else integer_of(e, names) for e in (entry.start, entry.step, entry.end))
    step = 1 if step is None else step
    if step == 0:
        raise InputError("a range has a step of 0", got=0, expected="another step")
    if size is None:
        if start is None or end is None:
            raise InputError("a loop has no first or no last value", got="an open range", expected="for int i in [0:7]")
    else:
        start = (0 if step > 0 else size - 1) if start is None else start + size * (start < 0)
        end = (size - 1 if step > 0 else 0) if end is None else end + size * (end < 0)
    return range(start, end + (1 if step > 0 else -1), step)
