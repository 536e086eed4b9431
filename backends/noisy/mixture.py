# SPDX-License-Identifier: Apache-2.0
"""A density matrix beside classical bits: one real array with an axis of four for a qubit, and one of two for a bit."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from stinespring.backends.noisy.pauli import READ, ZERO
from stinespring.errors import TooLargeError
from stinespring.readings import FloatArray

__all__ = ["MOST_NUMBERS", "Axis", "Mixture"]

Axis = tuple[str, int]  # ("q", wire) or ("c", bit)
MOST_NUMBERS = 1 << 22  # of one array, as of eleven qubits: 32 MB, and as much again while it is worked on


class Mixture:
    """Every history of a program at once: for each value of the bits the unnormalised state that goes with it.

    A qubit has an axis from its first operation to its last one, a bit from when it is written for as long as it is wanted.

    Args:
        most: numbers that may be computed in all.
    """

    def __init__(self, most: float = math.inf) -> None:
        self.array: FloatArray = np.ones(())
        self.axes: list[Axis] = []
        self.left = most

    def spend(self, numbers: float) -> None:
        """Count what is computed.

        Raises:
            TooLargeError: more than there may be, in all or at once.
        """
        self.left -= numbers
        if self.left < 0 or numbers > MOST_NUMBERS:
            raise TooLargeError("the noisy law is too large to be followed exactly", got=f"{numbers:,.0f} numbers at once")

    def has(self, axis: Axis) -> bool:
        """Return whether there is such an axis."""
        return axis in self.axes

    def add(self, axis: Axis, vector: FloatArray) -> None:
        """Add an axis in a state of its own."""
        self.spend(self.array.size * len(vector))
        self.array = np.multiply.outer(vector, self.array)
        self.axes.insert(0, axis)

    def apply(self, matrix: FloatArray, on: Sequence[Axis], into: Sequence[tuple[Axis, int]] | None = None) -> None:
        """Apply a matrix to some axes, the first of them in the least significant place.

        Args:
            matrix: shape (out, in).
            on: axes that there are.
            into: the axes and sizes that they become, the first least significant; None: themselves.
        """
        places = [self.axes.index(axis) for axis in reversed(on)]
        rest = [place for place in range(self.array.ndim) if place not in places]
        became = [(axis, 4 if axis[0] == "q" else 2) for axis in on] if into is None else list(into)
        shape = [self.array.shape[place] for place in rest]
        self.spend(max(self.array.size, math.prod(shape) * len(matrix)))
        moved = self.array.transpose(places + rest).reshape(matrix.shape[1], -1)
        self.array = (matrix @ moved).reshape([size for _, size in reversed(became)] + shape)
        self.axes = [axis for axis, _ in reversed(became)] + [self.axes[place] for place in rest]

    def fresh(self, wire: int, vector: FloatArray = ZERO) -> None:
        """Add a qubit."""
        self.add(("q", wire), vector)

    def forget(self, axis: Axis) -> None:
        """Sum a bit out, or trace a qubit out."""
        place = self.axes.index(axis)
        self.array = self.array.sum(axis=place) if axis[0] == "c" else np.ascontiguousarray(self.array.take(0, axis=place))
        del self.axes[place]

    def read(self, wire: int, bit: int | None, readout: FloatArray, *, last: bool) -> None:
        """Measure a qubit.

        Args:
            wire: which.
            bit: where it is written; None: nowhere that matters.
            readout: ``[prepared][read]``.
            last: whether the qubit is not used again.
        """
        if bit is not None and self.has(("c", bit)):
            self.forget(("c", bit))
        if bit is None and last:
            self.forget(("q", wire))
            return
        told = readout.T @ READ  # (read, 4)
        if last:
            self.apply(told, [("q", wire)], [(("c", int(bit or 0)), 2)])
            return
        kept = np.einsum("or,oP->roP", readout, READ)  # what is left of each outcome
        states = np.stack([ZERO, ZERO * [1, 1, 1, -1]])
        whole = np.einsum("roP,oQ->rQP", kept, states)
        if bit is None:
            self.apply(whole.sum(axis=0), [("q", wire)])
        else:
            self.apply(whole.reshape(8, 4), [("q", wire)], [(("q", wire), 4), (("c", bit), 2)])

    def where(self, bits: dict[int, int]) -> Mixture:
        """Return the part in which bits have given values, without their axes; the bits have axes."""
        part = Mixture(self.left)
        index = tuple(bits[axis[1]] if axis[0] == "c" and axis[1] in bits else slice(None) for axis in self.axes)
        part.array = self.array[index].copy()
        part.axes = [axis for axis in self.axes if axis[0] == "q" or axis[1] not in bits]
        return part

    def put(self, bits: dict[int, int], part: Mixture) -> None:
        """Write a part back."""
        index = tuple(bits[axis[1]] if axis[0] == "c" and axis[1] in bits else slice(None) for axis in self.axes)
        order = [axis for axis in self.axes if axis[0] == "q" or axis[1] not in bits]
        self.array[index] = part.array.transpose([part.axes.index(axis) for axis in order])
        self.left = part.left

    def weights(self, bits: Sequence[int]) -> FloatArray:
        """Return the probabilities of the values of bits, all that there is, shape (2,) * len(bits)."""
        return self.array.transpose([self.axes.index(("c", bit)) for bit in bits])
