# SPDX-License-Identifier: Apache-2.0
"""``stinespring verify-channel``: does this OpenQASM program do what that channel does?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stinespring.backends.aer.choi import require_choi
from stinespring.checks.process import process_summary
from stinespring.circuits.core.from_qasm import read_program
from stinespring.circuits.qasm.pairs import FORMAT, require_pair
from stinespring.circuits.qasm.text import read_text
from stinespring.cli import options
from stinespring.cli.channels.channel import File
from stinespring.cli.failures import conclude
from stinespring.cli.output import command_line, print_json, print_verdict, progress
from stinespring.cli.screen import say, wrote
from stinespring.errors import InputError
from stinespring.models.channels.files import read_channel
from stinespring.pipeline.exact import sampled_process, verify_channel
from stinespring.pipeline.running import check
from stinespring.reading import read_json
from stinespring.stages import Samples, Verdict

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from stinespring.models.channels.cptp import CPTP

ProgramFile = Annotated[Path, typer.Argument(metavar="FILE.qasm", help="Registers sys, env and outcome.")]
ToleranceOption = Annotated[float, typer.Option("--tolerance", help="Diamond distance that counts as equal.")]
ShotsOption = Annotated[int | None, typer.Option("--shots", help="Sample random product inputs and measurements instead.")]
Settings = Annotated[int, typer.Option("--settings", help="How many inputs and measurements to draw, with --shots.")]


def verify_(
    file: File,
    program: ProgramFile,
    tolerance: ToleranceOption = 1e-9,
    shots: ShotsOption = None,
    settings: Settings = 40,
    backend: options.BackendOption = "aer",
    seed: options.Seed = None,
    alpha: options.Alpha = 0.001,
    resolution: options.Resolution = 0.05,
    page: options.Report = None,
    json: options.Json = False,
) -> None:
    """Compare a program with the channel it should be: process fidelity and diamond distance, or a sampled test."""
    channel = read_channel(file)
    if shots is None:
        require_choi(channel.inputs, channel.outputs)  # before a long program is read for nothing
    circuit = read_program(program)
    if shots is not None:
        with progress("sampling") as report:
            samples = sampled_process(
                channel, circuit, shots=shots, settings=settings, backend=backend, seed=seed, report=report
            )
        verdict = check(samples, alpha=alpha, resolution=resolution)
        conclude(
            verdict, lambda: print_json(verdict.summary() | {"method": "sampled"}) if json else print_verdict(verdict),
            *written(page, channel, circuit, program, verdict, samples, {"settings": settings, "shots": shots}),
        )  # fmt: skip
    with progress("comparing"):
        found = verify_channel(channel, circuit, tolerance=tolerance, outcomes=outcomes_beside(program))
    files = written(page, channel, circuit, program, found, None, {"tolerance": tolerance})
    conclude(found, lambda: print_json(process_summary(found)) if json else print_process(found), *files)


def written(
    page: Path | None, channel: CPTP, circuit: QuantumCircuit, program: Path, verdict: Verdict, samples: Samples | None,
    settings: Mapping[str, Any],
) -> list[Callable[[], None]]:  # fmt: skip
    """Return what writes the page that was asked for."""
    if page is None:
        return []

    def write() -> None:
        from stinespring.report.html.channels import verified_page

        figures = None if samples is not None else {k: v for k, v in process_summary(verdict).items() if k != "reason"}
        verified_page(
            channel, circuit, read_text(program), verdict, name=program.name, samples=samples, figures=figures,
            command=command_line(None if samples is None else samples.seed), settings=settings,
        ).write(page)  # fmt: skip
        wrote(page)

    return [write]


def print_process(found: Verdict) -> None:
    """Print how far a process is from what it should be."""
    say(
        f"process fidelity {found.figures['process_fidelity']:.12f}, largest Choi error {found.figures['choi_error']:.3g}\n"
        f"{found.verdict}: {found.reason}"
    )


def outcomes_beside(program: Path) -> dict[int, int] | None:
    """Return what the values of ``outcome`` mean, from the description beside the program, if there is one."""
    beside = program.with_suffix(".json")
    if beside == program or not beside.is_file():
        return None
    description = read_json(beside, kind="description")
    if description.get("format") == FORMAT:
        require_pair(read_text(program), description, program, edited=True)  # its circuit is verified itself
    decode = description.get("decode")
    table = decode.get("outcome") if isinstance(decode, dict) else None
    if not isinstance(table, dict):
        return None
    try:
        return {int(value): int(outcome) for value, outcome in table.items()}
    except (TypeError, ValueError):
        raise InputError("the description's decode table cannot be read", got=f"{beside}: {table}") from None
