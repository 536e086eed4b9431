# SPDX-License-Identifier: Apache-2.0
"""Operations that mean what they do: Qiskit's own gates by their class, everything else by its definition or its matrix.

Aer and Qiskit's translation look gates up by name, so that a gate of a circuit's own called ``ecr`` or ``rzz`` would be
executed as another one. What leaves this module has the name that belongs to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from stinespring.errors import InputError

__all__ = ["genuine"]

DEEPEST = 64  # definitions within definitions
WIDEST_MATRIX = 6  # qubits


def genuine(operation: Any, wires: Sequence[int], depth: int = 0) -> Iterator[tuple[Any, tuple[int, ...]]]:
    """Yield a gate, up to a global phase, as Qiskit's standard gates and matrices, with the wires of each.

    Raises:
        InputError: an operation that is no gate, has a free parameter, or has neither a definition nor a matrix.
    """
    from qiskit.circuit import ControlledGate
    from qiskit.circuit.library import UnitaryGate

    if operation.name in ("barrier", "delay") and operation.base_class.__module__.startswith("qiskit."):
        return
    if is_standard(operation) or operation.base_class is UnitaryGate:
        yield operation, tuple(wires)
        return
    if any(getattr(angle, "parameters", None) for angle in operation.params):
        raise InputError("a gate has a free parameter", got=operation.name, expected="numbers")
    definition = getattr(operation, "definition", None)
    if definition is None or (isinstance(operation, ControlledGate) and operation.num_qubits <= WIDEST_MATRIX):
        matrix = matrix_of(operation)
        if matrix is not None:
            yield UnitaryGate(matrix), tuple(wires)
            return
    if definition is None or depth > DEEPEST or any(item.clbits for item in definition.data):
        raise InputError(
            "the program has an operation that cannot be simulated exactly",
            got=operation.name,
            expected="gates with a definition or a matrix, measurements, resets and flat 'if'",
        )
    for item in definition.data:
        inner = [wires[definition.find_bit(qubit).index] for qubit in item.qubits]
        yield from genuine(item.operation, inner, depth + 1)


def matrix_of(operation: Any) -> Any:
    """Return the matrix that a gate's class computes, None where it has none."""
    from qiskit.circuit import CircuitError, Gate

    if operation.num_qubits > WIDEST_MATRIX:
        return None
    try:
        return operation.to_matrix() if isinstance(operation, Gate) else None
    except CircuitError:
        return None


def is_standard(operation: Any) -> bool:
    """Return whether this is one of Qiskit's own gates under its own name, with numbers as angles."""
    standard = getattr(operation, "_standard_gate", None)
    return (
        standard is not None
        and operation.base_class.__module__.startswith("qiskit.circuit.library.")
        and operation.name == standard.name
        and not any(getattr(angle, "parameters", None) for angle in operation.params)
    )
