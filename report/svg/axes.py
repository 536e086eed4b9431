# SPDX-License-Identifier: Apache-2.0
"""Scales and axes: where values lie on a drawing, and the numbers beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from stinespring.report.svg.paper import SMALL, Paper

__all__ = ["Frame", "Scale", "linear", "logarithmic", "number"]

RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Scale:
    """Where values of an axis lie.

    Attributes:
        low, high: the values at the axis' ends.
        start, end: pixels of these.
        ticks: values with a number.
        names: the numbers.
        log: whether the axis is logarithmic.
    """

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]
    names: tuple[str, ...]
    log: bool = False

    def __call__(self, value: float) -> float:
        """Return the pixel of a value, held to the axis."""
        if self.log:
            value = max(value, 1e-300)
            share = (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)


def linear(low: float, high: float, start: float, end: float, most: int = 5, *, whole: bool = False) -> Scale:
    """Return a linear axis with round numbers.

    Args:
        low: smallest value.
        high: largest value; where all are equal the axis goes a little further to both sides.
        start: pixel of the smallest value.
        end: pixel of the largest value.
        most: numbers.
        whole: whether only whole numbers make sense.

    Example:
        >>> linear(0, 1, 0, 100).names
        ('0', '0.2', '0.4', '0.6', '0.8', '1')
    """
    if not high > low:
        room = max(0.5, abs(low) * 0.1)
        low, high = low - room, high + room
    raw = (high - low) / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(s * power for s in STEPS if s * power >= raw * (1 - 1e-9))
    step = max(1.0, math.ceil(step)) if whole else step
    first = math.ceil(low / step - 1e-9)
    ticks = [i * step for i in range(first, math.floor(high / step + 1e-9) + 1)]
    return Scale(low, high, start, end, tuple(ticks), tuple(number(t) for t in ticks))


def logarithmic(low: float, high: float, start: float, end: float, most: int = 6) -> Scale:
    """Return a logarithmic axis with powers of ten; over less than two decades also with 2 and 5 times these.

    Example:
        >>> logarithmic(0.001, 1, 0, 100).names
        ('10⁻³', '0.01', '0.1', '1')
    """
    if not high > low:
        low, high = low / 2, high * 2
    bottom, top = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    every = max(1, -(-(top - bottom) // most))
    factors = (1, 2, 5) if math.log10(high / low) < 2 else (1,)
    ticks = [f * 10.0**p for p in range(bottom, top + 1, every) for f in factors]
    ticks = [t for t in ticks if low * (1 - 1e-9) <= t <= high * (1 + 1e-9)]
    if len(ticks) < 2:  # less than a decade
        ticks = [t for t in linear(low, high, start, end, 4).ticks if t > 0]
    return Scale(low, high, start, end, tuple(ticks), tuple(number(t) for t in ticks), log=True)


def number(value: float) -> str:
    """Return a number of an axis, short.

    Example:
        >>> number(0.25), number(1e-6), number(-3.0)
        ('0.25', '10⁻⁶', '−3')
    """
    if value == 0 or 0.005 <= abs(value) < 1e5:
        return f"{value:.6g}".replace("-", "−")
    factor, _, power = f"{value:.3g}".partition("e") if "e" in f"{value:.3g}" else f"{value:.2e}".partition("e")
    base = f"10{str(int(power)).translate(RAISED)}"
    shown = f"{float(factor):.3g}".replace("-", "−")
    return base if shown == "1" else f"−{base}" if shown == "−1" else f"{shown}·{base}"


@dataclass(frozen=True)
class Frame:
    """The two axes of a plot."""

    across: Scale
    up: Scale

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return the pixels of a point."""
        return self.across(x), self.up(y)

    def draw(self, paper: Paper, across: str = "", up: str = "") -> None:
        """Draw the axes with their numbers and names; the vertical one's name stands above it."""
        left, right, bottom, top = self.across.start, self.across.end, self.up.start, self.up.end
        for value, name in zip(self.up.ticks, self.up.names, strict=True):
            paper.line(left, self.up(value), right, self.up(value), "grid")
            paper.words(left - 6, self.up(value) + 0.35 * SMALL, name, "soft", at="end")
        numbers(paper, self.across, bottom)
        paper.line(left, bottom, right, bottom, "axis")
        if across:
            paper.words((left + right) / 2, bottom + 40, across, "soft", at="middle")
        if up:
            paper.words(4, top - 12, up, "soft")


def numbers(paper: Paper, scale: Scale, y: float, above: Sequence[float] = ()) -> None:
    """Write the numbers below a horizontal axis; those that would stand in another one are left out."""
    free = -1e9
    for value, name in zip(scale.ticks, scale.names, strict=True):
        x, half = scale(value), 0.31 * SMALL * len(name)
        if x - half < free:
            continue
        free = x + half + 4
        paper.line(x, y, x, y + 4, "axis")
        if above:
            paper.line(x, above[0], x, y, "grid")
        paper.words(x, y + 18, name, "soft", at="middle")
