# SPDX-License-Identifier: Apache-2.0
"""``stinespring compile``: a source of any kind as a quantum program, and OpenQASM 3."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from stinespring.backends.registry import target_of
from stinespring.cli import options, paths
from stinespring.cli.chosen import say_choices
from stinespring.cli.failures import EXIT
from stinespring.cli.output import cost_line, print_json, print_passes, progress, say_block, write_program
from stinespring.cli.paths import require_file_of_one
from stinespring.cli.screen import say, wrote
from stinespring.cli.sources import named_source
from stinespring.pipeline.blocks import block_told, require_verify, verify_block
from stinespring.pipeline.python.compiled import compile_source
from stinespring.stages import Program, Verdict

Explain = Annotated[bool, typer.Option("--explain", help="Print what each pass of the compiler did.")]

Draw = Annotated[
    Path | None, typer.Option("--draw", callback=paths.FIGURE, help="Write a picture (.png or .svg): registers and steps.")
]


@options.takes(options.COMPILE)
def compile_(
    model: options.AnySource,
    chosen: dict[str, Any],
    output: options.Output = None,
    dialect: options.DialectOption = "qasm3",
    explain: Explain = False,
    verify: options.Verify = "none",
    draw: Draw = None,
    json: options.Json = False,
) -> None:
    """Compile a source into a quantum program."""
    mode = require_verify(verify)
    require_file_of_one(output, chosen["schedule"] in ("auto", "stepwise"))
    named = named_source(model, chosen)
    if named.kind == "sphere" and "test" not in named.given:
        named.given["read"] = "nothing"  # what the circuit leaves in x is the particle
    if output is not None and dialect != "qasm3":  # devices of Braket, and OpenQASM 2 as it is written here, have no conditions
        plain = {"schedule": "static", "form": "isometry"}
        named.given.update({k: v for k, v in plain.items() if k not in named.given and named.kind in options.COMPILE[k][2]})
    with progress("compiling"):
        program = compile_source(named.source, **{**named.given, "target": target_of(chosen["target"])})
    block = verify_block(program, mode)
    if block is not None and block.verdict == "FAIL":
        output = draw = None  # a program that breaks its promise is not written
    show(program, output=output, dialect=dialect, explain=explain, draw=draw, json=json, block=block)
    if block is not None:
        raise typer.Exit(EXIT[block.verdict])


def show(
    program: Program, *, output: Path | None, dialect: Any = "qasm3", explain: bool = False, draw: Path | None = None,
    json: bool = False, block: Verdict | None = None,
) -> None:  # fmt: skip
    """Write the files that were asked for, and print what a program costs."""
    if draw is not None:
        from stinespring.report.figures.draw import draw_program

        draw_program(program, draw)
        wrote(draw)
    say_choices(program)
    files = write_program(program, output, dialect)
    if json:
        print_json(program.summary() | {"files": files} | ({} if block is None else {"block": block_told(block)}))
        return
    if explain:
        reasons = getattr(getattr(program.body, "form", None), "reasons", None)
        if reasons is not None:
            say("\n".join(reasons()))
        title = f"Promise: phases {program.promise}"
        if program.passes:
            print_passes(program, title)
        else:
            say(f"{title}; the circuits are written directly, without passes")
    say(cost_line(program))
    if block is not None:
        say_block(block)
