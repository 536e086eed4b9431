# SPDX-License-Identifier: Apache-2.0
"""Figures, movies and pages of particles on S^1 and S^2."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stinespring.errors import InputError
from stinespring.models.sphere.model import SphereModel
from stinespring.models.sphere.simulate import SphereRun
from stinespring.readings import FloatArray
from stinespring.report.figures.canvas import canvas, image, opened_figure, raised, require_figure, require_matplotlib, titled
from stinespring.report.html.player import player_page
from stinespring.writing import require_place, write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["played", "plot_run", "require_outputs", "write_figures", "write_movie", "write_page"]

EARLY, LATE, NEURON, ATTENTION = "#9db7d9", "#1f4e8c", "#c2571a", "#3b6fb6"
MOST_FRAMES = 120
FEW = 50  # particles that are drawn larger


def require_outputs(model: SphereModel, plot: Path | None, movie: Path | None) -> None:
    """Refuse figures that could not be written, before anything is computed."""
    if plot is not None:
        require_figure(plot)
    if movie is None:
        return
    if movie.suffix.lower() not in (".gif", ".html"):
        raise InputError("the movie's format is not known", got=str(movie), expected="a name that ends in .gif or .html")
    if model.d > 3:
        raise InputError("there is no movie of this sphere", got=f"d = {model.d}", expected="d = 2 or 3")
    require_place(movie, "movie")
    if movie.suffix.lower() == ".gif":
        require_matplotlib("--movie")


def write_figures(run: SphereRun, plot: Path | None, movie: Path | None) -> None:
    """Write what was asked for."""
    if plot is not None:
        plot_run(run, plot)
    if movie is not None:
        (write_page if movie.suffix.lower() == ".html" else write_movie)(run, movie)


def draw_points(axes: Axes, model: SphereModel, x: FloatArray, colour: str, label: str | None = None) -> None:
    """Draw particles: on the circle slightly apart so that groups show, on S^2 with the far side faint."""
    size = 14 if model.n > FEW else 36
    if model.d == 2:
        axes.scatter(x[:, 0], x[:, 1], s=size, color=colour, alpha=0.6, linewidths=0, label=label)
    else:
        near = x[:, 1] <= 0
        axes.scatter(x[~near, 0], x[~near, 2], s=0.6 * size, color=colour, alpha=0.25, linewidths=0)
        axes.scatter(x[near, 0], x[near, 2], s=size, color=colour, alpha=0.8, linewidths=0, label=label)


def draw_sphere(axes: Axes, model: SphereModel) -> None:
    """Draw the sphere's outline and the directions of neurons with w > 0 (filled) and w < 0 (open)."""
    turn = np.linspace(0, 2 * np.pi, 400)
    axes.plot(np.cos(turn), np.sin(turn), color="#bbbbbb", linewidth=1, zorder=0)
    if model.perceptron is not None and len(model.perceptron.weights) <= 12:
        for a, w in zip(model.perceptron.directions, model.perceptron.weights, strict=True):
            tip = 1.17 * a[[0, -1]] / max(float(np.linalg.norm(a)), 1e-300)
            face, sign = (NEURON, "w > 0") if w > 0 else ("none", "w < 0")
            label = f"neuron, {sign} (size: |w|)"
            known = axes.get_legend_handles_labels()[1]
            axes.scatter(
                tip[0], tip[1], marker="^", s=20 + 60 * min(2.0, abs(w)), facecolors=face, edgecolors=NEURON, zorder=3,
                label=None if label in known else label,
            )  # fmt: skip
    axes.set_aspect("equal")
    axes.set_xlim(-1.35, 1.35)
    axes.set_ylim(-1.35, 1.35)
    axes.axis("off")


def plot_run(run: SphereRun, path: Path) -> None:
    """Write the figure of a run: first and last positions, the energy's two parts and the residual along the flow."""
    model, kept = run.model, run.record.arrays()
    with canvas(path, 1, 3, size=(12.5, 4.2)) as (figure, axes):
        left, middle, right = axes[0]
        draw_sphere(left, model)
        shown = model.particles if model.d == 2 else model.particles[:, :3]
        draw_points(left, model, shown if model.d > 2 else 0.88 * shown, EARLY, "start")
        draw_points(left, model, run.positions[:, : min(3, model.d)], LATE, f"step {run.step:,}")
        left.legend(loc="upper center", bbox_to_anchor=(0.5, 0.02), frameon=False, ncols=2, fontsize=8)
        middle.plot(kept["times"], kept["energies"].sum(axis=1), color="#c8c8c8", linewidth=4.5, label="energy (sum)")
        for column, name, colour in ((0, "attention", ATTENTION), (1, "perceptron", NEURON)):
            middle.plot(kept["times"], kept["energies"][:, column], color=colour, label=name)
        middle.set_xlabel("time")
        middle.legend(frameon=False, fontsize=9)
        middle.set_title(
            "energy along the flow" if run.energy is not None else "no energy outside the gradient case", fontsize=10
        )
        right.semilogy(kept["times"], np.maximum(kept["residuals"], 1e-300), color=LATE)
        right.set_xlabel("time")
        right.set_title("largest projected field", fontsize=10)
        rule = f"{model.normalise}, {model.direction}, {run.scheme}"
        titled(figure, f"{model.n:,} particles on S{raised(model.d - 1)}, β = {model.beta:g}, {rule}", 12)


def frames_of(run: SphereRun) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return which kept moments are shown, at most 120 of them, and all that was kept."""
    kept = run.record.arrays()
    count = len(kept["steps"])
    return np.unique(np.linspace(0, count - 1, min(count, MOST_FRAMES)).round().astype(int)), kept


def write_movie(run: SphereRun, path: Path) -> None:
    """Write an animated GIF of the kept positions with the energy so far."""
    from PIL import Image

    model, (shown, kept) = run.model, frames_of(run)
    pictures = []
    with opened_figure(1, 2, size=(7.6, 4.0), width_ratios=(1.1, 1)) as (figure, axes):
        left, right = axes[0]
        for number in shown.tolist():
            left.clear()
            right.clear()
            draw_sphere(left, model)
            draw_points(left, model, kept["trajectory"][number], LATE)
            left.set_title(f"step {kept['steps'][number]:,}, time {kept['times'][number]:.4g}", fontsize=10)
            energy = kept["energies"].sum(axis=1)
            right.plot(kept["times"], energy, color="#cccccc")
            right.plot(kept["times"][: number + 1], energy[: number + 1], color=ATTENTION)
            right.set_xlabel("time")
            right.set_title("energy", fontsize=10)
            picture = Image.open(io.BytesIO(image(figure, "png", dpi=80)))
            pictures.append(picture.convert("P", palette=Image.Palette.ADAPTIVE, colors=64))
    result = io.BytesIO()
    pictures[0].save(result, format="GIF", save_all=True, append_images=pictures[1:], duration=80, loop=0)
    write_whole(path, result.getvalue())


def write_page(run: SphereRun, path: Path) -> None:
    """Write a page that plays the kept positions."""
    write_whole(path, player_page(played(run)))


def played(run: SphereRun) -> dict[str, Any]:
    """Return what is played of a run: the kept positions, energies and times, and the neurons; see ``html/player.py``."""
    model, (shown, kept) = run.model, frames_of(run)
    energies = kept["energies"][shown].sum(axis=1)
    neurons = [] if model.perceptron is None else [
        {"a": np.round(a / max(float(np.linalg.norm(a)), 1e-300), 4).tolist(), "w": float(w)}
        for a, w in zip(model.perceptron.directions, model.perceptron.weights, strict=True)
    ]  # fmt: skip
    return {
        "d": model.d, "beta": model.beta, "n": model.n, "rule": f"{model.normalise}, {model.direction}, {run.scheme}",
        "frames": [np.round(kept["trajectory"][i], 4).tolist() for i in shown.tolist()],
        "steps": kept["steps"][shown].tolist(), "times": kept["times"][shown].tolist(), "neurons": neurons,
        "energies": [None if not np.isfinite(e) else float(e) for e in energies.tolist()],
    }  # fmt: skip
