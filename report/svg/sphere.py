# SPDX-License-Identifier: Apache-2.0
"""A run of particles on the sphere: where they were and are, the energy, and what still moves."""

from __future__ import annotations

import numpy as np

from stinespring.models.sphere.simulate import SphereRun
from stinespring.readings import FloatArray
from stinespring.report.svg.paper import PANEL, Paper, Picture, width_of
from stinespring.report.svg.plot import Series, plot_picture

__all__ = ["run_pictures"]

MIDDLE, RADIUS = (210.0, 230.0), 160.0
NEURONS = 12  # that are drawn
FEW = 50  # particles that are drawn larger


def run_pictures(run: SphereRun) -> list[Picture]:
    """Return first and last positions, the energy's two parts along the flow, and the largest projected field."""
    kept = run.record.arrays()
    times, energies = kept["times"], kept["energies"]
    title = "energy along the flow" if run.energy is not None else "no energy outside the gradient case"
    parts = [
        Series("sum", times, energies.sum(axis=1), "curve c6 thick"), Series("attention", times, energies[:, 0], "curve c1"),
        Series("perceptron", times, energies[:, 1], "curve c2"),
    ]  # fmt: skip
    return [
        positions_picture(run),
        plot_picture(parts, title=title, across="time", up="energy"),
        plot_picture([Series("", times, np.maximum(kept["residuals"], 1e-300))], title="largest projected field", across="time",
                     up="residual", log=True, desc=f"What still moves ends at {run.residual:.3g}."),
    ]  # fmt: skip


def positions_picture(run: SphereRun) -> Picture:
    """Return where the particles were and are; of spheres of more dimensions the first three."""
    paper, model = Paper(), run.model
    paper.words(4, 16, f"{model.n:,} particles, before and after", "strong")
    size = "" if model.n > FEW else "large"
    names = (("start", f"c2 {size}"), (f"step {run.step:,}", f"c1 {size}"))
    x = 12.0
    for name, kind in names:
        paper.dots([(x, 33)], kind)
        paper.words(x + 12, 38, name, "soft")
        x += width_of(name) + 40
    paper.circle(*MIDDLE, RADIUS, "open rim")
    draw_neurons(paper, run)
    wide = model.particles[:, : min(3, model.d)]
    draw_particles(paper, wide * (0.9 if model.d == 2 else 1.0), names[0][1])  # on a circle a little inside
    draw_particles(paper, run.positions[:, : min(3, model.d)], names[1][1])
    more = "; the first three of more coordinates" if model.d > 3 else ""
    return paper.picture(PANEL, 420, "positions", f"{model.n:,} particles at the start and after {run.step:,} steps{more}.")


def draw_particles(paper: Paper, x: FloatArray, kind: str) -> None:
    """Draw particles, those on the far side faint."""
    near = np.ones(len(x), dtype=bool) if x.shape[1] == 2 else x[:, 1] <= 0
    points = np.stack([MIDDLE[0] + RADIUS * x[:, 0], MIDDLE[1] - RADIUS * x[:, -1]], axis=1)
    paper.dots(points[~near].tolist(), f"{kind} faint")
    paper.dots(points[near].tolist(), kind)


def draw_neurons(paper: Paper, run: SphereRun) -> None:
    """Draw the directions of neurons: filled triangles w > 0, open ones w < 0, their size |w|."""
    model = run.model
    if model.perceptron is None or len(model.perceptron.weights) > NEURONS:
        return
    for a, w in zip(model.perceptron.directions, model.perceptron.weights, strict=True):
        tip = 1.13 * a[[0, -1]] / max(float(np.linalg.norm(a)), 1e-300)
        x, y, r = MIDDLE[0] + RADIUS * tip[0], MIDDLE[1] - RADIUS * tip[1], 5 + 4 * min(2.0, abs(float(w)))
        paper.path([(x, y - r), (x + r, y + r), (x - r, y + r)], "neuron c2" + (" full" if w > 0 else ""), closed=True)
    paper.words(4, 412, "triangles: neurons, filled w > 0, open w < 0", "soft")
