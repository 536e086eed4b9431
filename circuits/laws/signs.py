# SPDX-License-Identifier: Apache-2.0
"""Signs of rotation angles: where phases are free, ``Ry(theta)`` and ``Ry(-theta)`` give the same law.

A vanishing Walsh-Hadamard coefficient of the angles lets neighbouring CZ of the Gray-code form cancel; the signs are chosen
so that many vanish. Angles of contexts that never occur are free altogether.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from stinespring.circuits.exact.multiplexer import gray_angles, gray_code, walsh_hadamard
from stinespring.circuits.laws.closed_form import fill_free_rows, path_length
from stinespring.readings import BoolArray, FloatArray, IntArray

__all__ = ["gray_cost", "signed"]

ZERO = 1e-12  # relative to the largest angle
EXHAUSTIVE = 4  # controls up to which all 2^(2^n) signs are tried
ROUNDS = 4
KEPT = 128  # laws whose signs are kept: drafts that are compared ask for the same ones again and again


def gray_cost(theta: FloatArray) -> IntArray:
    """Return the number of CZ of the Gray-code form for angles of shape (..., 2^n)."""
    size = theta.shape[-1]
    code = gray_code(size.bit_length() - 1)
    kept = abs(gray_angles(theta)) > ZERO
    flat = kept.reshape(-1, size)
    return np.array([path_length(code[row][::-1]) for row in flat], dtype=np.int64).reshape(kept.shape[:-1])


def signed(theta: FloatArray, care: BoolArray) -> FloatArray:
    """Return angles with the same law whose Walsh spectrum is sparse, the input where nothing better is found.

    Args:
        theta: shape (2^n,), the wanted angles, ``P(1|x) = sin^2(theta(x)/2)``.
        care: shape (2^n,), which contexts occur.
    """
    return signed_once(theta.tobytes(), care.tobytes()).copy()


@lru_cache(maxsize=KEPT)
def signed_once(theta: bytes, care: bytes) -> FloatArray:
    """Return what :func:`signed` does."""
    base = fill_free_rows(np.frombuffer(theta), np.frombuffer(care, dtype=np.bool_))
    n = base.size.bit_length() - 1
    if n == 0:
        return base
    candidates = [base]
    if n <= EXHAUSTIVE:
        index = np.arange(2 ** (base.size - 1))
        signs = 1.0 - 2.0 * ((index[:, None] >> np.arange(base.size)) & 1)
        nonzero = (abs(walsh_hadamard(signs * base)) > ZERO).sum(axis=1)
        best = np.argsort(nonzero, kind="stable")[:16]
        candidates += list(signs[best] * base)
    elif n <= 10:
        candidates.append(greedy(base))
    costs = [int(gray_cost(c)) for c in candidates]
    return candidates[int(np.argmin(costs))]


def greedy(theta: FloatArray) -> FloatArray:
    """Flip the sign of one block of contexts at a time as long as more Walsh coefficients vanish."""
    best, least = theta, int((abs(walsh_hadamard(theta)) > ZERO).sum())
    blocks = 1.0 - 2.0 * ((np.arange(len(theta))[None, :] >> np.arange(len(theta).bit_length() - 1)[:, None]) & 1)
    patterns = np.concatenate([blocks, (1.0 + blocks + blocks[::-1] - blocks * blocks[::-1]) / 2.0])
    for _ in range(ROUNDS):
        trial = patterns * best
        nonzero = (abs(walsh_hadamard(trial)) > ZERO).sum(axis=1)
        if nonzero.min() >= least:
            return best
        best, least = trial[int(np.argmin(nonzero))], int(nonzero.min())
    return best
