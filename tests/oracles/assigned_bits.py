# SPDX-License-Identifier: Apache-2.0
"""Which bits a program's conditions read before they are assigned: a walk over the syntax tree, by its own rules."""

from __future__ import annotations

import openqasm3
from openqasm3 import ast


def unassigned(qasm: str) -> list[str]:
    """Return ``name[bit]`` for every bit that a condition may read before anything was assigned to it on every path."""
    tree, sizes, known, found = openqasm3.parse(qasm), {}, set(), []
    for statement in tree.statements:
        if isinstance(statement, ast.ClassicalDeclaration):
            sizes[statement.identifier.name] = statement.type.size.value if statement.type.size else 1
            assert statement.init_expression is None, "readers refuse initialisers"
        elif isinstance(statement, ast.QuantumMeasurementStatement):
            known |= bits(statement.target, sizes)
        elif isinstance(statement, ast.BranchingStatement):
            found += sorted(f"{name}[{bit}]" for name, bit in bits(statement.condition, sizes) - known)
            for inner in (*statement.if_block, *statement.else_block):
                assert isinstance(inner, ast.QuantumGate | ast.QuantumPhase | ast.DelayInstruction | ast.QuantumBarrier), inner
    return found


def bits(node, sizes) -> set[tuple[str, int]]:
    """Return all bits that an expression or a target names."""
    if isinstance(node, ast.Identifier):
        return {(node.name, bit) for bit in range(sizes[node.name])} if node.name in sizes else set()
    if isinstance(node, ast.IndexedIdentifier):
        [[index]] = node.indices
        return {(node.name.name, index.value)}
    if isinstance(node, ast.IndexExpression):
        [index] = node.index
        return {(node.collection.name, index.value)}
    if isinstance(node, ast.BinaryExpression):
        return bits(node.lhs, sizes) | bits(node.rhs, sizes)
    if isinstance(node, ast.UnaryExpression):
        return bits(node.expression, sizes)
    return set()
