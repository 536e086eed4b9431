# SPDX-License-Identifier: Apache-2.0
"""The exact joint law of the generated tokens: the chain rule, level by level."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from stinespring.errors import InputError, TooLargeError
from stinespring.memory import require_memory
from stinespring.readings import FloatArray, IntArray
from stinespring.showing import Brief, FourLines

__all__ = ["JointLaw", "NextToken", "SparseLaw", "expand", "joint_law", "require_count"]

MOST_TEXTS = 1 << 18  # with 20 steps 40 MB
AT_ONCE = 1 << 20  # probabilities that are looked at before texts are counted: 8 MB


@dataclass(frozen=True, eq=False)
class SparseLaw:
    """Every symbol that can follow each of B texts, text by text, in rising order.

    Attributes:
        count: B.
        rows: shape (N,): whose it is.
        symbols: shape (N,).
        probabilities: shape (N,), all above zero; those of a text sum to 1.
    """

    count: int
    rows: IntArray
    symbols: IntArray
    probabilities: FloatArray

    @classmethod
    def of(cls, law: FloatArray) -> SparseLaw:
        """Return a law, shape (B, D), without its zeros."""
        rows, symbols = np.nonzero(law)
        return cls(len(law), rows, symbols, law[rows, symbols])

    @classmethod
    def together(cls, parts: list[SparseLaw]) -> SparseLaw:
        """Return the laws of several batches of texts as those of one."""
        first = np.cumsum([0, *(part.count for part in parts)])
        rows = [part.rows + begin for part, begin in zip(parts, first, strict=False)]
        none = np.zeros(0, dtype=np.int64)
        return cls(
            int(first[-1]), np.concatenate([none, *rows]), np.concatenate([none, *(part.symbols for part in parts)]),
            np.concatenate([np.zeros(0), *(part.probabilities for part in parts)]),
        )  # fmt: skip

    def columns(self) -> tuple[FloatArray, IntArray]:
        """Return the probabilities and the symbols of each text side by side, both (B, K); symbol -1, at 0, fills a row."""
        begin = np.searchsorted(self.rows, np.arange(self.count + 1))
        places = np.arange(len(self.rows)) - begin[self.rows]
        shape = self.count, int(np.diff(begin).max(initial=1))
        law, symbols = np.zeros(shape), np.full(shape, -1, dtype=np.int64)
        law[self.rows, places], symbols[self.rows, places] = self.probabilities, self.symbols
        return law, symbols


class NextToken(Protocol):
    """What the chain rule asks of a model; see :class:`stinespring.models.texts.base.TextModel`."""

    name: str

    @property
    def d(self) -> int:
        """Size of the vocabulary."""

    def encode(self, prompt: str | Sequence[int]) -> IntArray:
        """Return the prompt's token numbers, shape (n,)."""

    @property
    def least_branching(self) -> int:
        """The fewest tokens that can follow a text before it ends, as far as that is known."""

    def check_length(self, length: int, what: str) -> None:
        """Refuse a text that is too long."""

    def possible(self, step: int, texts: IntArray) -> SparseLaw:
        """Return what can follow each text."""

    def text(self, numbers: Sequence[int]) -> str:
        """Return the key of a generated text."""


@dataclass(frozen=True, repr=False)
class JointLaw(Brief, Mapping[str, float]):
    """``P(x_{n+1..n+L} | prompt)`` as arrays, and as a mapping from a text's key to its probability.

    Attributes:
        model: the model whose law it is.
        texts: shape (U, L), token numbers; the vacuum fills the places after a stop token.
        probabilities: shape (U,), all above zero, sum 1.
    """

    model: NextToken
    texts: IntArray
    probabilities: FloatArray

    @cached_property
    def _by_key(self) -> dict[str, float]:
        return {self.model.text(t): float(p) for t, p in zip(self.texts.tolist(), self.probabilities, strict=True)}

    def __getitem__(self, key: str) -> float:
        return self._by_key[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_key)

    def __len__(self) -> int:
        return len(self.texts)

    def brief(self) -> FourLines:
        """Return how many texts there are, and the likeliest."""
        order = np.argsort(-self.probabilities, kind="stable")[:3]
        top = ", ".join(f"{self.model.text(self.texts[i].tolist())!r} {self.probabilities[i]:.4f}" for i in order)
        return FourLines(f"JointLaw of {self.model.name!r}", [f"texts: {len(self.texts):,}", f"likeliest: {top}"])


def require_count(value: object, what: str) -> int:
    """Return ``value`` as an int of at least 1, or say what is wrong."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise InputError(f"{what} must be a whole number of at least 1", got=repr(value), expected="1, 2, 3, …")
    return int(value)


def expand(
    model: NextToken, step: int, prompt: IntArray, texts: IntArray, weights: FloatArray, *, most: int | None = None
) -> tuple[IntArray, FloatArray]:
    """Append one token to every generated text in every possible way.

    Args:
        model: the law.
        step: the generation step, from 1.
        prompt: shape (n,).
        texts: shape (U, step-1), the generated parts so far.
        weights: shape (U,), their probabilities.
        most: more texts are refused before they are listed.

    Returns:
        The texts one token longer, shape (U', step), in lexicographic order if ``texts`` was, and their probabilities.
    """
    whole = np.concatenate([np.broadcast_to(prompt, (len(texts), len(prompt))), texts], axis=1)
    size = len(texts) if most is None else max(1, AT_ONCE // (model.d + 1))
    parts: list[SparseLaw] = []
    for first in range(0, len(texts), size):
        parts.append(model.possible(step, whole[first : first + size]))
        if most is not None and sum(len(part.rows) for part in parts) > most:
            raise too_many_texts(model, step - 1, most)
    law = SparseLaw.together(parts)
    require_memory(expand_bytes(len(law.rows), step), "the list of texts with their probabilities", "use fewer steps")
    return np.concatenate([texts[law.rows], law.symbols[:, None]], axis=1), weights[law.rows] * law.probabilities


def expand_bytes(longer: int, step: int) -> float:
    """Return what :func:`expand` needs at its peak beside dense laws: the sparse law, in parts and whole, and the longer texts.

    Args:
        longer: how many texts come out.
        step: their length.
    """
    return 8.0 * longer * (6 + 2 * step)


def joint_law(model: NextToken, prompt: str | Sequence[int], steps: int, most: int = MOST_TEXTS) -> JointLaw:
    """Return ``P(x_{n+1..n+L}) = prod_l P_l(x_{n+l} | x_1..x_{n+l-1})`` over all texts of ``steps`` new tokens.

    Args:
        model: the law of each block.
        prompt: token names separated by white space, or token numbers.
        steps: L, at least 1.
        most: more texts are refused as soon as they are seen.

    Raises:
        InputError: a prompt or a number of steps that cannot be used.
        TooLargeError: more texts.

    Source: arXiv 2507.13354, the joint law ``Tr[X_L E_L(... X_1 E_1(rho_0) X_1 ...) X_L]``.
    """
    start = model.encode(prompt)
    steps = require_count(steps, "steps")
    model.check_length(len(start) + steps, "the text")
    if model.least_branching**steps > MOST_TEXTS:  # before any of it is made
        raise too_many_texts(model, int(math.log(MOST_TEXTS) / math.log(model.least_branching) + 1e-9))
    texts, weights = np.zeros((1, 0), dtype=np.int64), np.ones(1)
    for step in range(1, steps + 1):
        texts, weights = expand(model, step, start, texts, weights, most=most)
    return JointLaw(model, texts, weights)


def too_many_texts(model: NextToken, fits: int, most: int = MOST_TEXTS) -> TooLargeError:
    """Return the error for a joint law with more texts than fit."""
    return TooLargeError(
        "the joint law has too many texts to list",
        got=f"more than {most:,} texts of {model.name}",
        expected=f"at most {fits} step(s) fit",
        todo="ask for fewer steps, or a smaller --top-k",
    )
