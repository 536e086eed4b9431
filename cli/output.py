# SPDX-License-Identifier: Apache-2.0
"""What the verbs print: data on stdout, everything else on stderr."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TextIO

from stinespring.cli.progress import progress as progress  # noqa: PLC0414 -- the verbs show it beside what they print
from stinespring.cli.screen import print_table, say, wrote
from stinespring.showing import many

if TYPE_CHECKING:
    from pathlib import Path

    from stinespring.pipeline.runs import Planned
    from stinespring.stages import Effect, Program, Verdict

SHOWN = 10  # texts in the table for people


def print_json(data: dict[str, Any], indent: int | None = 1) -> None:
    """Print exactly one JSON object; where stdout cannot carry every character, with escapes; without indent in a tenth."""
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    sys.stdout.write(json.dumps(data, indent=indent, ensure_ascii=not utf8, allow_nan=False) + "\n")


def say_rounding(source: Any) -> None:
    """Say on stderr in what a decoder's laws are computed, where that is not double precision."""
    rounding = getattr(getattr(source, "decoder", source), "rounding", "float64")
    if rounding != "float64":
        sys.stderr.write(f"the laws of {source.name} are computed in {rounding}\n")


def command_line(seed: int | None = None, run: str | None = None) -> str:
    """Return the command that was given so that it can be given again.

    Args:
        seed: that was drawn; it is added where none was given and the command takes one.
        run: the id of the run that was fetched, to be written instead of ``latest``.
    """
    words = ["stinespring", *(run if run and word == "latest" else word for word in sys.argv[1:])]
    given = "fetch" in words[1:2] or any(word.partition("=")[0] == "--seed" for word in words)
    return shlex.join(words if given or seed is None else [*words, "--seed", str(seed)])


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write an ``.npz`` file."""
    import io

    import numpy as np

    from stinespring.writing import write_whole

    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    write_whole(path, buffer.getvalue())
    wrote(path)


def cost_line(program: Program) -> str:
    """Return a program's cost in one line."""
    c = program.cost
    return (
        f"{program.schedule}: {qubits(program)}, {c.two_qubit_gates} two-qubit gates (depth {c.two_qubit_depth}), "
        f"{decoder(program)}TVD bound {program.tvd_bound:.3g}, compiled in {program.seconds:.2f} s"
    )


def write_program(program: Program, path: Path | None, dialect: str = "qasm3") -> list[str]:
    """Write a program if a path is given, say so, and return the files; of a folder with many its name alone is said."""
    if path is None:
        return []
    files = [str(file) for file in program.write(path, dialect)]
    wrote(*(files if len(files) <= SHOWN else [path]))
    return files


def qubits(program: Program) -> str:
    """Return how many qubits a program uses; on a device also how many that has, which all are declared."""
    used = program.details.get("qubits_used", program.cost.qubits)
    return f"{used} qubits" if program.device is None else f"{used} of {program.cost.qubits} qubits of {program.device}"


def decoder(program: Program) -> str:
    """Return what decodes a program's readings, where there is a choice, as part of a line."""
    codes = program.details.get("codes")
    if codes is None:
        return ""
    from stinespring.compiler.options import DECODERS

    return f"{DECODERS[codes]}, "


LEAST = ("TVD bound", "depth", "bound from below")  # columns that a narrow screen has no room for
PASS_COLUMNS = ("pass", "CX", "depth", "qubits", "TVD bound", "bound from below", "what it did")


def print_passes(program: Program, title: str) -> None:
    """Print what each pass of the compiler did."""
    used = program.details.get("qubits_used")
    rows = [pass_row(effect, used if effect.name == "lower" and used else effect.qubits) for effect in program.passes]
    print_table(title, PASS_COLUMNS, rows, least=LEAST)


def pass_row(effect: Effect, qubits: int) -> list[str]:
    """Return one row of the table of passes: two-qubit gates and depth, qubits used, TVD bound, counting lower bound."""
    figures = [f"{n:,}" for n in (effect.two_qubit_gates, effect.two_qubit_depth, qubits)]
    return [effect.name, *figures, f"{effect.tvd_bound:.3g}", f"{effect.lower_bound:,}", effect.reason]


def print_verdict(verdict: Verdict) -> None:
    """Print the verdict and the distances behind it."""
    d = verdict.distance
    if d is not None:
        say(
            f"TVD {d.tvd:.4f}, 95 % interval of the true one [{d.low:.4f}, {d.high:.4f}], "
            f"shot noise alone {d.noise_floor:.4f}, Hellinger fidelity {d.hellinger_fidelity:.5f}"
        )
    say(f"{verdict.verdict}: {verdict.reason}")


def say_block(block: Verdict, to: TextIO | None = None) -> None:
    """Say what following the circuits exactly found."""
    say(f"{block.verdict}: block: {block.reason}", to)


def print_estimate(planned: Planned, to: TextIO | None = None) -> None:
    """Print what a run will take, for people."""
    e = planned.estimate
    duration = "unknown" if e.duration_s is None else f"{e.duration_s * 1e6:.1f} us a shot"
    needed = "cannot be told" if e.shots_for_verdict is None else f"{e.shots_for_verdict:,}"
    say(
        f"{planned.program.schedule} program on {planned.backend.name}: {e.qubits_used} qubits, "
        f"{e.two_qubit_gates} two-qubit gates, {decoder(planned.program)}duration {duration}\n"
        f"{planned.shots:,} shots: {many(e.circuits, 'circuit')} in {many(e.jobs, 'job')}, about "
        f"{e.qpu_seconds:.1f} s of QPU time\n"
        f"expected TVD {e.expected_tvd:.3g} ({e.expected_tvd_by}); shots for a verdict: {needed}"
        + (f"\n{e.note}" if e.note else ""),
        to,
    )
