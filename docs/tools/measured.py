# SPDX-License-Identifier: Apache-2.0
"""The tables of what was measured, made of the dated files in ``benchmarks/results``; never typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from shown import ABOUT, TABLES, Shown

RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results"
FORMAT = "stinespring/benchmark@1"
COLUMNS, LONG, WIDE = 10, 12, 60  # most columns; rows from which a table is folded; letters from which a text is cut

INTRODUCTION = """# Measured

Every table on this page is made of a dated file in `benchmarks/results`, when the site is built; nothing here is typed. A file
says when, on what, with which versions and of which commit it was measured. `python -m benchmarks NAME` in a checkout measures
again (extra `bench`). The words around the figures, and what was measured before, are under [performance](../performance.md).
The machine was shared with other work: read ratios before seconds.

"""


def page() -> str:
    """Return the page."""
    newest: dict[str, tuple[Path, dict[str, Any]]] = {}
    older: dict[str, list[Path]] = {}
    for path in sorted(RESULTS.glob("*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.get("format") != FORMAT:
            continue
        name = content["benchmark"]
        if name in newest and content["date"] < newest[name][1]["date"]:
            older.setdefault(name, []).append(path)
            continue
        if name in newest:
            older.setdefault(name, []).append(newest[name][0])
        newest[name] = (path, content)
    lines = [INTRODUCTION]
    for name, (path, content) in sorted(newest.items()):
        lines += section(name, path, content, older.get(name, []))
    return "\n".join(lines) + "\n"


def section(name: str, path: Path, content: dict[str, Any], older: list[Path]) -> list[str]:
    """Return what is shown of one file."""
    machine, versions = content["machine"], content["versions"]
    used = ", ".join(f"{package} {number}" for package, number in versions.items())
    lines = [
        f"## {name}",
        "",
        *([ABOUT[name], ""] if name in ABOUT else []),
        f"Measured {content['date'].replace('T', ' ')[:16]} UTC; commit `{str(content['commit'])[:10]}`; "
        f"Python {content['python']}, {used}; {machine['cores']} cores, "
        f"{machine['system']} {machine['processor']}. File: {link(path)}.",
    ]
    if older:
        lines.append("Before: " + ", ".join(link(p) for p in older) + ".")
    lines.append("")
    left = content["rows"]
    for shown in TABLES.get(name, ()):
        rows = [row for row in left if all(key in row for key in shown.needs)]
        left = [row for row in left if row not in rows]
        if rows and shown.columns:
            lines += [*folded(table([chosen(row, shown) for row in rows]), f"{shown.title} ({number_of(rows)})", len(rows)), ""]
    for rows in grouped(left):
        lines += [*folded(table(rows), number_of(rows), len(rows)), ""]
    return lines


def number_of(rows: list[dict[str, Any]]) -> str:
    """Return how many rows there are, in words."""
    return f"{len(rows)} row{'s' if len(rows) > 1 else ''}"


def chosen(row: dict[str, Any], shown: Shown) -> dict[str, Any]:
    """Return a row with the columns that are shown."""
    return {head: row.get(key) if isinstance(key, str) else key(row) for head, key in shown.columns.items()}


def link(path: Path) -> str:
    """Return a link to a file of results."""
    return f"[{path.stem}](../../benchmarks/results/{path.name})"


def grouped(rows: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return the rows by their columns: rows with the same ones make a table."""
    found: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        flat = flattened(row)
        found.setdefault(tuple(flat), []).append(flat)
    return list(found.values())


def flattened(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with the entries of its objects as columns of their own, and without lists of many numbers."""
    result: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, dict):
            inner = {f"{key}: {name}": entry for name, entry in value.items()}
            deeper = {f"{k}, {n}": v for k, e in inner.items() if isinstance(e, dict) for n, v in e.items()}
            result |= {k: e for k, e in inner.items() if not isinstance(e, dict)} | deeper
        else:
            result[key] = value
    return dict(list(result.items())[:COLUMNS])


def table(rows: list[dict[str, Any]]) -> list[str]:
    """Return a table."""
    names = list(rows[0])
    marks = ["---:" if all(numeric(row[n]) for row in rows) else "---" for n in names]
    lines = [f"| {' | '.join(cell(n) for n in names)} |", f"|{'|'.join(marks)}|"]
    return lines + [f"| {' | '.join(cell(row[n]) for n in names)} |" for row in rows]


def numeric(value: Any) -> bool:
    """Return whether a value is a number, or none."""
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def cell(value: Any) -> str:
    """Return a value as it stands in a table."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list):
        value = ", ".join(cell(entry) for entry in value[:6]) + (", …" if len(value) > 6 else "")
    text = str(value).replace("|", "\\|").replace("<", "&lt;").replace("_", "\\_")
    return text if len(text) <= WIDE else text[: WIDE - 1] + "…"


def folded(lines: list[str], title: str, rows: int) -> list[str]:
    """Return a table, folded away if it is long."""
    if rows <= LONG:
        return [f"{title}:", "", *lines]
    return [f'??? note "{title}"', "", *(f"    {line}" for line in lines)]
