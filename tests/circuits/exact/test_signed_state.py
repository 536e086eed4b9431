# SPDX-License-Identifier: Apache-2.0
"""Preparations of real states, against Qiskit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gates_by_qiskit import qiskit_isometry, same_up_to_phase
from real_states import KINDS, SEEDS
from real_states import real_state as sampled_state
from stinespring.circuits.core.gates import count_two_qubit
from stinespring.circuits.exact.signed_state import gray_state, real_state

CLOSED = (0, 1, 3, 7, 17, 40, 86, 181, 375, 768, 1562, 3160)  # for 1 to 12 qubits: s(2k) = s(k) + k + 2 c_k, c_3 = 17
FITTED = (0, 1, 3, 7, 17, 32, 70, 129, 271, 560, 1146, 2640)  # likewise, c_3 = 13, and up to 11 qubits c_4 = 59


@settings(max_examples=40)
@given(st.integers(1, 7), SEEDS, KINDS, st.booleans())
@example(4, 0, "basis", True)
def test_states(size, seed, kind, fitted):
    v = sampled_state(size, seed, kind)
    gates = gray_state(v)
    np.testing.assert_allclose(qiskit_isometry(gates, size, 0)[:, 0], v, atol=1e-13)  # signs and phase included
    assert count_two_qubit(gates) <= 2**size - 1 - size
    short = real_state(v, fitted=fitted)
    same_up_to_phase(qiskit_isometry(short, size, 0)[:, 0], v, atol=1e-13)
    assert count_two_qubit(short) <= min(count_two_qubit(gates), (FITTED if fitted else CLOSED)[size - 1])


@pytest.mark.parametrize("size", range(1, 13))
def test_counts_of_random_states(size):
    v = sampled_state(size, size)
    for fitted, counts in ((True, FITTED), (False, CLOSED)):
        gates = real_state(v, fitted=fitted)
        assert count_two_qubit(gates) == counts[size - 1]
        if fitted or size <= 8:
            same_up_to_phase(qiskit_isometry(gates, size, 0)[:, 0], v, atol=1e-13)


def test_wires_and_structure():
    v = sampled_state(3, 1)
    wires = (4, 0, 2)
    found = qiskit_isometry(real_state(v, wires), 5, 0)[:, 0]
    wanted = np.zeros(32)
    for index, amplitude in enumerate(v):
        wanted[sum((index >> place & 1) << wire for place, wire in enumerate(wires))] = amplitude
    same_up_to_phase(found, wanted, atol=1e-13)
    for size in (2, 5, 8):
        assert count_two_qubit(real_state(sampled_state(size, 3, "product"))) == 0


def test_a_wrong_sign_is_seen():
    v = sampled_state(8, 4)
    gates = real_state(v * np.where(np.arange(256) == 37, -1.0, 1.0))
    with pytest.raises(AssertionError):
        same_up_to_phase(qiskit_isometry(gates, 8, 0)[:, 0], v, atol=1e-13)
