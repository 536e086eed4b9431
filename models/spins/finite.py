# SPDX-License-Identifier: Apache-2.0
"""The stochastic network with finitely many spins, exact in law, many runs and temperatures at once.

Only overlaps enter the next step, and spins with the same features are exchangeable: their sum is binomial. Where distinct
feature columns are few a token therefore costs one binomial draw for each; columns that differ in sign only are one kind,
since x -> -x goes with h -> -h. Otherwise every spin is drawn and the overlaps are counted in machine words:
``sum_i W_i x_i = N - 2 popcount(W xor x)``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stinespring.errors import InputError, TooLargeError
from stinespring.memory import require_memory
from stinespring.models.spins.network import OUTPUT, SpinNetwork, column_kinds, generator, probability_plus
from stinespring.models.texts.joint import require_count
from stinespring.readings import FloatArray
from stinespring.showing import Brief

__all__ = ["Runs", "run_network", "token_sampler"]

Sampler = Callable[[FloatArray, FloatArray, np.random.Generator], FloatArray]
FEW = 4  # a binomial draw costs about as much as this many spins
AT_ONCE = 1 << 20  # binomials drawn at once
BLOCK = 1 << 15  # spins drawn at once: their random numbers fit in the cache
MOST_NUMBERS = 1 << 28  # of one result: 2 GB


@dataclass(frozen=True, repr=False)
class Runs(Brief):
    """Overlaps of sampled runs.

    Attributes:
        m_o: ``<W^o_b x>`` of the tokens of times t0+1..t0+T, without 1-eps and position part, shape (K, R, T, M).
        betas: shape (K,).
        exact: how tokens were drawn, ``binomials`` or ``spins``; the law is the same.
    """

    m_o: FloatArray
    betas: FloatArray
    exact: str

    @property
    def mean(self) -> FloatArray:
        """Average over the runs, shape (K, T, M)."""
        return np.asarray(self.m_o.mean(axis=1))

    @property
    def standard_error(self) -> FloatArray:
        """Standard error of the average, shape (K, T, M); NaN for one run."""
        runs = self.m_o.shape[1]
        if runs == 1:
            return np.full_like(self.m_o[:, 0], np.nan)
        return np.asarray(self.m_o.std(axis=1, ddof=1) / np.sqrt(runs))


def run_network(
    network: SpinNetwork,
    *,
    steps: int,
    runs: int = 1,
    betas: FloatArray | None = None,
    seed: int | np.random.Generator | None = None,
    method: str = "auto",
) -> Runs:
    """Sample runs of the network.

    Args:
        network: starts with its window in every run; a window of attention vectors is drawn anew for each run.
        steps: number of tokens T.
        runs: R for each temperature.
        betas: shape (K,); by default the network's own.
        seed: the same seed gives the same runs.
        method: ``binomials``, ``spins`` or ``auto``.

    Raises:
        InputError: unusable numbers.
        TooLargeError: the result would not fit.

    Example:
        >>> from stinespring.models.spins import draw_network
        >>> network = draw_network(M=3, N=99, P=2, eps=0.02, gamma=220, beta=1.3, segments=3, repeat=10_000, seed=1)
        >>> run_network(network, steps=5, runs=2, seed=1).m_o.shape
        (1, 2, 5, 3)
    """
    steps, runs = require_count(steps, "steps"), require_count(runs, "runs")
    levels = np.array([network.beta]) if betas is None else np.asarray(betas, dtype=np.float64)
    numbers = len(levels) * runs * steps * network.M
    if numbers > MOST_NUMBERS:
        raise TooLargeError(
            "the runs do not fit in memory",
            got=f"{numbers:,} overlaps",
            expected=f"at most {MOST_NUMBERS:,}",
            todo="fewer runs",
        )
    copies = 2 if runs > 1 else 1  # their standard error takes another one
    require_memory(8.0 * copies * numbers, "what the runs keep of all steps", "take fewer runs or steps")
    rng = generator(seed)
    sample, name = token_sampler(network, method)
    beta = np.repeat(levels, runs)
    state = np.concatenate([network.with_beta(float(level)).start(rng, runs) for level in levels])
    found = np.empty((len(beta), steps, network.M))
    for step in range(steps):
        attention = network.attend(state, network.time + step).attention
        newest = sample(attention, beta, rng)
        found[:, step] = newest[:, OUTPUT]
        state[:, 1:] = state[:, :-1].copy()
        state[:, 0] = newest
    return Runs(found.reshape(len(levels), runs, steps, network.M), levels, name)


def token_sampler(network: SpinNetwork, method: str = "auto") -> tuple[Sampler, str]:
    """Return what draws tokens, attention vectors (B, M) and betas (B,) to semantic overlaps (B, 4, M), and its name.

    Raises:
        InputError: an unknown method.
    """
    if method not in {"auto", "binomials", "spins"}:
        raise InputError("unknown method", got=method, expected="binomials, spins or auto")
    flat = network.features.reshape(4 * network.M, network.N)
    flat = (flat * flat[:1]).astype(np.int8)  # a column and its negative are one kind
    kinds, counts, _ = column_kinds(flat)
    if method == "binomials" or (method == "auto" and FEW * len(counts) <= network.spins):
        return by_kind(network, kinds.astype(np.float64), counts * network.repeat), "binomials"
    return by_spin(network, flat), "spins"


def by_kind(network: SpinNetwork, kinds: FloatArray, counts: NDArray[np.int64]) -> Sampler:
    """Return the sampler that draws one binomial for each kind of column; kinds have shape (4M, K)."""
    output = np.ascontiguousarray(kinds[OUTPUT * network.M :])
    weights = np.ascontiguousarray(kinds.T) / network.spins

    together = max(1, AT_ONCE // len(counts))

    def sample(attention: FloatArray, beta: FloatArray, rng: np.random.Generator) -> FloatArray:
        found = np.empty((len(beta), weights.shape[1]))
        for first in range(0, len(beta), together):
            here = slice(first, first + together)
            plus = rng.binomial(counts, probability_plus(beta[here, None] * (attention[here] @ output)))
            found[here] = (2.0 * plus - counts) @ weights
        return found.reshape(-1, 4, network.M)

    return sample


def by_spin(network: SpinNetwork, flat: NDArray[np.int8]) -> Sampler:
    """Return the sampler that draws every spin; flat features have shape (4M, N)."""
    rows, spins = len(flat), network.spins
    output, _, kind = column_kinds(flat[OUTPUT * network.M :])
    output, kind = output.astype(np.float64), np.repeat(kind, network.repeat)
    words = bit_words(np.repeat(flat, network.repeat, axis=1) > 0)
    together = max(1, BLOCK // spins)
    bits = np.zeros((together, 64 * words.shape[1]), dtype=np.bool_)

    def sample(attention: FloatArray, beta: FloatArray, rng: np.random.Generator) -> FloatArray:
        plus = probability_plus(beta[:, None] * (attention @ output))
        found = np.empty((len(beta), rows))
        for run in range(0, len(beta), together):
            odds = plus[run : run + together]
            for first in range(0, spins, BLOCK):
                here = slice(first, min(first + BLOCK, spins))
                bits[: len(odds), here] = coins(odds, kind[here], rng)
            found[run : run + together] = spins - 2 * ones(words ^ bit_words(bits[: len(odds)])[:, None])
        return (found / spins).reshape(-1, 4, network.M)

    return sample


def coins(odds: FloatArray, kind: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return independent coins of shape (B, n), true with the probability ``odds[:, kind]``.

    Each coin compares 16 random bits with the first 16 binary digits of its probability; only where they are equal, once in
    65,536 times, do further digits decide.
    """
    digits = np.minimum(np.floor(odds * 65536.0), 65535.0)
    wanted = digits.astype(np.uint16).take(kind, axis=1)
    words = rng.integers(0, 2**64 - 1, size=-(-wanted.size // 4), dtype=np.uint64, endpoint=True)
    drawn = words.view(np.uint16)[: wanted.size].reshape(wanted.shape)
    result = drawn < wanted
    row, column = np.divmod(np.flatnonzero(drawn == wanted), kind.size)
    result[row, column] = rng.random(len(row)) < (odds * 65536.0 - digits)[row, kind[column]]
    return result


def bit_words(bits: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Pack the last axis into 64-bit words, filled up with zeros: (..., N) -> (..., ceil(N / 64))."""
    packed = np.packbits(bits, axis=-1)
    short = -packed.shape[-1] % 8
    if short:
        packed = np.concatenate([packed, np.zeros((*packed.shape[:-1], short), dtype=np.uint8)], axis=-1)
    return packed.view(np.uint64)


def ones(words: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return how many bits are set, summed over the last axis."""
    if hasattr(np, "bitwise_count"):  # NumPy 2
        return np.asarray(np.bitwise_count(words).sum(axis=-1, dtype=np.int64))
    table = np.array([bin(byte).count("1") for byte in range(256)], dtype=np.uint8)
    return np.asarray(table[words.view(np.uint8)].sum(axis=-1, dtype=np.int64))
