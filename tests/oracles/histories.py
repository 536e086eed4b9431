# SPDX-License-Identifier: Apache-2.0
"""Every history of a circuit with flat ifs, by trying both outcomes of every measurement; plain and slow on purpose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from qiskit import QuantumCircuit

__all__ = ["Event", "longest", "outcomes", "two_qubit_gates"]

# ("gate" | "measure" | "reset", name, qubits, bits), or ("wait", "", qubits, bits) for a condition that was asked.
Event = tuple[str, str, tuple[int, ...], tuple[int, ...]]


def outcomes(circuit: QuantumCircuit) -> Iterator[list[Event]]:
    """Yield what happens, in order, for every assignment of outcomes to measurements."""
    measured = sum(item.operation.name == "measure" for item in circuit.data)
    for number in range(1 << measured):
        yield _history(circuit, [number >> i & 1 for i in range(measured)])


def _history(circuit: QuantumCircuit, results: list[int]) -> list[Event]:
    values = [0] * circuit.num_clbits
    events: list[Event] = []
    pending = iter(results)
    for item in circuit.data:
        name = item.operation.name
        on = tuple(circuit.find_bit(q).index for q in item.qubits)
        if name == "measure":
            bit = circuit.find_bit(item.clbits[0]).index
            values[bit] = next(pending)
            events.append(("measure", name, on, (bit,)))
        elif name == "reset":
            events.append(("reset", name, on, ()))
        elif name == "if_else":
            tested, wanted = item.operation.condition
            bits = [circuit.find_bit(bit).index for bit in (tested if hasattr(tested, "size") else [tested])]
            block = item.operation.blocks[0]
            events.append(("wait", "", on, tuple(bits)))
            if sum(values[bit] << i for i, bit in enumerate(bits)) == int(wanted):
                for inner in block.data:
                    events.append(("gate", inner.operation.name, tuple(on[block.find_bit(q).index] for q in inner.qubits), ()))
        else:
            events.append(("gate", name, on, ()))
    return events


def two_qubit_gates(circuit: QuantumCircuit) -> int:
    """Return the largest number of two-qubit gates of any history."""
    return max(sum(kind == "gate" and len(on) == 2 for kind, _, on, _ in events) for events in outcomes(circuit))


def longest(circuit: QuantumCircuit, seconds: Callable[[str, tuple[int, ...]], float], feed_forward: float) -> float:
    """Return the time of the longest history if everything starts as soon as it can."""
    return max(_time(events, circuit.num_qubits, seconds, feed_forward) for events in outcomes(circuit))


def _time(events: list[Event], qubits: int, seconds: Callable[[str, tuple[int, ...]], float], feed_forward: float) -> float:
    free: list[float] = [0.0] * qubits
    known: dict[Any, float] = {}
    for kind, name, on, bits in events:
        if kind == "wait":
            begin = max([known.get(bit, 0.0) for bit in bits] + [free[q] for q in on])
            free = [begin if q in on else time for q, time in enumerate(free)]
            continue
        end = max(free[q] for q in on) + seconds(name, on)
        for q in on:
            free[q] = end
        for bit in bits:
            known[bit] = end + feed_forward
    return max(free)
