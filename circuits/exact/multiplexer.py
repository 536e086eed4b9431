# SPDX-License-Identifier: Apache-2.0
"""Uniformly controlled Ry rotations in Gray order, and the preparation of conditional laws from them.

A uniformly controlled rotation applies ``Ry(theta(x))`` to a target for every basis state x of n controls. With
``alpha = 2^-n H theta`` (H the Walsh-Hadamard matrix) and the Gray code g it is the product of ``Ry(alpha[g(i)])`` with one
CZ between neighbours. A CZ changes the sign of all rotations that come *before* it, so a target that starts in |0> needs
no CZ before the first rotation: 2^n rotations and 2^n - 1 CZ, exactly, phases included.

Source of the Gray-code form: Möttönen et al., Phys. Rev. Lett. 93, 130502 (2004), section on uniformly controlled gates.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from stinespring.circuits.core.gates import ROTATION, Gate, RotationArray, Slot, concatenated
from stinespring.readings import FloatArray, IntArray

__all__ = ["NEGLIGIBLE", "gray_angles", "law_angles", "law_gates", "multiplexed_ry", "rotation_array", "walsh_hadamard"]

NEGLIGIBLE = 4e-16  # radians: the rounding of a Walsh coefficient that is zero


def walsh_hadamard(values: FloatArray) -> FloatArray:
    """Return ``2^-n sum_x (-1)^(x.y) values[x]`` along the last axis, whose length is 2^n.

    Example:
        >>> walsh_hadamard(np.array([1.0, 3.0]))
        array([ 2., -1.])
    """
    size = values.shape[-1]
    result, half = values, 1
    while half < size:
        pairs = result.reshape(*values.shape[:-1], size // (2 * half), 2, half)
        result = np.empty_like(pairs)
        np.add(pairs[..., 0, :], pairs[..., 1, :], out=result[..., 0, :])
        np.subtract(pairs[..., 0, :], pairs[..., 1, :], out=result[..., 1, :])
        half *= 2
    return np.asarray(result.reshape(values.shape) / size)


@lru_cache(maxsize=32)
def gray_code(n: int) -> IntArray:
    """Return the Walsh index of each rotation, in circuit order: shape (2^n,), ending with 0."""
    order = np.arange(2**n, dtype=np.int64)
    code: IntArray = (order ^ (order >> 1))[::-1].copy()
    code.setflags(write=False)
    return code


@lru_cache(maxsize=32)
def gray_flips(n: int) -> IntArray:
    """Return the bit in which neighbours of the Gray code differ, in circuit order: shape (2^n - 1,)."""
    code = gray_code(n)
    bits: IntArray = np.round(np.log2(code[1:] ^ code[:-1])).astype(np.int64)
    bits.setflags(write=False)
    return bits


def gray_angles(theta: FloatArray) -> FloatArray:
    """Return the angles of the rotations in circuit order for wanted angles ``theta``, both of shape (..., 2^n)."""
    n = theta.shape[-1].bit_length() - 1
    return np.asarray(walsh_hadamard(theta)[..., gray_code(n)])


def law_angles(law: FloatArray) -> list[FloatArray]:
    """Return the wanted angles of each bit of the outcome, the most significant bit first.

    ``P(bit j = 1 | x, higher bits) = sin^2(theta / 2)`` with theta = ``2 atan2(sqrt p1, sqrt p0)``; where a branch of the
    tree carries no probability, theta is 0.

    Args:
        law: shape (..., X, 2^k): a law for each context x.

    Returns:
        k arrays of shape (..., X * 2^h), h = 0..k-1 bits already made: index ``higher * X + x``, so the context's bits are
        the least significant controls and the outcome's higher bits follow.
    """
    *batch, contexts, _ = law.shape
    result: list[FloatArray] = []
    mass = law
    while mass.shape[-1] > 1:  # from the leaves to the root
        pairs = mass.reshape(*batch, contexts, -1, 2)
        theta = 2.0 * np.arctan2(np.sqrt(pairs[..., 1]), np.sqrt(pairs[..., 0]))
        result.append(np.swapaxes(theta, -1, -2).reshape(*batch, -1))
        mass = pairs.sum(axis=-1)
    return result[::-1]


def multiplexed_ry(wires: Sequence[int], angles: FloatArray | int, *, negligible: float = 0.0) -> list[Gate]:
    """Return a uniformly controlled Ry.

    Args:
        wires: the n control qubits, the least significant bit of the context first, and then the target, which is in |0>.
        angles: the 2^n angles in circuit order (:func:`gray_angles`), or the number of the first of 2^n slots.
        negligible: rotations with no larger angle are left out, and the CZ pairs that then meet cancel.

    Returns:
        Ry and CZ gates; 2^n - 1 CZ where no rotation is left out.
    """
    if not isinstance(angles, int):
        return list(rotation_array(wires, angles, negligible=negligible))
    slots = iter(range(angles, angles + 2 ** (len(wires) - 1)))
    gates = rotation_array(wires, np.ones(2 ** (len(wires) - 1)))
    return [Gate("ry", g.qubits, (Slot(next(slots)),)) if g.params else g for g in gates]


def law_gates(law: FloatArray, wires: Sequence[int], *, negligible: float = NEGLIGIBLE) -> Sequence[Gate]:
    """Return the isometry ``|x> -> |x> sum_t sqrt(P(t|x)) |t>``, exactly, phases included.

    Args:
        law: shape (2^M, 2^k).
        wires: the M qubits that hold x and then the k qubits of the outcome, least significant first.
        negligible: rotations by no more are left out.

    Returns:
        ``2^M (2^k - 1) - k`` CZ where no angle vanishes.
    """
    width, size = law.shape[0].bit_length() - 1, law.shape[1].bit_length() - 1
    parts: list[RotationArray] = []
    for made, theta in enumerate(law_angles(law)):
        bit = width + size - 1 - made
        names = [*wires[:width], *wires[bit + 1 : width + size], wires[bit]]
        parts.append(rotation_array(names, gray_angles(theta), negligible=negligible))
    return concatenated(parts)


def rotation_array(wires: Sequence[int], angles: FloatArray, *, negligible: float = 0.0) -> RotationArray:
    """Return what :func:`multiplexed_ry` does, in arrays."""
    *controls, target = wires
    names = np.array(controls, dtype=np.int64)
    index = np.flatnonzero(abs(angles) > negligible)
    if index.size == angles.size:
        partner, values = np.full(2 * index.size - 1, ROTATION), np.zeros(2 * index.size - 1)
        values[::2], partner[1::2] = angles, names[gray_flips(len(controls))]
        return RotationArray(partner, np.full(partner.size, target), values)
    code = gray_code(len(controls))[index]
    flips = code ^ np.append(code[1:], 0)  # after the last rotation the code must have returned to 0
    rotation, bit = np.nonzero(flips[:, None] >> np.arange(len(controls)) & 1)
    place = np.arange(index.size) + np.searchsorted(rotation, np.arange(index.size))  # after all earlier gates
    partner = np.full(index.size + bit.size, ROTATION)
    values, turns = np.zeros(partner.size), np.zeros(partner.size, dtype=np.bool_)
    values[place], turns[place] = angles[index], True
    partner[~turns] = names[bit]
    return RotationArray(partner, np.full(partner.size, target), values)
