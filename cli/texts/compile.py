# SPDX-License-Identifier: Apache-2.0
"""``stinespring compile``: a model as a quantum program, and OpenQASM 3."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from stinespring.backends.registry import target_of
from stinespring.cli import options
from stinespring.cli.output import PASS_COLUMNS, cost_line, pass_row, print_json, print_table, progress, require_plot
from stinespring.compiler.compile import compile_model
from stinespring.models.load import load
from stinespring.report.figures.draw import draw_program

Explain = Annotated[bool, typer.Option("--explain", help="Print what each pass of the compiler did.")]

Draw = Annotated[Path | None, typer.Option("--draw", help="Write a picture (.png or .svg): registers and steps.")]


@options.takes_compile_options
def compile_(
    model: options.Model,
    compiling: dict[str, Any],
    top_k: options.TopK = None,
    temperature: options.Temperature = None,
    output: options.Output = None,
    explain: Explain = False,
    draw: Draw = None,
    json: options.Json = False,
) -> None:
    """Compile the next tokens of a model into a quantum program."""
    require_plot(draw)
    source = load(model, top_k=top_k, temperature=temperature)
    with progress("compiling"):
        program = compile_model(source, **{**compiling, "target": target_of(compiling["target"])})
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
