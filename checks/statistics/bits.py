# SPDX-License-Identifier: Apache-2.0
"""Samples as streams of two-valued features, each with its exact odds given all that was read before it.

What a feature is beyond its mean has mean 0 whatever was read before, and so has its product with anything read before. Sums of
such products over the shots are sums of independent bounded terms, so that Bennett's inequality bounds their tails for every
number of shots. The products with one, two or all earlier features show what depends on what: copies, periods, parities.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from stinespring.checks.statistics.family import Scope, ScopedTest
from stinespring.checks.statistics.tails import bennett, detected_shift
from stinespring.readings import BoolArray, FloatArray, IntArray

__all__ = ["FeatureSums", "Features"]

Place = Callable[[tuple[int, ...]], str]  # from the indices of a sum to its place in words
Part = tuple[FloatArray, BoolArray, Place]  # sums, which of them count, and where they are

MOST_WORK = 1 << 36  # multiplications of all pairs, or all triples: a few seconds
MOST_COLUMNS = 2048
MOST_TRIPLES = 45  # features up to which three at a time are tested


@dataclass(frozen=True)
class Features:
    """The features of every shot, in the order they are read.

    Attributes:
        places: where each is, in words.
        group: features of one group come at once: products are made with those of earlier groups, shape (M,), ascending.
        stride: every stride-th feature before one makes a parity with it.
        single: against what each feature on its own is tested.
        pair: likewise, two of them.
        triple: likewise, three of them.
        parity: likewise, one and all before it.
    """

    places: Sequence[str]
    group: IntArray
    stride: int
    single: str
    pair: str
    triple: str
    parity: str

    @property
    def width(self) -> int:
        """How many, M."""
        return len(self.group)


class FeatureSums:
    """Sums over the shots, filled with :meth:`add`.

    Args:
        features: of every shot.
        readings: how many distinct ones will be added, which decides what can be afforded.
    """

    def __init__(self, features: Features, readings: int) -> None:
        self.features, self.shots = features, 0.0
        width, readings = features.width, max(1, readings)
        most = int(min(MOST_COLUMNS, np.sqrt(MOST_WORK / readings)))
        every = np.arange(width)
        self.columns = every if width <= most else np.concatenate([every[: most // 2], every[width - most // 2 :]])
        self.single, self.variance, self.parity = np.zeros(width), np.zeros(width), np.zeros(width)
        self.pairs = np.zeros((len(self.columns), len(self.columns)))
        few = width <= MOST_TRIPLES and readings * width**3 <= MOST_WORK
        self.triples = [np.zeros((j, width - j - 1)) for j in range(width - 1)] if few else []

    def add(self, signs: FloatArray, left: FloatArray, variance: FloatArray, counts: IntArray) -> None:
        """Add readings.

        Args:
            signs: the features, +-1, shape (U, M).
            left: half of what each is beyond its mean given all before, at most 1 in size, shape (U, M).
            variance: of that, shape (U, M).
            counts: shape (U,).
        """
        weights = counts.astype(np.float64)
        weighted = left * weights[:, None]
        self.shots += float(weights.sum())
        self.single += weighted.sum(axis=0)
        self.variance += weights @ variance
        before = np.ones_like(signs)
        for column in range(self.features.stride, self.features.width):
            earlier = column - self.features.stride
            before[:, column] = before[:, earlier] * signs[:, earlier]
        self.parity += np.einsum("um,um->m", before, weighted)
        self.pairs += signs[:, self.columns].T @ weighted[:, self.columns]
        for j, sums in enumerate(self.triples):
            sums += (signs[:, :j] * signs[:, j : j + 1]).T @ weighted[:, j + 1 :]

    def tests(self, alpha: float) -> list[ScopedTest]:
        """Return the tests of single features, pairs and triples, each with the false-alarm rate ``alpha``."""
        if not (self.variance > 0).any():
            return []
        names, group = self.features.places, self.features.group
        found = [self.told("bits", self.features.single, [(self.single, self.variance > 0, lambda at: names[at[0]])], alpha)]
        kept = self.columns
        earlier = (group[kept][:, None] < group[kept]) & (self.variance[kept] > 0)
        if earlier.any():
            words = self.features.pair
            words += "" if len(kept) == self.features.width else f" (the first and the last {len(kept) // 2:,} features)"
            sums = (self.pairs, earlier, lambda at: f"{names[kept[at[0]]]} with {names[kept[at[1]]]}")
            found.append(self.told("pairs", words, [sums], alpha))
        parities = (self.variance > 0) & (np.arange(self.features.width) >= 2 * self.features.stride)
        if self.triples or parities.any():
            found += self.several(alpha, parities)
        return found

    def several(self, alpha: float, parities: BoolArray) -> list[ScopedTest]:
        """Return the test of three features at a time, and of each with the parity of those before it."""
        names, group = self.features.places, self.features.group
        parts: list[Part] = [(self.parity, parities, lambda at: f"{names[at[0]]} with the parity of all before")]
        for j, sums in enumerate(self.triples):
            usable = (group[:j] < group[j])[:, None] & ((group[j + 1 :] > group[j]) & (self.variance[j + 1 :] > 0))

            def place(at: tuple[int, ...], j: int = j) -> str:
                return f"{names[at[0]]} and {names[j]} with {names[at[1] + j + 1]}"

            parts.append((sums, usable, place))
        if not any(used.any() for _, used, _ in parts):
            return []
        if not self.triples:
            return [self.told("parity", self.features.parity, parts, alpha)]
        return [self.told("triples", f"{self.features.triple}, and {self.features.parity}", parts, alpha)]

    def told(self, name: Scope, against: str, parts: Sequence[Part], alpha: float) -> ScopedTest:
        """Return one test from sums, which of them count, and how the place of one is told."""
        number = int(sum(used.sum() for _, used, _ in parts))
        best, where = 0.0, ""
        for sums, used, place in parts:
            if used.any():
                variance = np.broadcast_to(self.variance_of(sums), sums.shape)
                logs = np.where(used, bennett(sums, variance), 0.0)
                at = np.unravel_index(int(np.argmin(logs)), logs.shape)
                if logs[at] < best:
                    best, where = float(logs[at]), place(tuple(int(i) for i in at))
        resolution = detected_shift(float(self.variance.max()), self.shots, alpha / number)
        return ScopedTest(
            name, name, against, float(min(1.0, number * np.exp(best))), "Bennett", resolution, number, where=where
        )

    def variance_of(self, sums: FloatArray) -> FloatArray:
        """Return the variances that belong to the last index of some sums."""
        columns = sums.shape[-1]
        if sums.ndim == 2 and columns == len(self.columns):
            return np.asarray(self.variance[self.columns])
        return np.asarray(self.variance[self.features.width - columns :])
