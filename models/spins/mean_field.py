# SPDX-License-Identifier: Apache-2.0
"""The limit of infinitely many spins: closed equations for the overlaps, many temperatures at once.

The semantic overlap of the next token is ``<W^a_bi tanh(beta sum_c W^o_ci A_c)>_i``. Columns of W^o that agree up to sign give
the same |tanh|, so the average is a sum over at most 2^(M-1) sign rows s (for M = 3 four):
``sum_s C^a_bs tanh(beta s.A)`` with ``C^a_bs = (1/N) sum_i (+-1) W^a_bi`` over the columns i with ``W^o_i = +- s``.

Source: arXiv 2406.07247 (M = 3); the sum over sign rows is the same average for any M.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stinespring.errors import TooLargeError
from stinespring.memory import require_memory
from stinespring.models.spins.network import KEY, OUTPUT, QUERY, VALUE, SpinNetwork, column_kinds
from stinespring.models.texts.joint import require_count
from stinespring.readings import FloatArray
from stinespring.showing import Brief

__all__ = ["MeanField", "SignRows", "Trajectory", "mean_field", "sign_rows"]

LARGEST_SCORE = 600.0  # exp of it and of its negative are finite
MOST_NUMBERS = 1 << 29  # of one result: 4 GB


@dataclass(frozen=True)
class SignRows:
    """The closed equations.

    Attributes:
        rows: distinct columns of W^o up to sign, shape (S, M).
        coefficients: ``C^a_bs``, shape (4, M, S).
    """

    rows: FloatArray
    coefficients: FloatArray


def sign_rows(network: SpinNetwork) -> SignRows:
    """Return the sign rows and coefficients of a network."""
    output = network.features[OUTPUT]
    kinds, _, kind = column_kinds((output * output[:1]).astype(np.int8))
    turned = network.features.reshape(4 * network.M, network.N) * output[:1]  # a column and its negative agree
    sums = np.stack([np.bincount(kind, weights=row, minlength=kinds.shape[1]) for row in turned])
    return SignRows(kinds.T.astype(np.float64), sums.reshape(4, network.M, -1) / network.N)


class MeanField:
    """The mean-field network at several temperatures, one step after the other.

    Batches lie along the last axis, K temperatures; contexts are rings indexed by time modulo L.

    Attributes:
        time: of the newest token.
        betas: shape (K,).
        past: the attention vector that generated the token in each place of the ring, shape (L, M, K); zero where a token
            was given.
        query: of the newest token, times ``gamma / sqrt M``, shape (M, K).
        keys: shape (L, M, K).
        values: shape (L, M, K).
        weights: attention weights of the last step, shape (L, K).
        fields: ``beta s.A`` of the newest token, shape (S, K).
        tanh: of them and a row of ones, shape (S + 1, K).

    Args:
        network: gives features and context.
        betas: by default the network's own.
    """

    def __init__(self, network: SpinNetwork, betas: FloatArray | None = None) -> None:
        self.network, self.time = network, network.time
        self.betas = np.array([network.beta]) if betas is None else np.array(betas, dtype=np.float64)
        self.rows, coefficients = (found := sign_rows(network)).rows, found.coefficients
        scale = np.array([network.sharpness, 1.0, 1.0, 1.0])[:, None, None]
        self.matrices = scale * np.concatenate(  # (L, 4, M, S + 1): with the part that only time decides
            [
                np.broadcast_to((1.0 - network.eps) * coefficients, (network.L, *coefficients.shape)),
                network.position_overlaps[..., None],
            ],
            axis=-1,
        )
        self.output = np.concatenate([coefficients[OUTPUT], np.zeros((network.M, 1))], axis=-1)
        self.shifted = abs(network.sharpness) * network.M > LARGEST_SCORE
        L, M, K, S = network.L, network.M, len(self.betas), len(self.rows)
        self.query, self.keys, self.values = np.empty((M, K)), np.empty((L, M, K)), np.empty((L, M, K))
        self.past, self.weights = np.zeros((L, M, K)), np.empty((L, K))
        self.tanh: FloatArray = np.ones((S + 1, K))
        self.fields = np.empty((S, K))
        self._total, self._field = np.empty(K), np.empty((M, K))
        self._begin()

    def _begin(self) -> None:
        """Fill the rings from the network's context."""
        network = self.network
        if network.attention_window is not None:
            for d in reversed(range(network.L)):
                place = (self.time - d) % network.L
                self.past[place] = network.attention_window[d][:, None]
                self._token(place)
            self.newest_output = self.output @ self.tanh
            return
        semantic = network.start()
        m = network.overlaps(semantic, self.time)
        for d in range(network.L):
            place = (self.time - d) % network.L
            self.keys[place], self.values[place] = m[d, KEY][:, None], m[d, VALUE][:, None]
        self.query[:] = network.sharpness * m[0, QUERY][:, None]
        self.newest_output = np.repeat(semantic[0, OUTPUT][:, None], len(self.betas), axis=1)

    def attend(self) -> FloatArray:
        """Return the attention vector of the newest token's time, shape (M, K): a view that stays valid for L steps."""
        weights = self.weights
        attention: FloatArray = self.past[(self.time + 1) % self.network.L]
        np.einsum("lmk,mk->lk", self.keys, self.query, out=weights)
        if self.shifted:
            weights -= weights.max(axis=0)
        np.exp(weights, out=weights)
        np.add.reduce(weights, axis=0, out=self._total)
        np.divide(weights, self._total, out=weights)
        np.einsum("lmk,lk->mk", self.values, weights, out=attention)
        return attention

    def generate(self) -> None:
        """Append the token that the last attention vector gives."""
        self.time += 1
        self._token(self.time % self.network.L)

    def _token(self, place: int) -> None:
        np.multiply(self.past[place], self.betas, out=self._field)
        np.matmul(self.rows, self._field, out=self.fields)
        np.tanh(self.fields, out=self.tanh[:-1])
        matrices = self.matrices[place]
        np.matmul(matrices[QUERY], self.tanh, out=self.query)
        np.matmul(matrices[KEY], self.tanh, out=self.keys[place])
        np.matmul(matrices[VALUE], self.tanh, out=self.values[place])

    def step(self) -> None:
        """Go on by one token."""
        self.attend()
        self.generate()

    def outputs(self) -> FloatArray:
        """Return ``<W^o_b x>`` of the newest generated token, shape (M, K)."""
        return np.asarray(self.output @ self.tanh)

    def window(self) -> FloatArray:
        """Return the attention vectors that generated the context, newest token first, shape (K, L, M)."""
        order = (self.time % self.network.L - np.arange(self.network.L)) % self.network.L
        return np.ascontiguousarray(self.past[order].transpose(2, 0, 1))


@dataclass(frozen=True, repr=False)
class Trajectory(Brief):
    """The mean field over time.

    Attributes:
        A: attention vectors of the times t0..t0+T, shape (K, T+1, M); A[:, j] generates the token of time t0+j+1.
        m_o: ``<W^o_b x>`` of the tokens of times t0..t0+T, without 1-eps and position part, shape (K, T+1, M).
        betas: shape (K,).
        window: attention vectors that generated the last L tokens, newest first, shape (K, L, M).
        time: of the last token.
    """

    A: FloatArray
    m_o: FloatArray
    betas: FloatArray
    window: FloatArray
    time: int


def mean_field(network: SpinNetwork, *, steps: int, betas: FloatArray | None = None) -> Trajectory:
    """Follow the mean field from the network's context.

    Args:
        network: gives features and context.
        steps: number of tokens T.
        betas: shape (K,); by default the network's own.

    Raises:
        InputError: unusable steps.
        TooLargeError: the result would not fit.

    Example:
        >>> from stinespring.models.spins import draw_network
        >>> network = draw_network(M=3, N=99, P=2, eps=0.02, gamma=220, beta=0.0, segments=3, seed=1)
        >>> mean_field(network, steps=2).m_o[0, 1:].tolist()
        [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    steps = require_count(steps, "steps")
    model = MeanField(network, betas)
    shape = (steps + 1, network.M, len(model.betas))
    require_room(2 * int(np.prod(shape)))
    A, m_o = np.empty(shape), np.empty(shape)
    m_o[0] = model.newest_output
    for step in range(steps):
        A[step] = model.attend()
        model.generate()
        np.matmul(model.output, model.tanh, out=m_o[step + 1])
    window, time = model.window(), model.time
    A[steps] = model.attend()
    return Trajectory(A.transpose(2, 0, 1), m_o.transpose(2, 0, 1), model.betas, window, time)


def require_room(numbers: int) -> None:
    """Refuse a result that would not fit in memory."""
    if numbers > MOST_NUMBERS:
        raise TooLargeError(
            "the trajectories do not fit in memory", got=f"{numbers:,} numbers", expected=f"at most {MOST_NUMBERS:,}",
            todo="keep fewer steps, or take fewer temperatures",
        )  # fmt: skip
    require_memory(8.0 * numbers, "what is kept of the trajectories", "keep fewer steps, or take fewer temperatures")
