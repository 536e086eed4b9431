# SPDX-License-Identifier: Apache-2.0
"""The figure of samples whose law comes as tables, whatever their source: observed shares against exact ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stinespring.report.figures.canvas import canvas, label, titled
from stinespring.report.figures.shares import draw_scatter, draw_shares, verdict_below
from stinespring.report.rows import SampledRow, rows_of, words_of
from stinespring.stages import Samples, Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_tables"]

LINES = 24  # rows of two outcomes, one line each
PANELS = 11  # rows of more outcomes, one panel each
COLUMNS = 3  # of panels
BARS, MOST_BARS = 8, 16  # outcomes of one panel among several, and of a single one


def plot_tables(samples: Samples, verdict: Verdict, path: Path) -> None:
    """Write the figure: the outcomes of each row with 95 % intervals beside their probabilities, and all together.

    A row of two outcomes is one line, since one share says all; a row of more is a panel with its most frequent outcomes.

    Args:
        samples: whose law comes as tables.
        verdict: shown below.
        path: ends in .png or .svg.
    """
    words, rows = words_of(samples), rows_of(samples)
    narrow = all(len(row.law) == 2 for row in rows)
    shown = rows[: LINES if narrow else PANELS]
    title = f"{words.title}, {samples.shots:,} shots" + (" each" if len(rows) > 1 else "")
    if len(shown) < len(rows):
        title += f"; the first {len(shown)} of {len(rows):,} {words.rows}"
    bars = MOST_BARS if len(rows) == 1 else BARS
    columns = 2 if narrow or len(rows) == 1 else COLUMNS
    high = 1 if narrow else -(-(len(shown) + 1) // columns)
    lines = len(shown) if narrow else max(len(row.likeliest(bars)) for row in shown)
    size = (11.0 if columns == 2 else 13.0, max(3.6, high * (0.3 * lines + 1.2) + 0.8))
    with canvas(path, high, columns, size=size) as (figure, axes):
        panels = list(axes.ravel())
        last = draw_lines(panels[0], shown) if narrow else draw_panels(panels, shown, bars)
        draw_scatter(panels[last], *together(rows), "outcomes")
        for spare in panels[last + 1 :]:
            spare.axis("off")
        titled(figure, title, 12)
        verdict_below(figure, verdict)


def draw_lines(axes: Axes, rows: Sequence[SampledRow]) -> int:
    """Draw the share of the first outcome of every row, a line each; return the number of the next panel."""
    counts, shots, law = np.array([(row.observed[0], row.shots, row.law[0]) for row in rows]).T
    draw_shares(axes, [row.name for row in rows], counts, shots, law, bars=False)
    axes.set(xlabel=f"probability of {rows[0].outcome(0)}", xlim=(-0.02, 1.02))
    axes.legend(frameon=False, fontsize=8, ncols=2, loc="lower left", bbox_to_anchor=(0.0, 1.0))
    return 1


def draw_panels(panels: Sequence[Axes], rows: Sequence[SampledRow], bars: int) -> int:
    """Draw the most frequent outcomes of every row, a panel each; return the number of the next panel."""
    for axes, row in zip(panels, rows, strict=False):
        kept = row.likeliest(bars)
        names = [label(row.outcome(code), 20) for code in kept]
        draw_shares(axes, names, row.observed[kept], row.shots, row.law[kept])
        rest = f", {len(kept)} of {len(row.law):,} outcomes" if len(kept) < len(row.law) else ""
        axes.set_title(label(row.name, 40) + rest, fontsize=10)
    panels[0].legend(frameon=False, fontsize=8, loc="lower right")
    return len(rows)


def together(rows: Sequence[SampledRow]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return all counts, the shots of their rows, and their probabilities."""
    shots = np.concatenate([np.full(len(row.law), row.shots) for row in rows])
    return np.concatenate([row.observed for row in rows]), shots, np.concatenate([row.law for row in rows])
