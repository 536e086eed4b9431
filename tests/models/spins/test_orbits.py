# SPDX-License-Identifier: Apache-2.0
"""Cycles, spectra and bifurcation diagrams."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stinespring.errors import InputError, TooLargeError
from stinespring.models.spins import diagram, draw_network, find_cycle, mean_field, power_spectrum


@given(st.integers(1, 9), st.sampled_from([1, 2, 4]), st.integers(0, 9))
def test_the_shortest_cycle_that_the_clock_allows(period, L, seed):
    rng = np.random.default_rng(seed)
    values = np.tile(rng.permutation(period)[:, None] + rng.normal(size=(1, 2)), (60, 1))
    assert find_cycle(values, L) == np.lcm(period, L)


def test_no_cycle_in_noise_and_none_that_is_longer_than_half_seen():
    rng = np.random.default_rng(0)
    assert find_cycle(rng.normal(size=(500, 3)), 4) == 0
    block = rng.normal(size=(40, 3))
    assert find_cycle(np.concatenate([block, block[:2]]), 4) == 0
    assert find_cycle(np.concatenate([block, block[:4]]), 4) == 40


def test_a_spectrum_has_the_variance_and_the_line_of_a_sine():
    times = np.arange(4096)
    values = np.stack([np.sin(2 * np.pi * 0.125 * times), 3 + 0.5 * np.cos(2 * np.pi * 0.3125 * times)], axis=1)
    found = power_spectrum(values)
    np.testing.assert_allclose(found.power.sum(axis=0), [0.5, 0.125], rtol=1e-6)
    assert [round(peak["frequency"], 4) for peak in found.peaks(2)] == [0.125, 0.3125]
    with pytest.raises(InputError):
        power_spectrum(values[:5])


@pytest.fixture(scope="module")
def network():
    return draw_network(M=3, N=99, P=2, eps=0.02, gamma=220, beta=1.0, segments=3, seed=47)


def test_a_diagram_is_the_mean_field_after_the_transient(network):
    betas = np.array([0.3, 0.9, 1.1])
    found = diagram(network, betas=betas, transient=20, keep=150)
    assert found.m_o.dtype == np.float32
    long = mean_field(network, steps=170, betas=betas)
    np.testing.assert_allclose(found.m_o, long.m_o[:, 21:], atol=1e-5)
    np.testing.assert_allclose(found.windows, long.window, atol=1e-9)
    with_exponents = diagram(network, betas=betas, transient=20, keep=150, exponents=2)
    np.testing.assert_allclose(with_exponents.m_o, found.m_o, atol=1e-5)
    assert with_exponents.exponents.values.shape == (3, 2)


def test_a_sweep_goes_on_where_the_last_temperature_ended(network):
    betas = np.array([0.8, 1.0])
    up = diagram(network, betas=betas, transient=8, keep=8, sweep="up", exponents=1)
    first = diagram(network, betas=betas[:1], transient=8, keep=8)
    there = replace(network, window=None, attention_window=first.windows[0], time=first.time)
    second = diagram(there, betas=betas[1:], transient=8, keep=8)
    np.testing.assert_allclose(up.m_o[1], second.m_o[0], atol=1e-6)
    down = diagram(network, betas=betas, transient=8, keep=8, sweep="down")
    np.testing.assert_allclose(down.m_o[1], diagram(network, betas=betas[1:], transient=8, keep=8).m_o[0], atol=1e-6)


def test_attractors_coexist_and_the_start_decides():
    """At beta = 1.2 two starts of one network settle on different motions: the initial state belongs to the result."""
    network = draw_network(M=3, N=99, P=2, eps=0.02, gamma=220, beta=1.2, segments=3, seed=47)
    kinds = set()
    for seed in range(8):
        window = np.random.default_rng(seed).choice([-1, 1], size=(4, 99)).astype(np.int8)
        found = diagram(replace(network, window=window), betas=[1.2], transient=5000, keep=500)
        kinds.add(bool(found.m_o.std() > 0.05))
    assert kinds == {True, False}


@pytest.mark.parametrize(
    "change",
    [{"betas": []}, {"betas": [np.nan]}, {"transient": -1}, {"transient": 1.5}, {"keep": 0}, {"exponents": 99}, {"sweep": "x"}],
)
def test_unusable_numbers(network, change):
    with pytest.raises(InputError):
        diagram(network, **({"betas": [1.0], "transient": 2, "keep": 2} | change))


def test_too_large_a_diagram_is_refused(network):
    with pytest.raises(TooLargeError):
        diagram(network, betas=np.ones(10**4), transient=0, keep=10**6)
