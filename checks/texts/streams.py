# SPDX-License-Identifier: Apache-2.0
"""Sampled texts token by token: every token beside its law after the text before it, whatever reads how far back.

Three things are drawn from that, for texts of any length and vocabularies of any size: features of the tokens (their bits, and
for few tokens all products of their bits) in the order they come; each token's probability integral transform, the likeliest
tokens first; and the log-likelihood of the whole text.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from stinespring.checks.statistics.bits import Features, FeatureSums
from stinespring.checks.statistics.family import ScopedTest
from stinespring.checks.statistics.gtest import detectable_tvd, pool, upper_tail
from stinespring.checks.statistics.special import normal_quantile, skewed_tail
from stinespring.checks.statistics.tails import POWER_QUANTILE
from stinespring.checks.statistics.uniform import dealt
from stinespring.models.texts.law import TextLaw, distinct_contexts, laws
from stinespring.readings import FloatArray, IntArray

__all__ = ["stream_tests"]

MOST_CELLS = 1 << 22  # features of one chunk of texts
FEW_BITS = 3  # bits of a token up to which all products of them are features
BINS = 16
FEW_A_LAW = 8  # symbols of one law whose ranks are counted one by one; of more the law is sorted
EVEN = 1e-6  # nats of spread a text below which all are equally likely: what is left is rounding
MOST_SKEW = 1.0  # of the log-likelihood's sum, beyond which its law is not known well enough


@dataclass(frozen=True, eq=False)
class TextChunk:
    """Some texts, token by token.

    Attributes:
        counts: shape (U,).
        signs, left, variance: of the features, shape (U, M).
        below, width: of each token's probability integral transform, shape (U, L).
        excess: of the log-likelihood over its mean, and its second and third moments, shape (U, 3).
    """

    counts: IntArray
    signs: FloatArray
    left: FloatArray
    variance: FloatArray
    below: FloatArray
    width: FloatArray
    excess: FloatArray


def stream_tests(law: TextLaw, texts: IntArray, counts: IntArray, alpha: float, rng: np.random.Generator) -> list[ScopedTest]:
    """Return the tests of possible texts, token by token.

    Args:
        law: their law.
        texts: of positive probability, shape (U, L).
        counts: shape (U,).
        alpha: the false-alarm rate of each test.
        rng: of the randomised integral transforms.
    """
    features = features_of(law)
    sums, shots = FeatureSums(features, len(texts)), float(counts.sum())
    bins = int(np.clip(shots // 20, 2, BINS))
    uniform, moments = np.zeros((law.steps, bins)), np.zeros(3)
    for chunk in chunks(law, texts, counts, features.width):
        sums.add(chunk.signs, chunk.left, chunk.variance, chunk.counts)
        moments += chunk.counts @ chunk.excess
        for step in range(law.steps):
            open_ = chunk.width[:, step] < 1.0
            uniform[step] += dealt(chunk.below[open_, step], chunk.width[open_, step], chunk.counts[open_], bins, rng)
    found = sums.tests(alpha)
    if (uniform.sum(axis=1) > 0).any():
        found.append(transforms(uniform, shots, alpha, rng))
    if moments[1] > EVEN**2 * shots:
        found.append(likelihood(moments, shots, alpha))
    return found


def features_of(law: TextLaw) -> Features:
    """Return what the features of a text are."""
    bits, each = size_of(law), len(products_of(size_of(law)))
    steps = np.arange(law.steps)
    groups = np.repeat(steps, each) if bits <= FEW_BITS else np.arange(law.steps * each)
    what = "the token" if bits == 1 else f"one bit{'' if bits > FEW_BITS else ', or sum of bits,'} of the token"
    places = [f"place {step + 1}" + (f" ({number + 1})" if each > 1 else "") for step in steps for number in range(each)]
    return Features(
        places, groups, each, f"{what} at each place, given all before it", f"{what} at any two places",
        f"{what} at any three places", f"the parity of {what} over all places up to each",
    )  # fmt: skip


def size_of(law: TextLaw) -> int:
    """Return the bits of a token's number; with a stop token the vacuum is one too."""
    return max(1, math.ceil(math.log2(law.model.d + int(law.model.stop is not None))))


def products_of(bits: int) -> list[tuple[int, ...]]:
    """Return which bits (0 the highest) make each feature of a token: the last one is its newest.

    Example:
        >>> products_of(2)
        [(0,), (1,), (0, 1)]
    """
    if bits > FEW_BITS:
        return [(bit,) for bit in range(bits)]
    return [
        tuple(bit for bit in range(newest + 1) if bit == newest or chosen >> bit & 1)
        for newest in range(bits)
        for chosen in range(1 << newest)
    ]


def chunks(law: TextLaw, texts: IntArray, counts: IntArray, width: int) -> Iterator[TextChunk]:
    """Yield the texts in chunks that fit in memory."""
    rows = max(1, MOST_CELLS // max(1, width))
    for begin in range(0, len(texts), rows):
        yield read(law, texts[begin : begin + rows], counts[begin : begin + rows])


def read(law: TextLaw, texts: IntArray, counts: IntArray) -> TextChunk:
    """Return one chunk."""
    bits, (number, steps) = size_of(law), texts.shape
    products = products_of(bits)
    shape = (number, steps, len(products))
    signs, left, variance = np.empty(shape), np.empty(shape), np.empty(shape)
    below, width, excess = np.zeros((number, steps)), np.ones((number, steps)), np.zeros((number, 3))
    for step in range(1, steps + 1):
        contexts, first, where = distinct_contexts(law.model, step, texts)
        every = np.ones(len(contexts), dtype=bool)
        for rows, p in laws(law.model, step, law.prompt, texts[first, : step - 1], every):
            mine = np.flatnonzero((where >= rows[0]) & (where <= rows[-1]))
            at, symbols = where[mine] - rows[0], texts[mine, step - 1]
            ones, odds = bits_read(p, at, symbols, bits)
            for feature, product in enumerate(products):
                earlier = (2.0 * ones[:, product[:-1]] - 1.0).prod(axis=1)
                new = product[-1]
                signs[mine, step - 1, feature] = earlier * (2.0 * ones[:, new] - 1.0)
                left[mine, step - 1, feature] = earlier * (ones[:, new] - odds[:, new])
                variance[mine, step - 1, feature] = odds[:, new] * (1.0 - odds[:, new])
            below[mine, step - 1], width[mine, step - 1] = ranked(p, at, symbols)
            excess[mine] += surprise(p, at, symbols)
    flat = (number, -1)
    return TextChunk(counts, signs.reshape(flat), left.reshape(flat), variance.reshape(flat), below, width, excess)


def bits_read(p: FloatArray, at: IntArray, symbols: IntArray, bits: int) -> tuple[FloatArray, FloatArray]:
    """Return the bits of each symbol, the highest first, and the odds of 1 given the higher ones: each shape (U, bits).

    Args:
        p: laws, shape (B, d + 1).
        at: the law of each symbol, shape (U,).
        symbols: shape (U,).
        bits: of a symbol.
    """
    used = min(p.shape[1], 1 << bits)
    padded = np.zeros((len(p), 1 << bits))
    padded[:, :used] = p[:, :used]
    ones, odds = np.empty((len(symbols), bits)), np.empty((len(symbols), bits))
    masses = padded  # of all symbols that begin with the same bits, shorter beginnings by and by
    for bit in reversed(range(bits)):
        branch = symbols >> (bits - 1 - bit)
        ones[:, bit] = branch & 1
        high, low = masses[at, branch | 1], masses[at, branch & ~1]
        masses = masses[:, ::2] + masses[:, 1::2]
        odds[:, bit] = high / (high + low)
    return ones, odds


def ranked(p: FloatArray, at: IntArray, symbols: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the probability of all likelier symbols (of equals the lower numbers), and that of each symbol itself: (U,)."""
    own = p[at, symbols]
    if len(symbols) <= FEW_A_LAW * len(p):
        numbers = np.arange(p.shape[1])
        each = zip((p[row] for row in at), own, symbols, strict=True)
        above = [float(law[(law > q) | ((law == q) & (numbers < symbol))].sum()) for law, q, symbol in each]
        return np.array(above).clip(0.0, 1.0), own
    order = np.argsort(-p, axis=1, kind="stable")
    sorted_ = np.take_along_axis(p, order, axis=1)
    total = np.empty_like(p)
    np.put_along_axis(total, order, np.cumsum(sorted_, axis=1) - sorted_, axis=1)
    return total[at, symbols].clip(0.0, 1.0), own


def surprise(p: FloatArray, at: IntArray, symbols: IntArray) -> FloatArray:
    """Return how much less likely each symbol is than on average, in nats, with the second and third moment: (U, 3)."""
    logs = np.log(np.where(p > 0, p, 1.0))
    off = -logs + (p * logs).sum(axis=1, keepdims=True)
    moments = np.stack([(p * off**power).sum(axis=1) for power in (2, 3)], axis=1)
    return np.concatenate([off[at, symbols][:, None], moments[at]], axis=1)


def transforms(uniform: FloatArray, shots: float, alpha: float, rng: np.random.Generator) -> ScopedTest:
    """Return the test that each token's integral transform is uniform, combined over the places (Bonferroni)."""
    bins, used = uniform.shape[1], np.flatnonzero(uniform.sum(axis=1) > 0)
    law = np.full((1, bins), 1.0 / bins)
    p_values = [upper_tail(pool(uniform[step][None], law, shots), rng)[0] for step in used]
    most = float(uniform.sum(axis=1).max())  # shots whose text had not ended, nor followed with certainty
    seen = detectable_tvd(bins - 1, most, alpha / len(used)) * most / shots
    return ScopedTest(
        "tokens", "tokens", "how likely the token at each place was (its probability integral transform)",
        min(1.0, len(used) * min(p_values)), "chi-squared", min(1.0, seen), len(used) * (bins - 1),
        where=f"place {used[int(np.argmin(p_values))] + 1}",
    )  # fmt: skip


def likelihood(moments: FloatArray, shots: float, alpha: float) -> ScopedTest:
    """Return the test of the total log-likelihood, by a gamma law with its three moments.

    Its resolution is the TVD of a deviation that moves the log-likelihood of the texts it concerns by one standard deviation.
    """
    deviation, variance, third = moments.tolist()
    z, skew = deviation / math.sqrt(variance), third / variance**1.5
    told = "the total log-likelihood (by one standard deviation of a text)"
    if abs(skew) > MOST_SKEW:
        return ScopedTest("likelihood", "likelihood", told, 1.0, "too few shots", 1.0, 1)
    tail = min(skewed_tail(z, skew), skewed_tail(-z, -skew))
    seen = (normal_quantile(alpha / 2.0) + POWER_QUANTILE) / math.sqrt(shots)
    return ScopedTest("likelihood", "likelihood", told, min(1.0, 2.0 * tail), "gamma", min(1.0, seen), 1)
