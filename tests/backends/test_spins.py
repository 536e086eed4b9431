# SPDX-License-Identifier: Apache-2.0
"""Sampled spins: all schedules on Aer against the law, wide tokens, seeds, and any object that samples."""

from __future__ import annotations

import numpy as np
import pytest

from stinespring.backends.aer.backend import AerBackend
from stinespring.backends.spins import sample_spins
from stinespring.checks.spins.spins import check_mean_field, check_spins
from stinespring.compiler.devices.target import open_target
from stinespring.compiler.systems.spins import compile_spins
from stinespring.errors import InputError, TooLargeError
from stinespring.models.spins import draw_network


@pytest.fixture(scope="module")
def network():
    return draw_network(M=2, N=2, P=1, eps=0.1, gamma=4.0, beta=1.0, seed=9)


@pytest.mark.parametrize("schedule", ["static", "dynamic", "stepwise"])
def test_every_schedule_samples_the_law(network, schedule):
    samples = sample_spins(compile_spins(network, steps=4, schedule=schedule), shots=5000, seed=3)
    assert samples.tokens.shape == (5000, 4, 2)
    assert check_spins(samples, alpha=1e-7, resolution=0.1).verdict == "PASS"
    assert check_spins(samples, network.with_beta(1.4)).verdict == "FAIL"


def test_tokens_of_a_hundred_spins():
    network = draw_network(M=3, N=100, P=2, eps=0.02, gamma=20.0, beta=1.0, segments=4, seed=5)
    samples = sample_spins(compile_spins(network, steps=3), backend="aer?method=matrix_product_state", shots=60, seed=1)
    assert check_spins(samples, alpha=1e-7, resolution=0.6).verdict == "PASS"
    assert check_mean_field(samples, alpha=1e-7).exact_verdict == "PASS"


def test_the_same_seed_gives_the_same_samples(network):
    program = compile_spins(network, steps=3)
    a, b, c = (sample_spins(program, shots=300, seed=seed).tokens for seed in (4, 4, 5))
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()


class Recorder:
    """A backend that is not named by a string."""

    def __init__(self):
        self.inner, self.name, self.calls = AerBackend(), "recorder", []

    def sample(self, circuit, angles, shots, seed):
        self.calls.append((circuit.num_qubits, None if angles is None else angles.shape, shots, seed))
        return self.inner.sample(circuit, angles, shots, seed)

    def metadata(self):
        return {}


@pytest.mark.parametrize("schedule", ["static", "dynamic", "stepwise"])
def test_any_backend_runs_the_circuits_as_they_are(network, schedule):
    backend = Recorder()
    samples = sample_spins(compile_spins(network, steps=3, schedule=schedule), backend=backend, shots=400, seed=1)
    assert samples.backend == "recorder"
    assert check_spins(samples, alpha=1e-7, resolution=0.3).verdict == "PASS"
    seeds = [call[3] for call in backend.calls]
    assert len(set(seeds)) == len(seeds)
    if schedule == "stepwise":
        assert backend.calls[0] == (2, (1, 2), 400, seeds[0])
        assert all(call[2] <= 400 for call in backend.calls)


class Sorting(Recorder):
    """A backend that returns outcomes in order, as services do that send counts."""

    def sample(self, circuit, angles, shots, seed):
        found = super().sample(circuit, angles, shots, seed)
        return [{name: np.sort(values) for name, values in row.items()} for row in found]


def test_sorted_outcomes_do_not_tie_tokens_to_what_lies_outside_their_context():
    """Free spins: all products of two tokens average to 0, at 4,000 shots within six standard errors (2e-9)."""
    network = draw_network(M=1, N=1, P=0, eps=0.0, gamma=1.0, beta=0.0, seed=9)
    tokens = sample_spins(compile_spins(network, steps=4), backend=Sorting(), shots=4000, seed=1).tokens[:, :, 0]
    products = tokens.T.astype(float) @ tokens / 4000
    assert abs(products[~np.eye(4, dtype=bool)]).max() < 6 / np.sqrt(4000)


@pytest.mark.parametrize("schedule", ["static", "dynamic", "stepwise"])
def test_circuits_are_lowered_to_a_device(network, schedule):
    """More than ten spins, so that angles bound in the order of their names would meet the wrong qubits."""
    wide = draw_network(M=2, N=12, P=1, eps=0.1, gamma=4.0, beta=1.0, seed=9) if schedule == "stepwise" else network
    backend = Recorder()
    backend.device = open_target("grid:3x5")
    samples = sample_spins(compile_spins(wide, steps=2, schedule=schedule), backend=backend, shots=1500, seed=1)
    assert {call[0] for call in backend.calls} == {15}
    assert check_spins(samples, alpha=1e-7, resolution=0.3).verdict == "PASS"
    assert check_spins(samples, wide.with_beta(3.0)).verdict == "FAIL"


def test_unusable_numbers(network):
    program = compile_spins(network, steps=1)
    for shots in (0, -1, 1.5):
        with pytest.raises(InputError):
            sample_spins(program, shots=shots)
    with pytest.raises(TooLargeError):
        sample_spins(program, shots=10**9)
