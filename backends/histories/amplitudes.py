# SPDX-License-Identifier: Apache-2.0
"""States of many histories as one array, shape (histories, 2^wires): gates on all of them at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stinespring.backends.histories.rounds import Acting, GateChoice, HistoryRound
from stinespring.readings import ComplexArray, IntArray

__all__ = ["WORD", "after_gates", "column_values"]

WORD = 62  # columns of a history that share one number
DENSE = 16  # bits of a condition whose values are looked up in a table


def column_values(words: IntArray, columns: Sequence[int]) -> IntArray:
    """Return the number that some columns make for every history, the first one least significant; at most 62 of them."""
    total = np.zeros(words.shape[1], dtype=np.int64)
    i = 0
    while i < len(columns):
        first, size = columns[i], 1
        while i + size < len(columns) and columns[i + size] == first + size and (first + size) % WORD:
            size += 1
        total |= (words[first // WORD] >> first % WORD & (1 << size) - 1) << i
        i += size
    return total


def after_gates(states: ComplexArray, words: IntArray, one: HistoryRound) -> ComplexArray:
    """Return states, shape (histories, 2^going), after the gates of a round, shape (histories, outcomes, 2^kept)."""
    number, wires = len(states), one.wires
    if one.entering:
        whole = np.zeros((number, 1 << len(one.entering), states.shape[1]), dtype=np.complex128)
        whole[np.arange(number), column_values(words, one.entering)] = states
        states = whole.reshape(number, -1)
    else:
        states = states.copy()
    for step in one.work:
        if isinstance(step, GateChoice):
            chosen(states, words, step)
        else:
            act(states, step, step.matrices)
    axes = [1 + wires - 1 - place for place in (*reversed(one.measured), *reversed(one.kept))]
    order = states.reshape((number,) + (2,) * wires).transpose(0, *axes)
    return order.reshape(number, 1 << len(one.measured), 1 << len(one.kept))


def chosen(states: ComplexArray, words: IntArray, choice: GateChoice) -> None:
    """Apply to every history the gates that its value chooses, if any."""
    values = column_values(words, choice.columns)
    if len(choice.columns) <= DENSE:
        table = np.full(1 << len(choice.columns), -1)
        table[choice.values] = np.arange(len(choice.values))
        rows = table[values]
    else:
        rows = np.minimum(np.searchsorted(choice.values, values), len(choice.values) - 1)
        rows[choice.values[rows] != values] = -1
    some = np.flatnonzero(rows >= 0)
    if not len(some):
        return
    part = states if len(some) == len(states) else states[some]
    rows = rows[some]
    for gate in choice.gates:
        act(part, gate, None if gate.matrices is None else gate.matrices[rows])
    if part is not states:
        states[some] = part


def act(states: ComplexArray, gate: Acting, matrices: ComplexArray | None) -> None:
    """Apply one gate in place; ``matrices`` of shape (2, 2), or one for each history."""
    number = len(states)
    if matrices is None:
        control = gate.places[0]
        low, high = sorted(gate.places)
        parts = states.reshape(number, -1, 2, 1 << high - low - 1, 2, 1 << low)
        if gate.name == "cz":
            parts[:, :, 1, :, 1] *= -1
            return
        on = parts[:, :, :, :, 1] if control == low else parts[:, :, 1]  # where the control is 1; the target is axis 2 or 3
        axis = 2 if control == low else 3
        on[...] = np.flip(on, axis).copy()
        return
    parts = states.reshape(number, -1, 2, 1 << gate.places[0])
    zero, one = parts[:, :, 0], parts[:, :, 1]
    entries = matrices.reshape(-1, 4, 1, 1)
    first = entries[:, 0] * zero + entries[:, 1] * one
    parts[:, :, 1] = entries[:, 2] * zero + entries[:, 3] * one
    parts[:, :, 0] = first
