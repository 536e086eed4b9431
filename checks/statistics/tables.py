# SPDX-License-Identifier: Apache-2.0
"""A verdict on tables of counts, each against its own law."""

from __future__ import annotations

import numpy as np

from stinespring.checks.statistics.distance import measured_distance
from stinespring.checks.statistics.family import of_table, scope_figures
from stinespring.checks.statistics.gtest import pool
from stinespring.checks.statistics.ruling import beyond, decide, shots_for_tables
from stinespring.checks.statistics.table_test import tested
from stinespring.readings import FloatArray
from stinespring.stages import Distance, Verdict

__all__ = ["distance_of", "judge_tables"]


def judge_tables(
    observed: FloatArray, law: FloatArray, *, alpha: float, resolution: float, what: str, seed: int = 0
) -> Verdict:
    """Return the verdict of one G-test over several independent tables.

    Args:
        observed: counts, shape (S, D).
        law: shape (S, D), rows sum to 1.
        alpha: the false-alarm rate.
        resolution: the mean TVD that a PASS must be able to detect.
        what: what the tables are, for the reason.
        seed: of a Monte-Carlo p-value.
    """
    totals = observed.sum(axis=1)
    shots = int(totals.sum())
    test = tested("tables", pool(observed, law, shots), shots, alpha, np.random.default_rng(seed))
    impossible = int(observed[law <= 0].sum())
    p_value = 0.0 if impossible else test.p_value
    short = test.resolution > resolution and p_value >= alpha
    needed = shots_for_tables(law, totals / shots, alpha, resolution, shots) if short else None
    verdict, reason = decide(p_value, alpha, test.resolution, resolution, needed, f"{shots:,} shots over {what}")
    distance = distance_of(observed, law)
    if verdict == "PASS" and distance.low > resolution:
        verdict, reason = "UNVERIFIED", f"{beyond(distance.low, resolution)}; {reason}"
    if impossible:
        reason = f"{impossible} shot(s) gave outcomes of probability 0"
    return Verdict(
        verdict, reason, p_value, alpha, shots, test.resolution, distance, needed,
        figures={"scope": scope_figures([of_table(test, "all", f"every deviation over {what}")])},
        details={"tables": {"count": len(law), "degrees_of_freedom": test.cells.degrees, "method": test.method}},
    )  # fmt: skip


def distance_of(observed: FloatArray, law: FloatArray) -> Distance:
    """Return the distance between the frequencies of all tables together and their laws, each with its share of the shots."""
    totals = observed.sum(axis=1)
    shots = int(totals.sum())
    return measured_distance(observed.ravel(), (law * (totals / shots)[:, None]).ravel())
