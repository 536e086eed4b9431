# SPDX-License-Identifier: Apache-2.0
"""``stinespring check``: counts from anywhere against the law of a source."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from stinespring.cli import options, paths
from stinespring.cli.failures import conclude
from stinespring.cli.output import command_line, print_json, print_verdict, progress
from stinespring.cli.shown import page_files, shown
from stinespring.cli.sources import named_source, spelt
from stinespring.errors import InputError
from stinespring.pipeline.counts.elsewhere import check_elsewhere, read_elsewhere
from stinespring.pipeline.counts.files import read_samples
from stinespring.pipeline.running import check
from stinespring.pipeline.whole import Checked

Counts = Annotated[
    Path,
    typer.Option(
        "--counts", callback=paths.existing("counts file"), help='{"format": "stinespring/samples@1", "counts": {"a b": 123}}'
    ),
]


Program = Annotated[
    Path | None,
    typer.Option(
        "--program", metavar="FILE.json", callback=paths.existing("description"),
        help="The counts are of this program's bits, whoever ran it: bit strings, hex, integers, Qiskit's results, "
        "quasi-probabilities.",
    ),
]  # fmt: skip
Shots = Annotated[int | None, typer.Option("--shots", help="Of quasi-probabilities: the shots behind them.")]
Overhead = Annotated[
    float | None,
    typer.Option("--overhead", help="Of quasi-probabilities: the factor on the variance, mthree's mitigation_overhead."),
]


@options.takes(options.ASKED)
def check_(
    model: options.AnySource,
    chosen: dict[str, Any],
    counts: Counts,
    program: Program = None,
    shots: Shots = None,
    overhead: Overhead = None,
    resolution: options.Resolution = 0.05,
    scope: options.Scope = "auto",
    within: options.Within = "auto",
    alpha: options.Alpha = 0.001,
    detect: options.Detect = False,
    page: options.Report = None,
    json: options.Json = False,
) -> None:
    """Check counts that were sampled anywhere against the law of a source."""
    if program is None and (shots is not None or overhead is not None):
        raise InputError("--shots and --overhead are of quasi-probabilities of a program's bits", todo="give --program")
    named = named_source(model, chosen, need=program is None)
    settings: dict[str, Any] = {"alpha": alpha, "resolution": resolution, "scope": scope, "within": within, "detect": detect}
    files: list[Callable[[], None]] = []
    if program is None:
        samples = read_samples(counts, named.source, **named.given)
        with progress("checking"):
            verdict = check(samples, **settings)
        files = page_files(named.kind, Checked(samples, verdict), page, command_line())
    else:
        if named.given:
            raise InputError("FILE.json says what was asked", got=", ".join(map(spelt, named.given)), todo="leave it out")
        found = read_elsewhere(counts, program, named.source, shots=shots, overhead=overhead)
        counted = None if page is None else found.samples()
        with progress("checking"):
            verdict = check_elsewhere(found, **settings)
        if counted is not None:
            files = page_files(named.kind, Checked(counted, verdict), page, command_line())
    conclude(verdict, lambda: print_json(shown(named.kind).judged(verdict)) if json else print_verdict(verdict), *files)
