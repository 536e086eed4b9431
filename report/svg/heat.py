# SPDX-License-Identifier: Apache-2.0
"""Heat maps whose rows and columns have names: prompts, tokens, layers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from stinespring.readings import FloatArray
from stinespring.report.svg.paper import LETTER, PANEL, SMALL, Paper, Picture, clipped, width_of

__all__ = ["heat_picture", "share_of"]

CELL, ROW = 44.0, 28.0
NAMES, HEADS = 260.0, 150.0  # most pixels of a row's name, and of a column's, which is turned
TURN = math.radians(50)


def share_of(value: float) -> str:
    """Return a probability in few letters; nothing where it rounds to nothing.

    Example:
        >>> share_of(0.25), share_of(1.0), share_of(0.001)
        ('.25', '1', '')
    """
    return "1" if value >= 0.995 else f"{value:.2f}".lstrip("0") if value >= 0.005 else ""


def heat_picture(
    values: FloatArray, rows: Sequence[str], columns: Sequence[str], *, title: str, across: str = "", down: str = "",
    written: Callable[[float], str] = share_of, colour: Callable[[float], float] = float,
    marks: Sequence[int] | None = None, desc: str = "",
) -> Picture:  # fmt: skip
    """Return a heat map.

    Args:
        values: from 0 to 1, shape (R, C); cells that are NaN stay empty.
        rows: their names; one that is cut has the whole as a hint.
        columns: their names.
        title: of the picture.
        across: what the columns are.
        down: what the rows are.
        written: what is written into a cell.
        colour: the share of the colour by value.
        marks: for each row the column that is framed.
        desc: what it shows; by default its largest values.
    """
    paper = Paper()
    left = 14 + min(NAMES, max((width_of(name) for name in (*rows, down)), default=0.0))
    longest = min(HEADS, max((width_of(name) for name in columns), default=0.0))
    flat = longest <= CELL - 4
    heads = SMALL + 6 if flat else longest * math.sin(TURN) + 14
    top = 26.0 + (20.0 if across else 0.0) + heads
    side = 6.0 if flat else longest * math.cos(TURN) + 6
    wide = left + CELL * len(columns) + side
    paper.words(4, 16, clipped(title, max(wide, PANEL) - 8), "strong", hint=title)
    if across:
        paper.words(left, 38, across, "soft")
    if down:
        paper.words(left - 8, top - 6, down, "soft", at="end")
    for i, name in enumerate(columns):
        x = left + CELL * (i + 0.5)
        shown = clipped(name, HEADS if not flat else CELL)
        turn, at = (0.0, "middle") if flat else (-math.degrees(TURN), "start")
        paper.words(x if flat else x + 4, top - 6, shown, "mono", at=at, turn=turn, hint=name)
    for j, name in enumerate(rows):
        y = top + ROW * j
        paper.words(left - 8, y + 0.5 * ROW + 0.35 * LETTER, clipped(name, NAMES), "mono", at="end", hint=name)
        for i in np.flatnonzero(np.isfinite(values[j])).tolist():
            value, x = float(values[j, i]), left + CELL * i
            hint = f"{name}, {columns[i]}: {value:.4f}"
            paper.box(x + 1, y + 1, CELL - 2, ROW - 2, "heat", share=min(1.0, max(0.0, colour(value))), hint=hint)
            if words := written(value):
                paper.words(x + CELL / 2, y + ROW / 2 + 0.35 * SMALL, words, "small", at="middle")
            if marks is not None and marks[j] == i:
                paper.box(x + 1.5, y + 1.5, CELL - 3, ROW - 3, "mark")
    paper.box(left, top, CELL * len(columns), ROW * len(rows), "frame")
    fixed = wide > PANEL
    return paper.picture(
        max(wide, PANEL), top + ROW * len(rows) + 8, title, desc or largest(values, rows, columns), fixed=fixed
    )


def largest(values: FloatArray, rows: Sequence[str], columns: Sequence[str]) -> str:
    """Return the largest value of every row in words."""
    told = [
        f"{name}: {columns[int(np.nanargmax(row))]} {np.nanmax(row):.3f}"
        for name, row in zip(rows, values, strict=True) if np.isfinite(row).any()
    ]  # fmt: skip
    return "The largest value of each row. " + "; ".join(told) + "."
