# SPDX-License-Identifier: Apache-2.0
"""Channels in every form against qiskit.quantum_info, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit.quantum_info import Choi, Kraus, Stinespring, SuperOp

import strategies
from stinespring.compiler.channels.channel import compile_channel
from stinespring.errors import InputError, StinespringError, TooLargeError
from stinespring.models.channels import CPTP, as_channel, cptp

shapes = st.sampled_from([(1, 1, 1), (1, 1, 3), (1, 1, 4), (2, 2, 2), (2, 2, 5), (1, 2, 3), (2, 1, 4), (0, 1, 2), (1, 0, 2)])


@given(st.data(), shapes)
def test_every_form_is_the_same_map(data, shape):
    m, n, r = shape
    kraus = data.draw(strategies.random_kraus(m, n, r))
    vectors = [k.T.reshape(-1) for k in kraus]  # |K>> with the input most significant
    expected = sum(np.outer(v, v.conj()) for v in vectors)
    channel = CPTP.from_kraus(kraus)
    assert channel.choi() == pytest.approx(expected, abs=1e-13)
    assert (channel.inputs, channel.outputs, channel.rank) == (m, n, r)
    dims = (2**m, 2**n)
    assert CPTP.from_choi(expected, dims=dims).choi() == pytest.approx(expected, abs=1e-13)
    assert CPTP.from_isometry(kraus.reshape(-1, 2**m), dims=dims).choi() == pytest.approx(expected, abs=1e-13)
    if min(m, n) == 0:  # Qiskit has no channels without qubits
        return
    assert Choi(Kraus(list(kraus))).data == pytest.approx(expected, abs=1e-13)
    for kind in (Kraus(list(kraus)), Choi(Kraus(list(kraus))), SuperOp(Kraus(list(kraus))), Stinespring(Kraus(list(kraus)))):
        assert as_channel(kind).choi() == pytest.approx(expected, abs=1e-12)


@given(st.data(), st.integers(0, 4))
def test_redundant_operators_are_reduced_to_the_choi_rank(data, extra):
    kraus = data.draw(strategies.random_kraus(1, 1, 2))
    mixing = data.draw(strategies.random_isometry(1, 1, 1 + extra)) if extra else np.eye(2)
    many = np.einsum("ab,bij->aij", mixing, kraus)
    channel = CPTP.from_kraus(many)
    assert channel.rank == 2
    assert len(channel.given) == 2 * (1 + extra) if extra else 2
    assert channel.choi() == pytest.approx(Choi(Kraus(list(kraus))).data, abs=1e-13)
    gram = np.einsum("aij,bij->ab", channel.kraus.conj(), channel.kraus)
    assert gram - np.diag(np.diag(gram)) == pytest.approx(np.zeros((2, 2)), abs=1e-13)


def test_order_of_qubits():
    """|0><1| on qubit 0 (least significant) and nothing on qubit 1: asymmetric in both."""
    lower = np.kron(np.eye(2), np.array([[0, 1], [0, 0]]))
    rest = np.kron(np.eye(2), np.array([[1, 0], [0, 0]]))
    channel = CPTP.from_kraus([lower, rest])
    image = channel(np.diag([0, 1, 0, 0]))  # |q1 q0> = |01>
    assert image == pytest.approx(np.diag([1, 0, 0, 0]))
    assert channel(np.diag([0, 0, 1, 0])) == pytest.approx(np.diag([0, 0, 1, 0]))


@given(st.integers(2, 6), st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_other_dimensions_are_embedded(into, out, seed):
    rng = np.random.default_rng(seed)
    rank = -(-into // out) + 1
    gaussian = rng.normal(size=(rank * out, into)) + 1j * rng.normal(size=(rank * out, into))
    kraus = np.linalg.qr(gaussian)[0].reshape(rank, out, into)
    channel = CPTP.from_kraus(kraus)
    vector = rng.normal(size=into) + 1j * rng.normal(size=into)
    vector /= np.linalg.norm(vector)
    padded = np.zeros(2**channel.inputs, dtype=complex)
    padded[:into] = vector
    image = channel(np.outer(padded, padded.conj()))
    assert image[:out, :out] == pytest.approx(sum(k @ np.outer(vector, vector.conj()) @ k.conj().T for k in kraus), abs=1e-12)
    for spare in range(into, 2**channel.inputs):
        state = np.zeros_like(padded)
        state[spare] = 1
        expected = np.zeros(2**channel.outputs)
        expected[spare % 2**channel.outputs] = 1
        assert channel(np.outer(state, state)) == pytest.approx(np.diag(expected), abs=1e-12)
    if into == out:
        assert channel.rank <= rank


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: CPTP.from_kraus([[[1, 0], [0, 0.9]]]), "0.19"),
        (lambda: CPTP.from_kraus(np.eye(2)), "stack of matrices"),
        (lambda: CPTP.from_kraus([[[np.nan, 0], [0, 1]]]), "not finite"),
        (lambda: CPTP.from_kraus([["a"]]), "cannot be read as numbers"),
        (lambda: CPTP.from_kraus(np.zeros((0, 2, 2))), "stack of matrices"),
        (lambda: CPTP.from_kraus([np.eye(2)], labels=[0, 1]), "one label"),
        (lambda: CPTP.from_choi(np.diag([1.1, 0, 0, 0.9]) - 0.1 * np.eye(4)[::-1]), "not completely positive"),
        (lambda: CPTP.from_choi([[1, 0.2], [0, 1]]), "square|Hermitian|fit"),
        (lambda: CPTP.from_choi(np.diag([1, 0, 0, 0.5])), "preserve the trace"),
        (lambda: CPTP.from_choi(np.eye(4) / 2, dims=(3, 2)), "does not fit"),
        (lambda: CPTP.from_isometry(np.eye(4)[:, :3]), "does not fit"),
        (lambda: as_channel("depolarizing"), "channel file not found"),
        (lambda: as_channel(SuperOp(2 * np.eye(4))), "preserve the trace"),
    ],
)
def test_what_is_no_channel_is_refused(make, says):
    with pytest.raises(InputError, match=says):
        make()


def test_transposition_is_not_completely_positive():
    swap = np.eye(4)[[0, 2, 1, 3]]
    with pytest.raises(InputError, match="smallest eigenvalue of the Choi matrix -1"):
        CPTP.from_choi(swap)


def test_too_large():
    with pytest.raises(TooLargeError, match="at most 8 qubits"):
        CPTP.from_kraus(np.eye(512)[None])


def test_single_precision_is_rounding():
    hadamard = np.array([[[1, 1], [1, -1]]], dtype=np.float32) / np.float32(np.sqrt(2))
    exact = Choi(Kraus([np.array([[1, 1], [1, -1]]) / np.sqrt(2)])).data
    for channel in (
        CPTP.from_kraus(hadamard),
        CPTP.from_choi(exact.astype(np.complex64)),
        CPTP.from_isometry(hadamard[0]),
    ):
        assert channel.rank == 1
        assert channel.choi() == pytest.approx(exact, abs=1e-6)
    with pytest.raises(InputError, match="preserve the trace"):
        CPTP.from_kraus(hadamard.astype(np.float64))


def test_fewest_operators_of_another_map_are_found(monkeypatch):
    """Operators conjugated while they are made fewest: what is compiled differs from what was given."""
    right = cptp.canonical
    monkeypatch.setattr(cptp, "canonical", lambda kraus: right(kraus).conj())
    wrong = CPTP.from_kraus([np.diag([1, 1j]) / np.sqrt(2), np.array([[0, 1j], [1, 0]]) / np.sqrt(2)])
    assert abs(cptp.choi_of_kraus(wrong.kraus) - wrong.choi()).max() > 0.1
    with pytest.raises(StinespringError, match="no circuit of this channel is accurate"):
        compile_channel(wrong)


def test_operators_that_say_another_matrix_are_refused(monkeypatch):
    """The transpose of a Choi matrix, and an environment that is least significant, are another map."""
    unital = 0.5 * np.array([[1, 0, 0, 1j], [0, 1, -1j, 0], [0, 1j, 1, 0], [-1j, 0, 0, 1]])
    isometry = np.array([[1, 0], [0, 0], [0, 0.6], [0, 0.8]])
    from_kraus = CPTP.from_kraus
    for make, given_by in (
        (lambda: CPTP.from_choi(unital), lambda kraus: np.asarray(kraus).conj()),
        (lambda: CPTP.from_isometry(isometry), lambda kraus: np.asarray(kraus).reshape(2, 2, 2).transpose(1, 0, 2)),
    ):
        monkeypatch.setattr(CPTP, "from_kraus", from_kraus)
        make()
        monkeypatch.setattr(CPTP, "from_kraus", lambda kraus, by=given_by: from_kraus(by(kraus)))
        with pytest.raises(StinespringError):
            make()
