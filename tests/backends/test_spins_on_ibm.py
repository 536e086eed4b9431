# SPDX-License-Identifier: Apache-2.0
"""Spins through IBM's own client, against a stand-in of the service on this machine."""

from __future__ import annotations

import pytest

from standin import StandIn
from stinespring.backends.spins import sample_spins
from stinespring.checks.spins.spins import check_spins
from stinespring.compiler.systems.spins import compile_spins
from stinespring.models.spins import draw_network


@pytest.fixture(scope="module")
def serving():
    with StandIn() as server:
        yield server


@pytest.mark.parametrize("schedule", ["stepwise", "dynamic"])
def test_the_service_runs_the_circuits_as_they_are(serving, tmp_path, monkeypatch, schedule):
    for name, value in serving.env(tmp_path).items():
        monkeypatch.setenv(name, value)
    network = draw_network(M=2, N=2, P=1, eps=0.1, gamma=4.0, beta=1.0, seed=9)
    program = compile_spins(network, steps=2, schedule=schedule)
    samples = sample_spins(program, backend="ibm:ibm_standin_small", shots=400, seed=1)
    assert check_spins(samples, alpha=1e-7, resolution=0.4).verdict == "PASS"
    assert check_spins(samples, network.with_beta(9.0)).verdict == "FAIL"
