# SPDX-License-Identifier: Apache-2.0
"""Uniformly controlled states of one qubit, any point of the Bloch sphere for each control value.

A uniformly controlled U(2) costs 2^m - 1 CZ up to a diagonal of the controls. Split off one control at a time; the diagonal
left over by a block joins the block before it, and the last one meets the fresh |0>, where it is only a phase per row.

Source: Bergholm et al., Phys. Rev. A 71, 052330 (2005), section II (uniformly controlled one-qubit gates up to a diagonal).
"""

from __future__ import annotations

import numpy as np

from stinespring.circuits.core.cz_sequence import CzSequence, inverse, multiply
from stinespring.readings import ComplexArray

__all__ = ["controlled_states"]

SCALAR_CONTEXTS = 8  # blocks of at most so many contexts are split in Python scalars, which is faster than tiny arrays
VANISHES = 1e-300
Pair = tuple[complex, complex]


def split_pair(a: ComplexArray, b: ComplexArray) -> tuple[ComplexArray, ComplexArray, ComplexArray]:
    """Return common factors of two SU(2) arrays: ``a r = v u`` and ``b r* = v (-i Z) u``.

    ``r^2 = diag(e^{i rho}, e^{-i rho})`` makes ``M = a r^2 b^+`` traceless, so ``M = i n.sigma``; v turns z to n (n_z >= 0 by
    the sign of r^2) and ``u = v^+ a r``.

    Returns:
        v, u and the phase ``e^{-i rho / 2}`` left over for the gate before.
    """
    overlap = b[..., 0].conj() * a[..., 0] + b[..., 1].conj() * a[..., 1]
    size = abs(overlap)
    square = np.where(size > VANISHES, 1j * overlap.conj() / np.where(size > VANISHES, size, 1.0), 1j)
    first = square * a[..., 0] * b[..., 0].conj() + (square * a[..., 1] * b[..., 1].conj()).conj()
    square = square * np.where(first.imag >= 0, 1.0, -1.0)
    root = np.sqrt(square)
    m0 = abs(first.imag)
    m1 = square * a[..., 1] * b[..., 0].conj() - (square * a[..., 0] * b[..., 1].conj()).conj()
    norm = np.sqrt((1 + m0) ** 2 + abs(m1) ** 2)
    v = np.stack([(1 + m0) / norm + 0j, -1j * m1 / norm], axis=-1)
    turned = np.stack([a[..., 0] * root, a[..., 1] * root], axis=-1)
    return v, multiply(inverse(v), turned), root.conj()


def split_scalar(a: Pair, b: Pair) -> tuple[Pair, Pair, complex]:
    """Do what :func:`split_pair` does for one pair, in Python scalars."""
    a0, a1 = a
    b0, b1 = b[0].conjugate(), b[1].conjugate()
    overlap = b0 * a0 + b1 * a1
    size = abs(overlap)
    square = 1j * overlap.conjugate() / size if size > VANISHES else 1j
    m0 = (square * a0 * b0 + (square * a1 * b1).conjugate()).imag
    if m0 < 0:
        square, m0 = -square, -m0
    root = square**0.5
    m1 = square * a1 * b0 - (square * a0 * b1).conjugate()
    norm = ((1 + m0) ** 2 + abs(m1) ** 2) ** 0.5
    v0, v1 = (1 + m0) / norm, -1j * m1 / norm
    c, d = a0 * root, a1 * root
    return (v0 + 0j, v1), (v0 * c + v1.conjugate() * d, v0 * d - v1 * c), root.conjugate()


def split_level(blocks: list[ComplexArray]) -> list[ComplexArray]:
    """Split the highest control off every block, the last block first."""
    half = blocks[0].shape[0] // 2
    result: list[ComplexArray] = []
    phase = np.ones(2 * half, dtype=np.complex128)
    for block in reversed(blocks):
        now = block * np.stack([phase, phase.conj()], axis=1)
        v, u, root = split_pair(now[:half], now[half:])
        result += [v, u]
        phase = np.concatenate([root, root.conj()])
    return result[::-1]


def split_small_level(blocks: list[list[Pair]]) -> list[list[Pair]]:
    """Do what :func:`split_level` does for blocks of few contexts."""
    half = len(blocks[0]) // 2
    result: list[list[Pair]] = []
    phase = [1 + 0j] * (2 * half)
    for block in reversed(blocks):
        now = [(p * a, p.conjugate() * b) for p, (a, b) in zip(phase, block, strict=True)]
        parts = [split_scalar(now[i], now[half + i]) for i in range(half)]
        result += [[v for v, _, _ in parts], [u for _, u, _ in parts]]
        phase = [p for _, _, p in parts] + [p.conjugate() for _, _, p in parts]
    return result[::-1]


def controlled_states(states: ComplexArray) -> CzSequence:
    """Return a sequence of ``2^m - 1`` CZ that takes |0> to ``states[x]``, up to a phase per row.

    Args:
        states: shape (2^m, 2), normalised: the wanted amplitudes of |0> and |1> for each value of m controls.
    """
    blocks = [states.astype(np.complex128)]
    while blocks[0].shape[0] > SCALAR_CONTEXTS:
        blocks = split_level(blocks)
    small: list[list[Pair]] = [[(complex(a), complex(b)) for a, b in block.tolist()] for block in blocks]
    while len(small[0]) > 1:
        small = split_small_level(small)
    # The control split off at depth d sits at the odd multiples of 2^(m-1-d): a ruler sequence.
    controls = [(j & -j).bit_length() - 1 for j in range(1, states.shape[0])]
    gates = np.array([block[0] for block in small], dtype=np.complex128)
    return CzSequence(tuple(controls), gates / np.sqrt((abs(gates) ** 2).sum(axis=1, keepdims=True)))
