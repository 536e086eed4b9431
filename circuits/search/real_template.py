# SPDX-License-Identifier: Apache-2.0
"""Real circuits of a fixed shape, Ry on every wire and then CZ with an Ry on both its wires, fitted to orthogonal matrices.

A circuit of L CZ on n wires has n + 2 L angles; SO(2^n) has 2^n (2^n - 1) / 2 dimensions, so that no fewer CZ than half the
difference can do for a generic matrix: 13 on three wires.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from stinespring.circuits.core.gates import Gate
from stinespring.circuits.search.levenberg import Guess, NormalEquations, least_squares
from stinespring.readings import FloatArray, IntArray

__all__ = ["MatrixFit", "RealTemplate"]

Pair = tuple[int, int]


@dataclass(frozen=True)
class RealTemplate:
    """The wires of each CZ, in time order, on ``width`` wires."""

    width: int
    pairs: tuple[Pair, ...]

    @property
    def unknowns(self) -> int:
        """Number of angles."""
        return self.width + 2 * len(self.pairs)

    def gates(self, angles: Sequence[float]) -> list[Gate]:
        """Return the circuit for some angles: those of all wires first, then two for each CZ."""
        given = iter(angles)
        result = [Gate("ry", (wire,), (next(given),)) for wire in range(self.width)]
        for pair in self.pairs:
            result += [Gate("cz", pair), *(Gate("ry", (wire,), (next(given),)) for wire in pair)]
        return result

    @cached_property
    def generators(self) -> FloatArray:
        """The derivative of ``Ry(t)`` on each wire at 0, ``-i Y / 2``: shape (width, 2^width, 2^width)."""
        turn = np.array([[0.0, -0.5], [0.5, 0.0]])
        low = [np.kron(turn, np.eye(1 << wire)) for wire in range(self.width)]
        return np.stack([np.kron(np.eye(1 << (self.width - 1 - wire)), low[wire]) for wire in range(self.width)])

    @cached_property
    def layers(self) -> FloatArray:
        """``{1, 2 G_a, 2 G_b, 4 G_a G_b} CZ_ab`` of each CZ, shape (L, 4, 2^width, 2^width)."""
        bits = np.arange(1 << self.width)
        result = []
        for a, b in self.pairs:
            sign = np.where(bits >> a & bits >> b & 1, -1.0, 1.0)
            one, other = 2 * self.generators[a], 2 * self.generators[b]
            result.append(np.stack([np.eye(bits.size), one, other, one @ other]) * sign)
        return np.stack(result)

    def prefixes(self, x: FloatArray) -> FloatArray:
        """Return the product of the first Ry, and with each CZ and its Ry: shape (L + 1, S, 2^width, 2^width)."""
        cosine, sine = np.cos(x / 2), np.sin(x / 2)
        now = np.broadcast_to(np.eye(1 << self.width), (len(x), 1 << self.width, 1 << self.width))
        for wire, turn in enumerate(2 * self.generators):
            now = cosine[:, wire, None, None] * now + sine[:, wire, None, None] * (turn @ now)
        result = [now]
        c, s = (part[:, self.width :].reshape(len(x), -1, 2) for part in (cosine, sine))
        weights = np.stack([c[..., 0] * c[..., 1], s[..., 0] * c[..., 1], c[..., 0] * s[..., 1], s[..., 0] * s[..., 1]], axis=2)
        for number, layer in enumerate(self.layers):
            step = (weights[:, number] @ layer.reshape(4, -1)).reshape(now.shape)
            now = step @ now
            result.append(now)
        return np.stack(result)


@dataclass(frozen=True)
class MatrixFit:
    """A template's angles for orthogonal matrices, one problem for each.

    With ``dM = sum_k dx_k M A_k``, ``A_k = P_k^T G_k P_k`` antisymmetric for the gates P_k up to rotation k, the equations are
    ``skew(M^T O) = sum_k dx_k A_k``.

    Attributes:
        template: the circuit.
        wanted: O, shape (S, 2^n, 2^n).
    """

    template: RealTemplate
    wanted: FloatArray

    def guess(self, x: FloatArray) -> Guess:
        """Evaluate angles; the error is the largest of an entry."""
        prefixes = self.template.prefixes(x)
        made = prefixes[-1]
        difference = (made - self.wanted).reshape(len(x), -1)
        turned = made.transpose(0, 2, 1) @ self.wanted
        upper = np.triu_indices(made.shape[1], 1)
        residual = (turned.transpose(0, 2, 1) - turned)[:, upper[0], upper[1]] / 2
        return Guess(x, residual, (difference**2).sum(axis=1), abs(difference).max(axis=1), prefixes)

    def system(self, guess: Guess) -> NormalEquations:
        """Return the normal equations at a guess."""
        prefixes = self.template.prefixes(guess.x) if guess.memo is None else guess.memo
        wires = [tuple(range(self.template.width)), *self.template.pairs]
        upper = np.triu_indices(1 << self.template.width, 1)
        slopes = []
        for on, before in zip(wires, prefixes, strict=True):
            turned = self.template.generators[list(on)][:, None] @ before
            slopes.append((before.transpose(0, 2, 1) @ turned)[:, :, upper[0], upper[1]])
        return least_squares(np.concatenate(slopes).transpose(1, 2, 0), guess.residual)

    def keep(self, index: IntArray) -> Self:
        """Return the problems of some of the matrices."""
        return type(self)(self.template, self.wanted[index])

    def work(self, starts: int) -> float:
        """Return the modelled seconds of one step."""
        return 1e-8 * starts * self.template.unknowns * (1 << 3 * self.template.width)
