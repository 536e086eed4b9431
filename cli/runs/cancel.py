# SPDX-License-Identifier: Apache-2.0
"""``stinespring cancel``: cancel a run at the service."""

from __future__ import annotations

from stinespring.cli import options
from stinespring.cli.output import print_json, progress
from stinespring.cli.runs.fetch import Name
from stinespring.cli.screen import say
from stinespring.errors import InputError
from stinespring.ledger.store import Ledger
from stinespring.pipeline.runs import cancel


def cancel_(id: Name, json: options.Json = False) -> None:
    """Cancel a run at the service."""
    ledger = Ledger()
    ledger.require_writable()
    run = ledger.run(id)
    if run.state in ("done", "failed"):
        raise InputError("the run is over already", got=f"run {run.id}: {run.state}", todo=f"see 'stinespring fetch {run.id}'")
    with progress() as report:
        run = cancel(ledger, run, report)
    if json:
        print_json({"id": run.id, "state": run.state, "message": run.message})
    else:
        say(f"run {run.id} on {run.backend}: {run.state}")
