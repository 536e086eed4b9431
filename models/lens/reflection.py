# SPDX-License-Identifier: Apache-2.0
"""The operator of one layer for one input, in factored form: a Householder reflection, its Hamiltonian, its evolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from stinespring.errors import InputError, TooLargeError
from stinespring.reading import positive_number
from stinespring.readings import ComplexArray, FloatArray
from stinespring.showing import Brief

__all__ = ["Reflection", "directions"]

MOST_DENSE = 1 << 12  # V of a dense operator: 128 MB
EQUAL = 1e-15  # states at a smaller distance are one state: the direction between them would be rounding
UNIT = 1e-6  # largest accepted deviation of a norm from 1
TURNS = 2  # projections of the direction: the first one loses digits where the states are close


def directions(psi_in: FloatArray, psi_out: FloatArray) -> FloatArray:
    """Return ``v = (psi_out - psi_in) / ||psi_out - psi_in||`` for unit vectors, zero where they are equal.

    The difference of unit vectors is orthogonal to their sum; what rounding leaves of the sum in it is projected out, so that
    ``(1 - 2 v v^T) psi_in = psi_out`` holds to rounding however close the states are.

    Args:
        psi_in: shape (..., V).
        psi_out: shape (..., V).

    Returns:
        Shape (..., V).
    """
    both, v = psi_in + psi_out, psi_out - psi_in
    square = np.sum(both * both, axis=-1, keepdims=True)
    apart = np.linalg.norm(v, axis=-1, keepdims=True) > EQUAL
    for _ in range(TURNS):
        share = np.divide(np.sum(both * v, axis=-1, keepdims=True), square, out=np.zeros_like(square), where=square > EQUAL)
        v = v - both * share
        length = np.linalg.norm(v, axis=-1, keepdims=True)
        v = np.divide(v, length, out=np.zeros_like(v), where=apart & (length > 0))
    return np.asarray(v)


@dataclass(frozen=True, eq=False, repr=False)
class Reflection(Brief):
    """``U = 1 - 2 v v^T = exp(-i alpha H)`` with ``H = (pi / alpha) v v^T``; never a V x V matrix unless asked for.

    Attributes:
        v: shape (V,), a real unit vector, or zero: then U is the identity and H is zero.

    Example:
        >>> layer = Reflection.between(np.array([1.0, 0.0]), np.array([0.6, 0.8]))
        >>> layer.apply(np.array([1.0, 0.0])).round(12).tolist()
        [0.6, 0.8]

    Source:
        arXiv 2510.11963, the layer operators and their Hamiltonians.
    """

    v: FloatArray

    @classmethod
    def between(cls, psi_in: Any, psi_out: Any) -> Reflection:
        """Return the reflection that takes one state to another: ``v = (psi_out - psi_in) / ||psi_out - psi_in||``.

        Args:
            psi_in: shape (V,), real, norm 1.
            psi_out: shape (V,), real, norm 1.

        Raises:
            InputError: other shapes, or vectors that are not real unit vectors.
        """
        before, after = unit_vector(psi_in, "psi_in"), unit_vector(psi_out, "psi_out")
        if before.shape != after.shape:
            raise InputError(
                "the two states have different sizes", got=f"{before.shape} and {after.shape}", expected="one size"
            )
        return cls(directions(before, after))

    def apply(self, psi: Any) -> Any:
        """Return ``U psi = psi - 2 v <v|psi>`` for states of shape (..., V)."""
        states = np.asarray(psi)
        return states - 2.0 * (states @ self.v)[..., None] * self.v

    def evolve(self, psi: Any, time: float, *, alpha: float = 1.0) -> ComplexArray:
        """Return ``exp(-i H t) psi = psi + (exp(-i pi t / alpha) - 1) v <v|psi>``: at ``t = alpha`` the whole layer.

        Args:
            psi: shape (..., V).
            time: t, any real number.
            alpha: of the Hamiltonian.
        """
        states = np.asarray(psi)
        turn = np.exp(-1j * np.pi * time / positive_number(alpha, "alpha")) - 1.0
        return np.asarray(states + turn * (states @ self.v)[..., None] * self.v, dtype=np.complex128)

    def unitary(self) -> FloatArray:
        """Return U as a matrix, shape (V, V).

        Raises:
            TooLargeError: V is above 4096; :meth:`apply` needs no matrix.
        """
        return np.eye(self._dense()) - 2.0 * np.outer(self.v, self.v)

    def hamiltonian(self, alpha: float = 1.0) -> FloatArray:
        """Return ``H = (pi / alpha) v v^T``, shape (V, V): rank 1, eigenvalue ``pi / alpha`` on v.

        Raises:
            TooLargeError: V is above 4096.
        """
        self._dense()
        return np.pi / positive_number(alpha, "alpha") * np.outer(self.v, self.v)

    def _dense(self) -> int:
        if self.v.size > MOST_DENSE:
            raise TooLargeError(
                "the operator is too large for a matrix",
                got=f"V = {self.v.size:,}",
                expected=f"at most {MOST_DENSE:,}",
                todo="use apply and evolve, which take a few operations per entry",
            )
        return self.v.size


def unit_vector(value: Any, name: str) -> FloatArray:
    """Return a real unit vector, its norm set right to rounding."""
    vector = np.asarray(value)
    real = vector.dtype.kind in "biuf" or (vector.dtype.kind == "c" and not vector.imag.any())
    if vector.ndim != 1 or vector.size == 0 or not real:
        raise InputError(f"{name} is no state", got=f"{vector.dtype} {vector.shape}", expected="a real vector, shape (V,)")
    result: FloatArray = np.array(vector.real, dtype=np.float64)
    norm = float(np.linalg.norm(result))
    if not abs(norm - 1.0) <= UNIT:
        raise InputError(f"{name} has the wrong norm", got=norm, expected="1 within 1e-6", todo="divide it by its norm")
    return result / norm
