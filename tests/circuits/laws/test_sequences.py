# SPDX-License-Identifier: Apache-2.0
"""Sequences of one bit: closed forms, derivatives of the fits, and what the search may return."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies
from stinespring.circuits.core.cz_sequence import CzSequence
from stinespring.circuits.core.realised_law import realised_law
from stinespring.circuits.exact.controlled_states import controlled_states
from stinespring.circuits.laws.attention_law import attention_law
from stinespring.circuits.laws.closed_form import closed_form, rotation_sequence
from stinespring.circuits.laws.half_form import half_form
from stinespring.circuits.laws.selection_fit import SelectionFit, equations
from stinespring.circuits.laws.sequence_search import law_error, law_sequence
from stinespring.circuits.search.sequence_fit import BlochBatch, axis_fit, law_fit, parameters_of, sequence_of


def random_angles(rng, n):
    theta = rng.uniform(0, np.pi, size=2**n) if rng.random() < 0.5 else rng.uniform(1.0, 2.2, size=2**n)
    theta[rng.random(2**n) < rng.choice([0.0, 0.3])] = rng.choice([0.0, np.pi])
    return theta, rng.random(2**n) >= rng.choice([0.0, 0.3])


@given(st.integers(0, 6), strategies.seeds())
def test_controlled_states_are_the_states(n, seed):
    rng = np.random.default_rng(seed)
    states = rng.normal(size=(2**n, 2)) + 1j * rng.normal(size=(2**n, 2))
    states /= np.linalg.norm(states, axis=1, keepdims=True)
    sequence = controlled_states(states)
    overlap = abs((sequence.states(n).conj() * states).sum(axis=1))
    np.testing.assert_allclose(overlap, 1.0, atol=1e-12)
    assert sequence.cost == 2**n - 1


@given(st.integers(0, 6), strategies.seeds())
def test_closed_forms_are_exact_and_no_longer_than_gray_order(n, seed):
    theta, care = random_angles(np.random.default_rng(seed), n)
    sequence = closed_form(theta, care)
    assert law_error(sequence, theta, care) < 1e-12
    assert sequence.cost <= max(0, 2**n - 1)


@given(st.integers(0, 5), strategies.seeds())
def test_the_real_form_rotates_by_the_angles(n, seed):
    theta = np.random.default_rng(seed).uniform(0, np.pi, size=2**n)
    states = rotation_sequence(theta).states(n)
    wanted = np.stack([np.cos(theta / 2), np.sin(theta / 2)], axis=1)
    np.testing.assert_allclose(abs((states.conj() * wanted).sum(axis=1)), 1.0, atol=1e-12)


@given(st.integers(1, 3), strategies.seeds())
def test_gates_do_what_the_sequence_says(n, seed):
    rng = np.random.default_rng(seed)
    sequence = sequence_of(rng.integers(n, size=5), rng.normal(size=11))
    law = realised_law(sequence.gate_list(range(n), n), width=n, size=1)
    np.testing.assert_allclose(law[:, 1], abs(sequence.states(n)[:, 1]) ** 2, atol=1e-12)
    again = sequence_of(np.array(sequence.controls), parameters_of(sequence))
    np.testing.assert_allclose(abs(again.states(n)), abs(sequence.states(n)), atol=1e-12)


def test_the_half_form_needs_one_gamma():
    """Where |t0 - t1| of one pair exceeds min(t0 + t1, 2 pi - t0 - t1) of another, no single gamma fits."""
    every = np.ones(4, dtype=bool)
    assert half_form(np.array([1.3, 1.6, 1.4, 1.7]), every).cost == 2
    assert half_form(np.array([0.0, 0.1, 0.1, 3.0]), every) is None


def numerical(problem, params, step=1e-6):
    columns = []
    for i in range(params.shape[1]):
        moved = params.copy()
        moved[:, i] += step
        high = problem.guess(moved).residual
        moved[:, i] -= 2 * step
        low = problem.guess(moved).residual
        columns.append((high - low) / (2 * step))
    return np.stack(columns, axis=-1)


@pytest.mark.parametrize("kind", ["law", "axis", "selection"])
def test_jacobians_against_differences(kind):
    rng = np.random.default_rng(1)
    every = np.ones(8, dtype=bool)
    if kind == "law":
        theta = np.array([0.0, 0.4, 1.0, 2.0, np.pi, 0.3, 0.9, 2.2])
        problem, width = law_fit(theta, every, pattern=rng.integers(3, size=(2, 4))), 9
    elif kind == "axis":
        low, high = np.full((2, 8), 0.2), np.full((2, 8), 0.3)
        problem, width = axis_fit(low, high, pattern=rng.integers(3, size=(2, 4))), 9
    else:
        law = np.zeros((8, 2))
        law[:, 1] = np.bitwise_count(np.arange(8)) / 3
        law[:, 0] = 1 - law[:, 1]
        rows, groups, values = equations(attention_law(law, every, token_bits=1))
        axis = np.full(rows.size, 2)
        batches = tuple(BlochBatch(rng.integers(3, size=(2, n)), rows, axis, 3) for n in (2, 3))
        problem, width = SelectionFit(batches, groups, values), 12
    params = rng.uniform(-3, 3, size=(2, width))
    slopes = problem.slopes(problem.guess(params))
    np.testing.assert_allclose(slopes, numerical(problem, params), atol=1e-5)
    again = problem.guess(params)._replace(memo=None)  # as after a step that only some starts take
    np.testing.assert_array_equal(problem.slopes(again), slopes)


def test_a_search_shortens_a_law_that_no_half_form_fits():
    """Two certain rows and six others: ten equations, so five CZ can do, where Gray order takes seven."""
    theta = np.array([0.0, 0.4, 1.1, 2.0, np.pi, 0.3, 0.9, 2.5])
    care = np.ones(8, dtype=bool)
    found = law_sequence(theta, care, effort=1.0, seed=0)
    assert law_error(found, theta, care) < 1e-11
    assert found.cost < closed_form(theta, care).cost


def test_sequences_join_and_invert():
    sequence = CzSequence((0,), np.array([[1, 0], [0.6, 0.8j]], dtype=np.complex128))
    there_and_back = sequence.then(0, CzSequence((), sequence.inverse().gates[:1]))
    assert there_and_back.controls == (0, 0)
    np.testing.assert_allclose(abs(sequence.inverse().states(1)[:, 1]), 0.8, atol=1e-12)
