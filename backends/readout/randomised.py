# SPDX-License-Identifier: Apache-2.0
"""Which flips and deliberate errors a finite number of circuits have, and the shots of each.

With odds ``o_k = r_k / (1 - r_k)`` a set g of deliberate errors has the quasi-probability
``(-1)^|g| prod_k (1 - r_k) / (1 - 2 r_k) prod_{k in g} o_k``; their sizes add up to ``prod 1 / (1 - 2 r_k)``. Sets of one size
are a class: of few sets all are run, of many some are drawn. Each circuit has shots in proportion to the size of its weight,
which gives the least variance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from stinespring.backends.readout.flips import patterns
from stinespring.errors import InputError
from stinespring.readings import FloatArray, IntArray

__all__ = ["Design", "designed"]

TAIL = 1e-3  # of a standard deviation 1 / sqrt(shots): classes that weigh less together are left out
SHARE = 0.1  # of the variance of all shots that the choice of one class's sets may add
LEAST, MOST = 8, 192  # circuits of a class that is drawn
WHOLE = 32  # a class of so few sets is always run whole
SHOTS_EACH = 16  # of a circuit, at least on average
REPEATS = 16  # pairs of opposite flips for each single deliberate error, at most
COLUMNS = 64  # circuits without deliberate errors, at most


@dataclass(frozen=True, eq=False)
class Design:
    """Randomised circuits.

    Attributes:
        flips: shape (C, K): the qubits that are flipped before each of the K measurements.
        errors: shape (C, K): the deliberate errors, of measurements that steer.
        kind: shape (C,): how many deliberate errors; circuits of one kind are one class.
        shots: shape (C,).
        drawn: classes of which not every set is run.
    """

    flips: IntArray
    errors: IntArray
    kind: IntArray
    shots: IntArray
    drawn: tuple[int, ...]


def designed(
    rates: Sequence[float], steers: Sequence[bool], shots: int, seed: int, groups: Sequence[int] | None = None
) -> Design:  # fmt: skip
    """Return the circuits of a program.

    Args:
        rates: about the symmetric rate of wrong readings of each measurement, below a half.
        steers: which of them steer a condition.
        shots: of all circuits together.
        seed: hashed, of all that is random.
        groups: measurements of one number are flipped together; None: each on its own.

    Raises:
        InputError: too few shots for the circuits.
    """
    random, count = np.random.default_rng(seed), len(rates)
    places = np.flatnonzero(steers).tolist()
    near = np.maximum(1e-6, np.array(rates, dtype=np.float64))
    odds = near[places] / (1.0 - near[places])
    sizes = float(np.prod((1.0 - near[places]) / (1.0 - 2.0 * near[places]))) * symmetric(odds)
    own = np.arange(count) if groups is None else np.unique(groups, return_inverse=True)[1]
    free = int(own.max(initial=-1)) + 1
    columns = min(COLUMNS, 2 << max(0, free - 1).bit_length(), 1 << max(0, (shots // SHOTS_EACH).bit_length() - 2))
    uneven = float(near.max(initial=0.0) * sizes[1] / sizes.sum()) if places else 0.0  # what one pair of flips leaves
    repeats = min(REPEATS, max(1, math.ceil(uneven**2 * shots / (2.0 * SHARE * max(1, len(places))))))
    shift, order = random.integers(2, size=free), random.permutation(free)
    nothing = np.zeros(count, dtype=np.int64)
    rows: list[tuple[IntArray, IntArray, int, float]] = [  # flips, errors, how many, weight
        ((np.array(row, dtype=np.int64)[order] ^ shift)[own], nothing, 0, float(sizes[0]) / columns)
        for row in patterns(columns, free)
    ]
    drawn: list[int] = []
    for size in range(1, len(places) + 1):
        if sizes[size:].sum() <= TAIL / math.sqrt(shots):
            break
        sets, whole = chosen(odds, size, float(sizes[size] ** 2 * shots / (SHARE * sizes.sum() ** 2)), random)
        drawn += [] if whole else [size]
        shares = np.array([float(np.prod(odds[list(g)])) for g in sets]) if whole else np.ones(len(sets))
        for g, share in zip(sets, (sizes[size] * shares / shares.sum()).tolist(), strict=True):
            errors = nothing.copy()
            errors[[places[k] for k in g]] = 1
            both = pairs(free, own, repeats, random) if size == 1 else [random.integers(2, size=free)[own]]
            rows += [(flips, errors, size, share / len(both)) for flips in both]
    if shots < len(rows):
        raise InputError(
            "there are fewer shots than circuits with random flips", got=f"{shots:,} and {len(rows)}",
            expected=f"at least {len(rows) * SHOTS_EACH:,} shots", todo="ask for more shots, or for --mitigation none",
        )  # fmt: skip
    flips, errors, kind, weights = (np.array(column) for column in zip(*rows, strict=True))
    return Design(flips, errors, kind, apportioned(weights, shots), tuple(drawn))


def pairs(free: int, own: IntArray, repeats: int, random: np.random.Generator) -> list[IntArray]:
    """Return flips and their opposites, some times; measurements of one group, a number in ``own``, are flipped together."""
    result: list[IntArray] = []
    for _ in range(repeats):
        flips = random.integers(2, size=free)[own]
        result += [flips, 1 - flips]
    return result


def symmetric(odds: FloatArray) -> FloatArray:
    """Return the elementary symmetric polynomials ``e_0 .. e_m`` of the odds: the weight of all sets of each size."""
    result = np.zeros(len(odds) + 1)
    result[0] = 1.0
    for odd in odds:
        result[1:] += odd * result[:-1].copy()
    return result


def chosen(
    odds: FloatArray, size: int, needed: float, random: np.random.Generator
) -> tuple[list[tuple[int, ...]], bool]:  # fmt: skip
    """Return sets of a size, and whether these are all; else drawn with probabilities in proportion to their weights.

    Args:
        odds: of each measurement that steers.
        size: of the sets.
        needed: how many keep the variance that their choice adds small.
        random: draws.
    """
    number, wanted = math.comb(len(odds), size), min(MOST, max(LEAST, math.ceil(needed)))
    if number <= max(WHOLE, wanted):
        return list(combinations(range(len(odds)), size)), True
    result = []
    for _ in range(wanted):
        members: list[int] = []
        for k in range(len(odds)):  # one after the other, given how many are still wanted of the rest
            left = size - len(members)
            if not left:
                break
            rest = symmetric(odds[k + 1 :])
            with_it, without = odds[k] * rest[left - 1], rest[left] if left < len(rest) else 0.0
            if random.random() * (with_it + without) < with_it:
                members.append(k)
        result.append(tuple(members))
    return result, False


def apportioned(weights: FloatArray, shots: int) -> IntArray:
    """Return whole numbers of shots in proportion to weights, each at least 1, that add up to all of them."""
    wanted = weights / weights.sum() * shots
    result: IntArray = np.maximum(1, np.floor(wanted)).astype(np.int64)
    while (off := shots - int(result.sum())) != 0:
        order = np.argsort(result - wanted if off > 0 else wanted - result, kind="stable")
        able = order if off > 0 else order[result[order] > 1]
        result[able[: min(abs(off), len(able))]] += 1 if off > 0 else -1
    return result
