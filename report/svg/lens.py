# SPDX-License-Identifier: Apache-2.0
"""What a decoder says after each of its layers: tokens by layer, prompts by layer, and how far each part moves."""

from __future__ import annotations

import numpy as np

from stinespring.errors import shorten
from stinespring.models.lens.states import LensStates
from stinespring.models.lens.study import Study
from stinespring.report.svg.heat import heat_picture
from stinespring.report.svg.paper import Picture
from stinespring.report.svg.plot import Series, bars_picture, plot_picture
from stinespring.report.visible import visible, visible_text

__all__ = ["PARTS", "answers_picture", "states_pictures"]

COLUMNS = 18  # tokens in the heat map
EACH = 4  # most likely tokens of a point that enter it
PARTS = {"embedding": "c6", "attention": "c1", "mlp": "c2"}
PROMPTS, PROMPT = 40, 20  # rows of the heat map of answers, and letters of a prompt that has room there


def states_pictures(states: LensStates) -> list[Picture]:
    """Return one prompt along the layers: probabilities of tokens by point, the length of every step, and the entropy."""
    points = [f"{n} {place}" for n, place in enumerate(states.points)]
    length = np.linalg.norm(states.delta, axis=1)
    moved = bars_picture(
        points[1:], np.asarray(length, dtype=np.float64), title="how far each part moves the state", across="|Δψ|",
        kinds=[PARTS[place.after] for place in states.points[1:]],
    )  # fmt: skip
    places = np.arange(len(points), dtype=np.float64)
    entropy = [Series("", places, states.entropy), Series("entropy", places, states.entropy, "dots c1")]
    names = [str(place) for place in states.points]
    most = float(np.log(states.psi.shape[1]))
    curve = plot_picture(
        entropy, title=f"entropy, at most ln V = {most:.2f}", across="after", up="nats", names=names, low=0.0, high=most
    )
    return [tokens_picture(states, points), moved, curve]


def tokens_picture(states: LensStates, points: list[str]) -> Picture:
    """Return the probabilities of the tokens that lead anywhere, by point; the most likely ones at the end come first."""
    wanted = {i for point in range(len(points)) for i, _ in states.top(point, EACH)}
    order = sorted(wanted, key=lambda i: (-states.psi[-1, i], -states.psi[:, i].max(), i))
    leaders = {states.top(point, 1)[0][0] for point in range(len(points))}
    others = [i for i in order if i not in leaders][: max(0, COLUMNS - len(leaders))]
    kept = [i for i in order if i in leaders or i in others]
    columns = [visible(states.decoder.plain([i])) for i in kept]
    return heat_picture(
        states.psi[:, kept] ** 2, points, columns, title="probability of tokens after each part (colour: its square root)",
        down="after", colour=lambda p: float(np.sqrt(p)),
    )  # fmt: skip


def answers_picture(study: Study) -> Picture:
    """Return the probability of the final answer by prompt and point, sorted by when it starts to lead, which is framed."""
    paths = study.trajectories
    order = np.lexsort((-paths.answer_p[:, -1], paths.settled))
    shown = order[np.unique(np.linspace(0, len(order) - 1, min(len(order), PROMPTS)).round().astype(int))]
    names = []
    for number in shown.tolist():
        text = visible_text(study.decoder.plain(study.prompts[number].tolist()))
        names.append(f"{shorten(text, PROMPT)} → {visible(study.decoder.plain([int(paths.answer[number])]))}")
    title = "probability of the final answer" + (f", {len(shown)} of {len(order):,} prompts" if len(shown) < len(order) else "")
    return heat_picture(
        paths.answer_p[shown], names, [str(point) for point in study.decoder.points], title=title, down="prompt → answer",
        across="after", marks=paths.settled[shown].tolist(),
    )  # fmt: skip
