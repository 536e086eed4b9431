# SPDX-License-Identifier: Apache-2.0
"""Exact preparation of real states, signs included, in a form whose inverse meets another preparation.

Schmidt form: for the matrix of amplitudes ``S = H diag(w) L^T`` (rows: the high half of the qubits), prepare
``sum_k w_k |k>|k>`` and turn the halves by L and H. Two neighbouring preparations then meet as ``L'^T L`` and ``H'^T H``: one
orthogonal matrix for each half instead of two. Gray form: one uniformly controlled Ry for each qubit, 2^n - 1 - n CZ.

The halves are real matrices of determinant 1 (a sign of w makes up for it), so ``s(2k) = s(k) + k + 2 c_k`` CX with the
``c_k`` of :mod:`stinespring.circuits.exact.real_orthogonal`. If the high half has a qubit more, only the first 2^k columns of
H matter: ``H = (H_0 (+) H_1) (controlled Ry of a fresh qubit) R``.

Sources: Plesch, Brukner, Phys. Rev. A 83, 032302 (2011) (Schmidt form); Möttönen et al., Quantum Inf. Comput. 5, 467 (2005)
(Gray form).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stinespring.circuits.core.gates import Gate, count_two_qubit, relabel
from stinespring.circuits.core.one_qubit import wire_gates
from stinespring.circuits.exact.multiplexer import NEGLIGIBLE, gray_angles, law_angles, multiplexed_ry
from stinespring.circuits.exact.real_orthogonal import Operator, Part, real_gates
from stinespring.circuits.exact.real_shannon import split_isometry
from stinespring.readings import FloatArray

__all__ = ["SCHMIDT", "SchmidtState", "gray_state", "prepare", "real_state", "schmidt_state", "state_angles"]

NOTHING = 1e-15  # a Schmidt weight, or a matrix' distance from the identity, that only rounding has left
SCHMIDT = range(2, 15)  # qubits for which the Schmidt form is tried; beyond, its halves take too long


def state_angles(states: FloatArray) -> list[FloatArray]:
    """Return the wanted Ry angles that prepare real states, the most significant bit first.

    Args:
        states: shape (X, 2^q): a state for each value x of the controls, signs included; a zero row gives zero angles.

    Returns:
        q arrays of shape (X 2^h,), h bits already made: index ``higher * X + x``, as in ``law_angles``.
    """
    contexts, size = states.shape
    pairs = states.reshape(contexts, size // 2, 2)
    leaves = np.where(pairs.any(axis=-1), 2.0 * np.arctan2(pairs[..., 1], pairs[..., 0]), 0.0)
    above = [] if size == 2 else law_angles((pairs**2).sum(axis=-1))
    return [*above, leaves.T.reshape(-1)]


def prepare(states: FloatArray, wires: Sequence[int], controls: Sequence[int] = (), *, negligible: float = 0.0) -> list[Gate]:
    """Return gates that take |0> to a real state, or to ``states[x]`` for each value x of the controls, in Gray form.

    Args:
        states: shape (2^q,) or (X, 2^q), X = 2^len(controls); unit rows, or zero rows where anything may happen.
        wires: q wires in |0>, the least significant first.
        controls: the least significant first.
        negligible: rotations by no more are left out.
    """
    gates: list[Gate] = []
    for made, theta in enumerate(state_angles(np.atleast_2d(states))):
        target = len(wires) - 1 - made
        gates += multiplexed_ry([*controls, *wires[target + 1 :], wires[target]], gray_angles(theta), negligible=negligible)
    return gates


def gray_state(amplitudes: FloatArray) -> list[Gate]:
    """Return gates that take |0> to a real state exactly, global phase included.

    Args:
        amplitudes: shape (2^n,), real, norm 1; the index's bit i is wire i.

    Returns:
        Ry and CZ gates; 2^n - 1 - n CZ at most.
    """
    return prepare(amplitudes, range(amplitudes.size.bit_length() - 1), negligible=NEGLIGIBLE)


def real_state(amplitudes: FloatArray, wires: Sequence[int] | None = None, *, fitted: bool = True) -> Sequence[Gate]:
    """Return gates that take |0> to a real state, up to a global phase: the shorter of Gray and Schmidt form.

    Args:
        amplitudes: shape (2^n,), norm 1.
        wires: n of them in |0>, the least significant first; by default 0 to n - 1.
        fitted: whether Newton's method may be used, see :func:`real_gates`.

    Returns:
        At most 0, 1, 3, 7, 17, 32, 70, 129, 271, 560, 1146, 2640 two-qubit gates for 1 to 12 qubits; 40, 86, 181, 375, 768,
        1562, 3160 from 6 on if nothing is fitted.
    """
    size = amplitudes.size.bit_length() - 1
    best = gray_state(amplitudes)
    if size in SCHMIDT and count_two_qubit(best):
        made = real_gates(schmidt_state(amplitudes).parts(fitted=fitted), size, fitted=fitted)
        best = min(wire_gates(best, size), made, key=count_two_qubit)
    return best if wires is None else relabel(best, wires)


@dataclass(frozen=True, eq=False)
class SchmidtState:
    """A real state ``sum_k w_k |H_k>|L_k>`` of n = a + b qubits, a = n // 2; the low half are wires 0..a-1.

    Attributes:
        weights: w, shape (2^a,), the first few not zero, of any sign.
        low: L, columns L_k, shape (2^a, 2^a), orthogonal, of determinant 1.
        high: H, columns H_k, shape (2^b, 2^b), orthogonal, of determinant 1; those past 2^a complete it.
    """

    weights: FloatArray
    low: FloatArray
    high: FloatArray

    @property
    def halves(self) -> tuple[int, int]:
        """Numbers of qubits a and b."""
        return self.low.shape[0].bit_length() - 1, self.high.shape[0].bit_length() - 1

    @cached_property
    def paired(self) -> int:
        """Number of qubits of either half that the Schmidt weights need."""
        return (int(np.flatnonzero(self.weights)[-1])).bit_length()

    @property
    def generic(self) -> bool:
        """Whether no Schmidt weight vanishes and no entry of the halves does."""
        return bool(self.weights.all() and (abs(self.high) > NOTHING).all() and (abs(self.low) > NOTHING).all())

    def core(self, *, fitted: bool = True) -> list[Part]:
        """Return what takes |0> to ``sum_k w_k |k>|k>``."""
        a, _ = self.halves
        if not self.paired:
            return []
        weights = real_state(self.weights[: 1 << self.paired], fitted=fitted)
        return [*weights, *(Gate("cx", (i, a + i)) for i in range(self.paired))]

    @property
    def turns(self) -> list[Part]:
        """What makes ``H (x) L``: with the core before it, it prepares the state."""
        return self._on_halves(self.low, self.high)

    def parts(self, *, fitted: bool = True) -> list[Part]:
        """Return what takes |0> to the state, with what nobody asks for left open."""
        a, b = self.halves
        low, high = range(a), range(a, a + b)
        if not self.paired:
            return [*real_state(self.low[:, 0], low, fitted=fitted), *real_state(self.high[:, 0], high, fitted=fitted)]
        whole = Operator(self.high, tuple(high))
        high_end = [whole] if b == a else split_isometry(whole)
        ends = [Operator(self.low, tuple(low)), *high_end]
        return [*self.core(fitted=fitted), *ends]

    def turns_undoing(self, other: SchmidtState) -> list[Part]:
        """Return these turns followed by the inverse of another state's: one matrix for each half."""
        return self._on_halves(other.low.T @ self.low, other.high.T @ self.high)

    def _on_halves(self, low: FloatArray, high: FloatArray) -> list[Part]:
        a, b = self.halves
        whole = (Operator(low, tuple(range(a))), Operator(high, tuple(range(a, a + b))))
        return [part for part in whole if abs(part.matrix - np.eye(len(part.matrix))).max() > NOTHING]


def schmidt_state(amplitudes: FloatArray) -> SchmidtState:
    """Return the Schmidt form of a real state.

    Args:
        amplitudes: shape (2^n,), n >= 2, norm 1.
    """
    split = (amplitudes.size.bit_length() - 1) // 2
    high, weights, rows = np.linalg.svd(amplitudes.reshape(-1, 1 << split), full_matrices=True)
    weights = np.where(weights > NOTHING, weights, 0.0)
    low = np.array(rows.T)
    for half in (low, high):
        if np.linalg.det(half) < 0:
            half[:, 0] *= -1
            weights[0] *= -1
    return SchmidtState(weights / np.linalg.norm(weights), low, np.array(high))
