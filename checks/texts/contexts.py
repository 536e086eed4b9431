# SPDX-License-Identifier: Apache-2.0
"""Sampled texts against the law, context by context: what followed each prefix that was visited."""

from __future__ import annotations

import numpy as np

from stinespring.checks.statistics.gtest import PooledCells, pool
from stinespring.models.texts.law import TextLaw, text_probabilities
from stinespring.readings import IntArray

__all__ = ["context_tables", "text_probabilities"]


def context_tables(law: TextLaw, texts: IntArray, counts: IntArray) -> PooledCells:
    """Return the pooled tables of all visited contexts, see :meth:`stinespring.models.texts.law.TextLaw.by_context`."""
    parts, tables, shots = [PooledCells(np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.int64), 0.0)], 0, float(counts.sum())
    for table in law.by_context(texts, counts):
        cells = pool(table.observed, table.law, shots)
        parts.append(PooledCells(cells.observed, cells.expected, cells.table + tables, cells.hidden))
        tables += len(table.law)
    return PooledCells(
        np.concatenate([part.observed for part in parts]),
        np.concatenate([part.expected for part in parts]),
        np.concatenate([part.table for part in parts]),
        sum(part.hidden for part in parts),
    )
