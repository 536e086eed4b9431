# SPDX-License-Identifier: Apache-2.0
"""The shortest closed form known for one bit: dropped controls, half forms with several gamma, real rotations.

If no single gamma fits (:mod:`stinespring.circuits.laws.half_form`), let it depend on m further controls y. The axis w(y) only
needs the polar angle ``gamma(y) / 2``, or pi minus it, which is again a law with free phases. So the cost is ``2^{n-1}`` and
the cost of m controls, between ``2^{m-1}`` and ``2^m - 1``; m = n - 1 always fits and costs what Gray order costs.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations

import numpy as np

from stinespring.circuits.core.cz_sequence import CzSequence, multiply, rotation_y
from stinespring.circuits.exact.multiplexer import walsh_hadamard
from stinespring.circuits.laws.half_form import attach, gamma_bounds, half_form, pair_rows
from stinespring.readings import BoolArray, FloatArray, IntArray

__all__ = ["closed_form", "drop_control", "fill_free_rows", "path_length", "restore_control", "rotation_sequence"]

ZERO_ANGLE = 1e-14  # radians: Walsh coefficients and differences below this are rounding
ENUMERATION_LIMIT = 40_000  # pairs of a subset of controls and a row; beyond it subsets grow greedily
GREEDY_PATH_LIMIT = 512  # Walsh masks
NESTED_ROWS = 16  # tails over more rows are not nested again
KEPT = 64  # laws whose several gamma are kept: drafts that are compared ask for the same ones again and again
EDGE = 1e-15  # slack of several gamma

Shorter = tuple[int, bool, FloatArray, BoolArray]


def drop_control(theta: FloatArray, care: BoolArray) -> Shorter | None:
    """Find a control that the law does not need: ``t1 = t0``, or ``t1 = pi - t0``, which costs one CZ.

    Returns:
        The control, whether it complements, and the law over the other controls; None if all are needed.
    """
    for complement in (False, True):
        for control in range(theta.size.bit_length() - 1):
            t0, t1, c0, c1 = pair_rows(theta, care, control=control)
            t1 = np.pi - t1 if complement else t1
            if np.all(abs(t0 - t1)[c0 & c1] < ZERO_ANGLE):
                return control, complement, np.where(c0, t0, t1), c0 | c1
    return None


def restore_control(sequence: CzSequence, shorter: Shorter, *, n: int) -> CzSequence:
    """Put back the control that :func:`drop_control` removed from n, with a CX at the end if it complements."""
    control, complement, _, _ = shorter
    lifted = sequence.relabel([i for i in range(n) if i != control])
    if not complement:
        return lifted
    before = multiply(rotation_y(np.pi / 2), lifted.gates[-1])
    gates = np.concatenate([lifted.gates[:-1], [before, rotation_y(-np.pi / 2)]])
    return CzSequence((*lifted.controls, control), gates)


def fill_free_rows(theta: FloatArray, care: BoolArray) -> FloatArray:
    """Give rows that do not matter the angle of the nearest row that does, low bits first."""
    angles, known = theta.copy(), care.copy()
    if not known.any():
        return np.zeros_like(angles)
    step = 1
    while not known.all():
        other = np.arange(angles.size) ^ step
        take = ~known & known[other]
        angles[take] = angles[other[take]]
        known |= take
        step = step * 2 if step * 2 < angles.size else 1
    return angles


def path_length(path: IntArray) -> int:
    """Return the Hamming length of ``0 -> path[0] -> path[1] ...``."""
    return int(np.bitwise_count(path ^ np.append(0, path)[:-1]).sum())


def short_path(masks: IntArray) -> IntArray:
    """Return the masks in an order with a short Hamming path from 0: Gray order, or always the nearest."""
    rank = masks.copy()
    for shift in (1, 2, 4, 8, 16, 32):
        rank ^= rank >> shift
    gray: IntArray = masks[np.argsort(rank)]
    if masks.size > GREEDY_PATH_LIMIT:
        return gray
    distance = np.bitwise_count(masks[:, None] ^ masks[None, :]).astype(np.int64)
    far = 64
    near, left, order = np.bitwise_count(masks).astype(np.int64), np.ones(masks.size, dtype=np.bool_), []
    for _ in range(masks.size):
        pick = int(np.argmin(np.where(left, near, far)))
        left[pick] = False
        order.append(pick)
        near = distance[pick]
    greedy: IntArray = masks[order]
    return greedy if path_length(greedy) < path_length(gray) else gray


def rotation_sequence(theta: FloatArray) -> CzSequence:
    """Return ``Ry(theta(x)) |0>`` exactly, with one CZ a step of a path over the Walsh masks that occur.

    ``theta(x) = sum_s c_s (-1)^{s.x}``: a rotation by ``c_s`` sits where the CZ after it have parity s. The path starts at
    mask 0, which is last in time, and stops anywhere, for what would close it acts on |0>.
    """
    coefficients = walsh_hadamard(theta)
    masks = np.flatnonzero(abs(coefficients) > ZERO_ANGLE).astype(np.int64)
    angles, controls, here = [float(coefficients[0])], [], 0
    for mask in short_path(masks[masks > 0]).tolist():
        steps = [i for i in range(theta.size.bit_length()) if (mask ^ here) >> i & 1]
        controls += steps
        angles += [0.0] * (len(steps) - 1) + [float(coefficients[mask])]
        here = mask
    half = np.array(angles[::-1]) / 2
    return CzSequence(tuple(controls[::-1]), np.stack([np.cos(half), np.sin(half)], axis=1).astype(np.complex128))


def class_bounds(low: FloatArray, high: FloatArray, chosen: tuple[int, ...]) -> tuple[FloatArray, FloatArray]:
    """Return the greatest lower and the least upper bound for each value of the chosen controls."""
    n = low.size.bit_length() - 1
    axes = tuple(n - 1 - i for i in range(n) if i not in chosen)
    cube = (2,) * n
    return low.reshape(cube).max(axis=axes).ravel(), high.reshape(cube).min(axis=axes).ravel()


def axis_controls(low: FloatArray, high: FloatArray, limit: int) -> list[tuple[int, ...]]:
    """Return the smallest sets of at most ``limit`` controls that allow a gamma for each of their values."""
    n = low.size.bit_length() - 1
    greedy: tuple[int, ...] = ()
    for size in range(min(limit, n) + 1):
        subsets = list(combinations(range(n), size))
        if len(subsets) * low.size > ENUMERATION_LIMIT:
            subsets = [tuple(sorted((*greedy, i))) for i in range(n) if i not in greedy]
        found, least = [], np.inf
        for chosen in subsets:
            bottom, top = class_bounds(low, high, chosen)
            excess = float(np.maximum(bottom - top, 0.0).sum())
            if np.all(bottom <= top + EDGE):
                found.append(chosen)
            if excess < least:
                least, greedy = excess, chosen
        if found:
            return found
    return []


def axis_sequence(bottom: FloatArray, top: FloatArray) -> CzSequence:
    """Return a short sequence whose polar angle is half a gamma within the bounds, or pi minus it."""
    top = np.maximum(bottom, top)
    every, upper = np.ones(bottom.size, dtype=np.bool_), np.arange(bottom.size) >= bottom.size // 2
    centres = np.unique(np.concatenate([np.quantile((bottom + top) / 2, [0.5, 0.0, 1.0]), [np.pi / 2]]))
    halves = [np.clip(centre, bottom, top) / 2 for centre in centres]
    choices = [angles for half in halves for angles in (half, np.where(upper, np.pi - half, half))]
    best: CzSequence | None = None
    for angles in choices:
        found = closed_form(angles, every, nested=bottom.size <= NESTED_ROWS)
        best = found if best is None or found.cost < best.cost else best
        if best.cost <= bottom.size // 2:
            break
    if best is None:
        raise AssertionError("no gamma was tried")
    return best


def closed_form(theta: FloatArray, care: BoolArray, *, nested: bool = True) -> CzSequence:
    """Return the shortest closed form known for ``P(1|x) = sin^2(theta(x) / 2)``, phases free.

    Args:
        theta: polar angles in [0, pi], shape (2^n,).
        care: rows that matter, shape (2^n,).
        nested: whether to try several gamma.

    Returns:
        ``2^{n-1}`` CZ for most laws of full support, never more than ``2^n - 1``.
    """
    n = theta.size.bit_length() - 1
    if n == 0:
        return CzSequence((), rotation_y(float(theta[0]))[None, :])
    shorter = drop_control(theta, care)
    if shorter is not None:
        return restore_control(closed_form(shorter[2], shorter[3], nested=nested), shorter, n=n)
    filled = fill_free_rows(theta, care)
    half, single = 1 << (n - 1), half_form(theta, care)
    if single is not None and np.count_nonzero(abs(walsh_hadamard(filled)) > ZERO_ANGLE) > half + 1:
        return single
    best = rotation_sequence(filled)
    if single is not None:
        return min(single, best, key=lambda sequence: sequence.cost)
    return several_axes_once(theta.tobytes(), care.tobytes()) if nested and best.cost > half else best


@lru_cache(maxsize=KEPT)
def several_axes_once(theta: bytes, care: bytes) -> CzSequence:
    """Return :func:`several_axes` of a law."""
    angles, rows = np.frombuffer(theta), np.frombuffer(care, dtype=np.bool_)
    return several_axes(angles, rows, rotation_sequence(fill_free_rows(angles, rows)))


def several_axes(theta: FloatArray, care: BoolArray, best: CzSequence) -> CzSequence:
    """Return the shortest half form with a gamma for each value of as few controls as fit, if shorter than ``best``."""
    n = theta.size.bit_length() - 1
    half, limit = 1 << (n - 1), n - 2
    for control in range(n):
        others = [i for i in range(n) if i != control]
        low, high = gamma_bounds(theta, care, control=control)
        for chosen in axis_controls(low, high, limit):
            limit = min(limit, len(chosen))
            if half + (1 << len(chosen)) // 2 >= best.cost:
                continue
            tail = axis_sequence(*class_bounds(low, high, chosen)).relabel([others[i] for i in chosen])
            if half + tail.cost < best.cost:
                best = attach(theta, care, control=control, tail=tail)
    return best
