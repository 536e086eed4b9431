# SPDX-License-Identifier: Apache-2.0
"""Tails of the standard laws and their inverses, in double precision, by NumPy and the standard library alone.

A verdict needs a few of them, and SciPy takes longer to import than a small verdict takes. The densities are those of Loader's
saddle-point expansion: no logarithm of a factorial is subtracted from another, so that they keep their relative accuracy at
any number of shots. Tails follow by a series or a continued fraction on the side where all terms are positive. SciPy is the
tests' oracle.

Sources: Loader, Fast and accurate computation of binomial probabilities (2000); DLMF 8.7.1, 8.9.2, 8.17.22, 5.11.1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from statistics import NormalDist
from typing import Any

import numpy as np

from stinespring.readings import FloatArray, IntArray

__all__ = [
    "above", "beta_quantile", "beta_tail", "binomial", "bisect", "chi_squared_quantile", "chi_squared_tail", "gamma_head",
    "gamma_tail", "noncentral_head", "normal_head", "normal_quantile", "skewed_tail", "x_log_x",
]  # fmt: skip

TINY, EPSILON = 1e-300, 2.0**-53
NEAR, TERMS = 0.03, 12  # deviations below which (1 + u) ln(1 + u) - u is its series
STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360)  # of ln n!, in powers 1, 3, 5, ... of 1/n
LARGE = 16.0  # from which on Stirling's series has all digits
MOST_TERMS = 1_000_000
STRAIGHT = 5e-5  # skewness below which a tail is the normal one


def above(u: Any) -> Any:
    """Return ``(1 + u) ln(1 + u) - u`` for u >= -1 with full relative accuracy, also near 0, where it is ``u^2 / 2``."""
    if isinstance(u, float):  # arrays of one number take thirty times as long
        if abs(u) < NEAR:
            return u * u * math.fsum((-u) ** k / ((k + 1.0) * (k + 2.0)) for k in range(TERMS))
        return (1.0 + u) * math.log1p(u) - u if u > -1.0 else 1.0
    near = abs(u) < NEAR
    small = np.where(near, u, 0.0)
    series = sum((-small) ** k / ((k + 1.0) * (k + 2.0)) for k in range(TERMS))
    with np.errstate(divide="ignore", invalid="ignore"):
        exact = np.where(u > -1.0, (1.0 + u) * np.log1p(u) - u, 1.0)
    return np.where(near, small * small * series, exact)


def stirling(n: Any) -> Any:
    """Return ``ln n! - (n + 1/2) ln n + n - ln sqrt(2 pi)`` for n > 0, one number or an array."""
    if isinstance(n, float):
        if n < LARGE:
            return math.lgamma(n + 1.0) - (n + 0.5) * math.log(n) + n - 0.5 * math.log(2.0 * math.pi)
        return sum(c / n ** (2 * k + 1) for k, c in enumerate(STIRLING))
    large = np.maximum(n, LARGE)
    result = np.asarray(sum(c / large ** (2 * k + 1) for k, c in enumerate(STIRLING)))
    small = n < LARGE
    result[small] = [stirling(value) for value in n[small].tolist()]
    return result


def deviance(x: Any, mean: Any) -> Any:
    """Return ``x ln(x / m) + m - x`` for m > 0."""
    return mean * above((x - mean) / mean)


def binomial(hits: FloatArray, shots: float, p: FloatArray | float) -> FloatArray:
    """Return the binomial probabilities of numbers of hits.

    Example:
        >>> binomial(np.array([0.0, 1.0, 2.0, 3.0]), 2, 0.5).round(12).tolist()
        [0.25, 0.5, 0.25, 0.0]
    """
    hits, p = np.broadcast_arrays(np.asarray(hits, dtype=np.float64), np.asarray(p, dtype=np.float64))
    if shots <= 0:
        return np.where(hits == 0, 1.0, 0.0)
    inside, within = (hits > 0) & (hits < shots), np.clip(p, TINY, 1.0 - EPSILON)
    k = np.where(inside, hits, 0.5 * shots)
    log = stirling(float(shots)) - stirling(k) - stirling(shots - k)
    log = log - deviance(k, shots * within) - deviance(shots - k, shots * (1.0 - within))
    middle = np.exp(log) * np.sqrt(shots / (2.0 * math.pi * k * (shots - k)))
    with np.errstate(divide="ignore"):
        ends = np.where(hits == 0, np.exp(shots * np.log1p(-p)), np.where(hits == shots, np.exp(shots * np.log(p)), 0.0))
    return np.asarray(np.where(inside, np.where((p > 0) & (p < 1), middle, 0.0), ends))


def poisson(n: Any, mean: Any) -> Any:
    """Return ``mean^n e^-mean / n!`` for real n > 0 and mean > 0."""
    log = -stirling(n) - deviance(n, mean)
    return (math.exp(log) if isinstance(log, float) else np.exp(log)) / np.sqrt(2.0 * math.pi * n)


def gamma_tail(shape: float, x: float) -> float:
    """Return ``Q(a, x) = Gamma(a, x) / Gamma(a)``, 1 where x <= 0."""
    return sides(float(shape), float(x))[1]


def gamma_head(shape: float, x: float) -> float:
    """Return ``P(a, x) = 1 - Q(a, x)``."""
    return sides(float(shape), float(x))[0]


def sides(a: float, x: float) -> tuple[float, float]:
    """Return P(a, x) and Q(a, x): the smaller one computed, the other its complement."""
    if x <= 0.0 or math.isinf(x):
        return (0.0, 1.0) if x <= 0.0 else (1.0, 0.0)
    density = float(poisson(a, x))
    if x < a + 1.0:
        term = total = 1.0
        n = a
        while term > EPSILON * total:
            n += 1.0
            term *= x / n
            total += term
        head = min(1.0, density * total)
        return head, 1.0 - head
    tail = min(1.0, density * a * fraction(a, x))
    return 1.0 - tail, tail


def fraction(a: float, x: float) -> float:
    """Return ``Gamma(a, x) x^-a e^x`` for x >= a + 1, by its continued fraction (Lentz)."""
    b = x + 1.0 - a
    d = result = 1.0 / b
    c = 1.0 / TINY
    for n in range(1, MOST_TERMS):
        step = -n * (n - a)
        b += 2.0
        d = 1.0 / guarded(step * d + b)
        c = guarded(b + step / c)
        result *= d * c
        if abs(d * c - 1.0) <= 4.0 * EPSILON:
            break
    return result


def guarded(value: float) -> float:
    """Return a number, never 0."""
    return value if abs(value) > TINY else TINY


def chi_squared_tail(x: float, degrees: float) -> float:
    """Return ``P(X > x)``.

    Example:
        >>> f"{chi_squared_tail(3.841458820694124, 1):.6f}"
        '0.050000'
    """
    return gamma_tail(degrees / 2.0, x / 2.0)


@lru_cache(maxsize=4096)
def chi_squared_quantile(tail: float, degrees: float) -> float:
    """Return the x with ``P(X > x) = tail``."""
    z = normal_quantile(tail)
    ninth = 2.0 / (9.0 * degrees)
    start = max(1e-8, degrees * (1.0 - ninth + z * math.sqrt(ninth)) ** 3)  # Wilson & Hilferty
    spread = max(0.1 * start, 1e-3)
    return bisect(lambda x: chi_squared_tail(x, degrees) - tail, max(0.0, start - spread), start + spread)


def noncentral_head(x: float, degrees: float, noncentrality: float) -> float:
    """Return ``P(X <= x)`` of the noncentral chi-squared law: a Poisson mixture of central ones, all terms positive."""
    half, mean = x / 2.0, noncentrality / 2.0
    reach = 12.0 * math.sqrt(mean) + 40.0
    j = np.arange(max(0, math.floor(mean - reach)), math.ceil(mean + reach) + 1, dtype=np.float64)
    weights = np.where(j > 0, poisson(np.maximum(j, 1.0), max(mean, TINY)), math.exp(-mean))
    densities = poisson(degrees / 2.0 + j, half)  # P(a + j) - P(a + j + 1)
    last = gamma_head(degrees / 2.0 + float(j[-1]) + 1.0, half)
    return float(weights @ (last + np.cumsum(densities[::-1])[::-1]))


def skewed_tail(z: float, skew: float) -> float:
    """Return ``P(Z > z)`` of the gamma law (Pearson's third) with mean 0, variance 1 and a skewness."""
    if abs(skew) < STRAIGHT:
        return 0.5 * math.erfc(z / math.sqrt(2.0))
    shape = 4.0 / skew**2
    x = shape + (z if skew > 0 else -z) * math.sqrt(shape)
    return gamma_tail(shape, x) if skew > 0 else gamma_head(shape, x)


def normal_head(z: FloatArray) -> FloatArray:
    """Return the standard normal law's ``P(Z <= z)``."""
    z = np.asarray(z, dtype=np.float64)
    values = [0.5 * math.erfc(value) for value in (-z / math.sqrt(2.0)).ravel().tolist()]
    return np.array(values).reshape(z.shape)


def normal_quantile(tail: float) -> float:
    """Return what a standard normal value exceeds with probability ``tail``."""
    if not 0.0 < tail < 1.0:
        return math.inf if tail <= 0.0 else -math.inf
    return -NormalDist().inv_cdf(tail)


def beta_head(a: float, b: float, x: float) -> float:
    """Return ``I_x(a, b)``, the probability below x of the beta law; a, b > 0."""
    a, b, x = float(a), float(b), float(x)
    if x <= 0.0 or x >= 1.0:
        return float(x > 0.0)
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - beta_head_low(b, a, 1.0 - x)
    return beta_head_low(a, b, x)


def beta_tail(a: float, b: float, x: float) -> float:
    """Return ``1 - I_x(a, b)`` without cancellation."""
    return beta_head(b, a, 1.0 - x)


def beta_density(a: float, b: float, x: float) -> float:
    """Return ``x^a (1 - x)^b / B(a, b)``, the density times x (1 - x)."""
    n = a + b
    log = stirling(n) - stirling(a) - stirling(b) - deviance(a, n * x) - deviance(b, n * (1.0 - x))
    return math.exp(log) * math.sqrt(a * b / (2.0 * math.pi * n))


def beta_head_low(a: float, b: float, x: float) -> float:
    """Return ``I_x(a, b)`` for x below about the mean, by its continued fraction (Lentz)."""
    c = 1.0
    d = result = 1.0 / guarded(1.0 - (a + b) * x / (a + 1.0))
    for m in range(1, MOST_TERMS):
        for step in (m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
                     -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))):  # fmt: skip
            d = 1.0 / guarded(1.0 + step * d)
            c = guarded(1.0 + step / c)
            result *= d * c
        if abs(d * c - 1.0) <= 4.0 * EPSILON:
            break
    return beta_density(a, b, x) / a * result


def beta_quantile(a: float, b: float, level: float) -> float:
    """Return the x with ``I_x(a, b) = level``.

    Example:
        >>> round(beta_quantile(3.0, 1.0, 0.125), 12)
        0.5
    """
    mean = a / (a + b)
    spread = max(1e-12, math.sqrt(mean * (1.0 - mean) / (a + b + 1.0))) * max(1.0, abs(normal_quantile(level)))
    return bisect(lambda x: level - beta_head(a, b, x), max(0.0, mean - spread), min(1.0, mean + spread), 1.0)


def bisect(falling: Callable[[float], float], low: float, high: float, most: float = math.inf) -> float:
    """Return where a falling function of x >= 0 is zero: a bracket that grows, then Illinois' regula falsi within it.

    Args:
        falling: positive below its zero, negative above.
        low: a guess below.
        high: a guess above.
        most: end of the range.
    """
    at_low, at_high = falling(low), falling(high)
    while at_low < 0.0:
        high, at_high = low, at_low
        low = low / 2.0 if low > TINY else 0.0
        at_low = falling(low) if low > 0.0 else 1.0
    while at_high > 0.0 and high < most:
        low, at_low = high, at_high
        high = min(2.0 * high, most)
        at_high = falling(high)
    if at_high >= 0.0:
        return high
    for n in range(400):
        middle = (low * at_high - high * at_low) / (at_high - at_low) if n % 4 < 3 else 0.5 * (low + high)
        if not low < middle < high:
            middle = 0.5 * (low + high)
        if not low < middle < high or high - low <= 4.0 * EPSILON * high:
            break
        at = falling(middle)
        if at == 0.0:
            return middle
        if at > 0.0:
            low, at_low, at_high = middle, at, at_high / 2.0
        else:
            high, at_high, at_low = middle, at, at_low / 2.0
    return 0.5 * (low + high)


def x_log_x(x: FloatArray | IntArray) -> FloatArray:
    """Return ``x ln x``, 0 at 0."""
    x = np.asarray(x, dtype=np.float64)
    return np.asarray(x * np.log(np.where(x > 0, x, 1.0)))
