"""Linear combinations by post-selection, amplification and overlap tests against Qiskit's statevector."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.quantum_info import Operator, Statevector

from stinespring.circuits.core.flow import Flow
from stinespring.circuits.core.gates import Gate, inverted
from stinespring.circuits.exact.signed_state import prepare
from stinespring.circuits.systems.linear_combination import (
    Combination,
    amplified,
    combination_gates,
    hadamard_test,
    overlap_angles,
    padded,
    swap_test,
)
from strategies import gates


def circuit(items, width):
    return Flow((("q", width),), (), tuple(items)).circuit()


def vectors(rng, *shape):
    v = rng.normal(size=shape)
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


@st.composite
def combinations(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    terms, d = draw(st.integers(1, 9)), draw(st.integers(2, 5))
    coefficients = rng.normal(size=terms) * (rng.random(terms) > 0.2)
    coefficients[0] = 1.0
    return Combination(coefficients, vectors(rng, terms, d))


@given(combinations(), st.integers(0, 2))
@settings(max_examples=20)
def test_post_selected_state_and_probability(combination, rounds):
    q = (padded(combination.vectors).shape[1] - 1).bit_length()
    width = q + combination.position_qubits
    w = combination_gates(combination, range(q), range(q, width))
    state = Statevector(circuit(amplified(w, width, range(q, width), rounds), width)).data
    good = state[: 2**q]
    wanted = padded(combination.total[None])[0]
    probability = float(np.vdot(good, good).real)
    theta = math.asin(math.sqrt(combination.success))
    assert probability == pytest.approx(math.sin((2 * rounds + 1) * theta) ** 2, abs=1e-12)
    overlap = abs(np.vdot(good, wanted)) / (np.linalg.norm(good) * np.linalg.norm(wanted)) if probability > 1e-12 else 1.0
    assert overlap == pytest.approx(1, abs=1e-10)
    if rounds == 0:  # signs too
        np.testing.assert_allclose(good * combination.one_norm, wanted, atol=1e-12)


@given(st.integers(1, 3), st.integers(0, 2), st.integers(0, 999))
def test_prepared_states_with_their_signs(q, controls, seed):
    rng = np.random.default_rng(seed)
    states = vectors(rng, 2**controls, 2**q)
    items = prepare(states, range(q), range(q, q + controls))
    for x, state in enumerate(states):
        flips = [Gate("x", (q + i,)) for i in range(controls) if x >> i & 1]
        found = Statevector(circuit([*flips, *items], q + controls)).data
        np.testing.assert_allclose(found[x * 2**q : (x + 1) * 2**q], state, atol=1e-13)


@given(st.lists(gates(), max_size=12))
def test_inverse(items):
    assert Operator(circuit([*items, *inverted(items)], 3)).equiv(np.eye(8))


@given(st.integers(1, 2), st.integers(0, 999))
def test_overlap_tests(q, seed):
    u, v = vectors(np.random.default_rng(seed), 2, 2**q)
    swap = Statevector(circuit(swap_test(u, v), 2 * q + 1)).data
    assert (abs(swap[: 4**q]) ** 2).sum() == pytest.approx((1 + (u @ v) ** 2) / 2, abs=1e-12)
    angles = overlap_angles(u[None], v[None])[0]
    bound = [g._replace(params=tuple(float(angles[slot.number]) for slot in g.params)) for g in hadamard_test(q)]
    hadamard = Statevector(circuit(bound, q + 1)).data
    assert (abs(hadamard[: 2**q]) ** 2).sum() == pytest.approx((1 + u @ v) / 2, abs=1e-12)
