# SPDX-License-Identifier: Apache-2.0
"""``stinespring fetch``: what a submitted run measured, and the verdict on it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from json import loads
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from stinespring.checks.texts.attention import check_attention
from stinespring.checks.texts.verdict import require_shares
from stinespring.cli import options
from stinespring.cli.output import (
    EXIT,
    command_line,
    print_json,
    print_samples,
    progress,
    require_plot,
    require_report,
    samples_summary,
    worst,
)
from stinespring.cli.runs.durable import again
from stinespring.errors import BackendError, InputError
from stinespring.ledger.store import Ledger, Run
from stinespring.ledger.submit import advancing, is_command, samples_of, verdict_of

FOREVER = "forever"  # what a bare --wait means; cli.main writes it in
MONTH = 30 * 86_400.0
Name = Annotated[str, typer.Argument(metavar="ID", help="The run's id, or latest.")]
Wait = Annotated[
    str | None, typer.Option("--wait", metavar="[SECONDS]", help="Wait until it is done, for at most so many seconds if given.")
]


def fetch_(
    id: Name,
    wait: Wait = None,
    alpha: options.Alpha = 0.001,
    resolution: options.Resolution = 0.05,
    plot: options.Plot = None,
    page: options.Report = None,
    json: options.Json = False,
) -> None:
    """Fetch and judge what a submitted run measured."""
    require_plot(plot)
    require_shares(alpha, resolution)
    require_report(page, plot)
    ledger, seconds = Ledger(), waiting(wait)
    run = ledger.run(id)
    if is_command(run) and run.state not in ("failed", "cancelled"):
        show_command(ledger, run, seconds, page, json)
        run = ledger.run(run.id)
    elif run.state not in ("done", "failed", "cancelled"):
        with progress() as report, advancing(ledger, run, report) as driver, resumable(run.id):
            run = driver.until(seconds, send=False, onward=seconds is not None)
    judge(ledger, run, waited=seconds, alpha=alpha, resolution=resolution, plot=plot, page=page, json=json)


@contextmanager
def resumable(run: str) -> Iterator[None]:
    """Say after an interruption how the run goes on."""
    try:
        yield
    except KeyboardInterrupt:
        sys.stderr.write(f"run {run} is in the ledger: 'stinespring fetch {run} --wait' goes on\n")
        raise


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


def judge(
    ledger: Ledger, run: Run, *, waited: float | None, alpha: float, resolution: float, plot: Path | None, page: Path | None,
    json: bool,
) -> None:  # fmt: skip
    """Print the verdict on a run that is done, else its state; exit accordingly."""
    if run.state == "done":
        show(ledger, run, alpha=alpha, resolution=resolution, plot=plot, page=page, json=json)
    if json:
        print_json({"id": run.id, "state": run.state, "message": run.message})
    else:
        sys.stdout.write(f"run {run.id} on {run.backend}: {run.state}{': ' if run.message else ''}{run.message}\n")
    refuse(run, waited)


def show(
    ledger: Ledger, run: Run, *, alpha: float, resolution: float, plot: Path | None, page: Path | None, json: bool
) -> NoReturn:
    """Print the verdict on a run that is done; exit accordingly."""
    samples = samples_of(ledger, run)
    verdict, note = verdict_of(ledger, run, samples, alpha=alpha, resolution=resolution)
    positions = None if note["applied"] else check_attention(samples, alpha=alpha, resolution=resolution)
    if plot is not None:
        from stinespring.report.figures.plot import plot_samples

        plot_samples(samples, verdict, plot)
    if page is not None:
        from stinespring.report.html.texts import fetched_page

        fetched_page(ledger, run, samples, verdict, positions, note, command=command_line(run.seed, run.id)).write(page)
    if json:
        figures = samples_summary(run.program["cost"], samples, verdict, positions)
        print_json({"state": run.state, "id": run.id, **figures, "mitigation": note})
    else:
        print_samples(samples, verdict, positions, run.request["options"].get("prompt") or "the input state")
    raise typer.Exit(EXIT[worst(verdict, positions)])


def show_command(ledger: Ledger, run: Run, waited: float | None, page: Path | None, json: bool) -> None:
    """Print what another command than ``run`` says of what was measured, and exit as it does; return if it is not done."""
    begun = any(job.remote for job in ledger.jobs(run.id))
    found = again(ledger, run, wait=waited, send=waited is not None and begun, json=json, page=page)
    if found is None:
        return
    printed, status = found
    if json:
        print_json({"state": "done", "id": run.id, **loads(printed)})
    else:
        sys.stdout.write(printed)
    raise typer.Exit(status)


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
    if waited is not None:
        raise BackendError(
            f"run {run.id} is not done after {waited:g} s; it can still be fetched", got=f"state {run.state}", todo=todo
        )
