# SPDX-License-Identifier: Apache-2.0
"""The report of samples whose law comes as tables: points of a lens, overlaps, settings of a channel, or any other."""

from __future__ import annotations

from stinespring.pipeline.whole import Result
from stinespring.report.figures.canvas import label
from stinespring.report.figures.tables import plot_tables
from stinespring.report.html.page import Finding, Page, PageTable, Section, embedded, plain_table
from stinespring.report.html.parts import asked_sections, distances, findings_of, mitigation, program_section, provenance_of
from stinespring.report.rows import SampledRow, Words, rows_of, words_of
from stinespring.stages import Verdict

__all__ = ["tables_page"]

SHOWN = 40  # rows of a table
LISTED = 3  # outcomes of a row that are named


def tables_page(found: Result, command: str) -> Page:
    """Return the report of samples whose law comes as tables.

    Args:
        found: from the source to the verdict; a run of the ledger also shows what was asked.
        command: how to get it again.
    """
    samples, verdict, words = found.samples, found.verdict, words_of(found.samples)
    alt = f"Sampled shares of the outcomes with 95 % intervals beside their analytic probabilities: {verdict.verdict}."
    caption = "sampled shares with 95 % intervals, beside the analytic law"
    figure = embedded(lambda path: plot_tables(samples, verdict, path), alt, caption)
    rows = rows_of(samples)
    each = f" for each of {len(rows):,} {words.rows}" if len(rows) > 1 else ""
    return Page(
        title=words.title,
        lead=f"{samples.shots:,} shots{each}, sampled on {samples.backend}",
        command=command,
        verdict=Finding(verdict.verdict, words.rows, verdict.reason),
        findings=findings_of(verdict, words.rows),
        sections=[
            Section("Sampled against analytic", [figure, table_of(rows, words), distances(tested(verdict))]),
            *parts_sections(verdict),
            Section("Mitigation", [mitigation(found.mitigation)]),
            program_section(found),
            *asked_sections(found),
        ],
        provenance=provenance_of(found),
    )


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
        shares = [["   ".join(outcome_of(row, code) for code in row.likeliest(LISTED))] for row in shown]
    return PageTable(
        caption, names, [[row.name, *figure, *share] for row, figure, share in zip(shown, figures, shares, strict=True)]
    )


def outcome_of(row: SampledRow, code: int) -> str:
    """Return an outcome's name, share and probability."""
    return f"{label(row.outcome(code))} {row.observed[code] / max(1.0, row.shots):.4f} / {row.law[code]:.4f}"


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
