# SPDX-License-Identifier: Apache-2.0
"""The figure of ``run --plot``: written whole, in the format asked for, with honest intervals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

import stinespring
from stinespring.errors import InputError
from stinespring.report.figures.plot import plot_samples, require_figure, wilson_interval


@pytest.mark.parametrize(("suffix", "magic"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_figures_are_written(stop_token, tmp_path, suffix, magic):
    samples = stinespring.run(stinespring.compile(stop_token, prompt="on", steps=2), shots=300, seed=1)
    path = tmp_path / f"figure.{suffix}"
    plot_samples(samples, stinespring.check(samples), path)
    assert path.read_bytes().startswith(magic)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_the_interval_is_wilsons():
    counts = np.array([0, 3, 50, 100])
    low, high = wilson_interval(counts, 100)
    for i, count in enumerate(counts.tolist()):
        expected = binomtest(count, 100).proportion_ci(0.95, method="wilson")
        assert (low[i], high[i]) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_unusable_names_are_refused(tmp_path):
    for path in (tmp_path / "figure.pdf", tmp_path / "missing" / "figure.png"):
        with pytest.raises(InputError):
            require_figure(path)
