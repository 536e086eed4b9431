# SPDX-License-Identifier: Apache-2.0
"""How a prompt's layers are shown."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stinespring.cli.output import print_table
from stinespring.stages import Verdict

if TYPE_CHECKING:
    from stinespring.pipeline.whole import Result
    from stinespring.report.html.page import Page


def by_point(verdict: Verdict, points: int) -> list[Verdict]:
    """Return the verdict on each point."""
    return [verdict] if points == 1 else list(verdict.parts.values())


def judged(verdict: Verdict) -> dict[str, Any]:
    """Return the verdict, with those on every point where there are several."""
    parts = [part.summary() for part in verdict.parts.values()]
    return verdict.summary() | ({"points": parts} if parts else {})


def summary(found: Result) -> dict[str, Any]:
    """Return the keys of ``run`` for one point, or a list of them for all."""
    samples, states = found.samples, found.samples.source
    cost = found.program.summary() if found.run is None else dict(found.run.program["cost"])
    common = {"seconds": samples.seconds, "seed": samples.seed, "backend": samples.backend, "metadata": dict(samples.metadata)}
    parts = []
    verdicts = by_point(found.verdict, len(samples.asked.points))
    for point, outcomes, verdict in zip(samples.asked.points, samples.outcomes, verdicts, strict=True):
        pairs = zip(samples.asked.spell(states, outcomes), outcomes.counts.tolist(), strict=True)
        counts = dict(sorted(pairs, key=lambda pair: -pair[1]))
        parts.append(verdict.summary() | {"counts": counts, "cost": cost, "point": point, **common})
    if len(parts) == 1:
        return parts[0]
    verdict = found.verdict
    return {"verdict": verdict.verdict, "p_value": verdict.p_value, "lens": states.lens, "points": parts, **common}


def show(found: Result, title: str) -> None:
    """Print one line a point, and the reason of the last verdict."""
    samples, rows = found.samples, []
    states, time = samples.source, samples.asked.time
    verdicts = by_point(found.verdict, len(samples.asked.points))
    for point, verdict in zip(samples.asked.points, verdicts, strict=True):
        place = str(states.points[point]) + ("" if time == 1.0 else f", t = {time:g}")
        d = verdict.distance
        distances = ["", ""] if d is None else [f"{d.tvd:.4f}", f"{d.noise_floor:.4f}"]
        rows.append([str(point), place, *distances, f"{verdict.p_value:.3g}", verdict.verdict])
    columns = ["point", "after", "TVD", "shot noise", "p", "verdict"]
    print_table(f"{samples.shots:,} shots a point after {states.title()!r}", columns, rows)
    gates = f"at most {found.program.cost.two_qubit_gates:,} two-qubit gates a circuit; " if found.run is None else ""
    last = verdicts[-1]
    sys.stdout.write(f"{gates}on {samples.backend}\n{last.verdict}: {last.reason}\n")


def plot(found: Result, path: Path) -> None:
    """Write the figure: sampled against analytic, a panel a point."""
    from stinespring.report.figures.tables import plot_tables

    plot_tables(found.samples, found.verdict, path)


def page(found: Result, command: str) -> Page:
    """Return the report."""
    from stinespring.report.html.tables import tables_page

    return tables_page(found, command)
