# SPDX-License-Identifier: Apache-2.0
"""How particles' layers and overlaps are shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from stinespring.checks.sphere.sphere import overlaps_summary
from stinespring.cli.output import print_verdict
from stinespring.cli.screen import say
from stinespring.pipeline.counts.files import counts_of
from stinespring.showing import many
from stinespring.stages import Verdict

if TYPE_CHECKING:
    from stinespring.pipeline.whole import Found, Result
    from stinespring.report.html.page import Page


def judged(verdict: Verdict) -> dict[str, Any]:
    """Return what ``check --json`` prints."""
    return overlaps_summary(verdict) if "overlaps" in verdict.parts else verdict.summary()


def summary(found: Result) -> dict[str, Any]:
    """Return what ``sphere sample --json`` and ``sphere overlaps --json`` print."""
    samples = found.samples
    cost = found.program.summary() if found.run is None else dict(found.run.program["cost"])
    where = {
        "seconds": samples.seconds, "seed": samples.seed, "backend": samples.backend, "metadata": dict(samples.metadata),
        "cost": cost, "counts": counts_of(samples),
    }  # fmt: skip
    if samples.asked.overlaps:
        return judged(found.verdict) | where
    alone = [{name: cost[name] for name in ("qubits", "two_qubit_gates")}]
    circuits = [
        figures | each for figures, each in zip(found.verdict.figures["circuits"], cost.get("costs", alone), strict=True)
    ]
    return judged(found.verdict) | where | {"schedule": samples.asked.schedule, "circuits": circuits}


def show(found: Result, title: str) -> None:
    """Print how many circuits ran, and the verdicts."""
    samples = found.samples
    if samples.asked.overlaps:
        what = f"{len(samples.outcomes)} pairs by the {samples.asked.read} test"
    else:
        what = f"{len(samples.outcomes)} circuits for {many(len(samples.asked.particles), 'particle')}"
    say(f"{what}, {samples.shots:,} shots each on {samples.backend}")
    parts = found.verdict.parts
    print_verdict(parts.get("overlaps", found.verdict))
    if "energy" in parts:
        e, verdict = parts["energy"].figures, parts["energy"]
        say(
            f"{verdict.verdict}: energy {e['estimate']:.6g} sampled, {e['analytic']:.6g} analytic, {e['expected']:.6g} +- "
            f"{e['standard_deviation']:.2g} expected of the estimate, p = {verdict.p_value:.3g}"
        )


def plot(found: Result, path: Path) -> None:
    """Write the figure: sampled against analytic, a row a circuit."""
    from stinespring.report.figures.tables import plot_tables

    plot_tables(found.samples, found.verdict, path)


def page(found: Found, command: str) -> Page:
    """Return the report."""
    from stinespring.report.html.sphere import layers_page
    from stinespring.report.html.tables import tables_page

    return tables_page(found, command) if found.samples.asked.overlaps else layers_page(found, command)
