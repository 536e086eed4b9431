# SPDX-License-Identifier: Apache-2.0
r"""The one canvas that every figure is drawn on: opened alike, written whole, the same bytes for the same figure.

Nothing on it is read as mathematics: a token may be called ``$x$`` or ``\n``. Formulas are written in Unicode. What the font
cannot draw (emoji, control characters, half a character) is written as an escape.
"""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stinespring.errors import InputError, shorten
from stinespring.report.visible import BLANK, LINE, escaped
from stinespring.writing import require_place, write_whole

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

__all__ = [
    "canvas",
    "drawable",
    "image",
    "label",
    "lowered",
    "opened_figure",
    "raised",
    "require_figure",
    "require_matplotlib",
    "titled",
    "wrapped",
]

STYLE: Any = {
    "svg.hashsalt": "stinespring", "axes.spines.top": False, "axes.spines.right": False, "text.parse_math": False
}  # fmt: skip
DPI = 150
WIDE = 1e3  # of a logarithmic axis whose powers are close enough
LOWERED, RAISED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"), str.maketrans("0123456789-\N{MINUS SIGN}", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻")
EXPONENT = re.compile(r"\^\{(.*?)\}")
LONGEST_TITLE = 600  # characters


def require_figure(path: Path) -> None:
    """Refuse a figure that could not be written, before anything is computed."""
    if path.suffix.lower() not in (".png", ".svg"):
        raise InputError("the figure's format is not known", got=str(path), expected="a name that ends in .png or .svg")
    require_place(path, "figure")
    require_matplotlib("--plot")


def require_matplotlib(option: str) -> None:
    """Refuse an option that draws where there is nothing to draw with."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise InputError(
            "matplotlib is not installed",
            got=option,
            expected="the extra [plot]",
            todo="pip install 'stinespring[plot]'",
        ) from None


@contextmanager
def canvas(
    path: Path, rows: int = 1, columns: int = 1, *, size: tuple[float, float], font: float = 10, **options: Any
) -> Iterator[tuple[Figure, Any]]:
    """Open a figure with its axes, shape (rows, columns); write it when the block ends well, and close it.

    Args:
        path: ends in .png or .svg.
        rows: of axes.
        columns: of axes.
        size: width and height in inches.
        font: size of the letters in points.
        **options: of ``Figure.subplots``.

    Raises:
        InputError: another ending, no such folder, or matplotlib is not installed.
    """
    require_figure(path)
    with opened_figure(rows, columns, size=size, font=font, **options) as (figure, axes):
        yield figure, axes
        content = image(figure, path.suffix.lower()[1:])
    write_whole(path, content)


@contextmanager
def opened_figure(
    rows: int = 1, columns: int = 1, *, size: tuple[float, float], font: float = 10, **options: Any
) -> Iterator[tuple[Figure, Any]]:
    """Open a figure that needs no screen, with its axes, shape (rows, columns); nothing of it outlives the block."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with rc_context({**STYLE, "font.size": font}):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        yield figure, figure.subplots(rows, columns, squeeze=False, **options)


def image(figure: Figure, kind: str, dpi: int = DPI) -> bytes:
    """Return a figure as a file's content, without the time at which it was made."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if axis.get_scale() == "log":
                write_powers(axis)
    make_drawable(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, dpi=dpi, metadata={"Date": None} if kind == "svg" else None)
    return buffer.getvalue()


def write_powers(axis: Axis) -> None:
    """Write the numbers of a logarithmic axis in Unicode, which matplotlib writes as mathematics.

    Over many decades ticks between the powers tell nothing, and take most of the time.
    """
    from matplotlib.ticker import LogFormatterSciNotation, NullLocator

    class Powers(LogFormatterSciNotation):
        def __call__(self, x: float, pos: int | None = None) -> str:
            return plain_power(str(super().__call__(x, pos)))

    axis.set_major_formatter(Powers())
    axis.set_minor_formatter(Powers(labelOnlyBase=False, minor_thresholds=(1, 0.4)))
    low, high = axis.get_view_interval()
    if high > WIDE * low:
        axis.set_minor_locator(NullLocator())


def plain_power(text: str) -> str:
    r"""Return a number as matplotlib writes it for mathematics, in Unicode.

    Example:
        >>> plain_power(r"$\mathdefault{2\times10^{-3}}$")
        '2×10⁻³'
    """
    inner = text.strip("$").replace(r"\mathdefault", "").replace(r"\times", "×")
    return EXPONENT.sub(lambda found: found[1].translate(RAISED), inner).strip("{}")


def lowered(number: int) -> str:
    """Return a number as an index."""
    return str(number).translate(LOWERED)


def raised(number: int) -> str:
    """Return a number as an exponent."""
    return str(number).translate(RAISED)


def drawable(text: str) -> str:
    r"""Return a text as it can be drawn: line ends made visible, escapes for what is no character or not in the font.

    Example:
        >>> drawable("$a$ \x00")
        '$a$ \\x00'
    """
    return "".join(LINE if c == "\n" else c if has_glyph(c) else escaped(c) for c in text)


@cache
def has_glyph(character: str) -> bool:
    """Return whether a character is one, can be seen, and is in the font that figures are written in."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return character.isprintable() and get_font(findfont(FontProperties())).get_char_index(ord(character)) != 0


def make_drawable(figure: Figure) -> None:
    """Write every text on a figure so that it can be drawn, whoever wrote it; the lines of a title stay lines."""
    from matplotlib.text import Text
    from matplotlib.ticker import FuncFormatter

    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if isinstance(written := axis.get_major_formatter(), FuncFormatter):  # what ticks with names have
                axis.set_major_formatter(FuncFormatter(lambda x, pos, names=written.func: lines_of(names(x, pos))))
    for text in figure.findobj(Text):
        text.set_text(lines_of(text.get_text()))


def lines_of(text: str) -> str:
    """Return a text that can be drawn, its lines kept."""
    return "\n".join(map(drawable, text.split("\n")))


def label(text: str, width: int = 32, *, spaces: bool = False) -> str:
    """Return a token or a text as it can be shown: line ends (and ``spaces``) made visible, cut where it is long."""
    shown = drawable(text)
    return shorten(shown.replace(" ", BLANK) if spaces else shown, width) or "(empty)"


def wrapped(text: str, inches: float, points: float = 10) -> str:
    """Return a title in as many lines as it takes in a figure of this width.

    Example:
        >>> wrapped("one two three", 0.6).splitlines()
        ['one two', 'three']
    """
    return "\n".join(textwrap.wrap(shorten(drawable(text), LONGEST_TITLE), max(4, int(132 * inches / points))))


def titled(figure: Figure, text: str, points: float = 11) -> None:
    """Give a figure a title that is not wider than it is."""
    figure.suptitle(wrapped(text, figure.get_figwidth(), points), fontsize=points)
