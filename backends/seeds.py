# SPDX-License-Identifier: Apache-2.0
"""Independent random streams for Aer.

Aer 0.18 gives circuit k of one run the seed ``seed + 2113 k`` and shot i of a per-shot simulation ``seed + i`` (qiskit-aer
issue 1916), so that neighbouring seeds share random numbers and p-values computed from such samples are wrong. Every run
therefore gets its own seed, hashed from the user's seed and from what the run is for.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from stinespring.errors import InputError, StinespringError

__all__ = ["derive_seed", "one_run", "root_seed", "used"]

SEED_BITS = 60  # Aer takes 64-bit seeds; the room above keeps seed + 2113 k from wrapping


def root_seed(seed: int | np.random.Generator | None) -> int:
    """Return a root for :func:`derive_seed`: the number itself, one drawn from a generator, or a fresh one."""
    if seed is None:
        return secrets.randbits(SEED_BITS)
    if isinstance(seed, np.random.Generator):
        return int(seed.integers(2**SEED_BITS))
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise InputError("the seed is no whole number", got=repr(seed), expected="a whole number, a numpy Generator, or None")
    return int(seed)


def derive_seed(root: int, *purpose: int) -> int:
    """Return a 60-bit seed for one run, hashed from the root and the numbers that name the run.

    Example:
        >>> derive_seed(7, 1, 20) == derive_seed(7, 1, 20), derive_seed(7, 1, 20) == derive_seed(8, 1, 20)
        (True, False)
    """
    state = np.random.SeedSequence([abs(root), int(root < 0), *purpose]).generate_state(1, np.uint64)
    return int(state[0]) >> (64 - SEED_BITS)


_USED: ContextVar[set[tuple[str, int]] | None] = ContextVar("seeds of this run", default=None)


@contextmanager
def one_run() -> Iterator[None]:
    """Hold the block to seeds that are used once each; see :func:`used`."""
    token = _USED.set(set())
    try:
        yield
    finally:
        _USED.reset(token)


def used(seed: int, what: str = "Aer") -> int:
    """Return the seed, which begins a stream of random numbers now; outside of a run nothing is noted.

    Args:
        seed: as it is handed over, or as a simulator says that it took it.
        what: generator; streams of different generators with one seed have nothing in common.

    Raises:
        StinespringError: the run has begun a stream with it before, so that two parts of its samples would be the same.

    Example:
        >>> with one_run():
        ...     used(7), used(8)
        (7, 8)
    """
    known = _USED.get()
    if known is not None:
        if (what, int(seed)) in known:
            raise StinespringError(
                "two parts of a run have one seed, so that their counts depend on each other",
                got=f"seed {seed} of {what} twice", expected="a seed of its own for every part",
                todo="this is a defect of stinespring: please report it",
            )  # fmt: skip
        known.add((what, int(seed)))
    return seed
