"""Figures, movies and pages are written whole and show what was kept."""

from __future__ import annotations

import json
import re

import pytest
from PIL import Image

from stinespring.errors import InputError
from stinespring.models.sphere.files import random_model
from stinespring.models.sphere.simulate import simulate
from stinespring.report.figures.sphere import require_outputs, write_figures


@pytest.mark.parametrize("d", [2, 3])
def test_outputs(tmp_path, d):
    run = simulate(random_model(particles=12, dimension=d, beta=2.0, hidden=2, seed=1), steps=20, every=4)
    plot, movie, page = (tmp_path / name for name in ("p.png", "m.gif", "m.html"))
    write_figures(run, plot, movie)
    write_figures(run, None, page)
    assert Image.open(plot).size[0] > 1000
    assert Image.open(movie).n_frames == 6
    text = page.read_text(encoding="utf-8")
    assert "https:" not in text and set(re.findall(r"http:[^\"]*", text)) == {"http://www.w3.org/2000/svg"}
    data = json.loads(re.search(r'id="run">(\{.*?\})</script>', text)[1])
    assert data["steps"] == [0, 4, 8, 12, 16, 20]
    assert len(data["frames"]) == 6 and len(data["frames"][0]) == 12
    assert data["energies"] == pytest.approx([sum(e) for e in run.record.energies])


def test_refusals(tmp_path):
    flat, high = (random_model(particles=2, dimension=d, beta=1.0, seed=1) for d in (2, 4))
    with pytest.raises(InputError, match="format"):
        require_outputs(flat, None, tmp_path / "m.avi")
    with pytest.raises(InputError, match="no movie"):
        require_outputs(high, None, tmp_path / "m.gif")
    write_figures(simulate(high, steps=4, every=2), tmp_path / "p.svg", None)
