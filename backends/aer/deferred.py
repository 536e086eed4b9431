# SPDX-License-Identifier: Apache-2.0
"""Deferred measurement: a circuit with measurements, resets and conditions as one unitary circuit on more qubits.

A measured bit lives on in a qubit of its own: the measured qubit itself where nothing but a reset follows on it and its
state is not wanted, else a fresh one that a CX copies it to. A reset qubit is replaced by a fresh one. A condition becomes a
control. Tracing out the bits and what was reset gives exactly the measured circuit's channel, outcome by outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from stinespring.errors import InputError

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["Deferred", "defer"]

WIDEST_BLOCK = 9  # qubits of one conditional block, bits included, that is applied as one matrix


class Deferred(NamedTuple):
    """A unitary circuit and where things are in it.

    Attributes:
        circuit: no classical bits.
        qubits: for each qubit of the measured circuit the qubit that holds it at the end; a measured one may share it with
            its bit.
        clbits: for each classical bit its qubit, or None where it was never measured and is 0.
    """

    circuit: QuantumCircuit
    qubits: tuple[int, ...]
    clbits: tuple[int | None, ...]


class _Work:
    """The unitary circuit in the making."""

    def __init__(self, circuit: QuantumCircuit) -> None:
        self.source = circuit
        self.place = list(range(circuit.num_qubits))
        self.bits: list[int | None] = [None] * circuit.num_clbits
        self.used = int(circuit.num_qubits)
        self.steps: list[tuple[Any, tuple[int, ...]]] = []
        self.last = {q: i for i, item in enumerate(circuit.data) for q in self.wires(item.qubits)}

    def wires(self, qubits: Sequence[Any]) -> list[int]:
        return [int(self.source.find_bit(q).index) for q in qubits]

    def fresh(self) -> int:
        self.used += 1
        return self.used - 1

    def only_reset_follows(self, index: int, qubit: int) -> bool:
        later = self.source.data[index + 1 : self.last[qubit] + 1]
        following = next((item for item in later if qubit in self.wires(item.qubits)), None)
        return following is None or following.operation.name == "reset"


def defer(circuit: QuantumCircuit, *, keep: Sequence[int] = ()) -> Deferred:
    """Return a unitary circuit with the same outcomes and the same channel.

    Args:
        circuit: gates, measurements, resets, and conditions ``if (bit == v)`` or ``if (register == v)``, not nested; an
            ``else`` only with a single bit.
        keep: qubits whose final state is wanted: their bits get qubits of their own.

    Raises:
        InputError: other control flow.
    """
    from qiskit import QuantumCircuit
    from qiskit.circuit.library import CXGate

    work = _Work(circuit)
    for index, item in enumerate(circuit.data):
        wires, name = work.wires(item.qubits), item.operation.name
        if name == "barrier":
            continue
        if name == "measure":
            bit = circuit.find_bit(item.clbits[0]).index
            if wires[0] not in keep and work.only_reset_follows(index, wires[0]) and work.place[wires[0]] not in work.bits:
                work.bits[bit] = work.place[wires[0]]
            else:
                copy = work.fresh()
                work.steps.append((CXGate(), (work.place[wires[0]], copy)))
                work.bits[bit] = copy
        elif name == "reset":
            work.place[wires[0]] = work.fresh()
        elif name == "if_else":
            _conditional(work, item, wires)
        elif hasattr(item.operation, "blocks") or item.clbits:
            raise InputError("the program uses control flow that cannot be deferred", got=name, expected="flat 'if' only")
        else:
            work.steps.append((item.operation, tuple(work.place[w] for w in wires)))
    result = QuantumCircuit(work.used)
    for operation, places in work.steps:
        result.append(operation, places)
    return Deferred(result, tuple(work.place), tuple(work.bits))


def _conditional(work: _Work, item: Any, wires: list[int]) -> None:
    """Add the blocks of one ``if``."""
    target, value = _condition(item.operation.condition)
    register = list(target) if hasattr(target, "__len__") else [target]
    carriers = [work.bits[work.source.find_bit(bit).index] for bit in register]
    blocks = item.operation.blocks
    if len(blocks) > 1 and blocks[1] is not None and blocks[1].data:
        if len(register) > 1:
            raise InputError("the program has an 'else' on a register", got=register, expected="'else' on one bit only")
        _controlled(work, blocks[1], wires, carriers, 1 - int(value))
    _controlled(work, blocks[0], wires, carriers, int(value))


def _condition(condition: Any) -> tuple[Any, int]:
    if isinstance(condition, tuple):
        return condition
    from qiskit.circuit.classical import expr

    if isinstance(condition, expr.Var):
        return condition.var, 1
    if isinstance(condition, expr.Unary) and condition.op.name == "LOGIC_NOT" and isinstance(condition.operand, expr.Var):
        return condition.operand.var, 0
    if isinstance(condition, expr.Binary) and condition.op.name == "EQUAL":
        sides = {type(side): side for side in (condition.left, condition.right)}
        if set(sides) == {expr.Var, expr.Value}:
            return sides[expr.Var].var, int(sides[expr.Value].value)
    raise InputError("the program has a condition that cannot be deferred", got=str(condition), expected="bit or register == v")


def _controlled(work: _Work, block: QuantumCircuit, wires: list[int], carriers: list[int | None], value: int) -> None:
    """Add one block under the condition that the bits have a value; bits that were never measured are 0."""
    if any(carrier is None and value >> i & 1 for i, carrier in enumerate(carriers)) or value >> len(carriers):
        return
    from qiskit.circuit.library import UnitaryGate
    from qiskit.quantum_info import Operator

    controls = [carrier for carrier in carriers if carrier is not None]
    wanted = [value >> i & 1 for i, carrier in enumerate(carriers) if carrier is not None]
    if any(part.operation.name in {"measure", "reset"} or hasattr(part.operation, "blocks") for part in block.data):
        raise InputError("the program measures, resets or branches inside a condition", expected="gates only")
    touched = sorted({block.find_bit(q).index for part in block.data for q in part.qubits})
    if not touched:
        return
    places = [work.place[wires[i]] for i in touched]
    if len(touched) + len(controls) > WIDEST_BLOCK:
        for part in block.data:
            inner = [work.place[wires[block.find_bit(q).index]] for q in part.qubits]
            state = sum(bit << i for i, bit in enumerate(wanted))
            gate = part.operation.control(len(controls), ctrl_state=state) if controls else part.operation
            work.steps.append((gate, (*controls, *inner)))
        return
    inner = block.copy_empty_like()
    matrix = Operator(_on(block, touched)).data
    size, select = len(matrix), sum(bit << i for i, bit in enumerate(wanted))
    whole = np.eye(size << len(controls), dtype=np.complex128)
    rows = np.arange(size) + select * size  # the block's qubits least significant, then the controls
    whole[np.ix_(rows, rows)] = matrix
    work.steps.append((UnitaryGate(whole, check_input=False), (*places, *controls)))


def _on(block: QuantumCircuit, touched: list[int]) -> QuantumCircuit:
    from qiskit import QuantumCircuit

    number = {wire: i for i, wire in enumerate(touched)}
    result = QuantumCircuit(len(touched))
    for part in block.data:
        result.append(part.operation, [number[block.find_bit(q).index] for q in part.qubits])
    return result
