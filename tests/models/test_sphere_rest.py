"""Rest and stationarity at large beta: e^beta of a particle's own term must hide no force that acts."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stinespring.models.sphere.dynamics import Dynamics
from stinespring.models.sphere.files import random_model, sphere_from
from stinespring.models.sphere.landscape.measure import AtomicMeasure, measure_of
from stinespring.models.sphere.landscape.rest import at_rest, attention_force, imbalance
from stinespring.models.sphere.simulate import simulate

ONE = {
    "format": "stinespring/sphere@1", "particles": [[1, 0]], "normalise": "USA", "kernel": "plain", "direction": "descent",
    "step": 0.01, "perceptron": {"directions": [[0.6, 0.8]], "weights": [1.0], "activation": "tanh"},
}  # fmt: skip
PULL = math.tanh(0.6) * 0.8  # by hand: |P_x a| tanh(a.x)


@pytest.mark.parametrize("beta", [1.0, 15.0, 20.0, 100.0, 300.0])
def test_a_perceptron_beside_any_own_term(beta):
    model = sphere_from(ONE | {"beta": beta})
    dynamics = Dynamics(model)
    begin = dynamics(model.particles)
    assert begin.residual == pytest.approx(PULL, rel=1e-15)
    assert not at_rest(dynamics, begin, 1e-3)
    second = measure_of(model).second_order("minimum", tolerance=1e-3)
    assert second.residual == pytest.approx(PULL, rel=1e-14)
    assert not second.stationary and not second.holds
    run = simulate(model, steps=500, scheme="adaptive", stop=True)
    assert run.converged and 1 < run.step < 500
    assert abs(run.positions @ [0.6, 0.8]).max() < 1e-7  # where tanh, and with it v, is least
    assert measure_of(model, run.positions).second_order("minimum", tolerance=1e-6).stationary


def test_what_rounding_hides_is_not_rest():
    """Two particles 1e-6 apart at beta = 50: between them act 5e15, whose rounding is more than the perceptron's 0.4."""
    close = [[1, 0], [math.cos(1e-6), math.sin(1e-6)]]
    model = sphere_from(ONE | {"beta": 50.0, "particles": close, "direction": "ascent"})
    run = simulate(model, steps=60, scheme="adaptive", stop=True)
    assert not run.converged
    second = measure_of(model, width=1e-9).second_order("minimum")
    assert not second.decidable and not second.holds
    three = model.at(np.array([[math.cos(t), math.sin(t)] for t in (-0.1, 0.0, 0.1)]))  # the middle one: 1e20 each way
    assert not measure_of(three).second_order("minimum", tolerance=1e-2).stationary
    met = simulate(replace(model, perceptron=None), steps=60, scheme="adaptive", stop=True)
    assert met.converged  # nothing else acts: they have met


def test_weak_forces_between_distant_particles_are_no_rest():
    """Three particles repel each other with e^{-beta (1 - cos)} beside their own term of 1."""
    model = random_model(particles=3, dimension=2, beta=40.0, seed=2, kernel="scaled", direction="descent")
    dynamics = Dynamics(model)
    moment = dynamics(model.particles)
    assert moment.residual < 1e-6 and not at_rest(dynamics, moment, 1e-3)
    assert imbalance(dynamics, moment) > 0.1
    even = np.array([[math.cos(t), math.sin(t)] for t in (0.0, 2 * math.pi / 3, 4 * math.pi / 3)])
    assert at_rest(dynamics, dynamics(even), 1e-8)


@given(
    st.sampled_from([2, 3, 4]), st.integers(1, 12), st.sampled_from(["SA", "USA"]), st.booleans(), st.booleans(),
    st.integers(0, 99),
)  # fmt: skip
@settings(max_examples=25)
def test_forces_and_pulls_against_loops(d, n, normalise, with_query, with_value, seed):
    rng = np.random.default_rng(seed)
    model = random_model(particles=n, dimension=d, beta=2.0, seed=seed, normalise=normalise)
    query = rng.normal(size=(d, d)) if with_query else None
    value = rng.normal(size=(d, d)) if with_value else None
    model = replace(model, query=query, value=value)
    x, dynamics = model.particles, Dynamics(model, sums="direct")
    moment = dynamics(x)
    for i in range(n):
        k = [math.exp(2.0 * float((x[i] if query is None else query @ x[i]) @ x[j])) for j in range(n)]
        z = sum(k) if normalise == "SA" else n
        images = [x[j] if value is None else value @ x[j] for j in range(n)]
        used = [j for j in range(n) if j != i or value is not None]
        force = sum(k[j] / z * float(np.linalg.norm(images[j] - (x[i] @ images[j]) * x[i])) for j in used)
        assert attention_force(dynamics, x)[i] == pytest.approx(force, rel=1e-9, abs=1e-14)
        assert moment.weight[i] == pytest.approx(sum(k[j] for j in used) / z, rel=1e-12)
        full = sum(k[j] / z * images[j] for j in range(n))
        np.testing.assert_allclose(moment.drift[i], full, atol=1e-13 * sum(k))
    if value is None and query is None and normalise == "USA":
        series = Dynamics(model, sums="series")(x) if d < 4 else moment
        np.testing.assert_allclose(series.pull, moment.pull, atol=1e-13 * math.exp(2.0) * n)


def test_own_terms_cancel_exactly_in_the_hessian():
    """A Dirac with a perceptron at beta = 200: the only eigenvalue is half the curvature of v."""
    p = sphere_from(ONE | {"beta": 1.0}).perceptron
    dirac = AtomicMeasure(np.array([[1.0, 0.0]]), np.ones(1), 200.0, p)
    wanted = (1 - math.tanh(0.6) ** 2) * 0.64 - math.tanh(0.6) * 0.6  # by hand
    assert dirac.second_order("minimum").lowest == pytest.approx(wanted, rel=1e-12)
