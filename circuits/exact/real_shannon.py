# SPDX-License-Identifier: Apache-2.0
r"""Real orthogonal matrices by a recursion that stays real.

Cosines and sines split ``O = (L_0 (+) L_1) (controlled Ry of the highest wire) (R_0 (+) R_1)``. Both sums are

    ``A_0 (+) A_1 = (1 (x) L)(E (+) E^T)(1 (x) R)``,  ``A_0 A_1^T = L E^2 L^T`` in real Schur form,  ``R = E L^T A_1``,

E made of 2 x 2 rotations, so that ``E (+) E^T`` is a controlled Ry of wire 0 between two CZ from the highest wire. The CZ
at the ends of every controlled Ry go into the neighbouring factors. With ``c_n`` CX for SO(2^n): ``c_n = 4 c_{n-1} + 2^n + 1``,
``c_2 = 2``. Every factor has determinant 1: two signs can always be moved across the middle factor, whose angles change.

Source: the complex form is quant-ph/0406176, theorems 10 to 14; the real form is ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cossin, schur

from stinespring.circuits.core.gates import Gate
from stinespring.circuits.exact.multiplexer import gray_code, walsh_hadamard
from stinespring.readings import FloatArray

__all__ = ["Operator", "Part", "is_product", "split", "split_isometry"]

VANISHES = 2e-15  # entries and angles that only rounding has left
SIGNS = ((1, 1, 1, 1), (-1, -1, 1, 1), (1, 1, -1, -1), (-1, -1, -1, -1))  # of the determinants of L_0, L_1, R_0, R_1


class Operator(NamedTuple):
    """An orthogonal matrix, shape (2^n, 2^n), on n wires, the least significant first."""

    matrix: FloatArray
    wires: tuple[int, ...]


Part = Gate | Operator


class Ladder(NamedTuple):
    """A controlled Ry: the CZ between its target and some controls, gates, and CZ again; the CZ belong to the neighbours.

    Attributes:
        before: sign of each control value where the target is 1, shape (2^controls,).
        gates: Ry and CZ.
        after: likewise.
    """

    before: FloatArray
    gates: list[Gate]
    after: FloatArray


def split(operator: Operator, determinants: Sequence[int] = SIGNS[0]) -> list[Part]:
    """Return an orthogonal matrix of three wires or more, of determinant 1, as gates and operators on fewer wires.

    Args:
        operator: the matrix.
        determinants: those of L_0, L_1, R_0, R_1 wherever cosines and sines are split; their product is 1.
    """
    if factors := _factors(operator):
        return factors
    matrix, (*low, top) = operator
    half = len(matrix) // 2
    corners = matrix[:half, :half], matrix[half:, half:]
    apart = max(abs(matrix[half:, :half]).max(), abs(matrix[:half, half:]).max()) <= VANISHES
    if apart and (len(low) == 2 or min(np.linalg.det(block) for block in corners) > 0):  # two wires may have any sign
        return list(_selected(*corners, tuple(low), top))
    left, right, theta = _cosines_and_sines(matrix, determinants)
    middle = _ladder(top, low, 2 * theta)
    parts = [*_selected(right[0], middle.before[:, None] * right[1], tuple(low), top), *middle.gates]
    return [*parts, *_selected(left[0], left[1] * middle.after, tuple(low), top)]


def is_product(operator: Operator) -> bool:
    """Return whether a matrix is a product for one of its wires."""
    return bool(_factors(operator))


def _factors(operator: Operator) -> list[Part]:
    """Return the two factors of a matrix that is a product for one of the wires; nothing if it is none."""
    matrix, wires = operator
    size = len(matrix)
    for place in range(len(wires)):
        shape = (size >> place + 1, 2, 1 << place)
        blocks = matrix.reshape(*shape, *shape).transpose(1, 4, 0, 2, 3, 5).reshape(4, -1)
        row = blocks[np.argmax((blocks**2).sum(axis=1))]
        row = row / np.linalg.norm(row)
        inner = blocks @ row
        if abs(blocks - inner[:, None] * row).max() > VANISHES:
            continue
        scale = np.sqrt(size / 2)
        rest = (row * scale).reshape(size // 2, size // 2)
        if size <= 8 or np.linalg.det(rest) > 0:
            others = tuple(wire for wire in wires if wire != wires[place])
            return [Operator(rest, others), Operator((inner / scale).reshape(2, 2), (wires[place],))]
    return []


def _cosines_and_sines(matrix: FloatArray, wanted: Sequence[int]) -> tuple[list[FloatArray], list[FloatArray], FloatArray]:
    """Return L_0 and L_1, R_0 and R_1 of the wanted determinants, and the angles of the middle factor."""
    half = len(matrix) // 2
    left, angles, right = cossin(matrix, p=half, q=half, separate=True)
    theta = np.array(angles, dtype=np.float64)
    turn = np.ones(4)
    for number, (factor, sign) in enumerate(zip((*left, *right), wanted, strict=True)):
        turn[number] = np.sign(np.linalg.det(factor)) * sign
    # diag(l0, l1) Ry diag(r0, r1) is a rotation, as the product of the four is 1
    theta[0] = np.arctan2(turn[1] * turn[2] * np.sin(theta[0]), turn[0] * turn[2] * np.cos(theta[0]))
    factors = [_scaled(factor, column=sign) for factor, sign in zip(left, turn[:2].tolist(), strict=True)]
    return factors, [_scaled(factor, row=sign) for factor, sign in zip(right, turn[2:].tolist(), strict=True)], theta


def _scaled(matrix: NDArray[Any], row: float = 1.0, column: float = 1.0) -> FloatArray:
    """Return a matrix with its first row and its first column scaled."""
    result = np.array(matrix, dtype=np.float64)
    result[0] *= row
    result[:, 0] *= column
    return result


def _selected(zero: FloatArray, one: FloatArray, low: tuple[int, ...], top: int) -> Iterator[Part]:
    """Yield ``A_0 (+) A_1``, selected by the highest wire."""
    if abs(zero - one).max() <= VANISHES:
        yield Operator(zero, low)
        return
    left, angles = _square_root(zero @ one.T)
    c, s = np.cos(angles / 2), np.sin(angles / 2)
    right = left.T @ one
    even, odd = right[::2].copy(), right[1::2].copy()
    right[::2], right[1::2] = c[:, None] * even - s[:, None] * odd, s[:, None] * even + c[:, None] * odd
    inner = _ladder(low[0], low[1:], angles)
    if not inner.gates:
        yield Operator(zero, low)
        return
    # the lowest wire is the target: controls take the place of the pairs
    before, after = (np.stack([np.ones_like(sign), sign], axis=1).ravel() for sign in (inner.before, inner.after))
    yield Operator(before[:, None] * right, low)
    yield Gate("cz", (low[0], top))
    yield from inner.gates
    yield Gate("cz", (low[0], top))
    yield Operator(left * after, low)


def _square_root(matrix: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return L in SO and angles a of ``L (+)_j [[cos a_j, -sin a_j], [sin a_j, cos a_j]] L^T``, a rotation matrix.

    Real eigenvalues come in pairs: as many are 1 as are not, and an even number are -1.
    """
    form, vectors = schur(matrix, output="real")
    size, place = len(matrix), 0
    pairs: list[tuple[int, int]] = []
    single: dict[bool, list[int]] = {True: [], False: []}
    while place < size:
        if place + 1 < size and form[place + 1, place] != 0.0:
            pairs.append((place, place + 1))
            place += 2
        else:
            single[bool(form[place, place] > 0)].append(place)
            place += 1
    pairs += [(group[i], group[i + 1]) for group in single.values() for i in range(0, len(group) - 1, 2)]
    order = [index for pair in pairs for index in pair]
    left = np.asarray(vectors[:, order], dtype=np.float64)
    angles = np.array([np.arctan2(form[b, a] - form[a, b], form[a, a] + form[b, b]) for a, b in pairs])
    if np.linalg.det(left) < 0:
        left[:, 0] *= -1
        angles[0] *= -1
    return left, angles


def _ladder(target: int, controls: Sequence[int], theta: FloatArray) -> Ladder:
    """Return ``Ry(theta[x])`` of a target for every value x of controls."""
    code = gray_code(len(controls))
    angles = walsh_hadamard(theta)[code]
    kept = np.flatnonzero(abs(angles) > VANISHES)
    if not kept.size:
        return Ladder(np.ones(theta.size), [], np.ones(theta.size))
    gates: list[Gate] = []
    parity = int(code[kept[0]])
    for mask, angle in zip(code[kept].tolist(), angles[kept].tolist(), strict=True):
        gates += [Gate("cz", (wire, target)) for bit, wire in enumerate(controls) if (mask ^ parity) >> bit & 1]
        gates.append(Gate("ry", (target,), (angle,)))
        parity = mask
    return Ladder(_signs(int(code[kept[0]]), theta.size), gates, _signs(parity, theta.size))


def _signs(mask: int, size: int) -> FloatArray:
    """Return ``(-1)^(x.mask)`` for all x."""
    signs = np.ones(size)
    for bit in range(size.bit_length() - 1):
        if mask >> bit & 1:
            signs[np.arange(size) >> bit & 1 == 1] *= -1.0
    return signs


def split_isometry(operator: Operator) -> list[Part]:
    """Return a matrix of determinant 1 whose last wire starts in |0>: the first half of its columns is all that matters."""
    matrix, (*low, top) = operator
    if len(low) < 2:
        return [operator]
    left, right, theta = _cosines_and_sines(matrix, SIGNS[1] if len(low) == 2 else SIGNS[0])
    middle = _ladder(top, low, 2 * theta)
    ends = _selected(left[0], left[1] * middle.after, tuple(low), top)
    return [Operator(right[0], tuple(low)), *middle.gates, *ends]
