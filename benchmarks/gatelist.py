# SPDX-License-Identifier: Apache-2.0
"""A list of one-qubit matrices and CX, whatever made it: what it costs, and the law it realises."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["CX", "Step", "counts", "isometry", "isometry_error", "law_error"]

ComplexArray = NDArray[np.complex128]
CX = "cx"


class Step(NamedTuple):
    """A CX (control, target), or a one-qubit matrix."""

    on: tuple[int, ...]
    matrix: ComplexArray | None = None


def counts(pairs: Iterable[tuple[int, ...]]) -> tuple[int, int]:
    """Return the number of two-qubit gates and the longest chain of them that share qubits."""
    level: dict[int, int] = {}
    total = 0
    for a, b in pairs:
        total += 1
        level[a] = level[b] = 1 + max(level.get(a, 0), level.get(b, 0))
    return total, max(level.values(), default=0)


def isometry(steps: Sequence[Step], qubits: int, given: int) -> ComplexArray:
    """Return the circuit's columns for the basis states of its first ``given`` qubits, the others being |0>.

    Returns:
        Shape (2^qubits, 2^given), qubit 0 least significant.
    """
    size, columns = 2**qubits, 2**given
    state = np.zeros((size, columns), dtype=complex)
    state[np.arange(columns), np.arange(columns)] = 1
    for on, matrix in steps:
        if matrix is None:
            control, target = on
            high, low = max(on), min(on)
            view = state.reshape(2 ** (qubits - 1 - high), 2, 2 ** (high - low - 1), 2, 2**low * columns)
            ones = view[:, 1] if control == high else view[:, :, :, 1]
            axis = 2 if target == low else 1  # where the target is once the control is fixed to 1
            ones[...] = np.flip(ones, axis=axis).copy()
        else:
            view = state.reshape(2 ** (qubits - 1 - on[0]), 2, 2 ** on[0] * columns)
            zero, one = view[:, 0].copy(), view[:, 1].copy()
            view[:, 0] = matrix[0, 0] * zero + matrix[0, 1] * one
            view[:, 1] = matrix[1, 0] * zero + matrix[1, 1] * one
    return state


def law_error(V: ComplexArray, P: NDArray[np.float64]) -> float:
    """Return ``max |p(t|x) - P(t|x)|`` for columns that hold x in the low and t in the high qubits."""
    contexts, d = P.shape
    found = (abs(V) ** 2).reshape(d, contexts, contexts).sum(axis=1).T
    return float(abs(found - P).max())


def isometry_error(V: ComplexArray, P: NDArray[np.float64]) -> float:
    """Return the largest amplitude error against ``|x> -> |x> sum_t sqrt(P(t|x)) |t>``, up to a global phase."""
    contexts, d = P.shape
    wanted = np.zeros((d, contexts, contexts), dtype=complex)
    index = np.arange(contexts)
    wanted[:, index, index] = np.sqrt(P).T
    overlap = np.vdot(wanted, V.reshape(wanted.shape))
    phase = overlap / abs(overlap) if abs(overlap) else 1.0
    return float(abs(V.reshape(wanted.shape) - phase * wanted).max())
