# SPDX-License-Identifier: Apache-2.0
"""How texts are shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from stinespring.cli.output import SHOWN, cost_line, print_verdict
from stinespring.cli.screen import print_table, say
from stinespring.models.texts.asked import texts_of
from stinespring.stages import Samples, Verdict

if TYPE_CHECKING:
    from stinespring.pipeline.whole import Found, Result
    from stinespring.report.html.page import Page


def rows_of(samples: Samples) -> list[dict[str, Any]]:
    """Return every sampled text with its key, its reading, its token numbers and its count, the most frequent first."""
    model = samples.source
    texts, counts = texts_of(samples.outcomes[0], samples.asked.steps, model.vacuum)
    rows = sorted(zip(counts.tolist(), texts.tolist(), strict=True), key=lambda row: (-row[0], row[1]))
    return [
        {"key": model.text(t), "text": model.plain(t), "ids": [n for n in t if n != model.vacuum], "count": c} for c, t in rows
    ]


def positions_of(samples: Samples) -> dict[str, list[int]]:
    """Return how often each attended position was read, by register."""
    found: dict[str, list[int]] = {}
    for outcomes in samples.outcomes:
        for name in outcomes.registers:
            if name.startswith("e"):
                read, counts = outcomes.column(name), outcomes.counts
                inside = read >= 0
                found[name] = [
                    int(counts[inside][read[inside] == place].sum()) for place in range(int(read.max(initial=0)) + 1)
                ]
    return found


def summary(found: Result) -> dict[str, Any]:
    """Return what ``run --json`` prints."""
    samples, rows = found.samples, rows_of(found.samples)
    return judged(found.verdict) | {
        "seconds": samples.seconds, "counts": {row["key"]: row["count"] for row in rows}, "cost": cost(found),
        "texts": [{name: row[name] for name in ("text", "ids", "count")} for row in rows], "seed": samples.seed,
        "backend": samples.backend, "attention": positions_of(samples), "metadata": dict(samples.metadata),
    }  # fmt: skip


def cost(found: Result) -> dict[str, Any]:
    """Return the program's figures; of a run in the ledger as they were when it was submitted."""
    return found.program.summary() if found.run is None else dict(found.run.program["cost"])


def judged(verdict: Verdict) -> dict[str, Any]:
    """Return what ``check --json`` prints."""
    positions = verdict.parts.get("attention")
    told = None if positions is None else {"verdict": positions.verdict, "p_value": positions.p_value, **positions.figures}
    return verdict.summary() | {"attention_verdict": told}


def show(found: Result, title: str) -> None:
    """Print the most frequent texts, the cost and the verdicts."""
    samples, rows = found.samples, rows_of(found.samples)
    table = [
        [repr(row["text"]), " ".join(map(str, row["ids"])), f"{row['count']:,}", f"{row['count'] / samples.shots:.4f}"]
        for row in rows[:SHOWN]
    ]
    begun = samples.source.plain(list(samples.asked.prompt)) if samples.asked.input_state is None else "the input state"
    shown = f"{len(rows):,} different" + (f", the {SHOWN} most frequent" if len(rows) > SHOWN else "")
    title, columns = f"{samples.shots:,} texts after {begun!r}, {shown}", ["text", "ids", "count", "share"]
    print_table(title, columns, table, ["ids"])
    if found.run is None:
        say(f"{cost_line(found.program)}, sampled in {samples.seconds:.2f} s on {samples.backend}")
    print_verdict(found.verdict)
    if "attention" in found.verdict.parts:
        print_attention(found.verdict.parts["attention"])


def print_attention(positions: Verdict) -> None:
    """Print the sampled attention map beside the analytic one."""
    rows = []
    for name, register in positions.figures["registers"].items():
        pairs = zip(register["sampled"], register["analytic"], strict=True)
        shares = "  ".join(f"{share:.3f}/{law:.3f}" for share, law in pairs)
        rows.append([name, shares, f"{register['p_value']:.3g}", register["verdict"]])
    print_table("Attention, sampled/analytic by position", ["step", "what was attended to", "p", "verdict"], rows)
    say(f"{positions.verdict}: attention map, p = {positions.p_value:.3g} over {len(rows)} register(s)")


def plot(found: Result, path: Path) -> None:
    """Write the figure: sampled against analytic."""
    from stinespring.report.figures.plot import plot_samples

    plot_samples(found.samples, found.verdict, path)


def page(found: Found, command: str) -> Page:
    """Return the report."""
    from stinespring.report.html.texts import texts_page

    return texts_page(found, command)
