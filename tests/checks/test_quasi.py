# SPDX-License-Identifier: Apache-2.0
"""Quasi-probabilities against a law: bounds that hold for counts whose readout errors are inverted, and faults that are found.

The verdicts' rate is 1e-6 where a true one must not FAIL.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest

from stinespring.checks.texts.quasi import Quasi, check_quasi

BITS, SHOTS = 4, 20_000
TEXTS = np.array(list(product((0, 1), repeat=BITS)))


@dataclass
class Joint:
    probabilities: np.ndarray


class Law:
    """A law over four bits, listed or not."""

    def __init__(self, p, *, whole=True):
        self.p, self.listed = p, Joint(p) if whole else None

    def tallied(self, joint, texts, counts):
        return np.append(self.probabilities(texts, counts), 0.0)

    def probabilities(self, texts, weights=None):
        number = texts @ (1 << np.arange(BITS)[::-1])
        return self.p[number] if weights is None else np.bincount(number, weights=weights, minlength=1 << BITS)


def law(seed=3):
    return np.random.default_rng(seed).dirichlet(np.ones(1 << BITS))


def readout(p01=0.03, p10=0.08):
    """The matrix of read given true, column-stochastic, and its inverse's one-norm g."""
    one = np.array([[1 - p01, p10], [p01, 1 - p10]])
    whole = np.ones((1, 1))
    for _ in range(BITS):
        whole = np.kron(whole, one)
    inverse = np.linalg.inv(whole)
    return whole, inverse, abs(inverse).sum(axis=0).max()


def mitigated(true, seed, shots=SHOTS, *, inverse=None):
    whole, exact, g = readout()
    read = np.random.default_rng(seed).multinomial(shots, whole @ true) / shots
    shares = (exact if inverse is None else inverse) @ read
    return Quasi(TEXTS, shares, g / np.sqrt(shots), shots), shares


def test_true_laws_do_not_fail_and_the_interval_holds_the_true_distance():
    """Of 400 runs none FAILs at 1e-6, and the distance to another law, 0.11, is in every interval at 1e-6."""
    p = law()
    other = 0.8 * p + 0.2 * law(9)
    true = abs(p - other).sum() / 2
    for seed in range(400):
        quasi, _ = mitigated(p, seed)
        assert check_quasi(Law(p), quasi, alpha=1e-6).verdict != "FAIL"
        low, high = check_quasi(Law(other), quasi, alpha=1e-6).distance.at(1e-6)
        assert low <= true <= high


def test_the_mean_distance_is_below_its_bound_and_errors_below_the_stated_one():
    """What the docstring of the module bounds, measured: the mean of the TVD, and the standard deviation of random signs."""
    p = law()
    drawn = np.array([mitigated(p, seed, 2000)[1] for seed in range(3000)])
    error = mitigated(p, 0, 2000)[0].error
    mean = (abs(drawn - p).sum(axis=1) / 2).mean()
    assert 0.2 * error * np.sqrt(16) / 2 < mean < error * np.sqrt(16) / 2
    signs = np.random.default_rng(1).choice([-1, 1], size=(50, 16))
    assert (drawn @ signs.T).std(axis=0).max() < error
    assert drawn.min() < 0  # some are negative, as quasi-probabilities are


def test_many_shots_pass_and_a_planted_fault_fails():
    p = law()
    quasi, _ = mitigated(p, 5, 4_000_000)
    found = check_quasi(Law(p), quasi)
    assert found.verdict == "PASS" and found.reason.startswith("these are quasi-probabilities, no counts")
    assert found.figures["quasi"]["high"] <= 0.05 and found.p_value > 0.001
    wrong = check_quasi(Law(np.roll(p, 1)), quasi)
    assert wrong.verdict == "FAIL" and wrong.p_value < 1e-9 and wrong.distance.low > 0
    unmitigated, _ = mitigated(p, 5, 4_000_000, inverse=np.eye(16))
    assert check_quasi(Law(p), unmitigated).verdict == "FAIL"  # readout errors that nobody took away


def test_few_shots_are_unverified_and_say_how_many_would_do():
    p = law()
    quasi, _ = mitigated(p, 6, 5000)
    found = check_quasi(Law(p), quasi)
    assert found.verdict == "UNVERIFIED" and found.shots_needed > 5000
    more, _ = mitigated(p, 7, found.shots_needed)
    assert check_quasi(Law(p), more).distance.at(0.001)[1] < 0.07


def test_within_a_distance():
    p, other = law(), 0.8 * law() + 0.2 * law(9)
    true = abs(p - other).sum() / 2
    quasi, _ = mitigated(p, 8, 4_000_000)
    verdicts = [check_quasi(Law(other), quasi, within=d).verdict for d in (true - 0.05, true, true + 0.05)]
    assert verdicts == ["FAIL", "UNVERIFIED", "PASS"]
    assert check_quasi(Law(other), quasi, within=0.2).figures["within"] == 0.2


@pytest.mark.parametrize("shots", [None, 4_000_000])
def test_without_an_error_only_the_distance_is_said(shots):
    p = law()
    quasi, shares = mitigated(p, 9, 4_000_000)
    for p_of in (p, np.roll(p, 1)):
        found = check_quasi(Law(p_of), quasi._replace(error=None, shots=shots))
        assert found.verdict == "UNVERIFIED" and found.p_value == 1.0 and "nothing says" in found.reason
        assert found.tvd == pytest.approx(abs(shares - p_of).sum() / 2, abs=1e-12)
        assert (found.distance.low, found.distance.high) == (0.0, 1.0)


def test_laws_that_cannot_be_listed_are_unverified():
    p = law()
    quasi, shares = mitigated(p, 10)
    found = check_quasi(Law(p, whole=False), quasi)
    assert found.verdict == "UNVERIFIED" and "too many texts" in found.reason
    assert found.tvd == pytest.approx(abs(shares - p).sum() / 2, abs=1e-12)
