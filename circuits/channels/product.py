# SPDX-License-Identifier: Apache-2.0
"""Channels that act on groups of qubits independently."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from stinespring.circuits.core.choi import operator_choi
from stinespring.readings import ComplexArray

__all__ = ["product_factors"]

EXACT = 1e-13  # largest error of an entry of the Choi matrix
LARGEST = 4  # qubits


def product_factors(kraus: ComplexArray) -> tuple[tuple[int, ...], ComplexArray, ComplexArray] | None:
    """Return the smallest group of qubits on which a channel acts independently of the others, and both channels.

    Args:
        kraus: shape (r, 2^n, 2^n).

    Returns:
        The qubits of the group, the Choi matrices ``J[(out, in), (out', in')]`` of the group and of the other qubits in their
        order, each of trace 2^(its qubits); None if there is no such group.
    """
    qubits = kraus.shape[1].bit_length() - 1
    if kraus.shape[1] != kraus.shape[2] or not 2 <= qubits <= LARGEST:
        return None
    choi = operator_choi(kraus).reshape((2,) * (4 * qubits))
    for size in range(1, qubits // 2 + 1):
        for group in combinations(range(qubits), size):
            rest = tuple(q for q in range(qubits) if q not in group)
            order = [side * qubits + qubits - 1 - q for part in (group, rest) for side in range(4) for q in reversed(part)]
            a, b = 4**size, 4 ** len(rest)
            whole = choi.transpose(order).reshape(a, a, b, b)
            first = np.trace(whole, axis1=2, axis2=3) / 2 ** len(rest)
            second = np.trace(whole, axis1=0, axis2=1) / 2**size
            if abs(first[:, :, None, None] * second - whole).max() <= EXACT:
                return group, first, second
    return None
