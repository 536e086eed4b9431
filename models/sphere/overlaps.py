# SPDX-License-Identifier: Apache-2.0
"""The overlaps that the energy is made of."""

from __future__ import annotations

import numpy as np

from stinespring.models.sphere.model import SphereModel
from stinespring.models.sphere.perceptron import ACTIVATIONS
from stinespring.readings import FloatArray

__all__ = ["energy_terms", "overlaps_of", "pairs_of"]


def pairs_of(model: SphereModel) -> tuple[FloatArray, FloatArray]:
    """Return the pairs of unit vectors that the energy needs: particles i < j, then each particle with each neuron."""
    x = model.particles
    i, j = np.triu_indices(model.n, 1)
    first, second = x[i], x[j]
    if model.perceptron is not None:
        a = model.perceptron.directions
        norms = np.linalg.norm(a, axis=1)
        unit = np.where(norms[:, None] > 0, a / np.where(norms > 0, norms, 1.0)[:, None], np.eye(1, model.d))
        first = np.concatenate([first, np.repeat(x, len(a), axis=0)])
        second = np.concatenate([second, np.tile(unit, (model.n, 1))])
    return first, second


def overlaps_of(model: SphereModel) -> FloatArray:
    """Return ``<u|v>`` of every pair, shape (B,)."""
    first, second = pairs_of(model)
    return np.asarray(np.clip(np.einsum("ij,ij->i", first, second), -1.0, 1.0))


def energy_terms(model: SphereModel, overlap: FloatArray, pair: int) -> FloatArray:
    """Return what a pair adds to the energy if its overlap has these values; pairs are numbered as in :func:`pairs_of`."""
    couples = model.n * (model.n - 1) // 2
    if pair < couples:
        shift = 1.0 if model.kernel == "scaled" else 0.0
        return np.asarray(np.exp(model.beta * (overlap - shift)) / (model.beta * model.n**2))
    assert model.perceptron is not None
    neuron = (pair - couples) % len(model.perceptron.weights)
    length = float(np.linalg.norm(model.perceptron.directions[neuron]))
    value = ACTIVATIONS[model.perceptron.activation].primitive(length * overlap)
    return np.asarray(0.5 * model.perceptron.weights[neuron] * value / model.n)
