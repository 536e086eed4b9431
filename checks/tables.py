# SPDX-License-Identifier: Apache-2.0
"""The verdict on samples whose law comes as tables, whatever their source."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stinespring.checks.combine import combined, merged_scope
from stinespring.checks.statistics.ruling import require_shares
from stinespring.checks.statistics.tables import judge_tables
from stinespring.errors import InputError
from stinespring.readings import FloatArray
from stinespring.stages import Samples, Table, Verdict

__all__ = ["check_tables"]


def check_tables(
    samples: Samples, *, alpha: float = 0.001, resolution: float = 0.05, seed: int = 0, what: str | None = None
) -> Verdict:
    """Test samples against the law of what was asked, computed from their source alone.

    Tables of one ``test`` share one G-test; several tests share the false-alarm rate and are combined (Bonferroni). An outcome
    of probability 0 is a FAIL.

    Args:
        samples: what was sampled.
        alpha: the false-alarm rate.
        resolution: the mean TVD that a PASS must have been able to detect.
        seed: of Monte-Carlo p-values.
        what: what the rows of the tables are, for the reason; by default the name of the test, with their number.

    Raises:
        InputError: no samples, or alpha or resolution out of range.
    """
    require_shares(alpha, resolution)
    if min(outcomes.shots for outcomes in samples.outcomes) < 1:
        raise InputError("there are no samples to check", got="0 shots", expected="at least 1")
    groups: dict[str, list[Table]] = {}
    for table in samples.asked.law(samples.source).tables(samples.outcomes):
        groups.setdefault(table.test, []).append(table)
    parts = {}
    for test, group in groups.items():
        observed, law = stacked([t.observed for t in group]), stacked([t.law for t in group])
        words = f"{len(law)} {what or test}" if what or len(law) > 1 else test
        share = alpha / len(groups)
        parts[test] = judge_tables(observed, law, alpha=share, resolution=resolution, what=words, seed=seed)
    if len(parts) == 1:
        return next(iter(parts.values()))
    figures = {"scope": merged_scope(parts)}
    return combined(parts, alpha=alpha, shots=sum(part.shots for part in parts.values()), figures=figures)


def stacked(parts: Sequence[FloatArray]) -> FloatArray:
    """Return tables below each other, shape (T, D), filled up with zeros to the widest one."""
    widest = max(part.shape[1] for part in parts)
    return np.concatenate([np.pad(part, ((0, 0), (0, widest - part.shape[1]))) for part in parts])
