# SPDX-License-Identifier: Apache-2.0
"""The account of a Qiskit circuit, from its instructions and Qiskit's own matrices."""

from __future__ import annotations

from cmath import exp
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from stinespring.circuits.deeds.account import Account, Deed, slot_angle
from stinespring.circuits.devices.own_kinds import is_measure, is_measure_reset, is_reset
from stinespring.errors import InputError
from stinespring.readings import ComplexArray

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["account_of_circuit"]

WIDEST_MATRIX = 4  # qubits


def account_of_circuit(circuit: QuantumCircuit, *, phase: bool = True) -> Account:
    """Return what a circuit does; free angles are those of one vector of parameters, in its order.

    Args:
        circuit: gates, measurements, resets, conditions of one register or bit, delays and barriers.
        phase: whether its global phase counts.

    Raises:
        InputError: other control flow.
    """
    slots = circuit.num_parameters
    if slots:
        circuit = circuit.assign_parameters({p: slot_angle(getattr(p, "index", i)) for i, p in enumerate(circuit.parameters)})
    deeds = deeds_of(circuit, circuit, range(circuit.num_qubits), range(circuit.num_clbits))
    quantum = tuple((register.name, register.size) for register in circuit.qregs)
    classical = tuple((register.name, register.size) for register in circuit.cregs)
    turned = exp(1j * float(circuit.global_phase)) if phase else None
    return Account(quantum, classical, tuple(deeds), turned, slots)


def deeds_of(whole: QuantumCircuit, block: QuantumCircuit, wires: Sequence[int], bits: Sequence[int]) -> list[Deed]:
    """Return the deeds of a circuit or of a block of it, whose qubits and bits have these numbers outside."""
    place, number = dict(zip(block.qubits, wires, strict=True)), dict(zip(block.clbits, bits, strict=True))
    deeds: list[Deed] = []
    for item in block.data:
        operation, on = item.operation, tuple([place[qubit] for qubit in item.qubits])
        inner = [number[bit] for bit in item.clbits]
        if is_measure_reset(operation.name):
            deeds += [Deed("measure", on, tuple(inner)), Deed("reset", on)]
        elif is_measure(operation.name):  # a device may have a second kind, which does the same
            deeds.append(Deed("measure", on, tuple(inner)))
        elif is_reset(operation.name):
            deeds.append(Deed("reset", on))
        elif operation.name == "if_else":
            tested, value = tested_bits(block, operation)
            branches = [tuple(deeds_of(whole, part, on, inner)) for part in operation.blocks]
            touched = tuple(sorted({qubit for branch in branches for deed in branch for qubit in deed.qubits}))
            chosen = tuple([number[bit] for bit in tested])
            deeds.append(Deed("if", touched, chosen, None, value, branches[0], branches[1] if branches[1:] else ()))
        elif hasattr(operation, "blocks"):
            raise InputError("the circuit has control flow that is not compared", got=operation.name, expected="if_else")
        elif operation.name == "barrier":
            deeds.append(Deed("barrier", on))
        elif operation.name == "delay":
            deeds.append(Deed("delay", on, words=f"{operation.duration}{operation.unit}"))
        else:
            deeds.append(gate_deed(operation, on))
    return deeds


def gate_deed(operation: Any, on: tuple[int, ...]) -> Deed:
    """Return a gate by its matrix, or by its name where it has none."""
    standard = getattr(operation, "_standard_gate", None)
    if standard is not None and not operation.params:
        return Deed("gate", on, matrix=matrix_of_standard(operation.base_class))
    if operation.num_qubits <= WIDEST_MATRIX and hasattr(operation, "to_matrix"):
        from qiskit.circuit import CircuitError

        try:
            return Deed("gate", on, matrix=np.asarray(operation.to_matrix(), dtype=np.complex128))
        except CircuitError:
            pass
    return Deed("other", on, words=" ".join([operation.name, *map(str, operation.params)]))


@cache
def matrix_of_standard(kind: Any) -> ComplexArray:
    """Return the matrix of one of Qiskit's gates without angles."""
    return np.asarray(kind().to_matrix(), dtype=np.complex128)


def tested_bits(block: QuantumCircuit, operation: Any) -> tuple[Sequence[Any], int]:
    """Return the bits that an if tests, least significant first, and their value.

    Raises:
        InputError: the test is an expression.
    """
    from qiskit.circuit import Clbit

    if not isinstance(operation.condition, tuple):
        raise InputError("a condition is an expression", got=str(operation.condition), expected="register or bit == value")
    tested, value = operation.condition
    return [tested] if isinstance(tested, Clbit) else list(tested), int(value)
