# SPDX-License-Identifier: Apache-2.0
"""Amplitudes of general circuits over all outcome bits at once, and their derivatives, in batches.

The k outcome wires start in ``|0>`` and the M context wires only carry CZ. Every outcome wire begins with ``Ry``; after a CZ
each outcome wire that it touches gets ``Rz(z)``, then ``Ry(y)``. Before the CZ the rotation about z would be the same as after
it, so this is every circuit of that shape up to phases: two parameters a CZ from a context wire, four a CZ between outcomes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from stinespring.circuits.gates import Gate
from stinespring.circuits.multiplexer import FloatArray, IntArray
from stinespring.circuits.sequence import ComplexArray

__all__ = ["Amplitudes", "Pattern", "Turn", "amplitudes", "derivatives"]

NONE = -1


@dataclass(frozen=True)
class Turn:
    """The rotations ``Ry(y) Rz(z)`` of one outcome wire after a CZ.

    Attributes:
        target: the outcome bit that turns.
        control: the context bit of the CZ, or :data:`NONE`.
        partner: the other outcome bit of the CZ, or :data:`NONE`; the second turn after a CZ between outcomes has neither.
        index: number of the parameter z; y is the next one.
    """

    target: int
    control: int
    partner: int
    index: int


@dataclass(frozen=True)
class Pattern:
    """Where the CZ are.

    Attributes:
        pairs: wires of each CZ in order: a context wire and an outcome wire, or two outcome wires; context wires come first.
        width: M, the number of context wires.
        size: k, the number of outcome wires.
    """

    pairs: tuple[tuple[int, int], ...]
    width: int
    size: int

    @cached_property
    def turns(self) -> tuple[Turn, ...]:
        """All rotations after CZ, in order."""
        turns: list[Turn] = []
        for first, second in self.pairs:
            index = self.size + 2 * len(turns)
            if first < self.width:
                turns.append(Turn(second - self.width, first, NONE, index))
                continue
            turns.append(Turn(first - self.width, NONE, second - self.width, index))
            turns.append(Turn(second - self.width, NONE, NONE, index + 2))
        return tuple(turns)

    @property
    def parameters(self) -> int:
        """Number of angles."""
        return self.size + 2 * len(self.turns)

    def gates(self, params: FloatArray) -> list[Gate]:
        """Return the circuit for angles of shape (parameters,)."""
        angles = params.tolist()
        gates = [Gate("ry", (self.width + q,), (angles[q],)) for q in range(self.size)]
        index = self.size
        for pair in self.pairs:
            gates.append(Gate("cz", pair))
            for wire in pair:
                if wire >= self.width:
                    gates += [Gate("rz", (wire,), (angles[index],)), Gate("ry", (wire,), (angles[index + 1],))]
                    index += 2
        return gates


class Amplitudes(NamedTuple):
    """A batch of S starts on X contexts.

    Attributes:
        state: final amplitudes, shape (2^k, S, X).
        trail: the state before all turns and after each, same shape.
        matrices: of each turn, CZ from the context included, shape (2, 2, S, X or 1).
    """

    state: ComplexArray
    trail: list[ComplexArray]
    matrices: list[ComplexArray]


def split(state: ComplexArray, target: int) -> ComplexArray:
    """Return the last outcome axis of (..., 2^k, S, X) split into higher bits, the target and lower bits."""
    *lead, size, starts, contexts = state.shape
    return state.reshape(*lead, size >> (target + 1), 2, 1 << target, starts, contexts)


def turned(state: ComplexArray, target: int, matrix: ComplexArray) -> ComplexArray:
    """Return the state of shape (..., 2^k, S, X) with a matrix of shape (2, 2, S, X or 1) applied to the target."""
    return np.asarray(np.einsum("ijsx,...ajlsx->...ailsx", matrix, split(state, target))).reshape(state.shape)


def inner_signs(turn: Turn, size: int) -> FloatArray:
    """Return the diagonal of a CZ between the turn's target and its partner, shape (2^k, 1, 1)."""
    code = np.arange(1 << size)
    return np.where(code >> turn.target & code >> turn.partner & 1, -1.0, 1.0)[:, None, None]


def turn_matrices(pattern: Pattern, params: FloatArray, contexts: IntArray) -> list[ComplexArray]:
    """Return ``Ry(y) Rz(z) Z^x`` of every turn, x being the context bit of its CZ if there is one."""
    signs = np.ones((pattern.width, 2, 1, contexts.size))
    signs[:, 1, 0] = np.where(contexts[None] >> np.arange(pattern.width)[:, None] & 1, -1.0, 1.0)
    z, y = params.T[pattern.size :: 2, :, None] / 2, params.T[pattern.size + 1 :: 2, :, None] / 2
    phase, cos, sin = np.exp(-1j * z), np.cos(y), np.sin(y)
    matrices = np.stack([cos * phase, -sin * phase.conj(), sin * phase, cos * phase.conj()], axis=1)
    matrices = matrices.reshape(len(pattern.turns), 2, 2, -1, 1)
    return [m if t.control == NONE else m * signs[t.control] for m, t in zip(matrices, pattern.turns, strict=True)]


def amplitudes(pattern: Pattern, params: FloatArray, contexts: IntArray) -> Amplitudes:
    """Return the amplitudes of every outcome, with what their derivatives need.

    Args:
        pattern: where the CZ are.
        params: angles, shape (S, parameters).
        contexts: context of each column, shape (X,).
    """
    state = np.ones((1, params.shape[0], 1), dtype=np.complex128)
    for q in range(pattern.size):
        half = params[None, :, q, None] / 2
        state = np.concatenate([state * np.cos(half), state * np.sin(half)])
    state = np.repeat(state, contexts.size, axis=2)
    trail, matrices = [state], turn_matrices(pattern, params, contexts)
    for turn, matrix in zip(pattern.turns, matrices, strict=True):
        if turn.partner != NONE:
            state = state * inner_signs(turn, pattern.size)
        state = turned(state, turn.target, matrix)
        trail.append(state)
    return Amplitudes(state, trail, matrices)


def products(later: ComplexArray, state: ComplexArray, target: int) -> ComplexArray:
    """Return ``sum later[t, i] state[j]`` over all bits but the target, shape (2, 2, 2^k, S, X)."""
    return np.asarray(np.einsum("tailsx,ajlsx->ijtsx", split(later, target), split(state, target)))


def derivatives(pattern: Pattern, params: FloatArray, run: Amplitudes, bra: ComplexArray) -> ComplexArray:
    """Return ``bra_t da_t / dparams`` for every amplitude, shape (S, parameters, 2^k X).

    With E the product of later gates, a rotation ``exp(-i w P / 2)`` has ``da/dw = E (-i P / 2) psi`` on the state psi after
    it; one sweep back carries ``bra E``. ``Rz`` comes before ``Ry(y)``, after which it is a turn about ``Z cos y + X sin y``.

    Args:
        pattern: where the CZ are.
        params: angles, shape (S, parameters).
        run: what :func:`amplitudes` returned for them.
        bra: factor of each amplitude, shape (2^k, S, X).
    """
    size, starts, contexts = bra.shape
    result = np.empty((pattern.parameters, size, starts, contexts), dtype=np.complex128)
    later = np.zeros((size, size, starts, contexts), dtype=np.complex128)
    later[np.arange(size), np.arange(size)] = bra
    cos, sin = np.cos(params.T)[:, None, :, None], np.sin(params.T)[:, None, :, None]
    for turn, matrix, state in zip(reversed(pattern.turns), reversed(run.matrices), reversed(run.trail[1:]), strict=True):
        grid = products(later, state, turn.target)
        about_y, about_z = result[turn.index + 1], result[turn.index]
        np.subtract(grid[1, 0], grid[0, 1], out=about_y)
        np.subtract(grid[0, 0], grid[1, 1], out=about_z)
        about_z *= cos[turn.index + 1]
        about_z += (grid[0, 1] + grid[1, 0]) * sin[turn.index + 1]
        later = turned(later, turn.target, matrix.swapaxes(0, 1))  # E G acts on rows
        if turn.partner != NONE:
            later = later * inner_signs(turn, pattern.size)
    for q in range(pattern.size):
        grid = products(later, run.trail[0], q)
        np.subtract(grid[1, 0], grid[0, 1], out=result[q])
    result *= 0.5
    result[pattern.size :: 2] *= -1j
    return np.ascontiguousarray(np.moveaxis(result, 2, 0)).reshape(starts, pattern.parameters, size * contexts)
