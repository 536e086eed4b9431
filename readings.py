# SPDX-License-Identifier: Apache-2.0
"""Arrays by their names, registers and what their codes mean, and readings: distinct values with counts, which add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from stinespring.errors import InputError

__all__ = [
    "UNUSED", "BoolArray", "Codebook", "ComplexArray", "FloatArray", "IntArray", "Outcomes", "Register", "Role", "decoded",
    "meanings", "rows_of",
]  # fmt: skip

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
        if len(names) == 1:  # without an axis it takes a third of the time, and few readings of one register are the rule
            values, where = np.unique(rows[:, 0], return_inverse=True)
            values = values[:, None]
        else:
            values, where = distinct_rows(rows)
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

    def likeliest(self, most: int) -> Outcomes:
        """Return the readings that occurred most often, the most frequent first."""
        order = np.argsort(-self.counts, kind="stable")[:most]
        return Outcomes(self.registers, self.values[order], self.counts[order])

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


@dataclass(frozen=True, eq=False)
class Codebook:
    """Whole texts and the codes that stand for them, where what a code means depends on what was read before it.

    Attributes:
        registers: names of the registers that hold the codes: one for each token, or one for the whole text.
        codes: shape (N, R), symbols of these registers; all rows distinct.
        texts: shape (N, L), what each row stands for, token by token, the vacuum included. With a register for each token
            (R = L) the first l codes tell the first l tokens. Where several rows stand for one text they share its probability
            evenly.
    """

    registers: tuple[str, ...]
    codes: IntArray
    texts: IntArray

    @property
    def tokens(self) -> tuple[str, ...]:
        """Names of the columns that a text is read into: ``t1..tL``."""
        return tuple(f"t{step}" for step in range(1, self.texts.shape[1] + 1))

    def read(self, codes: IntArray) -> IntArray:
        """Return the texts of codes (U, R): shape (U, L), ``UNUSED`` from the first code on that stands for nothing."""
        rows = agreeing(self.codes, codes)
        if rows.shape[1] != self.texts.shape[1]:
            rows = np.repeat(rows[:, -1:], self.texts.shape[1], axis=1)
        return np.where(rows < 0, UNUSED, self.texts[rows, np.arange(rows.shape[1])])

    def write(self, texts: IntArray, shares: FloatArray) -> tuple[IntArray, FloatArray]:
        """Return the codes of distinct texts (U, L), shape (N, R), and their parts of the texts' shares (U,), shape (N,)."""
        rows = agreeing(texts, self.texts)[:, -1]
        times = np.bincount(rows[rows >= 0], minlength=len(texts))
        known = np.flatnonzero(rows >= 0)
        return self.codes[known], shares[rows[known]] / times[rows[known]]


def agreeing(table: IntArray, rows: IntArray) -> IntArray:
    """Return for rows (U, C) the number of a table's row that agrees with the first c columns, -1 where none: shape (U, C)."""
    found = np.full(rows.shape, -1, dtype=np.int64)
    node, at = np.zeros(len(table), dtype=np.int64), np.zeros(len(rows), dtype=np.int64)
    for column in range(rows.shape[1]):
        base = int(table[:, column].max()) + 1
        keys, first, node = np.unique(node * base + table[:, column], return_index=True, return_inverse=True)
        value = rows[:, column]
        key = np.where((at >= 0) & (value >= 0) & (value < base), at * base + value, -1)
        place = np.searchsorted(keys, key).clip(max=len(keys) - 1)
        at = np.where(keys[place] == key, place, -1)
        found[:, column] = np.where(at < 0, -1, first[place])
    return found


def distinct_rows(rows: IntArray) -> tuple[IntArray, IntArray]:
    """Return the distinct rows, in lexicographic order, and which of them each row is; N rows of R columns.

    Where the columns' ranges allow it a row is one number of 63 bits: sorting these takes a tenth of what sorting rows takes.
    """
    least = rows.min(axis=0, initial=0)
    spans = [int(most) - int(low) + 1 for low, most in zip(least, rows.max(axis=0, initial=0), strict=True)]
    if prod(spans) >= 1 << 63:
        values, where = np.unique(rows, axis=0, return_inverse=True)
        return values, where.ravel()
    number = np.zeros(len(rows), dtype=np.int64)
    for column, low, span in zip(rows.T, least, spans, strict=True):
        number *= span
        number += column - low
    _, first, where = np.unique(number, return_index=True, return_inverse=True)
    return rows[first], where.ravel()


def rows_of(table: IntArray, rows: IntArray) -> IntArray:
    """Return which row of a table each of some rows is, -1 where none: shape (U,); without columns the first."""
    return agreeing(table, rows)[:, -1] if rows.shape[1] else np.zeros(len(rows), dtype=np.int64)


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
        book: what the symbols mean together with those of other registers; None: they stand for themselves.
    """

    name: str
    role: Role
    symbols: tuple[int, ...] = ()
    bits: int = 0
    step: int = 0
    head: int = 0
    book: Codebook | None = field(default=None, compare=False, repr=False)

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
    columns = meanings({name: outcomes.column(name) for name in outcomes.registers}, registers)
    return Outcomes.tallied(columns, outcomes.counts)


def meanings(codes: Mapping[str, IntArray], registers: Sequence[Register]) -> dict[str, IntArray]:
    """Return columns of symbols for columns of codes, those of whole texts as ``t1..tL``; unknown registers are left out."""
    known = {register.name: register for register in registers}
    columns = {name: known[name].meaning(column) for name, column in codes.items() if name in known}
    book = next((register.book for register in registers if register.book is not None), None)
    if book is not None and all(name in columns for name in book.registers):
        texts = book.read(np.stack([columns.pop(name) for name in book.registers], axis=1))
        columns = dict(zip(book.tokens, texts.T, strict=True)) | columns
    return columns
