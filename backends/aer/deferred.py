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

from stinespring.backends.aer.genuine import genuine
from stinespring.errors import InputError, TooLargeError
from stinespring.readings import ComplexArray

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

    def __init__(self, circuit: QuantumCircuit, most: int | None) -> None:
        self.source, self.most = circuit, most
        self.place = list(range(circuit.num_qubits))
        self.bits: list[int | None] = [None] * circuit.num_clbits
        self.used = int(circuit.num_qubits)
        self.steps: list[tuple[Any, tuple[int, ...]]] = []
        self.next: dict[tuple[int, int], str] = {}  # what comes next on a qubit after an instruction
        latest: dict[int, str] = {}
        for index in range(len(circuit.data) - 1, -1, -1):
            item = circuit.data[index]
            for q in self.wires(item.qubits):
                if item.operation.name == "measure" and q in latest:
                    self.next[index, q] = latest[q]
                if item.operation.name != "barrier":
                    latest[q] = item.operation.name

    def wires(self, qubits: Sequence[Any]) -> list[int]:
        return [int(self.source.find_bit(q).index) for q in qubits]

    def fresh(self) -> int:
        self.used += 1
        if self.most is not None and self.used > self.most:
            raise TooLargeError(
                "the program is too large to be simulated with its measurements deferred",
                got=f"more than {self.most} qubits, one for each measurement and reset among them",
                expected=f"at most {self.most}",
                todo="use a sampled check: --shots N",
            )
        return self.used - 1

    def only_reset_follows(self, index: int, qubit: int) -> bool:
        return self.next.get((index, qubit), "reset") == "reset"

    def gate(self, operation: Any, places: Sequence[int]) -> None:
        self.steps += genuine(operation, places)


def defer(circuit: QuantumCircuit, *, keep: Sequence[int] = (), most: int | None = None) -> Deferred:
    """Return a unitary circuit with the same outcomes and the same channel, up to a global phase.

    It consists of Qiskit's standard gates and of matrices: a gate of the circuit's own is its definition, whatever its name.

    Args:
        circuit: gates, measurements, resets, and conditions ``if (bit == v)`` or ``if (register == v)``, not nested.
        keep: qubits whose final state is wanted: their bits get qubits of their own.
        most: how many qubits there may be.

    Raises:
        InputError: other control flow, an operation that is no gate.
        TooLargeError: more qubits than ``most``.
    """
    from qiskit import QuantumCircuit
    from qiskit.circuit.library import CXGate

    work = _Work(circuit, most)
    for index, item in enumerate(circuit.data):
        wires, name = work.wires(item.qubits), item.operation.name
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
            work.gate(item.operation, [work.place[w] for w in wires])
    result = QuantumCircuit(work.used)
    for operation, places in work.steps:
        result.append(operation, places)
    return Deferred(result, tuple(work.place), tuple(work.bits))


def _conditional(work: _Work, item: Any, wires: list[int]) -> None:
    """Add the blocks of one ``if``."""
    target, value = _condition(item.operation.condition)
    register = list(target) if hasattr(target, "__len__") else [target]
    carriers = [work.bits[work.source.find_bit(bit).index] for bit in register]
    gates = [_gates(work, block, wires) for block in item.operation.blocks if block is not None]
    then, otherwise = gates[0], gates[1] if len(gates) > 1 else []
    value = int(value)
    if value >> len(carriers) or any(carrier is None and value >> i & 1 for i, carrier in enumerate(carriers)):
        work.steps += otherwise  # bits that were never measured are 0
        return
    controls = [carrier for carrier in carriers if carrier is not None]
    wanted = sum((value >> i & 1) << k for k, i in enumerate(i for i, carrier in enumerate(carriers) if carrier is not None))
    if not controls:
        work.steps += then
    elif then or otherwise:
        _controlled(work, then, otherwise, controls, wanted)


def _gates(work: _Work, block: QuantumCircuit, wires: Sequence[int]) -> list[tuple[Any, tuple[int, ...]]]:
    """Return the gates of a block and where they are."""
    result: list[tuple[Any, tuple[int, ...]]] = []
    for part in block.data:
        if part.operation.name in {"measure", "reset"} or hasattr(part.operation, "blocks"):
            raise InputError("the program measures, resets or branches inside a condition", expected="gates only")
        result += genuine(part.operation, [work.place[wires[block.find_bit(q).index]] for q in part.qubits])
    return result


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


def _controlled(
    work: _Work,
    then: list[tuple[Any, tuple[int, ...]]],
    otherwise: list[tuple[Any, tuple[int, ...]]],
    controls: list[int],
    wanted: int,
) -> None:
    """Add gates under the condition that bits have a value, and others where they have not."""
    from qiskit.circuit.library import UnitaryGate

    touched = sorted({place for _, places in (*then, *otherwise) for place in places})
    if len(touched) + len(controls) > WIDEST_BLOCK:
        work.steps += otherwise
        undone = [(operation.inverse(), places) for operation, places in reversed(otherwise)]
        for operation, places in (*undone, *then):
            inner = operation.control(len(controls), ctrl_state=wanted, annotated=False)
            work.gate(inner, (*controls, *places))
        return
    chosen, other = _matrix(then, touched), _matrix(otherwise, touched)
    whole = np.kron(np.eye(1 << len(controls)), other)
    rows = np.arange(len(chosen)) + wanted * len(chosen)  # the gates' qubits least significant, then the controls
    whole[np.ix_(rows, rows)] = chosen
    work.steps.append((UnitaryGate(whole, check_input=False), (*touched, *controls)))


def _matrix(gates: Sequence[tuple[Any, tuple[int, ...]]], touched: Sequence[int]) -> ComplexArray:
    """Return the product of gates on some qubits, the first one least significant."""
    from qiskit import QuantumCircuit
    from qiskit.quantum_info import Operator

    number = {wire: i for i, wire in enumerate(touched)}
    circuit = QuantumCircuit(len(touched))
    for operation, places in gates:
        circuit.append(operation, [number[place] for place in places])
    return np.asarray(Operator(circuit).data)
