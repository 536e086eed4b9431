# SPDX-License-Identifier: Apache-2.0
"""A verdict on tables of counts, each against its own law."""

from __future__ import annotations

import numpy as np

from stinespring.checks.statistics.distance import hellinger_fidelity, noise_floor, total_variation, tvd_interval
from stinespring.checks.statistics.gtest import detectable_tvd, pool, upper_tail
from stinespring.checks.texts.verdict import decide, two_digits
from stinespring.readings import FloatArray
from stinespring.stages import Verdict

__all__ = ["judge_tables"]


def judge_tables(observed: FloatArray, law: FloatArray, *, alpha: float, resolution: float, what: str) -> Verdict:
    """Return the verdict of one G-test over several independent tables.

    Args:
        observed: counts, shape (S, D).
        law: shape (S, D), rows sum to 1.
        alpha: the false-alarm rate.
        resolution: the mean TVD that a PASS must be able to detect.
        what: what the tables are, for the reason.
    """
    shots = int(observed.sum())
    cells = pool(observed, law, shots)
    p_value, method = upper_tail(cells, np.random.default_rng(0))
    impossible = int(observed[law <= 0].sum())
    p_value = 0.0 if impossible else p_value
    detects = min(1.0, detectable_tvd(cells.degrees, shots, alpha) + cells.hidden)
    needed = two_digits(shots * (detects / resolution) ** 2) if detects > resolution and p_value >= alpha else None
    verdict, reason = decide(p_value, alpha, detects, resolution, needed, f"{shots:,} shots over {what}")
    if impossible:
        reason = f"{impossible} shot(s) gave outcomes of probability 0"
    frequencies, weighted = (observed / shots).ravel(), (law / len(law)).ravel()
    tvd = total_variation(frequencies, weighted)
    low, high = tvd_interval(tvd, shots, law.size)
    floor = noise_floor(weighted, observed.ravel().astype(np.int64), weighted)
    return Verdict(
        verdict=verdict, p_value=p_value, tvd=tvd, tvd_low=low, tvd_high=high, tvd_noise_floor=floor,
        hellinger_fidelity=hellinger_fidelity(frequencies, weighted), resolution=detects, shots=shots, alpha=alpha,
        shots_needed=needed, reason=reason,
        details={"tables": {"count": len(law), "degrees_of_freedom": cells.degrees, "method": method}},
    )  # fmt: skip
