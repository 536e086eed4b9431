# SPDX-License-Identifier: Apache-2.0
"""Channels of up to eight qubits, whose Choi matrix takes 64 GiB: compiled and sampled without it, or refused before."""

from __future__ import annotations

import numpy as np
import pytest

from stinespring.circuits.core.choi import MOST_ROWS, choi_error, operator_choi
from stinespring.compiler.channels.channel import compile_channel
from stinespring.errors import TooLargeError
from stinespring.models.channels.asked import ChannelAsked
from stinespring.models.channels.cptp import CPTP


def test_the_law_of_eight_qubits_needs_no_choi_matrix() -> None:
    signs = np.diag((-1.0) ** np.arange(256))  # Z on qubit 0
    channel = CPTP.from_kraus(np.array([0.6 * np.eye(256), 0.8 * signs]))
    asked = ChannelAsked((((2,) * 8, (1,) * 8), ((0,) * 8, (0,) * 8)))
    law = asked.law(channel).probabilities
    assert law[0][[0, 1]] == pytest.approx([0.36, 0.64])  # |+> is turned into |-> with probability .64
    assert law[1][0] == pytest.approx(1.0)


def test_what_takes_too_long_is_refused_before() -> None:
    signs = np.diag((-1.0) ** np.arange(256))
    with pytest.raises(TooLargeError, match="too large for a circuit"):
        compile_channel(np.array([0.6 * np.eye(256), 0.8 * signs]))


def test_a_state_of_eight_qubits_is_prepared_and_compared() -> None:
    state = np.random.default_rng(1).normal(size=256)
    program = compile_channel((state / np.linalg.norm(state)).reshape(1, 256, 1), effort=0)
    assert program.cost.qubits == 8
    assert program.details["choi_error"] < 1e-12


def test_the_bound_on_large_choi_matrices_is_one_and_is_close(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for size in (1e-3, 1e-9):
        first = np.linalg.qr(rng.normal(size=(16, 8)) + 1j * rng.normal(size=(16, 8)))[0].reshape(2, 8, 8)
        second = first + size * rng.normal(size=first.shape)
        exact = float(abs(operator_choi(first) - operator_choi(second)).max())
        assert choi_error(first, second) == exact
        with monkeypatch.context() as patched:
            patched.setattr("stinespring.circuits.core.choi.MOST_ROWS", 1)
            bound = choi_error(first, second)
        assert exact <= bound * (1 + 1e-9)
        assert bound < 64 * exact
    assert MOST_ROWS**2 * 16 <= 1 << 26


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 1), (2, 2, 1), (2, 1, 2)])
def test_channels_without_input_or_output(shape: tuple[int, int, int]) -> None:
    operators = np.ones((shape[0], 1, 1)) / np.sqrt(shape[0])
    if shape[1:] == (2, 1):
        operators = np.array([[[0.6], [0]], [[0], [0.8]]])
    elif shape[1:] == (1, 2):
        operators = np.array([[[1.0, 0.0]], [[0.0, 1.0]]])
    for form in ("isometry", "tree"):
        assert compile_channel(operators, form=form, effort=0).details["choi_error"] < 1e-12
