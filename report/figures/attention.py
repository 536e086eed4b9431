# SPDX-License-Identifier: Apache-2.0
"""The attention map: sampled shares of attended positions beside the analytic ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stinespring.readings import FloatArray
from stinespring.report.figures.canvas import canvas
from stinespring.report.figures.shares import verdict_below
from stinespring.stages import Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_attention"]

WRITTEN = 12  # positions up to which the shares are written into the map
DARK = 0.55  # shares above are written in white


def plot_attention(found: Verdict, path: Path) -> None:
    """Write the attention map: a row for each register, a column for each position; sampled left, analytic right.

    Args:
        found: the verdict on the map, see :func:`stinespring.checks.texts.attention.check_attention`.
        path: ends in .png or .svg.
    """
    registers = found.figures["registers"]
    sampled, analytic = ({name: np.array(one[key]) for name, one in registers.items()} for key in ("sampled", "analytic"))
    positions = max(len(shares) for shares in (*sampled.values(), *analytic.values()))
    size = (max(5.0, 2.6 + 1.1 * min(positions, WRITTEN)), 1.5 + 0.42 * len(analytic))
    with canvas(path, 1, 2, size=size, font=9, sharey=True) as (figure, axes):
        draw_map(axes[0, 0], sampled, positions, "sampled")
        draw_map(axes[0, 1], analytic, positions, "analytic")
        verdict_below(figure, found)


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
