# SPDX-License-Identifier: Apache-2.0
"""Lowered circuits read back as programs, so that their conditions can be walked, counted and written."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from stinespring.circuits.core.flow import Flow, If, Instruction, Measure, Reset
from stinespring.circuits.core.gates import Gate
from stinespring.circuits.core.worst_path import WorstPath, worst_path
from stinespring.errors import InputError

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.circuit import CircuitInstruction, Clbit, IfElseOp

__all__ = [
    "condition_of",
    "flow_of",
    "is_dynamic",
    "register_and_bit",
    "used_qubits",
    "worst_path_of",
]

SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "ps": 1e-12}


def is_dynamic(circuit: QuantumCircuit) -> bool:
    """Return whether a circuit has control flow, a reset, or an operation on a qubit after its measurement."""
    measured: set[Any] = set()
    for item in circuit.data:
        name = item.operation.name
        if hasattr(item.operation, "blocks") or name == "reset":
            return True
        if name != "barrier" and measured.intersection(item.qubits):
            return True
        if name == "measure":
            measured.update(item.qubits)
    return False


def used_qubits(circuit: QuantumCircuit) -> set[int]:
    """Return the qubits that anything but a barrier or a delay acts on."""
    return {
        circuit.find_bit(qubit).index
        for item in circuit.data
        if item.operation.name not in ("barrier", "delay")
        for qubit in item.qubits
    }


def worst_path_of(circuit: QuantumCircuit) -> WorstPath:
    """Return the two-qubit gates and depths of a circuit's worst path, wire by wire.

    Raises:
        InputError: control flow other than a flat ``if``, as for :func:`flow_of`.
    """
    return worst_path(flow_of(circuit))


def flow_of(circuit: QuantumCircuit, *, dt: float | None = None, idle: bool = False) -> Flow:
    """Return a circuit as a program on one quantum register ``q``.

    Args:
        circuit: gates, measurements, resets and flat ifs; any ``else`` must belong to a test of one bit.
        dt: seconds of a device's unit of time, for delays given in it.
        idle: keep delays, as gates ``delay`` with an angle of so many seconds, and barriers, as gates ``barrier``; an if then
            begins with a barrier on all its qubits.

    Raises:
        InputError: other control flow, a test of an expression, an ``else`` of a test of a register.
    """
    instructions: list[Instruction] = []
    for item in circuit.data:
        name, on = item.operation.name, tuple(circuit.find_bit(qubit).index for qubit in item.qubits)
        if name == "measure":
            register, bit = register_and_bit(circuit, item.clbits[0])
            instructions.append(Measure(on, register, (bit,)))
        elif name == "reset":
            instructions.append(Reset(on))
        elif name == "if_else":
            instructions += branches(circuit, item, on, dt, idle)
        elif hasattr(item.operation, "blocks"):
            raise InputError("the circuit has control flow that hardware does not execute", got=name, expected="if_else")
        elif idle or name not in ("delay", "barrier"):
            instructions.append(gate_of(item, on, dt))
    classical = tuple((register.name, register.size) for register in circuit.cregs)
    return Flow((("q", circuit.num_qubits),), classical, tuple(instructions))


def gate_of(item: CircuitInstruction, on: tuple[int, ...], dt: float | None) -> Gate:
    """Return one gate, or a delay in seconds; an angle that is still free is NaN."""
    operation = item.operation
    if operation.name == "delay":
        return Gate("delay", on, (seconds_of_delay(operation, dt),))
    angles = () if operation.name == "barrier" else operation.params
    return Gate(operation.name, on, tuple(math.nan if getattr(p, "parameters", None) else float(p) for p in angles))


def seconds_of_delay(operation: Any, dt: float | None) -> float:
    """Return how long a delay is; one whose length is a stretch takes what is free, and nothing by itself.

    Raises:
        InputError: a unit without a length.
    """
    if operation.unit == "expr":
        return 0.0
    scale = dt if operation.unit == "dt" else SECONDS.get(operation.unit)
    if scale is None:
        raise InputError(
            "the length of a delay is not known", got=f"unit {operation.unit}", expected="seconds, or dt on a device with a dt"
        )
    return float(operation.duration) * scale


def register_and_bit(circuit: QuantumCircuit, clbit: Clbit) -> tuple[str, int]:
    """Return the register of a classical bit and its index in it."""
    places = circuit.find_bit(clbit).registers
    if not places:
        raise InputError("a classical bit is in no register", got=str(clbit), todo="put it in a ClassicalRegister")
    register, index = places[0]
    return str(register.name), int(index)


def condition_of(circuit: QuantumCircuit, operation: IfElseOp) -> tuple[str, int | None, int]:
    """Return what an if tests: a register, one bit of it or None for all of it, and the value.

    Raises:
        InputError: the test is an expression.
    """
    from qiskit.circuit import Clbit

    if not isinstance(operation.condition, tuple):
        raise InputError(
            "a condition is an expression",
            got=str(operation.condition),
            expected="one register or one bit compared with a constant",
        )
    tested, value = operation.condition
    if isinstance(tested, Clbit):
        return *register_and_bit(circuit, tested), int(value)
    return str(tested.name), None, int(value)


def branches(
    circuit: QuantumCircuit, item: CircuitInstruction, on: tuple[int, ...], dt: float | None, idle: bool
) -> list[Instruction]:
    """Return the branches of an if as flat conditions."""
    register, bit, value = condition_of(circuit, item.operation)
    result: list[Instruction] = []
    for block, wanted in zip(item.operation.blocks, (value, 1 - value), strict=False):
        if wanted != value and bit is None:
            raise InputError("an else belongs to a test of a register", got=register, expected="a test of one bit, or two ifs")
        gates = [Gate("barrier", on)] if idle else []
        for inner in block.data:
            name = inner.operation.name
            if name in ("measure", "reset") or hasattr(inner.operation, "blocks"):
                raise InputError("a condition guards more than gates", got=name, expected="gates, by conditions that are flat")
            if idle or name not in ("delay", "barrier"):
                gates.append(gate_of(inner, tuple(on[block.find_bit(qubit).index] for qubit in inner.qubits), dt))
        result.append(If(register, wanted, tuple(gates), bit))
    return result
