# SPDX-License-Identifier: Apache-2.0
"""``stinespring sphere compile | sample | overlaps``: layers on the sphere and overlaps as circuits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stinespring.cli import options
from stinespring.cli.output import print_json, progress, write_program
from stinespring.cli.screen import say
from stinespring.errors import InputError
from stinespring.reading import stem_of

File = Annotated[Path, typer.Argument(metavar="FILE", help="A sphere file (.json).")]
Particle = Annotated[int, typer.Option("--particle", help="Which particle; 0 is the first.")]
Layers = Annotated[int, typer.Option("--layers", help="How many layers.")]
Amplify = Annotated[str, typer.Option("--amplify", help="Rounds of amplitude amplification, or auto.")]
ScheduleOption = Annotated[str, typer.Option("--schedule", help="static, dynamic (one position register, reset) or stepwise.")]


def compile_(
    file: File,
    particle: Particle,
    output: options.Output = None,
    dialect: options.DialectOption = "qasm3",
    layers: Layers = 1,
    schedule: ScheduleOption = "static",
    amplify: Amplify = "0",
    ancilla: options.AncillaOption = "auto",
    measure: Annotated[bool, typer.Option("--measure", help="Measure the particle into register x1.")] = False,
    json: options.Json = False,
) -> None:
    """Compile a particle's layer step: a linear combination of states, projected to the sphere by post-selection."""
    from stinespring.models.sphere.files import read_sphere
    from stinespring.pipeline.compiling import compile_words

    with progress("compiling"):
        program = compile_words(
            read_sphere(file), particle=particle, layers=layers, schedule=schedule, amplify=amplify,
            read="amplitudes" if measure else "nothing", ancilla=ancilla,
        )  # fmt: skip
    files = write_program(program, output, dialect)
    if json:
        print_json(program.summary() | {"files": files})
        return
    c, told = program.cost, program.details
    say(
        f"particle {particle} through {layers} layer(s), {program.schedule}: {c.qubits} qubits, {c.two_qubit_gates} "
        f"two-qubit gates (depth {c.two_qubit_depth}), success {told['success_probability']:.6g} "
        f"({told['amplification_rounds']} rounds of amplification)\nupdated: {told['updated']}"
    )


def sample_(
    file: File,
    particle: Annotated[str, typer.Option("--particle", help="Which particle, or all.")] = "all",
    layers: Layers = 1,
    schedule: ScheduleOption = "static",
    amplify: Amplify = "0",
    shots: Annotated[int, typer.Option("--shots", help="For each circuit.")] = 20_000,
    seed: options.Seed = None,
    backend: options.BackendOption = "aer",
    alpha: options.Alpha = 0.001,
    resolution: options.Resolution = 0.05,
    page: options.Report = None,
    json: options.Json = False,
) -> None:
    """Sample layer steps: amplitudes, fidelity and success probability against their analytic values."""
    from stinespring.checks.statistics.ruling import require_shares
    from stinespring.cli.runs.run import run_named
    from stinespring.cli.sources import Named
    from stinespring.models.sphere.files import read_sphere
    from stinespring.models.texts.joint import require_count

    require_count(shots, "shots")
    require_shares(alpha, resolution)
    model = read_sphere(file)
    if particle != "all" and not particle.isdigit():
        raise InputError("there is no such particle", got=particle, expected=f"a number from 0 to {model.n - 1}, or all")
    given = {"layers": layers, "schedule": schedule, "amplify": amplify}
    if particle != "all":
        given["particle"] = int(particle)
    run_named(
        Named("sphere", model, given, {}, f"{stem_of(file)}, particle {particle}, {layers} layer(s)"), backend=backend,
        shots=shots, seed=seed, alpha=alpha, resolution=resolution, page=page, json=json,
    )  # fmt: skip


def overlaps_(
    file: File,
    test: Annotated[
        str, typer.Option("--test", help="hadamard (signed overlaps, and the energy) or swap (squares).")
    ] = "hadamard",
    shots: Annotated[int, typer.Option("--shots", help="For each pair.")] = 20_000,
    seed: options.Seed = None,
    backend: options.BackendOption = "aer",
    alpha: options.Alpha = 0.001,
    resolution: options.Resolution = 0.05,
    page: options.Report = None,
    json: options.Json = False,
) -> None:
    """Sample the overlaps of all pairs, and from them the energy, against their analytic values."""
    from stinespring.checks.statistics.ruling import require_shares
    from stinespring.cli.runs.run import run_named
    from stinespring.cli.sources import Named
    from stinespring.models.sphere.files import read_sphere
    from stinespring.models.texts.joint import require_count

    require_count(shots, "shots")
    require_shares(alpha, resolution)
    run_named(
        Named("sphere", read_sphere(file), {"test": test}, {}, f"{stem_of(file)}, overlaps by the {test} test"),
        backend=backend, shots=shots, seed=seed, alpha=alpha, resolution=resolution, page=page, json=json,
    )  # fmt: skip
