# SPDX-License-Identifier: Apache-2.0
"""What a Qiskit circuit does, exactly: every branch of its measurements, resets and conditions is followed.

The circuit is read as it is, instruction by instruction, with Qiskit's own matrices: nothing of the compiler's lists of gates,
of its read-back or of a simulator takes part, so that a fault of theirs is seen here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stinespring.errors import InputError, TooLargeError
from stinespring.readings import ComplexArray, FloatArray, IntArray

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["Followed", "Size", "follow", "size_of"]

NOTHING = 1e-30  # squared norm of a branch that does not occur
IDLE = ("barrier", "delay")
Rows = list[tuple[int, list[tuple[int, complex]]]]  # of a matrix: row, and its entries by column
SPLIT = 8  # gates that take as long as following both outcomes
MOST_AMPLITUDES = 1 << 24  # of all branches together, 256 MB


@dataclass(frozen=True)
class Size:
    """What following a circuit takes, told before it is followed.

    Attributes:
        qubits: that are used.
        branching: measurements and resets that may branch, twofold each.
        gates: instructions.
    """

    qubits: int
    branching: int
    gates: int

    def least(self, columns: int = 1) -> int:
        """Return the amplitudes that are computed in all if nothing branches."""
        return max(1, self.gates) * (columns << self.qubits)


@dataclass(frozen=True, eq=False)
class Followed:
    """A circuit's branches at its end, before the measurements that nothing follows.

    Attributes:
        states: shape (B, 2^n, C): for each branch and each input an unnormalised state of the wires.
        bits: shape (B, c), the classical bits of each branch.
        read: which wire holds a classical bit that is measured at the very end.
        wires: which wire each used qubit of the circuit is.
    """

    states: ComplexArray
    bits: NDArray[np.uint8]
    read: dict[int, int]
    wires: dict[int, int]

    @property
    def width(self) -> int:
        """n, the number of wires."""
        return int(self.states.shape[1]).bit_length() - 1

    def values(self, bits: Sequence[int]) -> IntArray:
        """Return the number that classical bits make, least significant first, for each branch and basis state: (B, 2^n)."""
        count, size, _ = self.states.shape
        result, basis = np.zeros((count, size), dtype=np.int64), np.arange(size)
        for place, bit in enumerate(bits):
            known = basis >> self.read[bit] & 1 if bit in self.read else self.bits[:, bit, None].astype(np.int64)
            result |= known << place
        return result

    def codes(self, qubits: Sequence[int]) -> IntArray:
        """Return the number that qubits of the circuit make in each basis state, shape (2^n,)."""
        basis = np.arange(self.states.shape[1])
        parts = [(basis >> self.wires[q] & 1) << place for place, q in enumerate(qubits)]
        return np.asarray(sum(parts, np.zeros_like(basis)))

    @property
    def weights(self) -> FloatArray:
        """``|amplitude|^2``, shape (B, 2^n, C)."""
        return np.asarray(self.states.real**2 + self.states.imag**2)


def size_of(circuit: QuantumCircuit, inputs: Sequence[int] = ()) -> Size:
    """Return what following a circuit takes."""
    ends, used = terminal(circuit), set(inputs)
    branching = gates = 0
    for index, item in enumerate(circuit.data):
        if item.operation.name in IDLE:
            continue
        used |= {circuit.find_bit(qubit).index for qubit in item.qubits}
        gates += sum(block.size() for block in item.operation.blocks) if hasattr(item.operation, "blocks") else 1
        branching += item.operation.name == "measure" and index not in ends
        branching += item.operation.name == "reset" and not read_before(circuit, index)
    return Size(len(used), branching, gates)


def read_before(circuit: QuantumCircuit, index: int) -> bool:
    """Return whether the last thing before a reset was a measurement of its qubit: then it makes no new branch."""
    qubit = circuit.data[index].qubits[0]
    before = (item.operation.name for item in reversed(circuit.data[:index]) if qubit in item.qubits)
    return next((name for name in before if name not in IDLE), "reset") in ("measure", "reset")


def terminal(circuit: QuantumCircuit) -> set[int]:
    """Return the numbers of the measurements whose qubit is not used again, and whose bit is neither tested nor written."""
    found: set[int] = set()
    used: set[Any] = set()
    for index in reversed(range(len(circuit.data))):
        item = circuit.data[index]
        if item.operation.name in IDLE:
            continue
        if item.operation.name == "measure" and not used & {*item.qubits, *item.clbits}:
            found.add(index)
        used.update(item.qubits, item.clbits)
    return found


def follow(
    circuit: QuantumCircuit, inputs: Sequence[int] = (), columns: Sequence[int] | ComplexArray = (0,),
    kept: Sequence[int] = (), most: float = math.inf,
) -> Followed:  # fmt: skip
    """Follow every branch of a circuit.

    Args:
        circuit: gates with numbers for angles, measurements, resets, and flat ifs that compare a bit or a register.
        inputs: qubits that do not start in |0>, least significant first.
        columns: the basis states of the inputs that it is followed from, or states of the inputs, shape (2^m, C).
        kept: further qubits that are wanted at the end, whether or not anything acts on them.
        most: amplitudes that may be computed in all; how many branches occur is known only on the way.

    Raises:
        InputError: other control flow, or an angle that is free.
        TooLargeError: more than 2^24 amplitudes at once, or more than ``most`` in all.
    """
    ends = terminal(circuit)
    used = {circuit.find_bit(q).index for item in circuit.data if item.operation.name not in IDLE for q in item.qubits}
    wires = {qubit: wire for wire, qubit in enumerate(sorted({*used, *inputs, *kept}))}
    starts = np.eye(1 << len(inputs))[:, list(columns)] if not isinstance(columns, np.ndarray) else columns
    require_room(1, len(wires), starts.shape[1])
    states = np.zeros((1, 1 << len(wires), starts.shape[1]), dtype=np.complex128)
    for code, row in enumerate(starts):
        states[0, sum((code >> i & 1) << wires[q] for i, q in enumerate(inputs))] = row
    spent = 0
    work = _Branches(circuit, wires, states * np.exp(1j * float(circuit.global_phase)))
    for index, item in enumerate(circuit.data):
        if index in ends:
            work.read[circuit.find_bit(item.clbits[0]).index] = wires[circuit.find_bit(item.qubits[0]).index]
        else:
            work.step(item)
            spent += work.states.size * (SPLIT if item.operation.name in ("measure", "reset") else 1)
            if spent > most:
                raise TooLargeError(
                    "the circuit has too many branches to be followed",
                    got=f"{len(work.states):,} after {index + 1:,} instructions",
                )
    return Followed(work.states, work.bits, work.read, wires)


def require_room(branches: int, width: int, columns: int) -> None:
    """Refuse more amplitudes than fit."""
    if branches * columns << width > MOST_AMPLITUDES:
        raise TooLargeError(
            "the circuit is too large to be followed exactly",
            got=f"{branches:,} branches of {width} qubits from {columns:,} inputs",
            expected=f"at most {MOST_AMPLITUDES:,} amplitudes",
        )


class _Branches:
    """The branches in the making."""

    def __init__(self, circuit: QuantumCircuit, wires: dict[int, int], states: ComplexArray) -> None:
        self.circuit, self.wires, self.states = circuit, wires, states
        self.bits = np.zeros((1, circuit.num_clbits), dtype=np.uint8)
        self.read: dict[int, int] = {}
        self.matrices: dict[Any, Rows] = {}

    def step(self, item: Any) -> None:
        """Do one instruction."""
        name, on = item.operation.name, [self.wires[self.circuit.find_bit(q).index] for q in item.qubits if name_acts(item)]
        if name == "measure":
            self.split(on[0], self.circuit.find_bit(item.clbits[0]).index)
        elif name == "reset":
            self.split(on[0], None)
        elif name == "if_else":
            self.branch(item.operation, on)
        elif hasattr(item.operation, "blocks") or item.clbits:
            raise InputError("the circuit has control flow that is not followed", got=name, expected="flat 'if' only")
        elif name not in IDLE:
            apply(self.states, self.matrix(item.operation), on)

    def matrix(self, operation: Any) -> Rows:
        """Return Qiskit's matrix of a gate by its rows; the first of its qubits is the least significant."""
        if any(getattr(p, "parameters", None) for p in operation.params):
            raise InputError("an angle of the circuit is free", got=operation.name, expected="numbers")
        key = (operation.base_class, operation.name, *operation.params) if operation.name != "unitary" else None
        if key not in self.matrices or key is None:
            own = operation.base_class.__module__.startswith("qiskit.circuit.library.standard_gates")
            self.matrices[key] = changed_rows(np.asarray(operation.to_matrix()) if own else defined(operation))
        return self.matrices[key]

    def split(self, wire: int, bit: int | None) -> None:
        """Follow both outcomes of a wire; without a bit it is then returned to |0>."""
        count, size, columns = self.states.shape
        parts = self.states.reshape(count, -1, 2, columns << wire)
        made, bits = [], []
        for outcome in (0, 1):
            part = np.zeros_like(parts)
            part[:, :, outcome if bit is not None else 0] = parts[:, :, outcome]
            whole = part.reshape(count, size, columns)
            occurs = (whole.real**2 + whole.imag**2).sum(axis=(1, 2)) > NOTHING
            known = self.bits[occurs]
            if bit is not None:
                known[:, bit] = outcome
            made.append(whole[occurs])
            bits.append(known)
        self.states, self.bits = np.concatenate(made), np.concatenate(bits)
        require_room(len(self.states), size.bit_length() - 1, columns)

    def branch(self, operation: Any, on: Sequence[int]) -> None:
        """Apply what a condition guards to the branches in which it holds, and what it does else to the others."""
        tested, value = tested_of(operation)
        places = [self.circuit.find_bit(bit).index for bit in tested]
        held = np.zeros(len(self.bits), dtype=object if len(places) > 62 else np.int64)
        for place, bit in enumerate(places):
            held = held | (self.bits[:, bit].astype(held.dtype) << place)
        holds = np.asarray(held == value, dtype=bool)
        for block, chosen in zip(operation.blocks, (holds, ~holds), strict=False):
            if block is None or not chosen.any():
                continue
            states = self.states[chosen]
            for inner, wires in gates_of(block, on):
                apply(states, self.matrix(inner), wires)
            self.states[chosen] = states


def defined(operation: Any) -> ComplexArray:
    """Return the matrix of a gate that is no standard one: that of its definition."""
    from qiskit.exceptions import QiskitError
    from qiskit.quantum_info import Operator

    try:
        return np.asarray(Operator(operation).data)
    except QiskitError:
        raise InputError("an operation of the circuit has no matrix", got=operation.name, expected="gates") from None


def name_acts(item: Any) -> bool:
    """Return whether an instruction does anything to a state."""
    return item.operation.name not in IDLE


def tested_of(operation: Any) -> tuple[list[Any], int]:
    """Return the classical bits that an if tests, least significant first, and the value."""
    if not isinstance(operation.condition, tuple):
        raise InputError(
            "a condition is an expression", got=str(operation.condition), expected="a bit or a register == a number"
        )
    tested, value = operation.condition
    return (list(tested) if hasattr(tested, "__len__") else [tested]), int(value)


def gates_of(block: QuantumCircuit, on: Sequence[int]) -> Iterator[tuple[Any, list[int]]]:
    """Yield the gates that a condition guards, and their wires."""
    for item in block.data:
        if item.operation.name in ("measure", "reset") or hasattr(item.operation, "blocks"):
            raise InputError("a condition guards more than gates", got=item.operation.name, expected="gates")
        if name_acts(item):
            yield item.operation, [on[block.find_bit(q).index] for q in item.qubits]


def changed_rows(matrix: ComplexArray) -> Rows:
    """Return the rows of a matrix that are not those of the identity, each with its entries that are not 0."""
    found = []
    for row in np.flatnonzero((matrix != np.eye(len(matrix))).any(axis=1)).tolist():
        found.append((row, [(column, complex(matrix[row, column])) for column in np.flatnonzero(matrix[row]).tolist()]))
    return found


def apply(states: ComplexArray, rows: Rows, wires: Sequence[int]) -> None:
    """Apply a matrix, given by the rows that change anything, to some wires of states, shape (B, 2^n, C), in place.

    The first of the wires is the least significant.
    """
    count, size, columns = states.shape
    order = sorted(wires, reverse=True)
    shape, last = [count], size.bit_length() - 1
    for wire in order:
        shape += [1 << (last - wire - 1), 2]
        last = wire
    view = states.reshape(*shape, columns << last)
    shifts = [wires.index(wire) for wire in order]

    def part(code: int) -> ComplexArray:
        index: list[Any] = [slice(None)]
        for shift in shifts:
            index += [slice(None), code >> shift & 1]
        return np.asarray(view[tuple(index)])

    made = []
    for row, entries in rows:
        (column, factor), *others = entries
        total = part(column) * factor
        for column, factor in others:
            total += part(column) * factor
        made.append((row, total))
    for row, total in made:
        part(row)[...] = total
