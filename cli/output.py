# SPDX-License-Identifier: Apache-2.0
"""What the verbs print: data on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stinespring.backends.execute import Progress
    from stinespring.stages import Program, Samples, Verdict

EXIT = {"PASS": 0, "FAIL": 1, "UNVERIFIED": 3}
SHOWN = 10  # texts in the table for people


def print_json(data: dict[str, Any]) -> None:
    """Print exactly one JSON object."""
    sys.stdout.write(json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a small table for people."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, box=box.SIMPLE, title_justify="left", title_style="bold")
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index == 0 else "right", overflow="fold")
    for row in rows:
        table.add_row(*[cell.replace("[", r"\[") for cell in row])
    Console(highlight=False, width=None if sys.stdout.isatty() else 100).print(table)


@contextmanager
def progress() -> Iterator[Progress]:
    """Show what is being done on stderr while it is done, on a terminal only."""
    from rich.console import Console

    console = Console(stderr=True)
    with console.status("working …") as status:
        yield lambda phrase, share: status.update(f"{phrase} ({share:.0%})")


def cost_line(program: Program) -> str:
    """Return a program's cost in one line."""
    c = program.cost
    return (
        f"{program.schedule.kind}: {c.qubits} qubits, {c.two_qubit_gates} two-qubit gates (depth {c.two_qubit_depth}), "
        f"TVD bound {program.tvd_bound:.3g}, compiled in {program.seconds:.2f} s"
    )


def print_verdict(verdict: Verdict) -> None:
    """Print the verdict and the distances behind it."""
    sys.stdout.write(
        f"TVD {verdict.tvd:.4f}, 95 % interval of the true one [{verdict.tvd_low:.4f}, {verdict.tvd_high:.4f}], "
        f"shot noise alone {verdict.tvd_noise_floor:.4f}, Hellinger fidelity {verdict.hellinger_fidelity:.5f}\n"
        f"{verdict.verdict}: {verdict.reason}\n"
    )


def text_rows(samples: Samples) -> list[dict[str, Any]]:
    """Return every sampled text with its key, its reading, its token numbers and its count, the most frequent first."""
    model = samples.model
    rows = sorted(zip(samples.counts.tolist(), samples.texts.tolist(), strict=True), key=lambda row: (-row[0], row[1]))
    return [
        {"key": model.text(t), "text": model.plain(t), "ids": [n for n in t if n != model.vacuum], "count": c} for c, t in rows
    ]
