# SPDX-License-Identifier: Apache-2.0
"""Programs against channels: exact and sampled verdicts, on right and on wrong programs and matrices."""

from __future__ import annotations

import json

import numpy as np
import pytest
from qiskit.quantum_info import Choi, Kraus

from stinespring.checks.process import process_summary, verify_channel
from stinespring.compiler.channels.channel import compile_channel
from stinespring.errors import InputError, TooLargeError
from stinespring.models import channels
from stinespring.models.channels import CPTP
from stinespring.pipeline import exact


def program(channel, form):
    return compile_channel(channel, form=form, effort=0).circuit


def choi(*kraus):
    """The Choi matrix by Qiskit."""
    return Choi(Kraus([np.asarray(k) for k in kraus])).data


@pytest.mark.parametrize("form", ["isometry", "tree"])
def test_exact(form):
    right, wrong = channels.amplitude_damping(0.3), channels.amplitude_damping(0.32)
    good = exact.verify_channel(right, program(right, form))
    assert good.verdict == "PASS"
    assert good.figures["diamond_distance"] < 1e-12
    assert good.figures["process_fidelity"] == pytest.approx(1, abs=1e-9)
    bad = exact.verify_channel(wrong, program(right, form))
    assert bad.verdict == "FAIL"
    # the input |1> sees 0.02, no input more
    assert bad.figures["diamond_low"] - 1e-9 <= 0.02 <= bad.figures["diamond_distance"] + 1e-9
    assert exact.verify_channel(wrong, program(right, form), tolerance=0.03).verdict == "PASS"


def test_matrices_are_compared_whoever_made_them():
    right = channels.amplitude_damping(0.3)
    keep, decay = right.given
    good = verify_channel(right, {None: choi(keep, decay)})
    assert good.verdict == "PASS" and good.figures["choi_error"] < 1e-15
    # the outcomes of a channel are summed over
    assert verify_channel(right, {0: choi(keep), 1: choi(decay)}).verdict == "PASS"
    for lost in ({0: choi(keep)}, {None: 0.999 * choi(keep, decay)}, {None: 1.001 * choi(keep, decay)}):
        found = verify_channel(right, lost)
        assert found.verdict == "FAIL" and "changes the trace" in found.reason
    far = verify_channel(right, {None: choi(*channels.amplitude_damping(0.32).given)}, tolerance=0.02)
    assert far.verdict == "UNVERIFIED"  # the certified interval contains the distance itself
    summary = process_summary(good)
    assert set(summary) == {
        "verdict", "process_fidelity", "choi_error", "diamond_low", "diamond_distance", "tolerance", "reason", "diamond_norm",
        "method",
    }  # fmt: skip
    assert summary["diamond_norm"] == 2 * summary["diamond_distance"] and summary["method"] == "exact"
    json.dumps(summary, allow_nan=False)


def test_instruments_are_compared_by_outcome():
    keep, decay = channels.amplitude_damping(0.3).given
    right, wrong = CPTP.from_kraus([keep, decay], labels=[0, 1]), CPTP.from_kraus([keep, decay], labels=[1, 0])
    circuit = program(right, "tree")
    assert exact.verify_channel(right, circuit).verdict == "PASS"
    assert exact.verify_channel(wrong, circuit).verdict == "FAIL"
    assert exact.verify_channel(wrong, circuit, outcomes={0: 1, 1: 0}).verdict == "PASS"
    found = {0: choi(keep), 1: choi(decay)}
    assert verify_channel(right, found).verdict == "PASS" and verify_channel(wrong, found).verdict == "FAIL"
    assert verify_channel(wrong, found, outcomes={0: 1, 1: 0}).verdict == "PASS"
    assert verify_channel(right, found, outcomes={0: 0}).verdict == "FAIL"  # a value that stands for nothing
    with pytest.raises(InputError, match="no classical register"):
        verify_channel(right, {None: choi(keep, decay)})


@pytest.mark.parametrize("form", ["isometry", "tree"])
def test_sampled(form):
    right = channels.random_channel(1, 2, seed=8)
    wrong = channels.random_channel(1, 2, seed=9)
    circuit = program(right, form)
    verdict = exact.sample_process(right, circuit, shots=20_000, settings=20, seed=1, alpha=1e-6)  # false-alarm rate 1e-6
    assert verdict.verdict == "PASS"
    assert exact.sample_process(wrong, circuit, shots=20_000, settings=20, seed=1).verdict == "FAIL"
    few = exact.sample_process(right, circuit, shots=400, settings=20, seed=1, alpha=1e-6)
    assert few.verdict == "UNVERIFIED"
    assert few.shots_needed > 400


def test_an_instrument_too_large_is_refused_before_its_matrix_is_made():
    keep, decay = channels.amplitude_damping(0.3).given
    channel = CPTP.from_kraus([keep, decay], labels=[0, 1])
    found = {value: choi(keep) * (value < 1) for value in range(2000)}  # 2,000 outcomes of 4 rows each
    with pytest.raises(TooLargeError, match="with its outcomes"):
        verify_channel(channel, found)


def test_bad_input():
    channel = channels.amplitude_damping(0.3)
    circuit, matrix = program(channel, "tree"), {None: channel.choi()}
    for tolerance in (0, 1, True, float("nan")):
        with pytest.raises(InputError, match="tolerance"):
            verify_channel(channel, matrix, tolerance=tolerance)
    for other in ({}, {None: np.eye(16)}, {None: np.eye(4), 1: np.eye(2)}):
        with pytest.raises(InputError, match="another size"):
            verify_channel(channel, other)
    with pytest.raises(InputError, match="register 'sys'"):
        exact.verify_channel(channels.random_channel(2, 2, seed=1), circuit)
    with pytest.raises(InputError, match="fewer shots"):
        exact.sample_process(channel, circuit, shots=10, settings=20)
