# SPDX-License-Identifier: Apache-2.0
"""The figure of sampled texts: frequencies with their intervals against the analytic law."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stinespring.checks.texts.verdict import claimed_law
from stinespring.models.texts.asked import texts_of
from stinespring.report.figures.canvas import canvas, label, titled
from stinespring.report.figures.shares import draw_scatter, draw_shares, verdict_below
from stinespring.stages import Samples, Verdict

__all__ = ["begun", "plot_samples"]

SHOWN = 16  # bars


def plot_samples(samples: Samples, verdict: Verdict, path: Path) -> None:
    """Write the figure: the most frequent texts on the left, all sampled texts on the right.

    Args:
        samples: texts.
        verdict: shown below.
        path: ends in .png or .svg.
    """
    model, law = samples.source, claimed_law(samples)
    texts, counts = texts_of(samples.outcomes[0], samples.asked.steps, model.vacuum)
    exact, shots = law.probabilities(texts), samples.shots
    shown = np.lexsort((np.arange(len(counts)), -counts))[:SHOWN]
    with canvas(path, 1, 2, size=(11.0, max(3.6, 0.34 * len(shown) + 1.9)), width_ratios=(3, 2)) as (figure, axes):
        left, right = axes[0]
        names = [label(model.plain(texts[i].tolist())) for i in shown]
        draw_shares(left, names, counts[shown], shots, exact[shown])
        left.set(xlabel="probability")
        left.set_title(f"the {len(shown)} most frequent of {len(counts):,} texts", fontsize=10)
        left.legend(frameon=False, loc="lower right")
        draw_scatter(right, counts, shots, exact, "texts")
        title = f"{model.name} after {begun(samples)}, {samples.asked.steps} token(s), {shots:,} shots"
        titled(figure, title, 12)
        verdict_below(figure, verdict)


def begun(samples: Samples) -> str:
    """Return what the texts go on from, as a person writes it."""
    if samples.asked.input_state is not None:
        return "an input state"
    return f"“{samples.source.plain(list(samples.asked.prompt))}”"
