# SPDX-License-Identifier: Apache-2.0
"""Channels from their definitions: random Kraus operators, products, and the Choi matrix by plain loops."""

from __future__ import annotations

import numpy as np

ID, X, Y, Z = np.eye(2), np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1])
E0, E1 = np.eye(2)


def haar(m, n, r, seed):
    rng = np.random.default_rng(seed)
    gaussian = rng.normal(size=(r << n, 1 << m)) + 1j * rng.normal(size=(r << n, 1 << m))
    return np.linalg.qr(gaussian)[0].reshape(r, 1 << n, 1 << m)


def tensor(first, second):
    return np.array([np.kron(a, b) for a in first for b in second])


def choi(kraus):
    """sum_ij |i><j| (x) E(|i><j|), from its definition."""
    d = kraus.shape[2]
    units = np.eye(d * d).reshape(d, d, d, d)
    return np.array([[sum(k @ units[i, j] @ k.conj().T for k in kraus) for j in range(d)] for i in range(d)])
