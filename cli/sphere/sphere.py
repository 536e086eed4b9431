# SPDX-License-Identifier: Apache-2.0
"""``stinespring sphere``: particles on the sphere, from dynamics to circuits."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from stinespring.cli import options, paths
from stinespring.cli.failures import conclude
from stinespring.cli.output import command_line, print_json, progress, write_arrays
from stinespring.cli.screen import print_table, say, wrote
from stinespring.cli.sphere.circuits import compile_, overlaps_, sample_
from stinespring.errors import InputError
from stinespring.writing import write_whole

if TYPE_CHECKING:
    from stinespring.models.sphere.dynamics import Sums
    from stinespring.models.sphere.simulate import SphereRun
    from stinespring.stages import Verdict

sphere = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)

File = Annotated[Path, typer.Argument(metavar="FILE", help="A sphere file (.json).")]
Steps = Annotated[int, typer.Option("--steps", help="How many steps in all (adaptive: accepted ones).")]
Scheme = Annotated[str, typer.Option("--scheme", help="euler (a layer each step), rk4 or adaptive.")]
StepOption = Annotated[float | None, typer.Option("--step", help="h, instead of the file's; adaptive begins with it.")]
Every = Annotated[int | None, typer.Option("--every", help="Keep the particles of every so many steps.")]
Arrays = Annotated[
    Path | None, typer.Option("-o", "--output", callback=paths.ARRAYS, help="FILE.npz: final positions, and what was kept.")
]
StepTolerance = Annotated[float, typer.Option("--tolerance", help="adaptive: error of one step, radians.")]
Stop = Annotated[bool, typer.Option("--stop", help="End as soon as the particles have converged.")]
Converged = Annotated[float, typer.Option("--converged", help="Residual over the forces on a particle at which they have.")]
SumsOption = Annotated[str, typer.Option("--sums", help="direct (all pairs), series (harmonics; d = 2, 3) or auto.")]
Checkpoint = Annotated[
    Path | None, typer.Option("--checkpoint", callback=paths.ARRAYS, help="FILE.npz to go on from, and to keep up to date.")
]
CheckpointSeconds = Annotated[float, typer.Option("--checkpoint-every", help="Seconds between checkpoints.")]
Plot = Annotated[
    Path | None, typer.Option("--plot", callback=paths.FIGURE, help="Write a figure (.png or .svg): positions and energy.")
]
Movie = Annotated[
    Path | None,
    typer.Option(
        "--movie",
        callback=paths.written("movie", ".gif", ".html"),
        help="Write a movie (.gif) or a page (.html) of what --every kept.",
    ),
]


@sphere.command("run")
def run_(
    file: File,
    steps: Steps,
    scheme: Scheme = "euler",
    step: StepOption = None,
    every: Every = None,
    output: Arrays = None,
    tolerance: StepTolerance = 1e-6,
    stop: Stop = False,
    converged: Converged = 1e-8,
    sums: SumsOption = "auto",
    checkpoint: Checkpoint = None,
    checkpoint_every: CheckpointSeconds = 30.0,
    plot: Plot = None,
    movie: Movie = None,
    page: options.Report = None,
    json: options.Json = False,
) -> None:
    """Move the particles, and say where they end: energy, residual, clusters."""
    from stinespring.models.sphere.dynamics import require_finite_energy
    from stinespring.models.sphere.files import read_sphere
    from stinespring.models.sphere.simulate import simulate
    from stinespring.reading import positive_number

    model = read_sphere(file)
    if step is not None:
        model = replace(model, step=positive_number(step, "--step"))
    if not (checkpoint_every > 0 and math.isfinite(checkpoint_every)):
        raise InputError("--checkpoint-every is out of range", got=checkpoint_every, expected="seconds, above 0")
    require_finite_energy(model)
    if sums not in ("auto", "direct", "series"):
        raise InputError("unknown sums", got=sums, expected="auto, direct or series")
    if (plot, movie, page) != (None, None, None):
        from stinespring.report.figures.sphere import require_outputs, write_figures

        require_outputs(model, plot, movie)
        every = every or max(1, steps // 100)
    with progress() as report:
        run = simulate(
            model, steps=steps, scheme=scheme, tolerance=tolerance, every=every, stop=stop, converged=converged,
            sums=cast('Sums', sums), checkpoint=checkpoint, checkpoint_seconds=checkpoint_every, progress=report,
        )  # fmt: skip
    if output is not None:
        write_arrays(output, {"positions": run.positions, "step": run.step, "time": run.time, **run.record.arrays()})
    summary = run_summary(run)
    if json:
        print_json(summary)
    else:
        print_run(run, summary)
    sys.stdout.flush()  # said, whatever becomes of the figures
    warn(run)
    if plot is not None or movie is not None:
        write_figures(run, plot, movie)
        wrote(*(path for path in (plot, movie) if path is not None))
    if page is not None:
        from stinespring.report.html.sphere import run_page

        run_page(run, summary, command=command_line(), movie=movie).write(page)
        wrote(page)


SMALL_TURN = 0.1  # radians a step, with which a flow can be followed


def warn(run: SphereRun) -> None:
    """Say on stderr that the steps are too large, and what to do."""
    if run.diverges is not None:
        step = run.model.step
        followed = min(step / 10, SMALL_TURN / run.residual) if run.residual > 0 else step / 10
        smaller = f"a smaller step (--step {followed:.1g}, it is {step:g})"
        sys.stderr.write(f"the run diverges: {run.diverges}\n  to do: --scheme adaptive, or {smaller}\n")


def run_summary(run: SphereRun) -> dict[str, Any]:
    """Return what ``sphere run --json`` prints."""
    import numpy as np

    from stinespring.models.sphere.clusters import cluster_threshold, greedy_arcs, single_linkage

    model, x = run.model, run.positions
    threshold = cluster_threshold(model.beta, model.d)
    linked = sorted(np.bincount(single_linkage(x, threshold)).tolist(), reverse=True)
    adaptive = run.adaptive
    return {
        "positions": x.tolist(),
        "energy": None if run.energy is None else run.energy._asdict(),
        "residual": run.residual,
        "clusters": {
            "threshold": threshold,
            "single_linkage": linked,
            "greedy_arc": greedy_arcs(x, threshold) if model.d == 2 else None,
        },
        "converged": run.converged, "steps": run.step, "time": run.time, "scheme": run.scheme, "sums": run.method,
        "field": model.field if run.scheme == "euler" else "projected", "rescaling": model.rescaling,
        "energy_check": {"monotone_flow": model.energy_rises, "wrong_steps": run.wrong_steps, "worst": run.worst_change},
        "rejected": None if adaptive is None else {"steps": adaptive.rejected, "by_energy": adaptive.by_energy},
        "kept": len(run.record.steps), "diverges": run.diverges,
    }  # fmt: skip


def print_run(run: SphereRun, summary: dict[str, Any]) -> None:
    """Print the run for people."""
    model, clusters = run.model, summary["clusters"]
    say(
        f"{model.n:,} particles on S^{model.d - 1}, beta {model.beta:g}, {model.normalise}, {model.direction}: "
        f"{run.step:,} {run.scheme} steps to time {run.time:.6g} ({run.method} sums)\n"
        f"kernel rescaling: {model.rescaling}"
    )
    if run.energy is not None:
        say(f"energy {run.energy.attention:.10g} (attention) + {run.energy.perceptron:.10g} (perceptron)")
    linked, arcs = clusters["single_linkage"], clusters["greedy_arc"]
    rule = f"within {clusters['threshold']:.4g} rad: {len(linked)} by single linkage (largest {linked[0]})"
    rule += "" if arcs is None else f", {len(arcs)} greedy arcs (largest {arcs[0]})"
    say(f"residual {run.residual:.3g}, {'converged' if run.converged else 'not converged'}; clusters {rule}")
    if model.energy_rises:
        say(f"energy moved the wrong way in {run.wrong_steps} steps, by at most {run.worst_change:.3g}")


@sphere.command("new")
def new_(
    output: Annotated[
        Path, typer.Option("-o", "--output", callback=paths.written("file", ".json"), help="FILE.json to write.")
    ],
    particles: Annotated[int, typer.Option("--particles", help="How many.")],
    beta: Annotated[float, typer.Option("--beta", help="Inverse temperature.")],
    dimension: Annotated[int, typer.Option("--dimension", help="d: the sphere is S^(d-1).")] = 3,
    hidden: Annotated[int, typer.Option("--hidden", help="Neurons: directions on the sphere, normal weights.")] = 0,
    activation: Annotated[str | None, typer.Option("--activation", help="relu, gelu or tanh (with --hidden; relu).")] = None,
    normalise: Annotated[str, typer.Option("--normalise", help="SA or USA.")] = "USA",
    kernel: Annotated[str, typer.Option("--kernel", help="plain or scaled.")] = "plain",
    direction: Annotated[str, typer.Option("--direction", help="ascent or descent.")] = "ascent",
    field: Annotated[str, typer.Option("--field", help="projected or raw.")] = "projected",
    step: Annotated[float, typer.Option("--step", help="h.")] = 0.1,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same file.")] = 0,
) -> None:
    """Write a sphere file with uniform particles and a random perceptron."""
    from stinespring.models.sphere.files import random_model, sphere_from, write_sphere

    if seed < 0:
        raise InputError("the seed is negative", got=seed, expected="0 or more")
    if activation is not None and hidden == 0:
        raise InputError("an activation without neurons", got=f"--activation {activation}", expected="--hidden of at least 1")
    model = random_model(
        particles=particles, dimension=dimension, beta=beta, hidden=hidden, seed=seed, activation=activation or "relu",  # type: ignore[arg-type]
        normalise=normalise, kernel=kernel, direction=direction, field=field, step=step,
    )  # fmt: skip
    write_whole(output, write_sphere(sphere_from(model.content())))  # read back: a wrong word is refused
    wrote(output)


@sphere.command("analyse")
def analyse_(
    file: File,
    state: Annotated[
        Path | None,
        typer.Option("--state", callback=paths.existing("state"), help="FILE.npz of a run: its final positions instead."),
    ] = None,
    kind: Annotated[str, typer.Option("--kind", help="minimum or maximum (default: by the file's direction).")] = "",
    width: Annotated[float, typer.Option("--width", help="Particles within so many radians are one atom.")] = 1e-6,
    tolerance: Annotated[float, typer.Option("--tolerance", help="Of the conditions, relative to the forces that act.")] = 1e-6,
    json: options.Json = False,
) -> None:
    """Print the energy landscape at the particles: residual, Wasserstein Hessian, second-order condition, atoms."""
    from stinespring.models.sphere.files import at_state, read_sphere
    from stinespring.models.sphere.landscape.measure import analysis

    model = at_state(read_sphere(file), state)
    kind = kind or ("maximum" if model.direction == "ascent" else "minimum")
    if kind not in ("minimum", "maximum"):
        raise InputError("unknown kind", got=kind, expected="minimum or maximum")
    if not (0 < width < 3.2 and 0 < tolerance < 1):
        raise InputError(
            "a number is out of range", got=f"{width}, {tolerance}", expected="a width in (0, pi), a tolerance in (0, 1)"
        )
    found = analysis(model, kind, width=width, tolerance=tolerance)  # type: ignore[arg-type]
    if json:
        print_json(found)
        return
    second, energy = found["second_order"], found["energy"]
    say(
        f"{len(found['masses'])} atoms, heaviest {found['masses'][0]:.4g}; energy {energy['attention']:.10g} (attention) + "
        f"{energy['perceptron']:.10g} (perceptron)\n"
        f"residual {second['residual']:.3g}; Wasserstein Hessian in [{second['lowest']:.6g}, {second['highest']:.6g}], "
        f"splitting an atom [{second['splitting_lowest']:.6g}, {second['splitting_highest']:.6g}]\n"
        f"second-order {kind}: {'yes' if second['holds'] else 'no'}{', strict' if second['strict'] else ''}"
    )


@sphere.command("claims")
def claims_(
    file: File,
    state: Annotated[
        Path | None,
        typer.Option("--state", callback=paths.existing("state"), help="FILE.npz of a run: its final positions instead."),
    ] = None,
    width: Annotated[float, typer.Option("--width", help="Particles within so many radians are one atom.")] = 1e-3,
    seed: Annotated[int, typer.Option("--seed", help="Of the measures that are tried.")] = 0,
    tolerance: Annotated[float, typer.Option("--tolerance", help="Of the second-order conditions.")] = 1e-6,
    json: options.Json = False,
) -> None:
    """Test what has been claimed about the energy landscape; the claim that is false as printed does not count."""
    from stinespring.checks.sphere.claims import check_claims, claims_summary
    from stinespring.models.sphere.files import at_state, read_sphere

    model = at_state(read_sphere(file), state)
    if seed < 0 or not 0 < width < 3.2 or not 0 < tolerance < 1:
        raise InputError(
            "a number is out of range", got=f"{seed}, {width}, {tolerance}",
            expected="a seed of at least 0, a width in (0, pi), a tolerance in (0, 1)",
        )  # fmt: skip
    with progress():
        verdict = check_claims(model, width=width, seed=seed, tolerance=tolerance)
    summary = claims_summary(verdict)
    conclude(verdict, lambda: print_json(summary) if json else print_claims(verdict, summary))


def print_claims(verdict: Verdict, summary: dict[str, Any]) -> None:
    """Print what was found of each claim."""
    rows = [
        [c["name"], c["verdict"] if c["applies"] else "does not apply", f"{c['statement']}: {c['reason']}"]
        for c in summary["claims"]
    ]
    print_table("Claims", ["claim", "verdict", "what was found"], rows)
    say(f"{verdict.verdict} over the claims that apply and are not known to be false")


sphere.command("compile")(compile_)
sphere.command("sample")(sample_)
sphere.command("overlaps")(overlaps_)
