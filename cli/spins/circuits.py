# SPDX-License-Identifier: Apache-2.0
"""``stinespring spins compile | sample | check``: tokens of spins as circuits."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stinespring.cli import options
from stinespring.cli.output import EXIT, command_line, print_json, print_table, progress, require_report
from stinespring.cli.runs.durable import durable
from stinespring.models.spins import read_network
from stinespring.models.texts.joint import require_count

if TYPE_CHECKING:  # other verbs of ``spins`` need no compiler
    from stinespring.checks.spins.spins import MeanFieldVerdict, Outcome, SpinVerdict
    from stinespring.compiler.systems.spins import SpinProgram

File = Annotated[Path, typer.Argument(metavar="FILE.json", help="A network: stinespring/spins@1.")]
ScheduleOption = Annotated[
    str, typer.Option("--schedule", help="stepwise (host in the loop), dynamic (conditions) or static (quantum controls).")
]
Plot = Annotated[Path | None, typer.Option("--plot", help="Write a figure (.png or .svg): sampled against mean field.")]


def compile_(
    file: File,
    steps: options.Steps,
    schedule: ScheduleOption = "stepwise",
    output: options.Output = None,
    json: options.Json = False,
) -> None:
    """Compile the next tokens into circuits: one qubit a spin."""
    from stinespring.compiler.systems.spins import compile_spins

    program = compile_spins(read_network(file), steps=steps, schedule=schedule)
    files = [] if output is None else [str(path) for path in program.write(output)]
    if json:
        print_json(program.summary() | {"files": files})
        return
    sys.stdout.write(cost_line(program) + "\n")
    for path in files:
        sys.stdout.write(f"wrote {path}\n")


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
    from stinespring.backends.spins import sample_spins
    from stinespring.checks.spins.spins import check_mean_field, check_spins
    from stinespring.compiler.systems.spins import compile_spins

    require_count(shots, "shots")
    if plot is not None:
        from stinespring.report.figures.plot import require_figure

        require_figure(plot)
    require_report(page, plot)
    asked = {"file": file, "steps": steps, "shots": shots, "seed": seed, "backend": backend, "schedule": schedule}
    program = compile_spins(read_network(file), steps=steps, schedule=schedule)
    rounds = steps if schedule == "stepwise" else 1
    with (
        durable("spins sample", {**asked, "alpha": alpha, "resolution": resolution}, calls=rounds) as (sampler, root),
        progress() as report,
    ):
        samples = sample_spins(program, backend=sampler, shots=shots, seed=root, progress=report)
        report("checking", 1.0)
        verdict = check_spins(samples, alpha=alpha, resolution=resolution)
        limit = check_mean_field(samples, alpha=alpha) if shots > 1 else None
    if plot is not None and limit is not None:
        from stinespring.report.figures.spins import plot_averages

        plot_averages(program.network, limit.mean, limit.standard_error, limit.mean_field, shots, plot)
    if page is not None:
        from stinespring.report.html.spins import spins_page

        spins_page(samples, verdict, limit, command=command_line(root)).write(page)
    if json:
        print_json(judged(verdict, limit) | {
            "seconds": samples.seconds, "seed": samples.seed, "backend": samples.backend, "cost": program.summary(),
            "initial": program.network.initial(), "metadata": dict(samples.metadata),
        })  # fmt: skip
    else:
        sys.stdout.write(cost_line(program) + f"; {shots:,} runs on {samples.backend} in {samples.seconds:.2f} s\n")
        print_judged(verdict, limit)
    raise typer.Exit(EXIT[overall(verdict, limit)])


def check_(
    file: File,
    steps: options.Steps,
    counts: Annotated[Path, typer.Option("--counts", help="FILE.json: counts by text, tokens as +- signs, spin 0 first.")],
    alpha: options.Alpha = 0.001,
    resolution: options.Resolution = 0.05,
    json: options.Json = False,
) -> None:
    """Check counts that were sampled elsewhere."""
    from stinespring.checks.spins.files import read_spin_samples
    from stinespring.checks.spins.spins import check_mean_field, check_spins
    from stinespring.compiler.systems.spins import compile_spins

    samples = read_spin_samples(counts, compile_spins(read_network(file), steps=steps))
    verdict = check_spins(samples, alpha=alpha, resolution=resolution)
    limit = check_mean_field(samples, alpha=alpha) if samples.shots > 1 else None
    if json:
        print_json(judged(verdict, limit))
    else:
        print_judged(verdict, limit)
    raise typer.Exit(EXIT[overall(verdict, limit)])


def judged(verdict: SpinVerdict, limit: MeanFieldVerdict | None) -> dict[str, Any]:
    """Return all verdicts as JSON data; ``verdict`` is what the exit status says."""
    return verdict.summary() | {
        "verdict": overall(verdict, limit), "product_law": verdict.verdict,
        "mean_field": None if limit is None else limit.summary(),
    }  # fmt: skip


def print_judged(verdict: SpinVerdict, limit: MeanFieldVerdict | None) -> None:
    """Print both verdicts for people."""
    rows = [[str(s.step), f"{s.p_value:.3g}", s.verdict, s.reason] for s in verdict.steps]
    print_table("every token against its product law", ["token", "p", "verdict", "what the shots tell"], rows)
    sys.stdout.write(f"{verdict.verdict}: product law, p = {verdict.p_value:.3g} over {len(rows)} token(s)\n")
    if limit is not None:
        sys.stdout.write(f"{limit.exact_verdict}: averages of the exact law of finite N, p = {limit.exact_p_value:.3g}\n")
        sys.stdout.write(f"{limit.verdict}: mean field: {limit.reason}\n")


def overall(verdict: SpinVerdict, limit: MeanFieldVerdict | None) -> Outcome:
    """Return the verdict of the product law, or FAIL if an average fails; too few spins for the limit are no fault."""
    if limit is not None and "FAIL" in (limit.verdict, limit.exact_verdict):
        return "FAIL"
    return verdict.verdict


def cost_line(program: SpinProgram) -> str:
    """Return a program's cost in one line."""
    c = program.cost
    return (
        f"{program.schedule}: {program.steps} token(s) of {program.network.N} spins on {c.qubits} qubits, {c.two_qubit_gates} "
        f"two-qubit gates, {c.mid_circuit_measurements} mid-circuit measurements, {c.conditions} conditions, "
        f"compiled in {program.seconds:.2f} s"
    )
