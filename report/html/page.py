# SPDX-License-Identifier: Apache-2.0
"""A page of findings as one HTML file: nothing is loaded from anywhere, and whatever it quotes is escaped."""

from __future__ import annotations

import platform
import tempfile
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from stinespring.errors import InputError, shorten
from stinespring.report.figures.canvas import require_matplotlib
from stinespring.report.html.style import STYLE
from stinespring.version import __version__
from stinespring.writing import require_place, write_whole

__all__ = ["Figure", "Finding", "Page", "PageTable", "Player", "Section", "embedded", "plain_table", "require_report"]

Draw = Callable[[Path], None]
MOST_SVG = 600_000  # bytes of a figure above which it is embedded as pixels
LONG = 400  # characters of a value above which it is cut
WORDS = "what"  # columns that start so hold words and are read from the left
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
PLAYING = "; script-src 'unsafe-inline'"  # a player inherits the policy of the page around it


@dataclass(frozen=True)
class Finding:
    """A verdict, what it is about, and the sentence that explains it."""

    verdict: str
    about: str
    reason: str


@dataclass(frozen=True)
class PageTable:
    """Rows of text under a caption; the first cell of a row names it, columns that start with "what" hold words."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Figure:
    """A picture as a data URI, what it shows for who cannot see it, and its caption."""

    uri: str
    alt: str
    caption: str


@dataclass(frozen=True)
class Player:
    """A page of its own inside the page, kept apart from it, with a title and a caption."""

    html: str
    title: str
    caption: str


@dataclass(frozen=True)
class Section:
    """A heading with paragraphs (str), tables, figures and players below it."""

    title: str
    parts: Sequence[str | PageTable | Figure | Player]


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


def require_report(path: Path | None, *others: Path | None) -> None:
    """Refuse a report that could not be written, before anything is computed.

    Args:
        path: of the report; None: nothing is refused.
        others: further files of the same command, which it must not replace.

    Raises:
        InputError: the name, the folder or matplotlib is missing, or another output has the same name.
    """
    if path is None:
        return
    if path.suffix.lower() != ".html":
        raise InputError("the report's format is not known", got=str(path), expected="a name that ends in .html")
    require_place(path, "report")
    if any(other is not None and other.resolve() == path.resolve() for other in others):
        raise InputError("two outputs have one name", got=str(path), expected="a name of its own for --report")
    require_matplotlib("--report")


def embedded(draw: Draw, alt: str, caption: str) -> Figure:
    """Return what a function draws into a file as a figure: as SVG, or as pixels where that would be large."""
    with tempfile.TemporaryDirectory() as folder:
        path, kind = Path(folder) / "figure.svg", "svg+xml"
        draw(path)
        if path.stat().st_size > MOST_SVG:
            path, kind = path.with_suffix(".png"), "png"
            draw(path)
        data = path.read_bytes()
    return Figure(f"data:image/{kind};base64,{b64encode(data).decode()}", alt, caption)


def rendered(page: Page) -> str:
    """Return a page as HTML.

    Example:
        >>> "<h1>&lt;b&gt;</h1>" in rendered(Page(title="<b>", lead="", command="stinespring law"))
        True
    """
    body = [f'<header><h1>{escape(page.title)}</h1><p class="lead">{escape(page.lead)}</p></header>']
    if page.verdict is not None:
        body.append(verdict_of(page.verdict))
    if len(page.findings) > 1:
        body.append(section(Section("Findings", ())) + "".join(map(line_of, page.findings)))
    body += map(section, page.sections)
    body.append(f"<h2>How to reproduce</h2><pre><code>{escape(page.command)}</code></pre>")
    body.append(section(Section("Provenance", [provenance(page.provenance)])))
    playing = any(isinstance(part, Player) for found in page.sections for part in found.parts)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY + PLAYING * playing}">\n'
        f"<title>{escape(page.title)}</title>\n<style>\n{STYLE}\n</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(body)
        + "\n</main>\n</body>\n</html>\n"
    )


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


def element(part: str | PageTable | Figure | Player) -> str:
    """Return a part of a section."""
    match part:
        case str():
            return f"<p>{escape(part)}</p>"
        case PageTable():
            return table(part)
        case Figure():
            image = f'<img src="{part.uri}" alt="{escape(part.alt)}">'
            return f"<figure>{image}<figcaption>{escape(part.caption)}</figcaption></figure>"
        case Player():
            frame = f'<iframe sandbox="allow-scripts" title="{escape(part.title)}" srcdoc="{escape(part.html)}"></iframe>'
            return f"<figure>{frame}<figcaption>{escape(part.caption)}</figcaption></figure>"


def table(part: PageTable) -> str:
    """Return a table that scrolls where the screen is narrow."""
    words = [index == 0 or column.startswith(WORDS) for index, column in enumerate(part.columns)]
    kinds = [' class="words"' if word else "" for word in words]
    head = "".join(f'<th scope="col"{kind}>{escape(c)}</th>' for c, kind in zip(part.columns, kinds, strict=True))
    rows = []
    for name, *cells in part.rows:
        row = "".join(f"<td{kind}>{escape(cell)}</td>" for cell, kind in zip(cells, kinds[1:], strict=True))
        rows.append(f'<tr><th scope="row">{escape(name)}</th>{row}</tr>')
    return (
        f'<div class="scroll"><table><caption>{escape(part.caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


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
    """Return nested figures by their dotted names, without those that are None.

    Example:
        >>> flat({"noise": {"digest": "3f"}, "seed": 1, "threads": None})
        {'noise.digest': '3f', 'seed': '1'}
    """
    result: dict[str, str] = {}
    for name, value in figures.items():
        if isinstance(value, Mapping):
            result |= flat(value, f"{prefix}{name}.")
        elif isinstance(value, float):
            result[f"{prefix}{name}"] = f"{value:.6g}"
        elif value is not None:
            result[f"{prefix}{name}"] = shorten(str(value), LONG)
    return result
