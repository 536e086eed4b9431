# SPDX-License-Identifier: Apache-2.0
"""Tails and quantiles of our own against SciPy's, and that a verdict of texts needs nothing of SciPy or Qiskit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special as oracle
from scipy import stats

from stinespring.checks.statistics import special

DEGREES = [1, 2, 3, 10, 100, 10_000, 1_000_000]
LEVELS = [0.999, 0.5, 0.05, 1e-3, 1e-9, 1e-100]


@pytest.mark.parametrize("degrees", DEGREES)
def test_chi_squared(degrees):
    points = stats.chi2.isf(LEVELS, degrees)
    ours = [special.chi_squared_tail(point, degrees) for point in points]
    np.testing.assert_allclose(ours, stats.chi2.sf(points, degrees), rtol=1e-11)
    for level in LEVELS[:5]:
        assert special.chi_squared_quantile(level, degrees) == pytest.approx(stats.chi2.isf(level, degrees), rel=1e-12)
    assert special.chi_squared_tail(0.0, degrees) == 1.0 and special.chi_squared_tail(np.inf, degrees) == 0.0
    for noncentrality in (0.0, 1e-9, 1.0, 30.0, 3.0 * degrees**0.5 + 20.0):
        point = stats.chi2.isf(1e-3, degrees)
        assert special.noncentral_head(point, degrees, noncentrality) == pytest.approx(
            stats.ncx2.cdf(point, degrees, noncentrality), rel=1e-10
        )


@pytest.mark.parametrize("shots", [1, 5, 1000, 20_000, 10**9, 10**12])
def test_binomial(shots):
    """At 10^12 shots a probability keeps nine digits; differences of logarithms of factorials would keep three."""
    for p in (1e-9, 1e-3, 0.3, 0.5, 0.999):
        spread = np.sqrt(shots * p * (1 - p))
        hits = np.unique(np.clip(np.round(shots * p + np.array([-30, -5, -1, 0, 1, 5, 30]) * spread), 0, shots))
        np.testing.assert_allclose(special.binomial(hits, shots, p), stats.binom.pmf(hits, shots, p), rtol=2e-9, atol=1e-300)
    hits = np.arange(min(shots, 1000) + 1.0)
    if shots <= 1000:
        assert special.binomial(hits, shots, 0.3).sum() == pytest.approx(1.0, abs=1e-13)


@pytest.mark.parametrize("shots", [1, 10, 1000, 20_000, 20_000_000])
def test_beta(shots):
    for seen in {0, min(1, shots - 1), shots // 3, shots - 1}:
        a, b = seen + 1.0, float(shots - seen)
        for level in (5e-4, 0.025, 0.5, 1e-9):
            exact = float(oracle.betaincinv(a, b, level))
            assert special.beta_quantile(a, b, level) == pytest.approx(exact, rel=1e-11)
            x = min(1.0, 1.05 * exact)
            assert special.beta_tail(a, b, x) == pytest.approx(float(oracle.betaincc(a, b, x)), rel=1e-8, abs=1e-300)


def test_normal_gamma_and_small_things():
    z = np.linspace(-38.0, 38.0, 101)
    np.testing.assert_allclose(special.normal_head(z), oracle.ndtr(z), rtol=1e-12, atol=1e-307)
    for level in (1e-300, 1e-9, 0.3, 1 - 1e-9):
        assert special.normal_quantile(level) == pytest.approx(-float(oracle.ndtri(level)), rel=1e-13)
    assert special.normal_quantile(0.0) == np.inf and special.normal_quantile(1.0) == -np.inf
    for shape, x in ((0.3, 0.01), (7.5, 3.0), (7.5, 30.0), (400.0, 500.0)):
        assert special.gamma_tail(shape, x) == pytest.approx(float(oracle.gammaincc(shape, x)), rel=1e-12)
        assert special.gamma_head(shape, x) == pytest.approx(float(oracle.gammainc(shape, x)), rel=1e-12)
    np.testing.assert_allclose(special.x_log_x(np.array([0.0, 1.0, 3.0])), oracle.xlogy([0, 1, 3], [0, 1, 3]))
    for z in (-5.0, 0.3, 8.0):
        for skew in (-0.7, 0.0, 0.02, 0.7):
            assert special.skewed_tail(z, skew) == pytest.approx(float(stats.pearson3.sf(z, skew)), rel=1e-9, abs=1e-300)
    # by quadrature with 40 digits; SciPy's gammainc keeps three here
    assert special.skewed_tail(8.0, -1e-3) == pytest.approx(5.71099420452229e-16, rel=1e-10)
    assert special.binomial(np.arange(4.0), 3, 1.0).tolist() == [0.0, 0.0, 0.0, 1.0]
    assert special.binomial(np.arange(4.0), 3, 0.0).tolist() == [1.0, 0.0, 0.0, 0.0]
    assert special.binomial(np.arange(2.0), 0, 0.5).tolist() == [1.0, 0.0]
    u = np.array([-1.0, -0.5, -1e-9, 0.0, 1e-12, 0.02, 5.0])
    np.testing.assert_allclose(special.above(u), [float(special.above(float(v))) for v in u], rtol=1e-14)
    assert special.above(1e-12) == pytest.approx(5e-25, rel=1e-11)


def test_bisection_finds_the_zero_from_any_bracket():
    for low, high in ((0.0, 1.0), (5.0, 6.0), (1e-9, 1e-8)):
        assert special.bisect(lambda x: 2.0 - x * x, low, high) == pytest.approx(2.0**0.5, rel=1e-15)
    assert special.bisect(lambda x: 2.0 - x, 0.0, 1.0, 1.0) == 1.0
