# SPDX-License-Identifier: Apache-2.0
"""``stinespring compile``: a model as a quantum program, and OpenQASM 3."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from stinespring.cli import options
from stinespring.cli.output import PASS_COLUMNS, cost_line, pass_row, print_json, print_table, progress
from stinespring.compiler.compile import compile_model
from stinespring.models.load import load
from stinespring.report.draw import draw_program
from stinespring.report.plot import require_figure

Explain = Annotated[bool, typer.Option("--explain", help="Print what each pass of the compiler did.")]

Draw = Annotated[Path | None, typer.Option("--draw", help="Write a picture (.png or .svg): registers and steps.")]


def compile_(
    model: options.Model,
    steps: options.Steps,
    prompt: options.Prompt = None,
    input_state: options.InputState = None,
    level: options.Level = None,
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
    delays: options.Delays = "none",
    top_k: options.TopK = None,
    temperature: options.Temperature = None,
    output: options.Output = None,
    explain: Explain = False,
    draw: Draw = None,
    json: options.Json = False,
) -> None:
    """Compile the next tokens of a model into a quantum program."""
    if draw is not None:
        require_figure(draw)
    source = load(model, top_k=top_k, temperature=temperature)
    with progress("compiling"):
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
            target=target,
            max_qubits=max_qubits,
            max_two_qubit_gates=max_two_qubit_gates,
            max_conditions=max_conditions,
            feed_forward=feed_forward,
            attention=attention,
            delays=delays,
        )
    if draw is not None:
        draw_program(program, draw)
    files = [] if output is None else [str(path) for path in program.write(output)]
    if json:
        print_json(program.summary() | {"files": files})
        return
    if explain:
        if program.dynamic is not None:
            sys.stdout.write("\n".join(program.dynamic.reasons()) + "\n")
        print_table(f"Promise: phases {program.phases}", PASS_COLUMNS, [pass_row(effect) for effect in program.effects])
    sys.stdout.write(cost_line(program) + "\n")
    for path in files:
        sys.stdout.write(f"wrote {path}\n")
