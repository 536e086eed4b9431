# SPDX-License-Identifier: Apache-2.0
"""Ten laws with what is sampled instead of them: uniform, peaked, long-tailed, sparse, at, near and far from the law."""

from __future__ import annotations

import numpy as np

__all__ = ["COVERED"]


def zipf(outcomes, power=1.0):
    weights = np.arange(1, outcomes + 1.0) ** -power
    return weights / weights.sum()


def tilted(law, distance):
    """Every other outcome likelier, the ones between less likely."""
    moved = law * (1.0 + 2.0 * distance * np.where(np.arange(len(law)) % 2, 1.0, -1.0))
    return moved / moved.sum()


def peaked(outcomes, largest):
    return np.append(largest, np.full(outcomes - 1, (1.0 - largest) / (outcomes - 1)))


def random(outcomes, seed):
    return np.random.default_rng(seed).dirichlet(np.ones(outcomes))


def leaking(law, share):
    return np.append(law, 0.0), np.append((1.0 - share) * law, share)


UNIFORM = np.full(1000, 1e-3)
COVERED = {  # name: law, what is sampled, shots
    "two outcomes, near": (np.array([0.3, 0.7]), np.array([0.33, 0.67]), 500),
    "uniform 16, at the law": (np.full(16, 1 / 16), np.full(16, 1 / 16), 400),
    "uniform 1000, at the law": (UNIFORM, UNIFORM, 10_000),
    "uniform 1000, tilted": (UNIFORM, tilted(UNIFORM, 0.05), 5_000),
    "peaked, near": (peaked(32, 0.95), peaked(32, 0.93), 2_000),
    "long-tailed 2000, at the law": (zipf(2000), zipf(2000), 5_000),
    "long-tailed 2000, far": (zipf(2000), zipf(2000, 0.7), 20_000),
    "sparse with leakage": (*leaking(np.append(random(20, 1) * 0.9999, 1e-4), 0.0055), 8_000),
    "random 64, far": (random(64, 1), random(64, 2), 1_000),
    "random 100, near, a million shots": (random(100, 3), 0.98 * random(100, 3) + 2e-4, 1_000_000),
}
