# SPDX-License-Identifier: Apache-2.0
"""Drop the tail of a law within an allowed total variation distance, so that the outcome fits on fewer qubits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stinespring.compiler.texts.operations import StepLaw
from stinespring.readings import FloatArray, rows_of

__all__ = ["averaged", "bits", "spent", "truncate"]


def bits(count: int) -> int:
    """Return the number of qubits for ``count`` codes, at least 1.

    Example:
        >>> [bits(n) for n in (1, 2, 3, 4, 5)]
        [1, 1, 2, 2, 3]
    """
    return max(1, (count - 1).bit_length())


def spent(law: StepLaw, distances: FloatArray, *, worst: bool) -> float:
    """Return what changing each context's law by a TVD (shape (B,)) costs the joint law.

    Known prompt: ``sum_w P(w) d(w)``, by replacing the laws one step after the other. Quantum prompt (``worst``): nothing is
    known of w, so the largest distance counts.
    """
    return float(distances.max(initial=0.0) if worst else law.reach @ distances)


def truncate(law: StepLaw, budget: float, *, worst: bool = False, own: bool = False) -> tuple[StepLaw, float]:
    """Keep the likeliest outcomes, as few qubits' worth as the budget allows.

    Renormalising a row that lost the mass ``m`` moves it by TVD m, so the joint law moves by at most
    ``sum_w P(w) m(w)``. A context whose outcomes are all dropped gets the likeliest kept one.

    Args:
        law: the law of one step.
        budget: the most that the joint law may move.
        worst: bound the error for the worst context instead of the mean; see :func:`spent`.
        own: every context keeps its own likeliest outcomes; otherwise all keep the same.

    Returns:
        The law, and the bound on what it costs, at most ``budget``.
    """
    if own:
        return truncate_each(law, budget)
    marginal = law.reach @ law.probabilities
    order = np.argsort(-marginal, kind="stable")
    support = int((law.probabilities > 0).any(axis=0).sum())
    for width in range(1, bits(support)):
        kept = np.sort(order[: 2**width])
        mass = law.probabilities[:, kept].sum(axis=1)
        error = spent(law, np.clip(1.0 - mass, 0.0, 1.0), worst=worst)
        if error <= budget:
            break
    else:
        return law, 0.0
    probabilities = np.zeros_like(law.probabilities)
    probabilities[:, kept] = law.probabilities[:, kept] / np.where(mass > 0, mass, 1.0)[:, None]
    probabilities[mass <= 0, order[0]] = 1.0
    return replace(law, probabilities=probabilities), error


def truncate_each(law: StepLaw, budget: float) -> tuple[StepLaw, float]:
    """Return the law whose contexts each keep their own likeliest outcomes, and the bound on what it costs."""
    of_text = averaged(law)
    columns = [law.reads.index(place) for place in of_text.reads]
    shares = of_text.probabilities[rows_of(of_text.contexts, law.contexts[:, columns])]
    order = np.argsort(-shares, axis=1, kind="stable")
    support = int((law.probabilities > 0).sum(axis=1).max())
    for width in range(1, bits(support)):
        kept = np.zeros(law.probabilities.shape, dtype=bool)
        np.put_along_axis(kept, order[:, : 2**width], True, axis=1)
        mass = (law.probabilities * kept).sum(axis=1)
        error = spent(law, np.clip(1.0 - mass, 0.0, 1.0), worst=False)
        if error <= budget and (mass > 0).all():
            return replace(law, probabilities=law.probabilities * kept / mass[:, None]), error
    return law, 0.0


def averaged(law: StepLaw) -> StepLaw:
    """Return a token law as a function of the text alone: attended positions are averaged over with their probabilities."""
    columns = [i for i, place in enumerate(law.reads) if place.role != "environment"]
    if len(columns) == len(law.reads):
        return law
    contexts, where = np.unique(law.contexts[:, columns], axis=0, return_inverse=True)
    reach = np.zeros(len(contexts))
    np.add.at(reach, where.ravel(), law.reach)
    total = np.zeros((len(contexts), law.probabilities.shape[1]))
    np.add.at(total, where.ravel(), law.reach[:, None] * law.probabilities)
    reads = tuple(law.reads[i] for i in columns)
    return replace(law, reads=reads, contexts=contexts, probabilities=total / reach[:, None], reach=reach)
