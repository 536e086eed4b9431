# SPDX-License-Identifier: Apache-2.0
"""Figures of spins: what is drawn, and that the same data give the same bytes."""

from __future__ import annotations

import numpy as np
import pytest

from stinespring.models.spins import diagram, draw_network, mean_field, power_spectrum, run_network
from stinespring.report.figures.spins import (
    averages_of,
    draw_averages,
    draw_diagram,
    plot_averages,
    plot_diagram,
    plot_spectrum,
    plot_trajectory,
)


@pytest.fixture(scope="module")
def network():
    return draw_network(M=4, N=8, P=1, eps=0.1, gamma=5.0, beta=1.2, seed=2)


@pytest.fixture
def axes():
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots()
    yield axes
    pyplot.close(figure)


def test_every_kept_output_is_a_point(network, axes):
    found = diagram(network, betas=[0.5, 1.0], transient=5, keep=9)
    draw_diagram(axes, found, feature=2)
    x, y = axes.lines[0].get_data()
    np.testing.assert_array_equal(np.unique(x), [0.5, 1.0])
    np.testing.assert_array_equal(np.sort(y), np.sort(found.m_o[:, :, 2].ravel()))


def test_averages_are_points_and_the_mean_field_lines(network, axes):
    runs, limit = run_network(network, steps=4, runs=20, seed=1), mean_field(network, steps=4).m_o[0, 1:]
    draw_averages(axes, runs.mean[0], runs.standard_error[0], limit)
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), limit[:, 0])


def test_figures_are_written(network, tmp_path):
    """That the same figure is the same bytes is the canvas' business, and tested there."""
    found = diagram(network, betas=[0.5, 1.0], transient=5, keep=20, exponents=1)
    m_o = mean_field(network, steps=30).m_o[0]
    nothing = np.full((30, 4), np.nan)
    plot_diagram(network, found, tmp_path / "1.svg")
    plot_trajectory(network, m_o, tmp_path / "2.svg")
    plot_spectrum(network, power_spectrum(m_o), tmp_path / "3.svg")
    plot_averages(network, m_o[1:], nothing, m_o[1:], 1, tmp_path / "4.svg")
    for number, word in enumerate(["nats a token", "the last 31 tokens", "cycles a token", "mᵒ₄ mean field"], start=1):
        assert f"<!-- {word}" in (tmp_path / f"{number}.svg").read_text(encoding="utf-8")


def test_sampled_averages_are_those_of_the_verdict(found):
    result = found("spins")
    averages, told = averages_of(result.samples), result.verdict.figures["mean_field"]
    for name, values in (("mean", averages.mean), ("standard_error", averages.error), ("mean_field", averages.limit)):
        np.testing.assert_allclose(values, told[name], atol=1e-12)
    assert averages.runs == result.samples.shots
    assert np.isnan(averages_of(found("one run").samples).error).all()


@pytest.mark.parametrize("betas", [[1.4], [1.0, 1.4], [0.5, 1.0, 1.4]])
def test_a_figure_of_few_temperatures_is_not_blank(network, tmp_path, betas):
    """So many tokens that they would be pixels, which at the edges of the axes, and so few of them, nobody saw."""
    from PIL import Image

    found = diagram(network, betas=betas, transient=50, keep=30_000 // len(betas))
    plot_diagram(network, found, tmp_path / "few.png")
    pixels = np.asarray(Image.open(tmp_path / "few.png").convert("RGB")).astype(int)
    blue = (pixels[:, :, 2] > pixels[:, :, 0] + 40).sum(axis=0)  # by column; axes, letters and paper are grey
    marked = np.flatnonzero(blue)
    assert marked.size >= 4 * len(betas)
    assert blue.sum() > 300
    inside = (marked > 0.05 * pixels.shape[1]) & (marked < 0.97 * pixels.shape[1])
    assert inside.all()
