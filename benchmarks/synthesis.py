# SPDX-License-Identifier: Apache-2.0
"""CX count, two-qubit depth, wall time and peak memory beside other packages: ``python -m benchmarks synthesis``."""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import glance, ours, peers, scaling, states
from benchmarks.instances import SEED, Instance, items
from benchmarks.measure import Failure, Figures, measure, start, versions
from benchmarks.sheet import Sheet, line
from benchmarks.sheet import arguments as shared

Result = Figures | Failure
Cells = dict[tuple[str, int], dict[str, Result]]  # by (instance, seed), by route
QUICK = ("block_2_2", "block_3_2", "dense_1_3", "dense_2_2", "prep_4", "prep_8")
QUICK_LEAVES_OUT = ("Qiskit UCRY, level 3", "qclib multiplexor", "qclib svd")  # left out, others stand for them
INTRODUCTION = """\
CX and two-qubit depth over {{cx, one-qubit gates}}, all-to-all; every law is compiled for all contexts at once, the context
being quantum input. Promises: *exact* is the isometry with its phases; *up to a diagonal* and *law only* hold for measured
tokens. Time: best of up to 3 runs (2 s in all) after a first call on a tiny instance. Memory: what the first run added to
the process's peak. Limit: {limit:g} s a compilation. Law error: max |p(t|x) - P(t|x)|, simulated from the gates by a program
that shares no code with the compiler.
"""


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """Return the options."""
    parser = shared("synthesis", __doc__)
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help=f"how many seeds, the first being {SEED} (default 1)")
    parser.add_argument("--quick", action="store_true", help="a small set, about two minutes")
    parser.add_argument(
        "--only", action="append", metavar="NAME", help="an instance, a kind, 'glance', 'scaling' or 'states'; may be repeated"
    )
    parser.add_argument("--limit", type=float, metavar="SECONDS", help="for one compilation (60; with --quick 20)")
    parser.add_argument("--effort", type=float, metavar="SECONDS", help="of our numerical synthesis (10; with --quick 2)")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the tables to a file as well")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the scaling (svg, png, pdf)")
    options = parser.parse_args(words)
    if options.seeds < 1:
        parser.error("--seeds must be at least 1")
    options.limit = options.limit or (20.0 if options.quick else 60.0)
    options.effort = (2.0 if options.quick else 10.0) if options.effort is None else options.effort
    known = {*items(), "block", "dense", "prep", "glance", "scaling", "states"}
    if unknown := set(options.only or ()) - known:
        parser.error(f"--only {unknown.pop()}: not one of {', '.join(sorted(known))}")
    return options


def chosen(options: argparse.Namespace) -> list[Instance]:
    """Return the instances to compile, seed by seed."""
    result = []
    for seed in range(SEED, SEED + options.seeds):
        for instance in items(seed).values():
            if options.only:
                wanted = instance.name in options.only or instance.kind in options.only
            else:
                wanted = not options.quick or instance.name in QUICK
            if wanted:
                result.append(instance)
    return result


def compare(context: Any, instance: Instance, options: argparse.Namespace) -> dict[str, Result]:
    """Return the figures of every route that is meant for an instance."""
    simulated = 2**26 if options.quick else 2**30
    found: dict[str, Result] = {}
    for mine in ours.routes(options.effort):
        found[mine.name] = measure(context, mine, instance, limit=options.limit + options.effort, simulated=simulated)
    for route in peers.ROUTES:
        if instance.kind not in route.kinds or instance.qubits > route.most_qubits:
            continue
        if options.quick and not options.only and route.name in QUICK_LEAVES_OUT:
            continue
        found[route.name] = measure(context, route.name, instance, limit=options.limit, simulated=simulated)
    return found


def promises(options: argparse.Namespace) -> dict[str, str]:
    """Return the promise of every route."""
    return {r.name: r.promise for r in ours.routes(options.effort)} | {r.name: r.promise for r in peers.ROUTES}


def table(head: list[str], rows: Iterable[list[str]]) -> str:
    """Return a Markdown table, the first two columns flush left."""
    rule = [":---" if i < 2 else "---:" for i in range(len(head))]
    return "\n".join(line(*cells) for cells in [head, rule, *rows]) + "\n"


def short(value: float) -> str:
    """Return a number with two digits."""
    return f"{value:.2g}" if value < 100 else f"{value:.0f}"


def details(cells: Cells, options: argparse.Namespace) -> str:
    """Return every figure of every route; the ratios are to our exact route on the same instance."""
    promise, rows = promises(options), []
    for (name, seed), found in cells.items():
        base = next(iter(found.values()))
        for route, figures in found.items():
            label = name if seed == SEED else f"{name}, seed +{seed - SEED}"
            if isinstance(figures, Failure):
                rows.append([label, route, promise[route], figures.reason, "", "", "", "", "", ""])
                continue
            ratio = short(figures.seconds / base.seconds) if isinstance(base, Figures) else ""
            error = "" if figures.error is None else f"{figures.error:.0e}"
            costs = [str(figures.cx), str(figures.depth), short(figures.seconds), ratio, f"{figures.megabytes:.1f}"]
            rows.append([label, route, promise[route], *costs, error, figures.note])
    head = ["law", "route", "promise", "CX", "depth", "s", "time / our exact", "MB", "law error", "simulated by"]
    return table(head, rows)


def overview(cells: Cells, options: argparse.Namespace) -> str:
    """Return our CX beside the best peer of each promise; over several seeds the smallest and largest figure."""
    names = list(dict.fromkeys(name for name, _ in cells))
    mine = [route.name for route in ours.routes(options.effort)]
    promise, rows = promises(options), []
    for name in names:
        every = [found for (other, _), found in cells.items() if other == name]
        row = [name, str(len(every))]
        row += [span([found.get(route) for found in every]) for route in mine]
        for level in (peers.EXACT, peers.DIAGONAL):
            best = [leader({r: f for r, f in found.items() if r not in mine and promise[r] == level}) for found in every]
            who = ", ".join(sorted({route for route, _ in best if route}))
            row.append(f"{span([figures for _, figures in best])} {f'({who})' if who else ''}".strip())
        rows.append(row)
    return table(["law", "seeds", *mine, "best exact peer", "best peer up to a diagonal"], rows)


def leader(found: dict[str, Result]) -> tuple[str, Result | None]:
    """Return the route with the fewest CX; the fastest of those."""
    done = {route: figures for route, figures in found.items() if isinstance(figures, Figures)}
    if not done:
        return "", None
    route = min(done, key=lambda name: (done[name].cx, done[name].seconds))
    return route, done[route]


def span(results: list[Result | None]) -> str:
    """Return the CX of one or several results."""
    counts = [f.cx for f in results if isinstance(f, Figures)]
    reasons = sorted({f.reason for f in results if isinstance(f, Failure)})
    low, high = (min(counts), max(counts)) if counts else (0, 0)
    text = (str(low) if low == high else f"{low}-{high}") if counts else ""
    return ", ".join([word for word in (text, *reasons) if word]) or "-"


def goal(curves: list[scaling.Curve]) -> str:
    """Return the sentence about the speed at many rotations."""
    lines = []
    for curve in curves:
        (_, base), *rest = curve.points.items()
        for route, points in rest:
            if route.startswith("stinespring"):
                continue
            for x, other in points.items():
                mine = base[x]
                if curve.rotations[x] < scaling.MANY or isinstance(other, Failure) or isinstance(mine, Failure):
                    continue
                ratio, whole = other.seconds / mine.seconds, other.seconds / (mine.circuit_seconds or mine.seconds)
                reached = "reached" if ratio >= 20 else "NOT reached"
                text = f"{route} takes {ratio:.1f} times as long as our exact compilation"
                lines.append(
                    f"- {curve.rotations[x]} rotations ({curve.axis} = {x}): {text} ({whole:.1f} times with our Qiskit "
                    f"circuit built); 20 times {reached}."
                )
    return "\n".join(["### Speed at 1000 rotations and more", "", *lines]) + "\n" if lines else ""


def kept(cells: Cells, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield the figures of every route for every law."""
    promise = promises(options)
    for (law, seed), found in cells.items():
        for route, figures in found.items():
            yield {"law": law, "seed": seed, "route": route, "promise": promise[route], **asdict(figures)}


def report(options: argparse.Namespace, sheet: Sheet) -> str:
    """Run everything, keep the figures and return the tables."""
    context, known = start(), versions()
    where = f"Python {platform.python_version()}, {platform.machine()}, one thread"
    present = ", ".join(f"{name} {number}" for name, number in known.items() if number)
    parts = ["## Synthesis beside other packages\n", INTRODUCTION.format(limit=options.limit), f"{where}; {present}.\n"]
    if absent := [name for name, number in known.items() if not number]:
        parts.append(f"Not installed: {', '.join(absent)}; their rows say `missing`.\n")
    if not options.only or "glance" in options.only:
        text, rows = glance.tables(context, quick=options.quick, limit=options.limit)
        parts.append(text)
        sheet.rows += rows
    cells: Cells = {}
    for instance in chosen(options):
        print(f"{instance.name}, seed {instance.seed}", file=sys.stderr, flush=True)
        cells[instance.name, instance.seed] = compare(context, instance, options)
    sheet.rows += kept(cells, options)
    if cells:
        parts += ["### CX at a glance\n", overview(cells, options), "### All figures\n", details(cells, options)]
    if not options.only or "scaling" in options.only:
        print("scaling", file=sys.stderr, flush=True)
        curves = scaling.grow(context, quick=options.quick, limit=options.limit, seed=SEED)
        parts += [*(curve.markdown() for curve in curves), goal(curves)]
        sheet.rows += [row for curve in curves for row in curve.rows()]
        if options.plot:
            scaling.plot(curves, options.plot)
    if not options.only or "states" in options.only:
        text, rows = states.tables(context, quick=options.quick, limit=options.limit)
        parts.append(text)
        sheet.rows += rows
    return "\n".join(parts)


def main() -> None:
    """Print the tables."""
    options, sheet = arguments(), Sheet("synthesis")
    text = report(options, sheet)
    print(text)
    if options.write:
        options.write.write_text(text, encoding="utf-8")
    sheet.keep(options.output)


if __name__ == "__main__":
    main()
