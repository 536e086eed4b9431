# SPDX-License-Identifier: Apache-2.0
"""Figures of the lens are written, and nothing else."""

from __future__ import annotations

import re

import pytest

from oracles.tiny_decoder import TinyDecoder
from stinespring.errors import InputError
from stinespring.models.lens import read_states, study_prompts
from stinespring.report.figures.lens import plot_states, plot_study


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_figures(suffix, tmp_path):
    decoder = TinyDecoder()
    decoder.tokens = ("a$b", "<x>", "\\n", "_", "^", "é")
    states, again = read_states(decoder, [1, 0, 3]), tmp_path / f"again{suffix}"
    first, second = tmp_path / f"states{suffix}", tmp_path / f"study{suffix}"
    plot_states(states, first)
    plot_states(states, again)
    assert first.read_bytes() == again.read_bytes()
    plot_study(study_prompts(decoder, [[0], [1, 2], [3], [5, 5]], permutations=9), second)
    assert second.stat().st_size > 5000
    with pytest.raises(InputError):
        plot_states(states, tmp_path / "states.gif")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([first.name, second.name, again.name])


def test_rows_of_the_heat_map_are_prompts(tmp_path):
    decoder = TinyDecoder()
    decoder.tokens = ("sun", "rain", "wind", "snow", "fog", "ice")
    path = tmp_path / "study.svg"
    plot_study(study_prompts(decoder, [[0], [1, 2], [3], [5, 5]], permutations=9), path)
    words = re.findall(r"<!-- (.*?) -->", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert {"sun", "rain wind", "snow", "ice ice"} <= set(words)
