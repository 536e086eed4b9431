# SPDX-License-Identifier: Apache-2.0
"""Phases of memory states: free parameters that make a memory of few dimensions fit better.

With phases the isometry is ``V|s_a> = sum_t sqrt(P(t|a)) e^{i phi(a,t)} |t>|s_{d(a,t)}>``: the law is the same, the overlaps
are not. What a memory of chi dimensions loses at a cut are the weights of ``rho = diag(sqrt pi) G diag(sqrt pi)`` beyond the
chi largest, pi the probabilities of the causal states. Their sum over all cuts is minimised; its gradient is that of the
eigenvalues, carried forward through the recursion of the Gram matrices. States with the same law of the next token share their
phases.

Source: Liu, Elliott, Binder, Di Franco, Gu, Phys. Rev. A 99, 062110 (2019) (phases of quantum causal states).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stinespring.compiler.texts.merge import States
from stinespring.readings import ComplexArray, FloatArray, IntArray

__all__ = ["fitted_phases"]

STARTS, STEPS = 4, 80  # of the descent, and its steps
SPREAD = (0.1, 2.0)  # radians of the first start, next to no phases, and of the others
DIGITS = 11  # decimals to which equal laws agree
MOST_STATES = 64  # causal states of a step: about a second


def fitted_phases(states: Sequence[States], dimensions: int) -> list[FloatArray] | None:
    """Return phases for every step, shape (S, D), that make a memory of so many dimensions lose little; None for many states.

    Args:
        states: the causal states before every step.
        dimensions: chi.
    """
    from scipy.optimize import minimize

    if max(len(each.laws) for each in states) > MOST_STATES:
        return None
    loss = _Loss(states, dimensions)
    random = np.random.default_rng([loss.unknowns, dimensions])
    best = None
    for number in range(STARTS):
        start = random.normal(scale=SPREAD[min(number, 1)], size=loss.unknowns)
        found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
        if best is None or found.fun < best.fun:
            best = found
    assert best is not None
    return loss.spread(np.asarray(best.x, dtype=np.float64))


class _Loss:
    """What a memory of few dimensions loses at all cuts together, and its gradient by the phases."""

    def __init__(self, states: Sequence[States], dimensions: int) -> None:
        self.states, self.dimensions = states, dimensions
        self.roots = [np.sqrt(each.laws) for each in states]
        self.after = [np.maximum(each.after, 0) for each in states]
        width = max(each.laws.shape[1] for each in states)
        rows = np.concatenate([np.pad(each.laws, ((0, 0), (0, width - each.laws.shape[1]))) for each in states])
        _, shared = np.unique(np.round(rows, DIGITS) + 0.0, axis=0, return_inverse=True)
        ends = np.cumsum([len(each.laws) for each in states])[:-1]
        self.kind: list[IntArray] = np.split(shared.ravel(), ends)
        self.width, self.unknowns = width, width * (int(shared.max()) + 1)
        self.reach = [np.ones(1)]
        for each, after in zip(states[:-1], self.after, strict=False):
            flow = self.reach[-1][:, None] * each.laws
            self.reach.append(np.bincount(after.ravel(), weights=flow.ravel()).astype(np.float64))

    def spread(self, phases: FloatArray) -> list[FloatArray]:
        """Return the phases of every step's states."""
        table = phases.reshape(-1, self.width)
        return [table[kind][:, : root.shape[1]] for kind, root in zip(self.kind, self.roots, strict=True)]

    def __call__(self, phases: FloatArray) -> tuple[float, FloatArray]:
        """Return the loss and its gradient."""
        angles = self.spread(phases)
        factors = [root * np.exp(1j * angle) for root, angle in zip(self.roots, angles, strict=True)]
        grams = self.grams(factors)
        total, gradient = 0.0, np.zeros((self.unknowns // self.width, self.width))
        weight = np.zeros((1, 1), dtype=np.complex128)
        for step, factor in enumerate(factors):
            lost, own = self.lost(grams[step], self.reach[step]) if step else (0.0, weight)
            total, weight = total + lost, weight + own
            last = step == len(factors) - 1
            size = 1 if last else len(self.roots[step + 1])
            passed = np.zeros((size, size), dtype=np.complex128)
            for symbol in range(factor.shape[1]):
                after = np.zeros(len(factor), dtype=np.int64) if last else self.after[step][:, symbol]
                outer = factor[:, symbol, None] * factor[:, symbol].conj()
                share = weight.conj() * outer * grams[step + 1][np.ix_(after, after)]
                slope = share.imag.sum(axis=0) - share.imag.sum(axis=1)
                np.add.at(gradient[:, symbol], self.kind[step], slope)
                np.add.at(passed, np.ix_(after, after), weight * outer.conj())
            weight = passed
        return total, gradient.ravel()

    def grams(self, factors: Sequence[ComplexArray]) -> list[ComplexArray]:
        """Return ``<s_b|s_a>`` before every step and after the last, from the last step back."""
        grams = [np.ones((1, 1), dtype=np.complex128)]
        for step in range(len(factors) - 1, -1, -1):
            gram = np.zeros((len(factors[step]),) * 2, dtype=np.complex128)
            for symbol in range(factors[step].shape[1]):
                column = factors[step][:, symbol]
                last = step == len(factors) - 1
                after = np.zeros(len(column), dtype=np.int64) if last else self.after[step][:, symbol]
                gram += column[:, None] * column.conj() * grams[-1][np.ix_(after, after)]
            grams.append(gram)
        return grams[::-1]

    def lost(self, gram: ComplexArray, reach: FloatArray) -> tuple[float, ComplexArray]:
        """Return the weights beyond the largest at one cut, and their derivative by the Gram matrix."""
        root = np.sqrt(reach)
        values, vectors = np.linalg.eigh(root[:, None] * gram * root)
        count = max(0, len(values) - self.dimensions)
        turned = root[:, None] * vectors[:, :count]
        return float(values[:count].sum()), np.asarray(turned @ turned.conj().T)
