# SPDX-License-Identifier: Apache-2.0
r"""Fits of a law by a given pattern of CZ, where a distance is allowed: quasi-Newton steps with adjoint gradients.

A pattern of N CZ on q wires has 4 N + q angles, see :mod:`stinespring.circuits.search.joint_amplitudes`. With amplitudes a two
losses are lowered one after the other,

    ``1 - sum_x sqrt P(x) |a(x)|``    and then    ``sum_x sqrt((|a(x)|^2 - P(x))^2 + eps^2) / 2``,

the second being a TVD without its kinks. A CZ and the turns after it are one 4 x 4 matrix on the state, whose entries are
in the order that the next matrix wants. One sweep forth and one back cost about three times the circuit's own simulation.
Source of the gradients: arXiv 2009.02823 (adjoint differentiation).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np

from stinespring.circuits.search.joint_amplitudes import Pattern
from stinespring.circuits.search.threads import one_thread
from stinespring.circuits.search.work import spend
from stinespring.readings import ComplexArray, FloatArray, IntArray

__all__ = ["EVALUATIONS", "SMOOTH", "LawDescent"]

SMOOTH = (1e-3, 1e-4)  # eps: of the order of a probability, then well below the distances that are asked for
EVALUATIONS = 1.25  # of the loss and its gradient in a step, at most in the mean
TINY = 1e-12  # modulus below which an amplitude has no direction
BLOCK_COST, ELEMENT_COST = 1.9e-5, 1e-8  # modelled seconds of a CZ in one evaluation, and of an amplitude in it
PHASED = np.diag([1.0, 1.0, 1.0, -1.0])


class Turns(NamedTuple):
    """``Ry(y) Rz(z)`` and its derivatives by y and z, each of shape (turns, 2, 2)."""

    matrix: ComplexArray
    by_y: ComplexArray
    by_z: ComplexArray


@dataclass(frozen=True)
class LawDescent:
    """A pattern whose angles are fitted to laws.

    Attributes:
        pattern: without context wires; wire i is bit i of an outcome.
    """

    pattern: Pattern

    @cached_property
    def orders(self) -> list[IntArray]:
        """The basis states in the order (second wire, first wire, others) of every CZ; before the first in their own."""
        code, found = np.arange(1 << self.pattern.size), [np.arange(1 << self.pattern.size)]
        for first, second in self.pattern.pairs:
            found.append(np.argsort((code >> second & 1) * 2 + (code >> first & 1), kind="stable"))
        return found

    @cached_property
    def moves(self) -> list[tuple[IntArray, IntArray]]:
        """How the state of one order is put into the next one, and back."""
        found = []
        for before, after in zip(self.orders, self.orders[1:], strict=False):
            where = np.argsort(before)[after]
            found.append((where, np.argsort(where)))
        return found

    @property
    def work(self) -> float:
        """Modelled seconds of one evaluation with its gradient."""
        return (len(self.pattern.pairs) + self.pattern.size) * (BLOCK_COST + ELEMENT_COST * (1 << self.pattern.size))

    def law(self, angles: FloatArray) -> FloatArray:
        """Return the law, shape (2^q,)."""
        state = self.sweep(angles[: self.pattern.size], blocks(turns(angles[self.pattern.size :]).matrix))[-1]
        law = np.empty(state.size)
        law[self.orders[-1]] = abs(state.ravel()) ** 2
        return law

    @one_thread()
    def fit(self, angles: FloatArray, law: FloatArray, *, steps: int, smooth: float | None) -> FloatArray:
        """Return better angles.

        Args:
            angles: where to start, shape (4 N + q,).
            law: shape (2^q,).
            steps: of the quasi-Newton method.
            smooth: eps of the smoothed TVD; None lowers the first loss.
        """
        from scipy.optimize import minimize

        objective: Any = partial(self.loss, law=law, smooth=smooth)  # value and gradient, which the stubs do not know
        found = minimize(
            objective, angles, jac=True, method="L-BFGS-B", options={"maxiter": steps, "maxfun": int(EVALUATIONS * steps)}
        )
        spend(found.nfev * self.work)
        return np.asarray(found.x)

    def loss(self, angles: FloatArray, law: FloatArray, smooth: float | None) -> tuple[float, FloatArray]:
        """Return the loss and its gradient."""
        size = self.pattern.size
        made = turns(angles[size:])
        matrices = blocks(made.matrix)
        trail = self.sweep(angles[:size], matrices)
        state, wanted = trail[-1].ravel(), law[self.orders[-1]]
        modulus = abs(state)
        if smooth is None:
            roots = np.sqrt(wanted)
            value, bra = 1.0 - float(roots @ modulus), -roots / np.maximum(modulus, TINY) * state
        else:
            apart = modulus**2 - wanted
            width = np.sqrt(apart**2 + smooth**2)
            value, bra = float(width.sum()) / 2.0, apart / width * state
        overlaps = np.empty((len(matrices), 4, 4), dtype=np.complex128)
        for number in range(len(matrices) - 1, -1, -1):
            parted = bra.reshape(4, -1)
            np.matmul(parted.conj(), trail[number].T, out=overlaps[number])
            bra = (matrices[number].conj().T @ parted).ravel()[self.moves[number][1]]
        gradient = np.concatenate([first_gradient(angles[:size], bra), by_angles(made, overlaps).ravel()])
        return value, gradient

    def sweep(self, first: FloatArray, matrices: ComplexArray) -> list[ComplexArray]:
        """Return the state before every CZ, parted by its wires, and the last one."""
        state = product_state(first).astype(np.complex128)
        trail = []
        for matrix, (where, _) in zip(matrices, self.moves, strict=True):
            parted = state.ravel()[where].reshape(4, -1)
            trail.append(parted)
            state = matrix @ parted
        return [*trail, state]


def product_state(angles: FloatArray) -> FloatArray:
    """Return ``Ry(y_i)|0>`` of all wires, wire 0 the lowest bit."""
    state = np.ones(1)
    for angle in angles:
        state = np.outer(np.array([np.cos(angle / 2), np.sin(angle / 2)]), state).ravel()
    return state


def first_gradient(angles: FloatArray, bra: ComplexArray) -> FloatArray:
    """Return the derivatives by the first turns: ``d Ry(y)|0> / dy = Ry(y + pi)|0> / 2``."""
    turned = angles + np.pi * np.eye(len(angles))
    return np.array([(bra.real @ product_state(row)) / 2.0 for row in turned])


def turns(angles: FloatArray) -> Turns:
    """Return the turns after the CZ for angles z, y, z, y, ... of all of them."""
    z, y = angles.reshape(-1, 2).T
    cos, sin, low, high = np.cos(y / 2), np.sin(y / 2), np.exp(-0.5j * z), np.exp(0.5j * z)
    matrix = np.moveaxis(np.array([[cos * low, -sin * high], [sin * low, cos * high]]), 2, 0)
    by_y = np.moveaxis(np.array([[-sin * low, -cos * high], [cos * low, -sin * high]]), 2, 0) / 2.0
    return Turns(matrix, by_y.astype(np.complex128), matrix * np.array([-0.5j, 0.5j]))


def blocks(matrix: ComplexArray) -> ComplexArray:
    """Return each CZ with the turns of its two wires after it, the second wire's bit the higher one: shape (N, 4, 4)."""
    first, second = matrix[0::2], matrix[1::2]
    return np.asarray(np.einsum("nij,nkl->nikjl", second, first).reshape(-1, 4, 4) @ PHASED)


def by_angles(made: Turns, overlaps: ComplexArray) -> FloatArray:
    """Return the derivatives by z and y of the first and the second wire of every CZ, shape (N, 4).

    Args:
        made: the turns.
        overlaps: ``sum bra* psi`` of the state before each CZ, shape (N, 4, 4): row after, column before.
    """
    apart = (overlaps @ PHASED).reshape(-1, 2, 2, 2, 2)  # second after, first after, second before, first before
    first = np.einsum("nikjl,nij->nkl", apart, made.matrix[1::2])
    second = np.einsum("nikjl,nkl->nij", apart, made.matrix[0::2])
    found = [
        (part * slope[start::2]).sum(axis=(1, 2)).real
        for start, part in ((0, first), (1, second))
        for slope in (made.by_z, made.by_y)
    ]
    return np.stack(found, axis=1)
