"""Sampled layers and overlaps: right ones pass, wrong ones fail; the energy's error bars by simulation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from oracles import plain_sphere as plain
from stinespring.backends import open_backend
from stinespring.checks.sphere.sphere import check_overlaps, judge_energy, judge_layers, layer_programs, pairs_of, sample_layers
from stinespring.errors import InputError
from stinespring.models.sphere.files import random_model, sphere_content


@pytest.fixture(scope="module")
def model():
    return random_model(particles=4, dimension=3, beta=1.5, hidden=2, seed=5, direction="descent", step=0.3, normalise="SA")


@pytest.mark.parametrize(
    "options", [{}, {"amplify": 1}, {"layers": 2}, {"layers": 2, "schedule": "dynamic"}, {"layers": 2, "schedule": "stepwise"}]
)
def test_right_circuits_pass(model, options):
    """Five verdicts at false-alarm rate 1e-7, seeds fixed."""
    programs = layer_programs(model, [0, 2], **options)
    counts = sample_layers(programs, shots=12_000, seed=11)
    assert counts.sum(axis=1).tolist() == [12_000] * len(programs)
    verdict = judge_layers(programs, counts, alpha=1e-7)
    assert verdict.verdict == "PASS", verdict.reason
    assert np.array_equal(counts, sample_layers(programs, shots=12_000, seed=11))


def test_wrong_circuits_fail(model):
    """Another step gives other amplitudes; a wrong sign is seen by the fidelity alone, as an outcome of probability 0."""
    programs = layer_programs(model, [0])
    other = layer_programs(replace(model, step=0.6), [0])
    assert judge_layers(programs, sample_layers(other, shots=20_000, seed=1)).verdict == "FAIL"
    counts = sample_layers(programs, shots=2000, seed=1)
    counts[1, 1] += 3
    assert "probability 0" in judge_layers(programs, counts).reason
    few = judge_layers(programs, sample_layers(programs, shots=30, seed=3), alpha=1e-7, resolution=0.02)
    assert few.verdict == "UNVERIFIED"
    with pytest.raises(InputError):
        judge_layers(programs, counts, alpha=0.0)


@pytest.mark.parametrize("kernel", ["plain", "scaled"])
def test_overlaps_and_energy(model, kernel):
    chosen = replace(model, kernel=kernel)
    found = check_overlaps(chosen, shots=20_000, seed=3, alpha=1e-7)
    assert found.verdict == "PASS"
    assert found.pairs == 4 * 3 // 2 + 4 * 2
    xs = model.particles.tolist()
    wanted = [plain.dot(xs[i], xs[j]) for i in range(4) for j in range(i + 1, 4)]
    wanted += [plain.dot(x, plain.unit(a)) for x in xs for a in model.perceptron.directions.tolist()]
    np.testing.assert_allclose(found.analytic, wanted, atol=1e-12)
    assert abs(found.sampled - found.analytic).max() < 6 / np.sqrt(20_000)  # 14 pairs beyond 6 sigma: below 1e-7
    assert found.energy.analytic == pytest.approx(sum(plain.energy(sphere_content(chosen), xs)))
    assert abs(found.energy.expected - found.energy.analytic) < found.energy.standard_deviation


def test_swap_test_gives_squares(model):
    found = check_overlaps(replace(model, perceptron=None), test="swap", shots=5000, seed=3, alpha=1e-7)
    assert found.verdict == "PASS"
    assert found.energy is None
    u, v = pairs_of(replace(model, perceptron=None))
    np.testing.assert_allclose(found.analytic, np.einsum("ij,ij->i", u, v) ** 2)


def test_other_states_fail(model):
    """Counts of other particles, judged against these: overlaps and energy both notice."""
    other = random_model(particles=4, dimension=3, beta=1.5, hidden=2, seed=6)
    u, v = pairs_of(other)
    from stinespring.checks.sphere.sphere import overlap_counts
    from stinespring.circuits.systems.linear_combination import padded

    zeros = overlap_counts(padded(u), padded(v), "hadamard", open_backend("aer"), 20_000, 1)
    here = np.einsum("ij,ij->i", *pairs_of(model))
    assert judge_energy(model, zeros, here, 20_000, 0.001, 0.05).verdict == "FAIL"
    with pytest.raises(InputError, match="unknown test"):
        check_overlaps(model, test="inner", shots=10)


def test_error_bars_of_the_energy(model):
    """Mean and spread of 4,000 simulated estimates are the stated ones (6 standard errors: false alarms below 1e-8)."""
    overlap = np.einsum("ij,ij->i", *pairs_of(model))
    rng, shots = np.random.default_rng(2), 400
    estimates = []
    verdict = judge_energy(model, rng.binomial(shots, (1 + overlap) / 2), overlap, shots, 0.001, 0.9)
    for _ in range(4000):
        zeros = rng.binomial(shots, (1 + overlap) / 2)
        estimates.append(energy_of(model, 2 * zeros / shots - 1))
    spread = np.std(estimates)
    assert abs(np.mean(estimates) - verdict.expected) < 6 * spread / np.sqrt(4000)
    assert spread == pytest.approx(verdict.standard_deviation, rel=6 / np.sqrt(2 * 4000))


def energy_of(model, overlap):
    n, p = model.n, model.perceptron
    pairs = n * (n - 1) // 2
    attention = (n * np.exp(model.beta) + 2 * np.exp(model.beta * overlap[:pairs]).sum()) / (2 * model.beta * n**2)
    lengths = np.linalg.norm(p.directions, axis=1)
    z = overlap[pairs:].reshape(n, -1) * lengths
    return attention + 0.5 * (np.maximum(z, 0) ** 2 @ p.weights).mean()
