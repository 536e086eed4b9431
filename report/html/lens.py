# SPDX-License-Identifier: Apache-2.0
"""The report of a lens study: what each layer does over many prompts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from stinespring.models.lens.metrics import cos_u, floor_u
from stinespring.models.lens.states import LensStates, read_states
from stinespring.models.lens.study import Study
from stinespring.models.lens.tuned import TunedLens
from stinespring.report.html.page import Figure, Page, PageTable, Section
from stinespring.report.svg.lens import PARTS, answers_picture, states_pictures
from stinespring.report.svg.paper import Picture
from stinespring.report.svg.plot import Series, bars_picture, plot_picture
from stinespring.report.visible import visible, visible_text

__all__ = ["states_page", "study_page"]

HEAT_MAPS = 3  # prompts that are shown one by one
PREDICTIONS = 20  # rows of the table
LINES = 60  # trajectories drawn
CLUSTERS = 6  # colours
LIKELY = 5  # tokens that are listed at each point


def study_page(study: Study, lens: TunedLens | None, *, command: str, provenance: Mapping[str, Any]) -> Page:
    """Return the report of a study.

    Args:
        study: the prompts compared.
        lens: through which they were read; None is the logit lens.
        command: how to get it again.
        provenance: rows besides the decoder's.
    """
    name = "logit" if lens is None else "tuned"
    decoder = study.decoder
    return Page(
        title=f"{len(study.prompts)} prompts of {decoder.name} through the {name} lens",
        lead="each part of a layer as a reflection U = 1 - 2 v v^T on the states of its output tokens, compared over prompts",
        command=command,
        sections=[
            Section("The operators", [operators(study), cautions(study), cosines(study)]),
            Section("Attention and mlp of one layer", [distances(study)]),
            Section("How predictions come about", [answers(study), predictions(study)]),
            Section("Single prompts", heat_maps(study, lens)),
        ],
        provenance={
            "model": decoder.fingerprint(), "lens": name if lens is None else f"tuned:{lens.fingerprint()}",
            "permutations": study.permutations, **provenance,
        },
    )  # fmt: skip


def states_page(states: LensStates, *, command: str) -> Page:
    """Return the report of one prompt seen through a lens.

    Args:
        states: the prompt.
        command: how to get it again.
    """
    text, name = visible_text(states.title()), states.lens.partition(":")[0]
    rows = []
    for number, point in enumerate(states.points):
        likely = [f"{visible(states.decoder.plain([i]))} {p:.3f}" for i, p in states.top(number, LIKELY)]
        moved = f"{float(np.linalg.norm(states.delta[number - 1])):.4f}" if number else ""
        rows.append([str(number), str(point), f"{states.entropy[number]:.3f}", moved, "; ".join(likely)])
    table = PageTable(
        "after each part, what is most likely", ["point", "after", "entropy", "|Δψ|", "what is most likely"], rows
    )
    return Page(
        title=f"{states.decoder.name} after “{text}”",
        lead=f"what it would say after each part of its layers, through the {name} lens",
        command=command,
        sections=[Section("Along the layers", [Figure(states_pictures(states), "tokens, steps and entropy by part"), table])],
        provenance={
            "model": states.decoder.fingerprint(), "lens": states.lens, "states": states.fingerprint(),
            "prompt ids": " ".join(map(str, states.prompt.tolist())),
            "floor of cos(U, U')": floor_u(len(states.decoder.tokens)),
        },
    )  # fmt: skip


def operators(study: Study) -> PageTable:
    """Return one row an operator: the floor stands beside the cosine of U, random operators beside that of H."""
    size = len(study.decoder.tokens)
    rows = []
    for found in study.operators:
        cos_h, p = found.mean_cos_h, found.p_value_h
        rows.append([
            str(found.point), "-" if cos_h is None else f"{cos_u(cos_h, size):.6f}", f"{study.floor_u:.6f}",
            "-" if cos_h is None else f"{cos_h:.5f}", f"{study.random_cos_h:.5f}", "-" if p is None else f"{p:.3g}",
            f"{found.norm_mean_delta_psi:.4f}", f"{found.mean_norm_delta_psi:.4f}", f"{found.answer_gain:+.4f}",
            str(found.decides), str(found.identities),
        ])  # fmt: skip
    names = [
        "operator",
        "cos U",
        "its floor",
        "cos H",
        "of random",
        "p (H)",
        "|mean Δψ|",
        "mean |Δψ|",
        "answer gains",
        "decides",
    ]
    return PageTable("means over pairs of prompts", [*names, "identities"], rows)


def cautions(study: Study) -> str:
    """Return how the cosines are to be read."""
    return (
        f"cos U cannot be below 1 - 4/V = {study.floor_u:.6f}, so that a large one shows the dimension only: compare "
        f"cos H with that of random operators, {study.random_cos_h:.5f}."
    )


def cosines(study: Study) -> Figure:
    """Return the cosines of Hamiltonians as a figure."""
    values = np.array([np.nan if one.mean_cos_h is None else one.mean_cos_h for one in study.operators])
    picture = bars_picture(
        [str(one.point) for one in study.operators], values, title="how alike an operator is from prompt to prompt",
        across="mean cos(H, H')", kinds=[PARTS[one.point.after] for one in study.operators], reference=study.random_cos_h,
        known=f"random operators, {study.random_cos_h:.2g}", log=True,
    )  # fmt: skip
    caption = (
        "how alike operators are beside random ones, attention blue, mlp orange; and the principal components of the "
        "directions v of the operator that settles most answers, a colour is a cluster"
    )
    return Figure([picture, components(study)], caption)


def components(study: Study) -> Picture:
    """Return the principal components of the operator that settles most answers."""
    most = max(operator.decides for operator in study.operators)
    chosen, *others = [operator for operator in study.operators if operator.decides == most]
    numbers, (x, y) = np.unique(chosen.clusters), chosen.components.T
    series = [
        Series(
            f"cluster {number}", x[chosen.clusters == number], y[chosen.clusters == number], f"dots c{(i % CLUSTERS) + 1} large"
        )
        for i, number in enumerate(numbers.tolist())
    ]
    share = chosen.explained * 100
    tie = f", as many as {', '.join(str(other.point) for other in others)}" if others else ""
    title = f"directions v of {chosen.point}"
    desc = f"{len(numbers)} clusters of the directions of {chosen.point}, which settles most answers{tie}."
    return plot_picture(series, title=title, across=f"component 1 ({share[0]:.0f} % of the variance)",
                        up=f"component 2 ({share[1]:.0f} %)", desc=desc)  # fmt: skip


def distances(study: Study) -> PageTable:
    """Return the distance correlations of attention and mlp by layer."""
    figures = zip(study.distance_correlation, study.unbiased_distance, study.p_value_distance, strict=True)
    rows = [
        [str(layer), f"{value:.4f}", f"{study.random_distance:.4f}", f"{unbiased:.4f}", f"{p:.3g}"]
        for layer, (value, unbiased, p) in enumerate(figures)
    ]
    caption = (
        "distance correlation of the directions; of independent ones it is close to 1 where V is large against the prompts"
    )
    return PageTable(caption, ["layer", "distance correlation", "of random", "unbiased square", "p"], rows)


def answers(study: Study) -> Figure:
    """Return the heat map of final answers as a figure, and the trajectories of their probabilities."""
    shown = f"the first {LINES} of " if len(study.prompts) > LINES else ""
    return Figure([answers_picture(study), trajectories(study)], "probability of the final answer after each part, prompt by "
                  f"prompt; from the framed cell on it leads. Lines: {shown}{len(study.prompts)} predictions")  # fmt: skip


def trajectories(study: Study) -> Picture:
    """Return the trajectories of the answers' probabilities."""
    p, names = study.trajectories.answer_p, [str(point) for point in study.decoder.points]
    places = np.arange(p.shape[1], dtype=np.float64)
    low, middle, high = np.quantile(p, (0.25, 0.5, 0.75), axis=0)
    series = [Series("one prompt" if i == 0 else "", places, row, "curve c1 faint") for i, row in enumerate(p[:LINES])]
    series += [Series("quartiles", places, low, "c2", upper=high), Series("median", places, middle, "curve c2 thick")]
    up = "probability of the final answer"
    return plot_picture(series, title="trajectories", across="after", up=up, names=names, low=0.0, high=1.0)


def predictions(study: Study) -> PageTable:
    """Return where each prompt's prediction is settled."""
    rows = []
    for number in range(min(PREDICTIONS, len(study.prompts))):
        path = study.trajectory(number)
        rows.append([
            path["prompt"], study.decoder.plain([path["answer"]["id"]]), f"{path['answer_p'][-1]:.4f}",
            str(study.decoder.points[path["settled"]]),
        ])  # fmt: skip
    caption = f"{len(rows)} of {len(study.prompts)} predictions"
    return PageTable(caption, ["prompt", "what it answers", "probability", "what settles it"], rows, frozenset({1}))


def heat_maps(study: Study, lens: TunedLens | None) -> list[str | Figure]:
    """Return the first prompts one by one: probabilities of tokens by point."""
    found: list[str | Figure] = [f"The first {min(HEAT_MAPS, len(study.prompts))} of {len(study.prompts)} prompts."]
    for prompt in study.prompts[:HEAT_MAPS]:
        states = read_states(study.decoder, prompt.tolist(), lens=lens)
        text = visible_text(study.decoder.plain(states.prompt.tolist()))
        found.append(Figure(states_pictures(states), f"after “{text}”: what is likely after each part, and how far it moves"))
    return found
