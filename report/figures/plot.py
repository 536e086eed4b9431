# SPDX-License-Identifier: Apache-2.0
"""The figure of ``run --plot``: sampled frequencies with their intervals against the analytic law."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stinespring.checks.statistics.contexts import text_probabilities
from stinespring.errors import InputError
from stinespring.readings import FloatArray, IntArray
from stinespring.stages import Samples, Verdict
from stinespring.writing import write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_samples", "require_figure", "require_matplotlib", "wilson_interval"]

SHOWN = 16  # bars
COLOURS = {"PASS": "#1b7f4d", "FAIL": "#b3261e", "UNVERIFIED": "#8a6100"}
SAMPLED, ANALYTIC = "#3b6fb6", "#d9822b"


def require_figure(path: Path) -> None:
    """Refuse a figure that could not be written, before anything is computed."""
    if path.suffix.lower() not in (".png", ".svg"):
        raise InputError("the figure's format is not known", got=str(path), expected="a name that ends in .png or .svg")
    if not path.parent.is_dir():
        raise InputError("the figure's folder does not exist", got=str(path.parent), expected="an existing folder")
    require_matplotlib("--plot")


def require_matplotlib(option: str) -> None:
    """Refuse an option that draws where there is nothing to draw with."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise InputError(
            "matplotlib is not installed",
            got=option,
            expected="the extra [plot]",
            todo="pip install 'stinespring[plot]'",
        ) from None


def wilson_interval(counts: IntArray, shots: int, z: float = 1.959964) -> tuple[FloatArray, FloatArray]:
    """Return the Wilson score interval of each share, 95 % by default.

    Source: Wilson, J. Am. Stat. Assoc. 22, 209 (1927).
    """
    share = counts / shots
    centre = (share + z**2 / (2 * shots)) / (1 + z**2 / shots)
    half = z / (1 + z**2 / shots) * np.sqrt(share * (1 - share) / shots + z**2 / (4 * shots**2))
    return np.asarray(centre - half), np.asarray(centre + half)


def plot_samples(samples: Samples, verdict: Verdict, path: Path) -> None:
    """Write the figure: the most frequent texts on the left, all sampled texts on the right.

    Args:
        samples: what was sampled.
        verdict: shown in the title.
        path: ends in .png or .svg.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    law = text_probabilities(samples.realises or samples.model, samples.prompt, samples.texts)
    shown = np.lexsort((np.arange(len(law)), -samples.counts))[:SHOWN]
    height = max(3.6, 0.34 * len(shown) + 1.9)
    with pyplot.rc_context(
        {"svg.hashsalt": "stinespring", "font.size": 10, "axes.spines.top": False, "axes.spines.right": False}
    ):
        figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, height), width_ratios=(3, 2), layout="constrained")
        draw_bars(left, samples, law, shown)
        draw_scatter(right, samples, law)
        prompt = samples.model.plain(samples.prompt.tolist())
        figure.suptitle(f"{samples.model.name} after “{prompt}”, {samples.steps} token(s), {samples.shots:,} shots")
        figure.supxlabel(
            f"{verdict.verdict}   p = {verdict.p_value:.3g}   TVD {verdict.tvd:.4f} (noise {verdict.tvd_noise_floor:.4f})   "
            f"resolution {verdict.resolution:.3g}",
            color=COLOURS[verdict.verdict],
            fontsize=11,
            fontweight="bold",
        )
        buffer = io.BytesIO()
        kind = path.suffix.lower()[1:]
        figure.savefig(buffer, format=kind, dpi=150, metadata={"Date": None} if kind == "svg" else None)
        pyplot.close(figure)
    write_whole(path, buffer.getvalue())


def draw_bars(axes: Axes, samples: Samples, law: FloatArray, shown: IntArray) -> None:
    """Draw the shares of the most frequent texts with 95 % intervals, and the law beside them."""
    places = np.arange(len(shown))
    share = samples.counts[shown] / samples.shots
    low, high = wilson_interval(samples.counts[shown], samples.shots)
    axes.barh(places, share, color=SAMPLED, alpha=0.75, label="sampled (95 % interval)")
    axes.errorbar(
        share,
        places,
        xerr=[np.maximum(0, share - low), np.maximum(0, high - share)],
        fmt="none",
        ecolor="#1d3557",
        capsize=2.5,
        lw=1.2,
    )
    axes.plot(law[shown], places, "D", color=ANALYTIC, ms=5, label="analytic law")
    labels = [samples.model.plain(samples.texts[i].tolist()).replace("\n", "⏎") or "(empty)" for i in shown]
    axes.set_yticks(places, [label if len(label) <= 32 else label[:31] + "…" for label in labels], parse_math=False)
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    axes.set_xlabel("probability")
    axes.set_title(f"the {len(shown)} most frequent of {len(samples.counts):,} texts", fontsize=10)
    axes.legend(frameon=False, loc="lower right")


def draw_scatter(axes: Axes, samples: Samples, law: FloatArray) -> None:
    """Draw every sampled text: its share against its probability, with the band that shot noise allows."""
    share = samples.counts / samples.shots
    positive = law > 0
    least = min(float(law[positive].min()) if positive.any() else 1.0, 1.0 / samples.shots)
    line = np.geomspace(least / 2, 1.0, 200)
    spread = 1.959964 * np.sqrt(line * (1 - line) / samples.shots)
    axes.fill_between(
        line,
        np.maximum(line - spread, least / 10),
        line + spread,
        color=ANALYTIC,
        alpha=0.25,
        lw=0,
        label="95 % of shot noise",
    )
    axes.plot(line, line, color=ANALYTIC, lw=1)
    axes.plot(law[positive], share[positive], ".", color=SAMPLED, ms=4, alpha=0.7, label="sampled texts")
    axes.set(xscale="log", yscale="log", xlabel="analytic probability", ylabel="sampled share")
    axes.set_ylim(bottom=0.5 / samples.shots, top=1.5)
    axes.set_title("all sampled texts", fontsize=10)
    axes.legend(frameon=False, loc="upper left")
