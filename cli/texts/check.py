# SPDX-License-Identifier: Apache-2.0
"""``stinespring check``: counts from anywhere against a model's law."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stinespring.checks.texts.files import read_samples
from stinespring.checks.texts.verdict import check
from stinespring.cli import options
from stinespring.cli.output import EXIT, print_json, print_verdict, progress
from stinespring.models.load import load

Counts = Annotated[Path, typer.Option("--counts", help='{"format": "stinespring/samples@1", "counts": {"a b": 123}}')]


def check_(
    model: options.Model,
    steps: options.Steps,
    counts: Counts,
    prompt: options.Prompt = None,
    input_state: options.InputState = None,
    level: options.Level = None,
    resolution: options.Resolution = 0.05,
    alpha: options.Alpha = 0.001,
    top_k: options.TopK = None,
    temperature: options.Temperature = None,
    json: options.Json = False,
) -> None:
    """Check sampled texts against a model's law."""
    source = load(model, top_k=top_k, temperature=temperature)
    samples = read_samples(counts, source, prompt=prompt, steps=steps, input_state=input_state, level=level)
    with progress("checking"):
        verdict = check(samples, alpha=alpha, resolution=resolution)
    if json:
        print_json(verdict.summary())
    else:
        print_verdict(verdict)
    raise typer.Exit(EXIT[verdict.verdict])
