# SPDX-License-Identifier: Apache-2.0
"""Real states of several kinds, and sampled choices of them."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st


def real_state(size, seed, kind="full"):
    rng = np.random.default_rng(seed)
    v = rng.normal(size=2**size)
    if kind == "sparse":
        v *= rng.random(2**size) < 0.3
        v[rng.integers(2**size)] = 1.0
    elif kind == "basis":
        v = -np.eye(2**size)[rng.integers(2**size)]
    elif kind == "product":
        v = np.array([1.0])
        for _ in range(size):
            v = np.kron(v, rng.normal(size=2))
    elif kind == "flat":
        v = rng.choice([-1.0, 1.0], 2**size)
    elif kind == "padded":
        v[rng.integers(1, 2**size) :] = 0.0
    return v / np.linalg.norm(v)


KINDS = st.sampled_from(["full", "sparse", "basis", "product", "flat", "padded"])
SEEDS = st.integers(0, 2**32 - 1)
