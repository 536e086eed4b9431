# SPDX-License-Identifier: Apache-2.0
"""All histories of a dynamic program followed at once: shots that read the same so far are one row of one array.

At the end of a round every history's n shots are dealt out to its outcomes, ``Multinomial(n, |amplitudes|^2)``, which is the
law of n independent shots. Where histories outnumber what a round's gates depend on (tested bits, known values), the round is
applied once to every basis state for each of these, and the histories' states are multiplied with what that gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from stinespring.backends.histories.amplitudes import WORD, after_gates, column_values
from stinespring.backends.histories.rounds import ZERO, HistoryRound
from stinespring.readings import ComplexArray, FloatArray, IntArray

__all__ = ["MOST_TABLE", "Histories", "follow_rounds", "law_together"]

AT_ONCE = 1 << 17  # amplitudes of one slice of the histories: 2 MB
MOST_TABLE = 1 << 22  # amplitudes of a round's table: 64 MB
COMPARED = 32  # outcomes up to which a draw is found by comparing
NOTHING = 1e-28  # probability of a history that does not occur


class Histories(NamedTuple):
    """Histories: bits as words of 62, shape (words, histories), shots (or probabilities) of each, and the widest round."""

    words: IntArray
    counts: IntArray | FloatArray
    qubits: int


class Drawn:
    """Shots dealt out at random."""

    def __init__(self, random: np.random.Generator) -> None:
        self.random = random

    def split(self, weights: FloatArray, counts: IntArray) -> tuple[IntArray, IntArray, IntArray]:
        """Return histories that go on: row of the parent, outcome, shots.

        Args:
            weights: squared amplitudes, shape (histories, outcomes), of any sum.
            counts: shots of each history.
        """
        number, outcomes = weights.shape
        shots = int(counts.sum())
        if number * outcomes <= 2 * shots:
            dealt = self.random.multinomial(counts, weights / weights.sum(axis=1, keepdims=True))
            rows, found = np.nonzero(dealt)
            return rows, found, dealt[rows, found]
        below = np.cumsum(weights, axis=1)
        rows = np.repeat(np.arange(number), counts) if shots > number else np.arange(number)
        points = self.random.random(shots)
        if outcomes <= COMPARED:
            found = (below[rows] <= (points * below[rows, -1])[:, None]).sum(axis=1)
        else:
            below /= below[:, -1:]
            below += np.arange(number)[:, None]
            found = np.searchsorted(below.ravel(), rows + points, side="right") - rows * outcomes
        found = np.minimum(found, outcomes - 1)
        if shots == number:
            return rows, found, counts
        both, dealt = np.unique(rows * outcomes + found, return_counts=True)
        return both // outcomes, both % outcomes, dealt


class Exact:
    """Every outcome with its share."""

    def split(self, weights: FloatArray, counts: FloatArray) -> tuple[IntArray, IntArray, FloatArray]:
        """Return what :meth:`Drawn.split` does, with probabilities instead of shots."""
        shares = weights / weights.sum(axis=1, keepdims=True) * counts[:, None]
        rows, found = np.nonzero(shares > NOTHING)
        return rows, found, shares[rows, found]


def follow_rounds(program: Sequence[HistoryRound], *, shots: int, columns: int, random: np.random.Generator) -> Histories:
    """Sample a program.

    Args:
        program: from :func:`stinespring.backends.histories.rounds.rounds`.
        shots: at least 1.
        columns: number of classical bits and qubits.
        random: where all draws come from.
    """
    return followed(program, np.array([shots], dtype=np.int64), columns, Drawn(random))


def law_together(program: Sequence[HistoryRound], *, columns: int) -> Histories:
    """Return the exact law by the same rounds: every history and its probability."""
    return followed(program, np.ones(1), columns, Exact())


def followed(program: Sequence[HistoryRound], counts: IntArray | FloatArray, columns: int, deal: Drawn | Exact) -> Histories:
    """Return all histories at the end."""
    words = np.zeros((max(1, -(-columns // WORD)), 1), dtype=np.int64)
    states = np.ones((1, 1), dtype=np.complex128)
    for one in program:
        if one.wires:
            words, states, counts = advanced(one, words, states, counts, deal)
        else:
            words = written(one, words, np.zeros(words.shape[1], dtype=np.int64))
    return Histories(words, counts, max((one.wires for one in program), default=0))


def advanced(
    one: HistoryRound, words: IntArray, states: ComplexArray, counts: IntArray | FloatArray, deal: Drawn | Exact
) -> tuple[IntArray, ComplexArray, IntArray | FloatArray]:
    """Return the histories after a round with gates."""
    number, basis = states.shape
    examples, kind = distinct(words, one.columns)
    table = None
    if len(examples) * basis < number and len(examples) * basis << one.wires <= MOST_TABLE:
        every = np.tile(np.eye(basis, dtype=np.complex128), (len(examples), 1))
        table = after_gates(every, np.repeat(words[:, examples], basis, axis=1), one)
        if basis > 1:  # histories of one kind stand together
            order = np.argsort(kind, kind="stable")
            words, states, counts, kind = words[:, order], states[order], counts[order], kind[order]
    made = []
    for rows in slices(number, 1 << one.wires):
        if table is None:
            amplitudes, which = after_gates(states[rows], words[:, rows], one), np.arange(rows.stop - rows.start)
            weights = squared(amplitudes)
        elif basis == 1:
            amplitudes, which = table, kind[rows]
            weights = squared(table)[which]
        else:
            amplitudes, which = multiplied(states[rows], table, kind[rows], basis), np.arange(rows.stop - rows.start)
            weights = squared(amplitudes)
        parents, found, dealt = deal.split(weights, counts[rows])  # type: ignore[arg-type]
        after = np.ones((len(parents), 1), dtype=np.complex128)
        if one.kept:
            after = amplitudes[which[parents], found]
            after /= np.sqrt(weights[parents, found])[:, None]
        made.append((written(one, words[:, rows][:, parents], found), after, dealt))
    if len(made) == 1:
        return made[0]
    return (
        np.concatenate([part[0] for part in made], axis=1),
        np.concatenate([part[1] for part in made]),
        np.concatenate([part[2] for part in made]),
    )


def slices(number: int, width: int) -> Iterator[slice]:
    """Yield slices of the histories whose amplitudes fit in the processor's cache."""
    step = max(1, AT_ONCE // width)
    for first in range(0, number, step):
        yield slice(first, min(number, first + step))


def multiplied(states: ComplexArray, table: ComplexArray, kind: IntArray, basis: int) -> ComplexArray:
    """Return the states after a round from what it does to every basis state, for each kind; kinds increase."""
    _, outcomes, kept = table.shape
    whole = table.reshape(-1, basis, outcomes * kept)
    result = np.empty((len(states), outcomes * kept), dtype=np.complex128)
    edges = [0, *(np.flatnonzero(np.diff(kind)) + 1).tolist(), len(kind)]
    for start, stop in pairwise(edges):
        np.matmul(states[start:stop], whole[kind[start]], out=result[start:stop])
    return result.reshape(len(states), outcomes, kept)


def squared(amplitudes: ComplexArray) -> FloatArray:
    """Return the squared norm of every outcome's part."""
    number, outcomes, kept = amplitudes.shape
    parts = np.ascontiguousarray(amplitudes).view(np.float64)
    parts = parts * parts
    return np.asarray(parts.reshape(-1, 2 * kept) @ np.ones(2 * kept)).reshape(number, outcomes)


def distinct(words: IntArray, columns: Sequence[int]) -> tuple[IntArray, IntArray]:
    """Return one history of each kind, and the kind of every history: what it has in some columns."""
    number = words.shape[1]
    kind, examples = np.zeros(number, dtype=np.int64), np.zeros(1, dtype=np.int64)
    for first in range(0, len(columns), WORD):
        some = columns[first : first + WORD]
        values = column_values(words, some)
        if len(some) + len(examples).bit_length() > WORD:
            values = np.unique(values, return_inverse=True)[1].ravel()
        _, examples, kind = np.unique(kind * (int(values.max()) + 1) + values, return_index=True, return_inverse=True)
    return examples, kind.ravel()


def written(one: HistoryRound, words: IntArray, found: IntArray) -> IntArray:
    """Return the words after a round's measurements and resets."""
    before = words
    words = words.copy() if one.copies else words
    for column, source in one.copies.items():
        put(words, column, 1, 0 if source == ZERO else before[source // WORD] >> source % WORD & 1)
    for run in one.runs:
        taken = 0
        while taken < run.size:  # a run may go on in the next word
            column = run.column + taken
            size = min(run.size - taken, WORD - column % WORD)
            put(words, column, size, found >> run.first + taken & (1 << size) - 1)
            taken += size
    return words


def put(words: IntArray, column: int, size: int, values: IntArray | int) -> None:
    """Write neighbouring columns of one word."""
    word, shift = column // WORD, column % WORD
    words[word] = words[word] & ~(((1 << size) - 1) << shift) | values << shift
