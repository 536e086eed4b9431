# SPDX-License-Identifier: Apache-2.0
"""The memory of a chain as isometries, one a step, from the causal states of its law.

A memory state ``|s_a>`` stands for every causal state a, and a step is one isometry, the same for all of them:
``V|s_a> = sum_t sqrt(P(t|a)) |t>|s_{d(a,t)}>``, d the causal state that follows. Its Gram matrix follows backwards,
``G_l(a, b) = sum_t sqrt(P(t|a) P(t|b)) G_{l+1}(d(a, t), d(b, t))``, and its rank is the dimension. The rows of
``M_l(a, (t, s)) = sqrt(P(t|a)) B_{l+1}(d(a, t), s)`` are the vectors themselves (``G_l = M_l M_l^T``), so that a singular value
decomposition ``M_l = B_l V_l`` gives vectors and isometry without squaring, to rounding.

Truncated, the isometries are those of a matrix-product state of smaller bonds: singular values are dropped from left to right.
Every projection acts within the space that the one before left, so ``F = 1 - (weights dropped)`` exactly, and the law moves by
``TVD <= sqrt(1 - F)``.

Where the futures of all causal states are mixtures of two of them, two hidden states do, whatever the number of causal states:
a step goes to one of the two at random, and a record of where it came from stays behind. This is an exact memory of one qubit.

Source: Gu et al., Nat. Commun. 3, 762 (2012) (quantum causal states); Binder, Thompson, Gu, Phys. Rev. Lett. 120, 240502 (2018)
(one isometry for all of them); Schollwoeck, Ann. Phys. 326, 96 (2011) (truncation); arXiv 1909.02817 (renewal processes).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stinespring.compiler.texts.merge import States
from stinespring.readings import ComplexArray, FloatArray, IntArray

__all__ = ["MemoryTensors", "exact_tensors", "hidden_tensors", "qubits_for", "truncated_tensors"]

NOTHING = 1e-13  # a smaller share of the largest singular value is rounding
MIXED = 1e-11  # a state that is a mixture to this, entry by entry of its law, counts as one


def qubits_for(states: int) -> int:
    """Return how many qubits hold so many states; none for a single one.

    Example:
        >>> [qubits_for(n) for n in (1, 2, 3, 16, 17)]
        [0, 1, 2, 4, 5]
    """
    return (states - 1).bit_length()


@dataclass(frozen=True, eq=False)
class MemoryTensors:
    """A chain as isometries on a memory.

    Attributes:
        steps: for each step a tensor, shape (in, D, R, out): from the memory's state to token, record and memory. As a
            matrix from ``in`` to the rest it is an isometry. Records stay behind; R is 1 where there is none.
        fidelity: F, the overlap with the exact state; 1 where nothing was dropped.
    """

    steps: tuple[FloatArray | ComplexArray, ...]
    fidelity: float = 1.0

    @property
    def bonds(self) -> tuple[int, ...]:
        """Memory states between the steps."""
        return tuple(int(tensor.shape[0]) for tensor in self.steps[1:])

    @property
    def qubits(self) -> int:
        """Qubits of the memory."""
        return max((qubits_for(bond) for bond in self.bonds), default=0)

    @property
    def certified(self) -> float:
        """``sqrt(1 - F)``, which bounds the TVD of the law."""
        return math.sqrt(max(0.0, 1.0 - self.fidelity))


def exact_tensors(states: Sequence[States], phases: Sequence[FloatArray] | None = None) -> MemoryTensors:
    """Return the isometries of the law itself.

    Args:
        states: the causal states before every step; one before the first.
        phases: of the amplitudes, for each step shape (S, D); without them all is real.
    """
    vectors: FloatArray | ComplexArray = np.ones((1, 1))
    tensors: list[FloatArray | ComplexArray] = []
    for number in range(len(states) - 1, -1, -1):
        row, symbol = np.nonzero(states[number].laws)
        after = states[number].after[row, symbol] if number < len(states) - 1 else np.zeros(len(row), dtype=np.int64)
        roots: FloatArray | ComplexArray = np.sqrt(states[number].laws)
        if phases is not None:
            roots = roots * np.exp(1j * phases[number])
        matrix = np.zeros((*roots.shape, vectors.shape[1]), dtype=np.result_type(roots, vectors))
        matrix[row, symbol] = roots[row, symbol][:, None] * vectors[after]
        left, singular, right = np.linalg.svd(matrix.reshape(len(matrix), -1), full_matrices=False)
        rank = int((singular > NOTHING * singular[0]).sum())
        vectors = left[:, :rank] * singular[:rank]
        tensors.append(right[:rank].reshape(rank, matrix.shape[1], 1, -1))
    tensors[-1] = tensors[-1] * vectors[0, 0]  # a sign or a phase
    return MemoryTensors(tuple(tensors[::-1]))


def truncated_tensors(exact: MemoryTensors, most: int) -> MemoryTensors:
    """Return isometries with at most so many memory states between the steps, the largest weights kept."""
    center: FloatArray | ComplexArray = np.ones((1, 1))
    kept: list[FloatArray | ComplexArray] = []
    fidelity = 1.0
    for tensor in exact.steps:
        whole = np.tensordot(center, tensor[:, :, 0, :], axes=1)
        left, singular, right = np.linalg.svd(whole.reshape(-1, whole.shape[2]), full_matrices=False)
        rank = min(most, int((singular > NOTHING * singular[0]).sum()))
        fidelity -= float((singular[rank:] ** 2).sum())
        kept.append(left[:, :rank].reshape(len(center), -1, rank))
        center = singular[:rank, None] * right[:rank]
    sign = center / abs(center)
    tensors: list[FloatArray | ComplexArray] = []
    for left_form in reversed(kept):
        matrix = np.tensordot(left_form, sign, axes=1)
        left, singular, right = np.linalg.svd(matrix.reshape(len(matrix), -1), full_matrices=False)
        rank = int((singular > NOTHING * singular[0]).sum())
        sign = left[:, :rank] * singular[:rank]
        tensors.append(right[:rank].reshape(rank, matrix.shape[1], 1, -1))
    tensors[-1] = tensors[-1] * (sign[0, 0] / abs(sign[0, 0]))
    return MemoryTensors(tuple(tensors[::-1]), min(1.0, max(0.0, fidelity)))


def hidden_tensors(states: Sequence[States]) -> MemoryTensors | None:
    """Return isometries on one qubit where all causal states of each step are mixtures of two of them; else None."""
    mixtures = [_mixture(coordinates) for coordinates in _futures(states)]
    tensors: list[FloatArray | ComplexArray] = []
    for number, (here, mixture) in enumerate(zip(states, mixtures, strict=True)):
        if mixture is None:
            return None
        extremes, last = mixture[0], number == len(states) - 1
        following = None if last else mixtures[number + 1]
        if not last and following is None:
            return None
        shares = np.ones((1, 1)) if following is None else following[1]
        tensor = np.zeros((len(extremes), here.laws.shape[1], len(extremes), shares.shape[1]))
        for place, state in enumerate(extremes.tolist()):
            for symbol in np.flatnonzero(here.laws[state]).tolist():
                after = 0 if last else int(here.after[state, symbol])
                tensor[place, symbol, place] = np.sqrt(here.laws[state, symbol] * shares[after])
        tensors.append(tensor)
    return MemoryTensors(tuple(tensors))


def _futures(states: Sequence[States]) -> list[FloatArray]:
    """Return for each step coordinates of the future's law after each causal state, shape (S, r), r the rank of the laws."""
    coordinates, found = np.ones((1, 1)), []
    for number in range(len(states) - 1, -1, -1):
        row, symbol = np.nonzero(states[number].laws)
        after = states[number].after[row, symbol] if number < len(states) - 1 else np.zeros(len(row), dtype=np.int64)
        matrix = np.zeros((*states[number].laws.shape, coordinates.shape[1]))
        matrix[row, symbol] = states[number].laws[row, symbol][:, None] * coordinates[after]
        left, singular, _ = np.linalg.svd(matrix.reshape(len(matrix), -1), full_matrices=False)
        rank = int((singular > MIXED * singular[0]).sum())
        coordinates = left[:, :rank] * singular[:rank]
        found.append(coordinates)
    return found[::-1]


def _mixture(points: FloatArray) -> tuple[IntArray, FloatArray] | None:
    """Return two states (or the only one) and the shares of a mixture of them that every state is; None if there are none.

    Args:
        points: the states' laws, shape (S, r); all on one line where it exists.
    """
    if len(points) == 1:
        return np.zeros(1, dtype=np.int64), np.ones((1, 1))
    away = points - points[0]
    first = int(np.argmax((away**2).sum(axis=1)))
    along = points - points[first]
    second = int(np.argmax((along**2).sum(axis=1)))
    line = along[second]
    share = along @ line / (line @ line)
    if abs(along - share[:, None] * line).max() > MIXED or share.min() < -MIXED or share.max() > 1 + MIXED:
        return None
    share = np.clip(share, 0.0, 1.0)
    return np.array([first, second]), np.stack([1.0 - share, share], axis=1)
