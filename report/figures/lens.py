# SPDX-License-Identifier: Apache-2.0
"""Figures of the lens: one prompt along the layers, and many prompts compared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stinespring.models.lens.states import LensStates
from stinespring.models.lens.study import Study
from stinespring.report.figures.canvas import canvas, label, titled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_states", "plot_study"]

COLUMNS = 18  # tokens in the heat map
EACH = 4  # most likely tokens of a point that enter it
LINES = 60  # trajectories drawn
PARTS = {"embedding": "#777777", "attention": "#3b6fb6", "mlp": "#d9822b"}
FONT = 9
NAMED = 30  # prompts of the heat map of answers that have their names beside them
DARK = 0.55  # probabilities above are written in white


def plot_states(states: LensStates, path: Path) -> None:
    """Write the figure of one prompt: probabilities of tokens by point, entropy, and the length of every step.

    Args:
        states: the prompt through a lens.
        path: ends in .png or .svg.
    """
    with canvas(path, 1, 2, size=(13, 4.6), font=FONT, width_ratios=(4, 1.3)) as (figure, axes):
        draw_tokens(axes[0, 0], states)
        draw_steps(axes[0, 1], states)
        titled(figure, f"{states.decoder.name} after “{states.title()}”, {states.lens.partition(':')[0]} lens")


def plot_study(study: Study, path: Path) -> None:
    """Write the figure of many prompts: how the answer comes about, and how alike the operators are.

    Args:
        study: the prompts compared.
        path: ends in .png or .svg.
    """
    with canvas(path, 2, 2, size=(12, 8.4), font=FONT) as (figure, axes):
        draw_answers(axes[0, 0], study)
        draw_trajectories(axes[0, 1], study)
        draw_cosines(axes[1, 0], study)
        draw_components(axes[1, 1], study)
        titled(figure, f"{len(study.prompts)} prompts of {study.decoder.name}")


def draw_tokens(axes: Axes, states: LensStates) -> None:
    """Draw the probability of the tokens that lead anywhere, by point; the most likely ones at the end come first."""
    wanted = {i for point in range(len(states.points)) for i, _ in states.top(point, EACH)}
    order = sorted(wanted, key=lambda i: (-states.psi[-1, i], -states.psi[:, i].max(), i))
    leaders = {states.top(point, 1)[0][0] for point in range(len(states.points))}
    others = [i for i in order if i not in leaders][: max(0, COLUMNS - len(leaders))]
    kept = [i for i in order if i in leaders or i in others]
    p = states.psi[:, kept] ** 2
    axes.imshow(np.sqrt(p), aspect="auto", cmap="Blues", vmin=0, vmax=1)
    for row, column in zip(*np.nonzero(p >= 0.01), strict=True):
        value = p[row, column]
        axes.text(column, row, f"{value:.2f}".lstrip("0") if value < 0.995 else "1", ha="center", va="center", fontsize=7,
                  color="white" if np.sqrt(value) > DARK else "black")  # fmt: skip
    axes.set_xticks(range(len(kept)), [label(states.decoder.plain([i]), spaces=True) for i in kept], rotation=60, ha="right")
    axes.set_yticks(range(len(states.points)), [f"{n}  {place}" for n, place in enumerate(states.points)])
    axes.set_title("probability of tokens after each part (colour: its square root, the amplitude)", fontsize=9)


def draw_steps(axes: Axes, states: LensStates) -> None:
    """Draw the length of every step and the entropy, on the heat map's rows."""
    rows = np.arange(1, len(states.points))
    length = np.linalg.norm(states.delta, axis=1)
    axes.barh(rows, length, color=[PARTS[place.after] for place in states.points[1:]], alpha=0.8)
    axes.set_ylim(len(states.points) - 0.5, -0.5)
    axes.set_yticks([])
    axes.set_xlim(0, np.sqrt(2))
    axes.set_xlabel("|Δψ|: attention (blue), mlp (orange)")
    above = axes.twiny()
    above.plot(states.entropy, np.arange(len(states.points)), "k.-", lw=0.8)
    above.set_xlim(0, np.log(states.psi.shape[1]))
    above.set_xlabel("entropy in nats (black), up to ln V")


def draw_answers(axes: Axes, study: Study) -> None:
    """Draw the probability of the final answer, prompt by prompt, sorted by when it starts to lead."""
    paths = study.trajectories
    order = np.lexsort((-paths.answer_p[:, -1], paths.settled))
    image = axes.imshow(paths.answer_p[order], aspect="auto", cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    axes.figure.colorbar(image, ax=axes, label="probability of the final answer")
    axes.plot(paths.settled[order], np.arange(len(order)), "_", color="#d9822b", ms=5)
    points(axes, study)
    apart = -(-len(order) // NAMED)
    named = [label(study.decoder.plain(study.prompts[i].tolist()), 26, spaces=False) for i in order[::apart].tolist()]
    axes.set_yticks(range(0, len(order), apart), named, fontsize=6)
    axes.set_ylabel("prompts, sorted by when their answer leads" + (f"; every {apart}th is named" if apart > 1 else ""))
    axes.set_title("from the orange mark on the final answer leads", fontsize=9)


def draw_trajectories(axes: Axes, study: Study) -> None:
    """Draw the answer's probability along the layers: single prompts, median and quartiles."""
    p = study.trajectories.answer_p
    place = np.arange(p.shape[1])
    axes.plot(place, p[:LINES].T, color="#3b6fb6", lw=0.5, alpha=0.3)
    low, middle, high = np.quantile(p, (0.25, 0.5, 0.75), axis=0)
    axes.fill_between(place, low, high, color="#d9822b", alpha=0.25, lw=0, label="quartiles")
    axes.plot(place, middle, color="#d9822b", lw=2, label="median")
    points(axes, study)
    axes.set(ylim=(0, 1), ylabel="probability of the final answer")
    axes.legend(frameon=False, loc="upper left")
    axes.set_title(f"trajectories of {min(LINES, len(p))} predictions", fontsize=9)


def draw_cosines(axes: Axes, study: Study) -> None:
    """Draw the mean cosine of Hamiltonians by operator, beside that of random operators."""
    values = [operator.mean_cos_h or 0.0 for operator in study.operators]
    axes.bar(range(len(values)), values, color=[PARTS[operator.point.after] for operator in study.operators], alpha=0.85)
    axes.axhline(study.random_cos_h, color="black", lw=1, ls="--", label=f"random operators, {study.random_cos_h:.2g}")
    axes.set_yscale("log")
    axes.set_xticks(range(len(values)), [str(operator.point) for operator in study.operators], rotation=45, ha="right")
    axes.set_ylabel("mean cos(H, H')")
    axes.legend(frameon=False)
    axes.set_title(f"how alike operators are (cos U lies above {study.floor_u:.4f} whatever they are)", fontsize=9)


def draw_components(axes: Axes, study: Study) -> None:
    """Draw the directions of the operator that settles most answers in their first two components, coloured by cluster."""
    most = max(operator.decides for operator in study.operators)
    chosen, *others = [operator for operator in study.operators if operator.decides == most]
    axes.scatter(chosen.components[:, 0], chosen.components[:, 1], c=chosen.clusters, cmap="tab10", s=18, vmin=1, vmax=10)
    share = chosen.explained * 100
    axes.set(xlabel=f"component 1 ({share[0]:.0f} % of the variance)", ylabel=f"component 2 ({share[1]:.0f} %)")
    number = len(np.unique(chosen.clusters))
    tie = f", as many as {', '.join(str(other.point) for other in others)}" if others else ""
    axes.set_title(f"directions v of {chosen.point}, {number} clusters\nit settles most answers{tie}", fontsize=9)


def points(axes: Axes, study: Study) -> None:
    """Label the horizontal axis with the points."""
    names = [str(place) for place in study.decoder.points]
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
