# SPDX-License-Identifier: Apache-2.0
"""A token measured in rounds: the likeliest ones and "rest" first, and then, where the rest was read, what is in it.

A law of V tokens on one register takes ``2^ceil(log2 V) - 1`` angles and about as many CX, whatever is measured. In rounds of S
codes, ``P(t) = P(rest) P(group | rest) P(t | group)``: by deferred measurement, read backwards, the law of the token is
unchanged, a circuit has ``log2 S`` qubits and S - 1 angles, and the later ones are bound for what was read only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stinespring.compiler.texts.truncate import bits
from stinespring.readings import UNUSED, BoolArray, FloatArray, IntArray

__all__ = ["Coded", "Open", "first_round", "later_round", "rounds_for"]


@dataclass(frozen=True, eq=False)
class Open:
    """What is still to be read of a token: its rank among the rest of the law's support, in rising order of token numbers.

    Attributes:
        first: shape (...,): the lowest rank.
        last: shape (...,): one more than the highest; equal to ``first`` where nothing is open.
    """

    first: IntArray
    last: IntArray

    def __getitem__(self, rows: IntArray | slice | tuple[IntArray, IntArray]) -> Open:
        """Return some of them."""
        return Open(self.first[rows], self.last[rows])


@dataclass(frozen=True, eq=False)
class Coded:
    """The laws of a round.

    Attributes:
        law: shape (B, S): of each code.
        symbols: shape (B, S): the token of a code (or the vacuum); ``UNUSED`` where it stands for none, or for several.
        open: shape (B, S): what a code leaves open; None where nothing is left in any row.
    """

    law: FloatArray
    symbols: IntArray
    open: Open | None


def rounds_for(support: int, size: int) -> int:
    """Return the most rounds that a token takes.

    Args:
        support: the number of tokens that are possible.
        size: S, the codes of a round.

    Example:
        >>> [rounds_for(n, 32) for n in (32, 33, 63, 64, 1024, 49152)]
        [1, 2, 2, 3, 3, 5]
    """
    return 1 if support <= size else 1 + depth(support - size + 1, size)


def depth(count: int, size: int) -> int:
    """Return the least n with ``size^n >= count``, at least 1."""
    result, reach = 1, size
    while reach < count:
        result, reach = result + 1, reach * size
    return result


def first_round(law: FloatArray, size: int) -> Coded:
    """Return the round that begins a token: by falling probability, equals by rising number.

    Args:
        law: shape (B, d), over tokens and the vacuum if it is possible; rows of at most S positive entries are read at once.
        size: S >= 2.
    """
    support = (law > 0).sum(axis=1)
    if int(support.max()) <= size:
        return Coded(*_ranked(law, 2 ** bits(int(support.max()))), None)
    many = support > size
    taken = likeliest(law, size - 1)
    probabilities, symbols = _ranked(np.where(taken | ~many[:, None], law, 0.0), size)
    probabilities[many, -1] = np.where(taken, 0.0, law)[many].sum(axis=1)
    symbols[many, -1] = UNUSED
    last = np.zeros((len(law), size), dtype=np.int64)
    last[many, -1] = support[many] - (size - 1)
    return Coded(probabilities, symbols, Open(np.zeros_like(last), last))


def later_round(law: FloatArray, size: int, open_: Open) -> Coded:
    """Return the round that reads on in what is open: its ranks in S groups of equal size, or one by one.

    Args:
        law: shape (B, d), of the whole token, as for :func:`first_round`.
        size: S.
        open_: shape (B,).

    Returns:
        Laws given that the token is among what is open, shape (B, S).
    """
    rest = (law > 0) & ~likeliest(law, size - 1)
    rank = np.cumsum(rest, axis=1) - 1
    first, last = open_.first[:, None], open_.last[:, None]
    rows, tokens = np.nonzero(rest & (rank >= first) & (rank < last))
    count = open_.last - open_.first
    width = np.array([size ** (depth(int(n), size) - 1) for n in count])
    codes = (rank[rows, tokens] - open_.first[rows]) // width[rows]
    made = np.bincount(rows * size + codes, weights=law[rows, tokens], minlength=len(law) * size).reshape(-1, size)
    total = made.sum(axis=1, keepdims=True)
    made = np.divide(made, total, out=np.zeros_like(made), where=total > 0)
    symbols = np.full((len(law), size), UNUSED, dtype=np.int64)
    single = width[rows] == 1
    symbols[rows[single], codes[single]] = tokens[single]
    if single.all():
        return Coded(made, symbols, None)
    begin = np.minimum(first + np.arange(size) * width[:, None], last)
    end = np.where(width[:, None] > 1, np.minimum(begin + width[:, None], last), begin)
    return Coded(made, symbols, Open(begin, end))


def likeliest(law: FloatArray, count: int) -> BoolArray:
    """Return which entries of each row, shape (B, d), are its ``count`` likeliest; of equals the lowest numbers are."""
    edge = -np.partition(-law, count - 1, axis=1)[:, count - 1 : count]
    above = law > edge
    equal = law == edge
    return np.asarray(above | (equal & (np.cumsum(equal, axis=1) <= count - above.sum(axis=1, keepdims=True))))


def _ranked(law: FloatArray, size: int) -> tuple[FloatArray, IntArray]:
    """Return laws over codes and the codes' symbols, by falling probability, equals by rising number; ``size`` are enough."""
    d = law.shape[1]
    if d > size:  # what is possible, before it is sorted
        places = _positive(law, size)
        law = np.take_along_axis(law, places, axis=1)
    else:
        places = np.broadcast_to(np.arange(d), law.shape)
    order = np.argsort(-law, axis=1, kind="stable")
    result, symbols = np.zeros((len(law), size)), np.full((len(law), size), UNUSED, dtype=np.int64)
    result[:, : order.shape[1]] = np.take_along_axis(law, order, axis=1)
    symbols[:, : order.shape[1]] = np.take_along_axis(places, order, axis=1)
    return result, np.where(result > 0, symbols, UNUSED)


def _positive(law: FloatArray, size: int) -> IntArray:
    """Return the places of the positive entries of each row in rising order, shape (B, size), and then of others."""
    rows, columns = np.nonzero(law > 0)
    number = np.arange(len(rows)) - np.searchsorted(rows, rows)
    result = np.tile(np.argmax(law <= 0, axis=1)[:, None], (1, size))  # an entry that is not positive
    result[rows, number] = columns
    return result
