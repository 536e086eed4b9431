"""Each claim about the landscape with a case where it holds, one where it cannot be told, and one that breaks it."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from stinespring.checks.sphere import claims
from stinespring.errors import InputError
from stinespring.models.sphere.files import random_model
from stinespring.models.sphere.landscape.measure import AtomicMeasure, measure_of
from stinespring.models.sphere.perceptron import Perceptron
from stinespring.models.sphere.simulate import simulate


def test_constants():
    assert pytest.approx(0.5742, abs=5e-5) == claims.MASS_BOUND
    assert pytest.approx(0.16547, abs=5e-6) == claims.PRINTED_EXCLUSION
    inside, outside = claims.exact_constants(400.0)
    assert inside == pytest.approx(0.75 * math.exp(-0.125), rel=1e-2)
    assert outside == pytest.approx(2 * math.exp(-1.5), rel=1e-2)


@pytest.mark.parametrize("direction", ["ascent", "descent"])
def test_energy(direction):
    model = random_model(particles=30, dimension=3, beta=9.0, hidden=3, seed=2, direction=direction)
    assert claims.energy_is_monotone(model, steps=60).verdict == "PASS"
    assert claims.energy_is_monotone(replace(model, normalise="SA")).verdict == "UNVERIFIED"
    coarse = replace(model, step=5.0, kernel="scaled")
    assert claims.energy_is_monotone(coarse, scheme="euler", steps=60).verdict == "FAIL"  # steps of several radians


@pytest.mark.parametrize("d", [2, 3, 4])
def test_maximisers(d, monkeypatch):
    model = random_model(particles=5, dimension=d, beta=2.0, hidden=d, seed=d)
    claim = claims.maximisers_are_diracs(model, trials=60)
    assert claim.verdict == "PASS"
    assert claim.figures["numbers"]["dirac_energy"] == pytest.approx(
        math.exp(2.0) / 4.0 + claim.figures["numbers"]["max_v"] / 2
    )
    monkeypatch.setattr(
        claims, "highest_potential", lambda model, random: (-np.array(claim.figures["numbers"]["argmax_v"]), 0.0)
    )
    assert claims.maximisers_are_diracs(model, trials=60).verdict == "FAIL"  # a Dirac elsewhere is no maximiser


def test_minimiser(monkeypatch):
    a = np.array([[1.0, 0.0], [math.cos(2.0), math.sin(2.0)]])
    model = replace(random_model(particles=5, dimension=2, beta=2.0, seed=1), perceptron=Perceptron(a, np.ones(2), a, "tanh"))
    claim = claims.minimiser_is_unique(model)
    assert claim.verdict == "PASS"
    assert claim.figures["numbers"]["symmetries"] >= 1  # the mirror that swaps the neurons
    assert claims.minimiser_is_unique(random_model(particles=5, dimension=4, beta=1.0, seed=1)).verdict == "UNVERIFIED"
    turn = np.array([[math.cos(0.5), -math.sin(0.5)], [math.sin(0.5), math.cos(0.5)]])
    monkeypatch.setattr(claims, "symmetries", lambda model, random: [turn])
    assert claims.minimiser_is_unique(model).verdict == "FAIL"  # that turn leaves v not alone


def test_atoms():
    model = random_model(particles=30, dimension=2, beta=1.0, hidden=2, seed=5, direction="descent")
    claim = claims.finitely_many_atoms(model)
    assert claim.verdict == "PASS", claim.reason
    assert max(claim.figures["numbers"]["atoms"]) <= 10
    assert claims.finitely_many_atoms(replace(model, perceptron=None)).verdict == "UNVERIFIED"
    assert claims.finitely_many_atoms(model, steps=5).verdict == "UNVERIFIED"


def test_mass_bound():
    model = random_model(particles=60, dimension=2, beta=1.0, seed=5, direction="descent")
    run = simulate(model, steps=400, scheme="adaptive", stop=True)
    claim = claims.mass_bound(measure_of(model, run.positions), tolerance=1e-4)
    assert claim.verdict == "PASS"
    assert claim.figures["numbers"]["heaviest"] <= claim.figures["numbers"]["bound_at_this_beta"] + 1e-9
    pair = AtomicMeasure(np.array([[1.0, 0], [0, 1.0]]), np.array([0.5, 0.5]), 1.0)
    assert claims.mass_bound(pair).verdict == "UNVERIFIED"  # not stationary
    small = AtomicMeasure(np.array([[1.0, 0], [-1.0, 0]]), np.array([0.5, 0.5]), 0.02)
    assert not claims.mass_bound(small).figures["applies"]  # below 1/3 the constants do not hold
    antipodal = AtomicMeasure(np.array([[1.0, 0], [-1.0, 0]]), np.array([0.5, 0.5]), 2.0)
    assert not claims.mass_bound(antipodal).figures["applies"]  # no two atoms are close
    assert claims.mass_bound(antipodal).verdict == "UNVERIFIED"


@pytest.mark.parametrize("beta", [20.0, 50.0])
def test_mass_bound_needs_a_stationary_measure(beta):
    """Particles at random with a perceptron: forces of all sizes act, none of which e^beta may hide."""
    model = random_model(particles=20, dimension=2, beta=beta, hidden=2, seed=7, activation="tanh", direction="descent")
    claim = claims.mass_bound(measure_of(model, width=1e-3))
    assert claim.verdict == "UNVERIFIED" and claim.figures["numbers"]["stationary"] is False


def test_a_perceptron_lost_in_rounding_is_unverified():
    model = random_model(particles=8, dimension=2, beta=60.0, hidden=2, seed=7, activation="tanh", direction="descent")
    assert claims.maximisers_are_diracs(model, trials=20).verdict == "UNVERIFIED"
    assert claims.minimiser_is_unique(model, points=200).verdict == "UNVERIFIED"
    one = replace(model, particles=model.particles[:1])
    assert claims.energy_is_monotone(one, steps=20).verdict == "UNVERIFIED"
    assert claims.maximisers_are_diracs(replace(model, kernel="scaled"), trials=20).verdict == "PASS"


def test_overall_verdict():
    def overall(*found):
        return claims.claims_together(found).verdict

    def claim(verdict, name="some", applies=True):
        return claims.finding(name, "", verdict, "", applies=applies)

    good, bad, open_ = claim("PASS"), claim("FAIL", "bad"), claim("UNVERIFIED", "open")
    assert overall(good, claim("PASS", "other")) == "PASS"
    assert overall(good, open_) == "UNVERIFIED"
    assert overall(good, open_, bad) == "FAIL"
    assert overall(good, claim("UNVERIFIED", "silent", applies=False)) == "PASS"
    assert overall(good, claim("FAIL", "exclusion")) == "PASS"  # known to be false as printed
    assert overall(claim("PASS", "exclusion"), claim("UNVERIFIED", applies=False)) == "UNVERIFIED"
    assert list(claims.claims_together([good, open_, bad]).parts) == ["some", "open", "bad"]


def numbers_in(data):
    """All numbers of nested JSON data."""
    if isinstance(data, dict | list):
        return [n for part in (data.values() if isinstance(data, dict) else data) for n in numbers_in(part)]
    return [data] if isinstance(data, float | int) and not isinstance(data, bool) else []


@pytest.mark.parametrize("beta", [1.0, 800.0])
def test_all_claims_are_finite(beta):
    model = random_model(
        particles=6, dimension=2, beta=beta, hidden=2, seed=7, activation="tanh", direction="descent", kernel="scaled"
    )
    summary = claims.claims_summary(claims.check_claims(model))
    again = json.loads(json.dumps(summary, allow_nan=False))
    assert again == summary
    assert [claim["name"] for claim in again["claims"]] == ["energy", "maximisers", "minimiser", "atoms", "mass", "exclusion"]
    assert all(set(c) == {"name", "statement", "verdict", "reason", "numbers", "applies"} for c in again["claims"])
    assert all(math.isfinite(number) for number in numbers_in(again)) and len(numbers_in(again)) > 20
    counted = [c["verdict"] for c in again["claims"] if c["applies"] and c["name"] != "exclusion"]
    assert again["verdict"] == next(v for v in ("FAIL", "UNVERIFIED", "PASS") if v in counted)


def test_the_claim_that_is_false_as_printed():
    threshold = 1 / (4 * math.pi**2)
    assert threshold == pytest.approx(0.02533, abs=1e-5)
    assert claims.one_cluster_is_excluded(threshold * 0.9999).verdict == "FAIL"
    assert claims.one_cluster_is_excluded(0.01).figures["numbers"]["mass_in_one_cluster"] == 1
    assert claims.one_cluster_is_excluded(threshold * 1.001).verdict == "UNVERIFIED"
    assert claims.one_cluster_is_excluded(1.0).verdict == "PASS"
    with pytest.raises(InputError):
        claims.one_cluster_is_excluded(0.0)
