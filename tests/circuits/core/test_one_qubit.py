# SPDX-License-Identifier: Apache-2.0
"""One-qubit gates of matrices, and runs of them as one gate."""

from __future__ import annotations

from functools import reduce

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gates_by_qiskit import qiskit_isometry, same_up_to_phase
from stinespring.circuits.core.gates import Gate
from stinespring.circuits.core.one_qubit import gate_matrix, u_gate, wire_gates


class TestOneQubitGates:
    @given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 1e-17, 1e-9, 0.3, np.pi / 2, np.pi - 1e-9, np.pi]))
    @settings(max_examples=30, deadline=None)
    def test_u_is_the_matrix_up_to_a_phase(self, seed, theta):
        rng = np.random.default_rng(seed)
        phi, lam = rng.uniform(-np.pi, np.pi, 2) * rng.integers(0, 2, 2)
        matrix = gate_matrix(Gate("u", (0,), (theta, phi, lam))) * np.exp(1j * seed)
        made = reduce(lambda a, g: gate_matrix(g) @ a, u_gate(0, matrix), np.eye(2))
        same_up_to_phase(made, matrix, atol=3e-15)

    def test_runs_become_one_gate(self):
        gates = [Gate("h", (0,)), Gate("x", (1,)), Gate("ry", (0,), (0.3,)), Gate("cx", (0, 1)), Gate("rz", (1,), (0.2,))]
        joined = wire_gates([*gates, Gate("rz", (1,), (-0.2,))], 2)
        assert [g.name for g in joined] == ["u", "u", "cx"]
        made, known = (qiskit_isometry(some, 2, 2) for some in (joined, gates[:4]))
        same_up_to_phase(made, known, atol=1e-14)
