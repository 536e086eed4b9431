# SPDX-License-Identifier: Apache-2.0
"""What the hardware refuses, judged from the device's published configuration and IBM's guide to dynamic circuits (2026).

Written from the documents alone, and without the package under test: where the two disagree, a test fails.
"""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from standin.devices import Device

BITS_OF_OPERAND = 32
BROADCASTS = {1: 2400, 60: 300}  # measured bits of a broadcast: how many of them a job may hold
EXECUTIONS_OF_JOB = 10_000_000
ARITHMETIC = frozenset({"ADD", "SUB", "MUL", "DIV", "SHIFT_LEFT", "SHIFT_RIGHT"})
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
RESERVED = frozenset(
    "angle array barrier bit bool box cal complex const creg ctrl def defcal delay duration end extern float gate gphase "
    "include input int inv let measure mutable negctrl opaque output pi pow qreg qubit readonly reset stretch switch uint "
    "void".split()
)


def faults_of_job(circuits: Iterable[QuantumCircuit], device: Device, *, shots: Iterable[int], executions: int) -> list[str]:
    """Return what a device refuses in a job; empty for a good one.

    Args:
        circuits: of the job, each once whatever the number of its parameter sets.
        device: that the job is for.
        shots: of each circuit.
        executions: of circuits, all parameter sets and shots counted.
    """
    found = [fault for circuit in circuits for fault in faults_of_circuit(circuit, device)]
    found += [
        f"{count} shots; the device takes 1 to {device.max_shots}" for count in shots if not 1 <= count <= device.max_shots
    ]
    share = math.fsum(share_of_broadcast(len(bits)) for circuit in circuits for bits in broadcasts(circuit))
    if share > 1 + 1e-9:
        found.append(f"the job's conditions need {share:.3f} times the broadcasts that the control system holds")
    if executions > EXECUTIONS_OF_JOB:
        found.append(f"{executions} executions; a job may have {EXECUTIONS_OF_JOB}")
    return found


def faults_of_circuit(circuit: QuantumCircuit, device: Device) -> Iterator[str]:
    """Yield what a device refuses in a circuit."""
    yield from faults_of_registers(circuit)
    if circuit.num_qubits > device.qubits:
        yield f"{circuit.num_qubits} qubits; the device has {device.qubits}"
        return
    for item in circuit.data:
        yield from faults_of_item(item, wires_of(circuit, item), device)


def faults_of_registers(circuit: QuantumCircuit) -> Iterator[str]:
    names = [register.name for register in circuit.cregs]
    for register in circuit.cregs:
        if not NAME.fullmatch(register.name) or keyword.iskeyword(register.name) or register.name in RESERVED:
            yield f"classical register {register.name!r}: not a name"
        if register.size == 0:
            yield f"classical register {register.name!r} has no bits"
    if len(set(names)) != len(names):
        yield "two classical registers have the same name"
    if list(circuit.iter_vars()):
        yield "the circuit declares variables"


def faults_of_item(item: Any, wires: tuple[int, ...], device: Device) -> Iterator[str]:
    """Yield what a device refuses in an instruction and its blocks."""
    yield from faults_of_operation(item, wires, device)
    for tested in tested_by(item.operation):
        yield from faults_of_condition(tested)
    for block in getattr(item.operation, "blocks", ()):
        for inner in block.data:
            inner_wires = tuple(wires[index] for index in wires_of(block, inner))
            if hasattr(inner.operation, "blocks"):
                yield f"{inner.operation.name} inside {item.operation.name}: conditions cannot be nested"
            elif inner.operation.name.startswith(("measure", "reset")):
                yield f"{inner.operation.name} on qubits {inner_wires} inside a conditional block"
            elif inner.operation.name == "store":
                yield "store inside a conditional block"
            else:
                yield from faults_of_operation(inner, inner_wires, device)


def faults_of_operation(item: Any, wires: tuple[int, ...], device: Device) -> Iterator[str]:
    name = item.operation.name
    if hasattr(item.operation, "blocks"):
        if name != "if_else" or name not in device.operations:
            yield f"control flow {name} is not supported by the target system"
        return
    if name not in device.operations:
        yield f"The instruction {name} on qubits {wires} is not supported by the target system"
        return
    allowed = device.operations[name]
    if allowed is not None and wires not in allowed:
        yield f"The instruction {name} on qubits {wires} is not supported by the target system"


def faults_of_condition(tested: Any) -> Iterator[str]:
    """Yield what the control system cannot evaluate in a condition."""
    from qiskit.circuit import ClassicalRegister, Clbit
    from qiskit.circuit.classical import expr

    if isinstance(tested, Clbit):
        return
    if isinstance(tested, ClassicalRegister):
        if tested.size > BITS_OF_OPERAND:
            yield f"a condition on the {tested.size} bits of register {tested.name!r}; at most {BITS_OF_OPERAND}"
        return
    if isinstance(tested, expr.Index):  # one bit of a register of any width
        yield from () if isinstance(tested.target, expr.Var) else faults_of_condition(tested.target)
        return
    if isinstance(tested, expr.Binary) and tested.op.name in ARITHMETIC:
        yield f"arithmetic ({tested.op.name}) in a condition"
    if isinstance(tested, expr.Var):
        yield from faults_of_condition(tested.var) if not tested.standalone else ["a condition on a variable"]
    for operand in operands(tested):
        yield from faults_of_condition(operand)


def operands(node: Any) -> list[Any]:
    """Return the operands of a classical expression."""
    return [getattr(node, name) for name in ("left", "right", "operand", "target", "index") if hasattr(node, name)]


def tested_by(operation: Any) -> list[Any]:
    """Return the bits, registers and expressions that an instruction tests."""
    if hasattr(operation, "target") and operation.name == "switch_case":
        return [operation.target]
    condition = getattr(operation, "condition", None)
    if condition is None:
        return []
    return [condition[0] if isinstance(condition, tuple) else condition]


def share_of_broadcast(bits: int) -> float:
    """Return the share of a job's budget that a broadcast takes: linear in its bits through the two published counts."""
    (small, many), (large, few) = BROADCASTS.items()
    return ((large - bits) / many + (bits - small) / few) / (large - small)


def broadcasts(circuit: QuantumCircuit) -> Iterator[frozenset[int]]:
    """Yield the measured bits that must be sent to the controllers, once for as long as none of them is measured again."""
    sent: set[frozenset[int]] = set()
    for item in circuit.data:
        for tested in tested_by(item.operation):
            bits = frozenset(circuit.find_bit(bit).index for bit in bits_of(tested))
            if bits and bits not in sent:
                sent.add(bits)
                yield bits
        if item.operation.name.startswith("measure") or item.operation.name == "store":
            written = {circuit.find_bit(bit).index for bit in item.clbits}
            sent = {bits for bits in sent if not bits & written}


def bits_of(tested: Any) -> Iterator[Any]:
    """Yield the classical bits that a condition reads."""
    from qiskit.circuit import ClassicalRegister, Clbit
    from qiskit.circuit.classical import expr

    if isinstance(tested, Clbit):
        yield tested
    elif isinstance(tested, ClassicalRegister):
        yield from tested
    elif isinstance(tested, expr.Index) and isinstance(tested.target, expr.Var) and isinstance(tested.index, expr.Value):
        yield tested.target.var[tested.index.value]
    elif isinstance(tested, expr.Var):
        yield from () if tested.standalone else bits_of(tested.var)
    else:
        for operand in operands(tested):
            yield from bits_of(operand)


def wires_of(circuit: QuantumCircuit, item: Any) -> tuple[int, ...]:
    return tuple(circuit.find_bit(qubit).index for qubit in item.qubits)
