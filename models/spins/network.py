# SPDX-License-Identifier: Apache-2.0
"""A layer of 1-bit self-attention: its features, its context, and the law of the next token.

Source: arXiv 2406.07247.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stinespring.errors import InputError
from stinespring.readings import FloatArray, IntArray
from stinespring.showing import Brief, FourLines

__all__ = [
    "FORMAT",
    "KEY",
    "OUTPUT",
    "QUERY",
    "ROLES",
    "VALUE",
    "Attended",
    "SpinNetwork",
    "column_kinds",
    "generator",
    "probability_plus",
]

SignArray = NDArray[np.int8]

FORMAT = "stinespring/spins@1"
ROLES = ("q", "k", "v", "o")
QUERY, KEY, VALUE, OUTPUT = range(4)
TABLE = 16  # features up to which a table of all columns is kept


class Attended(NamedTuple):
    """What one time step computes before it draws a token, for a batch of contexts.

    Attributes:
        weights: attention weights, newest token first, shape (..., L).
        attention: the attention vector A, shape (..., M).
    """

    weights: FloatArray
    attention: FloatArray


@dataclass(frozen=True, repr=False)
class SpinNetwork(Brief):
    """1-bit self-attention.

    A token is N spins x = +-1 and P position bits (its time t mod L in binary, most significant bit first, 0 -> -1 and
    1 -> +1; L = 2^P is the length of the context). With the features ``W^a``, a = q, k, v, o, it has the overlaps
    ``m^a_b = (1-eps) <W^a_bi x_i>_i + eps <W^a_bp p_p>_p``. The attention vector of time t,
    ``A_b = sum_d softmax_d[gamma / sqrt M sum_c m^q_c(t) m^k_c(t-d)] m^v_b(t-d)``, gives every spin of the next token its
    field ``h_i = sum_b W^o_bi A_b``, and the spins are independent with ``P(x_i = +-1) = (1 +- tanh(beta h_i)) / 2``.

    Attributes:
        eps: weight of the position bits.
        gamma: inverse temperature of the attention.
        beta: inverse temperature of the tokens.
        features: of q, k, v, o, shape (4, M, N), +-1.
        position_features: likewise, shape (4, M, P).
        repeat: number of spins that every feature column stands for.
        time: t0, the time of the newest token given.
        window: the tokens of times t0, t0-1, ..., newest first, shape (L, N), or None.
        attention_window: instead, the attention vectors that generated these tokens, shape (L, M).
        name: for titles.

    Source: arXiv 2406.07247.
    """

    eps: float
    gamma: float
    beta: float
    features: SignArray
    position_features: SignArray
    repeat: int = 1
    time: int = 0
    window: SignArray | None = None
    attention_window: FloatArray | None = None
    name: str = "spins"

    @property
    def M(self) -> int:
        """Number of features of each of q, k, v, o."""
        return int(self.features.shape[1])

    @property
    def N(self) -> int:
        """Number of feature columns."""
        return int(self.features.shape[2])

    @property
    def L(self) -> int:
        """Length of the context."""
        return 1 << int(self.position_features.shape[2])

    @property
    def spins(self) -> int:
        """Number of spins of a token."""
        return self.N * self.repeat

    @property
    def sharpness(self) -> float:
        """``gamma / sqrt M``, what the product of query and key is multiplied with."""
        return float(self.gamma / np.sqrt(self.M))

    @cached_property
    def position_overlaps(self) -> FloatArray:
        """``eps <W^a_bp p_p>_p`` at the times 0..L-1, shape (L, 4, M); 0 without position bits."""
        bits = int(self.position_features.shape[2])
        if bits == 0:
            return np.zeros((1, 4, self.M))
        times = np.arange(self.L)[:, None] >> np.arange(bits - 1, -1, -1) & 1
        return np.asarray(self.eps * np.einsum("abp,tp->tab", self.position_features, 2.0 * times - 1.0) / bits)

    def semantic(self, tokens: SignArray | FloatArray) -> FloatArray:
        """Return ``<W^a_bi x_i>_i`` of tokens of shape (..., N): shape (..., 4, M)."""
        flat = self.features.reshape(4 * self.M, self.N).astype(np.float64)
        found = np.asarray(tokens, dtype=np.float64) @ flat.T / self.N
        return np.asarray(found.reshape(*np.shape(tokens)[:-1], 4, self.M))

    def overlaps(self, semantic: FloatArray, time: int) -> FloatArray:
        """Return the overlaps m of a context from its semantic parts.

        Args:
            semantic: newest token first, shape (..., L, 4, M).
            time: of the newest token.
        """
        clock = (time % self.L - np.arange(self.L)) % self.L  # only time mod L counts, and time may be any whole number
        return np.asarray((1.0 - self.eps) * semantic + self.position_overlaps[clock])

    def attend(self, semantic: FloatArray, time: int) -> Attended:
        """Return the attention weights and the attention vector of a batch of contexts; arguments as for ``overlaps``."""
        m = self.overlaps(semantic, time)
        scores = self.sharpness * np.einsum("...c,...dc->...d", m[..., 0, QUERY, :], m[..., KEY, :])
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        return Attended(weights, np.einsum("...d,...db->...b", weights, m[..., VALUE, :]))

    def fields(self, attention: FloatArray) -> FloatArray:
        """Return ``h_i = sum_b W^o_bi A_b``: (..., M) -> (..., N)."""
        return np.asarray(attention @ self.features[OUTPUT].astype(np.float64))

    def start(self, rng: np.random.Generator | None = None, runs: int = 1) -> FloatArray:
        """Return the semantic overlaps of the given context, newest token first.

        Args:
            rng: draws the tokens of an attention window; without it they are their means ``tanh(beta h)``.
            runs: how many contexts to draw.

        Returns:
            Shape (L, 4, M), with ``rng`` (runs, L, 4, M).
        """
        if self.window is not None:
            found = self.semantic(self.window)
            return found if rng is None else np.repeat(found[None], runs, axis=0)
        assert self.attention_window is not None
        if rng is None:
            return self.semantic(np.tanh(self.beta * self.fields(self.attention_window)))
        kinds, counts, _ = column_kinds(self.features.reshape(4 * self.M, self.N))
        h = self.attention_window @ kinds[OUTPUT * self.M :].astype(np.float64)
        plus = rng.binomial(counts * self.repeat, probability_plus(self.beta * h), size=(runs, *h.shape))
        sums = (2.0 * plus - counts * self.repeat) @ kinds.T
        return np.asarray(sums.reshape(runs, self.L, 4, self.M) / self.spins)

    def with_beta(self, beta: float) -> SpinNetwork:
        """Return the network at another inverse temperature."""
        return replace(self, beta=float(beta))

    def one_column_a_spin(self) -> SpinNetwork:
        """Return the same network with every spin's column written out: column i becomes spins i r .. (i+1) r - 1."""
        if self.repeat == 1:
            return self
        window = None if self.window is None else np.repeat(self.window, self.repeat, axis=1)
        return replace(self, features=np.repeat(self.features, self.repeat, axis=2), repeat=1, window=window)

    def require_window(self, purpose: str) -> SignArray:
        """Return the window of tokens.

        Raises:
            InputError: only attention vectors are given, which leave the tokens open.
        """
        if self.window is None:
            raise InputError(
                f"{purpose} needs the tokens of the context",
                got="'attention_window'",
                expected="'window': L x N of +-1",
                todo="'stinespring spins new --like FILE -o NEW' draws such a window from the attention vectors",
            )
        return self.window

    def content(self) -> dict[str, Any]:
        """Return the network as JSON data, the content of a file."""
        content: dict[str, Any] = {
            "format": FORMAT,
            "name": self.name,
            "eps": self.eps,
            "gamma": self.gamma,
            "beta": self.beta,
            "features": {role: self.features[a].tolist() for a, role in enumerate(ROLES)},
            "position_features": {role: self.position_features[a].tolist() for a, role in enumerate(ROLES)},
            "repeat": self.repeat,
            "time": self.time,
        }
        if self.window is not None:
            return content | {"window": self.window.tolist()}
        assert self.attention_window is not None
        return content | {"attention_window": self.attention_window.tolist()}

    def fingerprint(self) -> str:
        """Return the SHA-256 of everything but the name."""
        content = self.content()
        content.pop("name")
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def initial(self) -> dict[str, Any]:
        """Return the initial state, for the record: the time and the semantic overlaps or attention vectors given."""
        record: dict[str, Any] = {"time": self.time}
        if self.attention_window is not None:
            return record | {"attention_window": self.attention_window.tolist()}
        return record | {"overlaps": {role: self.start()[:, a].tolist() for a, role in enumerate(ROLES)}}

    def brief(self) -> FourLines:
        """Return its size and its temperatures."""
        _, features, spins = self.features.shape
        bits = self.position_features.shape[2]
        return FourLines(
            f"SpinNetwork {self.name!r}",
            [
                f"size: {spins * self.repeat:,} spins, {features} features, context of {2**bits}",
                f"parameters: beta {self.beta:g}, gamma {self.gamma:g}, eps {self.eps:g}",
            ],
        )


def generator(seed: int | np.random.Generator | None) -> np.random.Generator:
    """Return the generator of a seed; negative whole numbers are seeds of their own."""
    if isinstance(seed, int | np.integer) and seed < 0:
        return np.random.default_rng([abs(int(seed)), 1])
    return np.random.default_rng(seed)


def probability_plus(beta_h: FloatArray) -> FloatArray:
    """Return ``(1 + tanh(beta h)) / 2`` as ``1 / (1 + e^{-2 beta h})``, which keeps its digits where it is small.

    Example:
        >>> probability_plus(np.array([0.0, -400.0])).tolist()
        [0.5, 0.0]
    """
    with np.errstate(over="ignore"):
        return np.asarray(1.0 / (1.0 + np.exp(-2.0 * np.asarray(beta_h))))


def column_kinds(features: SignArray) -> tuple[SignArray, IntArray, IntArray]:
    """Return the distinct columns of +-1 features, how often each occurs, and the kind of each column.

    Args:
        features: shape (F, N).

    Returns:
        Shapes (F, K), (K,), (N,).
    """
    rows = features.shape[0]
    if rows > 64:
        packed = np.ascontiguousarray(np.packbits(features > 0, axis=0).T)
        keys: NDArray[Any] = packed.view([("", np.uint8)] * packed.shape[1])[:, 0]
        _, first, kind, counts = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
        return features[:, first], counts.astype(np.int64), kind.ravel().astype(np.int64)
    words = np.zeros(features.shape[1], dtype=np.uint64)
    for row in features[::-1]:
        words = words << np.uint64(1) | (row > 0)
    if rows <= TABLE:  # few enough values to be counted without sorting
        every = np.bincount(words.astype(np.int64), minlength=1 << rows)
        found = np.flatnonzero(every).astype(np.uint64)
        counts, kind = every[every > 0], (np.cumsum(every > 0) - 1)[words.astype(np.int64)]
    else:
        found, kind, counts = np.unique(words, return_inverse=True, return_counts=True)
    bits = found[None] >> np.arange(rows, dtype=np.uint64)[:, None] & np.uint64(1)
    return (2 * bits.astype(np.int8) - 1).astype(np.int8), counts.astype(np.int64), kind.ravel().astype(np.int64)
