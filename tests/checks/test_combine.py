# SPDX-License-Identifier: Apache-2.0
"""Verdicts combined: the worst ruling, Bonferroni's p-value, nothing lost; and the tables of any law."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from stinespring.checks.combine import combined, worst
from stinespring.checks.statistics.gtest import detectable_tvd
from stinespring.checks.tables import check_tables
from stinespring.errors import InputError
from stinespring.models.texts.asked import TextAsked
from stinespring.readings import Outcomes
from stinespring.stages import Samples, Table, Verdict


def test_the_worst_ruling_counts():
    assert worst(["PASS", "UNVERIFIED", "FAIL"]) == "FAIL"
    assert worst(["PASS", "UNVERIFIED"]) == "UNVERIFIED"
    assert worst([]) == "PASS"


def test_nothing_is_lost():
    good = Verdict("PASS", "fine", 0.4, 0.0005, 100, 0.02)
    open_ = Verdict("UNVERIFIED", "few", 0.3, 0.0005, 90, 0.2, shots_needed=700)
    found = combined({"a": good, "b": open_}, figures={"x": 1})
    assert (found.verdict, found.p_value, found.alpha, found.resolution) == ("UNVERIFIED", 0.6, 0.001, 0.2)
    assert (found.shots, found.shots_needed, found.reason) == (100, 700, "b: few")
    assert found.parts == {"a": good, "b": open_} and found.summary()["x"] == 1
    bad = Verdict("FAIL", "wrong", 1e-9, 0.0005, bound_verified=False)
    assert combined({"a": good, "b": open_, "c": bad}).bound_verified is False
    assert combined({"a": good, "c": bad}).reason == "c: wrong"
    hopeless = Verdict("UNVERIFIED", "never", 0.2, shots_needed=None)
    assert combined({"b": open_, "c": hopeless}).shots_needed is None


@dataclass(frozen=True)
class Urns:
    """A law of several urns, each drawn from on its own: its request and its law in one."""

    kind = "urns"
    laws: tuple[tuple[str, tuple[float, ...]], ...]

    def law(self, source: Any) -> Urns:
        return self

    def tables(self, seen):
        for (test, law), outcomes in zip(self.laws, seen, strict=True):
            observed = np.bincount(outcomes.column("x"), weights=outcomes.counts, minlength=len(law)).astype(float)
            yield Table(test, observed[None], np.array([law]))


def drawn(asked, laws, shots, seed):
    rng = np.random.default_rng(seed)
    parts = [Outcomes.tallied({"x": np.arange(len(law))}, rng.multinomial(shots, law)) for law in laws]
    return Samples(None, asked, tuple(parts))


URNS = Urns((("one", (0.5, 0.5)), ("one", (0.2, 0.3, 0.5)), ("two", (0.1, 0.9))))
LAWS = [law for _, law in URNS.laws]


def test_tables_of_one_name_are_one_test():
    """The two urns of one name have 1 + 2 degrees of freedom, at half the false-alarm rate, like the other one."""
    verdict = check_tables(drawn(URNS, LAWS, 4_000, 0), alpha=1e-6)  # false-alarm rate 1e-6
    assert verdict.verdict == "PASS" and set(verdict.parts) == {"one", "two"}
    assert verdict.parts["one"].details["tables"]["degrees_of_freedom"] == 3
    assert verdict.parts["two"].resolution == detectable_tvd(1, 4_000, 5e-7)
    assert (verdict.shots, verdict.alpha) == (12_000, 1e-6)
    assert "2 one" in verdict.parts["one"].reason


def test_false_alarms_of_all_tests_together_come_at_the_stated_rate():
    """At 0.05 the number of FAILs among 400 true samples is between its binomial quantiles of 1e-7 for 0.025 and 0.05."""
    fails = sum(not check_tables(drawn(URNS, LAWS, 1_000, seed), alpha=0.05, resolution=0.9).passed for seed in range(400))
    assert binom.ppf(1e-7, 400, 0.025) <= fails <= binom.isf(1e-7, 400, 0.05)


def test_a_wrong_urn_is_found_and_named():
    verdict = check_tables(drawn(URNS, [*LAWS[:2], (0.2, 0.8)], 4_000, 1))
    assert (verdict.verdict, verdict.parts["one"].verdict) == ("FAIL", "PASS")
    assert verdict.reason.startswith("two: ")


def test_an_impossible_outcome_fails():
    urns = Urns((("one", (0.5, 0.5, 0.0)),))
    samples = Samples(None, urns, (Outcomes.tallied({"x": np.array([0, 1, 2])}, np.array([500, 500, 1])),))
    verdict = check_tables(samples)
    assert (verdict.verdict, verdict.p_value) == ("FAIL", 0.0) and "probability 0" in verdict.reason


def test_the_shots_that_would_do_do():
    urns = Urns((("one", tuple(np.full(20, 0.05))),))
    few = check_tables(drawn(urns, [urns.laws[0][1]], 300, 2))
    assert few.verdict == "UNVERIFIED"
    assert check_tables(drawn(urns, [urns.laws[0][1]], few.shots_needed, 2)).verdict == "PASS"
    assert check_tables(drawn(urns, [urns.laws[0][1]], int(0.95 * few.shots_needed), 2)).verdict == "UNVERIFIED"


def test_texts_have_tables_too(two_tokens):
    """The generic verdict on texts and the texts' own agree on the tests; both see a text of probability 0."""
    joint = two_tokens.joint("a b", 2)
    counts = np.random.default_rng(0).multinomial(5_000, joint.probabilities)
    columns = {"t1": joint.texts[:, 0], "t2": joint.texts[:, 1]}
    samples = Samples(two_tokens, TextAsked((0, 1), 2), (Outcomes.tallied(columns, counts),))
    verdict = check_tables(samples)
    assert (verdict.verdict, set(verdict.parts)) == ("PASS", {"texts", "contexts"})


@pytest.mark.parametrize("options", [{"alpha": 0}, {"resolution": 1.0}])
def test_bad_options(options):
    with pytest.raises(InputError):
        check_tables(drawn(URNS, LAWS, 10, 0), **options)
