# SPDX-License-Identifier: Apache-2.0
"""Quasi-probabilities from elsewhere against the law of texts: what somebody else's mitigation made of counts.

They are no counts: they may be negative, their errors are correlated and larger than shot noise, so that no G-test applies.
They are judged as ``q = (1/N) sum_i w(s_i)``: the mean over N independent shots of what the mitigation makes of one, with
``sum_x |w(s, x)| <= g``. Then every observable of size 1 has at most the standard deviation ``s = g / sqrt(N)``, which is
Qiskit's ``stddev_upper_bound`` and, with g^2 the ``mitigation_overhead``, mthree's. Over K cells, with t the mean of q:

    E (1/2) sum_x |q - t| <= s sqrt(K) / 2        (random signs give sum_x Var q(x) <= s^2; then Cauchy and Schwarz)
    one shot changes (1/2) sum_x |q - t| by at most g / N: beyond its mean by s sqrt(ln(1/a) / 2) at most at the rate a

(McDiarmid, Surveys in Combinatorics 1989). The sum of both bounds how far the distance that is seen can be from the true one.
That the mean t is the law that was prepared, that is that the calibration is exact, is whoever mitigated's word.
"""

from __future__ import annotations

from math import ceil, exp, inf, log, sqrt
from typing import NamedTuple

import numpy as np

from stinespring.checks.statistics.distance import CONFIDENCE
from stinespring.checks.statistics.ruling import MOST_SHOTS, require_shares, two_digits
from stinespring.models.texts.law import TextLaw
from stinespring.readings import FloatArray, IntArray
from stinespring.stages import Distance, Ruling, Verdict

__all__ = ["Quasi", "check_quasi"]

SAID = "these are quasi-probabilities, no counts"


class Quasi(NamedTuple):
    """Quasi-probabilities of texts.

    Attributes:
        texts: shape (U, L); they may repeat.
        shares: shape (U,), of any sign; they add up to 1.
        error: s, a bound on the standard deviation of every observable of size 1; None where nobody said.
        shots: N, where somebody said.
    """

    texts: IntArray
    shares: FloatArray
    error: float | None
    shots: int | None


def check_quasi(
    law: TextLaw, quasi: Quasi, *, alpha: float = 0.001, resolution: float = 0.05, within: float | None = None
) -> Verdict:
    """Judge quasi-probabilities by their distance from a law.

    FAIL if the true TVD is above 0 (above ``within``, where that is given) but for a chance of alpha; PASS if it is at most the
    resolution (at most ``within``) but for such a chance; else, and always without a stated error or where the law cannot be
    listed, UNVERIFIED.

    Args:
        law: the law of the texts.
        quasi: what is judged.
        alpha: the rate at which either bound may be wrong.
        resolution: the TVD that a PASS excludes.
        within: D of an equivalence test.

    Raises:
        InputError: alpha or resolution out of range.
    """
    require_shares(alpha, resolution)
    joint = law.listed
    if joint is not None:
        observed = law.tallied(joint, quasi.texts, quasi.shares)
        wanted = np.append(joint.probabilities, 0.0)
    else:
        texts, where = np.unique(quasi.texts, axis=0, return_inverse=True)
        observed = np.bincount(where.ravel(), weights=quasi.shares, minlength=len(texts)).astype(np.float64)
        wanted = law.probabilities(texts)
    tvd = float(abs(observed - wanted).sum() + max(0.0, 1.0 - wanted.sum())) / 2
    cells = inf if joint is None else int((wanted > 0).sum()) + 1
    error = inf if quasi.error is None else quasi.error

    def off(rate: float) -> float:
        return error * (sqrt(cells) / 2 + sqrt(log(1 / rate) / 2))

    def at(rate: float) -> tuple[float, float]:
        return max(0.0, tvd - off(rate)), min(1.0, tvd + off(rate))

    low, high = at(alpha)
    edge, bound = (0.0, resolution) if within is None else (within, within)
    ruling: Ruling = "FAIL" if low > edge else "PASS" if high <= bound else "UNVERIFIED"
    distance = Distance(
        tvd, *at(1 - CONFIDENCE), min(1.0, error * sqrt(cells) / 2), fidelity(observed, wanted), whole=joint is not None, at=at
    )
    told = {
        "entries": len(quasi.shares), "negative": float(np.minimum(quasi.shares, 0.0).sum()), "error": quasi.error,
        "shots": quasi.shots, "cells": None if joint is None else cells, "low": low, "high": high,
        "outside": float(observed[wanted <= 0].sum()),
    }  # fmt: skip
    needed = None
    if ruling == "UNVERIFIED" and quasi.shots and error < inf and cells < inf and tvd < bound:
        factor = (off(alpha) / (bound - max(0.0, tvd - error * sqrt(cells) / 2))) ** 2
        needed = two_digits(ceil(quasi.shots * max(1.0, factor))) if quasi.shots * factor < MOST_SHOTS else None
    seen = min(1.0, off(alpha) + off(0.1)) if error < inf else 1.0
    figures = {"quasi": told} | ({} if within is None else {"within": within, "within_low": low, "within_high": high})
    return Verdict(
        ruling, reason_of(quasi, tvd, low, high, (edge, bound), alpha, listed=joint is not None),
        p_value(tvd - edge, error, cells), alpha, quasi.shots or 0, seen, distance, needed, figures=figures,
    )  # fmt: skip


def reason_of(
    quasi: Quasi, tvd: float, low: float, high: float, edges: tuple[float, float], alpha: float, *, listed: bool
) -> str:
    """Return the reason in one sentence."""
    if quasi.error is None:
        return (
            f"{SAID}: their TVD from the law is {tvd:.4f}, and nothing says how far chance alone takes them; state the shots "
            f"and the overhead of the mitigation, or its stddev_upper_bound, or give the counts"
        )
    if not listed:
        return f"{SAID}: the law has too many texts to be listed, so that nothing bounds the error of their TVD {tvd:.4f}"
    edge, bound = edges
    which = "above" if low > edge else "within" if high <= bound else "not decided at"
    aim = edge if low > edge else bound
    return (
        f"{SAID}: by their stated error {quasi.error:.3g} the true TVD lies in [{low:.4f}, {high:.4f}] with confidence "
        f"{100 * (1 - alpha):.6g} %, {which} {aim:g}; that their mean is what was prepared is the mitigation's word"
    )


def p_value(tvd: float, error: float, cells: float) -> float:
    """Return a bound on the chance of such a distance where the true one is 0 (or ``within``, which is taken off)."""
    if inf in (error, cells):
        return 1.0
    return exp(-2 * max(0.0, tvd / error - sqrt(cells) / 2) ** 2)


def fidelity(observed: FloatArray, wanted: FloatArray) -> float:
    """Return ``(sum sqrt(q p))^2`` of what is left of q without negative entries, normalised."""
    kept = np.maximum(observed, 0.0)
    return float(np.sqrt(kept / kept.sum() * wanted).sum() ** 2) if kept.sum() > 0 else 0.0
