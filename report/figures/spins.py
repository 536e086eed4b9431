# SPDX-License-Identifier: Apache-2.0
"""Figures of 1-bit self-attention: bifurcation diagrams, trajectories, spectra, and averages against the mean field.

Every figure is a function that draws on given axes, for reports, and one that writes a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stinespring.models.spins import Diagram, Spectrum, SpinNetwork, mean_field
from stinespring.models.spins.contexts import tokens_of
from stinespring.models.spins.network import OUTPUT
from stinespring.readings import FloatArray
from stinespring.report.figures.canvas import canvas, lowered, titled
from stinespring.report.figures.shares import verdict_below
from stinespring.stages import Samples, Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "MOST_LINES",
    "Averages",
    "averages_of",
    "draw_averages",
    "draw_diagram",
    "draw_exponents",
    "draw_plane",
    "draw_spectrum",
    "overlap",
    "plot_averages",
    "plot_diagram",
    "plot_sampled",
    "plot_spectrum",
    "plot_trajectory",
]

COLOURS = ("#3b6fb6", "#d9822b", "#1b7f4d", "#8e44ad", "#b3261e", "#555555")
MOST_POINTS = 400_000  # of one scatter
FEW_POINTS, FEW_LEVELS = 20_000, 100  # points, and temperatures, that are drawn as more than pixels
MOST_LINES = 6  # features that are drawn


def overlap(feature: int) -> str:
    """Return the name of a feature's overlap with the output."""
    return f"mᵒ{lowered(feature + 1)}"


def draw_diagram(axes: Axes, found: Diagram, feature: int = 0) -> None:
    """Draw the kept outputs of one feature over the inverse temperature."""
    n, keep, _ = found.m_o.shape
    shown = max(1, min(keep, MOST_POINTS // n))
    values = found.m_o[:, keep - shown :, feature]
    few = n <= FEW_LEVELS or values.size <= FEW_POINTS  # the pixels of a few temperatures would hardly be seen
    dot = {"marker": ".", "ms": 4.0 if n <= FEW_LEVELS else 2.5, "alpha": 0.6} if few else {"marker": ",", "alpha": 0.35}
    axes.plot(np.repeat(found.betas, shown), values.ravel(), ls="none", color=COLOURS[0], rasterized=True, **dot)  # type: ignore[arg-type]
    low, high = float(found.betas.min()), float(found.betas.max())
    room = 0.02 * (high - low) if n > FEW_LEVELS else 0.05 * (high - low) or max(0.5, 0.1 * high)
    axes.set(xlabel="β", ylabel=overlap(feature), xlim=(low - room, high + room))


def draw_exponents(axes: Axes, found: Diagram) -> None:
    """Draw the Lyapunov exponents over the inverse temperature."""
    assert found.exponents is not None, "the diagram was computed without exponents"
    for i in range(min(MOST_LINES, found.exponents.values.shape[1])):
        values = np.where(np.isfinite(found.exponents.values[:, i]), found.exponents.values[:, i], np.nan)
        axes.plot(
            found.betas,
            values,
            lw=0.9,
            marker="." if len(values) <= FEW_LEVELS else None,
            ms=4,
            color=COLOURS[i],
            label=f"exponent {i + 1}",
        )
    axes.axhline(0.0, color="#888888", lw=0.8)
    axes.set(xlabel="β", ylabel="nats a token", ylim=(max(-1.0, axes.get_ylim()[0]), None))
    axes.legend(frameon=False, fontsize=8)


def plot_diagram(network: SpinNetwork, found: Diagram, path: Path) -> None:
    """Write the bifurcation diagram: one panel for each feature, and the exponents below if there are some."""
    features = min(network.M, 3)
    rows = features + (found.exponents is not None)
    with canvas(path, rows, 1, size=(9.0, 2.6 * rows + 0.6), sharex=True) as (figure, axes):
        for feature in range(features):
            draw_diagram(axes[feature, 0], found, feature)
            if feature < rows - 1:
                axes[feature, 0].set_xlabel("")
        if found.exponents is not None:
            draw_exponents(axes[-1, 0], found)
        titled(
            figure,
            f"{network.name}: {found.m_o.shape[1]:,} tokens at each of {len(found.betas)} temperatures "
            f"(γ = {network.gamma:g}, ε = {network.eps:g})",
        )


def draw_plane(axes: Axes, m_o: FloatArray, first: int, second: int) -> None:
    """Draw a trajectory (T, M) in the plane of two overlaps: what came first pale, what came last dark."""
    half = len(m_o) // 2
    axes.plot(m_o[:half, first], m_o[:half, second], ".", ms=1.5, color="#b9c6d8", label="first half", rasterized=True)
    axes.plot(m_o[half:, first], m_o[half:, second], ".", ms=1.5, color=COLOURS[0], label="second half", rasterized=True)
    axes.set(xlabel=overlap(first), ylabel=overlap(second))


def plot_trajectory(network: SpinNetwork, m_o: FloatArray, path: Path) -> None:
    """Write a trajectory: in the planes of the overlaps, and its last tokens over time."""
    pairs = [(a, b) for a in range(network.M) for b in range(a)][:3]
    m_o = m_o[-MOST_POINTS:]
    with canvas(path, 1, len(pairs) + 1, size=(3.9 * len(pairs) + 5.0, 3.9)) as (figure, axes):
        for panel, (second, first) in zip(axes[0], pairs, strict=False):
            draw_plane(panel, m_o, first, second)
        if pairs:
            axes[0, 0].legend(frameon=False, fontsize=8, markerscale=5)
        last = m_o[-48:]
        for feature in range(min(network.M, MOST_LINES)):
            axes[0, -1].plot(last[:, feature], lw=1.0, marker=".", ms=3, color=COLOURS[feature], label=overlap(feature))
        axes[0, -1].set(xlabel=f"the last {len(last)} tokens", ylabel="overlap")
        axes[0, -1].legend(frameon=False, fontsize=8, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0))
        titled(figure, f"{network.name}: mean field at β = {network.beta:g}, {len(m_o) - 1:,} tokens")


def draw_spectrum(axes: Axes, spectrum: Spectrum, features: Iterable[int] | None = None) -> None:
    """Draw a power spectrum, its power logarithmic; by default of the first features, one over the other."""
    floor = 1e-12 * max(float(spectrum.power.max()), 1e-300)
    for feature in range(min(spectrum.power.shape[1], MOST_LINES)) if features is None else features:
        power = np.maximum(spectrum.power[:, feature], floor)
        axes.semilogy(spectrum.frequencies, power, lw=0.8, color=COLOURS[feature], label=overlap(feature))
    axes.set(xlabel="cycles a token", ylabel="power", xlim=(0.0, 0.5))
    axes.legend(frameon=False, fontsize=8)


def plot_spectrum(network: SpinNetwork, spectrum: Spectrum, path: Path) -> None:
    """Write a power spectrum, one panel for each feature so that no line hides another."""
    rows = min(spectrum.power.shape[1], MOST_LINES)
    with canvas(path, rows, 1, size=(8.0, 1.7 * rows + 1.2), sharex=True, sharey=True) as (figure, axes):
        for feature in range(rows):
            draw_spectrum(axes[feature, 0], spectrum, [feature])
            if feature < rows - 1:
                axes[feature, 0].set_xlabel("")
        titled(figure, f"{network.name}: power spectrum of the mean field at β = {network.beta:g}")


def draw_averages(axes: Axes, mean: FloatArray, error: FloatArray, limit: FloatArray) -> None:
    """Draw averages (T, M) with two standard errors over the mean field."""
    times = np.arange(1, len(mean) + 1)
    many = len(mean) > 60
    for feature in range(min(mean.shape[1], MOST_LINES)):
        colour = COLOURS[feature]
        axes.plot(times, limit[:, feature], color=colour, lw=1.0, label=f"{overlap(feature)} mean field")
        bars = np.nan_to_num(2.0 * error[:, feature])
        axes.errorbar(
            times, mean[:, feature], yerr=bars, fmt="o", ms=2 if many else 4, color=colour, capsize=0 if many else 2.5, lw=1.0
        )
    axes.set(xlabel="generated token", ylabel="overlap")
    whole_numbers(axes)
    axes.legend(frameon=False, fontsize=8, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.16))  # not over the data


def whole_numbers(axes: Axes) -> None:
    """Mark whole numbers on the horizontal axis only."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def plot_averages(network: SpinNetwork, mean: FloatArray, error: FloatArray, limit: FloatArray, runs: int, path: Path) -> None:
    """Write averages of finitely many spins against the mean field, and how far they are from it."""
    with canvas(path, 1, 2, size=(11.0, 3.9), width_ratios=(3, 2)) as (figure, axes):
        draw_comparison(figure, axes[0], Averages(network, mean, error, limit, runs))


def plot_sampled(samples: Samples, verdict: Verdict, path: Path) -> None:
    """Write the averages of sampled tokens against the mean field, with the verdict below; a single run has no intervals.

    Args:
        samples: tokens of spins.
        verdict: shown below.
        path: ends in .png or .svg.
    """
    with canvas(path, 1, 2, size=(11.0, 4.3), width_ratios=(3, 2)) as (figure, axes):
        draw_comparison(figure, axes[0], averages_of(samples))
        verdict_below(figure, verdict)


class Averages(NamedTuple):
    """Overlaps averaged over runs of a network, beside the mean field.

    Attributes:
        network: whose.
        mean: shape (T, M).
        error: standard errors, shape (T, M); NaN for a single run.
        limit: the mean field, shape (T, M).
        runs: how many.
    """

    network: SpinNetwork
    mean: FloatArray
    error: FloatArray
    limit: FloatArray
    runs: int


def averages_of(samples: Samples) -> Averages:
    """Return the averaged overlaps of sampled tokens."""
    network, [outcomes] = samples.source.one_column_a_spin(), samples.outcomes
    runs, steps = outcomes.shots, samples.asked.steps
    tokens = tokens_of(outcomes, steps, network.N).astype(np.float64)
    found = tokens @ network.features[OUTPUT].T.astype(np.float64) / network.N
    mean = np.einsum("u,utb->tb", outcomes.counts / runs, found)
    variance = np.einsum("u,utb->tb", outcomes.counts / max(1, runs - 1), (found - mean) ** 2)
    error = np.sqrt(variance / runs) if runs > 1 else np.full_like(mean, np.nan)
    return Averages(samples.source, mean, error, mean_field(network, steps=steps).m_o[0, 1:], runs)


def draw_comparison(figure: Figure, axes: Sequence[Axes], shown: Averages) -> None:
    """Draw averages over the mean field on the left, and how far they are from it on the right."""
    left, right = axes
    draw_averages(left, shown.mean, shown.error, shown.limit)
    far = np.sqrt(((shown.mean - shown.limit) ** 2).mean(axis=1))
    times = np.arange(1, len(far) + 1)
    right.semilogy(times, np.maximum(far, 1e-12), "o-", ms=3, color=COLOURS[0], label="distance")
    if np.isfinite(shown.error).all():
        noise = np.sqrt((shown.error**2).mean(axis=1))
        right.semilogy(times, np.maximum(noise, 1e-12), "--", color="#777777", label="standard error")
    whole_numbers(right)
    right.set(xlabel="generated token", ylabel="distance from the mean field")
    right.legend(frameon=False, fontsize=8)
    runs = f"{shown.runs:,} run(s) of {shown.network.spins:,} spins (points) against the mean field (lines)"
    titled(figure, f"{shown.network.name}: {runs}, β = {shown.network.beta:g}")
