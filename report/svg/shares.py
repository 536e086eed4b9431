# SPDX-License-Identifier: Apache-2.0
"""Sampled shares with their intervals beside the analytic law: row by row, and all over their probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stinespring.readings import FloatArray
from stinespring.report.figures.shares import QUANTILE, Counts, wilson_interval
from stinespring.report.svg.axes import Frame, linear, logarithmic, numbers
from stinespring.report.svg.paper import LETTER, PANEL, SMALL, Paper, Picture, clipped, width_of

__all__ = ["scatter_picture", "shares_picture"]

GUTTER = 150.0  # pixels of names that stand beside their bars; longer ones stand above
BAR = 14.0
RIGHT = 12.0


def shares_picture(
    names: Sequence[str], counts: Counts, shots: float | FloatArray, law: FloatArray, *, title: str,
    across: str = "probability", whole: bool = False,
) -> Picture:  # fmt: skip
    """Return shares with 95 % intervals, one row each from the top, and the analytic probabilities beside them.

    Args:
        names: of the rows.
        counts: shape (R,).
        shots: out of how many, the same for all or shape (R,).
        law: shape (R,).
        title: of the picture.
        across: name of the horizontal axis.
        whole: whether the axis goes to 1.
    """
    paper, share = Paper(), counts / np.maximum(shots, 1)
    low, high = wilson_interval(counts, np.maximum(shots, 1))
    longest = max((width_of(name) for name in names), default=0.0)
    beside = longest <= GUTTER
    left, row = (longest + 12, 26.0) if beside else (4.0, 44.0)
    top, bottom = 66.0, 66.0 + row * len(names) + 4
    most = 1.0 if whole else max(1e-9, float(max(high.max(initial=0.0), law.max(initial=0.0))))
    scale = linear(0.0, min(1.0, most * 1.02), left, PANEL - RIGHT, 4)
    paper.words(4, 16, clipped(title, PANEL - 8), "strong", hint=title)
    legend(paper, 4, 38)
    numbers(paper, scale, bottom, (top - 6,))
    paper.words((left + PANEL - RIGHT) / 2, bottom + 38, across, "soft", at="middle")
    for place, name in enumerate(names):
        line = top + row * place + (row / 2 if beside else row - BAR / 2 - 6)
        if beside:
            paper.words(left - 8, line + 0.35 * LETTER, name, "mono", at="end")
        else:
            paper.words(left + 4, line - BAR / 2 - 6, clipped(name, PANEL - RIGHT - left), "mono", hint=name)
        hint = f"{name}: sampled {share[place]:.4f}, analytic {law[place]:.4f}"
        paper.box(left, line - BAR / 2, max(0.5, scale(share[place]) - left), BAR, "sampled", hint=hint)
        whisker(paper, scale(max(0.0, low[place])), scale(high[place]), line)
        paper.diamond(scale(law[place]), line, 5.5, "law ring")
    paper.line(left, top - 6, left, bottom, "axis")
    desc = "; ".join(f"{name}: sampled {s:.4f}, analytic {p:.4f}" for name, s, p in zip(names, share, law, strict=True))
    return paper.picture(PANEL, bottom + 48, title, desc)


def whisker(paper: Paper, low: float, high: float, line: float) -> None:
    """Draw an interval."""
    paper.line(low, line, high, line, "whisker")
    for end in (low, high):
        paper.line(end, line - 4, end, line + 4, "whisker")


def legend(paper: Paper, x: float, y: float) -> None:
    """Say what a bar and a diamond are."""
    paper.box(x, y - 11, 22, 12, "sampled")
    paper.line(x + 14, y - 5, x + 30, y - 5, "whisker")
    paper.words(x + 36, y, "sampled, 95 % interval", "soft")
    paper.diamond(x + 242, y - 5, 5.5, "law ring")
    paper.words(x + 254, y, "analytic law", "soft")


def scatter_picture(counts: Counts, shots: float | FloatArray, law: FloatArray, what: str) -> Picture:
    """Return every share over its probability, with the band that shot noise allows, both logarithmic.

    Args:
        counts: shape (R,); what was never read is left out.
        shots: out of how many, the same for all or shape (R,); the band is that of the fewest.
        law: shape (R,); what cannot occur is left out.
        what: the things that are drawn, in the plural.
    """
    paper, fewest, share = Paper(), float(np.min(shots)), counts / np.maximum(shots, 1)
    shown = (law > 0) & (counts > 0)
    least = min(float(law[shown].min(initial=1.0)), 1.0 / fewest) / 2
    floor = min(0.5 / fewest, 0.5 * float(share[shown].min(initial=1.0)))
    left, right, top, bottom = 58.0, PANEL - RIGHT, 78.0, 340.0
    frame = Frame(logarithmic(least, 1.0, left, right, 5), logarithmic(floor, 1.5, bottom, top, 5))
    line = np.geomspace(least, 1.0, 60)
    spread = QUANTILE * np.sqrt(line * (1 - line) / fewest)
    edge = [*zip(line, line + spread, strict=True), *zip(line[::-1], np.maximum(line - spread, floor)[::-1], strict=True)]
    title = f"all sampled {what}"
    paper.words(4, 16, title, "strong")
    paper.dots([(12, 33)], "sampled")
    paper.words(22, 38, what, "soft")
    room = 32 + width_of(what, SMALL)
    paper.box(room, 27, 22, 12, "law", share=0.3)
    paper.words(room + 28, 38, "95 % of shot noise", "soft")
    paper.path([frame.at(x, y) for x, y in edge], "band", closed=True)
    frame.draw(paper, "analytic probability", "sampled share")
    paper.path([frame.at(x, x) for x in (max(least, floor), 1.0)], "lawline")
    paper.dots([frame.at(x, y) for x, y in zip(law[shown], share[shown], strict=True)], "sampled")
    spread = QUANTILE * np.sqrt(law[shown] * (1 - law[shown]) / fewest)
    inside = float(np.mean(abs(share[shown] - law[shown]) <= spread + 1e-12)) if shown.any() else 1.0
    desc = (
        f"Sampled share over analytic probability of {int(shown.sum()):,} {what}; {inside:.0%} lie in the band of shot noise."
    )
    return paper.picture(PANEL, bottom + 48, title, desc)
