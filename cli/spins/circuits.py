# SPDX-License-Identifier: Apache-2.0
"""``stinespring spins compile | sample | check``: tokens of spins as circuits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stinespring.cli import options, paths
from stinespring.cli.failures import conclude
from stinespring.cli.output import command_line, print_json, progress, write_program
from stinespring.cli.screen import say
from stinespring.reading import stem_of

File = Annotated[Path, typer.Argument(metavar="FILE.json", help="A network: stinespring/spins@1.")]
ScheduleOption = Annotated[
    str, typer.Option("--schedule", help="stepwise (host in the loop), dynamic (conditions) or static (quantum controls).")
]
Plot = Annotated[
    Path | None,
    typer.Option("--plot", callback=paths.FIGURE, help="Write a figure (.png or .svg): sampled against mean field."),
]


def compile_(
    file: File,
    steps: options.Steps,
    schedule: ScheduleOption = "stepwise",
    output: options.Output = None,
    dialect: options.DialectOption = "qasm3",
    json: options.Json = False,
) -> None:
    """Compile the next tokens into circuits: one qubit a spin."""
    from stinespring.cli.spins.shown import cost_line
    from stinespring.models.spins import read_network
    from stinespring.pipeline.compiling import compile_words

    with progress("compiling"):
        program = compile_words(read_network(file), steps=steps, schedule=schedule)
    files = write_program(program, output, dialect)
    if json:
        print_json(program.summary() | {"files": files})
        return
    say(cost_line(program))


def sample_(
    file: File,
    steps: options.Steps,
    shots: Annotated[int, typer.Option("--shots", help="How many runs to sample.")] = 2000,
    seed: options.Seed = None,
    backend: options.BackendOption = "aer",
    schedule: ScheduleOption = "stepwise",
    alpha: options.Alpha = 0.001,
    resolution: options.Resolution = 0.05,
    plot: Plot = None,
    page: options.Report = None,
    json: options.Json = False,
) -> None:
    """Compile, run the circuits, and check every token against its exact law and the averages against the mean field."""
    from stinespring.checks.statistics.ruling import require_shares
    from stinespring.cli.runs.run import run_named
    from stinespring.cli.sources import Named
    from stinespring.models.spins import read_network
    from stinespring.models.texts.joint import require_count

    require_count(shots, "shots")
    require_shares(alpha, resolution)
    named = Named("spins", read_network(file), {"steps": steps, "schedule": schedule}, {}, f"{stem_of(file)} +{steps}")
    run_named(
        named, backend=backend, shots=shots, seed=seed, alpha=alpha, resolution=resolution, plot=plot, page=page, json=json
    )


def check_(
    file: File,
    steps: options.Steps,
    counts: Annotated[
        Path,
        typer.Option(
            "--counts",
            callback=paths.existing("counts file"),
            help="FILE.json: counts by text, tokens as +- signs, spin 0 first.",
        ),
    ],
    alpha: options.Alpha = 0.001,
    resolution: options.Resolution = 0.05,
    page: options.Report = None,
    json: options.Json = False,
) -> None:
    """Check counts that were sampled elsewhere."""
    from stinespring.cli.shown import page_files
    from stinespring.cli.spins.shown import judged, print_judged
    from stinespring.models.spins import read_network
    from stinespring.pipeline.counts.files import read_samples
    from stinespring.pipeline.running import check
    from stinespring.pipeline.whole import Checked

    samples = read_samples(counts, read_network(file), steps=steps)
    verdict = check(samples, alpha=alpha, resolution=resolution)
    files = page_files("spins", Checked(samples, verdict), page, command_line())
    conclude(verdict, lambda: print_json(judged(verdict)) if json else print_judged(verdict), *files)
