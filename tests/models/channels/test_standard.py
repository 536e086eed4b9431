# SPDX-License-Identifier: Apache-2.0
"""The standard channels against Qiskit Aer's noise library and their defining equations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit.quantum_info import Choi, SuperOp
from qiskit_aer import noise

from stinespring import channels
from stinespring.errors import InputError

probability = st.floats(0, 1)


@given(probability)
def test_amplitude_damping(gamma):
    expected = Choi(SuperOp(noise.amplitude_damping_error(gamma))).data
    assert channels.amplitude_damping(gamma).choi() == pytest.approx(expected, abs=1e-12)


@given(probability, probability)
def test_generalized_amplitude_damping(gamma, thermal):
    expected = Choi(SuperOp(noise.amplitude_damping_error(gamma, excited_state_population=thermal))).data
    assert channels.generalized_amplitude_damping(gamma, thermal).choi() == pytest.approx(expected, abs=1e-12)


@given(probability)
def test_phase_damping(strength):
    expected = Choi(SuperOp(noise.phase_damping_error(strength))).data
    assert channels.phase_damping(strength).choi() == pytest.approx(expected, abs=1e-8)  # Aer drops weights below 1e-8


@given(probability, st.integers(1, 2))
def test_depolarizing(p, qubits):
    expected = Choi(SuperOp(noise.depolarizing_error(p, qubits))).data
    assert channels.depolarizing(p, qubits).choi() == pytest.approx(expected, abs=1e-9)


def test_pauli_index_has_qubit_0_least_significant():
    weights = np.zeros(16)
    weights[1] = 1.0  # X on qubit 0
    image = channels.pauli(weights.tolist())(np.diag([1.0, 0, 0, 0]))
    assert image == pytest.approx(np.diag([0, 1, 0, 0]))


@given(probability, st.integers(0, 2**32 - 1))
def test_erasure(p, seed):
    rng = np.random.default_rng(seed)
    psi = rng.normal(size=2) + 1j * rng.normal(size=2)
    rho = np.outer(psi, psi.conj()) / np.vdot(psi, psi).real
    expected = np.zeros((4, 4), dtype=complex)
    expected[:2, :2] = (1 - p) * rho
    expected[2, 2] = p
    assert channels.erasure(p)(rho) == pytest.approx(expected, abs=1e-12)


@given(st.integers(0, 2**32 - 1))
def test_measure_and_prepare(seed):
    rng = np.random.default_rng(seed)
    vectors = np.linalg.qr(rng.normal(size=(3, 2)) + 1j * rng.normal(size=(3, 2)))[0]
    effects = [np.outer(v.conj(), v) for v in vectors]
    states = [np.diag(rng.dirichlet(np.ones(2))) for _ in range(3)]
    psi = rng.normal(size=2) + 1j * rng.normal(size=2)
    rho = np.outer(psi, psi.conj()) / np.vdot(psi, psi).real
    expected = sum(np.trace(e @ rho) * s for e, s in zip(effects, states, strict=True))
    assert channels.measure_and_prepare(effects, states)(rho) == pytest.approx(expected, abs=1e-12)
    assert channels.replacement(states[0])(rho) == pytest.approx(states[0], abs=1e-12)


@given(st.integers(1, 2), st.integers(1, 2), st.integers(2, 5), st.integers(0, 2**32 - 1))
def test_random_channels_have_the_rank_asked_for(m, n, rank, seed):
    channel = channels.random_channel(m, rank, outputs=n, seed=seed)
    assert (channel.inputs, channel.outputs, channel.rank) == (m, n, rank)


@pytest.mark.parametrize(
    "make",
    [
        lambda: channels.amplitude_damping(1.5),
        lambda: channels.depolarizing(-0.1),
        lambda: channels.depolarizing(0.1, 0),
        lambda: channels.pauli([0.5, 0.5]),
        lambda: channels.pauli([0.5, 0.4, 0, 0]),
        lambda: channels.random_unitary([1.0], [[[1, 0], [0, 2]]]),
        lambda: channels.random_unitary([0.5, 0.5], np.eye(2)[None]),
        lambda: channels.random_channel(3, 1, outputs=1),
        lambda: channels.measure_and_prepare([np.eye(2)], []),
        lambda: channels.measure_and_prepare([np.diag([1, -1]), np.diag([0, 2])], [[1, 0], [0, 1]]),
        lambda: channels.povm(np.eye(2)),
    ],
)
def test_bad_parameters(make):
    with pytest.raises(InputError):
        make()
