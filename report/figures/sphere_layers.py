# SPDX-License-Identifier: Apache-2.0
"""The figure of sampled layer steps: success by circuit, and every outcome against its probability."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stinespring.compiler.systems.sphere import SphereProgram
from stinespring.readings import FloatArray, IntArray
from stinespring.report.figures.plot import ANALYTIC, SAMPLED, require_figure, wilson_interval
from stinespring.report.figures.sphere import STYLE, new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_layers"]

SHOWN = 24  # circuits that are drawn


def plot_layers(programs: Sequence[SphereProgram], counts: IntArray, path: Path) -> None:
    """Write the figure of sampled layer steps.

    Args:
        programs: the circuits.
        counts: of each value with success, and last of failures; shape (S, 2^q + 1).
        path: ends in .png or .svg.
    """
    require_figure(path)
    from matplotlib import rc_context

    shown = min(SHOWN, len(programs))
    with rc_context(STYLE):
        figure, (left, right) = new_figure(nrows=1, ncols=2, figsize=(10.5, max(3.4, 0.28 * shown + 1.6)))
        draw_success(left, programs[:shown], counts[:shown])
        draw_outcomes(right, np.array([program.law() for program in programs]), counts)
        save_figure(figure, path)


def draw_success(axes: Axes, programs: Sequence[SphereProgram], counts: IntArray) -> None:
    """Draw the share of shots that were kept, with 95 % intervals, beside its probability."""
    shots, kept, places = int(counts[0].sum()), counts[:, :-1].sum(axis=1), np.arange(len(programs))
    low, high = wilson_interval(kept, shots)
    share = kept / shots
    bars = [np.maximum(0, share - low), np.maximum(0, high - share)]
    axes.errorbar(share, places, xerr=bars, fmt="o", ms=4, color=SAMPLED, capsize=2.5, lw=1.2, label="sampled (95 % interval)")
    axes.plot([p.success_probability for p in programs], places, "D", color=ANALYTIC, ms=5, alpha=0.8, label="analytic")
    axes.set_yticks(places, [f"{p.particle}, {p.read}" for p in programs])
    axes.invert_yaxis()
    axes.set(xlabel="probability of success", title="success by circuit: particle, what is read")
    axes.legend(frameon=False, fontsize=8)


def draw_outcomes(axes: Axes, law: FloatArray, counts: IntArray) -> None:
    """Draw the shares of all outcomes over their probabilities, with the band that shot noise allows."""
    shots = int(counts[0].sum())
    line = np.linspace(0.0, 1.0, 200)
    spread = 1.959964 * np.sqrt(line * (1 - line) / shots)
    axes.fill_between(line, line - spread, line + spread, color=ANALYTIC, alpha=0.25, lw=0, label="95 % of shot noise")
    axes.plot(line, line, color=ANALYTIC, lw=1)
    axes.plot(law.ravel(), (counts[:, :-1] / shots).ravel(), ".", color=SAMPLED, ms=5, alpha=0.7, label="outcomes")
    axes.set(xlabel="analytic probability", ylabel="sampled share", title="all outcomes together with success", xlim=(0, 1))
    axes.legend(frameon=False, fontsize=8)
