# SPDX-License-Identifier: Apache-2.0
"""Fits of laws by patterns of CZ: their law by Qiskit, their gradient by differences, and that they come closer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import strategies
from gates_by_qiskit import qiskit_isometry
from stinespring.circuits.search.joint_amplitudes import Pattern
from stinespring.circuits.search.law_descent import LawDescent

STEP = 1e-5  # of central differences: they err by its square and by 1e-16 over it


def tvd(first, second):
    return abs(first - second).sum() / 2


@st.composite
def fits(draw):
    """A pattern, angles and a law."""
    size, count = draw(st.integers(2, 4)), draw(st.integers(0, 6))
    rng = np.random.default_rng(draw(strategies.seeds()))
    pairs = tuple(tuple(int(w) for w in rng.choice(size, 2, replace=False)) for _ in range(count))
    pattern = Pattern(pairs, 0, size)
    return LawDescent(pattern), rng.uniform(-3, 3, size + 4 * count), rng.dirichlet(np.ones(1 << size))


@settings(max_examples=strategies.series(15, 200))
@given(fits())
def test_the_law_is_that_of_the_circuit(found):
    descent, angles, _ = found
    state = qiskit_isometry(descent.pattern.gates(angles), descent.pattern.size, 0)[:, 0]
    np.testing.assert_allclose(descent.law(angles), abs(state) ** 2, atol=1e-12)


@pytest.mark.parametrize("smooth", [None, 1e-2])
@settings(max_examples=strategies.series(15, 200))
@given(found=fits())
def test_the_gradient_is_that_of_the_loss(found, smooth):
    descent, angles, law = found
    value, gradient = descent.loss(angles, law, smooth)
    made = descent.law(angles)
    plain = 1 - np.sqrt(law * made).sum() if smooth is None else np.sqrt((made - law) ** 2 + smooth**2).sum() / 2
    assert value == pytest.approx(plain, abs=1e-12)
    if smooth is None and made.min() < 1e-6:
        return  # a modulus has a kink at zero
    for place in range(len(angles)):
        moved = STEP * np.eye(len(angles))[place]
        apart = descent.loss(angles + moved, law, smooth)[0] - descent.loss(angles - moved, law, smooth)[0]
        assert gradient[place] == pytest.approx(apart / (2 * STEP), abs=1e-5)


@settings(max_examples=strategies.series(5, 50))
@given(found=fits(), smooth=st.sampled_from([None, 1e-3]))
def test_fits_lower_the_loss(found, smooth):
    descent, angles, law = found
    better = descent.fit(angles, law, steps=20, smooth=smooth)
    assert descent.loss(better, law, smooth)[0] <= descent.loss(angles, law, smooth)[0] + 1e-12


def test_a_law_that_the_pattern_has_is_found():
    """Six angles and one CZ on two wires: every law of two bits."""
    descent = LawDescent(Pattern(((0, 1),), 0, 2))
    for seed in range(5):
        rng = np.random.default_rng(seed)
        law = rng.dirichlet(np.ones(4))
        angles = min(
            (descent.fit(rng.normal(size=6), law, steps=200, smooth=None) for _ in range(3)),
            key=lambda each: descent.loss(each, law, None)[0],
        )
        assert tvd(descent.law(angles), law) < 1e-4
