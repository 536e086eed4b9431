# SPDX-License-Identifier: Apache-2.0
"""The report of samples whose law comes as tables: points of a lens, overlaps, settings of a channel, or any other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from stinespring.models.lens.states import LensStates
from stinespring.pipeline.whole import Found
from stinespring.report.figures.tables import together
from stinespring.report.html.page import Figure, Finding, Page, PageTable, Part, Section, plain_table
from stinespring.report.html.parts import (
    asked_sections,
    distances,
    explained,
    findings_of,
    mitigation,
    program_sections,
    provenance_of,
    where,
)
from stinespring.report.rows import SampledRow, Words, rows_of, words_of
from stinespring.report.svg.lens import states_pictures
from stinespring.report.svg.paper import Picture
from stinespring.report.svg.shares import scatter_picture, shares_picture
from stinespring.report.visible import visible_text
from stinespring.stages import Verdict

__all__ = ["sampled_parts", "tables_page"]

SHOWN = 40  # rows of a table
LISTED = 3  # outcomes of a row that are named
LINES, PANELS = 24, 11  # rows of a figure
BARS, MOST_BARS = 8, 16  # outcomes of one panel among several, and of a single one


def tables_page(found: Found, command: str) -> Page:
    """Return the report of samples whose law comes as tables.

    Args:
        found: from the source to the verdict; a run of the ledger also shows what was asked.
        command: how to get it again.
    """
    samples, verdict, words = found.samples, found.verdict, words_of(found.samples)
    rows = rows_of(samples)
    each = f" for each of {len(rows):,} {words.rows}" if len(rows) > 1 else ""
    return Page(
        title=words.title,
        lead=f"{samples.shots:,} shots{each}, {where(samples)}",
        command=command,
        verdict=Finding(verdict.verdict, words.rows, verdict.reason),
        findings=findings_of(verdict, words.rows),
        sections=[
            Section(
                "Sampled against analytic",
                [*sampled_parts(rows, words), distances(tested(verdict)), explained(tested(verdict))],
            ),
            *along(samples.source),
            *parts_sections(verdict),
            Section("Mitigation", [mitigation(found.mitigation)]),
            *program_sections(found),
            *asked_sections(found),
        ],
        provenance=provenance_of(found),
    )


def sampled_parts(rows: list[SampledRow], words: Words) -> list[Part]:
    """Return the figure and the table of what was sampled row by row."""
    return [figure_of(rows, words), table_of(rows, words)]


def along(source: Any) -> list[Section]:
    """Return a prompt's tokens along the layers, if it is one seen through a lens."""
    if not isinstance(source, LensStates):
        return []
    caption = f"after “{visible_text(source.title())}”: what is likely after each part, and how far each moves"
    return [Section("Along the layers", [Figure(states_pictures(source), caption)])]


def figure_of(rows: Sequence[SampledRow], words: Words) -> Figure:
    """Return shares beside probabilities: of two outcomes a line a row, of more a panel a row; and all together."""
    narrow = all(len(row.law) == 2 for row in rows)
    if narrow:
        shown = rows[:LINES]
        counts, shots, law = np.array([(row.observed[0], row.shots, row.law[0]) for row in shown]).T
        names = [name_of(row) for row in shown]
        title = f"{len(shown)} of {len(rows):,} {words.rows}" if len(shown) < len(rows) else words.rows
        across = f"probability of {words.outcome(0)}"
        pictures = [shares_picture(names, counts, shots, law, title=title, across=across, whole=True)]
    else:
        shown = rows[:PANELS]
        pictures = [panel(row, MOST_BARS if len(rows) == 1 else BARS) for row in shown]
    more = f"; the first {len(shown)} of {len(rows):,} {words.rows}" if len(shown) < len(rows) else ""
    return Figure([*pictures, scatter_picture(*together(rows), "outcomes")],
                  f"sampled shares with 95 % intervals, beside the analytic law{more}")  # fmt: skip


def name_of(row: SampledRow) -> str:
    """Return a row's name on one line: its parts stand apart by more blanks elsewhere."""
    return " ".join(row.name.split())


def panel(row: SampledRow, most: int) -> Picture:
    """Return the most frequent outcomes of a row."""
    kept = row.likeliest(most)
    title = name_of(row) + (f": {len(kept)} of {len(row.law):,} outcomes" if len(kept) < len(row.law) else "")
    names = [row.shown(code) for code in kept]
    return shares_picture(names, row.observed[kept], row.shots, row.law[kept], title=title)


def tested(verdict: Verdict) -> Verdict:
    """Return the verdict that has the distance of all tables together, where it is a part of another."""
    return verdict if verdict.distance is not None else verdict.parts.get("overlaps", verdict)


def table_of(rows: list[SampledRow], words: Words) -> PageTable:
    """Return one row a thing that was sampled; of two outcomes the share of the first, of more the most frequent ones."""
    shown, narrow = rows[:SHOWN], all(len(row.law) == 2 for row in rows)
    caption = f"{len(shown)} of {len(rows):,} {words.rows}"
    figures = [[f"{row.shots:,.0f}", f"{row.tvd:.5f}"] for row in shown]
    if narrow:
        names = [words.rows, "shots", "TVD", f"share of {words.outcome(0)}", "analytic"]
        shares = [[f"{row.observed[0] / max(1.0, row.shots):.5f}", f"{row.law[0]:.5f}"] for row in shown]
    else:
        names = [words.rows, "shots", "TVD", "what was read most often: share / analytic"]
        shares = [["; ".join(outcome_of(row, code) for code in row.likeliest(LISTED))] for row in shown]
    return PageTable(
        caption, names, [[name_of(row), *figure, *share] for row, figure, share in zip(shown, figures, shares, strict=True)]
    )


def outcome_of(row: SampledRow, code: int) -> str:
    """Return an outcome's name, share and probability."""
    return f"{row.shown(code)} {row.observed[code] / max(1.0, row.shots):.4f} / {row.law[code]:.4f}"


def parts_sections(verdict: Verdict) -> list[Section]:
    """Return the parts of a verdict as a table, and the energy that overlaps give."""
    result = []
    if len(verdict.parts) > 1:
        rows = [
            [name, f"{part.p_value:.3g}", f"{part.tvd:.4f}" if part.distance else "", f"{part.resolution:.3g}",
             part.verdict, part.reason]
            for name, part in verdict.parts.items()
        ][:SHOWN]  # fmt: skip
        columns = ["part", "p", "TVD", "resolution", "verdict", "what the shots tell"]
        result.append(Section("Verdicts", [PageTable(f"{len(rows)} of {len(verdict.parts)} verdicts", columns, rows)]))
    if "energy" in verdict.parts:
        figures = dict(verdict.parts["energy"].figures)
        result.append(Section("Energy", [plain_table("the energy that the overlaps give", figures)]))
    return result
