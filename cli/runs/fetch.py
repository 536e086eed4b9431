# SPDX-License-Identifier: Apache-2.0
"""``stinespring fetch``: what a submitted run measured, and the verdict on it."""

from __future__ import annotations

from typing import Annotated

import typer

from stinespring.checks.statistics.ruling import require_shares
from stinespring.checks.within import wanted_within
from stinespring.cli import options
from stinespring.cli.output import print_json, progress
from stinespring.cli.runs.run import end, resumable
from stinespring.cli.screen import say
from stinespring.errors import BackendError, InputError
from stinespring.ledger.recorded import Permissions
from stinespring.ledger.store import Ledger, Run, damage
from stinespring.pipeline.running import require_scoped
from stinespring.pipeline.runs import MONTH, bring_forward
from stinespring.pipeline.systems import system
from stinespring.pipeline.whole import judged

FOREVER = "forever"  # what a bare --wait means; cli.main writes it in
FINAL = ("done", "failed", "cancelled")
Name = Annotated[str, typer.Argument(metavar="ID", help="The run's id, or latest.")]
Wait = Annotated[
    str | None, typer.Option("--wait", metavar="[SECONDS]", help="Wait until it is done, for at most so many seconds if given.")
]


def fetch_(
    id: Name,
    wait: Wait = None,
    alpha: options.Alpha = 0.001,
    resolution: options.Resolution = 0.05,
    scope: options.Scope = "auto",
    within: options.Within = "auto",
    detect: options.Detect = False,
    plot: options.Plot = None,
    page: options.Report = None,
    json: options.Json = False,
) -> None:
    """Fetch and judge what a submitted run measured."""
    require_shares(alpha, resolution)
    ledger, seconds = Ledger(), waiting(wait)
    run = ledger.run(id)
    ledger.require_readable(run)
    with damage(run.id, "the kind of its source"):
        kind = system(run.request["kind"])
    require_scoped(kind, scope)
    wanted_within(within, noisy=False, resolution=resolution)
    if run.state not in FINAL:
        ledger.require_writable()
        may = Permissions(send=False, onward=seconds is not None, wait=seconds)
        with progress() as report, resumable(run.id):
            run = bring_forward(ledger, run, may, report)
    if run.state == "done":
        found = judged(ledger, run, alpha=alpha, resolution=resolution, scope=scope, within=within, detect=detect)
        end(found, run.request["title"], alpha=alpha, plot=plot, page=page, json=json)
    if json:
        print_json({"id": run.id, "state": run.state, "message": run.message})
    else:
        say(f"run {run.id} on {run.backend}: {run.state}{': ' if run.message else ''}{run.message}")
    refuse(run, seconds)


def waiting(text: str | None) -> float | None:
    """Return the seconds to wait; None for a single look."""
    if text is None:
        return None
    if text == FOREVER:
        return MONTH
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= MONTH:
        raise InputError("--wait is out of range", got=text, expected=f"seconds from 0 to {MONTH:g}, or nothing")
    return seconds


def refuse(run: Run, waited: float | None) -> None:
    """Raise what explains why there is no verdict, unless a single look found the run on its way."""
    todo = f"see 'stinespring fetch {run.id}'"
    if run.state == "failed":
        raise BackendError(f"run {run.id} failed at the service", got=run.message, todo="submit it again")
    if run.state == "cancelled":
        raise BackendError(f"run {run.id} was cancelled", got=run.message or None, todo="submit it again")
    if run.state == "created" and waited is not None:
        raise BackendError(
            f"run {run.id} was never sent", got=run.message or None, todo=f"send it with 'stinespring resume {run.id}'"
        )
    if waited is not None and run.state != "done":
        raise BackendError(
            f"run {run.id} is not done after {waited:g} s; it can still be fetched", got=f"state {run.state}", todo=todo
        )
