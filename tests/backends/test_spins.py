# SPDX-License-Identifier: Apache-2.0
"""Sampled spins: all schedules on Aer against the law, wide tokens, seeds, and any object that samples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import stinespring
from sampling import Plain
from stinespring.backends.aer.backend import AerBackend
from stinespring.batches import quiet
from stinespring.checks.spins.mean_field import check_mean_field
from stinespring.checks.spins.spins import check_spins
from stinespring.circuits.devices.targets import open_target
from stinespring.errors import InputError
from stinespring.models.spins import draw_network
from stinespring.models.spins.contexts import tokens_of
from stinespring.stages import Capabilities


@pytest.fixture(scope="module")
def network():
    return draw_network(M=2, N=2, P=1, eps=0.1, gamma=4.0, beta=1.0, seed=9)


def sample(network, *, steps, shots, seed, schedule="stepwise", backend="aer"):
    program = stinespring.compile(network, steps=steps, schedule=schedule)
    return stinespring.run(program, backend=backend, shots=shots, seed=seed)


@pytest.mark.parametrize("schedule", ["static", "dynamic", "stepwise"])
def test_every_schedule_samples_the_law(network, schedule):
    samples = sample(network, steps=4, schedule=schedule, shots=5000, seed=3)
    assert samples.shots == 5000 and tokens_of(samples.outcomes[0], 4, 2).shape[1:] == (4, 2)
    assert check_spins(samples, alpha=1e-7, resolution=0.15).verdict == "PASS"
    assert check_spins(samples, network.with_beta(1.4)).verdict == "FAIL"


def test_tokens_of_a_hundred_spins():
    network = draw_network(M=3, N=100, P=2, eps=0.02, gamma=20.0, beta=1.0, segments=4, seed=5)
    samples = sample(network, steps=3, backend="aer?method=matrix_product_state", shots=60, seed=1)
    assert check_spins(samples, alpha=1e-7, resolution=0.75).verdict == "PASS"
    assert check_mean_field(samples, alpha=1e-7).parts["averages"].verdict == "PASS"


def test_the_same_seed_gives_the_same_samples(network):
    a, b, c = (sample(network, steps=3, shots=300, seed=seed).by_text() for seed in (4, 4, 5))
    assert a == b != c


class Recorder(Plain):
    """A backend that is not named by a string."""

    name = "recorder"

    def __init__(self, device=None):
        self.inner, self.calls, self.capabilities = AerBackend(), [], Capabilities(device=device)

    def sample(self, batch, seed, report=quiet):
        self.calls.append((batch, seed))
        return self.inner.sample(batch, seed, report)


@pytest.mark.parametrize("schedule", ["static", "dynamic", "stepwise"])
def test_any_backend_runs_the_circuits_as_they_are(network, schedule):
    backend = Recorder()
    samples = sample(network, steps=3, schedule=schedule, backend=backend, shots=400, seed=1)
    assert samples.backend == "recorder"
    assert check_spins(samples, alpha=1e-7, resolution=0.5).verdict == "PASS"
    calls = [call for call in backend.calls if call[0].key[0] > 0]  # before them coins, which try it
    seeds = [seed for _, seed in calls]
    assert len(set(seeds)) == len(seeds) == (3 if schedule == "stepwise" else 1)
    if schedule == "stepwise":
        [item] = calls[0][0].items
        assert (item.circuit.num_qubits, item.angles.shape, item.shots.tolist()) == (2, (1, 2), [400])
        assert all(batch.shots == 400 for batch, _ in calls)


def test_distinct_readings_do_not_tie_tokens_to_what_lies_outside_their_context():
    """Free spins: all products of two tokens average to 0, at 4,000 shots within six standard errors (2e-9).

    A backend's outcomes come sorted: dealt out in that order to the texts that share a context, they would be tied to them.
    """
    network = draw_network(M=1, N=1, P=0, eps=0.0, gamma=1.0, beta=0.0, seed=9)
    [outcomes] = sample(network, steps=4, shots=4000, seed=1).outcomes
    tokens = tokens_of(outcomes, 4, 1)[:, :, 0].astype(float)
    products = tokens.T @ (outcomes.counts[:, None] * tokens) / 4000
    assert abs(products[~np.eye(4, dtype=bool)]).max() < 6 / np.sqrt(4000)


@pytest.mark.parametrize("schedule", ["static", "dynamic", "stepwise"])
def test_circuits_are_lowered_to_a_device(network, schedule):
    """More than ten spins, so that angles bound in the order of their names would meet the wrong qubits."""
    wide = draw_network(M=2, N=12, P=1, eps=0.1, gamma=4.0, beta=1.0, seed=9) if schedule == "stepwise" else network
    backend = Recorder(open_target("grid:3x5"))
    samples = sample(wide, steps=2, schedule=schedule, backend=backend, shots=1500, seed=1)
    assert {item.circuit.num_qubits for batch, _ in backend.calls for item in batch.items} == {15}
    assert check_spins(samples, alpha=1e-7, resolution=0.5).verdict == "PASS"
    assert check_spins(samples, wide.with_beta(3.0)).verdict == "FAIL"


def test_a_check_of_other_tokens_fails(network):
    samples = sample(network, steps=3, shots=3000, seed=2)
    [outcomes] = samples.outcomes
    turned = replace(outcomes, values=outcomes.values[:, ::-1])
    assert check_spins(replace(samples, outcomes=(turned,)), alpha=1e-7).verdict == "FAIL"


def test_unusable_numbers(network):
    program = stinespring.compile(network, steps=1)
    for shots in (0, -1, 1.5):
        with pytest.raises(InputError):
            stinespring.run(program, shots=shots)
    with pytest.raises(InputError):  # too many
        stinespring.run(program, shots=10**9)
