# SPDX-License-Identifier: Apache-2.0
"""Trees of few Walsh coefficients: their circuits by Qiskit, and what more coefficients buy."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import strategies
from gates_by_qiskit import qiskit_isometry
from stinespring.circuits.core.gates import count_two_qubit
from stinespring.circuits.laws.sparse_tree import sparse_trees


def random_law(size, seed, zeros=0.0):
    rng = np.random.default_rng(seed)
    law = np.where(rng.random(1 << size) < zeros, 0.0, rng.dirichlet(np.full(1 << size, 0.5)))
    law[0] += law.sum() == 0
    return law / law.sum()


@settings(max_examples=strategies.series(8, 100))
@given(size=st.integers(1, 5), seed=strategies.seeds(), zeros=st.sampled_from([0.0, 0.4]))
def test_the_circuit_has_the_law_of_the_tree(size, seed, zeros):
    for tree in sparse_trees(random_law(size, seed, zeros), 1 << size)[::3]:
        pattern, angles = tree.circuit()
        gates = pattern.gates(angles)
        assert count_two_qubit(gates) == tree.cost
        np.testing.assert_allclose(abs(qiskit_isometry(gates, size, 0)[:, 0]) ** 2, tree.law(), atol=1e-12)


@settings(max_examples=strategies.series(8, 100))
@given(size=st.integers(1, 6), seed=strategies.seeds(), zeros=st.sampled_from([0.0, 0.4]))
def test_more_coefficients_never_lose_and_all_of_them_are_exact(size, seed, zeros):
    law = random_law(size, seed, zeros)
    trees = sparse_trees(law, 1 << size)
    losses = [[bit.loss for bit in tree.bits] for tree in trees]
    assert all(
        after <= before + 1e-12 for first, second in pairwise(losses) for before, after in zip(first, second, strict=True)
    )
    assert all(first.cost < second.cost for first, second in pairwise(trees))
    np.testing.assert_allclose(trees[-1].law(), law, atol=1e-5)  # weighted squares of angles below 1e-12 count as none


@given(size=st.integers(1, 5), seed=strategies.seeds(), most=st.integers(0, 12))
def test_neighbouring_masks_differ_in_one_bit_and_the_cost_is_kept(size, seed, most):
    for tree in sparse_trees(random_law(size, seed), most):
        assert tree.cost <= most
        assert all((before ^ after).bit_count() == 1 for bit in tree.bits for before, after in pairwise(bit.masks))


@given(size=st.integers(1, 5), seed=strategies.seeds())
def test_a_product_law_needs_no_gate(size, seed):
    law = np.ones(1)
    for p in np.random.default_rng(seed).uniform(0.05, 0.95, size):
        law = np.outer([1 - p, p], law).ravel()
    [tree] = sparse_trees(law, 1 << size)
    assert tree.cost == 0
    assert tree.law() == pytest.approx(law, abs=1e-6)


@given(size=st.integers(1, 5), seed=strategies.seeds())
def test_refitting_finds_the_least_squares_of_another_law(size, seed):
    """Refitted to its own law a tree stays; no other coefficients are closer to the other law."""
    law, other, rng = random_law(size, seed), random_law(size, seed + 1), np.random.default_rng(seed)
    tree = sparse_trees(law, size)[-1]
    again, moved = tree.refitted(law), tree.refitted(other)
    assert again.law() == pytest.approx(tree.law(), abs=1e-9)
    for level, bit in enumerate(moved.bits):
        shares = other.reshape(1 << level, 2, -1).sum(axis=2)
        wanted = 2 * np.arccos(np.sqrt(shares[:, 0] / shares.sum(axis=1)))
        signs = np.array([[(-1) ** (mask & x).bit_count() for mask in bit.masks] for x in range(1 << level)])
        for shift in (0.0, *rng.normal(scale=0.1, size=(4, len(bit.masks)))):
            loss = shares.sum(axis=1) @ (signs @ (bit.coefficients + shift) - wanted) ** 2
            assert loss >= bit.loss - 1e-12
            assert np.any(shift) or loss == pytest.approx(bit.loss, abs=1e-12)
