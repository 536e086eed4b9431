# SPDX-License-Identifier: Apache-2.0
"""Causal states: contexts with the same future are one state of a memory that is carried along.

Two contexts before step l are equivalent if their next-token laws are equal and every possible token leads to equivalent
contexts. A text's causal state is updated by its next token, ``s' = delta(s, t)``; a register that holds it replaces all the
token registers that the law would read otherwise.

Source: Crutchfield & Young, Phys. Rev. Lett. 63, 105 (1989) (causal states); the partition is Moore's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from stinespring.compiler.texts.operations import BlockOperation, Place, StepLaw
from stinespring.readings import FloatArray, IntArray

__all__ = ["States", "causal_states", "merged"]

DIGITS = 13  # decimals to which equal laws agree


@dataclass(frozen=True)
class States:
    """The causal states before one step.

    Attributes:
        of_context: shape (B,), the state of each context of the step's law.
        laws: shape (S, D), the next-token law of each state.
        after: shape (S, D), the state that each token leads to; -1 where the token cannot occur or no step follows.
    """

    of_context: IntArray
    laws: FloatArray
    after: IntArray


def causal_states(laws: list[StepLaw]) -> list[States]:
    """Return the causal states of every step, from the last step to the first.

    Args:
        laws: the token laws of all steps, each reading a suffix of the text so far.
    """
    result: list[States] = []
    for step in range(len(laws) - 1, -1, -1):
        law = laws[step]
        after = np.full(law.probabilities.shape, -1, dtype=np.int64)
        if result:
            row, symbol = np.nonzero(law.probabilities)
            after[row, symbol] = result[-1].of_context[successors(law, laws[step + 1], row, symbol)]
        _, same = np.unique(np.round(law.probabilities, DIGITS) + 0.0, axis=0, return_inverse=True)
        signature = np.concatenate([same.reshape(-1, 1), after], axis=1)
        _, first, of_context = np.unique(signature, axis=0, return_index=True, return_inverse=True)
        result.append(States(of_context.ravel(), law.probabilities[first], after[first]))
    return result[::-1]


def successors(law: StepLaw, following: StepLaw, row: IntArray, symbol: IntArray) -> IntArray:
    """Return the row of the following law's context after each (row, symbol)."""
    known = {place: law.contexts[row, column] for column, place in enumerate(law.reads)} | {law.target: symbol}
    columns = [known[place] for place in following.reads]
    contexts = np.stack(columns, axis=1) if columns else np.zeros((len(row), 0), dtype=np.int64)
    index = {tuple(context): i for i, context in enumerate(following.contexts.tolist())}
    return np.array([index[tuple(context)] for context in contexts.tolist()], dtype=np.int64)


@dataclass(frozen=True)
class Carrier:
    """Places whose joint value tells the causal state: values (V, len(places)), the state (V,), and how likely (V,)."""

    places: tuple[Place, ...]
    values: IntArray
    states: IntArray
    reach: FloatArray


def merged(channels: list[BlockOperation], first: int) -> list[BlockOperation]:
    """Return the channels with memory registers ``m<l>`` from step ``first`` on; before it texts are read as they are.

    A memory register is only introduced where the state is neither a function of the newest token nor of what is carried
    already.

    Args:
        channels: one token law a step (unpruned), the prompt known.
        first: the first step after which a memory may be made.
    """
    laws = [channel.laws[-1] for channel in channels]
    carrier = Carrier((), np.zeros((1, 0), dtype=np.int64), np.zeros(1, dtype=np.int64), np.ones(1))
    result: list[BlockOperation] = []
    for channel, law, states in zip(channels, laws, causal_states(laws), strict=True):
        token = StepLaw(law.target, carrier.places, carrier.values, states.laws[carrier.states], carrier.reach)
        carrier, memory = follow(
            carrier, token, states, channel.step, last=channel.step == len(channels), allowed=channel.step >= first
        )
        result.append(replace(channel, laws=(token,) if memory is None else (token, memory)))
    return result


def follow(
    carrier: Carrier, token: StepLaw, states: States, step: int, *, last: bool, allowed: bool
) -> tuple[Carrier, StepLaw | None]:
    """Return what carries the causal state after a step, and the law of a new memory register if there is one."""
    row, symbol = np.nonzero(token.probabilities)
    reach = token.reach[row] * token.probabilities[row, symbol]
    state = states.after[carrier.states[row], symbol]
    if last:
        return carrier, None
    count = int(state.max()) + 1
    if len(np.unique(state)) == 1:
        return Carrier((), np.zeros((1, 0), dtype=np.int64), state[:1], reach.sum(keepdims=True)), None
    whole = lean((*carrier.places, token.target), np.concatenate([carrier.values[row], symbol[:, None]], axis=1), state, reach)
    if not allowed or len(whole.places) < 2 or len(np.unique(whole.states)) == len(whole.states):
        return whole, None
    memory = StepLaw(Place("memory", step), whole.places, whole.values, np.eye(count)[whole.states], whole.reach)
    used = np.unique(state)
    total = np.bincount(state, weights=reach, minlength=count).astype(np.float64)
    return Carrier((memory.target,), used[:, None], used, total[used]), memory


def lean(places: tuple[Place, ...], values: IntArray, state: IntArray, reach: FloatArray) -> Carrier:
    """Return the places as a carrier of the state, without superfluous ones, the oldest tried first."""
    for place in places:
        column = places.index(place)
        fewer = function_of(places[:column] + places[column + 1 :], np.delete(values, column, axis=1), state, reach)
        if fewer is not None:
            places, values, state, reach = fewer.places, fewer.values, fewer.states, fewer.reach
    return Carrier(places, values, state, reach)


def function_of(places: tuple[Place, ...], values: IntArray, state: IntArray, reach: FloatArray) -> Carrier | None:
    """Return the places as a carrier if their values alone tell the state, else None."""
    distinct, first, where = np.unique(values, axis=0, return_index=True, return_inverse=True)
    where = where.ravel()
    if (state[first][where] != state).any():
        return None
    number = np.bincount(where, weights=reach, minlength=len(distinct)).astype(np.float64)
    return Carrier(places, distinct, state[first], number)
