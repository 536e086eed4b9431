# SPDX-License-Identifier: Apache-2.0
"""What an OpenQASM 3 program does, written out, as a Qiskit circuit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from stinespring.circuits.qasm.factors import Factor, append_factor

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["Branch", "Clear", "Item", "Read", "built"]


class Read(NamedTuple):
    """Measurement of one qubit into one bit, or into none."""

    qubit: int
    bit: int | None


class Clear(NamedTuple):
    """Return of one qubit to |0>."""

    qubit: int


class Branch(NamedTuple):
    """A flat ``if``: one bit, or a whole register, compared with a value."""

    bits: tuple[int, ...]
    value: int
    then: tuple[Item, ...]
    otherwise: tuple[Item, ...]


Item = Factor | Read | Clear | Branch


def built(quantum: Sequence[tuple[str, int]], classical: Sequence[tuple[str, int]], items: Sequence[Item]) -> QuantumCircuit:
    """Return a circuit with these registers; measurements into no bit go to a register of their own.

    Args:
        quantum: names and sizes.
        classical: names and sizes; all bits are 0 at the start.
        items: in order, qubits and bits numbered through the registers.
    """
    from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister

    registers = [ClassicalRegister(size, name) for name, size in classical]
    circuit = QuantumCircuit(*[QuantumRegister(size, name) for name, size in quantum], *registers)
    items, unread = with_bits(items, circuit.num_clbits)
    if unread:
        taken = {name for name, _ in (*quantum, *classical)}
        circuit.add_register(ClassicalRegister(unread, next(n for n in names_like("unread") if n not in taken)))
    place = {qubit: qubit for qubit in range(circuit.num_qubits)}
    for item in items:
        if isinstance(item, Branch):
            append_branch(circuit, item)
        else:
            append_item(circuit, item, place, {})
    return circuit


def names_like(name: str) -> Sequence[str]:
    """Return names to choose a free one from."""
    return [name + "_" * i for i in range(64)]


def with_bits(items: Sequence[Item], first: int) -> tuple[list[Item], int]:
    """Return the items with a bit of its own, from ``first`` on, for every measurement that has none, and how many."""
    result: list[Item] = []
    count = 0
    for item in items:
        if isinstance(item, Branch):
            then, more = with_bits(item.then, first + count)
            otherwise, yet_more = with_bits(item.otherwise, first + count + more)
            count += more + yet_more
            result.append(item._replace(then=tuple(then), otherwise=tuple(otherwise)))
        elif isinstance(item, Read) and item.bit is None:
            result.append(Read(item.qubit, first + count))
            count += 1
        else:
            result.append(item)
    return result, count


def append_item(circuit: QuantumCircuit, item: Item, place: dict[int, int], bits: dict[int, int]) -> None:
    """Append a gate, a measurement or a reset; ``place`` and ``bits`` say where its qubits and bits are."""
    if isinstance(item, Factor):
        append_factor(circuit, item, place)
    elif isinstance(item, Read):
        assert item.bit is not None
        circuit.measure(place[item.qubit], bits.get(item.bit, item.bit))
    elif isinstance(item, Clear):
        circuit.reset(place[item.qubit])


def append_branch(circuit: QuantumCircuit, branch: Branch) -> None:
    """Append an ``if``, on the qubits that its blocks touch."""
    wires: set[int] = set()
    written: set[int] = set()
    for item in (*branch.then, *branch.otherwise):
        if isinstance(item, Factor):
            wires.update(item.wires)
        elif isinstance(item, Read | Clear):
            wires.add(item.qubit)
            written.update({item.bit} if isinstance(item, Read) and item.bit is not None else ())
    if not wires:  # a global phase alone
        return
    order = sorted(wires)
    tested = circuit.clbits[branch.bits[0]]
    register = circuit.find_bit(tested).registers[0][0]
    held = [circuit.find_bit(bit).index for bit in register]
    extra = sorted(written - set(held))
    bodies = [block_of(circuit, block, order, held, extra) for block in (branch.then, branch.otherwise)]
    condition = (tested if len(branch.bits) == 1 else register, branch.value)
    on = [*held, *extra]
    if branch.otherwise:
        circuit.if_else(condition, bodies[0], bodies[1], order, on)
    else:
        circuit.if_test(condition, bodies[0], order, on)


def block_of(
    circuit: QuantumCircuit, items: Sequence[Item], wires: Sequence[int], held: Sequence[int], extra: Sequence[int]
) -> QuantumCircuit:
    """Return a block of an ``if`` as a circuit of its own."""
    from qiskit import QuantumCircuit

    register = circuit.find_bit(circuit.clbits[held[0]]).registers[0][0]
    block = QuantumCircuit([circuit.qubits[w] for w in wires], register, [circuit.clbits[b] for b in extra])
    place = {wire: i for i, wire in enumerate(wires)}
    bits = {bit: i for i, bit in enumerate([*held, *extra])}
    for item in items:
        append_item(block, item, place, bits)
    return block
