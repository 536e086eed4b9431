# SPDX-License-Identifier: Apache-2.0
"""What pages are drawn with: axes, heat maps, circuits; and that tokens are visible, whatever is in them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stinespring.circuits.core.flow import Flow, If, Measure, Reset
from stinespring.circuits.core.gates import Gate
from stinespring.report.svg.axes import linear, logarithmic
from stinespring.report.svg.gates import circuit_picture
from stinespring.report.svg.heat import heat_picture
from stinespring.report.svg.paper import LETTER, PANEL, clipped, width_of
from stinespring.report.svg.plot import Series, bars_picture, diagram_picture, plot_picture
from stinespring.report.visible import visible, visible_text

finite = st.floats(-1e6, 1e6, allow_nan=False)


def parsed(picture):
    """Return a picture as XML, which it must be."""
    return ElementTree.fromstring(re.search(r"<svg.*</svg>", picture.markup(), re.S)[0])


@given(low=finite, high=finite)
def test_numbers_of_an_axis_lie_on_it(low, high):
    low, high = sorted((low, high))
    scale = linear(low, high, 0.0, 100.0)
    assert scale.low <= low + 1e-9 and scale.high >= high - 1e-9
    assert 1 <= len(scale.ticks) <= 7
    places = [scale(tick) for tick in scale.ticks]
    assert places == sorted(places) and -1e-9 <= places[0] and places[-1] <= 100 + 1e-9
    assert len(set(scale.names)) == len(scale.names)


@given(low=st.floats(1e-12, 1e3), factor=st.floats(1.001, 1e9))
def test_numbers_of_a_logarithmic_axis_lie_on_it(low, factor):
    scale = logarithmic(low, low * factor, 100.0, 0.0)
    assert len(scale.ticks) >= 1
    assert all(scale.low * (1 - 1e-6) <= tick <= scale.high * (1 + 1e-6) for tick in scale.ticks)
    assert scale(low) == pytest.approx(100) and scale(scale.high) == pytest.approx(0)


@given(st.text(max_size=20))
def test_everything_in_a_token_can_be_seen(token):
    shown = visible(token)
    assert shown and shown.isprintable() and not set(shown) & set(" \n\t\r")
    assert visible_text(token).isprintable()
    shown.encode()  # halves of characters are escapes


@given(st.text(alphabet="ab \n\t", max_size=12), st.text(alphabet="ab \n\t", max_size=12))
def test_different_tokens_look_different(one, other):
    assert (visible(one) == visible(other)) == (one == other)


@given(st.text(max_size=60), st.floats(30, 400))
def test_words_fit_where_they_are_cut(words, pixels):
    shown = clipped(words, pixels)
    assert shown == words or width_of(shown) <= 2 * pixels  # wide letters take two places
    assert width_of("abc") == pytest.approx(3 * width_of("a")) and width_of("漢") == 2 * width_of("a")
    assert width_of("a") > 0.5 * LETTER


def test_heat_maps_show_names_and_values():
    values = np.array([[0.25, 1.0], [0.001, np.nan]])
    picture = heat_picture(values, ["the cat", "<b>"], ["␣sat", "↵"], title="t", across="a", down="d", marks=[1, 0])
    texts = [one.text for one in parsed(picture).iter("text")]
    assert {"the cat", "<b>", "␣sat", "↵", ".25", "1"} <= set(texts) and len(texts) == 9
    cells = [one for one in parsed(picture).iter("rect") if one.get("class") == "heat"]
    assert [float(cell.get("fill-opacity")) for cell in cells] == [0.25, 1.0, 0.001]
    assert picture.desc == "The largest value of each row. the cat: ↵ 1.000; <b>: ␣sat 0.001."
    wide = heat_picture(np.zeros((1, 30)), ["r"], ["c"] * 30, title="t")
    assert wide.fixed and wide.width > PANEL and 'tabindex="0"' in wide.markup()


def test_a_circuit_shows_every_gate_with_its_angle():
    items = (Gate("h", (0,)), Gate("ry", (1,), (1.5,)), Gate("cx", (0, 1)), Gate("cz", (1, 0)), Measure((0,), "c", (0,)),
             Reset((0,)), If("c", 1, (Gate("x", (1,)),)))  # fmt: skip
    picture = circuit_picture(Flow((("q", 2),), (("c", 1),), items), "title")
    texts = [one.text for one in parsed(picture).iter("text")]
    for word in ("q[0]", "q[1]", "h", "ry", "1.500", "→ c", "|0⟩", "if c"):
        assert word in texts
    assert len(list(parsed(picture).iter("circle"))) == 4  # dots of control, a target, and the ends of a CZ
    assert "7 events" in picture.desc


@pytest.mark.parametrize("levels", [np.array([1.0]), np.array([1.0, 2.0]), np.linspace(0, 3, 500)])
def test_a_diagram_has_a_dot_for_every_value(levels):
    rng = np.random.default_rng(1)
    values = rng.uniform(-1, 1, size=(len(levels), 3))
    picture = diagram_picture(levels, values, title="t", across="β", up="m")
    [dots] = [one for one in parsed(picture).iter("path") if "dots" in one.get("class", "")]
    found = [tuple(map(float, pair)) for pair in re.findall(r"M([\d.]+) ([\d.]+)V", dots.get("d"))]
    assert len({x for x, _ in found}) >= min(len(levels), 300)
    assert 2 * len(levels) <= len(found) <= 3 * len(levels)
    assert all(0 < x < PANEL and 0 < y < picture.height for x, y in found)


def test_plots_leave_out_what_is_not_finite():
    x = np.arange(5.0)
    y = np.array([1.0, np.nan, 2.0, 3.0, np.inf])
    picture = plot_picture([Series("s", x, y), Series("d", x, y, "dots c2", error=np.ones(5))], title="t", across="x", up="y")
    assert "nan" not in picture.body and "inf" not in picture.body
    [dots] = [one for one in parsed(picture).iter("path") if one.get("class") == "dots c2" and one.get("d").count("M") > 1]
    assert dots.get("d").count("M") == 3
    bars = bars_picture(
        ["a", "b"], np.array([np.nan, 2.0]), title="t", across="x", kinds=["c1", "c1"], reference=1.0, known="k"
    )
    assert len(list(parsed(bars).iter("rect"))) == 1
