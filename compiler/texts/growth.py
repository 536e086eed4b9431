# SPDX-License-Identifier: Apache-2.0
"""Texts that the host grows token by token: which prefixes are bound next, and what follows from what was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from stinespring.compiler.texts.template import Binder, Binding
from stinespring.readings import UNUSED, BoolArray, IntArray, Outcomes

__all__ = ["Growth"]

AT_ONCE = 2048  # prefixes bound together; 1023 angles each are 17 MB
A_CALL = 32 * AT_ONCE  # prefixes of one call: at most 512 MB of angles


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
        read: of how many of them.
    """

    binder: Binder
    texts: IntArray
    counts: IntArray
    environment: Mapping[str, Outcomes] = field(default_factory=dict)
    longer: tuple[tuple[IntArray, IntArray], ...] = ()
    read: int = 0

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
        rows = self.growing[self.read : self.read + A_CALL]
        chunks = [rows[first : first + AT_ONCE] for first in range(0, len(rows), AT_ONCE)]
        return [(chunk, self.binder.bind(self.step, self.texts[chunk])) for chunk in chunks]

    def after(self, readings: Sequence[Outcomes]) -> Growth:
        """Return the texts after the next call, given what was read for each of its rows."""
        longer, environment, first = list(self.longer), dict(self.environment), 0
        for rows, binding in self.bound:
            mine = readings[first : first + len(rows)]
            first += len(rows)
            *attended, token = [register.name for register in binding.template.registers]
            owner = np.repeat(np.arange(len(rows)), [len(read.counts) for read in mine])
            counts = np.concatenate([read.counts for read in mine])
            symbols = binding.symbols[owner, np.concatenate([read.column(token) for read in mine])]
            longer.append((np.concatenate([self.texts[rows[owner]], symbols[:, None]], axis=1), counts))
            if attended:
                columns = {name: np.concatenate([read.column(name) for read in mine]) for name in attended}
                new = Outcomes.tallied({**columns, token: symbols}, counts)
                environment[token] = environment[token] + new if token in environment else new
        grown = replace(self, environment=environment, longer=tuple(longer), read=self.read + first)
        return grown if grown.read < len(self.growing) else grown.finished()

    def finished(self) -> Growth:
        """Return the texts one place longer, once every text that grows was read; those that do not hold the vacuum there."""
        over = self.over
        ends = np.where((self.texts[over] == UNUSED).any(axis=1), UNUSED, self.binder.model.vacuum)
        parts = [*self.longer, (np.concatenate([self.texts[over], ends[:, None]], axis=1), self.counts[over])]
        texts, where = np.unique(np.concatenate([part for part, _ in parts]), axis=0, return_inverse=True)
        counts = np.bincount(where.ravel(), weights=np.concatenate([number for _, number in parts]), minlength=len(texts))
        return Growth(self.binder, texts, counts.astype(np.int64), self.environment)
