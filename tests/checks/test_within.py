# SPDX-License-Identifier: Apache-2.0
"""Equivalence: how far samples are from a law, leakage and all; what is decided, at which rates, and where nothing can be."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

import stinespring
from laws import COVERED
from stinespring.checks.statistics.distance import measured_distance
from stinespring.checks.within import equivalent, wanted_within
from stinespring.errors import InputError
from stinespring.models.texts.asked import TextAsked
from stinespring.models.texts.table import TableModel
from stinespring.readings import UNUSED, Outcomes
from stinespring.stages import Samples, Verdict
from strategies import series


def spare_codes(shots=8_000, lost=44, seed=3, noisy=True) -> Samples:
    """Five words in registers of three bits: spare codes, on which noise leaves some shots."""
    law = np.random.default_rng(1).dirichlet(np.ones(5))
    model = TableModel({"tokens": [f"w{i}" for i in range(5)], "context": 0, "law": [law.tolist()]})
    counts = np.append(np.random.default_rng(seed).multinomial(shots - lost, law), lost)
    outcomes = Outcomes.tallied({"t1": np.append(np.arange(5), UNUSED)}, counts)
    return Samples(model, TextAsked((), 1), (outcomes,), noisy=noisy)


def test_shots_on_spare_codes_are_leakage_and_no_failure():
    """44 of 8,000 shots at .0055: within .05 and .03, open at .02, more than .002; agreement fails as it did."""
    samples = spare_codes()
    found = {within: stinespring.check(samples, within=within) for within in ("auto", 0.05, 0.03, 0.02, 0.002)}
    assert [v.verdict for v in found.values()] == ["PASS", "PASS", "PASS", "UNVERIFIED", "FAIL"]
    summary = found["auto"].summary()
    assert summary["within"] == 0.05 and summary["leakage"] == {"shots": 44, "share": 0.0055}
    assert summary["within_low"] <= summary["tvd_low"] <= 0.0055 <= summary["tvd_high"] <= summary["within_high"] <= 0.03
    assert "leakage 44 shots (0.55%)" in found["auto"].reason and "[" in found["auto"].reason
    assert stinespring.check(samples, within="none").verdict == "FAIL"
    assert stinespring.check(replace(samples, noisy=False)).summary()["within"] is None


def test_the_shots_that_would_do_do():
    few = stinespring.check(spare_codes(), within=0.02)
    assert few.shots_needed is not None and f"{few.shots_needed:,}" in few.reason and "an estimate" in few.reason
    more = 2 * few.shots_needed
    assert stinespring.check(spare_codes(more, round(0.0055 * more)), within=0.02).verdict == "PASS"


@pytest.mark.parametrize("name", ["two outcomes, near", "peaked, near", "sparse with leakage", "uniform 1000, tilted"])
@pytest.mark.parametrize(("side", "wrong"), [(-1e-9, "PASS"), (1e-9, "FAIL")])
def test_both_rulings_are_wrong_at_most_at_the_stated_rate(name, side, wrong):
    """Just beyond its true distance a law hardly ever passes, just within hardly ever fails: binomial quantile of 1e-7."""
    law, sampled, shots = COVERED[name]
    rng, runs, alpha = np.random.default_rng(6), series(40, 1000), 0.2
    within = 0.5 * abs(law - sampled).sum() + side
    errors = 0
    for _ in range(runs):
        distance = measured_distance(rng.multinomial(shots, sampled).astype(float), law)
        errors += equivalent(Verdict("PASS", "", 1.0, alpha, shots, distance=distance), within).verdict == wrong
    assert errors <= binom.isf(1e-7, runs, alpha)


def test_a_compilers_bound_is_part_of_the_distance():
    distance = measured_distance(np.array([500.0, 300.0, 200.0]), np.array([0.5, 0.3, 0.2]))
    verdict = Verdict("PASS", "", 1.0, 0.05, 1000, distance=distance)
    plain, wide = equivalent(verdict, 0.1), equivalent(verdict, 0.1, bound=0.09)
    assert wide.figures["within_high"] == pytest.approx(plain.figures["within_high"] + 0.09)
    assert (plain.verdict, wide.verdict) == ("PASS", "UNVERIFIED")
    wrong = equivalent(replace(verdict, bound_verified=False, reason="the bound is wrong"), 0.1)
    assert wrong.verdict == "FAIL" and wrong.reason.startswith("the bound is wrong")


def test_a_law_too_large_to_list_passes_for_its_scope_only():
    """Found deviations of unknown size are UNVERIFIED; leakage above the distance is a FAIL."""
    distance = measured_distance(np.full(200, 1.0), np.full(200, 1e-9))
    for agreement in ("PASS", "UNVERIFIED"):
        found = equivalent(Verdict(agreement, "about pairs", 0.5, 0.001, 200, distance=distance), 0.05)
        assert found.verdict == agreement and "about pairs" in found.reason
    found = equivalent(Verdict("FAIL", "p = 0", 0.0, 0.001, 200, distance=distance), 0.05)
    assert found.verdict == "UNVERIFIED" and "no upper bound" in found.reason
    leaking = measured_distance(np.append(np.full(200, 1.0), 300.0), np.append(np.full(200, 1e-9), 0.0))
    assert equivalent(Verdict("FAIL", "p = 0", 0.0, 0.001, 500, distance=leaking), 0.05).verdict == "FAIL"


def test_several_laws_must_all_be_within():
    near = Verdict("PASS", "", 0.5, 5e-4, 4000, distance=measured_distance(np.array([1990.0, 2010.0]), np.array([0.5, 0.5])))
    far = replace(near, distance=measured_distance(np.array([1300.0, 2700.0]), np.array([0.5, 0.5])))
    whole = Verdict("PASS", "", parts={"one": near, "two": near})
    assert equivalent(whole, 0.1).verdict == "PASS"
    found = equivalent(replace(whole, parts={"one": near, "two": far}), 0.1)
    assert found.verdict == "FAIL" and found.reason.startswith("two: ") and found.parts["one"].verdict == "PASS"
    with pytest.raises(InputError, match="no distance"):
        equivalent(Verdict("PASS", ""), 0.1)


def test_which_distance_is_wanted():
    assert wanted_within("auto", noisy=True, resolution=0.03) == 0.03
    assert wanted_within("auto", noisy=False, resolution=0.03) is wanted_within("none", noisy=True, resolution=0.03) is None
    assert wanted_within("0.1", noisy=False, resolution=0.03) == wanted_within(0.1, noisy=True, resolution=0.03) == 0.1
    for bad in (0, 1, -0.1, float("nan"), "x", True, "inf"):
        with pytest.raises(InputError, match="within"):
            wanted_within(bad, noisy=True, resolution=0.05)


def test_the_command_line(invoke, examples, tmp_path):
    """A noisy backend is held to the resolution, an exact one to the law; counts say where they come from, or nothing."""
    words = ["--prompt", "a b", "--steps", 1, "--shots", 3000, "--seed", 5, "--effort", 0, "--json"]
    model = examples / "two_tokens.json"
    noisy = json.loads(invoke("run", model, *words, "--backend", "aer?noise=manila").stdout)
    assert (noisy["within"], noisy["verdict"]) == (0.05, "PASS") and set(noisy["leakage"]) == {"shots", "share"}
    assert json.loads(invoke("run", model, *words).stdout)["within"] is None
    content = {"format": "stinespring/samples@1", "counts": noisy["counts"]}
    for provenance, wanted in ((None, None), ({"versions": {"noisy": True}}, 0.05), ({"versions": {"noisy": False}}, None)):
        path = tmp_path / "counts.json"
        path.write_text(json.dumps(content | ({} if provenance is None else {"provenance": provenance})))
        asked = ["check", model, "--prompt", "a b", "--steps", 1, "--counts", path, "--json"]
        assert json.loads(invoke(*asked).stdout)["within"] == wanted
        assert json.loads(invoke(*asked, "--within", 0.2).stdout)["within"] == 0.2
    done = invoke(*asked, "--within", 2)
    assert done.returncode == 2 and "--within" in done.stderr
