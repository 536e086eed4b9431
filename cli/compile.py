# SPDX-License-Identifier: Apache-2.0
"""``stinespring compile``: a model as a quantum program, and OpenQASM 3."""

from __future__ import annotations

import sys

from stinespring.cli import options
from stinespring.cli.output import cost_line, print_json
from stinespring.compiler.compile import compile_model
from stinespring.models.load import load


def compile_(
    model: options.Model,
    prompt: options.Prompt,
    steps: options.Steps,
    schedule: options.ScheduleOption = "auto",
    extension: options.ExtensionOption = "token",
    input: options.InputOption = "known",
    codes: options.CodesOption = "free",
    tolerance: options.Tolerance = 0.0,
    top_k: options.TopK = None,
    temperature: options.Temperature = None,
    output: options.Output = None,
    json: options.Json = False,
) -> None:
    """Compile the next tokens of a model into a quantum program."""
    source = load(model, top_k=top_k, temperature=temperature)
    program = compile_model(
        source,
        prompt=prompt,
        steps=steps,
        schedule=schedule,
        extension=extension,
        input=input,
        codes=codes,
        tolerance=tolerance,
    )
    files = [] if output is None else [str(path) for path in program.write(output)]
    if json:
        print_json(program.summary() | {"files": files})
        return
    sys.stdout.write(cost_line(program) + "\n")
    for path in files:
        sys.stdout.write(f"wrote {path}\n")
