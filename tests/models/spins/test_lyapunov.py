# SPDX-License-Identifier: Apache-2.0
"""The tangent map against finite differences of plain loops; exponents; reference behaviour."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from oracles import plain_spins
from stinespring.errors import InputError
from stinespring.models.spins import close_cycle, diagram, draw_network, find_cycle, lyapunov, read_network
from stinespring.models.spins.lyapunov import Tangent, carry, settle
from stinespring.models.spins.mean_field import MeanField


@pytest.fixture(scope="module")
def smooth():
    """A network whose tangent map is far from singular."""
    network = draw_network(M=2, N=15, P=1, eps=0.1, gamma=6.0, beta=1.4, seed=4)
    vectors = np.random.default_rng(1).normal(size=(2, 2)) * 0.6
    return replace(network, window=None, attention_window=vectors, time=3)


def after(network, state, steps):
    """Attention vectors of the context after some steps, newest first, by plain loops."""
    data = network.content() | {"attention_window": state.reshape(network.L, network.M).tolist()}
    A, _ = plain_spins.mean_field(data, steps - 1)
    return np.concatenate([A[::-1], state.reshape(network.L, network.M)])[: network.L].ravel()


def jacobian(network, state, steps, h=1e-6):
    return np.stack(
        [(after(network, state + h * e, steps) - after(network, state - h * e, steps)) / (2 * h) for e in np.eye(state.size)],
        axis=1,
    )


def newest_first(tangent):
    L = tangent.model.network.L
    order = [(tangent.model.time - d) % L for d in range(L)]
    return tangent.past[order][..., 0].reshape(-1, tangent.n)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_tangent_vectors_move_as_finite_differences_do(smooth, steps):
    tangent = Tangent(MeanField(smooth), 4)
    start = newest_first(tangent)
    for _ in range(steps):
        tangent.step()
    expected = jacobian(smooth, smooth.attention_window.ravel(), steps) @ start
    np.testing.assert_allclose(newest_first(tangent), expected, atol=2e-8)


def test_exponents_are_those_of_the_product_of_jacobians(smooth):
    """All exponents over 40 steps sum to the logarithm of the determinant, and QR in between changes nothing."""
    steps = 40
    state, total = smooth.attention_window.ravel(), 0.0
    network = smooth
    for _ in range(steps):
        total += np.log(abs(np.linalg.det(jacobian(network, state, 1))))
        state = after(network, state, 1)
        network = replace(network, attention_window=state.reshape(2, 2), time=network.time + 1)
    found = carry(Tangent(MeanField(smooth), 4), steps, every=1)
    assert abs(found.values.sum() * steps - total) < 1e-4 * abs(total)
    seldom = carry(Tangent(MeanField(smooth), 4), steps, every=3)
    np.testing.assert_allclose(seldom.values, found.values, atol=1e-6)


def test_one_vector_and_many_agree_on_the_leading_exponent(smooth):
    one = carry(Tangent(MeanField(smooth, np.array([0.9, 1.4])), 1), 400, every=8)
    many = carry(Tangent(MeanField(smooth, np.array([0.9, 1.4])), 4), 400, every=1)
    np.testing.assert_allclose(one.values[:, 0], many.values[:, 0], atol=5e-3)


def test_strong_contraction_is_finite():
    """At beta = 20 every tanh is 1 to all digits, and the exponent is about -2 beta |h| all the same."""
    network = draw_network(M=2, N=6, P=0, eps=0.0, gamma=1.0, beta=20.0, seed=2)
    one = diagram(network, betas=[20.0], transient=10, keep=400, exponents=1).exponents.values[0, 0]
    many = lyapunov(network, transient=10, steps=400, exponents=2).exponents.values[0, 0]
    assert np.isfinite(one) and -80 < one < -2
    assert abs(one - many) < 1e-2 * abs(one)


def test_at_beta_zero_the_exponents_are_minus_infinity():
    network = draw_network(M=3, N=9, P=2, eps=0.02, gamma=220, beta=0.0, seed=1)
    for n in (1, 3):
        found = lyapunov(network, transient=10, steps=40, exponents=n)
        assert (found.exponents.values == -np.inf).all()
        assert found.cycle == 4
    assert diagram(network, betas=[0.0], transient=5, keep=20, exponents=1).exponents.values[0, 0] == -np.inf


REFERENCE = {  # beta: (lowest, highest leading exponent, cycle or None); the features are ours, the kinds those of the paper
    0.5: (-0.295, -0.285, 4),
    1.2575: (-0.030, -0.004, 64),
    1.4: (0.03, 0.2, 0),
    2.05: (-0.002, 0.002, None),  # quasi-periodic: neither contracting nor chaotic
    2.35: (-0.030, -0.015, 44),
}


def test_the_example_shows_every_kind_of_motion(examples):
    network = read_network(examples / "spins.json")
    betas = np.array(list(REFERENCE))
    found = diagram(network, betas=betas, transient=30_000, keep=10_000, exponents=1)
    for i, (low, high, cycle) in enumerate(REFERENCE.values()):
        assert low < found.exponents.values[i, 0] < high
        if cycle is not None:
            assert find_cycle(found.m_o[i].astype(np.float64), network.L, same=1e-6) == cycle


def test_lyapunov_of_the_example(examples):
    network = read_network(examples / "spins.json").with_beta(2.35)
    found = lyapunov(network, transient=5000, steps=4000, exponents=12)
    assert found.cycle == 44
    assert (found.exponents.values[0, 1:] <= found.exponents.values[0, :-1]).all()  # several may be -inf
    assert -0.04 < found.exponents.values[0, 0] < -0.01


def test_a_cycle_is_closed_and_its_multipliers_are_its_exponents(examples):
    network = read_network(examples / "spins.json").with_beta(2.35)
    found = close_cycle(network, length=44, transient=3000)
    assert found.stable and found.residual < 1e-10
    exponents = lyapunov(network, transient=3000, steps=8800, exponents=2).exponents.values[0]
    np.testing.assert_allclose(np.log(abs(found.multipliers[:2])) / 44, exponents, atol=2e-3)
    data = network.content() | {"attention_window": found.A[-4:][::-1].tolist(), "time": found.time + 43}
    del data["window"]
    np.testing.assert_allclose(plain_spins.mean_field(data, 43)[0], found.A, atol=1e-7)


def test_an_unstable_cycle_is_found_where_no_trajectory_stays(examples):
    """The cycle that follows the clock loses its stability near beta = 1.2 and can be followed beyond."""
    network = read_network(examples / "spins.json")
    below = close_cycle(network.with_beta(1.1), length=4, transient=3000)
    start = replace(network, beta=1.35, window=None, attention_window=below.A[::-1].copy(), time=below.time + 3)
    beyond = close_cycle(start, length=4)
    assert below.stable and not beyond.stable
    assert abs(beyond.A - below.A).max() < 0.1


@pytest.mark.parametrize("change", [{"length": 0}, {"length": 6}, {"transient": -1}, {"length": 20, "beta": 1.4}])
def test_cycles_that_cannot_be_closed(examples, change):
    network = read_network(examples / "spins.json").with_beta(change.pop("beta", 2.05))
    with pytest.raises(InputError):
        close_cycle(network, **({"length": 4, "transient": 50} | change))


def test_given_tokens_leave_the_context_first():
    network = draw_network(M=2, N=4, P=2, eps=0.1, gamma=1.0, beta=1.0, seed=1)
    model = MeanField(network)
    assert settle(model, 1) == 4
    assert settle(MeanField(replace(network, window=None, attention_window=np.zeros((4, 2)))), 1) == 1


@pytest.mark.parametrize("change", [{"steps": 0}, {"transient": -1}, {"exponents": 0}, {"exponents": 9}])
def test_unusable_numbers(smooth, change):
    with pytest.raises(InputError):
        lyapunov(smooth, **({"transient": 5, "steps": 5} | change))
