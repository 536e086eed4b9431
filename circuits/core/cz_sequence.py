# SPDX-License-Identifier: Apache-2.0
"""Sequences: one-qubit gates on a fresh target around CZ from controls, the shape of every bit's circuit.

For each basis state x of n controls the target passes

    ``g_N Z^{x[q_N]} g_{N-1} ... Z^{x[q_1]} g_0 |0>``,

and an SU(2) matrix ``[[a, -b*], [b, a*]]`` is stored as the pair ``(a, b)``. Only ``P(1|x)`` is asked for, so each CZ is
worth two real parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stinespring.circuits.core.gates import Gate
from stinespring.readings import BoolArray, ComplexArray

__all__ = ["CzSequence", "control_bits", "inverse", "multiply", "rotation_y"]

IDENTITY = 1e-16  # size of the matrix elements of a gate that is left out


def multiply(left: ComplexArray, right: ComplexArray) -> ComplexArray:
    """Return the products of SU(2) pairs along the last axis: ``(a c - b* d, b c + a* d)``."""
    a, b, c, d = left[..., 0], left[..., 1], right[..., 0], right[..., 1]
    return np.stack([a * c - b.conj() * d, b * c + a.conj() * d], axis=-1)


def inverse(gate: ComplexArray) -> ComplexArray:
    """Return the inverses of SU(2) pairs: ``(a*, -b)``."""
    return np.stack([gate[..., 0].conj(), -gate[..., 1]], axis=-1)


def rotation_y(theta: float) -> ComplexArray:
    """Return the pair of ``Ry(theta)``, shape (2,)."""
    return np.array([np.cos(theta / 2), np.sin(theta / 2)], dtype=np.complex128)


def control_bits(n: int) -> BoolArray:
    """Return a table of shape (n, 2^n): entry ``(i, x)`` is bit i of x."""
    return ((np.arange(1 << n)[None, :] >> np.arange(n)[:, None]) & 1).astype(np.bool_)


@dataclass(frozen=True)
class CzSequence:
    """N CZ between a target and its controls, with one-qubit gates on the target before, between and after.

    Attributes:
        controls: the control of each CZ, in time order, N entries.
        gates: shape (N + 1, 2), SU(2) pairs in time order.
    """

    controls: tuple[int, ...]
    gates: ComplexArray

    @property
    def cost(self) -> int:
        """Number of CZ."""
        return len(self.controls)

    def inverse(self) -> CzSequence:
        """Return the inverse circuit."""
        return CzSequence(self.controls[::-1], inverse(self.gates[::-1]))

    def then(self, control: int, later: CzSequence) -> CzSequence:
        """Return this sequence, one CZ from ``control``, and then ``later``."""
        return CzSequence((*self.controls, control, *later.controls), np.concatenate([self.gates, later.gates]))

    def relabel(self, names: Sequence[int]) -> CzSequence:
        """Return the sequence with control ``names[i]`` in place of control i."""
        return CzSequence(tuple(names[i] for i in self.controls), self.gates)

    def states(self, n: int) -> ComplexArray:
        """Return the target's state for each value of n controls, shape (2^n, 2), up to a phase per row."""
        flags = control_bits(n)
        state = np.tile(self.gates[0], (1 << n, 1))
        for control, gate in zip(self.controls, self.gates[1:], strict=True):
            zero, one = state[:, 0], np.where(flags[control], -state[:, 1], state[:, 1])
            state = np.stack([gate[0] * zero - gate[1].conj() * one, gate[1] * zero + gate[0].conj() * one], axis=1)
        norm = np.sqrt((abs(state) ** 2).sum(axis=1, keepdims=True))
        return np.asarray(state / norm)  # rounding lets the norm drift

    def gate_list(self, wires: Sequence[int], target: int) -> list[Gate]:
        """Return the circuit as ``u`` and ``cz`` gates.

        Args:
            wires: the qubits of controls 0, 1, ...
            target: the target's qubit.
        """
        a, b = self.gates[:, 0], self.gates[:, 1]
        theta = 2 * np.arctan2(abs(b), abs(a))
        phase_a, phase_b = np.where(abs(a) > 0, np.angle(a), 0.0), np.where(abs(b) > 0, np.angle(b), 0.0)
        trivial = ((abs(b) < IDENTITY) & (abs(a.imag) < IDENTITY)).tolist()
        angles = np.stack([theta, phase_b - phase_a, -phase_a - phase_b], axis=1).tolist()
        pairs = {control: Gate("cz", (wires[control], target)) for control in set(self.controls)}
        gates: list[Gate] = []
        for step, (angle, skip) in enumerate(zip(angles, trivial, strict=True)):
            if step:
                gates.append(pairs[self.controls[step - 1]])
            if not skip:
                gates.append(Gate("u", (target,), tuple(angle)))
        return gates
