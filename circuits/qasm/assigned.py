# SPDX-License-Identifier: Apache-2.0
"""Conditions that read measured bits only.

OpenQASM 3 leaves a bit undefined until it is assigned, and some readers refuse programs that read one. A register that is
filled bit by bit and tested as a whole for a prefix reads bits that hold nothing yet. :func:`narrowed` changes what can be
changed for nothing: tests of a single measured bit, tests of nothing, bits that no test ever needs. :func:`assigned` gives
every bit that is left a value: a qubit in |0> is measured into it at the start, an assignment that all readers take.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from stinespring.circuits.core.flow import Flow, If, Instruction, Measure, Reset

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["INPUTS", "assigned", "assigned_circuit", "narrowed", "unassigned", "unassigned_of_circuit"]

INPUTS = re.compile(r"p\d+|sys|x")  # quantum registers that may hold an input
ZERO = "zero"  # the register of a qubit that is added where every other one may hold an input

Bit = tuple[str, int]


def tested(flow: Flow) -> Iterator[tuple[Instruction, tuple[int, ...], set[int]]]:
    """Yield every instruction with the bits of its register that it tests, and those of them that are measured by then."""
    sizes, known = dict(flow.classical), {name: set[int]() for name, _ in flow.classical}
    for item in flow.instructions:
        if isinstance(item, If):
            bits = tuple(range(sizes[item.register])) if item.bit is None else (item.bit,)
            yield item, bits, known[item.register].intersection(bits)
            continue
        yield item, (), set()
        if isinstance(item, Measure):
            known[item.register].update(item.bits)


def unassigned(flow: Flow) -> list[Bit]:
    """Return the bits, register and number, that a condition tests before anything is measured into them.

    Example:
        >>> from stinespring.circuits.core.gates import Gate
        >>> flip = (Gate("x", (0,)),)
        >>> unassigned(Flow((("q", 1),), (("t", 2),), (Measure((0,), "t", (1,)), If("t", 2, flip))))
        [('t', 0)]
    """
    found: dict[Bit, None] = {}
    for item, bits, known in tested(flow):
        if isinstance(item, If):
            found.update({(item.register, bit): None for bit in bits if bit not in known})
    order = {name: number for number, (name, _) in enumerate(flow.classical)}
    return sorted(found, key=lambda bit: (order[bit[0]], bit[1]))


def narrowed(flow: Flow, spare: Collection[str] = ()) -> Flow:
    """Return the same program with tests of measured bits wherever that costs nothing.

    A condition that can never hold is left out, one that always holds is none, and a test of a register of which a single bit
    is measured becomes a test of that bit.

    Args:
        flow: any program; bits are 0 until they are measured.
        spare: classical registers that nobody reads out; they lose the bits that no condition needs.
    """
    flow = without_spare_bits(flow, spare)
    items: list[Instruction] = []
    for item, bits, known in tested(flow):
        if not isinstance(item, If) or len(known) == len(bits):
            items.append(item)
        elif item.value >> len(bits) or any(item.value >> place & 1 for place, bit in enumerate(bits) if bit not in known):
            continue
        elif not known:
            items += item.gates
        elif len(known) == 1:
            [bit] = known
            items.append(item._replace(value=item.value >> bit & 1, bit=bit))
        else:
            items.append(item)
    return replace(flow, instructions=tuple(items))


def without_spare_bits(flow: Flow, spare: Collection[str]) -> Flow:
    """Return a program whose spare registers hold only bits that are measured before some condition on them."""
    needed: dict[str, set[int]] = {name: set() for name in spare}
    for item, _, known in tested(flow):
        if isinstance(item, If) and item.register in needed:
            needed[item.register] |= known
    place = {name: {bit: i for i, bit in enumerate(sorted(bits))} for name, bits in needed.items()}
    items: list[Instruction] = []
    for item in flow.instructions:
        kept: Instruction = item
        if isinstance(item, Measure) and item.register in place:
            new = place[item.register]
            pairs = [(qubit, new[bit]) for qubit, bit in zip(item.qubits, item.bits, strict=True) if bit in new]
            if not pairs:
                continue
            kept = Measure(tuple(q for q, _ in pairs), item.register, tuple(b for _, b in pairs))
        elif isinstance(item, If) and item.register in place:
            new = place[item.register]
            if item.bit is not None:
                kept = item._replace(bit=new.get(item.bit))
                if item.bit not in new:
                    if item.value == 0:
                        items += item.gates
                    continue
            elif item.value >> max(new, default=-1) + 1 or any(
                item.value >> bit & 1 for bit in range(dict(flow.classical)[item.register]) if bit not in new
            ):
                continue
            elif not new:
                items += item.gates
                continue
            else:
                kept = item._replace(value=sum((item.value >> bit & 1) << i for bit, i in new.items()))
        items.append(kept)
    sizes = [(name, len(place[name]) if name in place else size) for name, size in flow.classical]
    return replace(flow, classical=tuple((name, size) for name, size in sizes if size), instructions=tuple(items))


def assigned(flow: Flow) -> tuple[Flow, list[Bit]]:
    """Return a program that tests assigned bits only, and the bits that were given a value for it.

    A qubit that is still in |0> is measured into each of them: at the start, each time the next one of those that hold no
    input, so that the measurements can be done at once; where every qubit may hold an input, right after the first reset; and
    on a qubit of its own where there is none in time.
    """
    bits = unassigned(flow)
    if not bits:
        return flow, []
    free, first = [], 0
    for name, size in flow.quantum:
        free += [] if INPUTS.fullmatch(name) else list(range(first, first + size))
        first += size
    at = 0
    if not free:
        for number, (item, tests, known) in enumerate(tested(flow)):
            if isinstance(item, Reset):
                free, at = list(item.qubits), number + 1
                break
            if len(known) < len(tests):
                break
    if not free:
        free = [flow.qubits]
        flow = replace(flow, quantum=(*flow.quantum, (ZERO, 1)))
    zeros = [Measure((free[i % len(free)],), name, (bit,)) for i, (name, bit) in enumerate(bits)]
    items = (*flow.instructions[:at], *zeros, *flow.instructions[at:])
    return replace(flow, instructions=items), bits


def unassigned_of_circuit(circuit: QuantumCircuit) -> list[int]:
    """Return the numbers of the bits of a circuit that a condition tests before anything is measured into them."""
    from stinespring.circuits.devices.legality import operand, tested_bits, written_bits

    known, found = set[int](), set[int]()
    for item in circuit.data:
        found |= {circuit.find_bit(bit).index for bit in tested_bits(operand(item))} - known
        known |= {circuit.find_bit(bit).index for bit in written_bits(item)}
    return sorted(found)


def assigned_circuit(circuit: QuantumCircuit, inputs: Collection[int] = ()) -> tuple[QuantumCircuit, list[int]]:
    """Return a circuit that tests assigned bits only, and the numbers of the bits that were given a value for it.

    Args:
        circuit: for example on a device.
        inputs: qubits that hold an input at the start.
    """
    bits = unassigned_of_circuit(circuit)
    acting = {q for item in circuit.data if item.operation.name not in ("barrier", "delay") for q in item.qubits}
    used = [i for i, qubit in enumerate(circuit.qubits) if qubit in acting and i not in inputs]
    free = used or [i for i, qubit in enumerate(circuit.qubits) if qubit not in acting and i not in inputs]
    if not bits or not free:
        return circuit, []
    result = circuit.copy_empty_like()
    for number, bit in enumerate(bits):
        result.measure(free[number % len(free)], bit)
    for item in circuit.data:
        result._append(item)
    result._layout = circuit.layout
    return result, bits
