# SPDX-License-Identifier: Apache-2.0
"""``stinespring jobs``: the runs in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from stinespring.cli import options
from stinespring.cli.output import print_json
from stinespring.cli.screen import print_table, say
from stinespring.ledger.store import Ledger

if TYPE_CHECKING:
    from stinespring.ledger.listing import Listed

SHOWN = 100  # runs in the table for people
LEAST = ("created", "what it says")  # columns that a narrow screen has no room for
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
        say(f"no runs in {ledger.path}")
        return
    print_table(f"{number:,} run(s) in {ledger.path}", COLUMNS, list(map(cells, runs)), LEAST)
    if len(runs) < number:
        say(f"and {number - len(runs):,} older ones: see 'stinespring jobs --all'")
    damaged = sum(bool(run.damaged) for run in runs)
    if damaged:
        say(f"{damaged:,} damaged: what the ledger holds of them is not what was written; the others are whole")


def summary(run: Listed) -> dict[str, Any]:
    """Return one run as JSON data."""
    return {
        "id": run.id, "state": run.state, "backend": run.backend, "shots": run.shots, "created": run.created,
        "remote": list(run.remote), "message": run.message, "model": run.name, "asked": run.title, "damaged": list(run.damaged),
    }  # fmt: skip


def cells(run: Listed) -> tuple[str, ...]:
    """Return one row of the table for people."""
    shots = "?" if run.shots is None else f"{run.shots:,}"
    return run.id, run.title, run.state, run.backend, shots, run.created[:19], run.message
