# SPDX-License-Identifier: Apache-2.0
"""The attention map: sampled shares of attended positions beside the analytic ones."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stinespring.checks.texts.attention import AttentionVerdict
from stinespring.readings import FloatArray
from stinespring.report.figures.plot import COLOURS, require_figure
from stinespring.writing import write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_attention"]

WRITTEN = 12  # positions up to which the shares are written into the map
DARK = 0.55  # shares above are written in white


def plot_attention(found: AttentionVerdict, path: Path) -> None:
    """Write the attention map: a row for each register, a column for each position; sampled left, analytic right.

    Args:
        found: the map with its verdict.
        path: ends in .png or .svg.
    """
    require_figure(path)
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    positions = max(len(law) for law in found.analytic.values())
    size = (2.6 + 1.1 * min(positions, WRITTEN), 1.5 + 0.42 * len(found.analytic))
    with pyplot.rc_context({"svg.hashsalt": "stinespring", "font.size": 9}):
        figure, (left, right) = pyplot.subplots(1, 2, figsize=size, sharey=True, layout="constrained")
        draw_map(left, found.sampled, positions, "sampled")
        draw_map(right, found.analytic, positions, "analytic")
        figure.supxlabel(f"{found.verdict}   p = {found.p_value:.3g}", color=COLOURS[found.verdict], fontweight="bold")
        buffer, kind = io.BytesIO(), path.suffix.lower()[1:]
        figure.savefig(buffer, format=kind, dpi=150, metadata={"Date": None} if kind == "svg" else None)
        pyplot.close(figure)
    write_whole(path, buffer.getvalue())


def draw_map(axes: Axes, shares: Mapping[str, FloatArray], positions: int, title: str) -> None:
    """Draw shares by register and position; positions that a register does not have stay white."""
    table = np.full((len(shares), positions), np.nan)
    for row, values in enumerate(shares.values()):
        table[row, : len(values)] = values
    axes.imshow(table, aspect="auto", cmap="Blues", vmin=0, vmax=1)
    if positions <= WRITTEN:
        for row, column in zip(*np.nonzero(np.isfinite(table)), strict=True):
            share = table[row, column]
            axes.text(column, row, f"{share:.3f}".lstrip("0") if share < 1 else "1", ha="center", va="center",
                      color="white" if share > DARK else "black")  # fmt: skip
        axes.set_xticks(range(positions))
    axes.set_yticks(range(len(shares)), list(shares))
    axes.set(xlabel="attended position", title=title)
