# SPDX-License-Identifier: Apache-2.0
"""Laws bit by bit, and which bit pattern should stand for which outcome.

The outcome's highest bit is made first and controls the lower ones, each by its own sequence. The half form fits whenever
every node of the code tree splits its mass between ``sin^2(pi/8) = 0.146`` and 0.854. Pairing neighbours in the order of mass,
from the leaves up, keeps nearly all splits near one half; outcomes without mass are paired with each other.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np

from stinespring.circuits.core.cz_sequence import CzSequence
from stinespring.circuits.core.gates import Gate
from stinespring.circuits.exact.multiplexer import law_angles
from stinespring.circuits.laws.half_form import gamma_bounds
from stinespring.circuits.laws.sequence_search import law_sequence
from stinespring.readings import BoolArray, FloatArray, IntArray

__all__ = ["balanced_codes", "bit_gates", "bit_laws", "bit_sequences"]

GAMMAS = np.linspace(0.02, np.pi - 0.02, 24)[:, None]
ENUMERATED = 8  # all codes of up to so many outcomes are compared
COMPARED = 3  # codes whose circuits are compared
EASY_SPLIT = np.pi / 6  # radians from pi/2: splits as even as this are as good as any


def bit_laws(law: FloatArray) -> list[tuple[FloatArray, BoolArray]]:
    """Return the law of each bit, the highest first: polar angles and which rows have mass.

    Args:
        law: shape (2^M, 2^k); rows that do not matter are zero.

    Returns:
        k pairs of arrays of shape (2^(M+m),), m = 0..k-1 bits already made, indexed ``higher bits * 2^M + x``.
    """
    contexts, size = law.shape
    cares = []
    for made in range(size.bit_length() - 1):
        mass = law.reshape(contexts, 1 << made, -1).sum(axis=2)
        cares.append((mass > 0).T.ravel())
    return list(zip(law_angles(law), cares, strict=True))


def bit_sequences(law: FloatArray, *, effort: float = 0.0, seed: int = 0) -> list[CzSequence]:
    """Return the sequence of each bit, the highest first; the effort is shared by the number of rows."""
    laws = bit_laws(law)
    rows = sum(theta.size for theta, _ in laws)
    return [law_sequence(theta, care, effort=effort * theta.size / rows, seed=seed) for theta, care in laws]


def bit_gates(sequences: list[CzSequence], *, width: int, made: int = 0) -> list[Gate]:
    """Return the gates of sequences for all k bits below the first ``made``.

    Args:
        sequences: of the lower bits, the highest of them first.
        width: M, the number of context wires.
        made: bits above that exist already.
    """
    top = width + made + len(sequences)
    gates: list[Gate] = []
    for target, sequence in zip(range(top - made - 1, width - 1, -1), sequences, strict=True):
        gates += sequence.gate_list([*range(width), *range(target + 1, top)], target)
    return gates


def closed_cost(law: FloatArray) -> int:
    """Return the CZ of all bits in closed form."""
    return sum(sequence.cost for sequence in bit_sequences(law))


def misfit(law: FloatArray) -> float:
    """Return how badly one gamma a bit fits: the least total excess of its bounds, summed over the bits."""
    total = 0.0
    for theta, care in bit_laws(law):
        excess = []
        for control in range(theta.size.bit_length() - 1):
            low, high = gamma_bounds(theta, care, control=control)
            violation = np.maximum(low - GAMMAS, 0.0) + np.maximum(GAMMAS - high, 0.0)
            excess.append(float(violation.sum(axis=1).min()))
        total += min(excess, default=0.0)
    return total


def pair_by_mass(mass: FloatArray) -> IntArray:
    """Return the outcomes in code order, by pairing neighbours in the order of mass from the leaves up."""
    units, weight = np.argsort(-mass, kind="stable")[:, None], -np.sort(-mass)
    while len(units) > 1:
        units, weight = units.reshape(len(units) // 2, -1), weight.reshape(-1, 2).sum(axis=1)
        order = np.argsort(-weight, kind="stable")
        units, weight = units[order], weight[order]
    return np.asarray(units[0], dtype=np.int64)


def pair_by_contexts(law: FloatArray) -> IntArray:
    """Return the outcomes in code order for several contexts, matched greedily by the worst and mean imbalance."""
    units, mass = [[t] for t in range(law.shape[1])], law.T.copy()
    while len(units) > 1:
        total = mass[:, None] + mass[None]
        part = np.divide(mass[:, None], total, out=np.full_like(total, 0.5), where=total > 0)
        uneven = abs(2 * np.arcsin(np.sqrt(np.clip(part, 0, 1))) - np.pi / 2)
        price = np.maximum(uneven - EASY_SPLIT, 0.0).sum(axis=2) + 0.1 * uneven.mean(axis=2)
        np.fill_diagonal(price, np.inf)
        pairs = []
        for _ in range(len(units) // 2):
            a, b = divmod(int(np.argmin(price)), len(units))
            price[[a, b]], price[:, [a, b]] = np.inf, np.inf
            pairs.append((a, b) if mass[a].sum() >= mass[b].sum() else (b, a))
        units = [units[a] + units[b] for a, b in pairs]
        mass = np.stack([mass[a] + mass[b] for a, b in pairs])
    return np.array(units[0], dtype=np.int64)


def every_tree(size: int) -> list[tuple[int, ...]]:
    """Return one order of 1, 2, 4 or 8 outcomes for every code tree, the children of a node being unordered."""
    if size <= 2:
        return [tuple(range(size))]
    if size == 4:
        return [(0, 1, 2, 3), (0, 2, 1, 3), (0, 3, 1, 2)]
    orders = []
    for left in [(0, *rest) for rest in permutations(range(1, size), 3) if rest[1] < rest[2]]:
        right = [t for t in range(size) if t not in left]
        orders += [left + tuple(right[i] for i in order) for order in every_tree(4)]
    return orders


def heavier_first(law: FloatArray, order: IntArray) -> IntArray:
    """Return the same code tree with the heavier child, in the mean over contexts, first at every node."""
    mean, result, width = law.mean(axis=0), order.copy(), 1
    while width < order.size:
        pairs = result.reshape(-1, 2, width)
        swap = mean[pairs[:, 0]].sum(axis=1) < mean[pairs[:, 1]].sum(axis=1)
        result = np.where(swap[:, None, None], pairs[:, ::-1], pairs).reshape(-1)
        width *= 2
    return np.asarray(result)


def balanced_codes(law: FloatArray, *, enumerate_all: bool = True) -> IntArray:
    """Return a code of every outcome for which the closed forms are short.

    Args:
        law: shape (2^M, 2^k); rows that do not matter are zero.
        enumerate_all: whether all code trees of eight outcomes may be compared; four outcomes always are.

    Returns:
        ``codes[t]``, the bit pattern of outcome t, shape (2^k,).
    """
    contexts, size = law.shape
    if contexts == 1:
        orders = [pair_by_mass(law[0])]
    elif size > ENUMERATED or (size == ENUMERATED and not enumerate_all):
        orders = [pair_by_contexts(law)]
    else:
        trees = [heavier_first(law, np.array(tree, dtype=np.int64)) for tree in every_tree(size)]
        scores = [misfit(law[:, order]) for order in trees]
        orders = [trees[i] for i in np.argsort(scores, kind="stable")[:COMPARED].tolist()]
    best = orders[0] if len(orders) == 1 else min(orders, key=lambda order: closed_cost(law[:, order]))
    codes = np.empty(size, dtype=np.int64)
    codes[best] = np.arange(size)
    return codes
