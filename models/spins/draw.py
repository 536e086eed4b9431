# SPDX-License-Identifier: Apache-2.0
"""Random spin networks: independent signs, or templates of a few segments whose spins share a feature column."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stinespring.errors import InputError
from stinespring.models.spins.files import LARGEST, MOST_POSITION_BITS, number, require_few_spins
from stinespring.models.spins.network import SignArray, SpinNetwork, generator, probability_plus
from stinespring.models.texts.joint import require_count

__all__ = ["draw_network", "draw_window"]


def draw_network(
    *,
    M: int,
    N: int,
    P: int,
    eps: float,
    gamma: float,
    beta: float,
    segments: int | None = None,
    repeat: int = 1,
    seed: int | np.random.Generator | None = None,
) -> SpinNetwork:
    """Return a network with random features and a random window.

    Args:
        M: features of each of q, k, v, o.
        N: feature columns.
        P: position bits.
        eps: weight of the position bits.
        gamma: inverse temperature of the attention.
        beta: inverse temperature of the tokens.
        segments: each feature has constant random signs on this many equal segments of the columns; by default every
            column has signs of its own.
        repeat: spins for each column.
        seed: the same seed gives the same network.

    Example:
        >>> draw_network(M=3, N=99, P=2, eps=0.02, gamma=220, beta=1.3, segments=3, seed=1).L
        4
    """
    for value, what in ((M, "the number of features"), (N, "the number of spins"), (repeat, "repeat")):
        require_count(value, what)
    require_few_spins(N, repeat)
    if not 0 <= P <= MOST_POSITION_BITS:
        raise InputError("the position bits are out of range", got=P, expected=f"0 to {MOST_POSITION_BITS}")
    if segments is not None and (segments < 1 or N % segments):
        raise InputError("the spins do not divide into segments", got=f"{N} spins, {segments} segments", expected="a divisor")
    rng = generator(seed)
    features = random_signs(rng, (4, M, segments or N))
    return SpinNetwork(
        eps=number(eps, "eps", low=0.0, high=1.0), gamma=number(gamma, "gamma", low=-LARGEST, high=LARGEST),
        beta=number(beta, "beta", low=0.0, high=LARGEST), features=np.repeat(features, N // (segments or N), axis=2),
        position_features=random_signs(rng, (4, M, P)), repeat=repeat, window=random_signs(rng, (1 << P, N)),
        name=f"{N * repeat} random spins",
    )  # fmt: skip


def draw_window(network: SpinNetwork, seed: int | np.random.Generator | None = None) -> SpinNetwork:
    """Return the network with a window of tokens: drawn from its attention vectors, or from equal odds.

    Raises:
        InputError: a window is drawn spin by spin, and columns that stand for several spins hide them.
    """
    if network.repeat > 1:
        raise InputError(
            "a window is drawn spin by spin",
            got=f"'repeat': {network.repeat}",
            expected="'repeat': 1",
            todo="repeat the columns",
        )
    rng = generator(seed)
    if network.attention_window is None:
        return replace(network, window=random_signs(rng, (network.L, network.N)))
    plus = probability_plus(network.beta * network.fields(network.attention_window))
    window = np.where(rng.random(plus.shape) < plus, 1, -1).astype(np.int8)
    return replace(network, window=window, attention_window=None)


def random_signs(rng: np.random.Generator, shape: tuple[int, ...]) -> SignArray:
    """Return independent signs with equal odds."""
    return (2 * rng.integers(0, 2, size=shape, dtype=np.int8) - 1).astype(np.int8)
