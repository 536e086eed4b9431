# SPDX-License-Identifier: Apache-2.0
"""``stinespring jobs``: the runs in the ledger."""

from __future__ import annotations

import sys
from typing import Any

from stinespring.cli import options
from stinespring.cli.output import print_json, print_table
from stinespring.ledger.store import Ledger


def jobs_(json: options.Json = False) -> None:
    """List the runs in the ledger, the newest first."""
    ledger = Ledger()
    rows: list[dict[str, Any]] = [
        {
            "id": run.id, "state": run.state, "backend": run.backend, "shots": run.shots, "created": run.created,
            "remote": list(run.remote), "message": run.message, "model": run.name, "asked": run.title,
        }
        for run in ledger.listed()
    ]  # fmt: skip
    if json:
        print_json({"jobs": rows})
    elif not rows:
        sys.stdout.write(f"no runs in {ledger.path}\n")
    else:
        columns = ["id", "what was asked", "state", "backend", "shots", "created", "what it says"]
        print_table(f"{len(rows)} run(s) in {ledger.path}", columns, [shown(row) for row in rows])


def shown(row: dict[str, Any]) -> list[str]:
    """Return one row of the table for people."""
    return [row["id"], row["asked"], row["state"], row["backend"], f"{row['shots']:,}", row["created"][:19], row["message"]]
