# SPDX-License-Identifier: Apache-2.0
"""``stinespring lens study``: the operators of many prompts compared."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from stinespring.cli import options, paths
from stinespring.cli.lens.prompt import named_decoder, tell_left_out
from stinespring.cli.output import command_line, print_json, progress
from stinespring.cli.screen import print_table, say, wrote
from stinespring.models.lens.lines import encode_lines
from stinespring.models.lens.metrics import cos_u
from stinespring.models.lens.study import Study, study_prompts
from stinespring.models.lens.tuned import named_lens

Prompts = Annotated[
    Path, typer.Option("--prompts", callback=paths.existing("prompts file"), help="A text file, one prompt a line.")
]
Permutations = Annotated[int, typer.Option("--permutations", help="Of every test; p-values are at least 1 / (1 + N).")]
StudySeed = Annotated[int, typer.Option("--seed", min=0, help="Of the random operators and the permutations.")]
Plot = Annotated[
    Path | None,
    typer.Option("--plot", callback=paths.FIGURE, help="Write a figure (.png or .svg): trajectories, cosines, components."),
]


def study_(
    model: options.DecoderModel,
    prompts: Prompts,
    lens: options.Lens = "logit",
    permutations: Permutations = 999,
    seed: StudySeed = 0,
    plot: Plot = None,
    page: options.Report = None,
    json: options.Json = False,
) -> None:
    """Compare the operators of many prompts: which are alike, which layer moves the answer."""
    decoder = named_decoder(model)
    texts = encode_lines(decoder, prompts)
    tuned = named_lens(lens, decoder)
    tell_left_out(decoder, [len(text) - decoder.longest for text in texts])
    with progress() as report:
        study = study_prompts(
            decoder,
            [text.tolist() for text in texts],
            lens=tuned,
            permutations=permutations,
            seed=seed,
            progress=report,
        )
    if json:
        print_json({"model": decoder.name, "lens": lens.partition(":")[0]} | study.summary())
    else:
        print_study(study)
    sys.stdout.flush()  # said, whatever becomes of the figures
    if plot is not None:
        from stinespring.report.figures.lens import plot_study

        plot_study(study, plot)
        wrote(plot)
    if page is not None:
        from stinespring.report.html.lens import study_page

        study_page(study, tuned, command=command_line(), provenance={"seed": seed}).write(page)
        wrote(page)


def print_study(study: Study) -> None:
    """Print one line an operator; the floor stands beside the cosine of U, random operators beside that of H."""
    size, rows = len(study.decoder.tokens), []
    for operator in study.operators:
        cos_h = operator.mean_cos_h
        rows.append([
            str(operator.point),
            "-" if cos_h is None else f"{cos_u(cos_h, size):.6f}",
            "-" if cos_h is None else f"{cos_h:.5f}",
            "-" if operator.p_value_h is None else f"{operator.p_value_h:.3g}",
            f"{operator.norm_mean_delta_psi:.4f}",
            f"{operator.mean_norm_delta_psi:.4f}",
            f"{operator.answer_gain:+.4f}",
            str(operator.decides),
        ])  # fmt: skip
    columns = ["operator", "cos U", "cos H", "p (H)", "|mean Δψ|", "mean |Δψ|", "answer gains", "decides"]
    print_table(f"{len(study.prompts)} prompts of {study.decoder.name}", columns, rows, ["mean |Δψ|", "p (H)", "decides"])
    pairs = ", ".join(
        f"layer {i} {value:.4f} (p {p:.3g})"
        for i, (value, p) in enumerate(zip(study.distance_correlation, study.p_value_distance, strict=True))
    )
    say(
        f"cos U cannot be below 1 - 4/V = {study.floor_u:.6f}; random operators have cos H {study.random_cos_h:.5f}\n"
        f"distance correlation of attention and mlp: {pairs}; of independent random ones {study.random_distance:.4f}"
    )
