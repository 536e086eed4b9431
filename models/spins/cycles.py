# SPDX-License-Identifier: Apache-2.0
"""Closed cycles of the mean field, stable or not, by Newton's method with the analytic tangent map."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stinespring.errors import InputError
from stinespring.models.spins.lyapunov import Tangent, require_transient, settle
from stinespring.models.spins.mean_field import MeanField
from stinespring.models.spins.network import SpinNetwork
from stinespring.models.texts.joint import require_count
from stinespring.readings import FloatArray
from stinespring.showing import Brief

__all__ = ["Cycle", "close_cycle"]

CLOSED = 1e-11  # largest distance between the ends of a closed cycle
ITERATIONS = 40


@dataclass(frozen=True, repr=False)
class Cycle(Brief):
    """A cycle of the mean field and its clock.

    Attributes:
        A: attention vectors in order, shape (T, M).
        time: of the token that ``A[0]`` generates.
        residual: largest distance between the context at the start and T tokens later.
        multipliers: eigenvalues of the tangent map around the cycle, the largest modulus first, shape (L M,).
    """

    A: FloatArray
    time: int
    residual: float
    multipliers: NDArray[np.complex128]

    @property
    def stable(self) -> bool:
        """Whether every small perturbation dies out."""
        return bool(abs(self.multipliers).max() < 1.0)


def close_cycle(network: SpinNetwork, *, length: int, transient: int = 0) -> Cycle:
    """Return the cycle of a given length near the trajectory: ``x <- x - (J - 1)^-1 (F^T(x) - x)``.

    Args:
        network: gives features, temperature and where to start.
        length: T, a multiple of L, since the clock must repeat; a fixed point of the map of L tokens has T = L.
        transient: tokens before the search; at least L where the context is a window of tokens.

    Raises:
        InputError: another length, or a search that does not end in a cycle.

    Example:
        >>> from stinespring.models.spins import draw_network
        >>> network = draw_network(M=3, N=99, P=2, eps=0.02, gamma=220, beta=0.5, segments=3, seed=47)
        >>> close_cycle(network, length=4, transient=50).stable
        True
    """
    length = require_count(length, "the length of the cycle")
    require_transient(transient)
    if length % network.L:
        raise InputError("the clock does not repeat", got=f"length {length}", expected=f"a multiple of L = {network.L}")
    model = MeanField(network)
    settle(model, transient)
    state, time = model.window()[0], model.time
    for _ in range(ITERATIONS):
        A, jacobian = around(network, state, time, length)
        end = A[::-1][: network.L]
        residual = float(abs(end - state).max())
        if residual <= CLOSED:
            values = np.linalg.eigvals(jacobian).astype(np.complex128)
            return Cycle(A, time + 1, residual, values[np.argsort(-abs(values), kind="stable")])
        step = np.linalg.lstsq(jacobian - np.eye(len(jacobian)), (end - state).ravel(), rcond=None)[0]
        state = state - step.reshape(state.shape)
        if not np.isfinite(state).all():
            break
    raise InputError(
        "no cycle of this length was found near the trajectory", got=f"length {length}, ends {residual:.2g} apart",
        expected=f"ends at most {CLOSED:g} apart", todo="start nearer: a longer transient, or another length",
    )  # fmt: skip


def around(network: SpinNetwork, state: FloatArray, time: int, length: int) -> tuple[FloatArray, FloatArray]:
    """Return the attention vectors of the next tokens, shape (T, M), and the tangent map of the context, newest first."""
    model = MeanField(replace(network, window=None, attention_window=state, time=time))
    L, size = network.L, network.L * network.M
    order = (time - np.arange(L)) % L
    tangent = Tangent(model, size)
    tangent.set_vectors(np.eye(size).reshape(L, network.M, size)[np.argsort(order)])
    A = np.empty((length, network.M))
    for step in range(length):
        tangent.step()
        A[step] = model.past[model.time % L, :, 0]
    return A, tangent.past[order].reshape(size, size)
