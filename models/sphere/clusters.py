# SPDX-License-Identifier: Apache-2.0
"""Groups of particles: single linkage on any sphere, greedy arcs on the circle. The two rules can differ a lot."""

from __future__ import annotations

import math

import numpy as np

from stinespring.readings import FloatArray

__all__ = ["atoms", "cluster_threshold", "greedy_arcs", "heaviest_arc", "single_linkage"]

IntArray = np.ndarray
BLOCK = 1 << 18


def cluster_threshold(beta: float, d: int) -> float:
    """Return ``min(1/(2 sqrt beta), pi/(2 d))`` in radians, the scale at which clusters are counted (arXiv 2601.21366)."""
    return float(min(0.5 / math.sqrt(beta), math.pi / (2 * d)))


def single_linkage(x: FloatArray, threshold: float) -> IntArray:
    """Return a label for each particle, numbered by first occurrence: groups joined by angles of at most ``threshold``.

    Args:
        x: unit rows, shape (n, d).
        threshold: radians.
    """
    n, d = x.shape
    if d == 2:
        return _linkage_on_circle(x, threshold)
    labels = np.full(n, -1, dtype=np.int64)
    chord = 2.0 * math.sin(min(threshold, math.pi) / 2.0)
    waiting, groups = np.arange(n), 0
    while len(waiting):  # grow one group at a time from its newest members
        newest, rest = waiting[:1], waiting[1:]
        while len(newest) and len(rest):
            labels[newest] = groups
            joined = _near(x[rest], x[newest], chord)
            newest, rest = rest[joined], rest[~joined]
        labels[newest] = groups
        waiting, groups = rest, groups + 1
    return labels


def _near(points: FloatArray, centres: FloatArray, chord: float) -> np.ndarray:
    """Return which points are within a distance of any centre; differences, since cosines lose small angles."""
    from scipy.spatial import cKDTree

    distance, _ = cKDTree(centres).query(points, k=1, distance_upper_bound=chord * (1 + 1e-12) + 1e-300)
    return np.asarray(np.isfinite(distance))


def _linkage_on_circle(x: FloatArray, threshold: float) -> IntArray:
    angles = np.arctan2(x[:, 1], x[:, 0])
    order = np.argsort(angles, kind="stable")
    gaps = np.diff(angles[order], append=angles[order[0]] + 2 * math.pi)
    breaks = gaps > threshold * (1 + 1e-12)
    group = np.concatenate([[0], np.cumsum(breaks[:-1])])
    if not breaks[-1]:
        group[group == group[-1]] = 0
    labels = np.empty(len(x), dtype=np.int64)
    labels[order] = group
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    return np.asarray(rank[inverse])


def greedy_arcs(x: FloatArray, threshold: float) -> list[int]:
    """Return the sizes of groups on the circle: the arc of length ``threshold`` that holds most particles, then the next.

    Args:
        x: unit rows, shape (n, 2).
        threshold: length of an arc in radians.
    """
    angles = np.sort(np.arctan2(x[:, 1], x[:, 0]))
    sizes = []
    while len(angles):
        first, size = _fullest(angles, threshold)
        sizes.append(size)
        angles = np.roll(angles, -first)[size:]
        angles = np.sort(angles)
    return sizes


def _fullest(angles: FloatArray, length: float) -> tuple[int, int]:
    """Return where the fullest closed arc starts among sorted angles, and how many it holds."""
    n = len(angles)
    twice = np.concatenate([angles, angles + 2 * math.pi])
    ends = np.searchsorted(twice, angles + length * (1 + 1e-12), side="right")
    counts = np.minimum(ends - np.arange(n), n)
    first = int(np.argmax(counts))
    return first, int(counts[first])


def heaviest_arc(x: FloatArray, length: float, masses: FloatArray | None = None, *, least_atoms: int = 1) -> float:
    """Return the largest mass on a closed arc with at least so many atoms (0 if there is none).

    Args:
        x: atoms on the circle, shape (K, 2).
        length: of the arc in radians.
        masses: of the atoms, shape (K,); default equal.
        least_atoms: how many atoms the arc must hold.
    """
    weights = np.full(len(x), 1.0 / len(x)) if masses is None else masses
    angles = np.arctan2(x[:, 1], x[:, 0])
    order = np.argsort(angles, kind="stable")
    angles, weights = angles[order], weights[order]
    n = len(angles)
    twice = np.concatenate([angles, angles + 2 * math.pi])
    counts = np.minimum(np.searchsorted(twice, angles + length * (1 + 1e-12), side="right") - np.arange(n), n)
    total = np.concatenate([[0.0], np.cumsum(np.concatenate([weights, weights]))])
    held = total[np.arange(n) + counts] - total[:n]
    return float(held[counts >= least_atoms].max(initial=0.0))


def atoms(x: FloatArray, width: float) -> tuple[FloatArray, FloatArray]:
    """Return distinct points and their masses: particles linked by angles of at most ``width`` count as one atom.

    Args:
        x: unit rows, shape (n, d).
        width: radians.

    Returns:
        Mean directions (K, d) and masses (K,), the heaviest first.
    """
    labels = single_linkage(x, width)
    sizes = np.bincount(labels)
    centres = np.zeros((len(sizes), x.shape[1]))
    np.add.at(centres, labels, x)
    order = np.argsort(-sizes, kind="stable")
    centres = centres[order]
    return centres / np.linalg.norm(centres, axis=1)[:, None], sizes[order] / len(x)
