# SPDX-License-Identifier: Apache-2.0
"""Contexts of tokens as a host keeps them, and tokens as register values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stinespring.models.spins.network import SignArray, SpinNetwork, probability_plus
from stinespring.readings import FloatArray, IntArray

__all__ = ["Contexts", "distinct", "spins_of"]


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


def distinct(tokens: SignArray) -> tuple[IntArray, IntArray]:
    """Return one shot of each different row of tokens (shots, k, N), and which of them every shot is."""
    packed = np.packbits(tokens.reshape(len(tokens), -1) > 0, axis=1)
    keys = np.ascontiguousarray(packed).view([("", np.uint8)] * packed.shape[1])[:, 0]
    _, first, which = np.unique(keys, return_index=True, return_inverse=True)
    return first.astype(np.int64), which.ravel().astype(np.int64)
