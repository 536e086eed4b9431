# SPDX-License-Identifier: Apache-2.0
"""``stinespring estimate``: what a run will cost, before it is submitted."""

from __future__ import annotations

from typing import Any

from stinespring.backends.registry import opened
from stinespring.cli import options
from stinespring.cli.chosen import say_choices
from stinespring.cli.output import print_estimate, print_json, progress
from stinespring.cli.sources import named_source
from stinespring.pipeline.runs import plan


@options.takes(options.COMPILE)
def estimate_(
    model: options.AnySource,
    chosen: dict[str, Any],
    shots: options.Shots = 20_000,
    seed: options.Seed = None,
    backend: options.BackendOption = "aer",
    alpha: options.Alpha = 0.001,
    resolution: options.Resolution = 0.05,
    within: options.Within = "auto",
    mitigation: options.MitigationOption = "none",
    json: options.Json = False,
) -> None:
    """Tell what a run will cost before it is submitted."""
    named = named_source(model, chosen)
    with opened(backend) as ready:
        with progress("compiling") as report:
            planned = plan(
                named.source, named.given, backend=ready, asked_of=backend, shots=shots, seed=seed, settings=named.settings,
                alpha=alpha, resolution=resolution, within=within, mitigation=mitigation, simulate=True, title=named.title,
                report=report,
            )  # fmt: skip
        say_choices(planned.program)
        if json:
            print_json({**planned.program.summary(), "backend": ready.name, **planned.estimate.plain()})
        else:
            print_estimate(planned)
