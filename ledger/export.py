# SPDX-License-Identifier: Apache-2.0
"""A run as a file: counts as ``stinespring/samples@1``, with where they come from."""

from __future__ import annotations

from pathlib import Path

from stinespring.ledger.store import Ledger, Run
from stinespring.ledger.submit import samples_of
from stinespring.writing import dump, write_whole

__all__ = ["write_samples"]

FORMAT = "stinespring/samples@1"


def write_samples(ledger: Ledger, run: Run, path: Path) -> None:
    """Write the counts of a run that is done, whole or not at all.

    Raises:
        InputError: the run is not done, or the file cannot be written.
    """
    samples = samples_of(ledger, run)
    request = {key: value for key, value in run.request.items() if key != "content"}
    provenance = {
        "id": run.id,
        "identity": run.identity,
        "backend": run.backend,
        "created": run.created,
        "seed": run.seed,
        "request": request,
        "program": run.program["hash"],
        "versions": dict(run.versions),
        "remote": ledger.stored().get(run.id, []),
        "calibration": ledger.calibration(run.id),
    }
    content = {"format": FORMAT, "counts": samples.by_text(), "shots": samples.shots}
    write_whole(path, dump({**content, "provenance": provenance}))
