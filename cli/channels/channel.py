# SPDX-License-Identifier: Apache-2.0
"""``stinespring channel``: any completely positive trace-preserving map as a circuit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stinespring.cli import options
from stinespring.cli.output import print_json, progress, write_program
from stinespring.cli.paths import require_file_of_one
from stinespring.cli.screen import say
from stinespring.compiler.channels.channel import DEFAULT_EFFORT
from stinespring.models.channels.files import read_channel
from stinespring.pipeline.compiling import compile_words

File = Annotated[Path, typer.Argument(metavar="FILE.npz", help="Holds one of kraus, choi and isometry (and dims, labels).")]
FormOption = Annotated[str, typer.Option("--form", help="isometry, tree (one measured ancilla) or auto.")]
EffortOption = Annotated[
    float, typer.Option("--effort", help="About the seconds for numerical synthesis; 0 means closed forms only.")
]


def channel_(
    file: File,
    form: FormOption = "auto",
    effort: EffortOption = DEFAULT_EFFORT,
    output: options.Output = None,
    dialect: options.DialectOption = "qasm3",
    json: options.Json = False,
) -> None:
    """Compile a channel into a circuit: a Stinespring isometry, or a tree of measurements."""
    require_file_of_one(output, False)
    with progress("compiling"):
        program = compile_words(read_channel(file), form=form, effort=effort)
    files = write_program(program, output, dialect)
    if json:
        print_json(program.summary() | {"files": files})
        return
    c, told = program.cost, program.details
    say(
        f"{told['inputs']} -> {told['outputs']} qubits, rank {told['rank']}, form {told['form']}: "
        f"{c.qubits} qubits, {c.two_qubit_gates} two-qubit gates (depth {c.two_qubit_depth}) on the worst path, "
        f"{c.mid_circuit_measurements} mid-circuit measurements, {c.conditions} conditions\n"
        f"{told['method']}; largest Choi error {told['choi_error']:.2g}; compiled in {program.seconds:.2f} s"
    )
