# SPDX-License-Identifier: Apache-2.0
"""The laws after prefixes of texts, each read once: a prefix continues what was read of its parent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stinespring.models.decoders.decoder import Decoder, Past
from stinespring.models.texts.joint import SparseLaw
from stinespring.readings import FloatArray, IntArray

__all__ = ["Prefixes"]

MOST_LAWS, MOST_PASTS = 3 << 27, 1 << 28  # bytes of what is kept for later: 400 and 270 MB
AT_ONCE = 1 << 22  # probabilities that are computed together: 32 MB

Rows = dict[bytes, tuple[int, int]]
Record = tuple[IntArray | None, NDArray[np.floating[Any]]]  # tokens and their probabilities; None: all tokens


@dataclass
class OneLength:
    """What is known of the prefixes of one length: what was read, in parts, and the laws.

    Attributes:
        rows: of each prefix, the part and the row in it.
        pasts: the parts.
        laws: of each prefix; missing where they were dropped.
    """

    rows: Rows = field(default_factory=dict)
    pasts: list[Past] = field(default_factory=list)
    laws: dict[bytes, Record] = field(default_factory=dict)


class Prefixes:
    """A trie of texts over one decoder; what grew from the beginning that all texts of the last call had is kept.

    Work and memory grow with the number of distinct prefixes: each is one token for the decoder. What outgrows its limit is
    dropped, the shortest prefixes first, and read again when it is asked for.

    Args:
        decoder: what reads. Of one that computes in float32, laws are kept in float32.
        law: from logits (B, V) to laws (B, V).
    """

    def __init__(self, decoder: Decoder, law: Callable[[FloatArray], FloatArray]) -> None:
        self._decoder, self._law = decoder, law
        self._kind = np.dtype(decoder.rounding)
        self._root = np.zeros(0, dtype=np.int64)
        self._levels: dict[int, OneLength] = {}

    def laws(self, texts: IntArray) -> FloatArray:
        """Return the law after each text, shape (B, V), of texts (B, n), n >= 1."""
        result = np.zeros((len(texts), len(self._decoder.tokens)))
        for row, (symbols, values) in zip(result, self._records(texts), strict=True):
            row[slice(None) if symbols is None else symbols] = values
        return self._normalised(result)

    def possible(self, texts: IntArray) -> SparseLaw:
        """Return what can follow each text, without dense laws where they were not kept so."""
        records = self._records(texts)
        kept = [(np.flatnonzero(values), values[values > 0]) if found is None else (found, values) for found, values in records]
        none = np.zeros(0)
        symbols = np.concatenate([none.astype(np.int64), *(found for found, _ in kept)])
        values = np.concatenate([none, *(self._normalised(value.astype(np.float64)) for _, value in kept)])
        rows = np.repeat(np.arange(len(texts)), [len(found) for found, _ in kept])
        return SparseLaw(len(texts), rows, symbols, values)

    def _records(self, texts: IntArray) -> list[Record]:
        """Return what is kept of the law after each text; what is not known is read."""
        if not len(texts):
            return []
        keys = [text.tobytes() for text in texts]
        self._require_root(texts)
        known = self._level(texts.shape[1]).laws
        found = {key: known[key] for key in keys if key in known}
        missing = {key: i for i, key in enumerate(keys) if key not in found}
        for names, records in self._grown(texts[list(missing.values())]) if missing else ():
            found |= zip(names, records, strict=True)
        return [found[key] for key in keys]

    def _normalised(self, law: FloatArray) -> FloatArray:
        """Return laws that sum to 1 in float64 also where they were kept in float32."""
        return law if self._kind == np.float64 else law / law.sum(axis=-1, keepdims=True)

    def _level(self, length: int) -> OneLength:
        return self._levels.setdefault(length, OneLength())

    def _require_root(self, texts: IntArray) -> None:
        """See to a beginning that all texts have: the one there is, or what they have in common."""
        length = len(self._root)
        if length and texts.shape[1] >= length and (texts[:, :length] == self._root).all():
            return
        differs = (texts != texts[0]).any(axis=0)
        self._levels.clear()
        self._root = texts[0, : int(np.argmax(differs)) if differs.any() else texts.shape[1]].copy()

    def _grown(self, texts: IntArray) -> Iterator[tuple[list[bytes], list[Record]]]:
        """Read distinct texts of one length, and before them what was not read of their prefixes; yield names and laws."""
        length, roots = texts.shape[1], max(1, len(self._root))
        if length == roots:
            for text in texts:
                logits, past = self._decoder.begin(text)
                yield self._kept(length, [text.tobytes()], logits, past)
            return
        parents = self._parents(texts[:, :-1])
        above = self._level(length - 1)
        for part in np.unique(parents[:, 0]):
            mine = np.flatnonzero(parents[:, 0] == part)
            size = max(1, AT_ONCE // len(self._decoder.tokens))
            for rows in (mine[first : first + size] for first in range(0, len(mine), size)):
                logits, past = self._decoder.proceed(above.pasts[part], parents[rows, 1], texts[rows, -1])
                yield self._kept(length, [texts[row].tobytes() for row in rows], logits, past)

    def _parents(self, prefixes: IntArray) -> IntArray:
        """Return the part and the row of each prefix, shape (B, 2); those that were not read are read now."""
        rows = self._level(prefixes.shape[1]).rows
        keys = [prefix.tobytes() for prefix in prefixes]
        missing = {key: i for i, key in enumerate(keys) if key not in rows}
        if missing:
            for _ in self._grown(prefixes[list(missing.values())]):
                pass
        return np.array([rows[key] for key in keys])

    def _kept(self, length: int, names: list[bytes], logits: FloatArray, past: Past) -> tuple[list[bytes], list[Record]]:
        """Return names and laws, after they were written down with what was read."""
        level, laws = self._level(length), self._law(logits).astype(self._kind)
        level.rows |= {name: (len(level.pasts), row) for row, name in enumerate(names)}
        level.pasts.append(past)
        records = [compressed(law) for law in laws]
        level.laws |= zip(names, records, strict=True)
        self._trim(length)
        return names, records

    def _trim(self, length: int) -> None:
        """Drop what outgrows its limit, but neither the pasts of the two lengths in use nor the laws of the last one."""
        sizes = {other: sum(map(size_of, level.laws.values())) for other, level in self._levels.items()}
        laws = sum(sizes.values())
        pasts = sum(past.nbytes for level in self._levels.values() for past in level.pasts)
        for other, level in sorted(self._levels.items()):
            if laws > MOST_LAWS and other != length:
                laws -= sizes[other]
                level.laws.clear()
            if pasts > MOST_PASTS and other < length - 1:
                pasts -= sum(past.nbytes for past in level.pasts)
                level.pasts.clear()
                level.rows.clear()


def compressed(law: NDArray[np.floating[Any]]) -> Record:
    """Return what is kept of a law, shape (V,): its positive entries, if they are few."""
    symbols = np.flatnonzero(law)
    return (symbols, law[symbols]) if 4 * len(symbols) <= len(law) else (None, law.copy())


def size_of(record: Record) -> int:
    """Return the bytes of what is kept of a law."""
    symbols, values = record
    return values.nbytes + (0 if symbols is None else symbols.nbytes)
