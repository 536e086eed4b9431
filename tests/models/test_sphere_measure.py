"""The energy landscape: derivatives along geodesics, known spectra, and the certified minimum."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stinespring.errors import InputError, TooLargeError
from stinespring.models.sphere.files import random_model
from stinespring.models.sphere.landscape.measure import AtomicMeasure, bases, measure_of
from stinespring.models.sphere.landscape.minimiser import grid, kernel_distance, minimise_energy
from stinespring.models.sphere.perceptron import ACTIVATIONS


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_activations_by_differences(name):
    z, h = np.linspace(-3, 3, 61) + 0.013, 1e-5
    kind = ACTIVATIONS[name]
    np.testing.assert_allclose((kind.primitive(z + h) - kind.primitive(z - h)) / (2 * h), 2 * kind.value(z), atol=1e-8)
    np.testing.assert_allclose((kind.value(z + h) - kind.value(z - h)) / (2 * h), kind.slope(z), atol=1e-8)


@given(
    st.integers(1, 6), st.integers(2, 4), st.sampled_from(["gelu", "tanh", "relu"]), st.booleans(), st.integers(0, 999),
)  # fmt: skip
def test_gradient_and_hessian_along_geodesics(count, d, activation, scaled, seed):
    """Central differences of the energy along ``cos(t |v|) x + sin(t |v|) v / |v|``; step 1e-3 leaves errors of order 1e-6."""
    rng = np.random.default_rng(seed)
    model = random_model(particles=count, dimension=d, beta=1.7, hidden=d, seed=seed, activation=activation)
    masses = rng.dirichlet(np.ones(count))
    if activation == "relu" and abs(model.particles @ model.perceptron.directions.T).min() < 0.02:
        return  # near a kink differences are no derivatives
    measure = AtomicMeasure(model.particles, masses, 1.7, model.perceptron, scaled)
    coordinates = rng.normal(size=(count, d - 1))
    v = np.einsum("ka,kai->ki", coordinates, bases(model.particles))
    speed = np.linalg.norm(v, axis=1)[:, None]

    def energy(t):
        x = model.particles * np.cos(t * speed) + v / speed * np.sin(t * speed)
        return AtomicMeasure(x, masses, 1.7, model.perceptron, scaled).energy.total

    h = 1e-3
    scale = (measure.kernel.max() * 2.7 + measure.perceptron.strength) * float((speed**4).max() + 1)
    assert (energy(h) - energy(-h)) / (2 * h) == pytest.approx((masses[:, None] * measure.gradient * v).sum(), abs=1e-5 * scale)
    root = (np.sqrt(masses)[:, None] * coordinates).ravel()
    second = (energy(h) - 2 * energy(0) + energy(-h)) / h**2
    assert second == pytest.approx(root @ measure.hessian() @ root, abs=1e-5 * scale)


@given(st.integers(2, 5), st.integers(0, 99))
def test_bases_are_tangent_and_orthonormal(d, seed):
    x = random_model(particles=5, dimension=d, beta=1.0, seed=seed).particles
    frames = bases(x)
    np.testing.assert_allclose(
        np.einsum("kai,kbi->kab", frames, frames), np.broadcast_to(np.eye(d - 1), (5, d - 1, d - 1)), atol=1e-14
    )
    np.testing.assert_allclose(np.einsum("kai,ki->ka", frames, x), 0, atol=1e-14)


@pytest.mark.parametrize("beta", [0.01, 1.0, 4.0])
def test_antipodal_pair_on_the_circle(beta):
    """By hand: eigenvalues 0 (rotation) and e^{-beta}; splitting an atom has -sinh beta."""
    pair = AtomicMeasure(np.array([[1.0, 0], [-1.0, 0]]), np.array([0.5, 0.5]), beta)
    second = pair.second_order("minimum")
    assert second.lowest == pytest.approx(0, abs=1e-12 * math.exp(beta))
    assert second.highest == pytest.approx(math.exp(-beta))
    assert second.splitting_lowest == pytest.approx(-math.sinh(beta))
    assert second.holds and second.strict and second.stationary


def test_one_cluster_is_a_maximum_and_no_minimum():
    dirac = measure_of(random_model(particles=1, dimension=3, beta=2.0, seed=1))
    assert dirac.second_order("maximum").holds
    two = AtomicMeasure(np.array([[1.0, 0], [math.cos(0.1), math.sin(0.1)]]), np.array([0.5, 0.5]), 2.0)
    assert not two.second_order("minimum").holds  # not stationary
    model = random_model(particles=5, dimension=3, beta=2.0, seed=1, hidden=2)
    model.perceptron.output[:] = 0  # shared with directions
    assert measure_of(model).second_order("minimum").kinks == 5
    with pytest.raises(TooLargeError):
        measure_of(random_model(particles=3000, dimension=3, beta=1.0, seed=1)).second_order("minimum")


@given(st.sampled_from([2, 3]), st.sampled_from([0.5, 3.0]), st.integers(0, 3), st.integers(0, 99))
@settings(max_examples=8)
def test_minimum_is_below_every_other_measure(d, beta, hidden, seed):
    model = random_model(particles=40, dimension=d, beta=beta, hidden=hidden, seed=seed)
    found = minimise_energy(model, points=300)
    rng = np.random.default_rng(seed)
    x = grid(d, 300)
    for _ in range(20):
        other = AtomicMeasure(x, rng.dirichlet(np.full(300, rng.choice([0.01, 1.0]))), beta, model.perceptron)
        assert other.energy.total >= found.measure.energy.total - found.gap - 1e-12
        distance = kernel_distance(found.measure, other)
        assert other.energy.total - found.measure.energy.total >= distance**2 / 2 - 2 * found.gap - 1e-9  # strong convexity


def test_minimum_without_perceptron_is_the_uniform_measure():
    """On S^1 ``E = I_0(beta) / (2 beta)``."""
    from scipy.special import iv

    found = minimise_energy(random_model(particles=1, dimension=2, beta=3.0, seed=1), points=720)
    assert found.measure.energy.total == pytest.approx(iv(0, 3.0) / 6.0, rel=1e-7)


def test_there_is_no_energy_outside_the_gradient_case():
    from dataclasses import replace

    with pytest.raises(InputError, match="no energy"):
        measure_of(replace(random_model(particles=3, dimension=2, beta=1.0, seed=1), value=2 * np.eye(2)))
    with pytest.raises(InputError, match="no grid"):
        grid(4, 10)
