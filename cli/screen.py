# SPDX-License-Identifier: Apache-2.0
"""What people read: lines and tables no wider than the screen, no word broken, and what files were written."""

from __future__ import annotations

import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TextIO

__all__ = ["print_table", "say", "table", "width", "wrote"]

WIDTH, NARROWEST = 80, 40  # columns where nobody says how many there are, and those that are taken to be there
FLEXIBLE, LONGEST_WORD = 24, 40  # columns that a text, and a word, keep before another column is left out
TIGHT = 8  # columns that a text keeps where all others stay
GAP = "  "


def width() -> int:
    """Return the columns of the screen: what ``COLUMNS`` says, else the terminal's, else 80."""
    return max(NARROWEST, shutil.get_terminal_size((WIDTH, 24)).columns)


def say(text: str, to: TextIO | None = None) -> None:
    """Print lines for people; what is longer than the screen goes on in the next line, indented, between two words."""
    lines = [piece for line in text.split("\n") for piece in (wrapped(line, width(), "  ") or [""])]
    (to or sys.stdout).write("\n".join([*lines, ""]))


def wrote(*paths: str | Path) -> None:
    """Say on stderr what files were written, one a line, so that a line can be pasted."""
    for path in paths:
        sys.stderr.write(f"wrote {path}\n")


def wrapped(text: str, room: int, indent: str = "") -> list[str]:
    """Return a text in lines of at most so many columns where its words allow it; one that fits stays as it is.

    Example:
        >>> wrapped("one two three", 8), wrapped("unbreakable word", 6, "  ")
        (['one two', 'three'], ['unbreakable', '  word'])
    """
    if columns_of(text) <= room:
        return [text]
    spare = columns_of(text) - len(text)  # wide characters: as if all of them were in one line
    return textwrap.wrap(text, max(1, room - spare), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def columns_of(text: str) -> int:
    """Return how many columns of a screen a text takes.

    Example:
        >>> columns_of("abc"), columns_of("漢字"), columns_of("e\N{COMBINING ACUTE ACCENT}")
        (3, 4, 1)
    """
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], least: Sequence[str] = ()) -> None:
    """Print a small table for people, no wider than the screen: see :func:`table`."""
    say(title)
    sys.stdout.write("\n".join(["", *table(columns, rows, width(), least), "", ""]))


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], room: int, least: Sequence[str] = ()) -> list[str]:
    """Return a table in lines of at most ``room`` columns.

    The first column, and those whose name begins with ``what``, stand on the left and may take several lines, broken between
    words; a word longer than its column ends in ``…``. Where that is not enough, columns are left out; a last line says which.

    Args:
        columns: their names.
        rows: of cells, as many as there are names.
        room: columns of the screen.
        least: names of columns that may be left out, the least important one first.
    """
    found = [TableColumn(name, [row[n] for row in rows], n == 0 or name.startswith("what")) for n, name in enumerate(columns)]
    out: list[str] = []
    while over([column.floor() for column in found], room) and (going := leaving(found, least)) is not None:
        found.remove(going)
        out.append(going.name)
    floors = [column.floor() for column in found]
    if over(floors, room):
        floors = [column.floor(TIGHT) for column in found]
    sizes = [max(map(columns_of, [column.name, *column.cells])) for column in found]
    while over(sizes, room) and (loose := [i for i, size in enumerate(sizes) if size > floors[i]]):
        sizes[max(loose, key=lambda i: sizes[i] - floors[i])] -= 1
    rule = GAP + "─" * (sum(sizes) + len(GAP) * (len(found) - 1))
    left = [column.left for column in found]
    lines = [*laid_out([column.name for column in found], sizes, left), rule]
    for row in zip(*(column.cells for column in found), strict=True):
        lines += laid_out(row, sizes, left)
    return [*lines, "", *wrapped(missing(out), room, GAP)] if out else lines


class TableColumn(NamedTuple):
    """A column of a table.

    Attributes:
        name: above it.
        cells: below that.
        left: whether it is text, on the left, and may take several lines.
    """

    name: str
    cells: Sequence[str]
    left: bool

    def floor(self, text: int = FLEXIBLE) -> int:
        """Return the least columns it can be shown in; a text in ``text``, or its longest word, if it has that many."""
        head = max(map(columns_of, self.name.split()), default=0)
        widest = max(map(columns_of, self.cells), default=0)
        if not self.left:
            return max(head, widest)
        word = max((columns_of(word) for cell in self.cells for word in cell.split()), default=0)
        return max(head, min(widest, max(text, min(word, LONGEST_WORD if text == FLEXIBLE else text))))


def over(sizes: Sequence[int], room: int) -> bool:
    """Return whether columns of these sizes are wider than the screen."""
    return sum(sizes) + len(GAP) * len(sizes) > room


def leaving(columns: Sequence[TableColumn], least: Sequence[str]) -> TableColumn | None:
    """Return the column that is left out next: an empty one, else the least important one; None: all others stay."""
    there = {column.name: column for column in columns}
    may = [there[name] for name in least if name in there]
    return next((column for column in may if not any(column.cells)), may[0] if may else None)


def missing(names: Sequence[str]) -> str:
    """Say which columns were left out."""
    return f"{GAP}left out for want of room: {', '.join(names)}; a wider screen (or COLUMNS=120) shows them, --json has them"


def laid_out(cells: Sequence[str], sizes: Sequence[int], left: Sequence[bool]) -> list[str]:
    """Return one row of a table as lines."""
    pieces = [[cut(piece, size) for piece in wrapped(cell, size)] for cell, size in zip(cells, sizes, strict=True)]
    lines = []
    for number in range(max(map(len, pieces))):
        line = ""
        for piece, size, on_left in zip(pieces, sizes, left, strict=True):
            text = piece[number] if number < len(piece) else ""
            space = " " * (size - columns_of(text))
            line += GAP + (text + space if on_left else space + text)
        lines.append(line.rstrip())
    return lines


def cut(text: str, room: int) -> str:
    """Return a text that is at most so many columns wide; one that was longer ends in ``…``."""
    if columns_of(text) <= room:
        return text
    while columns_of(text) > room - 1:
        text = text[:-1]
    return text + "…"
