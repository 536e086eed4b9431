# SPDX-License-Identifier: Apache-2.0
"""Fits of a law over all outcome bits at once: saddle-free Gauss-Newton steps in a batch of starts.

The loss over complex amplitudes a is

    ``sum_{t,x} (|a_t(x)| - sqrt P(t|x))^2 / 2``.

Its Hessian in the plane of one amplitude is 1 along a, and ``1 - sqrt P / |a|`` across it. Plain Gauss-Newton keeps only the
first and stalls: an amplitude that is nearly zero turns freely, and the linear model of ``|a|`` holds for tiny steps only. With
``min(|1 - sqrt P / |a||, 1)`` across, random starts converge in some fifty iterations; where P is zero it is all of a.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from stinespring.circuits.search.joint_amplitudes import Amplitudes, Pattern, amplitudes, derivatives
from stinespring.circuits.search.levenberg import Guess, NormalEquations
from stinespring.readings import ComplexArray, FloatArray, IntArray

__all__ = ["JointFit"]

CALL_COST, LAYER_COST, RANK_COST = 2.5e-4, 1.2e-5, 6.5e-5  # modelled seconds of an iteration, a layer, a further turn in layers
ELEMENT_COST, SOLVE_COST = 2.6e-8, 2.6e-11  # of an entry of matrices and slopes, and of a multiply-add of the normal equations
TINY = 1e-150  # amplitudes below this have no direction
CURVED = 1e-4  # rows across with a smaller weight are left out


@dataclass(frozen=True)
class JointFit:
    """The equations ``|a_t(x)| = sqrt P(t|x)`` of a pattern of CZ, in a batch of starts.

    Attributes:
        pattern: where the CZ are.
        contexts: contexts that matter, shape (X,).
        wanted: sqrt P, shape (S or 1, X 2^k), the outcome being the fast index; each start may have codes of its own.
    """

    pattern: Pattern
    contexts: IntArray
    wanted: FloatArray

    def guess(self, x: FloatArray) -> Guess:
        """Evaluate angles; the error is the largest one of a probability."""
        run = amplitudes(self.pattern, x, self.contexts)
        modulus = np.asarray(abs(run.state).reshape(x.shape[0], -1), dtype=np.float64)
        residual = modulus - self.wanted
        return Guess(x, residual, (residual**2).sum(axis=1), abs(modulus**2 - self.wanted**2).max(axis=1), run)

    def system(self, guess: Guess) -> NormalEquations:
        """Return the curvature and the gradient."""
        run: Amplitudes = guess.memo or amplitudes(self.pattern, guess.x, self.contexts)
        modulus = abs(run.state)
        bra: ComplexArray = np.ones_like(run.state)
        np.divide(run.state.conj(), modulus, out=bra, where=modulus > TINY)
        slopes = derivatives(self.pattern, run, bra)
        radial = np.ascontiguousarray(slopes.real)
        curvature = radial @ radial.transpose(0, 2, 1)
        flat = modulus.reshape(guess.residual.shape)
        across = np.sqrt(np.minimum(abs(1 - self.wanted / np.maximum(flat, TINY)), 1.0))
        rows = np.flatnonzero(across.max(axis=0) > CURVED)
        if rows.size:
            turning = slopes.imag if rows.size == across.shape[1] else slopes.imag[:, :, rows]
            side = turning * across[:, None, rows]
            curvature += side @ side.transpose(0, 2, 1)
        return NormalEquations(curvature, radial @ guess.residual[:, :, None])

    def keep(self, index: IntArray) -> JointFit:
        """Return the equations of some of the starts."""
        return self if len(self.wanted) == 1 else replace(self, wanted=self.wanted[index])

    def work(self, starts: int) -> float:
        """Return the modelled seconds of one step."""
        pattern = self.pattern
        layers, rows = len(pattern.layers.couples), self.contexts.size << pattern.size
        sweep = LAYER_COST * layers + RANK_COST * (len(pattern.layers.ranks) - 1)
        entries = starts * rows * (len(pattern.layers.turns) + (layers << pattern.size))
        algebra = starts * pattern.parameters**2 * (2 * rows + pattern.parameters / 3)
        return float(CALL_COST + sweep + ELEMENT_COST * entries + SOLVE_COST * algebra)
