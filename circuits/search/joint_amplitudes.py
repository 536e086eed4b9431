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

from stinespring.circuits.core.gates import Gate
from stinespring.readings import ComplexArray, FloatArray, IntArray

__all__ = ["Amplitudes", "Layers", "Pattern", "WireTurn", "amplitudes", "derivatives"]


class WireTurn(NamedTuple):
    """The rotations ``Ry(y) Rz(z)`` of one outcome wire.

    Attributes:
        target: the outcome bit that turns.
        control: the context bit of the CZ before it, or M if there is none.
        y: number of the parameter y.
        z: number of the parameter z; one past the last for the first ``Ry`` of a wire, which has none.
    """

    target: int
    control: int
    y: int
    z: int


class Layers(NamedTuple):
    """A pattern cut before every CZ between outcome wires; within a layer each wire turns for itself.

    Attributes:
        couples: the outcome bits of the CZ that begins each layer; the first layer has none.
        turns: all turns in order.
        ranks: for r = 0, 1, ...: ``place`` and ``turn``, the (layer, wire) places with more than r turns, counted as
            ``layer k + wire``, and the r-th turn from the last of each.
    """

    couples: tuple[tuple[int, int] | None, ...]
    turns: tuple[WireTurn, ...]
    ranks: tuple[tuple[IntArray, IntArray], ...]


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
    def layers(self) -> Layers:
        """The turns of every layer."""
        couples: list[tuple[int, int] | None] = [None]
        turns = [WireTurn(q, self.width, q, self.parameters) for q in range(self.size)]
        stacks: list[list[int]] = [[q] for q in range(self.size)]
        index = self.size
        for pair in self.pairs:
            control = min(pair[0], self.width)
            if control == self.width:
                couples.append((pair[0] - self.width, pair[1] - self.width))
                stacks += [[] for _ in range(self.size)]
            for wire in pair:
                if wire >= self.width:
                    stacks[wire - self.width - self.size].append(len(turns))
                    turns.append(WireTurn(wire - self.width, control, index + 1, index))
                    index += 2
        ranks = []
        for r in range(max(map(len, stacks))):
            place = [p for p, stack in enumerate(stacks) if len(stack) > r]
            ranks.append((np.array(place), np.array([stacks[p][-1 - r] for p in place])))
        return Layers(tuple(couples), tuple(turns), tuple(ranks))

    @cached_property
    def parameters(self) -> int:
        """Number of angles."""
        return self.size + 2 * sum(wire >= self.width for pair in self.pairs for wire in pair)

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
        trail: the state after every layer, shape (layers, S, X, 2^k).
        steps: the matrix of every layer, shape (layers, S, X, 2^k, 2^k).
        angles: y and z of every turn, each of shape (turns, S, 1).
        sign: -1 where the context bit of the CZ before a turn is set, shape (turns, 1, X).
    """

    trail: ComplexArray
    steps: ComplexArray
    angles: tuple[FloatArray, FloatArray]
    sign: FloatArray

    @property
    def state(self) -> ComplexArray:
        """Final amplitudes, shape (S, X, 2^k)."""
        return np.asarray(self.trail[-1])


def amplitudes(pattern: Pattern, params: FloatArray, contexts: IntArray) -> Amplitudes:
    """Return the amplitudes of every outcome, with what their derivatives need.

    Args:
        pattern: where the CZ are.
        params: angles, shape (S, parameters).
        contexts: context of each row, shape (X,).
    """
    turns = np.array(pattern.layers.turns)
    padded = np.concatenate([params, np.zeros((len(params), 1))], axis=1).T[:, :, None]
    bits = contexts[None] >> np.arange(pattern.width + 1)[:, None] & 1
    bits[-1] = 0
    sign = np.where(bits, -1.0, 1.0)[turns[:, 1]][:, None]
    angles = padded[turns[:, 2]], padded[turns[:, 3]]
    steps = layer_matrices(pattern, angles, sign)
    trail = np.empty(steps.shape[:-1], dtype=np.complex128)
    trail[0] = steps[0, ..., 0]
    for before, step, after in zip(trail, steps[1:], trail[1:], strict=False):
        np.matmul(step, before[..., None], out=after[..., None])
    return Amplitudes(trail, steps, angles, sign)


def layer_matrices(pattern: Pattern, angles: tuple[FloatArray, FloatArray], sign: FloatArray) -> ComplexArray:
    """Return the matrix of every layer, shape (layers, S, X, 2^k, 2^k)."""
    layers, size = pattern.layers, pattern.size
    y, z = angles
    cos, sin, phase = np.cos(y / 2), np.sin(y / 2), np.exp(-0.5j * z)
    first, second = phase * np.ones_like(sign), phase.conj() * sign
    turned = np.stack([cos * first, -sin * second, sin * first, cos * second], axis=1).reshape(-1, 2, 2, *first.shape[1:])
    whole = np.zeros((len(layers.couples) * size, *turned.shape[1:]), dtype=np.complex128)
    whole[:, 0, 0] = whole[:, 1, 1] = 1.0
    for r, (place, turn) in enumerate(layers.ranks):
        earlier = turned[turn]
        whole[place] = (whole[place][:, :, :, None] * earlier[:, None]).sum(axis=2) if r else earlier
    wires = whole.reshape(len(layers.couples), size, *whole.shape[1:])
    result: ComplexArray = wires[:, 0]
    for q in range(1, size):
        grown = wires[:, q, :, None, :, None] * result[:, None, :, None]
        result = grown.reshape(len(grown), 2 << q, 2 << q, *grown.shape[5:])
    code = np.arange(1 << size)
    for matrix, couple in zip(result, layers.couples, strict=True):
        if couple is not None:
            matrix[:, (code >> couple[0] & code >> couple[1] & 1) == 1] *= -1
    return np.ascontiguousarray(np.moveaxis(result, (1, 2), (-2, -1)))


def pauli_generators(size: int) -> ComplexArray:
    """Return ``-i P / 2`` of every wire, P = X, Y, Z, as a matrix from states to all their images: shape (2^k, 3 k 2^k)."""
    code, result = np.arange(1 << size), np.zeros((1 << size, size, 3, 1 << size), dtype=np.complex128)
    for q in range(size):
        bit, other = code >> q & 1, code ^ (1 << q)
        result[other, q, 0, code] = -0.5j
        result[other, q, 1, code] = bit - 0.5
        result[code, q, 2, code] = 1j * (bit - 0.5)
    return result.reshape(1 << size, -1)


def slopes(pattern: Pattern, run: Amplitudes, bra: ComplexArray) -> ComplexArray:
    """Return ``bra E (-i P / 2) psi`` of every wire in every layer, P = X, Y, Z: shape (layers, k, 3, S, X, 2^k).

    psi is the state after a layer and E the product of all later ones.
    """
    size, code = pattern.size, np.arange(bra.shape[-1])
    later = np.empty_like(run.steps)
    later[-1] = 0
    later[-1][..., code, code] = bra
    for layer in range(len(later) - 1, 0, -1):
        np.matmul(run.steps[layer].swapaxes(-1, -2), later[layer], out=later[layer - 1])
    images = (run.trail.reshape(-1, code.size) @ pauli_generators(size)).reshape(*run.trail.shape[:-1], 3 * size, code.size)
    result = np.empty((len(later), 3 * size, *bra.shape), dtype=np.complex128)
    np.matmul(images, later, out=np.moveaxis(result, 1, -2))
    return result.reshape(len(later), size, 3, *bra.shape)


def derivatives(pattern: Pattern, run: Amplitudes, bra: ComplexArray) -> ComplexArray:
    """Return ``bra_t da_t / dparams`` for every amplitude, shape (S, parameters, X 2^k).

    With E the product of later gates, a rotation ``exp(-i w P / 2)`` has ``da/dw = E (-i P / 2) psi`` on the state psi after
    it. Turned by the rest of its layer, P is a combination of X, Y, Z on the state after the layer: a real vector for each
    context.

    Args:
        pattern: where the CZ are.
        run: what :func:`amplitudes` returned for the angles.
        bra: factor of each amplitude, shape (S, X, 2^k).
    """
    starts, contexts, size = bra.shape
    _, _, about_y, about_z = np.array(pattern.layers.turns).T
    slope, (y, z) = slopes(pattern, run, bra), run.angles
    result = np.empty((starts, pattern.parameters + 1, contexts, size), dtype=np.complex128)
    target = np.moveaxis(result, 0, 1)
    slope = slope.reshape(-1, 3, *bra.shape)
    axes = np.zeros((3, 3, len(slope), starts, contexts))  # [i, P]: where the later turns of the layer take X, Y, Z
    for r, (place, turn) in enumerate(pattern.layers.ranks):
        here = [slope[place, a] for a in range(3)]
        cos, sin = np.cos(y[turn]), np.sin(y[turn])
        if r == 0:
            target[about_y[turn]] = here[1]
            target[about_z[turn]] = sin[..., None] * here[0] + cos[..., None] * here[2]
            one, none = np.ones_like(cos), np.zeros_like(cos)
            x_axis, y_axis, z_axis = np.array([cos, none, -sin]), np.array([none, one, none]), np.array([sin, none, cos])
        else:
            old = axes[:, :, place]
            x_axis, y_axis, z_axis = cos * old[:, 0] - sin * old[:, 2], old[:, 1], sin * old[:, 0] + cos * old[:, 2]
            target[about_y[turn]] = sum(y_axis[a, ..., None] * here[a] for a in range(3))
            target[about_z[turn]] = sum(z_axis[a, ..., None] * here[a] for a in range(3))
        if r + 1 < len(pattern.layers.ranks):
            cos, sin = np.cos(z[turn]) * run.sign[turn], np.sin(z[turn]) * run.sign[turn]
            axes[:, 0, place], axes[:, 1, place] = cos * x_axis + sin * y_axis, cos * y_axis - sin * x_axis
            axes[:, 2, place] = z_axis
    return result[:, : pattern.parameters].reshape(starts, pattern.parameters, contexts * size)
