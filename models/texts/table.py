# SPDX-License-Identifier: Apache-2.0
"""Any conditional law as a table: an n-gram model, a measured law, or (context 0) a plain distribution."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np

from stinespring.errors import InputError
from stinespring.models.texts.base import TextModel
from stinespring.reading import array, fields, token_names
from stinespring.readings import FloatArray, IntArray

__all__ = ["TableModel"]

FORMAT = "stinespring/table@1"


class TableModel(TextModel):
    """``P(t | x_{m-n+1}..x_m)`` read from a ``stinespring/table@1`` file: the last n tokens decide.

    Args:
        data: the parsed JSON object. ``law`` has d^n rows of d probabilities; contexts in order, the earliest token
            being the most significant digit.
        name: how to call the model in messages and reports.

    Raises:
        InputError: a row that does not sum to 1 within 1e-9, a negative entry, a wrong shape.
    """

    def __init__(self, data: dict[str, Any], name: str = "table") -> None:
        fields(
            data,
            ("format", "tokens", "context", "law", "name", "description"),
            "the model",
            ("tokens", "context", "law"),
        )
        self.name, self._data = name, data
        self.tokens = token_names(data["tokens"])
        context = data["context"]
        if isinstance(context, bool) or not isinstance(context, int) or context < 0:
            raise InputError("'context' must be a whole number", got=context, expected="0, 1, 2, …")
        if self.d > 1 and context * np.log2(self.d) > 40:
            raise InputError(
                "'context' is too large for a table", got=context, expected=f"{self.d}^context rows that fit in a file"
            )
        rows = self.d**context
        table = array(data["law"], (rows, self.d), "'law'")
        if (table < 0).any():
            raise InputError("'law' has a negative probability", got=table.min(), expected="numbers from 0 to 1")
        sums = table.sum(axis=1)
        worst = int(np.argmax(abs(sums - 1)))
        if abs(sums[worst] - 1) > 1e-9:
            raise InputError(f"row {worst} of 'law' does not sum to 1", got=repr(float(sums[worst])), expected="1 within 1e-9")
        self.table: FloatArray = table / sums[:, None]
        self.window = self.shortest = context

    def content(self) -> dict[str, Any]:
        """Return the parsed file without its free-text fields."""
        return {"format": FORMAT} | {key: value for key, value in self._data.items() if key not in ("name", "description")}

    def fingerprint(self) -> str:
        """Return the SHA-256 of the tokens, the context and the law's numbers."""
        names = json.dumps([FORMAT, list(self.tokens), self.window])
        return hashlib.sha256(names.encode() + self.table.astype("<f8").tobytes()).hexdigest()

    def law(self, step: int, texts: IntArray) -> FloatArray:
        """Return the table's rows for the last n tokens of each text, shape (B, d); ``step`` does not matter."""
        n, texts = self.shortest, np.asarray(texts, dtype=np.int64)
        digits = self.d ** np.arange(n - 1, -1, -1)
        return self.table[texts[:, texts.shape[1] - n :] @ digits if n else np.zeros(len(texts), dtype=np.int64)]
