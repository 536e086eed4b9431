# SPDX-License-Identifier: Apache-2.0
"""Laws of many contexts over a large vocabulary, as what is possible after each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stinespring.readings import FloatArray, IntArray

__all__ = ["SparseLaw"]


@dataclass(frozen=True, eq=False)
class SparseLaw:
    """Every symbol that can follow each of B texts, text by text, in rising order.

    Attributes:
        count: B.
        rows: shape (N,): whose it is.
        symbols: shape (N,).
        probabilities: shape (N,), all above zero; those of a text sum to 1.
    """

    count: int
    rows: IntArray
    symbols: IntArray
    probabilities: FloatArray

    @classmethod
    def of(cls, law: FloatArray) -> SparseLaw:
        """Return a law, shape (B, D), without its zeros."""
        rows, symbols = np.nonzero(law)
        return cls(len(law), rows, symbols, law[rows, symbols])

    @classmethod
    def together(cls, parts: list[SparseLaw]) -> SparseLaw:
        """Return the laws of several batches of texts as those of one."""
        first = np.cumsum([0, *(part.count for part in parts)])
        rows = [part.rows + begin for part, begin in zip(parts, first, strict=False)]
        none = np.zeros(0, dtype=np.int64)
        return cls(
            int(first[-1]), np.concatenate([none, *rows]), np.concatenate([none, *(part.symbols for part in parts)]),
            np.concatenate([np.zeros(0), *(part.probabilities for part in parts)]),
        )  # fmt: skip

    def columns(self) -> tuple[FloatArray, IntArray]:
        """Return the probabilities and the symbols of each text side by side, both (B, K); symbol -1, at 0, fills a row."""
        begin = np.searchsorted(self.rows, np.arange(self.count + 1))
        places = np.arange(len(self.rows)) - begin[self.rows]
        shape = self.count, int(np.diff(begin).max(initial=1))
        law, symbols = np.zeros(shape), np.full(shape, -1, dtype=np.int64)
        law[self.rows, places], symbols[self.rows, places] = self.probabilities, self.symbols
        return law, symbols
