# SPDX-License-Identifier: Apache-2.0
"""Where the counts of a run come from, as JSON data."""

from __future__ import annotations

from typing import Any

from stinespring.ledger.store import Ledger, Run

__all__ = ["provenance"]


def provenance(ledger: Ledger, run: Run) -> dict[str, Any]:
    """Return what was asked, with which versions, on what, and the jobs that measured it."""
    return {
        "id": run.id,
        "identity": run.identity,
        "backend": run.backend,
        "created": run.created,
        "seed": run.seed,
        "request": {key: value for key, value in run.request.items() if key != "content"},
        "program": run.program["hash"],
        "versions": dict(run.versions),
        "remote": ledger.stored(run.id),
        "calibration": ledger.calibration(run.id),
    }
