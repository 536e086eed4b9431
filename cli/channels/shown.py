# SPDX-License-Identifier: Apache-2.0
"""How sampled channels are shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from stinespring.cli.output import cost_line, print_verdict
from stinespring.cli.screen import say
from stinespring.pipeline.counts.files import counts_of
from stinespring.stages import Verdict

if TYPE_CHECKING:
    from stinespring.pipeline.whole import Found, Result
    from stinespring.report.html.page import Page


def judged(verdict: Verdict) -> dict[str, Any]:
    """Return what ``check --json`` prints."""
    return verdict.summary()


def summary(found: Result) -> dict[str, Any]:
    """Return what ``run --json`` prints."""
    samples = found.samples
    return judged(found.verdict) | {
        "seconds": samples.seconds, "seed": samples.seed, "backend": samples.backend, "metadata": dict(samples.metadata),
        "cost": found.program.summary() if found.run is None else dict(found.run.program["cost"]), "method": "sampled",
        "settings": len(samples.outcomes), "counts": counts_of(samples),
    }  # fmt: skip


def show(found: Result, title: str) -> None:
    """Print how the channel was sampled, and the verdict."""
    samples = found.samples
    if found.run is None:
        say(cost_line(found.program))
    say(f"{len(samples.outcomes)} settings, {samples.shots:,} shots each on {samples.backend}")
    print_verdict(found.verdict)


def plot(found: Result, path: Path) -> None:
    """Write the figure: sampled against analytic, a row a setting."""
    from stinespring.report.figures.tables import plot_tables

    plot_tables(found.samples, found.verdict, path)


def page(found: Found, command: str) -> Page:
    """Return the report."""
    from stinespring.report.html.tables import tables_page

    return tables_page(found, command)
