# SPDX-License-Identifier: Apache-2.0
"""The figure of sampled layer steps: success by circuit, and every outcome against its probability."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stinespring.report.figures.canvas import canvas, titled
from stinespring.report.figures.shares import draw_scatter, draw_shares, verdict_below
from stinespring.report.figures.tables import together
from stinespring.report.rows import rows_of, words_of
from stinespring.stages import Samples, Verdict

__all__ = ["plot_layers"]

SHOWN = 24  # circuits that are drawn


def plot_layers(samples: Samples, verdict: Verdict, path: Path) -> None:
    """Write the figure of sampled layer steps.

    Args:
        samples: of layers, one entry a circuit.
        verdict: shown below.
        path: ends in .png or .svg.
    """
    rows = rows_of(samples)
    shown = rows[:SHOWN]
    with canvas(path, 1, 2, size=(10.5, max(3.9, 0.28 * len(shown) + 2.1))) as (figure, axes):
        left, right = axes[0]
        kept, shots, law = np.array([(row.observed[:-1].sum(), row.shots, row.law[:-1].sum()) for row in shown]).T
        draw_shares(left, [row.name for row in shown], kept, shots, law, bars=False)
        left.set(xlabel="probability of success", xlim=(0.0, 1.02))
        left.set_title("success by circuit", fontsize=10)
        left.legend(frameon=False, fontsize=8)
        draw_scatter(right, *together(rows), "outcomes")
        more = f"; the first {SHOWN} of {len(rows):,} circuits" if len(rows) > SHOWN else ""
        titled(figure, f"{words_of(samples).title}, {samples.shots:,} shots each{more}", 12)
        verdict_below(figure, verdict)
