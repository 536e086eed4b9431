# SPDX-License-Identifier: Apache-2.0
"""Choi matrices of Kraus operators, by which channels are compared."""

from __future__ import annotations

import numpy as np

from stinespring.readings import ComplexArray

__all__ = ["choi_error", "operator_choi"]


def operator_choi(kraus: ComplexArray) -> ComplexArray:
    """Return ``J[(out, in), (out', in')] = sum_k K[out, in] conj(K[out', in'])``, shape (2^(n+m), 2^(n+m)).

    Args:
        kraus: shape (r, 2^n, 2^m).
    """
    rows = kraus.reshape(kraus.shape[0], -1)
    return np.asarray(rows.T @ rows.conj())


def choi_error(first: ComplexArray, second: ComplexArray) -> float:
    """Return the largest absolute entry of the difference of two channels' Choi matrices.

    Args:
        first: Kraus operators, shape (r, 2^n, 2^m).
        second: others, shape (r', 2^n, 2^m).
    """
    return float(abs(operator_choi(first) - operator_choi(second)).max(initial=0.0))
