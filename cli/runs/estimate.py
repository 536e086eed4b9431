# SPDX-License-Identifier: Apache-2.0
"""``stinespring estimate``: what a run will cost, before it is submitted."""

from __future__ import annotations

from typing import Any

from stinespring.backends.registry import opened
from stinespring.cli import options
from stinespring.cli.output import print_estimate, print_json, progress
from stinespring.ledger.submit import plan


@options.takes_compile_options
def estimate_(
    model: options.Model,
    compiling: dict[str, Any],
    shots: options.Shots = 20_000,
    seed: options.Seed = None,
    backend: options.BackendOption = "aer",
    top_k: options.TopK = None,
    temperature: options.Temperature = None,
    alpha: options.Alpha = 0.001,
    resolution: options.Resolution = 0.05,
    mitigation: options.MitigationOption = "none",
    json: options.Json = False,
) -> None:
    """Tell what a run will cost before it is submitted."""
    with opened(backend) as ready:
        with progress("compiling"):
            planned = plan(
                model, backend=ready, asked=backend, shots=shots, seed=seed, options=compiling, top_k=top_k,
                temperature=temperature, alpha=alpha, resolution=resolution, mitigation=mitigation, simulate=True,
            )  # fmt: skip
        if json:
            print_json({**planned.program.summary(), "backend": ready.name, **planned.estimate.plain()})
        else:
            print_estimate(planned)
