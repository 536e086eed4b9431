# SPDX-License-Identifier: Apache-2.0
"""Choi matrices of Kraus operators, by which channels are compared."""

from __future__ import annotations

import numpy as np

from stinespring.readings import ComplexArray

__all__ = ["choi_error", "operator_choi"]

MOST_ROWS = 1 << 11  # of Choi matrices that are written out: 64 MB each


def operator_choi(kraus: ComplexArray) -> ComplexArray:
    """Return ``J[(out, in), (out', in')] = sum_k K[out, in] conj(K[out', in'])``, shape (2^(n+m), 2^(n+m)).

    Args:
        kraus: shape (r, 2^n, 2^m).
    """
    rows = kraus.reshape(kraus.shape[0], kraus.shape[1] * kraus.shape[2])
    return np.asarray(rows.T @ rows.conj())


def choi_error(first: ComplexArray, second: ComplexArray) -> float:
    """Return the largest absolute entry of the difference of two channels' Choi matrices; of large ones a bound from above.

    With the operators as columns of W and their signs D the difference is ``W D W^dag``, and with ``W = Q R`` no entry of it
    exceeds ``max_x |q_x|^2`` times the spectral norm of ``R D R^dag``, a small matrix where the Choi matrix of eight qubits
    takes 64 GiB.

    Args:
        first: Kraus operators, shape (r, 2^n, 2^m).
        second: others, shape (r', 2^n, 2^m).
    """
    rows = first.shape[1] * first.shape[2]
    if rows <= MOST_ROWS:
        return float(abs(operator_choi(first) - operator_choi(second)).max(initial=0.0))
    signs = np.repeat([1.0, -1.0], [len(first), len(second)])
    q, r = np.linalg.qr(np.concatenate([first.reshape(-1, rows), second.reshape(-1, rows)]).T)
    return float((abs(q) ** 2).sum(axis=1).max(initial=0.0) * np.linalg.norm((r * signs) @ r.conj().T, 2))
