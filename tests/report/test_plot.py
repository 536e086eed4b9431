# SPDX-License-Identifier: Apache-2.0
"""The figure of sampled texts: written whole, and of the law that the program claims."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import stinespring
from stinespring.checks.texts.verdict import claimed_law
from stinespring.models.texts.asked import texts_of
from stinespring.report.figures import plot
from stinespring.report.figures.plot import plot_samples


@pytest.mark.parametrize(("suffix", "magic"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_figures_are_written(stop_token, tmp_path, suffix, magic):
    samples = stinespring.run(stinespring.compile(stop_token, prompt="on", steps=2), shots=300, seed=1)
    path = tmp_path / f"figure.{suffix}"
    plot_samples(samples, stinespring.check(samples), path)
    assert path.read_bytes().startswith(magic)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_what_is_drawn_are_the_counts_and_the_claimed_law(three_tokens, tmp_path, monkeypatch):
    """A program that spends a tolerance claims another law than the model's, which is what its samples are compared with."""
    program = stinespring.compile(three_tokens, prompt="sun rain", steps=2, tolerance=0.3, effort=0, schedule="static")
    samples = stinespring.run(program, shots=200, seed=1)
    drawn = {}
    shares, scatter = plot.draw_shares, plot.draw_scatter
    monkeypatch.setattr(plot, "draw_shares", lambda axes, *given: (drawn.update(bars=given), shares(axes, *given)))
    monkeypatch.setattr(plot, "draw_scatter", lambda axes, *given: (drawn.update(points=given), scatter(axes, *given)))
    plot_samples(samples, stinespring.check(samples), tmp_path / "figure.svg")
    texts, counts = texts_of(samples.outcomes[0], 2, three_tokens.vacuum)
    law = claimed_law(samples).probabilities(texts)
    assert samples.claim is not None
    assert abs(law - samples.asked.law(three_tokens).probabilities(texts)).max() > 1e-3
    np.testing.assert_array_equal(drawn["points"][0], counts)
    np.testing.assert_array_equal(drawn["points"][2], law)
    names, shown, shots, exact = drawn["bars"]
    by_name = {three_tokens.plain(t): (c, p) for t, c, p in zip(texts.tolist(), counts.tolist(), law.tolist(), strict=True)}
    assert [by_name[name] for name in names] == list(zip(shown.tolist(), exact.tolist(), strict=True))
    assert shown.tolist() == sorted(shown.tolist(), reverse=True)
    assert shots == 200
    text = Path(tmp_path / "figure.svg").read_text(encoding="utf-8")
    assert re.search(r"<!-- three_tokens after “sun rain”, 2 token\(s\), 200 shots -->", text)
