# SPDX-License-Identifier: Apache-2.0
"""Sampled texts against the law, context by context: what followed each prefix that was visited."""

from __future__ import annotations

from stinespring.checks.statistics.cells import PooledCells, pooled, side_by_side
from stinespring.models.texts.law import TextLaw, text_probabilities
from stinespring.readings import IntArray

__all__ = ["context_tables", "text_probabilities"]


def context_tables(law: TextLaw, texts: IntArray, counts: IntArray) -> PooledCells:
    """Return the pooled tables of all visited contexts, see :meth:`stinespring.models.texts.law.TextLaw.by_context`."""
    shots = float(counts.sum())
    return side_by_side((pooled(table.observed, table.law, shots) for table in law.by_context(texts, counts)), shots)
