# SPDX-License-Identifier: Apache-2.0
"""``stinespring resume``: send what was never sent, heal what was, go on where a step is done."""

from __future__ import annotations

import sys

from stinespring.cli import options
from stinespring.cli.output import print_json, progress
from stinespring.cli.runs.durable import again
from stinespring.cli.runs.fetch import Name, refuse
from stinespring.ledger.store import Ledger
from stinespring.ledger.submit import advancing, is_command


def resume_(id: Name, json: options.Json = False) -> None:
    """Send what was never sent of a run, and heal what was."""
    ledger = Ledger()
    run = ledger.run(id)
    if is_command(run) and run.state not in ("done", "failed", "cancelled"):
        again(ledger, run, wait=None, send=True, json=True)
        run = ledger.run(run.id)
    elif run.state not in ("done", "failed", "cancelled"):
        with progress() as report, advancing(ledger, run, report) as driver:
            run = driver.until(None, send=True, onward=True)
    remote = ledger.stored().get(run.id, [])
    if json:
        print_json(
            {"id": run.id, "state": run.state, "message": run.message, "jobs": len(ledger.jobs(run.id)), "remote": remote}
        )
    else:
        sys.stdout.write(f"run {run.id} on {run.backend}: {run.state}\n")
    refuse(run, None)
