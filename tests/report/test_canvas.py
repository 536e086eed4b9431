# SPDX-License-Identifier: Apache-2.0
"""The canvas of all figures: the same bytes, written whole, and nothing on it is mathematics."""

from __future__ import annotations

import re
import xml.etree.ElementTree
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

import stinespring
from stinespring.errors import InputError
from stinespring.models.spins import draw_network, run_network
from stinespring.report.figures import canvas as canvas_module
from stinespring.report.figures.canvas import canvas, label, require_figure, titled
from stinespring.report.figures.draw import draw_program
from stinespring.report.figures.plot import plot_samples
from stinespring.report.figures.shares import draw_scatter, draw_shares, wilson_interval
from stinespring.report.figures.spins import plot_averages

FIGURES = Path(canvas_module.__file__).parent
STRANGE = "$\\frac{1}$ a_b \\n $"


def draw(path: Path) -> None:
    with canvas(path, 1, 2, size=(4, 2), font=7) as (figure, axes):
        axes[0, 0].loglog([1e-3, 2.0], [1e-5, 1.0])
        axes[0, 1].semilogy([1, 2], [0.02, 0.09])
        axes[0, 1].set(xlabel=STRANGE, title=STRANGE)
        axes[0, 1].set_xticks([1, 2], [STRANGE, "$"])
        titled(figure, STRANGE)


@pytest.mark.parametrize(("kind", "magic"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_the_same_figure_is_the_same_bytes(tmp_path, kind, magic):
    from matplotlib import pyplot

    before = dict(pyplot.rcParams)
    first, second = tmp_path / f"a.{kind}", tmp_path / f"b.{kind}"
    draw(first)
    draw(second)
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes().startswith(magic)
    assert sorted(path.name for path in tmp_path.iterdir()) == [first.name, second.name]
    assert pyplot.get_fignums() == []
    assert dict(pyplot.rcParams) == before


UNDRAWABLE = "\x00\x1b[31m \ud83d \U0001f1f5 \u202e"  # control characters, half a character, no glyph, turns the line


@pytest.mark.parametrize("kind", ["png", "svg"])
@pytest.mark.filterwarnings("error")
def test_whatever_cannot_be_drawn_is_an_escape(tmp_path, kind):
    file = tmp_path / f"a.{kind}"
    with canvas(file, 1, 1, size=(6, 4)) as (figure, axes):
        axes[0, 0].plot([1, 2], [1, 2], label=UNDRAWABLE)
        axes[0, 0].legend()
        axes[0, 0].set_xticks([1, 2], [UNDRAWABLE, "b"])
        axes[0, 0].set(title=UNDRAWABLE, ylabel=label(UNDRAWABLE, 100))
        axes[0, 0].text(1, 1, UNDRAWABLE)
        titled(figure, UNDRAWABLE)
    if kind == "svg":
        xml.etree.ElementTree.parse(file)
        texts = re.findall(r"<!-- (.*?) -->", file.read_text(encoding="utf-8"))
        assert texts.count(r"\x00\x1b[31m \ud83d \U0001f1f5 \u202e") == 6


def test_nothing_is_mathematics(tmp_path):
    draw(tmp_path / "a.svg")
    texts = re.findall(r"<!-- (.*?) -->", (tmp_path / "a.svg").read_text(encoding="utf-8"))
    assert texts.count(STRANGE) == 4
    assert "$" in texts
    assert {"10⁻³", "10⁰", "6×10⁻²"} <= set(texts)
    assert not any("mathdefault" in text for text in texts)


def test_a_figure_that_fails_leaves_nothing(tmp_path):
    from matplotlib import pyplot

    with pytest.raises(ZeroDivisionError), canvas(tmp_path / "a.png", size=(3, 3)):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
    assert pyplot.get_fignums() == []


def test_every_figure_is_drawn_on_it():
    """No other module saves a figure or sets how figures look."""
    for path in FIGURES.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path.name != "canvas.py":
            assert not re.search(r"savefig|rc_context|rcParams|subplots|use\(.Agg", text), path.name


def test_unusable_names_are_refused(tmp_path):
    for path in (tmp_path / "figure.pdf", tmp_path / "missing" / "figure.png"):
        with pytest.raises(InputError):
            require_figure(path)
        with pytest.raises(InputError), canvas(path, size=(3, 3)):
            raise AssertionError("nothing is drawn")


def test_the_interval_is_wilsons():
    counts = np.array([0, 3, 50, 100])
    low, high = wilson_interval(counts, 100)
    for i, count in enumerate(counts.tolist()):
        expected = binomtest(count, 100).proportion_ci(0.95, method="wilson")
        assert (low[i], high[i]) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_shares_are_drawn_where_they_are(tmp_path):
    counts, shots, law = np.array([30.0, 60.0, 0.0]), np.array([100.0, 80.0, 10.0]), np.array([0.25, 0.7, 0.05])
    with canvas(tmp_path / "a.png", 1, 2, size=(4, 2)) as (_, axes):
        draw_shares(axes[0, 0], ["a", "b", "c"], counts, shots, law)
        draw_scatter(axes[0, 1], counts, shots, law, "things")
        assert [bar.get_width() for bar in axes[0, 0].patches] == pytest.approx([0.3, 0.75, 0.0])
        [exact] = [line for line in axes[0, 0].lines if line.get_marker() == "D"]
        assert exact.get_xdata().tolist() == law.tolist()
        [points] = [line for line in axes[0, 1].lines if line.get_marker() == "."]
        assert points.get_xydata().tolist() == [[0.25, 0.3], [0.7, 0.75]]  # what was never read has no logarithm


@pytest.fixture(scope="module")
def strange(tmp_path_factory):
    """Texts whose tokens have names that mathematics would stumble over, with attended positions."""
    import json

    two = json.loads((Path(__file__).parents[2] / "examples" / "two_tokens.json").read_text(encoding="utf-8"))
    two["tokens"] = ["$x$", "\\frac{$"]
    path = tmp_path_factory.mktemp("strange") / "a$b_\\alpha.json"
    path.write_text(json.dumps(two), encoding="utf-8")
    model = stinespring.load(path)
    program = stinespring.compile(model, prompt="$x$ \\frac{$", steps=2, extension="position", effort=0, schedule="static")
    return program, stinespring.run(program, shots=300, seed=1)


def test_names_of_tokens_do_not_break_figures(strange, tmp_path):
    program, samples = strange
    verdict, path = stinespring.check(samples), tmp_path / "f.svg"
    plot_samples(samples, verdict, path)
    text = path.read_text(encoding="utf-8")
    assert "<!-- $x$ \\frac{$ -->" in text and "<!-- \\frac{$ \\frac{$ -->" in text
    assert f"<!-- {samples.source.name} after “$x$ \\frac{{$”" in text
    draw_program(program, path)
    assert f"<!-- {samples.source.name}: static" in path.read_text(encoding="utf-8")


def test_names_of_networks_do_not_break_figures(tmp_path):
    from dataclasses import replace

    network = replace(draw_network(M=2, N=3, P=1, eps=0.1, gamma=3.0, beta=1.1, seed=6), name="a$b$ \\frac{")
    mean = run_network(network, steps=2, runs=2, seed=1).mean[0]
    plot_averages(network, mean, abs(mean), mean, 2, tmp_path / "f.svg")
    assert "<!-- a$b$ \\frac{: 2 run(s)" in (tmp_path / "f.svg").read_text(encoding="utf-8")


def test_labels_are_short_and_visible():
    assert label("a\nb") == "a↵b"
    assert label("") == "(empty)"
    assert label("a b", spaces=True) == "a␣b"
    assert label("x" * 50) == "x" * 31 + "…"
