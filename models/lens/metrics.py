# SPDX-License-Identifier: Apache-2.0
"""How alike the operators of many inputs are, from their directions alone: cosines, distance correlation, random peers.

For ``U = 1 - 2 v v^T`` and ``H = pi v v^T`` the Frobenius cosines of two inputs are
``cos(U, U') = 1 - 4/V + (4/V) (v.v')^2`` and ``cos(H, H') = (v.v')^2``. The first has the floor 1 - 4/V: for a large V it
shows the dimension, not that operators are alike.

Source: arXiv 2510.11963, the comparison of operators over inputs.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from stinespring.readings import FloatArray

__all__ = [
    "cos_u",
    "distance_correlation",
    "floor_u",
    "mean_cos_h",
    "pairing_p_value",
    "random_directions",
    "random_p_value",
    "sign_flip_p_value",
    "unbiased_distance_correlation",
]

ROWS = 256  # relabellings at once
ROUNDING = 1e-13  # of a squared distance, as a share of the squared lengths it is the difference of


def floor_u(vocabulary: int) -> float:
    """Return the least cosine of two reflections, ``1 - 4/V``.

    Example:
        >>> round(floor_u(50258), 10)
        0.9999204107
    """
    return 1.0 - 4.0 / vocabulary


def cos_u(cos_h: float, vocabulary: int) -> float:
    """Return the mean cosine of reflections from that of their Hamiltonians: ``1 - 4/V + (4/V) cos(H, H')``."""
    return floor_u(vocabulary) + 4.0 / vocabulary * cos_h


def mean_cos_h(v: FloatArray) -> float:
    """Return the mean of ``(v_i . v_j)^2`` over all pairs i < j of unit vectors, shape (N, V), N >= 2.

    The sum over all i, j is the squared Frobenius norm of ``v v^T``, which ``v^T v`` has too: the smaller one is computed.
    """
    count = len(v)
    gram = v @ v.T if count <= v.shape[1] else v.T @ v
    own = float(np.sum(np.sum(v * v, axis=1) ** 2))
    return float((np.sum(gram * gram) - own) / (count * (count - 1)))


def random_directions(count: int, vocabulary: int, rng: np.random.Generator) -> FloatArray:
    """Return directions between random states, shape (count, V).

    Differences of normalised absolute Gaussians, normalised. For V = 2 an angle uniform in quadrants II and IV, whose mean
    ``cos(H, H')`` is ``1/2 + 2/pi^2 = .7026``; the first recipe would give .829 there.
    """
    if vocabulary == 2:
        angle = rng.uniform(np.pi / 2, np.pi, count) + np.pi * rng.integers(0, 2, count)
        return np.stack([np.cos(angle), np.sin(angle)], axis=1)
    states = abs(rng.normal(size=(2, count, vocabulary)))
    states /= np.linalg.norm(states, axis=2, keepdims=True)
    v = states[1] - states[0]
    return np.asarray(v / np.linalg.norm(v, axis=1, keepdims=True))


def random_p_value(v: FloatArray, peers: FloatArray, *, permutations: int, rng: np.random.Generator) -> float:
    """Return the one-sided p-value of "these operators are no more alike than random ones".

    Statistic: the mean ``cos(H, H')`` among the first set minus that among the second; both sets are pooled and their labels
    permuted. ``p = (1 + #{permuted >= observed}) / (1 + permutations)``. Since cos(U, U') is a linear function of
    cos(H, H'), the p-value is the same for U.

    Args:
        v: directions, shape (N, V).
        peers: random directions, shape (N', V).
        permutations: number of relabellings.
        rng: draws them.
    """
    pooled = np.concatenate([v, peers])
    gram = (pooled @ pooled.T) ** 2
    np.fill_diagonal(gram, 0.0)
    ours, theirs = len(v), len(peers)

    def difference(labels: FloatArray) -> FloatArray:
        inside = np.sum(labels @ gram * labels, axis=1) / (ours * (ours - 1))
        others = 1.0 - labels
        outside = np.sum(others @ gram * others, axis=1) / (theirs * (theirs - 1))
        return np.asarray(inside - outside)

    start = np.repeat([1.0, 0.0], [ours, theirs])
    observed = float(difference(start[None, :])[0])
    return exceedance(observed, permutations, lambda rows: difference(rng.permuted(np.tile(start, (rows, 1)), axis=1)))


def sign_flip_p_value(delta: FloatArray, *, permutations: int, rng: np.random.Generator) -> float:
    """Return the one-sided p-value of "Delta psi has no mean": under it every Delta psi may as well be its negative.

    Statistic: ``||mean_i s_i Delta psi_i||^2`` with random signs s against all signs +1.

    Args:
        delta: shape (N, V).
        permutations: number of draws of signs.
        rng: draws them.
    """
    gram = delta @ delta.T
    observed = float(gram.sum())

    def flipped(rows: int) -> FloatArray:
        signs = rng.choice([-1.0, 1.0], size=(rows, len(delta)))
        return np.asarray(np.sum(signs @ gram * signs, axis=1))

    return exceedance(observed, permutations, flipped)


def distances(x: FloatArray) -> FloatArray:
    """Return the Euclidean distances of rows, shape (N, N); 0 where they are rounding, below 3e-7 of the rows' lengths."""
    square = np.sum(x * x, axis=1)
    both = square[:, None] + square[None, :]
    squared = both - 2.0 * (x @ x.T)
    distance = np.sqrt(np.where(squared > ROUNDING * both, squared, 0.0))
    np.fill_diagonal(distance, 0.0)
    return np.asarray(distance)


def centred_distances(x: FloatArray) -> FloatArray:
    """Return the distances of rows, shape (N, N), with row and column means taken out."""
    distance = distances(x)
    return np.asarray(distance - distance.mean(axis=0) - distance.mean(axis=1)[:, None] + distance.mean())


def distance_correlation(x: FloatArray, y: FloatArray) -> float:
    """Return the distance correlation of paired rows, between 0 and 1; 0 if one of them does not vary.

    ``dCor^2 = <A, B> / sqrt(<A, A> <B, B>)`` for the doubly centred distance matrices A and B.

    Args:
        x: shape (N, V).
        y: shape (N, V').

    Source:
        Székely, Rizzo, Bakirov, Ann. Stat. 35, 2769 (2007), equations 2.8 to 2.10.
    """
    return correlation(centred_distances(x), centred_distances(y))


def unbiased_distance_correlation(x: FloatArray, y: FloatArray) -> float:
    """Return the squared distance correlation without its bias: 0 on average for independent rows, even with V far above N.

    Source:
        Székely, Rizzo, Ann. Stat. 42, 2382 (2014), equations 3.1 to 3.3.
    """
    a, b = u_centred(distances(x)), u_centred(distances(y))
    variances = float(np.sum(a * a)) * float(np.sum(b * b))
    return 0.0 if variances <= 0.0 else float(np.sum(a * b)) / float(np.sqrt(variances))


def u_centred(distance: FloatArray) -> FloatArray:
    """Return distances with ``sum_l a_il / (n-2) + sum_k a_kj / (n-2) - sum a / ((n-1)(n-2))`` taken out; 0 for n below 4."""
    n = len(distance)
    if n < 4:
        return np.zeros_like(distance)
    sums = distance.sum(axis=1) / (n - 2)
    centred = distance - sums[:, None] - sums + distance.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(centred, 0.0)
    return np.asarray(centred)


def correlation(a: FloatArray, b: FloatArray) -> float:
    """Return the distance correlation from centred distances."""
    variances = float(np.sum(a * a)) * float(np.sum(b * b))
    return 0.0 if variances <= 0.0 else float(np.sqrt(max(0.0, float(np.sum(a * b))) / np.sqrt(variances)))


def pairing_p_value(x: FloatArray, y: FloatArray, *, permutations: int, rng: np.random.Generator) -> float:
    """Return the one-sided p-value of "x and y are independent": the pairing of rows is permuted, the statistic is dCor."""
    a, b = centred_distances(x), centred_distances(y)
    observed = float(np.sum(a * b))

    def shuffled(rows: int) -> FloatArray:
        orders = [rng.permutation(len(b)) for _ in range(rows)]
        return np.array([np.sum(a * b[np.ix_(order, order)]) for order in orders])

    return exceedance(observed, permutations, shuffled)


def exceedance(observed: float, permutations: int, draw: Callable[[int], FloatArray]) -> float:
    """Return ``(1 + #{drawn >= observed}) / (1 + permutations)``; values equal up to rounding count."""
    reached, slack = 0, 1e-12 * abs(observed)
    for first in range(0, permutations, ROWS):
        reached += int(np.sum(draw(min(ROWS, permutations - first)) >= observed - slack))
    return (1 + reached) / (1 + permutations)
