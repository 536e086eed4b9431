# SPDX-License-Identifier: Apache-2.0
"""The law of sampled tokens of spins: given its context, every token is a product of independent spins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stinespring.models.spins.contexts import Contexts, distinct, tokens_of
from stinespring.models.spins.network import SignArray, SpinNetwork
from stinespring.readings import FloatArray, IntArray, Outcomes
from stinespring.stages import Table

__all__ = ["WHOLE", "SpinLaw", "codes_of", "token_law", "visited"]

WHOLE = 10  # spins up to which whole tokens are listed
MOST_CELLS = 1 << 23  # of one table
MOST_BITS = 16  # spins of all tokens up to which every sequence is listed


@dataclass(frozen=True, eq=False)
class SpinLaw:
    """The law of the next tokens.

    Attributes:
        network: whose.
        steps: number of tokens T.
    """

    network: SpinNetwork
    steps: int

    @cached_property
    def columns(self) -> SpinNetwork:
        """The same network, one column a spin."""
        return self.network.one_column_a_spin()

    @cached_property
    def listed(self) -> tuple[IntArray, FloatArray] | None:
        """Every sequence of tokens as numbers (bit i is spin i, 1 is -1), (U, T), with its probability; None above 16 bits."""
        bits = self.columns.N * self.steps
        if bits > MOST_BITS:
            return None
        signs = 1 - 2 * (np.arange(1 << bits)[:, None] >> np.arange(bits) & 1)
        tokens = signs.reshape(-1, self.steps, self.columns.N).astype(np.int8)
        probabilities = np.ones(len(tokens))
        for step, contexts, which in visited(self.columns, tokens):
            probabilities *= token_law(contexts.plus)[which, codes_of(tokens[:, step])]
        return codes_of(tokens), probabilities

    def tables(self, seen: Sequence[Outcomes]) -> Iterator[Table]:
        """Yield one test a token with a row a visited context: whole tokens of few spins, else each spin on its own.

        Where the contexts are too many for one table, the most visited ones are kept.
        """
        [outcomes] = seen
        tokens, N = tokens_of(outcomes, self.steps, self.columns.N), self.columns.N
        for step, contexts, which in visited(self.columns, tokens):
            seen_here = np.bincount(which, weights=outcomes.counts, minlength=len(contexts.plus))
            cells = 1 << N if N <= WHOLE else 2 * N
            kept = np.sort(np.argsort(-seen_here, kind="stable")[: max(1, MOST_CELLS // cells)])
            place = np.full(len(seen_here), -1)
            place[kept] = np.arange(len(kept))
            rows, shown = place[which], place[which] >= 0
            if N <= WHOLE:
                observed = np.zeros((len(kept), 1 << N))
                np.add.at(observed, (rows[shown], codes_of(tokens[shown, step])), outcomes.counts[shown])
                yield Table(f"token {step + 1}", observed, token_law(contexts.plus[kept]))
                continue
            plus = np.zeros((len(kept), N))
            np.add.at(plus, rows[shown], (tokens[shown, step] > 0) * outcomes.counts[shown, None].astype(np.float64))
            odds = contexts.plus[kept].ravel()
            both = np.stack([plus, seen_here[kept, None] - plus], axis=-1).reshape(-1, 2)
            yield Table(f"token {step + 1}", both, np.stack([odds, 1.0 - odds], axis=1))


def visited(network: SpinNetwork, tokens: SignArray) -> Iterator[tuple[int, Contexts, IntArray]]:
    """Yield each step from 0, the contexts in which its token was drawn, and which of them every row of tokens is in.

    Args:
        network: one column a spin.
        tokens: shape (U, T, N).
    """
    contexts, which = Contexts.start(network), np.zeros(len(tokens), dtype=np.int64)
    steps = tokens.shape[1]
    for step in range(steps):
        yield step, contexts, which
        if step < steps - 1:
            first, grown = distinct(tokens[:, max(0, step + 1 - network.L) : step + 1])
            contexts, which = contexts.after(which[first], tokens[first, step]), grown


def token_law(plus: FloatArray) -> FloatArray:
    """Return the law of whole tokens from the odds of their spins: (C, N) -> (C, 2^N), bit i of a code is spin i, 1 is -1.

    Example:
        >>> token_law(np.array([[1.0, 0.25]])).tolist()
        [[0.25, 0.0, 0.75, 0.0]]
    """
    law = np.ones((len(plus), 1))
    for spin in reversed(range(plus.shape[1])):
        up = plus[:, spin, None]
        law = np.stack([law * up, law * (1.0 - up)], axis=2).reshape(len(plus), -1)
    return law


def codes_of(tokens: SignArray) -> IntArray:
    """Return tokens as numbers: (..., N) -> (...,), bit i is spin i, 1 is -1; at most 62 spins."""
    return np.asarray((tokens < 0).astype(np.int64) @ (np.int64(1) << np.arange(tokens.shape[-1])))
