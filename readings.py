# SPDX-License-Identifier: Apache-2.0
"""Arrays by their names, registers and what their codes mean, and readings: distinct values with counts, which add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from stinespring.errors import InputError

__all__ = ["UNUSED", "BoolArray", "ComplexArray", "FloatArray", "IntArray", "Outcomes", "Register", "Role", "decoded"]

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
BoolArray = NDArray[np.bool_]
Role = Literal["prompt", "environment", "token", "memory", "ancilla", "flag", "state", "outcome", "history"]
UNUSED = -1


@dataclass(frozen=True, eq=False)
class Outcomes:
    """What was measured: distinct readings of the registers, and how often each occurred. Two of them add up.

    Attributes:
        registers: names, in order.
        values: shape (U, R), distinct rows in lexicographic order.
        counts: shape (U,), all above zero.
    """

    registers: tuple[str, ...]
    values: IntArray
    counts: IntArray

    @classmethod
    def tallied(cls, columns: Mapping[str, NDArray[Any]], counts: NDArray[Any] | None = None) -> Outcomes:
        """Return distinct readings from columns of shape (N,): every shot, or readings with their ``counts``.

        Example:
            >>> Outcomes.tallied({"t1": np.array([1, 0, 1])}).counts.tolist()
            [1, 2]
        """
        names = tuple(columns)
        rows = np.stack([np.asarray(columns[name], dtype=np.int64) for name in names], axis=1) if names else None
        if rows is None:
            raise InputError("nothing was measured", expected="at least one register")
        values, where = np.unique(rows, axis=0, return_inverse=True)
        number = np.bincount(where.ravel(), weights=counts, minlength=len(values)).astype(np.int64)
        return cls(names, values[number > 0], number[number > 0])

    @property
    def shots(self) -> int:
        """Number of readings in all."""
        return int(self.counts.sum())

    def column(self, register: str) -> IntArray:
        """Return the values of one register, shape (U,); zeros if nothing was measured into it."""
        if register not in self.registers:
            return np.zeros(len(self.counts), dtype=np.int64)
        return np.asarray(self.values[:, self.registers.index(register)])

    def of(self, registers: Sequence[str]) -> Outcomes:
        """Return the readings of some registers alone, in the order given."""
        return Outcomes.tallied({name: self.column(name) for name in registers}, self.counts)

    def limited(self, shots: int, seed: int) -> Outcomes:
        """Return a random choice of so many shots, which are exchangeable; all of them if there are no more."""
        if self.shots <= shots:
            return self
        chosen = np.random.default_rng(seed).multivariate_hypergeometric(self.counts, shots)
        return Outcomes(self.registers, self.values[chosen > 0], chosen[chosen > 0])

    def __add__(self, other: Outcomes) -> Outcomes:
        """Return the readings of both."""
        return Outcomes.total([self, other])

    @classmethod
    def total(cls, parts: Sequence[Outcomes]) -> Outcomes:
        """Return the readings of all parts, at least one, with the last one's registers."""
        columns = {name: np.concatenate([part.column(name) for part in parts]) for name in parts[-1].registers}
        return cls.tallied(columns, np.concatenate([part.counts for part in parts]))


@dataclass(frozen=True)
class Register:
    """A register and what its codes mean.

    Attributes:
        name: ``p1..pn`` prompt, ``t1..tL`` tokens, ``e1..`` attended positions, ``m1..`` memories, ``flag``,
            ``x1``, ``outcome``.
        role: what it holds.
        symbols: the value of each code; qubit 0 of the register is the code's least significant bit. A symbol is a token
            number, the vacuum (number d) or a position; ``UNUSED`` (-1) marks codes that never carry amplitude. Empty: every
            code means itself.
        bits: number of bits where ``symbols`` is empty.
        step: the generation step (or layer) it belongs to, from 1; of a prompt the place of the token, from 1.
        head: the attention head, from 1; 0 where there is one only.
    """

    name: str
    role: Role
    symbols: tuple[int, ...] = ()
    bits: int = 0
    step: int = 0
    head: int = 0

    @property
    def size(self) -> int:
        """Number of qubits: the number of codes is a power of two."""
        return (len(self.symbols) - 1).bit_length() if self.symbols else self.bits

    def meaning(self, codes: IntArray) -> IntArray:
        """Return the symbols of an array of codes."""
        return np.asarray(np.array(self.symbols, dtype=np.int64)[codes]) if self.symbols else np.asarray(codes)

    def code_of(self, symbols: IntArray) -> IntArray:
        """Return the codes of an array of symbols that all occur in this register."""
        meaning = np.array(self.symbols, dtype=np.int64)
        known = np.flatnonzero(meaning != UNUSED)
        table = np.full(meaning[known].max() + 1, UNUSED, dtype=np.int64)
        table[meaning[known]] = known
        return np.asarray(table[symbols])


def decoded(outcomes: Outcomes, registers: Sequence[Register]) -> Outcomes:
    """Return readings with the meaning of each code in place of the code; registers that nobody describes are left out."""
    known = {register.name: register for register in registers}
    columns = {name: known[name].meaning(outcomes.column(name)) for name in outcomes.registers if name in known}
    return Outcomes.tallied(columns, outcomes.counts)
