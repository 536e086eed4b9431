# SPDX-License-Identifier: Apache-2.0
"""``stinespring lens``: what a decoder would say after each of its layers, and the operators between."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from stinespring.cli import options, paths
from stinespring.cli.lens.prompt import named_decoder, prompt_states
from stinespring.cli.output import command_line, print_json
from stinespring.cli.screen import print_table, say, wrote
from stinespring.models.lens.metrics import floor_u
from stinespring.models.lens.states import LensStates
from stinespring.models.lens.tuned import named_lens
from stinespring.writing import write_whole

Full = Annotated[
    Path | None,
    typer.Option("--full", callback=paths.ARRAYS, help="FILE.npz: psi (points, V) and v (operators, V) in float64."),
]
Plot = Annotated[
    Path | None,
    typer.Option("--plot", callback=paths.FIGURE, help="Write a figure (.png or .svg): probabilities along the layers."),
]
COUNTED = 5  # tokens at each point


def lens_(
    model: options.DecoderModel,
    prompt: options.TextPrompt,
    lens: options.Lens = "logit",
    full: Full = None,
    plot: Plot = None,
    page: options.Report = None,
    json: options.Json = False,
) -> None:
    """Show the states of a prompt after every layer, and the operators between them."""
    decoder = named_decoder(model)
    states = prompt_states(decoder, prompt, named_lens(lens, decoder))
    if full is not None:
        write_full(states, full)
        wrote(full)
    data = summary(states)
    if json:
        print_json(data)
    else:
        print_states(states, data)
    sys.stdout.flush()  # said, whatever becomes of the figure
    if plot is not None:
        from stinespring.report.figures.lens import plot_states

        plot_states(states, plot)
        wrote(plot)
    if page is not None:
        from stinespring.report.html.lens import states_page

        states_page(states, command=command_line()).write(page)
        wrote(page)


def summary(states: LensStates) -> dict[str, Any]:
    """Return what ``lens --json`` prints."""
    names = states.decoder.tokens
    points = [
        {
            "after": place.after,
            "layer": place.layer,
            "entropy": float(states.entropy[number]),
            "top": [{"id": i, "token": names[i], "p": p} for i, p in states.top(number, COUNTED)],
        }
        for number, place in enumerate(states.points)
    ]
    overlap = np.sum(states.psi[:-1] * states.psi[1:], axis=1)
    onto = np.sum(states.v * states.psi[:-1], axis=1)
    operators = [
        {
            "layer": place.layer,
            "part": place.after,
            "overlap": float(overlap[number]),
            "norm_delta_psi": float(np.linalg.norm(states.delta[number])),
            "v_dot_psi_in": float(onto[number]),
        }
        for number, place in enumerate(states.points[1:])
    ]
    return {
        "model": states.decoder.name,
        "lens": states.lens,
        "prompt_ids": states.prompt.tolist(),
        "points": points,
        "operators": operators,
        "floor_U": floor_u(len(names)),
    }


def write_full(states: LensStates, path: Path) -> None:
    """Write the states and directions themselves."""
    buffer = io.BytesIO()
    np.savez(buffer, psi=states.psi, v=states.v, prompt_ids=states.prompt)
    write_whole(path, buffer.getvalue())


def print_states(states: LensStates, data: dict[str, Any]) -> None:
    """Print one line a point: its entropy, its most likely tokens, and the operator that leads to it."""
    rows = []
    moves: list[dict[str, Any]] = [{}, *data["operators"]]
    for number, (point, move) in enumerate(zip(data["points"], moves, strict=True)):
        top = "  ".join(f"{states.decoder.plain([t['id']])!r} {t['p']:.3f}" for t in point["top"][:3])
        rows.append(
            [str(number), str(states.points[number]), f"{point['entropy']:.3f}", top]
            + ([f"{move['overlap']:.4f}", f"{move['norm_delta_psi']:.4f}"] if move else ["", ""])
        )
    columns = ["point", "after", "entropy", "what is most likely", "overlap", "|Δψ|"]
    print_table(f"{data['model']} after {states.title()!r}, lens {data['lens']}", columns, rows, ["|Δψ|", "overlap"])
    say(f"floor of cos(U, U'): 1 - 4/V = {data['floor_U']:.6f}")
