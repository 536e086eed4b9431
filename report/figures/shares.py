# SPDX-License-Identifier: Apache-2.0
"""What figures of sampled shares have in common: intervals, the analytic law beside them, and the verdict below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from stinespring.readings import FloatArray, IntArray
from stinespring.stages import Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["ANALYTIC", "COLOURS", "SAMPLED", "draw_scatter", "draw_shares", "verdict_below", "wilson_interval"]

COLOURS = {"PASS": "#1b7f4d", "FAIL": "#b3261e", "UNVERIFIED": "#8a6100"}
SAMPLED, ANALYTIC, INTERVAL = "#3b6fb6", "#d9822b", "#1d3557"
Counts = IntArray | FloatArray
QUANTILE = 1.959964  # 95 %


def wilson_interval(counts: Counts, shots: float | IntArray | FloatArray, z: float = QUANTILE) -> tuple[FloatArray, FloatArray]:
    """Return the Wilson score interval of each share, 95 % by default.

    Source: Wilson, J. Am. Stat. Assoc. 22, 209 (1927).
    """
    share = counts / shots
    centre = (share + z**2 / (2 * shots)) / (1 + z**2 / shots)
    half = z / (1 + z**2 / shots) * np.sqrt(share * (1 - share) / shots + z**2 / (4 * shots**2))
    return np.asarray(centre - half), np.asarray(centre + half)


def draw_shares(
    axes: Axes, names: Sequence[str], counts: Counts, shots: float | FloatArray, law: FloatArray, *, bars: bool = True
) -> None:
    """Draw shares with 95 % intervals, one row each from the top, and the analytic probabilities beside them.

    Args:
        axes: to draw on.
        names: of the rows.
        counts: shape (R,).
        shots: out of how many, the same for all or shape (R,).
        law: shape (R,).
        bars: whether the shares are bars; points otherwise.
    """
    places, share = np.arange(len(names)), counts / shots
    low, high = wilson_interval(counts, shots)
    text = "sampled (95 % interval)"
    if bars:
        axes.barh(places, share, color=SAMPLED, alpha=0.75, label=text)
    reach = [np.maximum(0, share - low), np.maximum(0, high - share)]
    points = {"fmt": "none", "ecolor": INTERVAL} if bars else {"fmt": "o", "ms": 4, "color": SAMPLED, "label": text}
    axes.errorbar(share, places, xerr=reach, capsize=2.5, lw=1.2, **points)
    axes.plot(law, places, "D", color=ANALYTIC, ms=5, alpha=0.9, label="analytic law")
    axes.set_yticks(places, list(names))
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(left=0)


def draw_scatter(axes: Axes, counts: Counts, shots: float | FloatArray, law: FloatArray, what: str) -> None:
    """Draw every share over its probability, with the band that shot noise allows, both logarithmic.

    Args:
        axes: to draw on.
        counts: shape (R,); what was never read is left out.
        shots: out of how many, the same for all or shape (R,); the band is that of the fewest.
        law: shape (R,); what cannot occur is left out.
        what: the things that are drawn, in the plural.
    """
    least_shots, share = float(np.min(shots)), counts / shots
    shown = (law > 0) & (counts > 0)
    least = min(float(law[shown].min(initial=1.0)), 1.0 / least_shots)
    line = np.geomspace(least / 2, 1.0, 200)
    spread = QUANTILE * np.sqrt(line * (1 - line) / least_shots)
    bottom = np.maximum(line - spread, least / 10)
    axes.fill_between(line, bottom, line + spread, color=ANALYTIC, alpha=0.25, lw=0, label="95 % of shot noise")
    axes.plot(line, line, color=ANALYTIC, lw=1)
    axes.plot(law[shown], share[shown], ".", color=SAMPLED, ms=4, alpha=0.7, label=f"sampled {what}")
    axes.set(xscale="log", yscale="log", xlabel="analytic probability", ylabel="sampled share")
    axes.set_ylim(bottom=min(0.5 / least_shots, 0.5 * float(share[shown].min(initial=1.0))), top=1.5)
    axes.set_title(f"all sampled {what}", fontsize=10)
    axes.legend(frameon=False, loc="upper left")


def verdict_below(figure: Figure, verdict: Verdict) -> None:
    """Write the verdict and the figures behind it below a figure."""
    words = [verdict.verdict, f"p = {verdict.p_value:.3g}"]
    if verdict.distance is not None:
        words.append(f"TVD {verdict.distance.tvd:.4f} (noise {verdict.distance.noise_floor:.4f})")
    if verdict.resolution < 1:
        words.append(f"resolution {verdict.resolution:.3g}")
    figure.supxlabel("   ".join(words), color=COLOURS[verdict.verdict], fontsize=11, fontweight="bold")
