# SPDX-License-Identifier: Apache-2.0
"""All branches of a program at once: state vectors, classical bits and gate counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product

import numpy as np

from oracles.qasm_expressions import QasmError
from oracles.qasm_program import Branching, Measure, Operation, Reset, Unitary

# A branch less likely than this is rounding noise of an outcome that cannot occur.
NEGLIGIBLE = 1e-15
# 2^25 complex numbers are half a gibibyte.
LARGEST = 1 << 25


class Ensemble:
    """B unnormalised state vectors with their classical bits.

    Attributes:
        states: complex, shape (2,) * n + (B,); the axis of qubit q is n-1-q, so that a flattened column has
            qubit 0 least significant. The squared norm of a column is the probability of its branch.
        bits: shape (B, n_bits).
        two_qubit_gates: shape (B,), executed gates on two or more qubits.
    """

    def __init__(self, states: np.ndarray, bits: np.ndarray, two_qubit_gates: np.ndarray) -> None:
        self.states = states
        self.bits = bits
        self.two_qubit_gates = two_qubit_gates

    @classmethod
    def start(cls, columns: np.ndarray, n_bits: int) -> Ensemble:
        """One branch per column of `columns`, shape (2^n, B), with all bits 0."""
        n = columns.shape[0].bit_length() - 1
        number = columns.shape[1]
        states = columns.astype(complex).reshape((2,) * n + (number,))
        return cls(states, np.zeros((number, n_bits), dtype=np.uint8), np.zeros(number, dtype=int))

    @property
    def size(self) -> int:
        """Number of branches."""
        return len(self.bits)

    @property
    def columns(self) -> np.ndarray:
        """State vectors as columns, shape (2^n, B)."""
        return self.states.reshape(-1, self.size)

    def probabilities(self) -> np.ndarray:
        """Probability of each branch."""
        return np.asarray((np.abs(self.columns) ** 2).sum(axis=0))

    def run(self, operations: Iterable[Operation]) -> None:
        """Execute operations in order."""
        for operation in operations:
            self.execute(operation)

    def execute(self, operation: Operation) -> None:
        """Execute one operation."""
        match operation:
            case Unitary():
                self.apply(operation)
            case Measure():
                self.split(operation.qubit, bit=operation.bit)
            case Reset():
                self.split(operation.qubit, reset=True)
            case Branching():
                self.branch(operation)

    def apply(self, gate: Unitary) -> None:
        """Multiply every state by a gate."""
        slices = [
            self.states[self._index([*gate.controls, *zip(gate.targets, values, strict=True)])]
            for values in product((0, 1), repeat=len(gate.targets))
        ]
        new: list[tuple[np.ndarray, np.ndarray]] = []
        for row, old in enumerate(slices):
            terms = [(entry, s) for entry, s in zip(gate.matrix[row], slices, strict=True) if entry != 0]
            if len(terms) == 1 and terms[0][1] is old and terms[0][0] == 1:
                continue
            new.append((old, sum(entry * s for entry, s in terms)))
        for old, value in new:
            old[...] = value
        if len(gate.qubits) > 1:
            self.two_qubit_gates += 1

    def split(self, qubit: int, *, bit: int | None = None, reset: bool = False) -> None:
        """Measure a qubit; the outcome goes to `bit`, or the qubit back to |0>."""
        parts: list[Ensemble] = []
        for outcome in (0, 1):
            source = self.states[self._index([(qubit, outcome)])]
            weight = (np.abs(source.reshape(-1, self.size)) ** 2).sum(axis=0)
            alive = weight > NEGLIGIBLE
            states = np.zeros((*self.states.shape[:-1], int(alive.sum())), dtype=complex)
            states[self._index([(qubit, 0 if reset else outcome)])] = source[..., alive]
            bits = self.bits[alive]
            if bit is not None:
                bits[:, bit] = outcome
            parts.append(Ensemble(states, bits, self.two_qubit_gates[alive]))
        self._become(parts)

    def branch(self, statement: Branching) -> None:
        """Execute the side of an `if` that each branch takes."""
        holds = statement.condition.holds(self.bits)
        parts: list[Ensemble] = []
        for chosen, operations in ((holds, statement.then), (~holds, statement.otherwise)):
            if chosen.any():
                part = Ensemble(self.states[..., chosen], self.bits[chosen], self.two_qubit_gates[chosen])
                part.run(operations)
                parts.append(part)
        self._become(parts)

    def merge(self, live: Sequence[int]) -> None:
        """Write the branches of equal live bits as few orthogonal ones with the same density matrix.

        For columns A = U S V^+ the columns U S have the same `A A^+`, and everything later, as far as it
        shows in the live bits, depends on the states only through it. The other bits become 0.
        """
        dead = np.ones(self.bits.shape[1], dtype=bool)
        dead[list(live)] = False
        self.bits[:, dead] = 0
        groups: dict[bytes, list[int]] = {}
        for b in range(self.size):
            groups.setdefault(self.bits[b].tobytes(), []).append(b)
        parts: list[Ensemble] = []
        for members in groups.values():
            columns = self.columns[:, members]
            if len(members) > 1:
                u, s, _ = np.linalg.svd(columns, full_matrices=False)
                columns = (u * s)[:, s**2 > NEGLIGIBLE]
            part = Ensemble.start(columns, self.bits.shape[1])
            part.bits[:] = self.bits[members[0]]
            parts.append(part)
        self._become(parts)

    def _index(self, fixed: Iterable[tuple[int, int]]) -> tuple[slice | int, ...]:
        n = self.states.ndim - 1
        index: list[slice | int] = [slice(None)] * (n + 1)
        for qubit, value in fixed:
            index[n - 1 - qubit] = value
        return tuple(index)

    def _become(self, parts: list[Ensemble]) -> None:
        if sum(part.states.size for part in parts) > LARGEST:
            raise QasmError("too many branches to enumerate; read fewer registers or measure less midway")
        self.states = np.concatenate([part.states for part in parts], axis=-1)
        self.bits = np.concatenate([part.bits for part in parts])
        self.two_qubit_gates = np.concatenate([part.two_qubit_gates for part in parts])
