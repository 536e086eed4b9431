# SPDX-License-Identifier: Apache-2.0
"""The law as it is read against plain loops; the test's false-alarm rate and power by simulation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from stinespring.checks.texts.mitigated import wald
from stinespring.checks.texts.readout import ReadoutCalibration


def looped(law, errors, wires):
    """``q(r) = sum_s p(s) prod_i P(r_i | s_i)`` as written."""
    n = len(wires)
    result = np.zeros(2**n)
    for read, held in itertools.product(range(2**n), repeat=2):
        share = law[held]
        for i, wire in enumerate(wires):
            one, zero = errors[wire]
            r, s = read >> i & 1, held >> i & 1
            share *= {(1, 0): one, (0, 0): 1 - one, (0, 1): zero, (1, 1): 1 - zero}[r, s]
        result[read] += share
    return result


def drawn(seed, bits, qubits):
    rng = np.random.default_rng(seed)
    law = rng.dirichlet(np.ones(2**bits))
    errors = rng.uniform(0.0, 0.3, (qubits, 2))
    return rng, law, errors, rng.integers(qubits, size=bits).tolist()


@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 3))
def test_the_law_as_read_is_the_sum_over_what_was_held(seed, bits, qubits):
    _, law, errors, wires = drawn(seed, bits, qubits)
    calibration = ReadoutCalibration(tuple(range(qubits)), errors, 100)
    assert np.allclose(calibration.pushed(law, wires), looped(law, errors, wires), atol=1e-12)
    assert np.allclose(calibration.unpushed(calibration.pushed(law, wires), wires), law, atol=1e-12)


@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(1, 3))
def test_slopes_are_derivatives(seed, bits, qubits):
    """Central differences of the looped sum; it is a polynomial of the third degree at most in one error."""
    _, law, errors, wires = drawn(seed, bits, qubits)
    slopes = ReadoutCalibration(tuple(range(qubits)), errors, 100).slopes(law, wires)
    for column, (qubit, which) in enumerate(itertools.product(range(qubits), range(2))):
        step = np.zeros_like(errors)
        step[qubit, which] = 1e-4
        difference = (looped(law, errors + step, wires) - looped(law, errors - step, wires)) / 2e-4
        assert np.allclose(slopes[:, column], difference, atol=1e-7)


@given(st.integers(0, 10**6), st.integers(1, 4))
def test_distances_grow_by_the_amplification_at_most_and_reach_it(seed, bits):
    rng, _, errors, _ = drawn(seed, bits, bits)
    calibration, wires = ReadoutCalibration(tuple(range(bits)), errors, 100), list(range(bits))
    growth = calibration.amplification(wires)
    inverse = calibration.unpushed(np.eye(2**bits), wires)
    assert np.isclose(abs(inverse).sum(axis=0).max(), growth)
    difference = rng.normal(size=2**bits)
    assert abs(inverse @ difference).sum() <= growth * abs(difference).sum() + 1e-12


@given(st.integers(0, 10**6), st.integers(2, 4))
def test_the_statistic_is_that_of_the_whole_covariance(seed, bits):
    """Against the pseudo-inverse of ``D - D 1 1^T D / N + J C J^T``, formed as written."""
    rng, law, errors, wires = drawn(seed, bits, 3)
    law = (law + 0.05) / (law + 0.05).sum()
    calibration = ReadoutCalibration((0, 1, 2), errors, 2_000)
    shots = 5_000
    read, slopes = calibration.pushed(law, wires), calibration.slopes(law, wires)
    counts = rng.multinomial(shots, read).astype(float)
    test = wald(counts, read, slopes, calibration.variances().ravel())
    if test.hidden:
        return
    spread = np.diag(shots * read) - shots * np.outer(read, read)
    spread += shots**2 * (slopes * calibration.variances().ravel()) @ slopes.T
    off = counts - shots * read
    assert np.isclose(test.statistic, off @ np.linalg.pinv(spread, rcond=1e-12) @ off, rtol=1e-6)


def replicas(rng, law, errors, wires, *, shots, calibration_shots, truth, count):
    """P-values where ``truth`` is held, everything else as assumed: the calibration is measured anew each time."""
    read = looped(truth, errors, wires)
    result = np.zeros(count)
    for i in range(count):
        measured = rng.binomial(calibration_shots, errors) / calibration_shots
        calibration = ReadoutCalibration(tuple(range(len(errors))), measured, calibration_shots)
        counts = rng.multinomial(shots, read).astype(float)
        slopes = calibration.slopes(law, wires)
        result[i] = wald(counts, calibration.pushed(law, wires), slopes, calibration.variances().ravel()).p_value
    return result


@pytest.mark.parametrize(
    ("bits", "shots", "calibration_shots"),
    [(2, 2_000, 8_000), (2, 20_000, 2_000), (4, 20_000, 80_000), (5, 3_000, 12_000)],
)
def test_true_samples_fail_at_the_stated_rate(bits, shots, calibration_shots):
    """3,000 true runs: no more p-values below 0.01 and 0.05 than a rate of 1.5 times as much gives but once in 10^6.

    The factor is what Pearson's statistic may be off in its tail with cells of ten counts; too few would be no error but a
    waste, and are bounded at half the rate.
    """
    rng = np.random.default_rng(5)
    law = rng.dirichlet(np.full(2**bits, 0.7))
    errors = rng.uniform(0.002, 0.08, (bits, 2))
    p_values = replicas(
        rng, law, errors, list(range(bits)), shots=shots, calibration_shots=calibration_shots, truth=law, count=3_000
    )
    for alpha in (0.01, 0.05):
        alarms = int((p_values < alpha).sum())
        assert alarms <= binom.isf(1e-6, 3_000, 1.5 * alpha)
        assert alarms >= binom.ppf(1e-6, 3_000, 0.5 * alpha)


def test_a_calibration_taken_for_exact_would_fail_too_often():
    """The same counts against the measured errors as if they were exact: more alarms than 0.01 gives once in 10^6."""
    rng = np.random.default_rng(6)
    law, errors, wires = np.array([0.4, 0.3, 0.2, 0.1]), np.full((2, 2), 0.05), [0, 1]
    alarms = 0
    for _ in range(400):
        measured = rng.binomial(2_000, errors) / 2_000
        calibration = ReadoutCalibration((0, 1), measured, 2_000)
        counts = rng.multinomial(20_000, looped(law, errors, wires)).astype(float)
        alarms += wald(counts, calibration.pushed(law, wires), np.zeros((4, 4)), np.ones(4)).p_value < 0.01
    assert alarms > binom.isf(1e-6, 400, 0.01)


def test_other_laws_are_found():
    """A law at TVD 0.05 is found with power 0.9 and more, where the formula promises that; exact binomial bound at 1e-6."""
    from stinespring.checks.statistics.gtest import detectable_tvd

    rng = np.random.default_rng(7)
    law, errors, wires = np.array([0.4, 0.3, 0.2, 0.1]), np.full((2, 2), 0.04), [0, 1]
    other = law + np.array([0.05, -0.05, 0.0, 0.0])
    calibration = ReadoutCalibration((0, 1), errors, 40_000)
    growth = calibration.amplification(wires)
    shots = 10_000
    test = wald(rng.multinomial(shots, looped(law, errors, wires)).astype(float), calibration.pushed(law, wires),
                calibration.slopes(law, wires), calibration.variances().ravel())  # fmt: skip
    assert growth * detectable_tvd(3, shots, 0.001) * np.sqrt(test.inflation) < 0.05
    p_values = replicas(rng, law, errors, wires, shots=shots, calibration_shots=40_000, truth=other, count=1_000)
    assert int((p_values < 0.001).sum()) >= binom.ppf(1e-6, 1_000, 0.9)
