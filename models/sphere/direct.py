# SPDX-License-Identifier: Apache-2.0
"""Sums over all pairs of particles, in blocks that stay in the processor's cache.

The score's factor beta and the kernel's factor ``e^{-shift}`` ride on the matrix product: ``[beta x, -shift] . [y, 1]``, and
the row sums on the second one: ``k [y, 1]``. Where the kernel is symmetric only the blocks above the diagonal are computed.
"""

from __future__ import annotations

import numpy as np

from stinespring.readings import FloatArray

__all__ = ["DirectSums"]

ENTRIES = 1 << 17  # of a block: 1 MB, so that it is still in the cache when it is multiplied
MOST_ROWS = 128
SAFE = 300.0  # scores of at most this size are exponentiated without looking for the largest one in a row


class DirectSums:
    """``sum_j e^{beta x_i . M x_j - shift_i} [V x_j, 1]`` for all i.

    Args:
        n: number of particles.
        d: dimension.
        beta: inverse temperature.
        scores: M = Q^T K, or None for the identity.
        value: V, or None for the identity.
        shift: a number, or None: the largest score of each row where it is needed against overflow (for SA, which divides
            the factor out again).
        apart: whether the term j = i is left out of the sums; its kernel value is then in ``own``, shape (n,). It moves
            nothing where V is the identity, and its rounding would drown what does.
    """

    name = "direct"

    def __init__(
        self, n: int, d: int, beta: float, scores: FloatArray | None, value: FloatArray | None, shift: float | None,
        *, apart: bool = False,
    ) -> None:  # fmt: skip
        self.beta, self.scores, self.value, self.shift, self.apart = beta, scores, value, shift, apart
        self.own = np.zeros(n)
        blocks = -(-n // min(n, MOST_ROWS, max(1, ENTRIES // n)))
        self.rows = -(-n // blocks)  # blocks of even size
        self.block = np.empty(self.rows * n)
        self.left, self.right = np.empty((n, d + 1)), np.empty((d + 1, n))
        self.values, self.sums = np.ones((n, d + 1)), np.empty((n, d + 1))

    def __call__(self, x: FloatArray) -> FloatArray:
        """Return the sums for particles x, shape (n, d + 1); the array is used again by the next call."""
        n, d = x.shape
        asked = x if self.scores is None else x @ self.scores
        np.multiply(asked, self.beta, out=self.left[:, :d])
        self.right[:d], self.right[d] = x.T, 1.0
        self.values[:, :d] = x if self.value is None else x @ self.value.T
        by_row = self.shift is None and self.scores is not None and self.largest_score() > SAFE
        self.left[:, d] = -(self.beta if self.shift is None and self.scores is None else self.shift or 0.0)
        if self.scores is None:
            self.upper_blocks(n)
        else:
            self.all_blocks(n, by_row)
        return self.sums

    def largest_score(self) -> float:
        """Return a bound on every |score|, by the Cauchy-Schwarz inequality: the particles are unit vectors."""
        return float(np.sqrt((self.left[:, :-1] ** 2).sum(axis=1).max()))

    def set_apart(self, k: FloatArray, first: int, column: int) -> None:
        """Move the terms j = i of a block whose diagonal begins in a column to ``own``."""
        if self.apart:
            rows, columns = k.shape
            diagonal = k.reshape(-1)[column : column + rows * (columns + 1) - columns : columns + 1]
            self.own[first : first + rows] = diagonal
            diagonal[:] = 0.0

    def upper_blocks(self, n: int) -> None:
        """Fill the sums where the kernel is symmetric: each block serves its rows and its columns."""
        self.sums[:] = 0.0
        for first in range(0, n, self.rows):
            end = min(first + self.rows, n)
            k = self.block[: (end - first) * (n - first)].reshape(end - first, n - first)
            np.matmul(self.left[first:end], self.right[:, first:], out=k)
            np.exp(k, out=k)
            self.set_apart(k, first, 0)
            self.sums[first:end] += k @ self.values[first:]
            if end < n:
                self.sums[end:] += k[:, end - first :].T @ self.values[first:end]

    def all_blocks(self, n: int, by_row: bool) -> None:
        """Fill the sums for any kernel."""
        for first in range(0, n, self.rows):
            end = min(first + self.rows, n)
            k = self.block[: (end - first) * n].reshape(end - first, n)
            np.matmul(self.left[first:end], self.right, out=k)
            if by_row:
                k -= k.max(axis=1)[:, None]
            np.exp(k, out=k)
            self.set_apart(k, first, first)
            np.matmul(k, self.values, out=self.sums[first:end])
