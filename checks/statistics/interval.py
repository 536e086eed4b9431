# SPDX-License-Identifier: Apache-2.0
r"""An interval for the total variation distance (TVD) between the distribution that was sampled and a law.

With N shots of q, frequencies f and the law p, the measured ``T = TVD(f, p) = max_A f(A) - p(A)`` is too large on average, by
up to ``sum sqrt(p (1 - p) / (2 pi N))`` where q is near p. Four bounds, each one-sided, are combined:

- *above, by the measured value*: for the set ``A = {q > p}`` the distance is ``q(A) - p(A)``, while ``T >= f(A) - p(A)``, and
  N f(A) is binomial. Whatever mass the unknown A has, a distance d is excluded if ``P(Bin(N, p(A) + d) <= N (T + p(A)))`` is
  below the level for each of them. Exact for every law and every number of shots;
- *above, by squares*: ``TVD <= 1/2 sqrt(W S)`` with ``S = sum (q - p)^2 / w``, ``W = sum w`` and ``w = p^(2/3)``, the weights
  with the least spread (Valiant & Valiant 2014). S has an unbiased estimate, whose noise does not grow with the number of
  outcomes as that of T does. Its lower tail is taken as normal; it is lighter;
- *below, by sets*: outcomes are put into an order by a part of the shots, and the set of the first ones is held against the
  rest. The set follows later shots, but keeps its mass ``p(A) = c`` (an outcome at the edge counts with a probability), so that
  the hits are dominated by a binomial law with ``c + TVD``: Clopper and Pearson's bound is exact, whatever the sets;
- *below, by the bootstrap's bias*: of T on average ``E T* - T`` is the excess at N / 2 shots less that at N, and the excess,
  ``E |delta + s Z| - |delta|`` for each outcome, is convex in the noise s ~ 1 / sqrt N: it is at most ``1 / (sqrt 2 - 1)``
  times that difference. Normal limit; thin outcomes are pooled first.

Which are used depends on the law and N alone; those that are share the level. Two outcomes have Clopper and Pearson's interval.
Sources: Clopper & Pearson, Biometrika 26, 404 (1934); Valiant & Valiant, FOCS 2014, 51 (identity testing).
"""

from __future__ import annotations

import math

import numpy as np

from stinespring.checks.statistics.special import beta_quantile, beta_tail, normal_head, normal_quantile
from stinespring.checks.statistics.tails import POWER_QUANTILE
from stinespring.readings import FloatArray, IntArray

__all__ = ["expected_interval", "quantile", "shots_to_tell", "tvd_interval"]

BLOCKS = 8  # times that the set is chosen anew
SHARES = 0.8  # of the level on one side, for the measured value beside the squares
THIN = 3.0  # expected counts below which the bootstrap's bias is not normal
EXCESS = 1.0 / (math.sqrt(2.0) - 1.0)  # of the excess over what the bootstrap adds
ROUNDING = 1e-9
SURE = 1e9  # standard deviations of what has no noise


def tvd_interval(observed: FloatArray, law: FloatArray, *, alpha: float = 0.05, seed: int = 0) -> tuple[float, float]:
    """Return an interval that holds the TVD between the sampled *distribution* and a law with confidence 1 - alpha.

    Each of its ends is wrong at most with alpha / 2, so that each alone is a one-sided bound at that level.

    Args:
        observed: counts, shape (K,).
        law: their probabilities, shape (K,); where they sum to less than 1, other outcomes were not seen.
        alpha: rate at which the interval may miss the distance.
        seed: of how the shots are dealt to the parts that choose a set and that test it.
    """
    shots, half = float(observed.sum()), alpha / 2.0
    counts, p = merged(np.asarray(observed, dtype=np.float64), np.asarray(law, dtype=np.float64))
    if len(p) == 2 and abs(p.sum() - 1.0) < ROUNDING:
        return two_outcomes(float(counts[0]), shots, float(p[0]), half)
    crowded = float(np.sqrt(p).sum()) ** 2 > math.sqrt(shots)
    level = half / 2.0 if crowded else half
    low = by_sets(counts, p, level, np.random.default_rng(seed))
    if crowded:
        low = max(low, by_bias(counts, p, level))
    return low, max(low, upper(counts, p, half))


def merged(observed: FloatArray, law: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return counts and probabilities with all outcomes of probability 0 as one, the last: the TVD stays as it is."""
    possible = law > 0
    counts, p = observed[possible], law[possible]
    lost = float(observed[~possible].sum())
    return (np.append(counts, lost), np.append(p, 0.0)) if lost > 0 or len(p) == 1 else (counts, p)


def two_outcomes(seen: float, shots: float, p: float, level: float) -> tuple[float, float]:
    """Return the interval for ``|q - p|`` from the counts of one of two outcomes, by Clopper and Pearson."""
    low, high = clopper_pearson(seen, shots, level)
    return max(0.0, low - p, p - high), max(abs(low - p), abs(high - p))


def clopper_pearson(seen: float, shots: float, level: float) -> tuple[float, float]:
    """Return the limits of a probability, each wrong at most with ``level``."""
    low = 0.0 if seen <= 0 else beta_quantile(seen, shots - seen + 1.0, level)
    high = 1.0 if seen >= shots else 1.0 - beta_quantile(shots - seen, seen + 1.0, level)
    return low, high


def quantile(level: float) -> float:
    """Return what a standard normal value exceeds with probability ``level``."""
    return normal_quantile(level)


def upper(counts: FloatArray, p: FloatArray, level: float) -> float:
    """Return the upper end."""
    shots = float(counts.sum())
    measured = 0.5 * (float(abs(counts / shots - p).sum()) + max(0.0, 1.0 - float(p.sum())))
    if not squares_help(p, shots, level):
        return by_measured(measured, shots, float(p.max()), level)
    plain = by_measured(measured, shots, float(p.max()), SHARES * level)
    return min(plain, by_squares(counts, p, (1.0 - SHARES) * level))


def squares_help(p: FloatArray, shots: float, level: float) -> bool:
    """Return whether the squares are expected to bound the distance of the law itself more sharply."""
    if shots < 2 or abs(p.sum() - 1.0) > ROUNDING:
        return False
    weights = p ** (2.0 / 3.0)
    z = quantile((1.0 - SHARES) * level)
    squares = 0.5 * math.sqrt(weights.sum() * z * math.sqrt(2.0 * float((p[p > 0] ** (2.0 / 3.0)).sum())) / shots)
    noise = float(np.minimum(p, np.sqrt(p * (1.0 - p) / (2.0 * math.pi * shots))).sum())
    return squares < noise + 0.5 * quantile(level) / math.sqrt(shots)


def by_measured(measured: float, shots: float, largest: float, level: float) -> float:
    """Return the largest distance d that ``P(Bin(N, m + d) <= N (T + m)) > level`` leaves for some mass m of the set.

    Args:
        measured: T.
        shots: N.
        largest: the likeliest outcome's probability; above a half no set has a mass between it and its complement.
        level: one-sided.
    """

    def left(distance: float) -> bool:
        masses = [max(0.0, 0.5 - distance)]
        if 1.0 - largest < masses[0] < largest:
            masses = [1.0 - largest, *([largest] if largest + distance <= 1.0 else [])]
        for mass in masses:
            below = math.floor(shots * (measured + mass) + ROUNDING)
            for hits in (below, below + 1):  # the least mass with so many hits
                odds = min(1.0, max(hits / shots - measured, 0.0) + distance)
                if hits >= shots or beta_tail(hits + 1.0, shots - hits, odds) > level:
                    return True
        return False

    low, high = min(1.0, measured), 1.0
    if low >= 1.0 or left(1.0):
        return 1.0
    for _ in range(30):
        middle = (low + high) / 2.0
        low, high = (middle, high) if left(middle) else (low, middle)
    return high


def by_squares(counts: FloatArray, p: FloatArray, level: float) -> float:
    """Return the bound by the weighted squares; outcomes of probability 0 are bounded apart, with half of the level.

    With the share l of these, ``TVD <= l + (1 - l) TVD'`` with the distance of the others among themselves.
    """
    if p[-1] > 0:
        return squares(counts, p, level)
    lost, shots = float(counts[-1]), float(counts.sum())
    share = clopper_pearson(lost, shots, level / 2.0)[1]
    return min(1.0, share + (1.0 - share) * (squares(counts[:-1], p[:-1], level / 2.0) if shots - lost > 1 else 1.0))


LEAST_WEIGHT = 1e-60  # any weights give a bound; squares of smaller ones are no numbers


def squares(counts: FloatArray, p: FloatArray, level: float) -> float:
    """Return the bound by ``S = sum (q - p)^2 / w``: the largest S whose estimate would be as low with ``level``.

    The estimate is a U-statistic: ``x (x - 1) / N (N - 1) - 2 p x / N + p^2`` for each outcome, over w. Its variance is
    ``2 / N^2 sum q^2 / w^2`` and ``4 / N`` times the variance of ``(q - p) / w`` under q.
    """
    shots, z = float(counts.sum()), quantile(level)
    w, pairs = np.maximum(p, LEAST_WEIGHT) ** (2.0 / 3.0), counts * (counts - 1.0) / (shots * (shots - 1.0))
    whole, f = float(w.sum()), counts / shots
    off = f - p
    estimate = float(((pairs - 2.0 * p * f + p * p) / w).sum())
    noise = max(float((p * p / w**2).sum()), float((pairs / w**2).sum()))
    slope = float(((f * off**2 - f * f / shots - 2.0 * off * f / shots) / w**2).sum() - ((f * off) / w).sum() ** 2)

    def spread(true: float) -> float:
        return z * math.sqrt(2.0 * noise / (shots * (shots - 1.0)) + 4.0 * max(slope, true / whole) / shots)

    most = 4.0 / whole  # a TVD of 1
    if most - spread(most) <= estimate:
        return 1.0
    low, high = 0.0, most
    for _ in range(40):
        middle = (low + high) / 2.0
        low, high = (middle, high) if middle - spread(middle) <= estimate else (low, middle)
    return min(1.0, 0.5 * math.sqrt(whole * high))


def by_sets(counts: FloatArray, p: FloatArray, level: float, rng: np.random.Generator) -> float:
    """Return the bound by sets that some shots choose and others test."""
    first = float(np.clip(0.08 + 0.1 * len(p) / math.sqrt(float(counts.sum())), 0.08, 0.25))
    dealt = rng.multinomial(counts.astype(np.int64), [first, *([(1.0 - first) / BLOCKS] * BLOCKS)])
    parts = dealt.T.astype(np.float64)
    mass, seen, hits = set_mass(parts[0], p), parts[0], 0.0
    for part in parts[1:]:
        order = likeliest(seen, p)
        total = np.cumsum(p[order])
        number = int(np.searchsorted(total, mass * (1.0 + 1e-12), side="right"))
        hits += float(part[order[:number]].sum())
        if number < len(p):
            edge = order[number]
            share = (mass - (float(total[number - 1]) if number else 0.0)) / float(p[edge])
            hits += float(rng.binomial(int(part[edge]), min(1.0, max(0.0, share))))
        seen = seen + part
    return max(0.0, clopper_pearson(hits, float(parts[1:].sum()), level)[0] - mass)


def set_mass(seen: FloatArray, p: FloatArray) -> float:
    """Return the mass of what was seen more often than expected; 0 where impossible outcomes and chance explain that.

    What chance makes is its mean and one standard deviation, which is ``1/2 sqrt((1 - 2 / pi) / N)`` for many outcomes.
    """
    shots = max(1.0, float(seen.sum()))
    more, lost = seen > shots * p, float(seen[p <= 0].sum()) / shots
    gain = float((seen[more] / shots - p[more]).sum())
    chance = float(np.minimum(p, np.sqrt(p * (1.0 - p) / (2.0 * math.pi * shots))).sum())
    chance += 0.5 * math.sqrt((1.0 - 2.0 / math.pi) / shots)
    return 0.0 if lost > 0.0 and gain <= lost + chance else float(p[more].sum())


def likeliest(seen: FloatArray, p: FloatArray) -> IntArray:
    """Return the outcomes in the order of ``(x + 1) / (N p + 1)``, those of probability 0 first."""
    factor = np.where(p > 0, (seen + 1.0) / (seen.sum() * p + 1.0), np.inf)
    return np.asarray(np.argsort(-factor, kind="stable"))


def by_bias(counts: FloatArray, p: FloatArray, level: float) -> float:
    """Return the bound by the measured value less the most that its bias can be, given the bootstrap's."""
    shots = float(counts.sum())
    kept = (shots * p >= THIN) | (p <= 0)
    rest = max(0.0, 1.0 - float(p[kept].sum()))
    q, law = np.append(counts[kept], counts[~kept].sum()) / shots, np.append(p[kept], rest)
    off, here = q - law, law > 0
    noise = np.sqrt(np.clip(np.maximum(q, law) * (1.0 - np.minimum(1.0, np.maximum(q, law))), 0.0, None) / shots)
    scaled = np.where(noise > 0, off / np.where(noise > 0, noise, 1.0), SURE * np.sign(off))
    steep = np.where(here, 2.0 * normal_head(scaled) - 1.0, 1.0)
    folded = np.where(here, noise * math.sqrt(2.0 / math.pi) * np.exp(-np.minimum(scaled**2, 1e3) / 2.0) + off * steep, off)
    excess = 0.5 * float((folded - abs(off)).sum())
    slope = 0.5 * ((1.0 + EXCESS) * np.where(off >= 0, 1.0, -1.0) - EXCESS * steep)
    variance = max(0.0, float(q @ slope**2) - float(q @ slope) ** 2) / shots
    return max(0.0, 0.5 * float(abs(off).sum()) - EXCESS * excess - quantile(level) * math.sqrt(variance))


def expected_interval(law: FloatArray, distance: float, shots: float, alpha: float) -> tuple[float, float, float]:
    """Return the ends that are to be expected, each a one-sided bound at alpha, and the spread of the upper one.

    An approximation, for planning: noise adds to the distance in squares, and the bounds are normal.

    Args:
        law: shape (K,), sums to 1.
        distance: TVD of what is sampled.
        shots: N.
        alpha: of each end.
    """
    p, z = law[law > 0], quantile(min(alpha, 0.5))
    noise = float(np.minimum(p, np.sqrt(p * (1.0 - p) / (2.0 * math.pi * shots))).sum())
    measured = math.hypot(distance, noise)
    mass = min(0.5, max(distance, 1.0 - float(p.max()) + distance))
    spread = math.sqrt(mass * (1.0 - mass) / shots)
    high = measured + z * spread
    if squares_help(p, shots, alpha):
        weight = float((p ** (2.0 / 3.0)).sum())
        size, beyond = 4.0 * distance**2 / weight, quantile((1.0 - SHARES) * min(alpha, 0.5))
        most = size
        for _ in range(20):  # the largest S grows with its own spread
            most = size + beyond * math.sqrt(2.0 * weight / shots**2 + 4.0 * most / (weight * shots))
        high = min(measured + quantile(SHARES * min(alpha, 0.5)) * spread, 0.5 * math.sqrt(weight * most))
    low = 2.0 * distance - measured - 1.1 * z * spread
    return float(max(0.0, low)), float(min(1.0, high)), spread


def shots_to_tell(law: FloatArray, distance: float, within: float, alpha: float) -> int | None:
    """Return the shots from which on the interval is to one side of ``within`` with probability 0.9, to two digits.

    None where no number up to 10^12 is enough.
    """
    from stinespring.checks.statistics.ruling import smallest

    def told(shots: int) -> bool:
        low, high, spread = expected_interval(law, distance, shots, alpha)
        return high + POWER_QUANTILE * spread <= within if distance < within else low - POWER_QUANTILE * spread > within

    return smallest(told)
