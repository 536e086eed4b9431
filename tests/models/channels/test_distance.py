# SPDX-License-Identifier: Apache-2.0
"""Diamond distances with a closed form, and the certificate on random pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit.quantum_info import Choi
from qiskit.quantum_info import process_fidelity as qiskit_fidelity

import strategies
from stinespring import channels
from stinespring.models.channels import CPTP, diamond_distance, process_fidelity

weights = st.lists(st.floats(0.01, 1), min_size=4, max_size=4).map(lambda w: (np.array(w) / sum(w)).tolist())


@given(weights, weights)
def test_pauli_channels(p, q):
    """For mixtures of the same Pauli operators it is the total variation distance of the weights."""
    low, high = diamond_distance(channels.pauli(p).choi(), channels.pauli(q).choi(), inputs=2)
    expected = abs(np.array(p) - q).sum() / 2
    assert low - 1e-12 <= expected <= high + 1e-12
    assert high - low <= 1e-6


@given(st.floats(0.01, 3.1))
def test_unitaries(angle):
    """sqrt(1 - r^2) with r the distance of 0 from the convex hull of the eigenvalues of U^dagger V."""
    unitary = np.diag([1, np.exp(1j * angle)])
    low, high = diamond_distance(CPTP.from_kraus([np.eye(2)]).choi(), CPTP.from_kraus([unitary]).choi(), inputs=2)
    assert low - 1e-9 <= np.sin(angle / 2) <= high + 1e-9
    assert high - low <= 1e-5


def test_replacements_differ_as_their_states():
    first, second = channels.replacement(np.diag([0.3, 0.7])), channels.replacement(np.diag([0.8, 0.2]))
    assert diamond_distance(first.choi(), second.choi(), inputs=2) == pytest.approx((0.5, 0.5), abs=1e-9)


@given(st.data(), st.sampled_from([(1, 1, 2), (2, 1, 2), (1, 2, 3)]))
def test_interval_holds_what_any_input_sees(data, shape):
    m, n, r = shape
    first, second = (CPTP.from_kraus(data.draw(strategies.random_kraus(m, n, r))) for _ in range(2))
    low, high = diamond_distance(first.choi(), second.choi(), inputs=2**m)
    assert 0 <= low <= high <= 1
    psi = data.draw(strategies.random_isometry(0, 2 * m))[:, 0].reshape(2**m, 2**m)  # reference, input
    both = [
        np.einsum("aij,rj,sk,alk->risl", c.kraus, psi, psi.conj(), c.kraus.conj()).reshape(2 ** (m + n), -1)
        for c in (first, second)
    ]
    seen = abs(np.linalg.eigvalsh(both[0] - both[1])).sum() / 2
    assert seen <= high + 1e-9
    flat = abs(np.linalg.eigvalsh(first.choi() - second.choi())).sum() / 2 / 2**m
    assert low >= flat - 1e-9  # the first input tried is maximally entangled


def test_equal_channels():
    choi = channels.random_channel(2, 3, seed=1).choi()
    assert diamond_distance(choi, choi, inputs=4).high < 1e-14


@given(st.data())
def test_process_fidelity(data):
    first, second = (CPTP.from_kraus(data.draw(strategies.random_kraus(1, 1, 2))) for _ in range(2))
    expected = qiskit_fidelity(Choi(first.choi()), Choi(second.choi()))
    assert process_fidelity(first.choi(), second.choi(), inputs=2) == pytest.approx(expected, abs=1e-7)


def test_the_fidelity_of_channels_of_low_rank_is_exact():
    """A controlled Rz against the same with exchanged roles: ((1 + cos(a/2)) / 2)^2, to 12 digits."""
    a = 0.7
    one, other = np.diag([1, 1, np.exp(-0.5j * a), np.exp(0.5j * a)]), np.diag([1, np.exp(-0.5j * a), 1, np.exp(0.5j * a)])
    found = process_fidelity(CPTP.from_kraus([one]).choi(), CPTP.from_kraus([other]).choi(), inputs=4)
    assert found == pytest.approx(((1 + np.cos(a / 2)) / 2) ** 2, abs=1e-12)
