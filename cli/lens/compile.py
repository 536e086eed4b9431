# SPDX-License-Identifier: Apache-2.0
"""``stinespring lens compile``: the layers for one prompt as a circuit of reflections."""

from __future__ import annotations

import time as clock
from dataclasses import replace
from typing import Annotated

import typer

from stinespring.cli import options
from stinespring.cli.failures import EXIT
from stinespring.cli.lens.prompt import named_decoder, prompt_states
from stinespring.cli.output import print_json, say_block, write_program
from stinespring.cli.paths import require_file_of_one
from stinespring.cli.screen import say
from stinespring.errors import InputError

Operator = Annotated[
    int | None, typer.Option("--operator", help="Only the unitary that leads to this point, on register x, nothing measured.")
]


def compile_(
    model: options.DecoderModel,
    prompt: options.TextPrompt,
    upto: options.Upto = None,
    operator: Operator = None,
    time: options.LayerTime = 1.0,
    simplify: options.SimplifyOption = "operators",
    ancilla: options.AncillaOption = "auto",
    lens: options.Lens = "logit",
    verify: options.Verify = "none",
    output: options.Output = None,
    dialect: options.DialectOption = "qasm3",
    json: options.Json = False,
) -> None:
    """Compile the layers for one prompt: prepare the first state, one reflection for each operator, measure."""
    from stinespring.compiler.systems.lens import compile_operator
    from stinespring.models.lens.tuned import named_lens
    from stinespring.pipeline.blocks import block_told, require_verify, verify_block
    from stinespring.pipeline.compiling import compile_words

    mode = require_verify(verify)
    require_file_of_one(output, False)
    if operator is not None and (upto is not None or simplify != "operators"):
        raise InputError("--operator exports one unitary", got="--upto or --simplify beside it", expected="one of them")
    decoder = named_decoder(model)
    chosen, begun = named_lens(lens, decoder), clock.perf_counter()
    states = prompt_states(decoder, prompt, chosen)
    if operator is not None:
        program = compile_operator(states, operator, time=time, ancilla=ancilla)
    else:
        program = compile_words(states, upto=upto, time=time, simplify=simplify, ancilla=ancilla)
    program = replace(program, seconds=clock.perf_counter() - begun)
    block = verify_block(program, mode)
    if block is not None and block.verdict == "FAIL":
        output = None
    files = write_program(program, output, dialect)
    if json:
        print_json(program.summary() | {"files": files} | ({} if block is None else {"block": block_told(block)}))
        raise typer.Exit(0 if block is None else EXIT[block.verdict])
    c, what, point = program.cost, "up to" if operator is None else "the operator into", program.details["point"]
    say(
        f"{what} point {point} ({states.points[point]}): {c.qubits} qubits, {c.two_qubit_gates:,} two-qubit "
        f"gates (depth {c.two_qubit_depth:,}), compiled in {program.seconds:.2f} s\n{program.details['method']}"
    )
    if block is not None:
        say_block(block)
    raise typer.Exit(0 if block is None else EXIT[block.verdict])
