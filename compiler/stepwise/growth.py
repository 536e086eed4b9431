# SPDX-License-Identifier: Apache-2.0
"""Texts that the host grows token by token: which prefixes are bound next, and what follows from what was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from stinespring.compiler.stepwise.rounds import Open
from stinespring.compiler.stepwise.template import Binder, Binding
from stinespring.readings import UNUSED, BoolArray, IntArray, Outcomes

__all__ = ["AT_ONCE", "Growth"]

AT_ONCE = 2048  # prefixes bound together; 1023 angles each are 17 MB
MOST_ENTRIES = 1 << 22  # probabilities of prefixes that are bound together: 32 MB
A_CALL = 32 * AT_ONCE  # prefixes of one call: at most 512 MB of angles


@dataclass(frozen=True, eq=False)
class Unfinished:
    """Tokens of which a part was read: whose they are, what is open of each, and how often it was read.

    Attributes:
        round: that reads on, from 2.
        rows: shape (P,): of the texts.
        open: shape (P,).
        counts: shape (P,).
    """

    round: int
    rows: IntArray
    open: Open
    counts: IntArray


@dataclass(frozen=True, eq=False)
class Growth:
    """Distinct texts of one length with their counts, some of which grow by a token.

    Texts that are complete get no further token; nor do those in which a code was read that stands for none, for which the
    host has no law.

    Attributes:
        binder: makes templates and angles.
        texts: shape (U, l), distinct rows in lexicographic order.
        counts: shape (U,).
        environment: what was read of attended positions and of the token made from them, by the token's register.
        longer: texts one place longer and their counts, of what was read already for some of the texts that grow.
        read: of how many of them, to the end.
        pending: what the next call reads on; None where it begins the tokens of further texts.
    """

    binder: Binder
    texts: IntArray
    counts: IntArray
    environment: Mapping[str, Outcomes] = field(default_factory=dict)
    longer: tuple[tuple[IntArray, IntArray], ...] = ()
    read: int = 0
    pending: Unfinished | None = None

    @property
    def step(self) -> int:
        """The step that makes the next token."""
        return int(self.texts.shape[1]) + 1

    @property
    def over(self) -> BoolArray:
        """Which texts get no further token, shape (U,)."""
        return np.asarray(self.binder.model.complete(self.texts) | (self.texts == UNUSED).any(axis=1))

    @cached_property
    def growing(self) -> IntArray:
        """The rows of the texts that get one."""
        return np.flatnonzero(~self.over)

    @cached_property
    def bound(self) -> list[tuple[IntArray, Binding]]:
        """The rows of the next call, chunk by chunk, with template and angles."""
        rows = self.started if self.pending is None else self.pending.rows
        size = max(1, min(AT_ONCE, MOST_ENTRIES // self.binder.model.branching))
        chunks = [slice(first, first + size) for first in range(0, len(rows), size)]
        opened = [None if self.pending is None else self.pending.open[chunk] for chunk in chunks]
        return [
            (rows[chunk], self.binder.bind(self.step, self.texts[rows[chunk]], part))
            for chunk, part in zip(chunks, opened, strict=True)
        ]

    @property
    def started(self) -> IntArray:
        """The rows of the texts whose token is read now, in one round or several."""
        return self.growing[self.read : self.read + A_CALL]

    @property
    def asked(self) -> IntArray:
        """The shots of each row of the next call."""
        return self.counts[self.started] if self.pending is None else self.pending.counts

    @property
    def key(self) -> tuple[int, ...]:
        """The name of the next call: the step, then how many texts of it were read before, then the round."""
        if self.pending is not None:
            return self.step, self.read, self.pending.round
        return (self.step, self.read) if self.read else (self.step,)

    def after(self, readings: Sequence[Outcomes]) -> Growth:
        """Return the texts after the next call, given what was read for each of its rows."""
        longer, environment, first = list(self.longer), dict(self.environment), 0
        pending = []
        for rows, binding in self.bound:
            mine = readings[first : first + len(rows)]
            first += len(rows)
            *attended, token = [register.name for register in binding.template.registers]
            owner = np.repeat(np.arange(len(rows)), [len(read.counts) for read in mine])
            counts = np.concatenate([read.counts for read in mine])
            codes = np.concatenate([read.column(token) for read in mine])
            symbols = binding.symbols[owner, codes]
            if binding.open is not None:
                opened = binding.open[owner, codes]
                goes_on = opened.last > opened.first
                pending.append((rows[owner[goes_on]], opened[np.flatnonzero(goes_on)], counts[goes_on]))
                owner, symbols, counts = owner[~goes_on], symbols[~goes_on], counts[~goes_on]
            longer.append((np.concatenate([self.texts[rows[owner]], symbols[:, None]], axis=1), counts))
            if attended:
                columns = {name: np.concatenate([read.column(name) for read in mine]) for name in attended}
                new = Outcomes.tallied({**columns, token: symbols}, counts)
                environment[token] = environment[token] + new if token in environment else new
        grown = replace(self, environment=environment, longer=tuple(longer), pending=self.left_open(pending))
        if grown.pending is not None:
            return grown
        grown = replace(grown, read=self.read + len(self.started))
        return grown if grown.read < len(self.growing) else grown.finished()

    def left_open(self, parts: Sequence[tuple[IntArray, Open, IntArray]]) -> Unfinished | None:
        """Return what was left open by all chunks of a call, if anything was."""
        if not sum(len(counts) for _, _, counts in parts):
            return None
        rows, opened, counts = zip(*parts, strict=True)
        together = Open(np.concatenate([part.first for part in opened]), np.concatenate([part.last for part in opened]))
        number = 2 if self.pending is None else self.pending.round + 1
        return Unfinished(number, np.concatenate(rows), together, np.concatenate(counts))

    def finished(self) -> Growth:
        """Return the texts one place longer, once every text that grows was read; those that do not hold the vacuum there."""
        over = self.over
        ends = np.where((self.texts[over] == UNUSED).any(axis=1), UNUSED, self.binder.model.vacuum)
        parts = [*self.longer, (np.concatenate([self.texts[over], ends[:, None]], axis=1), self.counts[over])]
        texts, where = np.unique(np.concatenate([part for part, _ in parts]), axis=0, return_inverse=True)
        counts = np.bincount(where.ravel(), weights=np.concatenate([number for _, number in parts]), minlength=len(texts))
        return Growth(self.binder, texts, counts.astype(np.int64), self.environment)
