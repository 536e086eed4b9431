# SPDX-License-Identifier: Apache-2.0
"""The law of generated texts beside what was sampled: whole texts where they can be listed, and the next token by context."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stinespring.errors import TooLargeError
from stinespring.models.texts.base import TextModel
from stinespring.models.texts.joint import JointLaw
from stinespring.readings import UNUSED, BoolArray, FloatArray, IntArray, Outcomes
from stinespring.stages import Table

__all__ = [
    "ContextTable", "TextLaw", "distinct_contexts", "laws", "listed_law", "log_probabilities", "reach_of", "readable",
    "text_probabilities", "texts_of",
]  # fmt: skip

MOST_ENTRIES = 1 << 22  # probabilities of one chunk of contexts: 32 MB
MOST_TEXTS = 1 << 17  # joint laws up to this many texts are listed


@dataclass(frozen=True, eq=False)
class ContextTable:
    """What followed some contexts of one step, beside its law.

    Attributes:
        step: from 1.
        observed: counts, shape (B, d+1); readings that stand for no token are left out.
        law: shape (B, d+1).
        contexts: shape (B, k): the generated tokens that each law reads.
    """

    step: int
    observed: FloatArray
    law: FloatArray
    contexts: IntArray


@dataclass(frozen=True, eq=False)
class TextLaw:
    """``P(x_1..x_L | prompt)`` of a model.

    Attributes:
        model: the law of each token.
        prompt: shape (n,).
        steps: L.
    """

    model: TextModel
    prompt: IntArray
    steps: int

    @cached_property
    def listed(self) -> JointLaw | None:
        """All texts with their probabilities, if there are few enough of them."""
        return listed_law(self.model, self.prompt, self.steps)

    def probabilities(self, texts: IntArray) -> FloatArray:
        """Return the probability of each text, shape (U,)."""
        return text_probabilities(self.model, self.prompt, texts)

    def log_probabilities(self, texts: IntArray) -> FloatArray:
        """Return the logarithm of the probability of each text, shape (U,)."""
        return log_probabilities(self.model, self.prompt, texts)

    @property
    def reads_all(self) -> bool:
        """Whether every token's law reads all tokens generated before it, so that the next tokens show any deviation."""
        return reach_of(self.model, self.steps) >= self.steps - 1

    def tables(self, seen: Sequence[Outcomes]) -> Iterator[Table]:
        """Yield the texts as a whole (if they can be listed) and the next token after each visited context.

        The last column of the table of whole texts is every text of probability 0. For a single step both would be one test,
        which comes once.
        """
        texts, counts = texts_of(seen[0], self.steps, self.model.vacuum)
        if self.listed is not None:
            yield Table(
                "texts", self.tallied(self.listed, texts, counts)[None], np.append(self.listed.probabilities, 0.0)[None]
            )
        if self.listed is None or self.steps > 1:
            for table in self.by_context(texts, counts):
                yield Table("contexts", table.observed, table.law)

    def tallied(self, joint: JointLaw, texts: IntArray, counts: IntArray | FloatArray) -> FloatArray:
        """Return the counts, or shares, of every listed text, and of all others together: shape (U'+1,)."""
        lookup = {tuple(text): i for i, text in enumerate(joint.texts.tolist())}
        rows = [lookup.get(tuple(text), len(joint)) for text in texts.tolist()]
        return np.bincount(rows, weights=counts, minlength=len(joint) + 1).astype(np.float64)

    def by_context(self, texts: IntArray, counts: IntArray) -> Iterator[ContextTable]:
        """Yield what followed each visited context, in chunks, step by step.

        Codes that stand for no token are left out, and so is what follows them.
        """
        for step in range(1, texts.shape[1] + 1):
            contexts, first, where = distinct_contexts(self.model, step, texts)
            prefixes = texts[first, : step - 1]
            wanted = ~self.model.complete(prefixes) & (contexts >= 0).all(axis=1)
            for rows, law in laws(self.model, step, self.prompt, prefixes, wanted):
                position = np.full(len(contexts), -1)
                position[rows] = np.arange(len(rows))
                mine = np.flatnonzero((position[where] >= 0) & (texts[:, step - 1] >= 0))
                tally = np.zeros_like(law)
                np.add.at(tally, (position[where[mine]], texts[mine, step - 1]), counts[mine])
                yield ContextTable(step, tally, law, contexts[rows])


def readable(outcomes: Outcomes, steps: int, vacuum: int) -> IntArray:
    """Return the text of each reading, shape (U, L), with ``UNUSED`` for an empty place that a token follows.

    Noise can leave such a place; with it marked, every text has one key.
    """
    symbols = np.stack([outcomes.column(f"t{step}") for step in range(1, steps + 1)], axis=1)
    filled = np.logical_or.accumulate((symbols != vacuum)[:, ::-1], axis=1)[:, ::-1]
    return np.where((symbols == vacuum) & filled, UNUSED, symbols)


def texts_of(outcomes: Outcomes, steps: int, vacuum: int) -> tuple[IntArray, IntArray]:
    """Return distinct texts, shape (U, L), in lexicographic order, and their counts, shape (U,).

    Args:
        outcomes: decoded readings with the registers ``t1..tL``.
        steps: L.
        vacuum: the symbol of an empty place; one that a token follows becomes ``UNUSED``.
    """
    texts, where = np.unique(readable(outcomes, steps, vacuum), axis=0, return_inverse=True)
    return texts, np.bincount(where.ravel(), weights=outcomes.counts, minlength=len(texts)).astype(np.int64)


def listed_law(model: TextModel, prompt: IntArray, steps: int) -> JointLaw | None:
    """Return the joint law if it has few enough texts to be listed, else None."""
    if model.window != 0 and steps * math.log(max(2, model.branching)) > math.log(64.0 * MOST_TEXTS):
        return None
    try:
        joint = model.joint(prompt.tolist(), steps)
    except TooLargeError:
        return None
    return joint if len(joint) <= MOST_TEXTS else None


def text_probabilities(model: TextModel, prompt: IntArray, texts: IntArray) -> FloatArray:
    """Return the law's probability of each text, shape (U,): the product of its tokens' conditional probabilities.

    A text with a code that stands for no token (a negative number) has probability 0.
    """
    return np.asarray(np.exp(log_probabilities(model, prompt, texts)))


def log_probabilities(model: TextModel, prompt: IntArray, texts: IntArray) -> FloatArray:
    """Return the logarithm of each text's probability, shape (U,), which no length makes underflow; -inf where it is 0."""
    result = np.zeros(len(texts))
    for step in range(1, texts.shape[1] + 1):
        result[texts[:, step - 1] < 0] = -np.inf
        alive = np.flatnonzero(result > -np.inf)
        contexts, first, where = distinct_contexts(model, step, texts if len(alive) == len(texts) else texts[alive])
        prefixes, symbols = texts[alive[first], : step - 1], texts[alive, step - 1]
        for rows, law in laws(model, step, prompt, prefixes, np.ones(len(contexts), dtype=bool)):
            mine = np.flatnonzero((where >= rows[0]) & (where <= rows[-1]))
            with np.errstate(divide="ignore"):
                result[alive[mine]] += np.log(law[where[mine] - rows[0], symbols[mine]])
    return result


def distinct_contexts(model: TextModel, step: int, texts: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Return the distinct contexts of a step, where each occurs first, and which of them every text has.

    A context is the whole generated prefix, or the part of it that a law with a window reads.
    """
    keep = reach_of(model, step)
    part = texts[:, step - 1 - keep : step - 1]
    base = model.d + 2  # tokens, the vacuum, and codes without a meaning
    if keep * math.log2(base) < 62:  # as one number, in the same order
        keys = (part + 1) @ (base ** np.arange(keep - 1, -1, -1, dtype=np.int64))
        _, first, where = np.unique(keys, return_index=True, return_inverse=True)
        return part[first], first, where.ravel()
    contexts, first, where = np.unique(part, axis=0, return_index=True, return_inverse=True)
    return contexts, first, where.ravel()


def reach_of(model: TextModel, step: int) -> int:
    """Return how many generated tokens before a step a context holds."""
    stop = int(model.stop is not None)
    return step - 1 if model.window is None else min(step - 1, max(model.window, stop))


def laws(
    model: TextModel, step: int, prompt: IntArray, prefixes: IntArray, wanted: BoolArray
) -> Iterator[tuple[IntArray, FloatArray]]:
    """Yield (row numbers, law over tokens and vacuum) for the wanted prefixes, in chunks that fit in memory."""
    rows = np.flatnonzero(wanted)
    size = max(1, MOST_ENTRIES // (model.d + 1))
    for begin in range(0, len(rows), size):
        chunk = rows[begin : begin + size]
        whole = np.concatenate([np.broadcast_to(prompt, (len(chunk), len(prompt))), prefixes[chunk]], axis=1)
        yield chunk, model.symbol_law(step, whole)
