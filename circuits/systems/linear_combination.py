# SPDX-License-Identifier: Apache-2.0
"""Linear combinations of states by post-selection, their amplification, and overlap tests.

With ``lambda = sum_k |c_k|`` a position register is prepared in ``A|0> = sum_k sqrt(|c_k| / lambda) |k>``, each position k
selects the preparation of ``sign(c_k) |v_k>``, and ``A^dagger`` is applied: the part with the position register in |0> is
``(1/lambda) sum_k c_k |v_k>``. Amplitudes are real, so a selected preparation is a tree of uniformly controlled Ry, and a
sign is a rotation by 2 pi.

Source: Childs & Wiebe, Quantum Inf. Comput. 12, 901 (2012) (linear combinations); Brassard et al., Contemp. Math. 305, 53
(2002) (amplitude amplification); Buhrman et al., Phys. Rev. Lett. 87, 167902 (2001) (swap test).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import pi
from typing import NamedTuple

import numpy as np

from stinespring.circuits.core.gates import Gate, inverted
from stinespring.circuits.exact.multi_controlled import phase_of_ones, phase_of_zeros
from stinespring.circuits.exact.multiplexer import gray_angles, multiplexed_ry
from stinespring.circuits.exact.signed_state import prepare, real_state, state_angles
from stinespring.readings import FloatArray

__all__ = [
    "Combination",
    "amplified",
    "combination_gates",
    "hadamard_test",
    "overlap_angles",
    "padded",
    "swap_test",
]


class Combination(NamedTuple):
    """``sum_k c_k |v_k>``: coefficients of shape (T,), unit vectors of shape (T, d)."""

    coefficients: FloatArray
    vectors: FloatArray

    @property
    def one_norm(self) -> float:
        """``lambda = sum_k |c_k|``."""
        return float(abs(self.coefficients).sum())

    @property
    def total(self) -> FloatArray:
        """The sum, not normalised, shape (d,)."""
        return np.asarray(self.coefficients @ self.vectors)

    @property
    def success(self) -> float:
        """Probability that the position register is found in |0>: ``|sum|^2 / lambda^2``."""
        return float(self.total @ self.total) / self.one_norm**2

    @property
    def position_qubits(self) -> int:
        """Size of the position register, at least 1."""
        return max(1, (int(np.count_nonzero(self.coefficients)) - 1).bit_length())


def padded(vectors: FloatArray) -> FloatArray:
    """Return vectors with zeros appended along the last axis up to a power of two (at least 2)."""
    d = vectors.shape[-1]
    size = max(2, 1 << (d - 1).bit_length())
    return np.concatenate([vectors, np.zeros((*vectors.shape[:-1], size - d))], axis=-1)


def combination_gates(combination: Combination, state: Sequence[int], position: Sequence[int]) -> list[Gate]:
    """Return the linear combination on a state register in |0> and a position register in |0>, which is not measured.

    Terms with coefficient zero are left out.

    Args:
        combination: what to sum.
        state: wires of the result, the least significant first.
        position: ``combination.position_qubits`` wires.
    """
    kept = np.flatnonzero(combination.coefficients)
    weights = np.zeros(1 << len(position))
    weights[: len(kept)] = np.sqrt(abs(combination.coefficients[kept]) / combination.one_norm)
    terms = np.zeros((1 << len(position), 1 << len(state)))
    signs = np.sign(combination.coefficients[kept])[:, None]
    terms[: len(kept)] = padded(signs * combination.vectors[kept])
    spread = real_state(weights, position)
    return [*spread, *prepare(terms, state, position), *inverted(spread)]


def amplified(gates: Sequence[Gate], width: int, flags: Sequence[int], rounds: int, clean: int | None = None) -> list[Gate]:
    """Return a circuit whose probability of all flags being 0 is ``sin^2((2 rounds + 1) theta)``, ``sin^2 theta`` before.

    Each round is ``W S_0 W^dagger S_flag`` (up to a sign); the state that goes with the flags in |0> does not change.

    Args:
        gates: W, which acts on |0...0> of ``width`` wires.
        width: number of wires.
        flags: wires that signal success by 0.
        rounds: at least 0.
        clean: a further wire in |0> that may help, and returns there.
    """
    result = list(gates)
    back = inverted(gates)
    for _ in range(rounds):
        result += [*phase_of_zeros(flags, pi, clean), *back, *phase_of_zeros(range(width), pi, clean), *gates]
    return result


def hadamard_test(size: int) -> list[Gate]:
    """Return a template whose ancilla is 0 with probability ``(1 + <u|v>) / 2``; angles from :func:`overlap_angles`.

    Args:
        size: qubits of the states; wires 0..size-1, the ancilla is wire ``size``.
    """
    gates, slots = [Gate("h", (size,))], 0
    for target in range(size - 1, -1, -1):
        wires = [size, *range(target + 1, size), target]
        gates += multiplexed_ry(wires, slots)
        slots += 2 ** (len(wires) - 1)
    return [*gates, Gate("h", (size,))]


def overlap_angles(u: FloatArray, v: FloatArray) -> FloatArray:
    """Return the angles that :func:`hadamard_test` is bound to for pairs of states of shape (B, 2^q): (B, 2 (2^q - 1))."""
    rows = []
    for pair in np.stack([u, v], axis=1):
        rows.append(np.concatenate([gray_angles(theta) for theta in state_angles(pair)]))
    return np.array(rows)


def swap_test(u: FloatArray, v: FloatArray) -> list[Gate]:
    """Return a circuit whose ancilla is 0 with probability ``(1 + <u|v>^2) / 2``.

    Args:
        u: shape (2^q,), prepared on wires 0..q-1.
        v: shape (2^q,), prepared on wires q..2q-1; the ancilla is wire 2q.
    """
    q = len(u).bit_length() - 1
    ancilla = 2 * q
    gates = [*real_state(u, range(q)), *real_state(v, range(q, 2 * q)), Gate("h", (ancilla,))]
    for a in range(q):
        gates += controlled_swap(ancilla, a, q + a)
    return [*gates, Gate("h", (ancilla,))]


def controlled_swap(control: int, a: int, b: int) -> list[Gate]:
    """Return a controlled swap: two CX around a doubly controlled X, which is a doubly controlled Z between H."""
    wires = (control, a, b)
    inner = phase_of_ones(wires, pi)
    return [Gate("cx", (b, a)), Gate("h", (b,)), *inner, Gate("h", (b,)), Gate("cx", (b, a))]
