# SPDX-License-Identifier: Apache-2.0
"""``stinespring export``: a run's counts and where they come from, as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stinespring.cli import options, paths
from stinespring.cli.output import print_json
from stinespring.cli.runs.fetch import Name
from stinespring.cli.screen import wrote
from stinespring.ledger.export import provenance
from stinespring.ledger.store import Ledger
from stinespring.pipeline.counts.files import write_samples
from stinespring.pipeline.runs import read

Output = Annotated[
    Path,
    typer.Option(
        "-o", "--output", callback=paths.written("file", ".json"), help="FILE.json: stinespring/samples@1 with provenance."
    ),
]


def export_(id: Name, output: Output, json: options.Json = False) -> None:
    """Write a run's counts and provenance to a file."""
    ledger = Ledger()
    run = ledger.run(id)
    _, samples, _ = read(ledger, run)
    write_samples(samples, provenance(ledger, run), output)
    wrote(output)
    if json:
        print_json({"id": run.id, "state": run.state, "files": [str(output)]})
