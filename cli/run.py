# SPDX-License-Identifier: Apache-2.0
"""``stinespring run``: from a model to a verdict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stinespring.backends.base import device_of
from stinespring.backends.execute import run
from stinespring.backends.mitigation import mitigated_verdict, require_mode
from stinespring.backends.registry import open_backend
from stinespring.checks.attention import check_attention
from stinespring.checks.verdict import check
from stinespring.cli import options
from stinespring.cli.output import EXIT, cost_line, print_json, print_samples, progress, samples_summary
from stinespring.compiler.compile import compile_model
from stinespring.models.joint import require_count
from stinespring.models.load import load

if TYPE_CHECKING:
    pass

Plot = Annotated[Path | None, typer.Option("--plot", help="Write a figure (.png or .svg): sampled against analytic.")]


def run_(
    model: options.Model,
    steps: options.Steps,
    prompt: options.Prompt = None,
    input_state: options.InputState = None,
    level: options.Level = None,
    shots: options.Shots = 20_000,
    seed: options.Seed = None,
    backend: options.BackendOption = "aer",
    schedule: options.ScheduleOption = "auto",
    extension: options.ExtensionOption = "token",
    input: options.InputOption = None,
    codes: options.CodesOption = "free",
    phases: options.PhasesOption = None,
    tolerance: options.Tolerance = 0.0,
    effort: options.Effort = None,
    target: options.TargetOption = "aer",
    max_qubits: options.MaxQubits = None,
    max_two_qubit_gates: options.MaxGates = None,
    max_conditions: options.MaxConditions = None,
    feed_forward: options.FeedForward = "auto",
    attention: options.AttentionOption = "auto",
    top_k: options.TopK = None,
    temperature: options.Temperature = None,
    alpha: options.Alpha = 0.001,
    resolution: options.Resolution = 0.05,
    mitigation: options.MitigationOption = "none",
    plot: Plot = None,
    json: options.Json = False,
) -> None:
    """Compile, sample and check: from a model to a verdict."""
    require_count(shots, "shots")
    if plot is not None:
        from stinespring.report.plot import require_figure

        require_figure(plot)
    require_mode(mitigation)
    source = load(model, top_k=top_k, temperature=temperature)
    sampler = open_backend(backend)
    device = device_of(sampler)
    program = compile_model(
        source,
        prompt=prompt,
        steps=steps,
        input_state=input_state,
        level=level,
        schedule=schedule,
        extension=extension,
        input=input,
        codes=codes,
        phases=phases,
        tolerance=tolerance,
        effort=effort,
        target=device if target == "aer" and device is not None else target,
        max_qubits=max_qubits,
        max_two_qubit_gates=max_two_qubit_gates,
        max_conditions=max_conditions,
        feed_forward=feed_forward,
        attention=attention,
    )
    with progress() as report:
        samples = run(program, backend=sampler, shots=shots, seed=seed, progress=report)
        report("checking", 1.0)
        verdict = check(samples, alpha=alpha, resolution=resolution)
        positions = check_attention(samples, alpha=alpha, resolution=resolution)
        verdict, note = mitigated_verdict(samples, program, sampler, verdict, mode=mitigation, resolution=resolution)
        if note["applied"]:
            positions = None  # its test knows no readout errors
    if plot is not None:
        from stinespring.report.plot import plot_samples

        plot_samples(samples, verdict, plot)
    if json:
        print_json(samples_summary(program.summary(), samples, verdict, positions) | {"mitigation": note})
    else:
        print_samples(samples, verdict, positions, prompt or str(input_state), cost_line(program))
    outcomes = [verdict.verdict] + ([] if positions is None else [positions.verdict])
    raise typer.Exit(EXIT[next(v for v in ("FAIL", "UNVERIFIED", "PASS") if v in outcomes)])
