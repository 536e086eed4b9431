# SPDX-License-Identifier: Apache-2.0
"""``stinespring resume``: send what was never sent, heal what was, go on where a step is done."""

from __future__ import annotations

from stinespring.cli import options
from stinespring.cli.output import print_json, progress
from stinespring.cli.runs.fetch import Name, refuse
from stinespring.cli.screen import say
from stinespring.ledger.recorded import Permissions
from stinespring.ledger.store import Ledger
from stinespring.pipeline.runs import bring_forward


def resume_(id: Name, json: options.Json = False) -> None:
    """Send what was never sent of a run, and heal what was."""
    ledger = Ledger()
    ledger.require_writable()
    run = ledger.run(id)
    with progress() as report:
        run = bring_forward(ledger, run, Permissions(send=True, onward=True), report)
    remote = ledger.stored(run.id)
    if json:
        print_json(
            {"id": run.id, "state": run.state, "message": run.message, "jobs": len(ledger.jobs(run.id)), "remote": remote}
        )
    else:
        say(f"run {run.id} on {run.backend}: {run.state}")
    refuse(run, None)
