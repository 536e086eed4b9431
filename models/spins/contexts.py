# SPDX-License-Identifier: Apache-2.0
"""Contexts of tokens as a host keeps them, and tokens as register values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stinespring.models.spins.network import SignArray, SpinNetwork, probability_plus
from stinespring.readings import FloatArray, IntArray, Outcomes

__all__ = ["PIECE", "Contexts", "columns_of", "distinct", "pieces", "spins_of", "tokens_of"]

PIECE = 60  # bits of a register whose values are integers of 64 bits


@dataclass(frozen=True)
class Contexts:
    """A batch of contexts: all that the law of the next token depends on.

    Attributes:
        network: one column a spin.
        semantic: overlaps of the tokens, newest first, shape (B, L, 4, M).
        time: of the newest token.
    """

    network: SpinNetwork
    semantic: FloatArray
    time: int

    @classmethod
    def start(cls, network: SpinNetwork) -> Contexts:
        """Return the network's own context."""
        network.require_window("a circuit")
        return cls(network, network.start()[None], network.time)

    @cached_property
    def fields(self) -> FloatArray:
        """``beta h`` of the next token's spins, shape (B, N)."""
        return self.network.beta * self.network.fields(self.network.attend(self.semantic, self.time).attention)

    @cached_property
    def plus(self) -> FloatArray:
        """Probability of +1 for each spin of the next token, shape (B, N)."""
        return probability_plus(self.fields)

    def after(self, rows: IntArray | slice, tokens: SignArray) -> Contexts:
        """Return the contexts ``rows`` with one more token each, shape (B', N)."""
        newest = self.network.semantic(tokens)[:, None]
        return Contexts(self.network, np.concatenate([newest, self.semantic[rows, :-1]], axis=1), self.time + 1)


def spins_of(codes: IntArray, spins: int) -> SignArray:
    """Return the spins of register values: bit i is spin i, 1 means -1; (...,) -> (..., N).

    Example:
        >>> spins_of(np.array([2]), 3).tolist()
        [[1, -1, 1]]
    """
    bits = np.asarray(codes)[..., None] >> np.arange(spins) & 1
    return (1 - 2 * bits).astype(np.int8)


def pieces(spins: int) -> list[int]:
    """Return the sizes of the registers that a token of so many spins is read into; one unless they are many."""
    return [min(PIECE, spins - first) for first in range(0, spins, PIECE)]


def names_of(step: int, spins: int) -> list[str]:
    """Return the registers of a token, steps from 1: ``t1``, or ``t1_0``, ``t1_1`` and so on of the sizes of :func:`pieces`."""
    parts = len(pieces(spins))
    return [f"t{step}"] if parts == 1 else [f"t{step}_{part}" for part in range(parts)]


def tokens_of(outcomes: Outcomes, steps: int, spins: int) -> SignArray:
    """Return the tokens of distinct readings, shape (U, T, N)."""
    result = np.empty((len(outcomes.counts), steps, spins), dtype=np.int8)
    for step in range(steps):
        first = 0
        for name, size in zip(names_of(step + 1, spins), pieces(spins), strict=True):
            result[:, step, first : first + size] = spins_of(outcomes.column(name), size)
            first += size
    return result


def columns_of(tokens: SignArray) -> Mapping[str, IntArray]:
    """Return tokens, shape (U, T, N), as the values of their registers."""
    steps, spins = tokens.shape[1:]
    bits, result = (tokens < 0).astype(np.int64), {}
    for step in range(steps):
        first = 0
        for name, size in zip(names_of(step + 1, spins), pieces(spins), strict=True):
            result[name] = bits[:, step, first : first + size] @ (np.int64(1) << np.arange(size))
            first += size
    return result


def distinct(tokens: SignArray) -> tuple[IntArray, IntArray]:
    """Return one shot of each different row of tokens (shots, k, N), and which of them every shot is."""
    packed = np.packbits(tokens.reshape(len(tokens), -1) > 0, axis=1)
    keys = np.ascontiguousarray(packed).view([("", np.uint8)] * packed.shape[1])[:, 0]
    _, first, which = np.unique(keys, return_index=True, return_inverse=True)
    return first.astype(np.int64), which.ravel().astype(np.int64)
