# SPDX-License-Identifier: Apache-2.0
"""``stinespring jobs``: the runs in the ledger."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stinespring.cli import options
from stinespring.cli.output import print_json
from stinespring.ledger.store import Ledger

if TYPE_CHECKING:
    from stinespring.ledger.listing import Listed

SHOWN = 100  # runs in the table for people
WIDEST = 48  # characters of what was asked
COLUMNS = ("id", "what was asked", "state", "backend", "shots", "created", "what it says")

All = Annotated[bool, typer.Option("--all", help=f"Show every run; without it the newest {SHOWN}. --json has all of them.")]


def jobs_(all_: All = False, json: options.Json = False) -> None:
    """List the runs in the ledger, the newest first."""
    ledger = Ledger()
    runs, number = ledger.listed(None if all_ or json else SHOWN), ledger.number()
    if json:
        print_json({"jobs": [summary(run) for run in runs]}, indent=None if len(runs) > SHOWN else 1)
        return
    if not runs:
        sys.stdout.write(f"no runs in {ledger.path}\n")
        return
    lines = [f"{number:,} run(s) in {ledger.path}", "", *table([COLUMNS, *map(cells, runs)])]
    if len(runs) < number:
        lines.append(f"and {number - len(runs):,} older ones: see 'stinespring jobs --all'")
    damaged = sum(bool(run.damaged) for run in runs)
    if damaged:
        lines.append(f"{damaged:,} damaged: what the ledger holds of them is not what was written; the others are whole")
    sys.stdout.write("\n".join([*lines, ""]))


def summary(run: Listed) -> dict[str, Any]:
    """Return one run as JSON data."""
    return {
        "id": run.id, "state": run.state, "backend": run.backend, "shots": run.shots, "created": run.created,
        "remote": list(run.remote), "message": run.message, "model": run.name, "asked": run.title, "damaged": list(run.damaged),
    }  # fmt: skip


def cells(run: Listed) -> tuple[str, ...]:
    """Return one row of the table for people."""
    shots = "?" if run.shots is None else f"{run.shots:,}"
    asked = run.title if len(run.title) <= WIDEST else run.title[: WIDEST - 1] + "…"
    return run.id, asked, run.state, run.backend, shots, run.created[:19], run.message


def table(rows: list[tuple[str, ...]]) -> list[str]:
    """Return rows as lines, each column as wide as it must be; ten thousand of them take 0.02 s."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    sides = ["<" if name.startswith(("id", "what")) else ">" for name in rows[0]]
    form = "  ".join(f"{{:{side}{width}}}" for side, width in zip(sides, widths, strict=True))
    return [" ".join(form.format(*row).split("\n")).rstrip() for row in rows]
