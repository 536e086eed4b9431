# SPDX-License-Identifier: Apache-2.0
"""Equations of a circuit that realises a channel: its isometry equals the given one up to a unitary on the environment.

With M the matrix whose rows are the vectorised Kraus operators, shape (2^e, 2^(n+m)), and ``U(x)`` that of the circuit, the
residual is ``u(x)^dag U(x) - M``, where u is the polar factor of ``U M^dag``. The directions ``A M``, A anti-Hermitian, are
those of the environment: the residual has no part along them, and their part of the Jacobian is left out (variable projection).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from stinespring.circuits.channels.cz_pattern import CzPattern, sweep_work
from stinespring.circuits.search.levenberg import Guess, NormalEquations, least_squares
from stinespring.memory import require_memory
from stinespring.readings import ComplexArray, FloatArray, IntArray

__all__ = ["Across", "ChannelFit", "across_bytes", "across_environment", "across_seconds", "real_form"]

FEW = 8  # directions are few if they are less than such a part of all
SVD_COST = 4e-10  # modelled seconds of a multiply-add of a singular value decomposition
STEP_COST, SOLVE_COST = 1.7e-4, 2e-11  # modelled seconds of a step, and of a multiply-add of the normal equations


def real_form(rows: ComplexArray) -> FloatArray:
    """Return real parts followed by imaginary parts along the last axis."""
    return np.concatenate([rows.real, rows.imag], axis=-1)


class Across(NamedTuple):
    """Directions of the environment's basis (``along``) or the others, orthonormal rows of shape (G or N, 2 E F)."""

    along: bool
    rows: FloatArray

    def project(self, columns: FloatArray) -> FloatArray:
        """Return what of the columns, shape (S, 2 E F, P), no change of the environment's basis can make."""
        if self.along:
            columns -= self.rows.T @ (self.rows @ columns)
            return columns
        return np.asarray(self.rows @ columns)


def across_environment(kraus_rows: ComplexArray) -> Across:
    """Return an orthonormal basis of the directions that changes of the environment's basis take, or of all the others.

    The rows, shape (G, 2 E F), are those of the directions ``A M`` if these are few; else, shape (N, 2 E F), of the others.

    Args:
        kraus_rows: M, shape (E, F).
    """
    size = kraus_rows.shape[0]
    require_memory(
        across_bytes(*kraus_rows.shape),
        "the search for a shorter circuit of this channel",
        "use --effort 0: the closed form needs no search",
    )
    turns = np.zeros((size, size, size, size), dtype=np.complex128)
    for a in range(size):
        turns[a, a, a, a] = 1j
        for b in range(a):
            turns[a, b, a, b], turns[a, b, b, a] = 1, -1
            turns[b, a, a, b], turns[b, a, b, a] = 1j, 1j
    moves = real_form((turns.reshape(-1, size, size) @ kraus_rows).reshape(size * size, -1))
    del turns
    _, values, rows = np.linalg.svd(moves, full_matrices=all_directions(*kraus_rows.shape))
    rank = int((values > 1e-9 * max(1.0, values.max(initial=0.0))).sum())
    few = rank * FEW < moves.shape[1]
    return Across(few, np.ascontiguousarray(rows[:rank] if few else rows[rank:]))


def all_directions(environment: int, entries: int) -> bool:
    """Return whether the directions of the environment are many: only then the others, N^2 numbers, are needed."""
    return environment * FEW >= 2 * entries


def across_bytes(environment: int, entries: int) -> float:
    """Return what :func:`across_environment` needs at its peak: the turns with their products, or the decomposition."""
    moves = 16.0 * environment**3 * entries
    width, height = 2 * environment * entries, environment**2
    rows = width if all_directions(environment, entries) else min(width, height)
    return max(16.0 * environment**4 + 2.0 * moves, 3.0 * moves + 8.0 * (2.0 * rows * width + 3.0 * min(width, height) ** 2))


def across_seconds(environment: int, entries: int) -> float:
    """Return the modelled seconds of :func:`across_environment`: a decomposition of E^2 rows and 2 E F columns."""
    width, height = 2.0 * environment * entries, float(environment**2)
    least = min(width, height)
    return SVD_COST * (width**2 * least if all_directions(environment, entries) else width * height * least)


@dataclass(frozen=True)
class ChannelFit:
    """The equations of a channel over a pattern.

    Attributes:
        pattern: where the CZ are.
        kraus_rows: M, shape (2^(q-n), 2^(n+m)), zero rows at the end where there are fewer Kraus operators.
        across: of :func:`across_environment`.
    """

    pattern: CzPattern
    kraus_rows: ComplexArray
    across: Across

    def guess(self, x: FloatArray) -> Guess:
        """Evaluate free angles; the error is the norm of the residual."""
        angles = self.pattern.spread(x)
        sweep = self.pattern.sweep(angles, self.pattern.matrices(angles)[0])
        rows = sweep.isometry.reshape(x.shape[0], *self.kraus_rows.shape)
        left, _, right = np.linalg.svd(rows @ self.kraus_rows.conj().T)
        back = (left @ right).conj().transpose(0, 2, 1)
        real = real_form((back @ rows - self.kraus_rows).reshape(x.shape[0], -1))
        residual = real if self.across.along else real @ self.across.rows.T
        loss = (residual**2).sum(axis=1)
        return Guess(x, residual, loss, np.sqrt(loss), (sweep, back))

    def system(self, guess: Guess) -> NormalEquations:
        """Return the normal equations of the residual."""
        sweep, back = guess.memo or self.guess(guess.x).memo
        blocks, parts = self.pattern.matrices(self.pattern.spread(guess.x), derivatives=True)
        assert parts is not None
        starts, environment = guess.x.shape[0], self.kraus_rows.shape[0]
        output = sweep.isometry.shape[1] // environment
        last = (back[:, :, None, :, None] * np.eye(output)[:, None, :]).reshape(starts, environment * output, -1)
        slopes = self.pattern.slopes(sweep, blocks, parts, last).reshape(starts, self.kraus_rows.size, -1)
        real = np.concatenate([slopes.real, slopes.imag], axis=1)
        return least_squares(self.across.project(real), guess.residual)

    def keep(self, index: IntArray) -> ChannelFit:
        """Return the same equations: they are those of every start."""
        return self

    def work(self, starts: int) -> float:
        """Return the modelled seconds of one step."""
        unknowns, equations = self.pattern.free.size, 2 * self.kraus_rows.size
        least = min(unknowns, equations)
        algebra = SOLVE_COST * starts * least * (unknowns * equations + least**2 / 3)
        return STEP_COST + sweep_work(self.pattern, starts, rows=1 << self.pattern.width) + algebra
