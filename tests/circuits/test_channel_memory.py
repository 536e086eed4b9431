# SPDX-License-Identifier: Apache-2.0
"""The equations of a channel: their memory is predicted within 25 %, and their seconds count before they are written."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from stinespring.circuits.channels import isometry
from stinespring.circuits.channels.fit import across_bytes, across_environment, across_seconds
from stinespring.models.channels.standard import random_channel


@pytest.mark.parametrize(("environment", "entries"), [(16, 64), (24, 16), (20, 32)])
def test_memory_of_the_directions(environment, entries):
    """What NumPy allocates; LAPACK's own work space, the last term, is not traced."""
    rng = np.random.default_rng(environment)
    rows = rng.normal(size=(environment, entries)) + 1j * rng.normal(size=(environment, entries))
    tracemalloc.start()
    try:
        across_environment(rows)
        taken = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    hidden = 24.0 * min(2 * environment * entries, environment**2) ** 2
    assert across_bytes(environment, entries) - hidden <= 1.25 * taken
    assert across_bytes(environment, entries) >= 0.75 * taken


def test_a_search_whose_equations_take_longer_than_its_effort_is_not_begun(monkeypatch):
    """Rank 64 on three qubits: the decomposition alone would take a minute and a half, and 1.6 GB."""
    assert across_seconds(64, 64) > 60 and across_bytes(64, 64) > 1.2e9
    monkeypatch.setattr(isometry, "across_environment", lambda rows: pytest.fail("the search was begun"))
    channel = random_channel(2, 16, seed=1)
    assert across_seconds(16, 16) > 0.01
    assert isometry.isometry_gates(channel.kraus, effort=0.01)
