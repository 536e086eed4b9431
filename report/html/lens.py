# SPDX-License-Identifier: Apache-2.0
"""The report of a lens study: what each layer does over many prompts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from stinespring.models.lens.metrics import cos_u
from stinespring.models.lens.states import read_states
from stinespring.models.lens.study import Study
from stinespring.models.lens.tuned import TunedLens
from stinespring.report.figures.canvas import canvas
from stinespring.report.figures.lens import draw_answers, draw_components, draw_cosines, draw_trajectories, plot_states
from stinespring.report.html.page import Figure, Page, PageTable, Section, embedded

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["study_page"]

HEAT_MAPS = 3  # prompts that are shown one by one
PREDICTIONS = 20  # rows of the table


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
            Section("The operators", [operators(study), cautions(study), cosines(study), components(study)]),
            Section("Attention and mlp of one layer", [distances(study)]),
            Section("How predictions come about", [answers(study), trajectories(study), predictions(study)]),
            Section("Single prompts", heat_maps(study, lens)),
        ],
        provenance={
            "model": decoder.fingerprint(), "lens": name if lens is None else f"tuned:{lens.fingerprint()}",
            "permutations": study.permutations, **provenance,
        },
    )  # fmt: skip


def panel(draw: Callable[[Axes, Study], None], study: Study, alt: str, caption: str) -> Figure:
    """Return one panel of the study's figure as a figure of its own."""

    def write(path: Any) -> None:
        with canvas(path, size=(8.5, 4.6)) as (_, axes):
            draw(axes[0, 0], study)

    return embedded(write, alt, caption)


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
    alt = f"Bars of the mean cosine of Hamiltonians by operator, with the value of random ones, {study.random_cos_h:.3g}."
    return panel(draw_cosines, study, alt, "how alike an operator is from prompt to prompt, beside random operators (dashed)")


def components(study: Study) -> Figure:
    """Return the principal components of the operator that settles most answers as a figure."""
    alt = "Scatter of the operator's directions in their first two principal components, coloured by cluster."
    return panel(draw_components, study, alt, "principal components of the directions v; a colour is a cluster")


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
    """Return the heat map of final answers as a figure."""
    alt = "Heat map of the probability of the final answer by prompt and point of the decoder; marks where it starts to lead."
    return panel(draw_answers, study, alt, "probability of the final answer after each part, prompt by prompt")


def trajectories(study: Study) -> Figure:
    """Return the trajectories as a figure."""
    alt = "Lines of the probability of the final answer along the layers, one for each prompt, with median and quartiles."
    return panel(draw_trajectories, study, alt, "trajectories of the final answers' probabilities")


def predictions(study: Study) -> PageTable:
    """Return where each prompt's prediction is settled."""
    rows = []
    for number in range(min(PREDICTIONS, len(study.prompts))):
        path = study.trajectory(number)
        rows.append([
            path["prompt"], path["answer"]["token"], f"{path['answer_p'][-1]:.4f}", str(study.decoder.points[path["settled"]]),
        ])  # fmt: skip
    caption = f"{len(rows)} of {len(study.prompts)} predictions"
    return PageTable(caption, ["prompt", "what it answers", "probability", "what settles it"], rows)


def heat_maps(study: Study, lens: TunedLens | None) -> list[str | Figure]:
    """Return the first prompts one by one: probabilities of tokens by point."""
    found: list[str | Figure] = [f"The first {min(HEAT_MAPS, len(study.prompts))} of {len(study.prompts)} prompts."]
    for prompt in study.prompts[:HEAT_MAPS]:
        states = read_states(study.decoder, prompt.tolist(), lens=lens)
        text = study.decoder.plain(states.prompt.tolist())
        alt = (
            f"Heat map of the probabilities of tokens after each part of the layers for the prompt “{text}”, and step lengths."
        )
        found.append(embedded(lambda path, states=states: plot_states(states, path), alt, f"after “{text}”"))  # type: ignore[misc]
    return found
