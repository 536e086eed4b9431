# SPDX-License-Identifier: Apache-2.0
"""Batches of one circuit for the tests of backends, and their outcomes shot by shot."""

from __future__ import annotations

import numpy as np

from stinespring.batches import Batch, Item, quiet
from stinespring.readings import Outcomes
from stinespring.stages import Capabilities


def batch(circuit, shots, angles=None, key=(1,)) -> Batch:
    """Return one circuit, each row of angles with the same shots, or with its own."""
    rows = np.size(shots) if angles is None else len(angles)
    return Batch((Item(circuit, angles, np.broadcast_to(np.asarray(shots, dtype=np.int64), (rows,)).copy()),), key)


def sampled(backend, circuit, shots, seed, angles=None, report=quiet) -> list[Outcomes]:
    """Return the outcomes of every row."""
    return backend.sample(batch(circuit, shots, angles), seed, report)


def read(backend, circuit, shots, seed) -> dict[str, np.ndarray]:
    """Return the registers' values of one circuit, shape (shots,); rows belong together, their order means nothing."""
    [outcomes] = sampled(backend, circuit, shots, seed)
    return values(outcomes)


def values(outcomes: Outcomes) -> dict[str, np.ndarray]:
    """Return the registers' values, each as often as it was seen."""
    return {name: np.repeat(outcomes.column(name), outcomes.counts) for name in outcomes.registers}


def same(one, other) -> bool:
    """Return whether outcomes are equal, row by row."""
    return len(one) == len(other) and all(
        a.registers == b.registers and np.array_equal(a.values, b.values) and np.array_equal(a.counts, b.counts)
        for a, b in zip(one, other, strict=True)
    )


class Plain:
    """What every backend has, for backends of the tests, which sample row by row."""

    keeps_jobs = False
    name = "plain"
    capabilities = Capabilities()

    def metadata(self):
        return {}

    def close(self):
        pass

    def sample(self, batch, seed, report=quiet):
        return [
            self.row(item.circuit, None if item.angles is None else item.angles[row], int(shots), seed + 1000 * row)
            for item in batch.items
            for row, shots in enumerate(item.shots)
        ]
