# SPDX-License-Identifier: Apache-2.0
"""Static circuits of channels: exact by Qiskit's operators, and no longer than known ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from gates_by_qiskit import qiskit_isometry
from oracles.plain_channels import E0, E1, ID, X, Y, Z, choi, haar, tensor
from stinespring.circuits.channels.isometry import canonical_kraus, environment_wires, isometry_gates
from stinespring.circuits.core.gates import Gate, count_two_qubit
from strategies import random_kraus


def check_static(kraus, gates):
    """Largest Choi error of a circuit by Qiskit; also that it keeps to its wires."""
    rank, rows, columns = canonical_kraus(kraus).shape
    m, n = columns.bit_length() - 1, rows.bit_length() - 1
    width = max(m, n) + environment_wires(rank, m, n)
    assert all(q < width for g in gates for q in g.qubits)
    made = qiskit_isometry(gates, width, m) if width else np.ones((1, 1))
    return abs(choi(made.reshape(-1, rows, columns)) - choi(kraus)).max()


SPECIAL = {
    "amplitude damping": (np.array([np.diag([1, 0.8]), [[0, 0.6], [0, 0]]]), 2),
    "dephasing": (np.array([0.8 * ID, 0.6 * Z]), 1),
    "depolarising": (np.array([np.sqrt(0.7) * ID, *(np.sqrt(0.1) * p for p in (X, Y, Z))]), 3),
    "completely depolarising": (np.array([ID, X, Y, Z]) / 2, 2),
    "reset": (np.array([np.outer(E0, E0), np.outer(E0, E1)]), 2),
    "measurement": (np.array([np.outer(E0, E0), np.outer(E1, E1)]), 1),
    "measure and prepare": (np.array([np.outer([0.6, 0.8], E0), np.outer([1, 0], E1)]), 2),
    "two dephasings": (tensor([0.8 * ID, 0.6 * Z], [0.6 * ID, 0.8 * X]), 2),
    "two dampings": (tensor(*[[np.diag([1, 0.8]), [[0, 0.6], [0, 0]]]] * 2), 4),
    "correlated flips": (np.array([0.8 * np.eye(4), 0.6 * np.kron(Z, Z)]), 2),
    "CX": (np.eye(4)[[0, 1, 3, 2]][None], 1),
    "identity": (np.eye(4)[None], 0),
    "a block of zeros": (np.array([np.diag([1, 0, 0, 0]), np.diag([0, 1, 1, 1])]), 6),
    "trace": (np.array([[[1, 0]], [[0, 1]]]), 0),
    "a mixed state": (np.array([[[0.8], [0]], [[0], [0.6]]]), 1),
    "nothing": (np.ones((1, 1, 1)), 0),
}


class TestStaticCircuits:
    @settings(max_examples=12, deadline=None)
    @given(st.data())
    def test_random_channels_are_exact(self, data):
        m, n = data.draw(st.sampled_from([(0, 1), (1, 0), (1, 1), (0, 2), (1, 2), (2, 1), (2, 2)]))
        least = max(1, 1 << max(0, m - n))
        kraus = data.draw(random_kraus(m, n, data.draw(st.integers(least, min(4, 1 << (m + n)) if m + n > 1 else 2))))
        effort = data.draw(st.sampled_from([0.0, 0.2]))
        assert check_static(kraus, isometry_gates(kraus, effort=effort)) <= 1e-12

    @pytest.mark.parametrize(
        ("m", "r", "effort", "most"),
        [
            (1, 2, 0, 3),
            (1, 4, 0, 10),
            (2, 2, 0, 15),
            (2, 4, 0, 57),
            (2, 16, 0, 251),
            (1, 2, 1, 2),
            (1, 4, 1, 5),
            (2, 2, 1, 11),
            (2, 4, 1, 26),
        ],
    )
    def test_random_channels_cost_no_more_than_known(self, m, r, effort, most):
        kraus = haar(m, m, r, 5)
        gates = isometry_gates(kraus, effort=effort)
        assert check_static(kraus, gates) <= 1e-12
        assert count_two_qubit(gates) <= most

    def test_large_channels_cost_less_than_an_exact_isometry(self):
        kraus = haar(2, 2, 16, 1)
        gates = isometry_gates(kraus, effort=1)
        assert check_static(kraus, gates) <= 1e-12
        assert count_two_qubit(gates) <= 121

    @pytest.mark.parametrize("name", SPECIAL)
    @pytest.mark.parametrize("effort", [0.0, 1.0])
    def test_special_channels_are_exact_and_small(self, name, effort):
        kraus, most = SPECIAL[name]
        gates = isometry_gates(kraus, effort=effort)
        assert check_static(kraus, gates) <= 1e-12
        assert effort == 0 or count_two_qubit(gates) <= most

    @pytest.mark.parametrize("strength", [1e-3, 1e-5, 1e-7, 1e-9, 1e-12])
    def test_weak_noise_is_exact(self, strength):
        rng = np.random.default_rng(1)
        for m, rank in ((1, 2), (2, 1), (2, 2), (2, 4), (3, 1)):
            gaussian = rng.normal(size=(rank << m, rank << m)) * strength
            kraus = expm(1j * (gaussian + gaussian.T))[:, : 1 << m].reshape(rank, 1 << m, 1 << m)
            assert check_static(kraus, isometry_gates(kraus, effort=0)) <= 1e-12

    def test_dependent_operators_are_joined(self):
        kraus = haar(1, 1, 2, 3)
        redundant = np.concatenate([kraus * 0.6, kraus * 0.8])
        assert check_static(redundant, isometry_gates(redundant, effort=0.2)) <= 1e-12

    def test_the_seed_fixes_the_circuit(self):
        kraus = haar(1, 1, 4, 2)
        assert isometry_gates(kraus, effort=0.3, seed=4) == isometry_gates(kraus, effort=0.3, seed=4)

    @pytest.mark.parametrize("seed", range(3))
    def test_the_check_sees_a_flipped_sign(self, seed):
        kraus = haar(1, 1, 2, seed)
        gates = isometry_gates(kraus, effort=0)
        turned = [i for i, g in enumerate(gates) if g.name == "u" and abs(np.sin(g.params[0])) > 0.1]
        worst = []
        for i in turned:
            theta, *rest = gates[i].params
            worst.append(check_static(kraus, [*gates[:i], Gate("u", gates[i].qubits, (-theta, *rest)), *gates[i + 1 :]]))
        assert max(worst) > 1e-3
        mutant = kraus.copy()
        mutant[0, 0, 0] *= -1
        assert check_static(mutant, gates) > 1e-3
