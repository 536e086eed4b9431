# SPDX-License-Identifier: Apache-2.0
"""Which token of a support gets which code after each prefix, so that every bit has a half form.

With codes by prefix the order within each support is free. The law of one bit takes half the gates of a uniformly controlled
rotation where one angle gamma fits all pairs of contexts that differ in one control:
``|t0 - t1| <= gamma <= min(t0 + t1, 2 pi - t0 - t1)``, see :mod:`stinespring.circuits.laws.half_form`. Swapping the outcomes of
one context of a pair mirrors what fits it to ``pi - gamma``. So for a gamma of each bit of a token, orders are found whose
pairs within a prefix fit, and of these for the first bit such that the pairs of prefixes do.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from stinespring.circuits.laws.half_form import gamma_bounds
from stinespring.readings import BoolArray, FloatArray, IntArray

__all__ = ["fitting_order"]

GAMMAS = np.linspace(0.06, np.pi / 2, 26)  # beyond pi/2 they mirror these
ROOM = 1e-6  # of a fit
ORDERS = 48  # that are tried for each prefix where not all can be
MOST = 1 << 22  # numbers of one search


def fitting_order(ranked: FloatArray) -> IntArray | None:
    """Return for each prefix which rank gets which code, shape (B, 2^k); None: the order of the ranks does, or none was found.

    Args:
        ranked: the laws of one step, likeliest first, shape (B, 2^k); B a power of two, all prefixes with all codes.
    """
    count, size = ranked.shape
    bits = size.bit_length() - 1
    if count & (count - 1) or size & (size - 1) or bits < 2 or not (ranked > 0).all() or fits(ranked):
        return None
    orders = candidates(size)
    inner = len(GAMMAS) ** (bits - 1)
    if count * len(orders) * inner > MOST:
        return None
    laws = ranked[:, orders]  # (B, orders, size)
    allowed = [within(laws, level) for level in range(1, bits)]  # each (gammas, B, orders)
    first = 2.0 * np.arccos(np.sqrt(laws[:, :, : size // 2].sum(axis=2).clip(0.0, 1.0)))
    for gammas in sorted(product(range(len(GAMMAS)), repeat=bits - 1), key=lambda each: -sum(each)):
        able = np.logical_and.reduce([part[gamma] for part, gamma in zip(allowed, gammas, strict=True)])
        if not able.any(axis=1).all():
            continue
        chosen = across(first, able)
        if chosen is None:
            continue
        rows = orders[chosen[0]]
        rows = np.where(chosen[1][:, None], np.roll(rows, size // 2, axis=1), rows)
        for level, gamma in enumerate(gammas, start=1):
            rows = turned(ranked, rows, level, float(GAMMAS[gamma]))
        if fits(np.take_along_axis(ranked, rows, axis=1)):
            return np.asarray(rows)
    return None


def candidates(size: int) -> IntArray:
    """Return orders of the ranks: of four all that pair them differently, of more the order itself and some random ones."""
    if size == 4:
        return np.array([[0, 1, 2, 3], [0, 2, 1, 3], [0, 3, 1, 2]])
    rng = np.random.default_rng(size)
    return np.array([np.arange(size), *(rng.permutation(size) for _ in range(ORDERS - 1))])


def angles(laws: FloatArray, level: int) -> FloatArray:
    """Return the polar angles of a bit, shape (..., 2^level): of each value of the token's higher bits."""
    parts = laws.reshape(*laws.shape[:-1], 1 << level, 2, -1).sum(axis=-1)
    return np.asarray(2.0 * np.arctan2(np.sqrt(parts[..., 1]), np.sqrt(parts[..., 0])))


def direct(t0: FloatArray, t1: FloatArray, gamma: float) -> BoolArray:
    """Return whether a gamma fits pairs of angles as they are."""
    low, high = abs(t0 - t1), np.minimum(t0 + t1, 2.0 * np.pi - t0 - t1)
    return np.asarray((low + ROOM <= gamma) & (gamma <= high - ROOM))


def fit(t0: FloatArray, t1: FloatArray, gamma: float) -> BoolArray:
    """Return whether a gamma fits pairs of angles, with the outcomes of one of them swapped if need be."""
    return direct(t0, t1, gamma) | direct(t0, np.pi - t1, gamma)


def fits(laws: FloatArray) -> bool:
    """Return whether every bit of a step, shape (B, 2^k), has a half form at some control; see ``half_form``."""
    for level in range(laws.shape[1].bit_length() - 1):
        theta = angles(laws, level).ravel()
        care, controls = np.ones(theta.size, dtype=bool), range(theta.size.bit_length() - 1)
        bounds = [gamma_bounds(theta, care, control=control) for control in controls]
        if bounds and all(low.max() > high.min() for low, high in bounds):
            return False
    return True


def turned(ranked: FloatArray, rows: IntArray, level: int, gamma: float) -> IntArray:
    """Return orders in which the outcomes of a bit are swapped where a pair within a prefix fits only so."""
    pairs = angles(np.take_along_axis(ranked, rows, axis=1), level).reshape(len(rows), -1, 2)
    wrong = np.zeros(pairs.shape, dtype=bool)
    wrong[..., 1] = ~direct(pairs[..., 0], pairs[..., 1], gamma)
    blocks = rows.reshape(len(rows), 1 << level, 2, -1)
    return np.asarray(np.where(wrong.reshape(len(rows), -1)[:, :, None, None], blocks[:, :, ::-1], blocks).reshape(rows.shape))


def within(laws: FloatArray, level: int) -> BoolArray:
    """Return where a gamma fits all pairs of a bit that differ in the token's next higher bit, shape (gammas, B, orders)."""
    pairs = angles(laws, level).reshape(*laws.shape[:-1], -1, 2)
    return np.stack([fit(pairs[..., 0], pairs[..., 1], gamma).all(axis=-1) for gamma in GAMMAS])


def across(first: FloatArray, able: BoolArray) -> tuple[IntArray, BoolArray] | None:
    """Return an order for each prefix and whether its first bit is swapped, both (B,), so that one gamma fits that bit's pairs.

    Args:
        first: the first bit's polar angle in each order, shape (B, orders).
        able: which orders fit within a prefix, shape (B, orders).

    Returns:
        None where there are none. A single prefix has no pairs.
    """
    count, chosen = len(first), np.argmax(able, axis=1)
    if count == 1:
        return chosen, np.zeros(1, dtype=bool)
    for control in range(count.bit_length() - 1):
        one = np.arange(count).reshape(-1, 2, 1 << control)[:, 0].ravel()
        other = one + (1 << control)
        both = able[one][:, :, None] & able[other][:, None, :]
        for gamma in map(float, GAMMAS[::-1]):
            good = (fit(first[one][:, :, None], first[other][:, None, :], gamma) & both).reshape(len(one), -1)
            if good.any(axis=1).all():
                chosen[one], chosen[other] = np.divmod(np.argmax(good, axis=1), first.shape[1])
                swapped = np.zeros(count, dtype=bool)
                swapped[other] = ~direct(first[one, chosen[one]], first[other, chosen[other]], gamma)
                return chosen, swapped
    return None
