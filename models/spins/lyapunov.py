# SPDX-License-Identifier: Apache-2.0
"""Lyapunov exponents of the mean field, many temperatures at once.

The state is the L attention vectors that generated the context. One step of the tangent map is
``dA = sum_d p_d (dm^v_d + m^v_d (dscore_d - sum p dscore))`` with ``dscore_d = (gamma / sqrt M) (dm^q.m^k_d + m^q.dm^k_d)`` and
``dm^a = (1-eps) sum_s C^a_s beta (1 - tanh^2(beta s.A)) s.dA``. Tangent vectors are made orthonormal by QR; the exponents are
the mean logarithms of R's diagonal.

Source of the method: Benettin et al., Meccanica 15, 9 (1980).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from stinespring.errors import InputError
from stinespring.models.spins.mean_field import MeanField
from stinespring.models.spins.network import KEY, QUERY, VALUE, SpinNetwork
from stinespring.models.spins.orbits import find_cycle
from stinespring.models.texts.joint import require_count
from stinespring.readings import FloatArray
from stinespring.showing import Brief

__all__ = ["Exponents", "Lyapunov", "Tangent", "lyapunov"]

BLOCKS = 20  # of which standard errors are taken
TOGETHER = 4  # steps between two normalisations of a single tangent vector
MOST_KEPT = 1 << 17  # steps among which a cycle is looked for


@dataclass(frozen=True)
class Exponents:
    """Lyapunov exponents in nats per token.

    Attributes:
        values: shape (K, n), the largest first; ``-inf`` where tangent vectors vanish, as at beta = 0.
        standard_errors: over blocks, shape (K, n).
        steps: how many steps they were averaged over.
    """

    values: FloatArray
    standard_errors: FloatArray
    steps: int


class Tangent:
    """Tangent vectors that are carried along a mean field.

    Args:
        model: where the trajectory is; it must have generated its whole context.
        vectors: n, at most L M.
    """

    def __init__(self, model: MeanField, vectors: int) -> None:
        network, K = model.network, len(model.betas)
        L, M = network.L, network.M
        self.model, self.n = model, vectors
        self.linear = (model.matrices[0, :, :, :-1]).copy()  # (4, M, S): the part that follows the tokens
        self.gains = np.stack([self._gain(model.rows @ (past * model.betas)) for past in model.past])
        start = np.random.default_rng(0).normal(size=(L * M, vectors))
        self.past = np.repeat(np.linalg.qr(start)[0].reshape(L, M, vectors, 1), K, axis=3)
        self.query, self.keys, self.values = np.empty((M, vectors, K)), np.empty_like(self.past), np.empty_like(self.past)
        self._fill()

    def set_vectors(self, vectors: FloatArray) -> None:
        """Replace the tangent vectors, shape (L, M, n) by place in the ring, at every temperature."""
        self.past[...] = vectors[..., None]
        self._fill()

    def _gain(self, field: FloatArray) -> FloatArray:
        """Return ``beta (1 - tanh^2)`` of a token's fields (S, K)."""
        small = np.exp(-2.0 * abs(field))  # 1 - tanh^2 itself loses all digits where |field| is large
        return np.asarray(4.0 * self.model.betas * small / (1.0 + small) ** 2)

    def _moved(self, place: int) -> FloatArray:
        """Return how the tanh of a token move, shape (S, n K)."""
        field: FloatArray = self.model.rows @ self.past[place].reshape(self.model.network.M, -1)
        field.reshape(-1, self.n, len(self.model.betas))[...] *= self.gains[place][:, None]
        return field

    def _fill(self) -> None:
        """Compute the tangents of keys, values and the query from those of the attention vectors."""
        for place in range(self.model.network.L):
            self._token(place, newest=place == self.model.time % self.model.network.L)

    def _token(self, place: int, *, newest: bool) -> None:
        moved, M = self._moved(place), self.model.network.M
        np.matmul(self.linear[KEY], moved, out=self.keys[place].reshape(M, -1))
        np.matmul(self.linear[VALUE], moved, out=self.values[place].reshape(M, -1))
        if newest:
            np.matmul(self.linear[QUERY], moved, out=self.query.reshape(M, -1))

    def step(self) -> None:
        """Take the trajectory and its tangent vectors one token further."""
        model = self.model
        model.attend()
        scores = np.einsum("lmk,mnk->lnk", model.keys, self.query)
        scores += np.einsum("lmnk,mk->lnk", self.keys, model.query)
        scores -= np.einsum("lnk,lk->nk", scores, model.weights)
        scores *= model.weights[:, None]
        place = (model.time + 1) % model.network.L
        moved = self.past[place]
        np.einsum("lmnk,lk->mnk", self.values, model.weights, out=moved)
        moved += np.einsum("lmk,lnk->mnk", model.values, scores)
        model.generate()
        self.gains[place] = self._gain(model.fields)
        self._token(place, newest=True)

    def normalise(self) -> FloatArray:
        """Make the tangent vectors orthonormal; return the logarithms of R's diagonal, shape (n, K)."""
        if self.n > 1:
            return self._orthonormalise()
        size = np.sqrt(np.einsum("lmnk,lmnk->nk", self.past, self.past))
        inverse = np.divide(1.0, size, out=np.zeros_like(size), where=size > 0)
        for part in (self.past, self.keys, self.values, self.query):
            part *= inverse
        return logarithm(size)

    def _orthonormalise(self) -> FloatArray:
        L, M, n, K = self.past.shape
        q, r = np.linalg.qr(self.past.transpose(3, 0, 1, 2).reshape(K, L * M, n))
        self.past[...] = q.reshape(K, L, M, n).transpose(1, 2, 3, 0)
        self._fill()
        return logarithm(abs(np.diagonal(r, axis1=1, axis2=2)).T.astype(np.float64))


def logarithm(values: FloatArray) -> FloatArray:
    """Return log of values >= 0, -inf at 0."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(values))


def carry(tangent: Tangent, steps: int, *, every: int, each: Any = None) -> Exponents:
    """Return the exponents over ``steps`` steps; ``each(step)`` is called after every step."""
    shape = (BLOCKS, tangent.n, len(tangent.model.betas))
    sums, lengths, since = np.zeros(shape), np.zeros(BLOCKS), 0
    for step in range(steps):
        tangent.step()
        since += 1
        if each is not None:
            each(step)
        if since == every or step == steps - 1:
            block = step * BLOCKS // steps
            sums[block] += tangent.normalise()
            lengths[block] += since
            since = 0
    used = lengths > 0
    with np.errstate(invalid="ignore"):
        rates = sums[used] / lengths[used, None, None]
        values = sums.sum(axis=0) / steps
        errors = rates.std(axis=0, ddof=1) / np.sqrt(len(rates)) if len(rates) > 1 else np.full_like(values, np.nan)
    order = np.argsort(-values, axis=0, kind="stable")  # QR gives them in order up to their errors
    return Exponents(np.take_along_axis(values, order, 0).T.copy(), np.take_along_axis(errors, order, 0).T.copy(), steps)


def settle(model: MeanField, transient: int) -> int:
    """Run the transient, at least until no given token is left in the context; return its length."""
    least = 0 if model.network.attention_window is not None else model.network.L
    for _ in range(max(transient, least)):
        model.step()
    return max(transient, least)


@dataclass(frozen=True, repr=False)
class Lyapunov(Brief):
    """Exponents of one trajectory and the cycle it has settled on.

    Attributes:
        exponents: of the network's temperature.
        cycle: smallest T after which context and clock repeat to 1e-9; 0 if none was found.
        transient: steps before.
        window: attention vectors that generated the last L tokens, newest first, shape (L, M).
        time: of the last token.
    """

    exponents: Exponents
    cycle: int
    transient: int
    window: FloatArray
    time: int


def lyapunov(network: SpinNetwork, *, transient: int, steps: int, exponents: int = 1) -> Lyapunov:
    """Return the n largest Lyapunov exponents of the mean field and the length of its cycle.

    Args:
        network: gives features, temperature and context.
        transient: steps before; at least L are run where the context is a window of tokens.
        steps: steps of the average.
        exponents: n, at most L M; all are offered, the lowest ones drown in rounding.

    Raises:
        InputError: unusable numbers.
    """
    steps, exponents = require_count(steps, "steps"), require_count(exponents, "exponents")
    require_transient(transient)
    if exponents > network.L * network.M:
        raise InputError("more exponents than dimensions", got=exponents, expected=f"at most L M = {network.L * network.M}")
    model = MeanField(network)
    transient = settle(model, transient)
    tangent = Tangent(model, exponents)
    kept = np.empty((min(steps, MOST_KEPT), network.M))

    def keep(step: int) -> None:
        kept[step % len(kept)] = model.past[model.time % network.L, :, 0]

    found = carry(tangent, steps, every=1, each=keep)
    cycle = find_cycle(np.roll(kept, -(steps % len(kept)), axis=0), network.L)
    return Lyapunov(found, cycle, transient, model.window()[0], model.time)


def require_transient(transient: int) -> None:
    """Refuse a negative or fractional number of steps."""
    if isinstance(transient, bool) or not isinstance(transient, int | np.integer) or transient < 0:
        raise InputError("the transient must be a whole number of at least 0", got=transient, expected="0, 1, 2, …")
