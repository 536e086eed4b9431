# SPDX-License-Identifier: Apache-2.0
"""Isometries of circuits of CZ and one-qubit gates, with their derivatives, in a batch of angles.

A block on wires (a, b) is ``(Rz Ry)_a (Rz Ry)_b CZ_ab``: four angles a CZ, since the third angle of a one-qubit gate passes
through the CZ before it. Blocks without a CZ turn every wire at the start, and a diagonal ``Rz`` on the input comes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stinespring.circuits.core.gates import Gate
from stinespring.circuits.core.one_qubit import wire_gates
from stinespring.readings import ComplexArray, FloatArray, IntArray

__all__ = ["CzPattern", "Sweep", "random_pairs", "short_lengths", "sweep_work"]

BLOCK_COST, START_COST, ELEMENT_COST = 2e-6, 1.7e-5, 9e-10  # modelled seconds: a block, a start in it, a multiply-add
PHASE = np.array([-0.5j, 0.5j])  # derivative of the diagonal of Rz, divided by that diagonal
SIGN = np.array([1.0, 1.0, 1.0, -1.0])  # diagonal of CZ


@dataclass(frozen=True)
class Sweep:
    """What one evaluation leaves for the derivatives.

    Attributes:
        isometry: shape (S, 2^q, 2^m).
        columns: the input diagonal, shape (S, 2^m).
        gathered: states before the blocks without the input diagonal, each of shape (S, 4, 2^(q-2) 2^m), rows by pair.
    """

    isometry: ComplexArray
    columns: ComplexArray
    gathered: tuple[ComplexArray, ...]


@dataclass(frozen=True)
class CzPattern:
    """Where the CZ are.

    Attributes:
        pairs: wires of the CZ, in order.
        width: q, the number of wires, two at least.
        inputs: m, wires 0..m-1 are the input, the others start in |0>.
        loose: wires on which what is turned last does not matter and is left out, such as those of an environment.
    """

    pairs: tuple[tuple[int, int], ...]
    width: int
    inputs: int
    loose: tuple[int, ...] = ()

    @cached_property
    def blocks(self) -> tuple[tuple[int, int], ...]:
        """Wires of all blocks; the first ceil(q/2) have no CZ."""
        first = [(w, w + 1) for w in range(0, self.width - 1, 2)]
        return (*first, *([(0, self.width - 1)] if self.width % 2 else []), *self.pairs)

    @property
    def bare(self) -> int:
        """Number of blocks without a CZ."""
        return (self.width + 1) // 2

    @cached_property
    def free(self) -> IntArray:
        """Indices of the angles that matter, among 4 (Ry_a, Rz_a, Ry_b, Rz_b) of each block and m of the input diagonal."""
        use = np.ones((len(self.blocks), 2, 2), dtype=bool)
        if self.width % 2:
            use[self.bare - 1, 0] = False
        for wire in self.loose:
            places = [(i, pair.index(wire)) for i, pair in enumerate(self.blocks) if wire in pair]
            if self.width % 2 and wire == 0:
                places.remove((self.bare - 1, 0))
            use[places[-1]] = False
            if len(places) > 1:
                use[places[-2]][1] = False
        return np.flatnonzero(np.concatenate([use.ravel(), np.ones(self.inputs, dtype=bool)])).astype(np.int64)

    @property
    def angles(self) -> int:
        """Number of all angles, also of those that do not matter."""
        return 4 * len(self.blocks) + self.inputs

    @cached_property
    def rows(self) -> IntArray:
        """Rows of each block, shape (blocks, 2^q): by the bits (b a) of its pair, then by the other wires."""
        index = np.arange(1 << self.width)
        order = [np.lexsort((index, 2 * (index >> b & 1) + (index >> a & 1))) for a, b in self.blocks]
        return np.array(order, dtype=np.int64)

    def matrices(self, angles: FloatArray, *, derivatives: bool = False) -> tuple[ComplexArray, ComplexArray | None]:
        """Return the blocks, shape (S, B, 4, 4), and their derivatives, shape (S, B, 4 angles, 4, 4)."""
        turn = angles[:, : 4 * len(self.blocks)].reshape(angles.shape[0], len(self.blocks), 2, 2)
        cos, sin = np.cos(turn[..., 0] / 2), np.sin(turn[..., 0] / 2)
        low = np.exp(-0.5j * turn[..., 1])
        high = low.conj()
        one = np.stack([low * cos, -low * sin, high * sin, high * cos], axis=-1).reshape(*turn.shape[:3], 2, 2)
        sign = np.where(np.arange(len(self.blocks))[:, None] < self.bare, 1.0, SIGN)
        a, b = one[:, :, 0], one[:, :, 1]
        whole = _product(b, a) * sign[:, None, :]
        if not derivatives:
            return whole, None
        slope = np.asarray(
            np.stack([-low * sin, -low * cos, high * cos, -high * sin], axis=-1).reshape(one.shape) / 2, dtype=np.complex128
        )
        spin = one * PHASE[:, None]
        parts = [
            _product(b, slope[:, :, 0]),
            _product(b, spin[:, :, 0]),
            _product(slope[:, :, 1], a),
            _product(spin[:, :, 1], a),
        ]
        return whole, np.stack(parts, axis=2) * sign[:, None, None, :]

    def sweep(self, angles: FloatArray, blocks: ComplexArray) -> Sweep:
        """Return the isometry of the circuit, with ``blocks`` from :meth:`matrices`."""
        count, size = angles.shape[0], 1 << self.width
        columns = np.ones((count, 1), dtype=np.complex128)
        for c in range(self.inputs):
            turn = angles[:, 4 * len(self.blocks) + c, None]
            columns = np.concatenate([columns * np.exp(-0.5j * turn), columns * np.exp(0.5j * turn)], axis=1)
        state: ComplexArray = np.zeros((count, size, 1 << self.inputs), dtype=np.complex128)
        state[:, :, :] = np.eye(size, 1 << self.inputs)
        gathered = []
        for i, rows in enumerate(self.rows):
            taken = state[:, rows].reshape(count, 4, -1)
            gathered.append(taken)
            state = np.empty_like(state)
            state[:, rows] = (blocks[:, i] @ taken).reshape(count, size, -1)
        return Sweep(state * columns[:, None], columns, tuple(gathered))

    def slopes(self, sweep: Sweep, blocks: ComplexArray, parts: ComplexArray, last: ComplexArray) -> ComplexArray:
        """Return ``L dW/d(angle)`` for the angles that matter, shape (S, R, 2^m, P).

        Args:
            sweep: of the same angles.
            blocks: from :meth:`matrices`.
            parts: derivatives from :meth:`matrices`.
            last: what multiplies the isometry from the left, shape (S, R, 2^q).
        """
        count, size, inputs = sweep.isometry.shape
        back = np.ascontiguousarray(last.transpose(0, 2, 1))
        result = np.zeros((count, last.shape[1], inputs, self.angles), dtype=np.complex128)
        quarter = size // 4
        for i in range(len(self.blocks) - 1, -1, -1):
            rows = self.rows[i]
            taken = back[:, rows]
            moved = parts[:, i].reshape(count, 16, 4) @ sweep.gathered[i]
            moved = moved.reshape(count, 4, 4, quarter, inputs).transpose(0, 2, 3, 4, 1).reshape(count, size, -1)
            result[..., 4 * i : 4 * i + 4] = (taken.transpose(0, 2, 1) @ moved).reshape(count, -1, inputs, 4)
            back = np.empty_like(back)
            back[:, rows] = (blocks[:, i].transpose(0, 2, 1) @ taken.reshape(count, 4, -1)).reshape(count, size, -1)
        result *= sweep.columns[:, None, :, None]
        if self.inputs:
            bits = np.arange(inputs)[:, None] >> np.arange(self.inputs) & 1
            result[..., 4 * len(self.blocks) :] = (last @ sweep.isometry)[..., None] * PHASE[bits]
        return result[..., self.free]

    def spread(self, params: FloatArray) -> FloatArray:
        """Return all angles of the free ones, shape (S, angles); the others are zero."""
        angles = np.zeros((params.shape[0], self.angles))
        angles[:, self.free] = params
        return angles

    def gates(self, params: FloatArray) -> list[Gate]:
        """Return the gates of one vector of free angles: ``u`` and ``cz``."""
        angles = self.spread(params[None])[0]
        turns = angles[: 4 * len(self.blocks)].reshape(-1, 2, 2)
        gates = [Gate("rz", (c,), (float(angles[4 * len(self.blocks) + c]),)) for c in range(self.inputs)]
        for i, pair in enumerate(self.blocks):
            if i >= self.bare:
                gates.append(Gate("cz", pair))
            for wire, (y, z) in zip(pair, turns[i], strict=True):
                gates += [Gate("ry", (wire,), (float(y),)), Gate("rz", (wire,), (float(z),))]
        return wire_gates(gates, self.width)


def _product(high: ComplexArray, low: ComplexArray) -> ComplexArray:
    """Return the Kronecker products of stacks of 2 x 2 matrices."""
    outer = high[..., :, None, :, None] * low[..., None, :, None, :]
    return outer.reshape(*high.shape[:-2], 4, 4)


def random_pairs(
    count: int, allowed: Sequence[tuple[int, int]], rng: np.random.Generator, last: Sequence[tuple[int, int]] = ()
) -> tuple[tuple[int, int], ...]:
    """Return random pairs, as evenly spread as rounds of all of them, none twice in a row unless there is one only.

    Args:
        count: how many.
        allowed: pairs to choose from.
        rng: generator.
        last: pairs to choose the last one from, if any.
    """
    pairs: list[tuple[int, int]] = []
    while len(pairs) < count:
        order = [allowed[i] for i in rng.permutation(len(allowed))]
        if len(allowed) > 1 and pairs and order[0] == pairs[-1]:
            order = order[1:] + order[:1]
        pairs += order
    pairs = pairs[:count]
    if last and pairs and pairs[-1] not in last:
        choice = [p for p in last if len(pairs) < 2 or p != pairs[-2]] or list(last)
        pairs[-1] = choice[int(rng.integers(len(choice)))]
    return tuple(pairs)


def short_lengths(bound: int) -> list[int]:
    """Return lengths below the counting bound: all small ones, then every half more."""
    lengths = [0]
    while lengths[-1] + max(1, lengths[-1] // 3) < bound:
        lengths.append(lengths[-1] + max(1, lengths[-1] // 3))
    return lengths


def sweep_work(pattern: CzPattern, starts: int, *, rows: int) -> float:
    """Return the modelled seconds of one sweep over a pattern and its derivatives, of which so many rows are wanted."""
    elements = 4 * rows << (pattern.width + pattern.inputs)
    return len(pattern.blocks) * (BLOCK_COST + starts * (START_COST + ELEMENT_COST * elements))
