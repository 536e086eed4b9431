# SPDX-License-Identifier: Apache-2.0
"""Sampled texts against the law, context by context: what followed each prefix that was visited."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from stinespring.checks.statistics.cells import PooledCells, pooled, side_by_side
from stinespring.checks.statistics.special import chi_squared_tail
from stinespring.models.texts.law import ContextTable, TextLaw, text_probabilities
from stinespring.readings import IntArray

__all__ = ["Deviating", "context_tables", "text_probabilities"]

MOST = 5  # contexts that are named


@dataclass(frozen=True)
class Deviating:
    """A context after which the tokens deviate more than after others.

    Attributes:
        after: what was generated before, as a person would read it; of a law with a window what it reads.
        ids: the same as token numbers.
        shots: of texts that came there.
        p_value: of its G-test alone, not corrected for how many contexts there are.
        tvd: of the next token's shares from its law, shot noise included.
        token: whose count is the furthest from what is expected, in standard deviations.
        count: its count.
        expected: what is expected of it.
    """

    after: str
    ids: list[int]
    shots: int
    p_value: float
    tvd: float
    token: str
    count: int
    expected: float


def context_tables(law: TextLaw, texts: IntArray, counts: IntArray) -> tuple[PooledCells, list[dict[str, Any]]]:
    """Return the pooled tables of all visited contexts, and the contexts that deviate most as JSON data.

    See :meth:`stinespring.models.texts.law.TextLaw.by_context`.
    """
    shots, parts = float(counts.sum()), []
    most: list[Deviating] = []
    for table in law.by_context(texts, counts):
        parts.append(pooled(table.observed, table.law, shots))
        most = sorted([*most, *deviating(law, table, parts[-1])], key=lambda one: one.p_value)[:MOST]
    return side_by_side(parts, shots), [asdict(one) for one in most]


def deviating(law: TextLaw, table: ContextTable, cells: PooledCells) -> list[Deviating]:
    """Return the contexts of a table with the largest G for their cells: ``(G - f) / sqrt(2 f)``, f degrees of freedom."""
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(cells.observed > 0, cells.observed * np.log(cells.observed / cells.expected), 0.0)
    number = len(table.observed)
    g = 2.0 * np.bincount(cells.table, weights=terms, minlength=number)
    free = np.bincount(cells.table, minlength=number) - 1
    score = np.where(free > 0, (g - free) / np.sqrt(2.0 * np.maximum(free, 1)), -np.inf)
    rows = [int(row) for row in np.argsort(-score, kind="stable")[:MOST] if free[row] > 0]
    return [told(law, table, row, chi_squared_tail(max(0.0, float(g[row])), int(free[row]))) for row in rows]


def told(law: TextLaw, table: ContextTable, row: int, p_value: float) -> Deviating:
    """Return one context in words."""
    observed, ids = table.observed[row], table.contexts[row].tolist()
    shots = float(observed.sum())
    expected = table.law[row] * shots
    worst = int(np.argmax(abs(observed - expected) / np.sqrt(np.maximum(expected, 1.0))))
    model = law.model
    return Deviating(
        model.plain(ids), ids, int(shots), p_value, float(abs(observed - expected).sum() / (2.0 * shots)),
        model.plain([worst]) if worst < model.d else "(the end)", int(observed[worst]), float(expected[worst]),
    )  # fmt: skip
