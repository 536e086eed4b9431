# SPDX-License-Identifier: Apache-2.0
"""What every drawing is written on: lines, shapes and words of SVG, whose colours the page's style gives by class.

A :class:`Picture` either shrinks with the page (a panel, drawn for :data:`PANEL` pixels with letters of at least 11 pixels
on a telephone) or keeps its size and scrolls in a box of its own.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from stinespring.errors import shorten
from stinespring.report.visible import visible_text

__all__ = ["LETTER", "NARROW", "PANEL", "SMALL", "Paper", "Picture", "clipped", "place", "width_of"]

PANEL = 420.0  # pixels that a panel is drawn for
NARROW = 350.0  # pixels that a page on a telephone has for a figure
LETTER, SMALL = 14.0, 13.0  # pixels of letters
EM = 0.61  # width of a letter by its height, that of a wide one is twice as much
BROAD = ("W", "F")


def place(value: float) -> str:
    """Return a coordinate, to a hundredth of a pixel.

    Example:
        >>> place(1.0), place(2.125)
        ('1', '2.12')
    """
    return f"{value:.2f}".rstrip("0").rstrip(".") if value % 1 else str(int(value))


def width_of(words: str, size: float = LETTER) -> float:
    """Return how many pixels words take at most: no browser is asked, so letters count as those of a broad font."""
    wide = sum(2 if unicodedata.east_asian_width(c) in BROAD else not unicodedata.combining(c) for c in words)
    return EM * size * wide


def clipped(words: str, pixels: float, size: float = LETTER) -> str:
    """Return words, cut where they take more room than there is; the whole can be read elsewhere, as in a hint."""
    if width_of(words, size) <= pixels:
        return words
    return shorten(words, max(3, int(pixels / (EM * size))))


@dataclass(frozen=True)
class Picture:
    """A drawing as inline SVG.

    Attributes:
        width, height: in pixels, as it was drawn.
        title: its name, for who cannot see it.
        desc: what it shows.
        body: the elements.
        fixed: whether it keeps its size, and scrolls where the page is narrower.
    """

    width: float
    height: float
    title: str
    desc: str
    body: str
    fixed: bool = False

    def markup(self) -> str:
        """Return the element ``<svg>``; one that keeps its size stands in a box that scrolls and can be reached by keys."""
        size = f' width="{place(self.width)}" height="{place(self.height)}"' if self.fixed else ""
        svg = (
            f'<svg viewBox="0 0 {place(self.width)} {place(self.height)}"{size} role="img">'
            f"<title>{words_of(self.title)}</title><desc>{words_of(self.desc)}</desc>{self.body}</svg>"
        )
        if not self.fixed:
            return svg
        return f'<div class="scroll" tabindex="0" role="region" aria-label="{words_of(self.title)}">{svg}</div>'


class Paper:
    """Collects the elements of a drawing."""

    def __init__(self) -> None:
        self.parts: list[str] = []

    def picture(self, width: float, height: float, title: str, desc: str, *, fixed: bool = False) -> Picture:
        """Return what was drawn."""
        return Picture(width, height, title, desc, "".join(self.parts), fixed)

    def words(
        self, x: float, y: float, text: str, kind: str = "", *, at: str = "start", turn: float = 0.0, hint: str = ""
    ) -> None:
        """Write words.

        Args:
            x: where they start, end or have their middle.
            y: of the line they stand on.
            text: the words.
            kind: classes.
            at: ``start``, ``middle`` or ``end``.
            turn: in degrees, clockwise.
            hint: the whole of words that were cut.
        """
        anchor = "" if at == "start" else f' text-anchor="{at}"'
        turned = f' transform="rotate({place(turn)} {place(x)} {place(y)})"' if turn else ""
        told = f"<title>{words_of(hint)}</title>" if hint and hint != text else ""
        self.parts.append(f'<text x="{place(x)}" y="{place(y)}"{named(kind)}{anchor}{turned}>{told}{words_of(text)}</text>')

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str = "thin") -> None:
        """Draw a straight line."""
        self.path([(x1, y1), (x2, y2)], kind)

    def path(self, points: Iterable[Sequence[float]], kind: str, *, closed: bool = False) -> None:
        """Draw a line through points."""
        found = "L".join(f"{place(x)} {place(y)}" for x, y in points)
        self.parts.append(f'<path{named(kind)} d="M{found}{"Z" if closed else ""}"/>')

    def dots(self, points: Iterable[Sequence[float]], kind: str) -> None:
        """Draw dots: a path of lines without length, whose round ends are the dots; equal ones are drawn once."""
        found = "".join(dict.fromkeys(f"M{x:.1f} {y:.1f}h0" for x, y in points))
        if found:
            self.parts.append(f'<path{named(f"dots {kind}")} d="{found}"/>')

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        kind: str,
        *,
        share: float | None = None,
        hint: str = "",
        round: float = 0.0,
    ) -> None:
        """Draw a rectangle, with a share of its colour and a hint."""
        faint = "" if share is None else f' fill-opacity="{share:.3f}"'
        corners = f' rx="{place(round)}"' if round else ""
        size = f'x="{place(x)}" y="{place(y)}" width="{place(width)}" height="{place(height)}"'
        told = f"><title>{words_of(hint)}</title></rect>" if hint else "/>"
        self.parts.append(f"<rect {size}{named(kind)}{corners}{faint}{told}")

    def circle(self, x: float, y: float, radius: float, kind: str) -> None:
        """Draw a circle."""
        self.parts.append(f'<circle cx="{place(x)}" cy="{place(y)}" r="{place(radius)}"{named(kind)}/>')

    def diamond(self, x: float, y: float, size: float, kind: str) -> None:
        """Draw a diamond."""
        self.path([(x - size, y), (x, y - size), (x + size, y), (x, y + size)], kind, closed=True)


def named(kind: str) -> str:
    """Return classes as an attribute."""
    return f' class="{kind}"' if kind else ""


def words_of(text: str) -> str:
    """Return words as they can stand in SVG, lines joined; what cannot be seen becomes an escape."""
    return escape(visible_text(text))
