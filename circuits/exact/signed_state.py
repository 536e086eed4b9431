# SPDX-License-Identifier: Apache-2.0
"""Exact preparation of real states, signs included, in a form whose inverse meets another preparation.

Schmidt form: for the matrix of amplitudes ``S = H diag(w) L^T`` (rows: the high half of the qubits), prepare
``sum_k w_k |k>|k>`` and turn the halves by L and H. Two neighbouring preparations then meet as ``L'^T L`` and ``H'^T H``: one
orthogonal matrix for each half instead of two. Gray form: one uniformly controlled Ry for each qubit, 2^n - 1 - n CZ.

Sources: Plesch, Brukner, Phys. Rev. A 83, 032302 (2011) (Schmidt form); Möttönen et al., Quantum Inf. Comput. 5, 467 (2005)
(Gray form).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stinespring.circuits.core.from_qiskit import plain_gates
from stinespring.circuits.core.gates import Gate, relabel
from stinespring.circuits.core.one_qubit import u_gate
from stinespring.circuits.core.simulate import gate_isometry
from stinespring.circuits.exact.multiplexer import NEGLIGIBLE, gray_angles, law_angles, multiplexed_ry
from stinespring.circuits.exact.orthogonal import shannon_gates
from stinespring.readings import FloatArray

__all__ = ["SchmidtState", "gray_state", "prepare", "schmidt_state", "state_angles", "unitary_on"]

NOTHING = 1e-15  # a matrix this close to the identity needs no gates
EXACT = 1e-12  # largest error of an entry of an orthogonal matrix


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
    """Return gates that take |0> to a real state, or to ``states[x]`` for each value x of the controls.

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


@dataclass(frozen=True, eq=False)
class SchmidtState:
    """A real state ``sum_k w_k |H_k>|L_k>`` of n = a + b qubits, a = n // 2; the low half are wires 0..a-1.

    Attributes:
        weights: w, shape (2^a,), not negative.
        low: L, columns L_k, shape (2^a, 2^a), orthogonal.
        high: H, columns H_k, shape (2^b, 2^b), orthogonal; those past 2^a complete it.
    """

    weights: FloatArray
    low: FloatArray
    high: FloatArray

    @property
    def halves(self) -> tuple[int, int]:
        """Numbers of qubits a and b."""
        return self.low.shape[0].bit_length() - 1, self.high.shape[0].bit_length() - 1

    @cached_property
    def core(self) -> list[Gate]:
        """Gates that take |0> to ``sum_k w_k |k>|k>``."""
        a, _ = self.halves
        return [*gray_state(self.weights), *(Gate("cx", (i, a + i)) for i in range(a))]

    @cached_property
    def turns(self) -> list[Gate]:
        """Gates of ``H (x) L``: with the core before them they prepare the state."""
        return self._on_halves(self.low, self.high)

    def turns_undoing(self, other: SchmidtState) -> list[Gate]:
        """Return the gates of these turns followed by the inverse of another state's: one matrix for each half."""
        return self._on_halves(other.low.T @ self.low, other.high.T @ self.high)

    def _on_halves(self, low: FloatArray, high: FloatArray) -> list[Gate]:
        a, b = self.halves
        return [*unitary_on(low, range(a)), *unitary_on(high, range(a, a + b))]


def schmidt_state(amplitudes: FloatArray) -> SchmidtState:
    """Return the Schmidt form of a real state.

    Args:
        amplitudes: shape (2^n,), n >= 2, norm 1.
    """
    low = (amplitudes.size.bit_length() - 1) // 2
    high, weights, rows = np.linalg.svd(amplitudes.reshape(-1, 1 << low), full_matrices=True)
    return SchmidtState(weights / np.linalg.norm(weights), np.asarray(rows.T), np.asarray(high))


def unitary_on(matrix: FloatArray, wires: Sequence[int]) -> Sequence[Gate]:
    """Return gates of an orthogonal matrix on wires, up to a global phase; none for the identity.

    Source:
        quant-ph/0406176 (quantum Shannon decomposition), as Qiskit does it; ours where that one is not accurate.
    """
    if abs(matrix - np.eye(len(matrix))).max() <= NOTHING:
        return []
    from qiskit.synthesis import qs_decomposition

    width, unitary = len(wires), matrix.astype(np.complex128)
    gates = plain_gates(qs_decomposition(unitary)) if width > 1 else u_gate(0, unitary)
    made = gate_isometry(gates, width, width)
    phase = np.vdot(made, unitary) / len(matrix)
    return relabel(gates if abs(made * phase - unitary).max() <= EXACT else shannon_gates(unitary), wires)
