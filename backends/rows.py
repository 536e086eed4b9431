# SPDX-License-Identifier: Apache-2.0
"""The rows of a batch: put together by their shots, and given back their outcomes, whatever the order they come in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from stinespring.backends.repeats import Repeats
from stinespring.batches import Batch, Item
from stinespring.errors import InputError
from stinespring.readings import FloatArray, IntArray, Outcomes

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = [
    "WIDEST", "Gathered", "batches", "bound", "counted", "counted_bytes", "register_values", "require_shots",
    "require_values", "rows_of",
]  # fmt: skip

WIDEST = 62  # bits of one register whose values fit in an int64
MOST_CALLS = 20  # simulator calls an item; a call costs as much as about ten more small circuits in one


def batches(counts: IntArray) -> Iterator[tuple[int, IntArray]]:
    """Yield (shots, rows) such that every row gets its count in all.

    Rows with the same number share a call; where there are many numbers each one is split into powers of two.

    Example:
        >>> [(shots, rows.tolist()) for shots, rows in batches(np.array([5, 3, 5]))]
        [(3, [1]), (5, [0, 2])]
    """
    different = np.unique(counts[counts > 0])
    if len(different) <= MOST_CALLS:
        yield from ((shots, np.flatnonzero(counts == shots)) for shots in different.tolist())
        return
    for power in range(int(counts.max()).bit_length()):
        rows = np.flatnonzero((counts >> power) & 1)
        if len(rows):
            yield 2**power, rows


class Gathered:
    """The outcomes of a batch in the making: they add up, so that the order in which they come does not matter.

    Args:
        batch: whose rows they are.
    """

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.first = np.cumsum([0, *(item.rows for item in batch.items)])
        self.parts: list[list[Outcomes]] = [[] for _ in range(batch.rows)]
        self.repeats = Repeats("the backend")

    def add(self, item: int, rows: Sequence[int] | IntArray, found: Sequence[Outcomes]) -> None:
        """Add the outcomes of some rows of one item."""
        for row, outcomes in zip(rows, found, strict=True):
            self.parts[int(self.first[item]) + int(row)].append(outcomes)

    def outcomes(self) -> list[Outcomes]:
        """Return the sum for every row, items in order.

        Raises:
            BackendError: parts of a row that are sampled by themselves have the same counts.
        """
        for parts in self.parts:
            if len(parts) > 1:
                self.repeats.see(parts)
        owners = [item.circuit for item in self.batch.items for _ in range(item.rows)]
        return [added(parts, circuit) for parts, circuit in zip(self.parts, owners, strict=True)]


def added(parts: Sequence[Outcomes], circuit: QuantumCircuit) -> Outcomes:
    """Return the sum of the outcomes of one row; no shots are no outcomes."""
    if not parts:
        names = tuple(register.name for register in circuit.cregs)
        return Outcomes(names, np.zeros((0, len(names)), dtype=np.int64), np.zeros(0, dtype=np.int64))
    return parts[0] if len(parts) == 1 else Outcomes.total(parts)


def bound(item: Item, rows: Sequence[int] | IntArray) -> Iterator[QuantumCircuit]:
    """Yield an item's circuit with each of some rows of angles."""
    for row in rows:
        yield item.circuit if item.angles is None else item.circuit.assign_parameters(item.angles[int(row)])


def require_shots(batch: Batch, most: int | None, name: str) -> None:
    """Refuse rows with more shots than a backend takes."""
    highest = max((int(item.shots.max(initial=0)) for item in batch.items), default=0)
    if most is not None and highest > most:
        raise InputError(f"too many shots for {name}", got=f"{highest:,}", expected=f"at most {most:,}")


def require_values(circuit: QuantumCircuit) -> None:
    """Refuse registers whose values do not fit in 64-bit integers, and circuits that measure nothing."""
    for register in circuit.cregs:
        if register.size > WIDEST:
            raise InputError(
                "a classical register is too wide", got=f"{register.name}[{register.size}]", expected=f"at most {WIDEST} bits"
            )
    if not circuit.cregs:
        raise InputError("the circuit measures nothing", got="no classical register", expected="at least one")


def counted(circuit: QuantumCircuit, numbers: Sequence[int], counts: Sequence[int]) -> Outcomes:
    """Return outcomes from counts of all classical bits together: bit i of a number is ``circuit.clbits[i]``.

    Example:
        >>> from qiskit import ClassicalRegister, QuantumCircuit
        >>> circuit = QuantumCircuit(ClassicalRegister(2, "first"), ClassicalRegister(1, "second"))
        >>> counted(circuit, [0b101], [2]).values.tolist()
        [[1, 1]]
    """
    columns: dict[str, IntArray] = {}
    for register in circuit.cregs:
        places = [circuit.find_bit(bit).index for bit in register]
        first, mask = places[0] if places else 0, (1 << len(places)) - 1
        if places == list(range(first, first + len(places))):
            values = [number >> first & mask for number in numbers]
        else:
            values = [sum((number >> place & 1) << i for i, place in enumerate(places)) for number in numbers]
        columns[register.name] = np.array(values, dtype=np.int64)
    return Outcomes.tallied(columns, np.asarray(counts, dtype=np.int64))


def counted_bytes(data: Mapping[str, Any], registers: Sequence[str], row: int, shots: int) -> Outcomes:
    """Return the outcomes of one row of a sampler's bit arrays; a register that nothing was measured into holds 0.

    Args:
        data: by register, big-endian bytes of shape (rows, shots, bytes) or (shots, bytes).
        registers: names, in order.
        row: which.
        shots: of the row.
    """
    columns = {}
    for name in registers:
        if name in data:
            array = data[name].array
            columns[name] = register_values(array if array.ndim == 2 else array.reshape(-1, *array.shape[-2:])[row])
        else:
            columns[name] = np.zeros(shots, dtype=np.int64)
    return Outcomes.tallied(columns)


def register_values(array: np.ndarray) -> IntArray:
    """Return register values from big-endian bytes, shape (..., shots, bytes) -> (..., shots)."""
    powers = 256 ** np.arange(array.shape[-1] - 1, -1, -1, dtype=np.int64)
    return np.asarray(array.astype(np.int64) @ powers)


def rows_of(angles: FloatArray | None, rows: Sequence[int] | IntArray) -> FloatArray | None:
    """Return some rows of angles; None for a circuit without parameters."""
    return None if angles is None else np.ascontiguousarray(angles[np.asarray(rows, dtype=np.int64)])
