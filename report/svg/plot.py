# SPDX-License-Identifier: Apache-2.0
"""Plots of lines and points, and bars with a reference: what sphere, spins and lens are shown by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stinespring.readings import FloatArray
from stinespring.report.svg.axes import Frame, Scale, linear, logarithmic, numbers
from stinespring.report.svg.paper import LETTER, PANEL, SMALL, Paper, Picture, clipped, width_of

__all__ = ["Series", "bars_picture", "diagram_picture", "plot_picture"]

RIGHT, BOTTOM = 12.0, 340.0
KEYS = 20.0  # pixels of a line of the legend
MOST = 400  # points of one line
FINE = 0.5  # pixels within which points are one


@dataclass(frozen=True, eq=False)
class Series:
    """One line, or dots.

    Attributes:
        name: in the legend; none is without.
        x, y: shape (N,); points that are not finite are left out, a line is broken there.
        kind: classes, as ``curve c1`` or ``dots c1``.
        error: half the height of the bar of each dot, shape (N,).
        upper: upper edge of a band whose lower edge is ``y``.
    """

    name: str
    x: FloatArray
    y: FloatArray
    kind: str = "curve c1"
    error: FloatArray | None = None
    upper: FloatArray | None = None


def plot_picture(
    series: Sequence[Series], *, title: str, across: str, up: str, log: bool = False, whole: bool = False,
    names: Sequence[str] = (), low: float | None = None, high: float | None = None, desc: str = "",
) -> Picture:  # fmt: skip
    """Return lines and dots over one pair of axes.

    Args:
        series: what is drawn, in order.
        title: of the picture.
        across: what the horizontal axis is.
        up: what the vertical axis is.
        log: whether the vertical axis is logarithmic; what is not positive lies on its lower end.
        whole: whether the horizontal axis has whole numbers only.
        names: of the numbers 0, 1, ... on the horizontal axis, turned.
        low: lower end of the vertical axis instead of that of the data.
        high: its upper end.
        desc: what it shows; by default the ends of every series.
    """
    paper = Paper()
    keys = placed_keys([s for s in series if s.name])
    lines = keys[-1][1] + 1 if keys else 0
    top = 42.0 + KEYS * lines + (22.0 if up else 0.0)
    bottom = top + 260.0
    below = max((width_of(name, SMALL) for name in names), default=0.0) * 0.77 + 12 if names else 0.0
    xs = np.concatenate([s.x for s in series]) if series else np.zeros(1)
    xs = xs[np.isfinite(xs)] if np.isfinite(xs).any() else np.zeros(1)
    first, last = float(xs.min()), float(xs.max())
    if names:
        first, last = -0.5, len(names) - 0.5
    vertical = up_scale(series, bottom, top, log, low, high)
    left = 14 + max((width_of(name, SMALL) for name in vertical.names), default=20.0)
    frame = Frame(linear(first, last, left, PANEL - RIGHT, 5, whole=whole), vertical)
    paper.words(4, 16, clipped(title, PANEL - 8), "strong", hint=title)
    for one, line, x in keys:
        draw_key(paper, one, x, 38 + KEYS * line)
    if names:
        left = max(left, 0.7 * width_of(names[0], SMALL))
        frame = Frame(Scale(first, last, left, PANEL - RIGHT, (), ()), vertical)
        named_axis(paper, frame, names)
    frame.draw(paper, "" if names else across, up)
    for one in series:
        draw_series(paper, frame, one)
    return paper.picture(PANEL, bottom + (below if names else 48), title, desc or told(series, across, up))


def up_scale(series: Sequence[Series], bottom: float, top: float, log: bool, low: float | None, high: float | None) -> Scale:
    """Return the vertical axis."""
    found = [np.zeros(0)]
    for s in series:
        reach = 0.0 if s.error is None else np.nan_to_num(s.error)
        found += [s.y - reach, s.y + reach] + ([] if s.upper is None else [s.upper])
    values = np.concatenate(found)
    values = values[np.isfinite(values) & ((values > 0) | (not log))]
    smallest, most = (float(values.min()), float(values.max())) if values.size else (0.1, 1.0)
    smallest, most = smallest if low is None else low, most if high is None else high
    if log:
        return logarithmic(max(smallest, most * 1e-16), most * 1.2, bottom, top, 6)
    room = 0.03 * (most - smallest)
    return linear(smallest - room * (low is None), most + room * (high is None), bottom, top, 5)


def placed_keys(series: Sequence[Series]) -> list[tuple[Series, int, float]]:
    """Return the entries of a legend with their lines and places."""
    result, line, x = [], 0, 4.0
    for one in series:
        wide = 34 + width_of(one.name, SMALL)
        if x > 4 and x + wide > PANEL:
            line, x = line + 1, 4.0
        result.append((one, line, x))
        x += wide + 12
    return result


def draw_key(paper: Paper, one: Series, x: float, y: float) -> None:
    """Draw an entry of the legend."""
    if one.upper is not None:
        paper.box(x, y - 11, 22, 12, one.kind, share=0.25)
    elif one.kind.startswith("dots"):
        paper.dots([(x + 11, y - 5)], one.kind.removeprefix("dots").strip())
    else:
        paper.line(x, y - 5, x + 22, y - 5, one.kind)
    paper.words(x + 28, y, one.name, "soft")


def named_axis(paper: Paper, frame: Frame, names: Sequence[str]) -> None:
    """Write names below a horizontal axis, turned; of many only as many as have room."""
    y, step = frame.up.start, max(1, -(-int(len(names) * 17) // int(frame.across.end - frame.across.start)))
    for number in range(0, len(names), step):
        x = frame.across(float(number))
        paper.line(x, y, x, y + 4, "axis")
        paper.words(x + 4, y + 16, names[number], "soft", at="end", turn=-50)


def draw_series(paper: Paper, frame: Frame, one: Series) -> None:
    """Draw one series."""
    kept = np.isfinite(one.x) & np.isfinite(one.y)
    if one.upper is not None:
        edge = [*zip(one.x, one.y, strict=True), *zip(one.x[::-1], one.upper[::-1], strict=True)]
        paper.path([frame.at(x, y) for x, y in edge], f"{one.kind} area", closed=True)
        return
    if one.kind.startswith("dots"):
        if one.error is not None:
            for x, y, reach in zip(one.x[kept], one.y[kept], np.nan_to_num(one.error[kept]), strict=True):
                paper.line(
                    frame.across(x), frame.up(y - reach), frame.across(x), frame.up(y + reach), one.kind.removeprefix("dots ")
                )
        points = [frame.at(x, y) for x, y in zip(one.x[kept], one.y[kept], strict=True)]
        paper.dots(points, one.kind.removeprefix("dots").strip())
        return
    for run in np.split(np.arange(len(one.x)), np.flatnonzero(~kept)):
        part = run[kept[run]]
        if len(part) > 1:
            shown = part[np.unique(np.linspace(0, len(part) - 1, min(len(part), MOST)).round().astype(int))]
            paper.path([frame.at(x, y) for x, y in zip(one.x[shown], one.y[shown], strict=True)], one.kind)


def told(series: Sequence[Series], across: str, up: str) -> str:
    """Return every series in words: where it begins and ends."""
    parts = []
    for one in series:
        kept = np.flatnonzero(np.isfinite(one.y))
        if one.name and kept.size:
            parts.append(f"{one.name}: from {one.y[kept[0]]:.4g} to {one.y[kept[-1]]:.4g}")
    return f"{up} over {across}. " + "; ".join(parts) + "."


def bars_picture(
    names: Sequence[str], values: FloatArray, *, title: str, across: str, kinds: Sequence[str], reference: float | None = None,
    known: str = "", log: bool = False,
) -> Picture:  # fmt: skip
    """Return horizontal bars with their names beside them, and a dashed reference.

    Args:
        names: of the bars, from above.
        values: shape (R,); not finite: no bar.
        title: of the picture.
        across: what the bars are.
        kinds: class of each bar.
        reference: where the dashed line stands.
        known: what that is.
        log: whether the axis is logarithmic.
    """
    paper, row = Paper(), 26.0
    left = 12 + max((width_of(name) for name in names), default=0.0)
    top = 66.0 if known else 44.0
    bottom = top + row * len(names) + 4
    every = [*values[np.isfinite(values)].tolist(), *([] if reference is None else [reference])]
    if log:
        positive = [value for value in every if value > 0] or [0.1, 1.0]
        scale = logarithmic(min(positive) / 2, max(positive) * 1.3, left, PANEL - RIGHT, 4)
    else:
        scale = linear(min(0.0, *every, 0.0), max(0.0, *every, 1e-12), left, PANEL - RIGHT, 4)
    paper.words(4, 16, clipped(title, PANEL - 8), "strong", hint=title)
    numbers(paper, scale, bottom, (top - 6,))
    paper.words((left + PANEL - RIGHT) / 2, bottom + 38, across, "soft", at="middle")
    base = left if log else scale(0.0)
    for place, (name, value, kind) in enumerate(zip(names, values.tolist(), kinds, strict=True)):
        y = top + row * (place + 0.5)
        paper.words(left - 8, y + 0.35 * LETTER, name, "mono", at="end")
        if np.isfinite(value):
            x = scale(value)
            paper.box(min(base, x), y - 7, max(0.5, abs(x - base)), 14, kind, hint=f"{name}: {value:.4g}")
    paper.line(base, top - 6, base, bottom, "axis")
    if reference is not None:
        paper.line(scale(reference), top - 6, scale(reference), bottom, "dash")
        paper.line(4, 33, 26, 33, "dash")
        paper.words(32, 38, known, "soft")
    desc = "; ".join(f"{name} {value:.4g}" for name, value in zip(names, values.tolist(), strict=True))
    return paper.picture(PANEL, bottom + 48, title, f"{desc}{'' if reference is None else f'; {known}'}.")


def diagram_picture(levels: FloatArray, values: FloatArray, *, title: str, across: str, up: str) -> Picture:
    """Return all values that are taken at each level, as dots that become lines where they are dense.

    Args:
        levels: shape (B,); even a single one is seen.
        values: shape (B, K).
        title: of the picture.
        across: what the levels are.
        up: what the values are.
    """
    paper, finite = Paper(), values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    room = 0.04 * (high - low)
    vertical = linear(low - room, high + room, BOTTOM, 64.0, 5)
    left = 14 + max(width_of(name, SMALL) for name in vertical.names)
    first, last = float(levels.min()), float(levels.max())
    apart = 0.03 * (last - first)
    frame = Frame(linear(first - apart, last + apart, left, PANEL - RIGHT, 5), vertical)
    paper.words(4, 16, clipped(title, PANEL - 8), "strong", hint=title)
    frame.draw(paper, across, up)
    parts = []
    for level, row in zip(levels.tolist(), values, strict=True):
        x = frame.across(level)
        pixels = np.unique(np.round([frame.up(v) / FINE for v in row[np.isfinite(row)].tolist()]).astype(int))
        for run in np.split(pixels, np.flatnonzero(np.diff(pixels) > 1) + 1):
            if run.size:
                parts.append(f"M{x:.1f} {run[0] * FINE:g}V{run[-1] * FINE + 0.01:g}")
    spacing = (PANEL - RIGHT - left) / max(1, len(levels))
    size = "large" if spacing > 40 else "" if spacing > 8 else "fine" if spacing > 2 else "pixel"
    paper.parts.append(f'<path class="dots c1 {size}" d="{"".join(dict.fromkeys(parts))}"/>')
    desc = f"{up} between {low:.4g} and {high:.4g} at {len(levels)} values of {across} from {first:g} to {last:g}."
    return paper.picture(PANEL, BOTTOM + 48, title, desc)
