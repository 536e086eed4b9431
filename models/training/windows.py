# SPDX-License-Identifier: Apache-2.0
"""What is trained on and measured on: distinct contexts, each with the law of the next token and a weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stinespring.readings import FloatArray, IntArray

__all__ = ["TINY", "Corpus", "Windows", "counted"]

TINY = 1e-300  # the least probability, so that its logarithm is a number


@dataclass(frozen=True, eq=False)
class Windows:
    """Distinct contexts of one length.

    Attributes:
        contexts: token numbers, the oldest first, shape (B, n).
        laws: of the next token, shape (B, d), rows sum to 1.
        weights: how often each context occurs: counts of a text or of a sample, shape (B,).
    """

    contexts: IntArray
    laws: FloatArray
    weights: FloatArray

    @property
    def length(self) -> int:
        """Tokens of a context."""
        return int(self.contexts.shape[1])

    @property
    def share(self) -> FloatArray:
        """The weights with sum 1."""
        return np.asarray(self.weights / self.weights.sum())

    def entropy(self) -> float:
        """Return the mean entropy of the laws, ``sum_c w_c H(law_c)``, in nats: the least cross-entropy there can be."""
        logarithms = np.log(np.where(self.laws > 0, self.laws, 1.0))
        return float(-(self.share @ (self.laws * logarithms).sum(axis=1)))

    def cross_entropy(self, laws: FloatArray) -> float:
        """Return ``-sum_c w_c sum_t law_c(t) log laws_c(t)`` in nats; probabilities are at least 1e-300."""
        logarithms = np.log(np.maximum(laws, TINY))
        return float(-(self.share @ (self.laws * logarithms).sum(axis=1)))

    def divergence(self, laws: FloatArray) -> float:
        """Return the mean ``KL(law_c || laws_c)`` in nats per token."""
        return self.cross_entropy(laws) - self.entropy()


@dataclass(frozen=True, eq=False)
class Corpus:
    """Everything one training needs.

    Attributes:
        tokens: names of the d tokens.
        stop: the stop token's number, or None.
        train: contexts of full length that are trained on.
        short: shorter contexts that are trained on, too, so that a prompt may be short.
        choose: contexts that decide when to stop, and how n-grams are smoothed.
        held_out: contexts that nothing is decided on.
        source: what it was made of, in words.
    """

    tokens: tuple[str, ...]
    stop: int | None
    train: Windows
    short: tuple[Windows, ...]
    choose: Windows
    held_out: Windows
    source: str


def counted(contexts: IntArray, following: IntArray | Sequence[int], d: int) -> Windows:
    """Return the distinct contexts among ``contexts``, shape (M, n), with the shares of what follows them.

    Example:
        >>> windows = counted(np.array([[0], [1], [0]]), [1, 0, 0], d=2)
        >>> windows.contexts.tolist(), windows.laws.tolist(), windows.weights.tolist()
        ([[0], [1]], [[0.5, 0.5], [1.0, 0.0]], [2.0, 1.0])
    """
    distinct, place = np.unique(contexts, axis=0, return_inverse=True)
    counts = np.zeros((len(distinct), d))
    np.add.at(counts, (place.ravel(), np.asarray(following)), 1.0)
    weights = counts.sum(axis=1)
    return Windows(distinct, counts / weights[:, None], weights)
