# SPDX-License-Identifier: Apache-2.0
"""Equations of one round of a measured channel: a circuit whose ancilla reads 0 with the effect of half the Kraus operators.

Kraus operators may be mixed first, ``K'_c = sum_a u_ca K_a``. The first h of them have the effect

    ``A = sum_ab P_ab K_a^dag K_b``,  ``P = Y^dag (Y Y^dag)^-1 Y``,

with P the projector on the span of the h rows of any full matrix Y. A circuit of isometry W with ancilla blocks W_0 and W_1 has
the effect ``W_0^dag W_0``; without a circuit A must be a multiple of 1, and a coin does the round.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stinespring.circuits.channels.cz_pattern import CzPattern, sweep_work
from stinespring.circuits.channels.fit import real_form
from stinespring.circuits.search.levenberg import Guess, NormalEquations, least_squares
from stinespring.readings import ComplexArray, FloatArray, IntArray

__all__ = ["EffectFit", "mixing_unitary"]

STEP_COST, SOLVE_COST, MIXING_COST = 2e-4, 2e-11, 2.7e-9  # modelled seconds: a step, a multiply-add of its systems, of mixing


def mixing_unitary(rows: ComplexArray) -> ComplexArray:
    """Return a unitary (R, R) whose first h rows span those of Y, shape (h, R)."""
    left, _, right = np.linalg.svd(rows)
    return np.concatenate([left @ right[: rows.shape[0]], right[rows.shape[0] :]])


@dataclass(frozen=True)
class EffectFit:
    """The equations of a round, for unknowns (free angles of the pattern, real parts of Y, imaginary parts of Y).

    Attributes:
        pattern: wires 0..m-1 and the ancilla m; None for a coin.
        products: ``K_a^dag K_b``, shape (R, R, 2^m, 2^m).
        half: h; 0 if the operators are not mixed, and ``effect`` is wanted.
        effect: A, shape (2^m, 2^m), where h = 0.
    """

    pattern: CzPattern | None
    products: ComplexArray
    half: int
    effect: ComplexArray | None = None

    @cached_property
    def angles(self) -> int:
        """Number of angles among the unknowns."""
        return 0 if self.pattern is None else len(self.pattern.free)

    @property
    def unknowns(self) -> int:
        """Number of all unknowns."""
        operators: int = self.products.shape[0]
        return self.angles + 2 * self.half * operators

    def rows(self, x: FloatArray) -> ComplexArray:
        """Return Y of each start, shape (S, h, R)."""
        real, imaginary = np.split(x[:, self.angles :].reshape(x.shape[0], 2 * self.half, -1), 2, axis=1)
        return np.asarray(real + 1j * imaginary)

    def _projector(self, rows: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        """Return ``(Y Y^dag)^-1 Y`` and P."""
        adjoint = rows.conj().transpose(0, 2, 1)
        dual = np.linalg.solve(rows @ adjoint, rows)
        return np.asarray(dual, dtype=np.complex128), np.asarray(adjoint @ dual)

    def _wanted(self, projector: ComplexArray) -> ComplexArray:
        """Return A of each start, shape (S, d, d)."""
        size = self.products.shape[0]
        flat = projector.reshape(-1, size * size) @ self.products.reshape(size * size, -1)
        return np.asarray(flat.reshape(-1, *self.products.shape[2:]))

    def _compare(self, made: ComplexArray | None, wanted: ComplexArray) -> FloatArray:
        """Return the real form of the difference, without its trace for a coin; any leading axes."""
        size = wanted.shape[-1]
        if made is None:
            mean = np.trace(wanted, axis1=-2, axis2=-1)[..., None, None] / size
            difference = mean * np.eye(size) - wanted
        else:
            difference = made - wanted
        return real_form(difference.reshape(*difference.shape[:-2], size * size))

    def guess(self, x: FloatArray) -> Guess:
        """Evaluate unknowns; the error is the norm of the residual, shape (S, 2 d^2)."""
        made, sweep = None, None
        if self.pattern is not None:
            angles = self.pattern.spread(x[:, : self.angles])
            sweep = self.pattern.sweep(angles, self.pattern.matrices(angles)[0])
            first = sweep.isometry[:, : self.products.shape[2]]
            made = first.conj().transpose(0, 2, 1) @ first
        if self.half:
            wanted = self._wanted(self._projector(self.rows(x))[1])
        else:
            assert self.effect is not None
            wanted = np.broadcast_to(self.effect, (x.shape[0], *self.effect.shape))
        residual = self._compare(made, wanted)
        loss = (residual**2).sum(axis=1)
        return Guess(x, residual, loss, np.sqrt(loss), sweep)

    def system(self, guess: Guess) -> NormalEquations:
        """Return the normal equations of the residual."""
        return least_squares(self.slopes(guess), guess.residual)

    def slopes(self, guess: Guess) -> FloatArray:
        """Return the derivatives of the residual, shape (S, 2 d^2, unknowns)."""
        parts, starts = [], guess.x.shape[0]
        if self.pattern is not None:
            sweep = guess.memo or self.guess(guess.x).memo
            blocks, derivatives = self.pattern.matrices(self.pattern.spread(guess.x[:, : self.angles]), derivatives=True)
            assert derivatives is not None
            size = self.products.shape[2]
            last = np.zeros((starts, size, 2 * size), dtype=np.complex128)
            last[:, :, :size] = sweep.isometry[:, :size].conj().transpose(0, 2, 1)
            slopes = self.pattern.slopes(sweep, blocks, derivatives, last)
            slopes = slopes + slopes.conj().transpose(0, 2, 1, 3)
            parts.append(real_form(slopes.transpose(0, 3, 1, 2).reshape(starts, self.angles, -1)))
        if self.half:
            parts.append(self._mixing_slopes(self.rows(guess.x)))
        return np.concatenate(parts, axis=1).transpose(0, 2, 1)

    def keep(self, index: IntArray) -> EffectFit:
        """Return the same equations: they are those of every start."""
        return self

    def work(self, starts: int) -> float:
        """Return the modelled seconds of one step."""
        size = self.products.shape[2]
        equations = 2 * size**2
        least = min(equations, self.unknowns)
        sweep = sweep_work(self.pattern, starts, rows=size) if self.pattern is not None else 0.0
        mixing = MIXING_COST * self.half * (self.products.shape[0] * size) ** 2
        algebra = SOLVE_COST * least * (self.unknowns * equations + least**2 / 3)
        return float(STEP_COST + sweep + starts * (mixing + algebra))

    def _mixing_slopes(self, rows: ComplexArray) -> FloatArray:
        """Return the derivatives after Y: ``dP = (1 - P) dY^dag (Y Y^dag)^-1 Y`` and its adjoint."""
        dual, projector = self._projector(rows)
        across = np.eye(rows.shape[2]) - projector
        half = np.einsum("sib,ijde->sbjde", across, self.products, optimize=True)
        moved = np.einsum("scj,sbjde->scbde", dual, half, optimize=True)
        moved = moved.reshape(rows.shape[0], -1, *self.products.shape[2:])
        adjoint = moved.conj().transpose(0, 1, 3, 2)
        wanted = np.concatenate([moved + adjoint, -1j * moved + 1j * adjoint], axis=1)
        return -self._compare(np.zeros_like(wanted), -wanted) if self.pattern is not None else self._compare(None, wanted)
