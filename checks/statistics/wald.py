# SPDX-License-Identifier: Apache-2.0
"""Pearson's test of counts against a law whose parameters were measured themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stinespring.checks.statistics.special import chi_squared_tail
from stinespring.readings import FloatArray

__all__ = ["Wald", "signed_wald", "wald"]

THIN = 10.0  # expected count below which cells are pooled
THIN_SIGNED = 25.0  # likewise of signed shares, whose variances are partly estimated from the same counts


@dataclass(frozen=True)
class Wald:
    """A test of counts against a law whose parameters were measured.

    Attributes:
        statistic: ``x^T S^+ x`` of the deviations x from the expected counts, with their covariance S.
        degrees: of freedom.
        p_value: from the chi-squared distribution.
        inflation: 1 plus the largest ratio of the calibration's variance to that of the counts, over all directions.
        hidden: the share of the expected counts in a pool of several outcomes.
    """

    statistic: float
    degrees: int
    p_value: float
    inflation: float
    hidden: float


def wald(observed: FloatArray, law: FloatArray, slopes: FloatArray, variances: FloatArray) -> Wald:
    """Return Pearson's test of counts against a law with measured parameters.

    With N counts, ``D = diag(N q)`` and slopes J of the expected counts, the deviations ``x = o - N q`` have the covariance
    ``D - D 1 1^T D / N + J C J^T``. All of it lies in the subspace of sum 0, where ``D^-1`` inverts the first two terms;
    the last one is added by Woodbury's formula. Cells with an expected count below 10 are pooled.

    Args:
        observed: counts, shape (K,).
        law: q, shape (K,).
        slopes: of q by each parameter, shape (K, m).
        variances: of the parameters, shape (m,).
    """
    total = float(observed.sum())
    observed, law, slopes, hidden = pooled(observed, law, slopes, THIN / total)
    degrees = len(law) - 1
    if degrees < 1:
        return Wald(0.0, 0, 1.0, 1.0, hidden)
    expected = total * law
    return of_deviations(observed - expected, expected, total * slopes * np.sqrt(variances), degrees, hidden)


def signed_wald(
    shares: FloatArray, law: FloatArray, spread: FloatArray, slopes: FloatArray, variances: FloatArray
) -> Wald:  # fmt: skip
    """Return the same test of signed shares, whose covariance is ``diag(v) - v v^T / sum(v) + J C J^T``.

    Cells are pooled as if there were ``1 / sum(v)`` shots.

    Args:
        shares: shape (K,), sum 1.
        law: q, shape (K,).
        spread: v, shape (K,), positive.
        slopes: of ``shares - q`` by each parameter, shape (K, m), columns of sum 0.
        variances: of the parameters, shape (m,).
    """
    thin, columns = THIN_SIGNED * float(spread.sum()), np.column_stack([slopes * np.sqrt(variances), spread])
    shares, law, columns, hidden = pooled(shares, law, columns, thin)
    degrees = len(law) - 1
    if degrees < 1:
        return Wald(0.0, 0, 1.0, 1.0, hidden)
    return of_deviations(shares - law, columns[:, -1], columns[:, :-1], degrees, hidden)


def of_deviations(x: FloatArray, spread: FloatArray, scaled: FloatArray, degrees: int, hidden: float) -> Wald:
    """Return the test of deviations x of sum 0 with the covariance ``diag(v) - v v^T / sum(v) + B B^T``.

    Args:
        x: shape (K,).
        spread: v, shape (K,).
        scaled: B, shape (K, m): ``J C^(1/2)``.
        degrees: of freedom.
        hidden: see :class:`Wald`.
    """
    deviation = x / np.sqrt(spread)
    weighted = scaled / np.sqrt(spread)[:, None]
    gram = weighted.T @ weighted
    along = weighted.T @ deviation
    statistic = float(deviation @ deviation - along @ np.linalg.solve(np.eye(len(gram)) + gram, along))
    inflation = 1.0 + float(np.linalg.eigvalsh(gram)[-1]) if len(gram) else 1.0
    return Wald(statistic, degrees, chi_squared_tail(statistic, degrees), inflation, hidden)


def pooled(
    observed: FloatArray, law: FloatArray, slopes: FloatArray, thin: float
) -> tuple[FloatArray, FloatArray, FloatArray, float]:
    """Return the cells with those below a probability added up in one, and that one's share; it is not thin itself."""
    order = np.argsort(law, kind="stable")
    small = int((law < thin).sum())
    if small == 0:
        return observed, law, slopes, 0.0
    total = np.cumsum(law[order])
    small = max(small, min(len(law), int(np.searchsorted(total, thin)) + 1))
    pool, rest = order[:small], np.sort(order[small:])

    def joined(values: FloatArray) -> FloatArray:
        return np.concatenate([values[rest], values[pool].sum(axis=0)[None]])

    share = float(law[pool].sum())
    return joined(observed), joined(law), joined(slopes), share if small > 1 else 0.0
