# SPDX-License-Identifier: Apache-2.0
"""Layer operators in factored form against the paper's identities and against dense matrices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import expm

from oracles.tiny_decoder import dense_reflection
from stinespring.errors import InputError, TooLargeError
from stinespring.models.lens import Reflection
from stinespring.models.lens.reflection import directions


@st.composite
def pairs(draw, largest=12):
    """Two states: square roots of random laws, some entries zero, sometimes nearly equal."""
    size, seed = draw(st.integers(2, largest)), draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    laws = rng.dirichlet(np.full(size, draw(st.sampled_from([0.1, 1.0, 10.0]))), 2)
    step = draw(st.sampled_from([1.0, 1e-3, 1e-8, 1e-12]))
    laws[1] = (1 - step) * laws[0] + step * laws[1]
    return np.sqrt(laws / laws.sum(axis=1, keepdims=True))


@given(pairs())
def test_householder_identities(states):
    before, after = states
    layer = Reflection.between(before, after)
    u = layer.unitary()
    np.testing.assert_allclose(layer.apply(before), after, atol=4e-15)
    np.testing.assert_allclose(layer.apply(after), before, atol=4e-15)
    np.testing.assert_allclose(u @ before, after, atol=4e-15)
    np.testing.assert_allclose(u, u.T, atol=0)
    np.testing.assert_allclose(u @ u, np.eye(len(u)), atol=4e-15)
    if not layer.v.any():
        assert np.linalg.norm(after - before) < 1e-14
        return
    assert np.linalg.det(u) == pytest.approx(-1, abs=1e-12)
    np.testing.assert_allclose(after - before, -2 * layer.v * (layer.v @ before), atol=4e-15)
    for alpha in (1.0, 0.5):
        h = layer.hamiltonian(alpha)
        np.testing.assert_allclose(expm(-1j * alpha * h), u, atol=1e-12)
        assert np.linalg.matrix_rank(h) == 1
        np.testing.assert_allclose(h @ layer.v, np.pi / alpha * layer.v, atol=1e-12)


@given(pairs())
def test_factored_equals_dense(states):
    before, after = states
    if np.linalg.norm(after - before) < 1e-4:
        return
    layer = Reflection.between(before, after)
    np.testing.assert_allclose(layer.unitary(), dense_reflection(before, after), atol=1e-11)
    others = np.random.default_rng(0).normal(size=(3, 2, len(before)))
    np.testing.assert_allclose(layer.apply(others), others @ layer.unitary().T, atol=1e-14)
    for time in (0.0, 0.3, 1.0, -2.2):
        dense = expm(-1j * time * layer.hamiltonian())
        np.testing.assert_allclose(layer.evolve(others, time), others @ dense.T, atol=1e-12)


def test_half_of_a_layer_twice_is_the_layer():
    before, after = np.array([0.6, 0.8]), np.array([1.0, 0.0])
    layer = Reflection.between(before, after)
    np.testing.assert_allclose(layer.evolve(layer.evolve(before, 0.5), 0.5), after, atol=1e-15)
    np.testing.assert_allclose(layer.evolve(before, 0.5, alpha=0.5), after, atol=1e-15)


@pytest.mark.parametrize("psi", [[1.0, 0.0], [0.6, 0.8], np.sqrt(np.full(7, 1 / 7))])
def test_equal_states_give_the_identity(psi):
    layer = Reflection.between(psi, psi)
    assert not layer.v.any()
    np.testing.assert_array_equal(layer.unitary(), np.eye(len(psi)))
    np.testing.assert_array_equal(layer.hamiltonian(), np.zeros((len(psi), len(psi))))
    np.testing.assert_array_equal(layer.apply(psi), psi)


@pytest.mark.parametrize("distance", [1e-6, 1e-9, 1e-12, 1e-14])
def test_close_states_are_still_carried_over(distance):
    """The plain formula loses its direction to rounding; this one does not."""
    rng = np.random.default_rng(1)
    before = abs(rng.normal(size=1000))
    before /= np.linalg.norm(before)
    after = before + distance * rng.normal(size=1000) / np.sqrt(1000)
    after /= np.linalg.norm(after)
    layer = Reflection.between(before, after)
    np.testing.assert_allclose(layer.apply(before), after, atol=1e-15)
    assert abs(layer.v @ layer.v - 1) < 1e-14


def test_opposite_states():
    layer = Reflection.between([1.0, 0.0], [-1.0, 0.0])
    np.testing.assert_array_equal(layer.unitary(), np.diag([-1.0, 1.0]))


def test_directions_of_many_pairs_are_those_of_each():
    rng = np.random.default_rng(2)
    psi = np.sqrt(rng.dirichlet(np.ones(5), (4, 3)))
    together = directions(psi[:-1], psi[1:])
    for i in range(3):
        for j in range(3):
            np.testing.assert_allclose(together[i, j], Reflection.between(psi[i, j], psi[i + 1, j]).v, atol=1e-15)


def test_large_vocabularies_never_become_matrices():
    rng = np.random.default_rng(3)
    states = np.sqrt(rng.dirichlet(np.ones(50_258), 2))
    layer = Reflection.between(*states)
    np.testing.assert_allclose(layer.apply(states[0]), states[1], atol=1e-15)
    for dense in (layer.unitary, layer.hamiltonian):
        with pytest.raises(TooLargeError, match="apply"):
            dense()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([1.0, 0.0], [1.0, 0.0, 0.0]),
        ([1.0, 1.0], [1.0, 0.0]),
        ([1j, 0], [1.0, 0.0]),
        ([[1.0]], [[1.0]]),
        ([], []),
        ([float("nan"), 0.0], [1.0, 0.0]),
        (["a", "b"], [1.0, 0.0]),
    ],
)
def test_what_is_no_state_is_refused(before, after):
    with pytest.raises(InputError):
        Reflection.between(before, after)


def test_alpha_must_be_positive():
    with pytest.raises(InputError):
        Reflection.between([1.0, 0.0], [0.0, 1.0]).hamiltonian(alpha=0.0)
