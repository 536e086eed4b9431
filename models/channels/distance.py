# SPDX-License-Identifier: Apache-2.0
"""How far apart two channels are: process fidelity, and the diamond distance between certified ends.

The diamond distance ``||E - F||_diamond / 2`` is the value of a semidefinite program. With J the difference of the Choi
matrices and rho a full-rank input state, ``M = (sqrt rho (x) 1) J (sqrt rho (x) 1)`` gives a feasible point on either side:

    ``Tr M_+  <=  ||E - F||_diamond / 2  <=  lambda_max(Tr_out Z)``,  ``Z = (rho^(-1/2) (x) 1) M_+ (rho^(-1/2) (x) 1)``,

M_+ being the positive part: the left side is what measuring an entangled input tells, and Z satisfies the dual's ``Z >= J``
and ``Z >= 0``. ``rho -> sqrt rho (Tr_out Z) sqrt rho``, normalised, brings the two together, so that no solver is needed and
both ends are proven whatever the iteration does.

Source: Watrous, arXiv 1207.5726 (the semidefinite program); the iteration follows Arimoto's for channel capacities.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stinespring.readings import ComplexArray, FloatArray

__all__ = ["DiamondDistance", "diamond_distance", "process_fidelity"]

LARGE = 128  # rows of a Choi matrix from which an iteration takes long
WORK, LEAST_ROUNDS = 2e9, 4  # rows cubed times iterations: some seconds of one core
ROUNDING = 1e-13  # relative size of an eigenvalue that is none
FLOOR = 1e-12  # least eigenvalue of the input state, relative to 1/D


class DiamondDistance(NamedTuple):
    """A certified interval for ``||E - F||_diamond / 2``, the best probability gain in telling E from F, in [0, 1]."""

    low: float
    high: float


def process_fidelity(choi: ComplexArray, other: ComplexArray, *, inputs: int) -> float:
    """Return ``(Tr sqrt(sqrt J sqrt))^2 / D^2`` of two Choi matrices with an input of dimension D = ``inputs``, in [0, 1]."""
    values, vectors = np.linalg.eigh(choi)
    root = (vectors * np.sqrt(without_rounding(values))) @ vectors.conj().T
    inner = without_rounding(np.linalg.eigvalsh(root @ other @ root))
    return float(min(1.0, np.sqrt(inner).sum() ** 2 / inputs**2))


def without_rounding(values: FloatArray) -> FloatArray:
    """Return eigenvalues without those that are rounding: their roots would be errors of 1e-8."""
    return np.where(values > ROUNDING * values.max(initial=0.0), np.maximum(values, 0.0), 0.0)


def diamond_distance(
    choi: ComplexArray, other: ComplexArray, *, inputs: int, gap: float = 1e-6, rounds: int = 500, decided: float | None = None
) -> DiamondDistance:
    """Return a certified interval for half the diamond norm of the difference of two channels.

    Args:
        choi: Choi matrix of E, the input most significant.
        other: Choi matrix of F.
        inputs: the input's dimension D.
        gap: stop when the interval is this narrow, relative to its upper end.
        rounds: stop after so many iterations, of large matrices after fewer: so many that it takes a few seconds. The
            interval is valid in any case.
        decided: for large matrices stop as soon as the interval lies on one side of this number.
    """
    difference = choi - other
    difference = (difference + difference.conj().T) / 2
    outputs = len(choi) // inputs
    rho = np.eye(inputs, dtype=np.complex128) / inputs
    low, high = 0.0, 1.0
    large = len(choi) > LARGE
    for _ in range(min(rounds, max(LEAST_ROUNDS, round(WORK / len(choi) ** 3)))):
        values, vectors = np.linalg.eigh(rho)
        values = np.maximum(values, FLOOR / inputs)
        values /= values.sum()
        root = (vectors * np.sqrt(values)) @ vectors.conj().T
        inverse = (vectors / np.sqrt(values)) @ vectors.conj().T
        weighted = _both_sides(root, difference, outputs)
        spectrum, states = np.linalg.eigh(weighted)
        positive = (states * np.maximum(spectrum, 0)) @ states.conj().T
        dual = _both_sides(inverse, positive, outputs)
        gains = np.einsum("iojo->ij", dual.reshape(inputs, outputs, inputs, outputs))
        low = max(low, float(np.trace(positive).real))
        high = min(high, float(np.linalg.eigvalsh((gains + gains.conj().T) / 2)[-1]))
        if high - low <= gap * high or high < 1e-15:
            break
        if large and decided is not None and (low > decided or high <= decided):
            break
        rho = root @ gains @ root
        rho = (rho + rho.conj().T) / (2 * np.trace(rho).real)
    return DiamondDistance(min(low, high), high)


def _both_sides(factor: ComplexArray, matrix: ComplexArray, outputs: int) -> ComplexArray:
    """Return ``(A (x) 1) J (A (x) 1)`` for a Hermitian A on the input."""
    size = len(factor)
    tensor = matrix.reshape(size, outputs, size, outputs)
    return np.asarray(np.einsum("ai,iojp,jb->aobp", factor, tensor, factor, optimize=True).reshape(matrix.shape))
