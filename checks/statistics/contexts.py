# SPDX-License-Identifier: Apache-2.0
"""Sampled texts against the law, context by context: what followed each prefix that was visited."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stinespring.checks.statistics.gtest import PooledCells, pool
from stinespring.models.texts.base import TextModel
from stinespring.readings import FloatArray, IntArray

__all__ = ["ContextTables", "context_tables", "text_probabilities"]

MOST_ENTRIES = 1 << 22  # probabilities of one chunk of contexts: 32 MB


@dataclass(frozen=True)
class ContextTables:
    """The pooled tables of all visited contexts, and how many contexts there were at each step."""

    cells: PooledCells
    visited: list[int]


def text_probabilities(model: TextModel, prompt: IntArray, texts: IntArray) -> FloatArray:
    """Return the law's probability of each text, shape (U,): the product of its tokens' conditional probabilities.

    A text with a code that stands for no token (a negative number) has probability 0.
    """
    result = np.ones(len(texts))
    for step in range(1, texts.shape[1] + 1):
        prefixes, where = np.unique(texts[:, : step - 1], axis=0, return_inverse=True)
        where = where.ravel()
        alive = np.bincount(where, weights=result, minlength=len(prefixes)) > 0
        for rows, law in laws(model, step, prompt, prefixes, alive):
            position = np.full(len(prefixes), -1)
            position[rows] = np.arange(len(rows))
            mine = np.flatnonzero(position[where] >= 0)
            symbols = texts[mine, step - 1]
            result[mine] *= np.where(symbols >= 0, law[position[where[mine]], symbols], 0.0)
    return result


def context_tables(model: TextModel, prompt: IntArray, texts: IntArray, counts: IntArray) -> ContextTables:
    """Return one table for each visited context.

    A context is the whole generated prefix, or the part of it that a law with a window reads. Codes that stand for no token
    are left out, and so is what follows them.
    """
    observed: list[NDArray[Any]] = []
    expected: list[NDArray[Any]] = []
    table: list[NDArray[Any]] = []
    visited: list[int] = []
    hidden, tables, shots = 0.0, 0, float(counts.sum())
    for step in range(1, texts.shape[1] + 1):
        keep = step - 1 if model.window is None else min(step - 1, max(model.window, int(model.stop is not None)))
        contexts, first, where = np.unique(texts[:, step - 1 - keep : step - 1], axis=0, return_index=True, return_inverse=True)
        where = where.ravel()
        visited.append(len(contexts))
        prefixes = texts[first, : step - 1]
        wanted = ~model.complete(prefixes) & (contexts >= 0).all(axis=1)
        for rows, law in laws(model, step, prompt, prefixes, wanted):
            position = np.full(len(contexts), -1)
            position[rows] = np.arange(len(rows))
            mine = np.flatnonzero((position[where] >= 0) & (texts[:, step - 1] >= 0))
            tally = np.zeros_like(law)
            np.add.at(tally, (position[where[mine]], texts[mine, step - 1]), counts[mine])
            cells = pool(tally, law, shots)
            observed.append(cells.observed)
            expected.append(cells.expected)
            table.append(cells.table + tables)
            hidden += cells.hidden
            tables += len(rows)
    cells = PooledCells(joined(observed), joined(expected), joined(table).astype(np.int64), hidden)
    return ContextTables(cells, visited)


def joined(parts: list[NDArray[Any]]) -> FloatArray:
    """Return the arrays end to end."""
    return np.concatenate(parts).astype(np.float64) if parts else np.zeros(0)


def laws(
    model: TextModel, step: int, prompt: IntArray, prefixes: IntArray, wanted: NDArray[np.bool_]
) -> Iterator[tuple[IntArray, FloatArray]]:
    """Yield (row numbers, law over tokens and vacuum) for the wanted prefixes, in chunks that fit in memory."""
    rows = np.flatnonzero(wanted)
    size = max(1, MOST_ENTRIES // (model.d + 1))
    for begin in range(0, len(rows), size):
        chunk = rows[begin : begin + size]
        whole = np.concatenate([np.broadcast_to(prompt, (len(chunk), len(prompt))), prefixes[chunk]], axis=1)
        yield chunk, model.symbol_law(step, whole)
