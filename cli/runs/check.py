# SPDX-License-Identifier: Apache-2.0
"""``stinespring check``: counts from anywhere against the law of a source."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from stinespring.cli import options
from stinespring.cli.failures import conclude
from stinespring.cli.output import print_json, print_verdict, progress
from stinespring.cli.shown import shown
from stinespring.cli.sources import named_source
from stinespring.pipeline.counts import read_samples
from stinespring.pipeline.running import check

Counts = Annotated[Path, typer.Option("--counts", help='{"format": "stinespring/samples@1", "counts": {"a b": 123}}')]


@options.takes(options.ASKED)
def check_(
    model: options.AnySource,
    chosen: dict[str, Any],
    counts: Counts,
    resolution: options.Resolution = 0.05,
    scope: options.Scope = "auto",
    within: options.Within = "auto",
    alpha: options.Alpha = 0.001,
    json: options.Json = False,
) -> None:
    """Check counts that were sampled anywhere against the law of a source."""
    named = named_source(model, chosen)
    samples = read_samples(counts, named.source, **named.given)
    with progress("checking"):
        verdict = check(samples, alpha=alpha, resolution=resolution, scope=scope, within=within)
    conclude(verdict, lambda: print_json(shown(named.kind).judged(verdict)) if json else print_verdict(verdict))
