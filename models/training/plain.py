# SPDX-License-Identifier: Apache-2.0
"""The two sparse operations of a block's law, on plain arrays; :mod:`.gradients` has the same ones with gradients."""

from __future__ import annotations

import numpy as numpy  # noqa: PLC0414 -- part of what the law is evaluated with
from scipy.sparse import csr_array

from stinespring.readings import FloatArray, IntArray

__all__ = ["mix", "numpy", "pick"]


def pick(rows: csr_array, table: FloatArray) -> FloatArray:
    """Return the rows of a table that a sparse matrix takes."""
    return numpy.asarray(rows @ table)


def mix(choice: FloatArray, readings: FloatArray, tuples: IntArray, starts: IntArray) -> FloatArray:
    """Return ``P_b(t) = sum_c choice[b, c] readings[tuples[b, c], t]``.

    Args:
        choice: probability of each choice of places, shape (B, C).
        readings: law given the attended tokens, shape (T, d).
        tuples: which of the T belongs to a choice, shape (B, C).
        starts: ``C * (0..B)``.
    """
    return numpy.asarray(mixture(choice, len(readings), tuples, starts) @ readings)


def mixture(choice: FloatArray, size: int, tuples: IntArray, starts: IntArray) -> csr_array:
    """Return the sparse matrix of :func:`mix`, shape (B, T)."""
    return csr_array((choice.ravel(), tuples.ravel(), starts), shape=(len(choice), size))
