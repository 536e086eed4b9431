# SPDX-License-Identifier: Apache-2.0
"""The equations of a channel: their memory is predicted within 25 %, and their seconds count before they are written."""

from __future__ import annotations

import subprocess
import sys

import pytest

from stinespring.circuits.channels import isometry
from stinespring.circuits.channels.fit import across_bytes, across_seconds
from stinespring.models.channels.standard import random_channel

SIZES = [(12, 64), (32, 20), (16, 64)]  # ascending in what they take: the peak of a process never falls
MEASURED = """
import numpy as np
from pathlib import Path
from stinespring.circuits.channels.fit import across_environment
def status(name):
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name)]
    return 1024 * int(line.split()[1])
across_environment(np.ones((2, 4), dtype=complex))
for environment, entries in {sizes}:
    rng = np.random.default_rng(environment)
    rows = rng.normal(size=(environment, entries)) + 1j * rng.normal(size=(environment, entries))
    before = status("VmRSS")
    across_environment(rows)
    print(status("VmHWM") - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_of_the_directions():
    """Measured in a process of its own: LAPACK's work space is none of Python's allocations."""
    command = [sys.executable, "-c", MEASURED.format(sizes=SIZES)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    for size, taken in zip(SIZES, map(int, done.stdout.split()), strict=True):
        assert taken == pytest.approx(across_bytes(*size), rel=0.25), size


def test_a_search_whose_equations_take_longer_than_its_effort_is_not_begun(monkeypatch):
    """Rank 64 on three qubits: the decomposition alone would take a minute and a half, and 1.6 GB."""
    assert across_seconds(64, 64) > 60 and across_bytes(64, 64) > 1.2e9
    monkeypatch.setattr(isometry, "across_environment", lambda rows: pytest.fail("the search was begun"))
    channel = random_channel(2, 16, seed=1)
    assert across_seconds(16, 16) > 0.01
    assert isometry.isometry_gates(channel.kraus, effort=0.01)
