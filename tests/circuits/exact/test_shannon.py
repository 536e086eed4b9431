# SPDX-License-Identifier: Apache-2.0
"""The own Shannon decomposition: sparse unitaries, where rotations vanish, and those next to the identity."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from gates_by_qiskit import qiskit_isometry, same_up_to_phase
from stinespring.circuits.exact.orthogonal import shannon_gates


@given(st.integers(1, 4), st.integers(0, 2**32 - 1), st.booleans())
def test_signed_permutations_and_their_products(qubits, seed, turned):
    rng = np.random.default_rng(seed)
    unitary = np.eye(2**qubits)[rng.permutation(2**qubits)] * rng.choice([1, -1, 1j], 2**qubits)
    if turned:
        unitary = np.kron(np.linalg.qr(rng.normal(size=(2, 2)))[0], np.eye(2 ** (qubits - 1))) @ unitary
    same_up_to_phase(qiskit_isometry(shannon_gates(unitary), qubits, qubits), unitary, atol=1e-9)


@given(st.integers(1, 4), st.integers(0, 2**32 - 1), st.sampled_from([1e-9, 1e-3, 1.0]))
@settings(max_examples=15)
def test_unitaries_near_the_identity_and_far(width, seed, strength):
    hermitian = np.random.default_rng(seed).normal(size=(1 << width, 1 << width)) * strength
    unitary = expm(1j * (hermitian + hermitian.T))
    made = qiskit_isometry(shannon_gates(unitary), width, width)
    same_up_to_phase(made, unitary, atol=1e-13)
