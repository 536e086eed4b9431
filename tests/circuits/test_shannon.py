# SPDX-License-Identifier: Apache-2.0
"""The own Shannon decomposition on sparse unitaries, where rotations vanish."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.quantum_info import Operator

from stinespring.circuits.core.gates import append
from stinespring.circuits.exact.orthogonal import shannon_gates


@given(st.integers(1, 4), st.integers(0, 2**32 - 1), st.booleans())
def test_signed_permutations_and_their_products(qubits, seed, turned):
    rng = np.random.default_rng(seed)
    unitary = np.eye(2**qubits)[rng.permutation(2**qubits)] * rng.choice([1, -1, 1j], 2**qubits)
    if turned:
        unitary = np.kron(np.linalg.qr(rng.normal(size=(2, 2)))[0], np.eye(2 ** (qubits - 1))) @ unitary
    circuit = QuantumCircuit(qubits)
    append(circuit, shannon_gates(unitary))
    made = Operator(circuit).data
    overlap = np.vdot(made, unitary)
    assert made * overlap / abs(overlap) == pytest.approx(unitary, abs=1e-9)
