# SPDX-License-Identifier: Apache-2.0
"""Random bit flips before measurements, undone in the classical part: what reading does wrong is then symmetric.

A qubit is flipped before a measurement and back after it, and every condition that tests the bit tests the other value.
Over the flips, a bit is read wrongly at the rate ``r = (p01 + p10) / 2`` whatever it is, independently of everything. To undo
that, the condition (and the record) is flipped once more, on purpose, with the quasi-probability ``-r / (1 - 2r)``, and not
with ``(1 - r) / (1 - 2r)``. Nothing is added to a condition, so that what was legal is so still.

Source: arXiv 2406.07611 (mid-circuit measurements that steer), 2012.09738 (readout that steers nothing).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from stinespring.errors import InputError

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.transpiler import Target

__all__ = ["MeasuredBit", "flipped", "readings_of_circuit"]


class MeasuredBit(NamedTuple):
    """One measurement of a circuit that steers a condition, or is the last one into a bit that is judged.

    Attributes:
        place: of the instruction in the circuit.
        qubit: the device's number.
        mid: whether anything but measurements follows, so that a device may use another kind of measurement.
        register, bit: what is read into.
        steers: whether a condition tests the bit before it is written again.
        last: whether it is the last one into the bit.
    """

    place: int
    qubit: int
    mid: bool
    register: str
    bit: int
    steers: bool
    last: bool


def readings_of_circuit(circuit: QuantumCircuit, judged: Sequence[str]) -> list[MeasuredBit]:
    """Return the measurements that matter, in order.

    Args:
        circuit: lowered.
        judged: the classical registers whose bits are judged.

    Raises:
        InputError: a condition that is more than a register or bit against a number, or that guards a measurement.
    """
    found: list[MeasuredBit] = []
    asked: set[Any] = set()
    written: set[Any] = set()
    busy: set[Any] = set()  # qubits and bits on which something follows that is no measurement
    for index, item in reversed(list(enumerate(circuit.data))):
        name = item.operation.name
        if name == "barrier":
            continue
        if name.startswith("measure"):
            [wire], [bit] = item.qubits, item.clbits
            register, place = circuit.find_bit(bit).registers[0]
            steers, last = bit in asked, bit not in written
            mid = wire in busy or bit in busy
            if steers or (last and register.name in judged):
                found.append(MeasuredBit(index, circuit.find_bit(wire).index, mid, register.name, place, steers, last))
            asked.discard(bit)
            written.add(bit)
            if mid:
                busy |= {wire, bit}
            continue
        if hasattr(item.operation, "blocks"):
            require_flat(item)
            asked |= set(tested(item))
        busy |= {*item.qubits, *item.clbits}
    return found[::-1]


def require_flat(item: Any) -> None:
    """Refuse a condition that cannot be turned."""
    condition = getattr(item.operation, "condition", None)
    inner = [name for block in item.operation.blocks for name in block.count_ops() if name.startswith(("measure", "if", "sw"))]
    if not isinstance(condition, tuple) or inner:
        raise InputError(
            "a condition that random flips cannot turn", got=inner[0] if inner else item.operation.name,
            expected="a register or a bit against a number, guarding gates", todo="use --mitigation always, or none",
        )  # fmt: skip


def tested(item: Any) -> list[Any]:
    """Return the classical bits that a condition tests."""
    what = item.operation.condition[0]
    return list(what) if hasattr(what, "size") else [what]


def flipped(
    circuit: QuantumCircuit, readings: Sequence[MeasuredBit], before: Sequence[int], undone: Sequence[int],
    target: Target | None = None,
) -> QuantumCircuit:  # fmt: skip
    """Return a circuit with qubits flipped before some measurements, and bits taken for flipped afterwards.

    Args:
        circuit: lowered.
        readings: its measurements that matter.
        before: for each of them whether its qubit is flipped before it, and back after it where it goes on.
        undone: for each of them whether conditions take the bit for the other value; a record is turned by whoever reads it.
        target: whose flip is X, or two sqrt(X).
    """
    number = {reading.place: k for k, reading in enumerate(readings)}
    result, pending, turned = circuit.copy_empty_like(), set[Any](), set[Any]()
    for index, item in enumerate(circuit.data):
        name = item.operation.name
        if name.startswith("measure") and index in number:
            k, [wire], [bit] = number[index], item.qubits, item.clbits
            if (wire in pending) != bool(before[k]):
                flip(result, wire, target)
            pending.discard(wire)
            result.append(item)
            if before[k]:
                pending.add(wire)
            turned.discard(bit)
            if undone[k]:
                turned.add(bit)
            continue
        if name == "reset":
            pending -= set(item.qubits)
        elif name not in ("barrier", "delay"):
            for wire in [q for q in item.qubits if q in pending]:
                flip(result, wire, target)
                pending.discard(wire)
            if name.startswith("measure"):
                turned -= set(item.clbits)
        result.append(with_value(item, turned) if hasattr(item.operation, "blocks") else item)
    return result


def flip(circuit: QuantumCircuit, wire: Any, target: Target | None) -> None:
    """Append X, or what stands for it on a target."""
    place = (circuit.find_bit(wire).index,)
    if target is None or target.instruction_supported("x", place):
        circuit.x(wire)
    elif target.instruction_supported("sx", place):
        circuit.sx(wire)
        circuit.sx(wire)
    else:
        raise InputError("the device has no X to flip a qubit with", got=f"qubit {place[0]}", expected="x or sx")


def with_value(item: Any, turned: set[Any]) -> Any:
    """Return a condition that tests the value that its bits have after they were turned."""
    from qiskit.circuit import IfElseOp

    what, value = item.operation.condition
    mask = sum(1 << i for i, bit in enumerate(tested(item)) if bit in turned)
    if not mask:
        return item
    blocks = [*item.operation.blocks, None][:2]
    again = IfElseOp((what, int(value) ^ mask), *blocks, label=item.operation.label)
    return item.replace(operation=again)


def patterns(count: int, readings: int) -> Iterator[list[int]]:
    """Yield an orthogonal array of strength 3 of 0 and 1, ``count`` rows, a power of two.

    Any three columns hold all eight triples equally often, as long as there are at most ``count / 2`` of them: what is linear
    in up to three flips averages out exactly. More columns than that repeat.
    """
    if count == 1:
        yield [0] * readings
        return
    half = count // 2
    for row in range(count):
        yield [(row & 1) ^ ((row >> 1) & (k % half)).bit_count() % 2 for k in range(readings)]
