# SPDX-License-Identifier: Apache-2.0
"""Recognise laws of attention: the outcome is a fixed function of one of the context's tokens.

Such a law is ``P(t|x) = sum_j a_j(x) [f(x_j) = t]`` for a text x of n tokens. The map f can be read off texts that repeat one
token; how mass is divided among positions with the same outcome is free.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stinespring.readings import BoolArray, FloatArray, IntArray

__all__ = ["AttentionLaw", "attention_law"]

UNKNOWN = -1


@dataclass(frozen=True)
class AttentionLaw:
    """A law ``P(t|x) = sum_j a_j(x) [f(x_j) = t]``.

    Attributes:
        weights: a, shape (2^{kn}, n); positions with the same outcome share its mass equally.
        outcomes: f(x_j), shape (2^{kn}, n).
        token_map: f, shape (2^k,).
        care: contexts that matter, shape (2^{kn},).
    """

    weights: FloatArray
    outcomes: IntArray
    token_map: IntArray
    care: BoolArray

    @property
    def tokens(self) -> int:
        """Number of tokens n in the context."""
        return int(self.weights.shape[1])

    @property
    def token_bits(self) -> int:
        """Number of wires k of a token."""
        return len(self.token_map).bit_length() - 1


def attention_law(law: FloatArray, care: BoolArray, *, token_bits: int) -> AttentionLaw | None:
    """Return the law as one of attention, or None if it is not.

    Args:
        law: shape (2^{kn}, 2^k); rows that do not matter are zero.
        care: contexts that matter, shape (2^{kn},).
        token_bits: k.
    """
    width = law.shape[0].bit_length() - 1
    size = 1 << token_bits
    if token_bits < 1 or width == 0 or width % token_bits or law.shape[1] != size:
        return None
    tokens = (np.arange(law.shape[0])[:, None] >> (token_bits * np.arange(width // token_bits))) & (size - 1)
    token_map = complete_map(read_map(law, care, tokens))
    outcomes = token_map[tokens]
    same = outcomes[:, :, None] == outcomes[:, None, :]
    weights = np.take_along_axis(law, outcomes, axis=1) / same.sum(axis=2)
    covered = np.zeros_like(law, dtype=np.bool_)
    np.put_along_axis(covered, outcomes, True, axis=1)
    if np.any(law[~covered] > 0):
        return None
    return AttentionLaw(weights, outcomes, token_map, care)


def read_map(law: FloatArray, care: BoolArray, tokens: IntArray) -> IntArray:
    """Return f where the law tells it: from texts of one token, then from texts in which all but one token is known."""
    token_map = np.full(law.shape[1], UNKNOWN, dtype=np.int64)
    constant = np.flatnonzero(care & np.all(tokens == tokens[:, :1], axis=1))
    token_map[tokens[constant, 0]] = law[constant].argmax(axis=1)
    found = True
    while found:
        found = False
        for x in np.flatnonzero(care & np.any(token_map[tokens] == UNKNOWN, axis=1)).tolist():
            missing = {t for t in tokens[x].tolist() if token_map[t] == UNKNOWN}
            left = set(np.flatnonzero(law[x] > 0).tolist()) - set(token_map[tokens[x]].tolist())
            if len(missing) == 1 and len(left) == 1:
                token_map[missing.pop()], found = left.pop(), True
    return token_map


def complete_map(token_map: IntArray) -> IntArray:
    """Return f with unknown images set to outcomes that do not occur, so that it is a permutation where it can be."""
    unused = [t for t in range(len(token_map)) if t not in token_map]
    result = token_map.copy()
    for token in np.flatnonzero(token_map == UNKNOWN).tolist():
        result[token] = unused.pop(0) if unused else 0
    return result
