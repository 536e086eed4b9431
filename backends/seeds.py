# SPDX-License-Identifier: Apache-2.0
"""Independent random streams for Aer.

Aer 0.18 gives circuit k of one run the seed ``seed + 2113 k`` and shot i of a per-shot simulation ``seed + i`` (qiskit-aer
issue 1916), so that neighbouring seeds share random numbers and p-values computed from such samples are wrong. Every run
therefore gets its own seed, hashed from the user's seed and from what the run is for.
"""

from __future__ import annotations

import secrets

import numpy as np

__all__ = ["derive_seed", "root_seed"]

SEED_BITS = 60  # Aer takes 64-bit seeds; the room above keeps seed + 2113 k from wrapping


def root_seed(seed: int | np.random.Generator | None) -> int:
    """Return a root for :func:`derive_seed`: the number itself, one drawn from a generator, or a fresh one."""
    if seed is None:
        return secrets.randbits(SEED_BITS)
    if isinstance(seed, np.random.Generator):
        return int(seed.integers(2**SEED_BITS))
    return int(seed)


def derive_seed(root: int, *purpose: int) -> int:
    """Return a 60-bit seed for one run, hashed from the root and the numbers that name the run.

    Example:
        >>> derive_seed(7, 1, 20) == derive_seed(7, 1, 20), derive_seed(7, 1, 20) == derive_seed(8, 1, 20)
        (True, False)
    """
    state = np.random.SeedSequence([abs(root), int(root < 0), *purpose]).generate_state(1, np.uint64)
    return int(state[0]) >> (64 - SEED_BITS)
