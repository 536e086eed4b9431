# SPDX-License-Identifier: Apache-2.0
"""Partial evaluation: fold the known prompt into the laws, and list every context that can occur, step by step."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from stinespring.compiler.options import Extension
from stinespring.compiler.texts.operations import BlockOperation, Place, StepLaw
from stinespring.compiler.texts.truncate import truncate
from stinespring.errors import InputError, TooLargeError
from stinespring.models.texts.attention import AttentionModel
from stinespring.models.texts.attention_map import attended
from stinespring.models.texts.base import TextModel
from stinespring.models.texts.fock import FockModel, InputState
from stinespring.readings import FloatArray, IntArray

__all__ = ["MOST_ENTRIES", "MOST_LISTED", "channels", "prune"]

MOST_ENTRIES = 1 << 21  # probabilities of one step: 16 MB, and as many rotations
MOST_LISTED = 1 << 23  # where codes follow the text, so that most tokens take no part
MOST_STEPS = 4096  # registers of one circuit
LARGEST_KEY = 62  # bits of a number that stands for a row
MOST_AXES = 31  # of an array, besides that of the outcomes
SAME = 1e-15  # laws that differ by no more count as equal


@dataclass(frozen=True)
class Frontier:
    """The contexts before a step.

    Attributes:
        fixed: tokens known at compile time that precede the places, shape (n,).
        places: where the rest of the text is kept, the oldest first.
        contexts: shape (B, len(places)), symbols.
        reach: shape (B,).
    """

    fixed: IntArray
    places: tuple[Place, ...]
    contexts: IntArray
    reach: FloatArray

    def texts(self) -> IntArray:
        """Return the texts that the laws see, shape (B, n)."""
        fixed = np.broadcast_to(self.fixed, (len(self.contexts), len(self.fixed)))
        return np.concatenate([fixed, self.contexts], axis=1)


def channels(
    model: TextModel,
    prompt: IntArray,
    steps: int,
    *,
    extension: Extension,
    quantum: bool,
    tolerance: float,
    state: InputState | None = None,
    room: int = MOST_ENTRIES,
    whole: bool = False,
) -> tuple[list[BlockOperation], list[float]]:
    """Return each step's operation with its laws tabulated on the contexts that can occur.

    Args:
        model: the law.
        prompt: shape (n,); with ``quantum`` only its length matters.
        steps: L.
        extension: ``token``: the token law alone; ``position``: the attended positions first, then the token; ``dephased``: as
            ``token``, after the prompt registers have lost their coherence.
        quantum: keep the prompt in registers ``p1..pn``.
        tolerance: TVD of the joint law that truncation may spend.
        state: what the prompt registers hold; then step 0 prepares it.
        room: the most probabilities that one step may list.
        whole: contexts are whole texts even where the model has a window, and each of them drops its own tail.

    Returns:
        The channels, and for each step a bound on the TVD it adds to the joint law.
    """
    if steps > MOST_STEPS:
        raise TooLargeError(
            "the text is too long for one circuit",
            got=f"{steps} steps",
            expected=f"at most {MOST_STEPS} steps with --schedule static",
            todo="use --schedule stepwise or fewer steps",
        )
    frontier = start(model, prompt, quantum) if state is None else padded_start(state)
    keep = (
        None
        if whole or model.window is None or (quantum and model.stop is not None)
        else max(model.window, int(model.stop is not None))
    )
    result = [input_channel(state, extension)] if quantum and (state is not None or extension == "dephased") else []
    errors = [0.0] * len(result)
    for step in range(1, steps + 1):
        require_room(model, frontier, step, room)
        frontier = forget(frontier, keep)
        laws = read(model, step, frontier, extension, len(prompt))
        budget = (tolerance - sum(errors)) / (steps - step + 1)
        last, error = truncate(laws[-1], budget, worst=quantum and state is None, own=whole)
        errors.append(error)
        laws = (*laws[:-1], last)
        result.append(BlockOperation(step, extension, laws))
        if step < steps:
            frontier = advance(frontier, laws)
    return result, errors


def start(model: TextModel, prompt: IntArray, quantum: bool) -> Frontier:
    """Return the frontier before the first step."""
    if not quantum:
        return Frontier(prompt, (), np.zeros((1, 0), dtype=np.int64), np.ones(1))
    n = len(prompt)
    if n * np.log2(max(model.d, 2)) > np.log2(MOST_ENTRIES):
        fits = int(np.log2(MOST_ENTRIES) / np.log2(max(model.d, 2)))
        raise TooLargeError(
            "the prompt has too many values to be kept as quantum input",
            got=f"{model.d}^{n}",
            expected=f"at most {fits} prompt tokens",
            todo="use a shorter prompt or --input known",
        )
    texts = np.arange(model.d**n)[:, None] // model.d ** np.arange(n - 1, -1, -1) % model.d
    return Frontier(np.zeros(0, dtype=np.int64), prompt_places(n), texts, np.ones(len(texts)))


def prompt_places(count: int) -> tuple[Place, ...]:
    """Return the places of a prompt that is kept in registers."""
    return tuple(Place("prompt", i + 1) for i in range(count))


def padded_start(state: InputState) -> Frontier:
    """Return the frontier before the first step: the texts of the input state."""
    return Frontier(np.zeros(0, dtype=np.int64), prompt_places(state.width), state.texts, state.weights)


def input_channel(state: InputState | None, extension: Extension) -> BlockOperation:
    """Return step 0: the laws ``P(p_i | p_1..p_{i-1})`` of the input state's texts, if there is one."""
    laws = []
    if state is not None:
        symbols = int(state.texts.max(initial=0)) + 1
        for i in range(state.width):
            contexts, where = np.unique(state.texts[:, :i], axis=0, return_inverse=True)
            table = np.zeros((len(contexts), symbols))
            np.add.at(table, (where.ravel(), state.texts[:, i]), state.weights)
            reach = table.sum(axis=1)
            laws.append(StepLaw(Place("prompt", i + 1), prompt_places(i), contexts, table / reach[:, None], reach))
    return BlockOperation(0, extension, tuple(laws))


def forget(frontier: Frontier, keep: int | None) -> Frontier:
    """Drop the registers that a law with a window does not read, and merge the contexts that become equal."""
    if keep is None or len(frontier.places) <= keep:
        return frontier
    drop = len(frontier.places) - keep
    contexts, where = distinct(frontier.contexts[:, drop:])[::2]
    reach = np.bincount(where, weights=frontier.reach, minlength=len(contexts)).astype(np.float64)
    fixed = np.zeros(0, dtype=np.int64)
    return Frontier(fixed, frontier.places[drop:], contexts, reach)


def read(model: TextModel, step: int, frontier: Frontier, extension: Extension, prompt_length: int) -> tuple[StepLaw, ...]:
    """Return the laws of one step: for ``position`` one for each head and then the token's."""
    texts, places = frontier.texts(), frontier.places
    token = Place("token", step)
    if extension != "position":
        return (StepLaw(token, places, frontier.contexts, model.symbol_law(step, texts), frontier.reach),)
    base = model.base if isinstance(model, FockModel) else model
    if not isinstance(base, AttentionModel):
        raise InputError(
            "the position extension needs attended positions",
            got=model.name,
            expected="an attention model",
            todo="use --extension token",
        )
    weights, readings = attended(model, step, texts)
    heads, n = weights.shape[1:]
    environment = tuple(Place("environment", step, h + 1 if heads > 1 else 0) for h in range(heads))
    laws = [StepLaw(e, places, frontier.contexts, weights[:, h], frontier.reach) for h, e in enumerate(environment)]
    share = frontier.reach.reshape(-1, *([1] * heads))
    for h in range(heads):
        share = share * weights[:, h].reshape(-1, *[n if axis == h else 1 for axis in range(heads)])
    where = np.nonzero(share)
    contexts = np.concatenate([frontier.contexts[where[0]], np.stack(where[1:], axis=1)], axis=1)
    return (*laws, StepLaw(token, places + environment, contexts, readings[where], share[where]))


def advance(frontier: Frontier, laws: tuple[StepLaw, ...]) -> Frontier:
    """Return the frontier after a step: every context with every token that can follow."""
    law = laws[-1]
    row, symbol = np.nonzero(law.probabilities)
    reach = law.reach[row] * law.probabilities[row, symbol]
    columns = len(frontier.places)
    contexts = np.concatenate([law.contexts[row, :columns], symbol[:, None]], axis=1)
    if len(law.reads) > columns:  # the environment is not part of the text
        contexts, _, where = distinct(contexts)
        reach = np.bincount(where, weights=reach, minlength=len(contexts)).astype(np.float64)
    return Frontier(frontier.fixed, (*frontier.places, law.target), contexts, reach)


def distinct(rows: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Return the distinct rows in order, where each occurs first, and which of them every row is."""
    base = rows.max(initial=0, axis=0) + 1
    if np.log2(base).sum() > LARGEST_KEY:
        found, first, where = np.unique(rows, axis=0, return_index=True, return_inverse=True)
        return found, first, where.ravel()
    place = np.append(np.cumprod(base[:0:-1])[::-1], 1)[: base.size]
    _, first, where = np.unique(rows @ place, return_index=True, return_inverse=True)
    return rows[first], first, where


def full_grid(law: StepLaw) -> FloatArray | None:
    """Return the probabilities with an axis for every register read, if all contexts occur, in order."""
    sizes = law.contexts.max(initial=0, axis=0) + 1
    if sizes.size > MOST_AXES or np.log2(sizes).sum() > LARGEST_KEY or len(law.contexts) != sizes.prod():
        return None
    key = law.contexts @ np.append(np.cumprod(sizes[:0:-1])[::-1], 1)[: sizes.size]
    return law.probabilities.reshape(*sizes, -1) if np.array_equal(key, np.arange(len(key))) else None


def prune(law: StepLaw) -> StepLaw:
    """Return the law without the places it does not depend on, the oldest tried first."""
    for place in law.reads:
        column = law.reads.index(place)
        grid = full_grid(law)
        if grid is not None and (abs(grid - grid.take([0], axis=column)) > SAME).any():
            continue
        rest = np.delete(law.contexts, column, axis=1)
        contexts, first, where = distinct(rest)
        if len(contexts) == len(rest) or (abs(law.probabilities - law.probabilities[first[where]]) > SAME).any():
            continue
        reach = np.bincount(where, weights=law.reach, minlength=len(contexts)).astype(np.float64)
        reads = law.reads[:column] + law.reads[column + 1 :]
        law = replace(law, reads=reads, contexts=contexts, probabilities=law.probabilities[first], reach=reach)
    return law


def require_room(model: TextModel, frontier: Frontier, step: int, room: int) -> None:
    """Refuse a table that would not fit, and say how many steps would."""
    if len(frontier.contexts) * (model.d + 1) > room:
        raise TooLargeError(
            "the texts are too many for one circuit",
            got=f"{len(frontier.contexts):,} contexts at step {step}",
            expected=f"at most {step - 1} step(s) with --schedule static",
            todo="use --schedule stepwise, fewer steps or a smaller --top-k",
        )
