# SPDX-License-Identifier: Apache-2.0
"""Preparations of real states and orthogonal matrices, against Qiskit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.linalg import expm
from scipy.stats import ortho_group

from gates_by_qiskit import qiskit_isometry, same_up_to_phase
from real_states import KINDS, SEEDS, real_state
from stinespring.circuits.core.gates import count_two_qubit
from stinespring.circuits.exact.signed_state import gray_state, unitary_on
from stinespring.circuits.systems.reflection import state_gates


@settings(max_examples=30)
@given(st.integers(1, 6), SEEDS, KINDS)
@example(4, 0, "basis")
def test_states(size, seed, kind):
    v = real_state(size, seed, kind)
    gates = gray_state(v)
    np.testing.assert_allclose(qiskit_isometry(gates, size, 0)[:, 0], v, atol=1e-13)  # signs and phase included
    assert count_two_qubit(gates) <= 2**size - 1 - size
    same_up_to_phase(qiskit_isometry(state_gates(v), size, 0)[:, 0], v, atol=1e-11)


@pytest.mark.parametrize("matrix", [np.eye(8), np.eye(8)[::-1], np.diag([1.0, -1, 1, 1, -1, 1, 1, 1]), "near"])
def test_special_matrices_are_accurate(matrix):
    if isinstance(matrix, str):
        turn = 1e-9 * np.random.default_rng(0).normal(size=(8, 8))
        matrix = expm(turn - turn.T)
    same_up_to_phase(qiskit_isometry(unitary_on(matrix, range(3)), 3, 3), matrix, atol=2e-12)
    generic = ortho_group.rvs(8, random_state=1)
    assert count_two_qubit(unitary_on(generic, range(3))) <= 19
