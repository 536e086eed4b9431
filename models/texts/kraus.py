# SPDX-License-Identifier: Apache-2.0
"""Explicit Kraus operators of one block on a small finite Fock space ``F_N = C + h + h^2 + ... + h^N``.

Source: arXiv 2507.13354. On the diagonal algebra a block is ``E(|w><w|) = sum_j p_j(w) |w y_j><w y_j|``; that fixes no
unique quantum operation. Three extensions are offered, with the same joint law and different action on superpositions.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from stinespring.errors import TooLargeError
from stinespring.models.texts.joint import require_count
from stinespring.readings import BoolArray, FloatArray, IntArray

__all__ = ["EXTENSIONS", "FockSpace", "block_kraus", "position_kraus"]

EXTENSIONS = ("dephased", "position", "token")
MOST_ENTRIES = 1 << 25  # floats of one stack of Kraus operators: 256 MB


@dataclass(frozen=True)
class FockSpace:
    """The texts of at most ``level`` tokens as an orthonormal basis, shorter texts first, then lexicographic.

    Example:
        >>> FockSpace(d=2, level=2).index([1, 0])
        5
    """

    d: int
    level: int

    def offset(self, length: int) -> int:
        """Return the index of the first text of ``length`` tokens."""
        return sum(self.d**n for n in range(length))

    @property
    def dimension(self) -> int:
        """``sum_n d^n`` for n = 0..level."""
        return self.offset(self.level + 1)

    def texts(self, length: int) -> IntArray:
        """Return all texts of ``length`` tokens in basis order, shape (d^length, length)."""
        rows = list(itertools.product(range(self.d), repeat=length))
        return np.array(rows, dtype=np.int64).reshape(self.d**length, length)

    def index(self, text: Sequence[int]) -> int:
        """Return the basis index of a text."""
        number = 0
        for token in text:
            number = number * self.d + int(token)
        return self.offset(len(text)) + number


class Grows(Protocol):
    """What a block's operators ask of a model; see :class:`stinespring.models.texts.base.TextModel`."""

    shortest: int

    @property
    def d(self) -> int:
        """Size of the vocabulary."""

    def symbol_law(self, step: int, texts: IntArray) -> FloatArray:
        """Return the law over tokens and vacuum, shape (B, d+1)."""

    def complete(self, texts: IntArray) -> BoolArray:
        """Return which texts do not grow, shape (B,)."""


class Attends(Grows, Protocol):
    """A model with attended positions; see :class:`stinespring.models.texts.attention.AttentionModel`."""

    def attention(self, step: int, texts: IntArray) -> FloatArray:
        """Return how likely each head attends to each position, shape (B, H, n)."""

    def readings(self, step: int, texts: IntArray) -> FloatArray:
        """Return the next token's law given the attended positions, shape (B, n, ..., n, d)."""


def block_kraus(model: Grows, block: int, level: int) -> dict[str, FloatArray]:
    """Return the Kraus operators of one block on ``F_level``, for the extensions that every model has.

    - ``dephased``: ``K_{w,t} = sqrt(P(t|w)) |w t><w|``;
    - ``token``: ``V = sum_w sum_t sqrt(P(t|w)) |w t><w|``, one operator.

    The vacuum goes to the text of token 0, unless the law gives a first token. Texts at the highest level, texts too short for
    the law and texts that ended with a stop token stay as they are (a further projector: every set preserves the trace).

    Args:
        model: the law.
        block: the generation step that the block serves, from 1.
        level: N, the most tokens a text of this space can have.

    Returns:
        Extension name -> real array of shape (r, D, D) with D the dimension of ``F_N``.

    Raises:
        TooLargeError: more than 2^25 matrix entries for one extension.
    """
    space = FockSpace(model.d, require_count(level, "level"))
    size = space.dimension
    require_room((size * model.d + 2) * size**2, space)
    stay = _staying(model, space)
    dephased, token = [np.diag(stay)], np.zeros((size, size))
    if model.shortest > 0:
        token[space.index([0]), 0] = 1.0
        dephased.append(token.copy())
    for length in range(model.shortest, level):
        texts, start = space.texts(length), space.offset(length)
        law = np.sqrt(model.symbol_law(block, texts)[:, : model.d])
        for w, t in zip(*np.nonzero(law), strict=True):
            if stay[start + w]:
                continue
            target = space.offset(length + 1) + w * model.d + t
            token[target, start + w] = law[w, t]
            single = np.zeros((size, size))
            single[target, start + w] = law[w, t]
            dephased.append(single)
    return {"dephased": np.stack(dephased), "token": np.stack([token, np.diag(stay)])}


def _staying(model: Grows, space: FockSpace) -> FloatArray:
    """Return the diagonal of the projector on the texts that the block leaves alone."""
    stay = np.zeros(space.dimension)
    stay[space.offset(space.level) :] = 1.0
    for length in range(space.level):
        start = space.offset(length)
        if 0 < length < model.shortest:
            stay[start : start + space.d**length] = 1.0
        stay[start : start + space.d**length][model.complete(space.texts(length))] = 1.0
    return stay


def position_kraus(model: Attends, block: int, level: int, *, heads: int) -> FloatArray:
    """Return the Kraus operators of the extension by attended positions, shape (r, D, D).

    ``K_{j} = sum_w sqrt(p_j(w)) |w y_j><w|``, one for each attended position (for several heads each tuple of positions; with
    the softmax readout ``|y_j>`` is ``sum_t sqrt(P(t|j,w)) |t>``).

    Args:
        model: attention blocks.
        block: the generation step that the block serves, from 1.
        level: N.
        heads: of the block.

    Raises:
        TooLargeError: more than 2^25 matrix entries.
    """
    space = FockSpace(model.d, require_count(level, "level"))
    require_room(space.level**heads * space.dimension**2, space)
    stay = _staying(model, space)
    operators = np.zeros((*([space.level] * heads), space.dimension, space.dimension))
    operators[(0,) * heads][space.index([0]), 0] = 1.0
    for length in range(1, space.level):
        texts, start = space.texts(length), space.offset(length)
        go = np.flatnonzero(stay[start : start + len(texts)] == 0)
        weights, reading = model.attention(block, texts[go]), model.readings(block, texts[go])
        for positions in itertools.product(range(length), repeat=heads):
            share = np.prod([weights[:, h, j] for h, j in enumerate(positions)], axis=0)
            amplitude = np.sqrt(share[:, None] * np.moveaxis(reading, 0, -2)[positions])
            for t in range(model.d):
                operators[positions][space.offset(length + 1) + go * model.d + t, start + go] = amplitude[:, t]
    flat = operators.reshape(-1, space.dimension, space.dimension)
    return np.concatenate([flat[flat.any(axis=(1, 2))], np.diag(stay)[None]])


def require_room(entries: int, space: FockSpace) -> None:
    """Refuse stacks of operators that would not fit."""
    if entries > MOST_ENTRIES:
        raise TooLargeError(
            "the Fock space is too large for explicit Kraus operators",
            got=f"d={space.d}, level={space.level}",
            expected=f"at most {MOST_ENTRIES:,} matrix entries",
            todo="use a lower level",
        )
