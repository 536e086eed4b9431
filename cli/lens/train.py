# SPDX-License-Identifier: Apache-2.0
"""``stinespring lens train``: a tuned lens."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from stinespring.cli import options, paths
from stinespring.cli.lens.prompt import named_decoder
from stinespring.cli.output import print_json, progress
from stinespring.cli.screen import print_table, wrote
from stinespring.models.lens.lines import encode_lines
from stinespring.models.lens.train import train_lens
from stinespring.writing import write_whole

LensFile = Annotated[
    Path, typer.Option("-o", "--output", callback=paths.written("lens", ".safetensors"), help="FILE.safetensors.")
]
Texts = Annotated[
    Path | None,
    typer.Option(
        "--texts",
        callback=paths.existing("text file"),
        help="A text file to read, one text a line; by default the model's own samples.",
    ),
]
Positions = Annotated[
    int, typer.Option("--positions", help="How many positions of the texts are used, a quarter of them to test.")
]
TrainingSteps = Annotated[int, typer.Option("--steps", help="Steps of L-BFGS for each point.")]
TrainingSeed = Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same lens.")]

Affine = Annotated[bool, typer.Option("--affine", help="Train a matrix for each point, too: x + A x + b.")]


def train_(
    model: options.DecoderModel,
    output: LensFile,
    texts: Texts = None,
    positions: Positions = 1024,
    steps: TrainingSteps = 40,
    seed: TrainingSeed = 0,
    affine: Affine = False,
    json: options.Json = False,
) -> None:
    """Train one bias for each point, or also a matrix, by KL(final || lens); everything else stays as it is."""
    decoder = named_decoder(model)
    read = None if texts is None else encode_lines(decoder, texts)
    begun = time.perf_counter()
    with progress() as report:
        trained = train_lens(decoder, texts=read, positions=positions, steps=steps, seed=seed, affine=affine, progress=report)
    write_whole(output, trained.lens.to_bytes())
    wrote(output)
    rows = [
        {"after": place.after, "layer": place.layer, "kl_logit": float(trained.logit[i]), "kl_tuned": float(trained.tuned[i])}
        for i, place in enumerate(decoder.points)
    ]
    if json:
        print_json({
            "model": decoder.name, "model_fingerprint": decoder.fingerprint(), "points": rows,
            "trained_on": trained.positions[0], "tested_on": trained.positions[1],
            "seconds": time.perf_counter() - begun, "files": [str(output)],
        })  # fmt: skip
        return
    table = [
        [str(place), f"{row['kl_logit']:.4f}", f"{row['kl_tuned']:.4f}"]
        for place, row in zip(decoder.points, rows, strict=True)
    ]
    title = f"Mean KL(final || lens) in nats on {trained.positions[1]} positions that were not trained on"
    print_table(title, ["after", "logit lens", "tuned lens"], table)
