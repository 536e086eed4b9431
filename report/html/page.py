# SPDX-License-Identifier: Apache-2.0
"""A page of findings as one HTML file: nothing is loaded from anywhere, and whatever it quotes is escaped."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from stinespring.errors import shorten
from stinespring.report.html.document import READING, document
from stinespring.report.html.player import SCRIPT, stage
from stinespring.report.svg.paper import Picture
from stinespring.report.visible import legend, visible, visible_text
from stinespring.version import __version__
from stinespring.writing import write_whole

__all__ = [
    "Code", "Figure", "Finding", "Folded", "Page", "PageTable", "Part", "Player", "Section", "plain_table", "rendered",
]  # fmt: skip

LONG = 400  # characters of a value above which it is cut
WORDS = "what"  # columns that start so hold words and are read from the left


@dataclass(frozen=True)
class Finding:
    """A verdict, what it is about, and the sentence that explains it."""

    verdict: str
    about: str
    reason: str


@dataclass(frozen=True)
class PageTable:
    """Rows of text under a caption; the first cell of a row names it, columns that start with "what" hold words.

    Columns of ``tokens`` hold single tokens, every blank of which is made visible; of all other cells what breaks lines, and
    those blanks that could be overlooked.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    tokens: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Figure:
    """Pictures beside each other, or below each other where there is no room, and their caption."""

    pictures: Sequence[Picture]
    caption: str


@dataclass(frozen=True)
class Player:
    """A run that is played, with a title and a caption; ``data`` is what :mod:`stinespring.report.html.player` shows."""

    data: Mapping[str, Any]
    title: str
    caption: str


@dataclass(frozen=True)
class Code:
    """A text to be copied, folded under its title."""

    title: str
    text: str


@dataclass(frozen=True)
class Folded:
    """Parts folded under a title."""

    title: str
    parts: Sequence[str | PageTable | Figure]


Part = str | PageTable | Figure | Player | Code | Folded


@dataclass(frozen=True)
class Section:
    """A heading with paragraphs (str) and other parts below it."""

    title: str
    parts: Sequence[Part]


@dataclass(frozen=True)
class Page:
    """What a report says.

    Attributes:
        title: of the page.
        lead: one sentence below it.
        command: how to get the same numbers again.
        verdict: what the exit status follows, or None where nothing is judged.
        findings: all verdicts, if there is more than one.
        sections: the contents in order.
        provenance: versions, hashes, seed, backend; mappings within are flattened.
    """

    title: str
    lead: str
    command: str
    verdict: Finding | None = None
    findings: Sequence[Finding] = ()
    sections: Sequence[Section] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Write the page, whole or not at all."""
        write_whole(path, rendered(self))


def rendered(page: Page) -> str:
    """Return a page as HTML.

    Example:
        >>> "<h1>&lt;b&gt;</h1>" in rendered(Page(title="<b>", lead="", command="stinespring law"))
        True
    """
    body = [f'<header><h1>{escape(visible_text(page.title))}</h1><p class="lead">{escape(page.lead)}</p></header>']
    if page.verdict is not None:
        body.append(verdict_of(page.verdict))
    if len(page.findings) > 1:
        body.append(section(Section("Findings", ())) + "".join(map(line_of, page.findings)))
    body += map(section, page.sections)
    body.append(f'<h2>How to reproduce</h2><pre class="wrap"><code>{escape(page.command)}</code></pre>')
    body.append(section(Section("Provenance", [provenance(page.provenance)])))
    playing = any(isinstance(part, Player) for found in page.sections for part in found.parts)
    return document(page.title, "\n".join(body), (READING, SCRIPT) if playing else (READING,))


def badge(verdict: str) -> str:
    """Return a verdict as a coloured word."""
    return f'<span class="badge {escape(verdict)}">{escape(verdict)}</span>'


def verdict_of(found: Finding) -> str:
    """Return the verdict of the page."""
    return f'<div class="verdict {escape(found.verdict)}"><p>{badge(found.verdict)} {escape(found.reason)}</p></div>'


def line_of(found: Finding) -> str:
    """Return one of several verdicts."""
    return f"<p>{badge(found.verdict)} {escape(found.about)}: {escape(found.reason)}</p>"


def section(part: Section) -> str:
    """Return a heading and what is below it."""
    return f"<h2>{escape(part.title)}</h2>\n" + "\n".join(map(element, part.parts))


def element(part: Part) -> str:
    """Return a part of a section."""
    match part:
        case str():
            return f"<p>{escape(part)}</p>"
        case PageTable():
            return table(part)
        case Figure():
            pictures = "".join(picture.markup() for picture in part.pictures)
            return f'<figure><div class="panels">{pictures}</div><figcaption>{escape(part.caption)}</figcaption></figure>'
        case Player():
            played = stage(part.data, part.title)
            return f'<figure class="player">{played}<figcaption>{escape(part.caption)}</figcaption></figure>'
        case Code():
            button = '<button type="button" class="copy">copy</button>'
            code = (
                f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(part.title)}">'
                f"<pre><code>{escape(part.text)}</code></pre></div>"
            )
            return f"<details><summary>{escape(part.title)}</summary>{button}{code}</details>"
        case Folded():
            inside = "\n".join(map(element, part.parts))
            return f"<details><summary>{escape(part.title)}</summary>{inside}</details>"


def table(part: PageTable) -> str:
    """Return a table that scrolls where the screen is narrow, and says what its signs mean if it has some."""
    kinds = [kind_of(index, column, part.tokens) for index, column in enumerate(part.columns)]
    head = "".join(f'<th scope="col"{kind}>{escape(c)}</th>' for c, kind in zip(part.columns, kinds, strict=True))
    rows, every = [], ""
    for cells in part.rows:
        shown = [visible(cell) if i in part.tokens else visible_text(cell) if cell else "" for i, cell in enumerate(cells)]
        every += "".join(shown)
        row = "".join(f"<td{kind}>{escape(cell)}</td>" for cell, kind in zip(shown[1:], kinds[1:], strict=True))
        rows.append(f'<tr><th scope="row"{kinds[0]}>{escape(shown[0])}</th>{row}</tr>')
    caption = ". ".join(filter(None, [part.caption, legend(every)]))
    return (
        f'<p class="caption">{escape(caption)}</p>'
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(part.caption)}"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def kind_of(index: int, column: str, tokens: frozenset[int]) -> str:
    """Return the classes of a column as an attribute."""
    kinds = ["words"] * (index == 0 or column.startswith(WORDS)) + ["code"] * (index in tokens)
    return f' class="{" ".join(kinds)}"' if kinds else ""


def provenance(figures: Mapping[str, Any]) -> PageTable:
    """Return where the numbers come from: what was given, and the versions and the time of writing."""
    own = {
        "stinespring": __version__,
        "Python": platform.python_version(),
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return plain_table("what the numbers come from", {**own, **figures})


def plain_table(caption: str, figures: Mapping[str, Any]) -> PageTable:
    """Return figures by name, without those that are None."""
    return PageTable(
        caption, ["figure", "what it is"], [[name.replace("_", " "), value] for name, value in flat(figures).items()]
    )


def flat(figures: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested figures by their dotted names, without those that are None; lists of numbers as such, others numbered.

    Example:
        >>> flat({"noise": {"digest": "3f"}, "seed": 1, "threads": None, "x": [0.5, 2], "layers": [{"norm": 1.0}]})
        {'noise.digest': '3f', 'seed': '1', 'x': '0.5, 2', 'layers.1.norm': '1'}
    """
    result: dict[str, str] = {}
    for name, value in figures.items():
        if isinstance(value, Mapping):
            result |= flat(value, f"{prefix}{name}.")
        elif isinstance(value, list | tuple) and any(isinstance(one, Mapping) for one in value):
            result |= flat({str(number): one for number, one in enumerate(value, start=1)}, f"{prefix}{name}.")
        elif value is not None:
            result[f"{prefix}{name}"] = shorten(written(value), LONG)
    return result


def written(value: Any) -> str:
    """Return a value as it stands in a table."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return ", ".join(map(written, value)) if isinstance(value, list | tuple) else str(value)
