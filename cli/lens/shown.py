# SPDX-License-Identifier: Apache-2.0
"""How a prompt's layers are shown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stinespring.cli.screen import print_table, say
from stinespring.stages import Samples, Verdict

if TYPE_CHECKING:
    from stinespring.pipeline.whole import Found, Result
    from stinespring.report.html.page import Page


def by_point(verdict: Verdict, points: int) -> list[Verdict]:
    """Return the verdict on each point."""
    return [verdict] if points == 1 else list(verdict.parts.values())


def judged(verdict: Verdict) -> dict[str, Any]:
    """Return the verdict, with those on every point where there are several."""
    parts = [part.summary() for part in verdict.parts.values()]
    return verdict.summary() | ({"points": parts} if parts else {})


def cost_of(found: Result) -> dict[str, Any]:
    """Return the program's figures; of a run in the ledger as they were when it was submitted."""
    return found.program.summary() if found.run is None else dict(found.run.program["cost"])


def at_point(cost: Mapping[str, Any], samples: Samples, point: int) -> dict[str, Any]:
    """Return a program's figures for the circuit of one point alone."""
    if "costs" not in cost:
        return dict(cost)
    number, place = samples.asked.points.index(point), samples.source.points[point]
    whole = {name: value for name, value in cost.items() if name not in ("costs", "circuits", "points")}
    each: dict[str, Any] = cost["costs"][number]
    return whole | each | {"point": point, "after": place.after, "layer": place.layer}


def summary(found: Result) -> dict[str, Any]:
    """Return the keys of ``run`` for one point, or a list of them for all."""
    samples, states = found.samples, found.samples.source
    cost = cost_of(found)
    common = {"seconds": samples.seconds, "seed": samples.seed, "backend": samples.backend, "metadata": dict(samples.metadata)}
    parts = []
    verdicts = by_point(found.verdict, len(samples.asked.points))
    for point, outcomes, verdict in zip(samples.asked.points, samples.outcomes, verdicts, strict=True):
        pairs = zip(samples.asked.spell(states, outcomes), outcomes.counts.tolist(), strict=True)
        counts = dict(sorted(pairs, key=lambda pair: -pair[1]))
        parts.append(verdict.summary() | {"counts": counts, "cost": at_point(cost, samples, point), "point": point, **common})
    if len(parts) == 1:
        return parts[0]
    verdict = found.verdict
    return {"verdict": verdict.verdict, "p_value": verdict.p_value, "lens": states.lens, "points": parts, **common}


def show(found: Result, title: str) -> None:
    """Print one line a point, and the reason of the last verdict."""
    samples, rows, cost = found.samples, [], cost_of(found)
    states, time = samples.source, samples.asked.time
    verdicts = by_point(found.verdict, len(samples.asked.points))
    for point, verdict in zip(samples.asked.points, verdicts, strict=True):
        place = str(states.points[point]) + ("" if time == 1.0 else f", t = {time:g}")
        d = verdict.distance
        distances = ["", ""] if d is None else [f"{d.tvd:.4f}", f"{d.noise_floor:.4f}"]
        gates = at_point(cost, samples, point)["two_qubit_gates"]
        rows.append([str(point), place, f"{gates:,}", *distances, f"{verdict.p_value:.3g}", verdict.verdict])
    columns = ["point", "after", "two-qubit gates", "TVD", "shot noise", "p", "verdict"]
    print_table(f"{samples.shots:,} shots a point after {states.title()!r}", columns, rows, ["two-qubit gates", "shot noise"])
    last = verdicts[-1]
    say(f"{last.verdict}: {last.reason}")


def plot(found: Result, path: Path) -> None:
    """Write the figure: sampled against analytic, a panel a point."""
    from stinespring.report.figures.tables import plot_tables

    plot_tables(found.samples, found.verdict, path)


def page(found: Found, command: str) -> Page:
    """Return the report."""
    from stinespring.report.html.tables import tables_page

    return tables_page(found, command)
