# SPDX-License-Identifier: Apache-2.0
"""The verdict on a backend with noise, told before the run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2

import stinespring
from laws import COVERED
from stinespring.checks.statistics.interval import expected_interval, shots_to_tell, tvd_interval
from stinespring.models.texts.claims import TailClaim
from stinespring.pipeline.foreseen import Noise, foreseen
from stinespring.pipeline.noise.beside import Beside

NAMES = ["uniform 16, at the law", "uniform 1000, at the law", "sparse with leakage", "random 64, far"]


@pytest.mark.parametrize("name", NAMES)
def test_the_expected_upper_end_is_the_mean_of_simulated_ones(name):
    """Within a quarter: an approximation that plans shots."""
    law, sampled, shots = COVERED[name]
    rng = np.random.default_rng(0)
    ends = [tvd_interval(rng.multinomial(shots, sampled).astype(float), law, alpha=0.05)[1] for _ in range(30)]
    expected = expected_interval(law, 0.5 * float(abs(law - sampled).sum()), shots, 0.025)[1]
    assert float(np.mean(ends)) == pytest.approx(expected, rel=0.25)


@pytest.mark.parametrize(("distance", "within"), [(0.0055, 0.02), (0.0, 0.05), (0.08, 0.05)])
def test_so_many_shots_tell(distance, within):
    """With the shots foreseen at least 15 of 20 simulated intervals are on one side; seeds are fixed."""
    law = np.random.default_rng(1).dirichlet(np.ones(12))
    order = np.argsort(law)
    sampled = law.copy()
    sampled[order[-1]] -= distance
    sampled[order[0]] += distance
    shots = shots_to_tell(law, distance, within, 0.001)
    rng, told = np.random.default_rng(2), 0
    for seed in range(20):
        low, high = tvd_interval(rng.multinomial(shots, sampled).astype(float), law, alpha=0.002, seed=seed)
        told += low > within if distance > within else high <= within
    assert told >= 15


def test_no_number_of_shots_is_said_where_there_is_none(two_tokens):
    program = stinespring.compile(two_tokens, prompt="a b", steps=2, effort=0)
    given = {"within": 0.05, "alpha": 0.001, "resolution": 0.05}
    far = foreseen(program, Noise(0.2, 0.19, 0.21, "noisy simulation"), 100_000, **given)
    assert far.verdict == "FAIL" and far.shots is not None and far.probability < 1e-6
    assert "no number of shots gives a PASS" in far.note and f"{far.shots:,}" in far.note
    bound = foreseen(program, Noise(0.2, 0.0, 0.2, "error product"), 100_000, **given)
    assert (bound.verdict, bound.shots, bound.probability) == (None, None, None) and "says nothing" in bound.note
    near = foreseen(program, Noise(0.01, 0.0, 0.02, "noisy simulation"), 100, **given)
    assert near.verdict == "UNVERIFIED" and near.shots is not None and near.shots > 100
    assert foreseen(program, Noise(0.01, 0.0, 0.02, "noisy simulation"), near.shots, **given).verdict == "PASS"


def test_the_run_gives_the_verdict_that_was_foreseen(two_tokens):
    """On a simulated device: PASS with the shots that the estimate names, and what it says of a tenth of them."""
    asked = {"prompt": "a b", "steps": 2, "effort": 0}
    found = stinespring.estimate(two_tokens, backend="fake:manila", shots=300, **asked)
    assert found.within == 0.05 and found.expected_tvd_low <= found.expected_tvd <= found.expected_tvd_high < 0.05
    assert found.expected_verdict == "UNVERIFIED" and found.expected_pass_probability < 0.1
    program = stinespring.compile(two_tokens, target="fake:manila", **asked)
    for shots, ruling in ((300, "UNVERIFIED"), (2 * found.shots_for_verdict, "PASS")):
        assert stinespring.check(stinespring.run(program, backend="fake:manila", shots=shots, seed=1)).verdict == ruling
    exact = stinespring.estimate(two_tokens, backend="aer", shots=100_000, **asked)
    assert (exact.within, exact.expected_verdict, exact.expected_tvd_high) == (None, "PASS", 0.0)


def test_a_bound_is_foreseen_as_the_check_reads_it(two_tokens):
    """What is claimed is met exactly, but the proven bound alone is more than D: never a PASS; half of it is no hindrance."""
    program = stinespring.compile(two_tokens, prompt="a b", steps=2, effort=0)
    law = np.random.default_rng(4).dirichlet(np.ones(8))
    noise = Noise(0.03, 0.02, 0.04, "exact noisy law", Beside(law, law))
    given = {"within": 0.05, "alpha": 0.001, "resolution": 0.05}
    wide = foreseen(replace(program, claim=TailClaim(0.06), tvd_bound=0.06), noise, 1_000_000, **given)
    assert (wide.verdict, wide.probability, wide.shots) == ("UNVERIFIED", 0.0, None)
    half = replace(program, claim=TailClaim(0.03), tvd_bound=0.03)
    assert foreseen(half, noise, 1_000_000, **given)[:2] == ("PASS", 1.0)
    assert foreseen(half, noise, 1_000, **given)[:2] == ("UNVERIFIED", 0.0)
    far = Beside(np.roll(law, 1), law)
    assert foreseen(half, Noise(far.tvd, 0.0, 1.0, "exact noisy law", far), 100_000, **given)[:2] == ("FAIL", 0.0)


def test_agreement_is_foreseen_with_its_noise(two_tokens):
    """Readings of q against p by G-tests: drawn 200 times at three sizes, the share of PASS within 5.3 standard deviations."""
    program = stinespring.compile(two_tokens, prompt="a b", steps=2, effort=0)
    law = np.append(program.asked.law(program.source).listed.probabilities, 0.0)
    rng, moved = np.random.default_rng(6), law.copy()
    moved[np.argmax(law)] -= 0.012
    moved[np.argmin(law[:-1])] += 0.012
    noise, seen = Noise(0.012, 0.0, 0.1, "exact noisy law", Beside(moved, law)), set()
    for shots in (2_000, 6_000, 60_000):
        told = foreseen(program, noise, shots, within=None, alpha=0.05, resolution=0.1)
        statistic = [2 * float((c * np.log(np.maximum(c, 1e-300) / (shots * law[:-1]))).sum())
                     for c in rng.multinomial(shots, moved[:-1], size=200)]  # fmt: skip
        share = float(np.mean(np.array(statistic) < chi2.isf(0.05, int((law > 0).sum()) - 1)))
        assert abs(share - told.probability) <= 5.3 * np.sqrt(0.25 / 200) + 0.03, (shots, share, told)
        seen.add(told.verdict)
    assert seen == {"PASS", "FAIL"}
    leaking = Noise(0.01, 0.0, 0.1, "exact noisy law", Beside(np.append(law[:-1] * 0.99, 0.01), law))
    assert foreseen(program, leaking, 5_000, within=None, alpha=0.001, resolution=0.1).verdict == "FAIL"
    product = Noise(0.3, 0.0, 0.3, "error product")
    assert foreseen(program, product, 5_000, within=None, alpha=0.001, resolution=0.1).verdict is None
