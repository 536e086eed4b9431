# SPDX-License-Identifier: Apache-2.0
"""Where the directions of many operators lie: principal components, and clusters of lines."""

from __future__ import annotations

import numpy as np

from stinespring.readings import FloatArray, IntArray

__all__ = ["clusters", "principal_components"]

MOST_CLUSTERS = 8


def principal_components(v: FloatArray, count: int = 2) -> tuple[FloatArray, FloatArray]:
    """Return rows in their first principal components, shape (N, count), and the components' shares of the variance.

    The eigenvectors of the N x N matrix of inner products serve, since N is small against V. The sign of a component is such
    that its largest entry is positive.
    """
    centred = v - v.mean(axis=0)
    values, vectors = np.linalg.eigh(centred @ centred.T)
    values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
    found = np.zeros((len(v), count))
    shares = np.zeros(count)
    kept = min(count, len(v))
    largest = np.argmax(abs(vectors[:, :kept]), axis=0)
    found[:, :kept] = vectors[:, :kept] * np.sign(vectors[largest, np.arange(kept)]) * np.sqrt(values[:kept])
    total = values.sum()
    shares[:kept] = values[:kept] / total if total > 0 else 0.0
    return found, shares


def clusters(v: FloatArray) -> IntArray:
    """Return the cluster of each direction, numbered from 1: average linkage on ``1 - (v.v')^2``, the sign of v not counting.

    The number of clusters, 2 to 8, is the one with the greatest mean silhouette.

    Source:
        Rousseeuw, J. Comput. Appl. Math. 20, 53 (1987) (silhouettes).
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    distance = np.maximum(0.0, 1.0 - (v @ v.T) ** 2)
    np.fill_diagonal(distance, 0.0)
    if len(v) < 3:
        return np.arange(1, len(v) + 1, dtype=np.int64)
    tree = linkage(squareform(distance, checks=False), method="average")
    choices = [fcluster(tree, k, criterion="maxclust").astype(np.int64) for k in range(2, min(MOST_CLUSTERS, len(v) - 1) + 1)]
    return max(choices, key=lambda labels: silhouette(distance, labels))


def silhouette(distance: FloatArray, labels: IntArray) -> float:
    """Return the mean silhouette ``(b - a) / max(a, b)``: a to the own cluster, b to the nearest other; 0 for one alone."""
    member = labels[:, None] == np.unique(labels)[None, :]
    if member.shape[1] < 2:
        return -1.0
    sizes, sums = member.sum(axis=0), distance @ member
    own_size = sizes[None, :] - 1
    a = np.sum(np.where(member, sums / np.maximum(own_size, 1), 0.0), axis=1)
    b = np.min(np.where(member, np.inf, sums / sizes), axis=1)
    alone = np.any(member & (own_size == 0), axis=1)
    top = np.maximum(a, b)
    return float(np.mean(np.divide(b - a, top, out=np.zeros_like(top), where=(top > 0) & ~alone)))
