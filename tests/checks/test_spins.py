# SPDX-License-Identifier: Apache-2.0
"""Verdicts on spins: right samples pass at the stated rate, wrong ones of every kind fail.

Samples are drawn by NumPy from the law itself. Where a PASS is expected the false-alarm rate is set to 1e-7.
"""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom, binomtest, chisquare, kstest

from stinespring.checks.spins.mean_field import check_mean_field
from stinespring.checks.spins.spins import check_network, check_spins, spins_summary
from stinespring.checks.spins.token import stretch
from stinespring.checks.statistics.uniform import dealt
from stinespring.checks.tables import check_tables
from stinespring.errors import InputError
from stinespring.models.spins import draw_network, read_network
from stinespring.models.spins.asked import SpinAsked
from stinespring.models.spins.contexts import Contexts, columns_of, tokens_of
from stinespring.readings import Outcomes
from stinespring.stages import Samples


def drawn(network, steps, shots, seed, spoil=None):
    """Samples from the law; ``spoil(plus, rng) -> tokens`` draws a token in another way."""
    rng, columns = np.random.default_rng(seed), network.one_column_a_spin()
    tokens = np.empty((shots, steps, columns.N), dtype=np.int8)
    contexts = Contexts.start(columns)
    contexts = Contexts(contexts.network, np.repeat(contexts.semantic, shots, axis=0), contexts.time)
    for step in range(steps):
        plus = contexts.plus
        tokens[:, step] = np.where(rng.random(plus.shape) < plus, 1, -1) if spoil is None else spoil(plus, rng)
        contexts = contexts.after(slice(None), tokens[:, step])
    return sampled(network, tokens)


def sampled(network, tokens):
    """Tokens of shape (shots, T, N), counted."""
    return Samples(network, SpinAsked(tokens.shape[1]), (Outcomes.tallied(columns_of(tokens)),), backend="numpy")


def every_shot(samples):
    """The tokens shot by shot."""
    [outcomes] = samples.outcomes
    return np.repeat(tokens_of(outcomes, samples.asked.steps, samples.source.spins), outcomes.counts, axis=0)


@pytest.fixture(scope="module")
def few():
    return draw_network(M=3, N=4, P=1, eps=0.05, gamma=8.0, beta=1.0, seed=5)


@pytest.fixture(scope="module")
def many():
    return draw_network(M=3, N=64, P=2, eps=0.02, gamma=4.0, beta=0.8, seed=6)


@pytest.mark.parametrize(("name", "shots"), [("few", 4000), ("many", 400)])
def test_right_samples_pass(name, shots, request):
    samples = drawn(request.getfixturevalue(name), 3, shots, 1)
    verdict = check_spins(samples, alpha=1e-7, resolution=0.4, scope="pairs")
    assert verdict.verdict == "PASS"
    assert len(verdict.parts) == 4
    assert set(verdict.parts["token 1"].details) == {"spins", "sums"} | ({"tokens"} if name == "few" else set())


def test_false_alarms_are_as_rare_as_stated(many):
    """600 p-values of single tests are at most 0.05 as often as they should: the bound is the 1e-6 quantile of 0.06."""
    p_values = []
    for seed in range(100):
        verdict = check_spins(drawn(many, 3, 150, seed), resolution=0.4)
        p_values += [test["p_value"] for part in verdict.parts.values() for test in part.details.values()]
    assert sum(p <= 0.05 for p in p_values) <= binom.isf(1e-6, len(p_values), 0.06)


def test_too_few_shots_are_unverified(few):
    assert check_spins(drawn(few, 2, 60, 1), alpha=1e-7, resolution=0.01).verdict == "UNVERIFIED"


def test_another_temperature_fails(few, many):
    for network, shots in ((few, 20_000), (many, 4000)):
        samples = drawn(network, 2, shots, 2)
        assert check_spins(samples, network.with_beta(network.beta * 1.3)).verdict == "FAIL"


def test_spins_that_move_together_fail(many):
    """One random number for all spins: every spin's odds are right, the token's law is not."""

    def common(plus, rng):
        return np.where(rng.random((len(plus), 1)) < plus, 1, -1)

    verdict = check_spins(drawn(many, 1, 400, 3, common))
    assert verdict.verdict == "FAIL"
    assert verdict.parts["token 1"].details["sums"]["p_value"] < 1e-9


def test_pairs_that_move_together_fail():
    """Opposite pairs at even odds leave every single spin and every field-weighted sum of a pair unchanged or too still."""
    network = draw_network(M=2, N=64, P=0, eps=0.0, gamma=1.0, beta=0.0, seed=3)

    def pairs(plus, rng):
        half = np.where(rng.random((len(plus), 32)) < 0.5, 1, -1)
        return np.repeat(half, 2, axis=1)

    assert check_spins(drawn(network, 1, 400, 3, pairs)).verdict == "FAIL"


def test_an_impossible_token_fails():
    network = draw_network(M=1, N=3, P=0, eps=0.0, gamma=1.0, beta=2000.0, segments=1, seed=3)
    network = replace(network, window=np.array([[1, 1, 1]], dtype=np.int8))
    samples = drawn(network, 1, 500, 1)
    assert check_spins(samples, alpha=1e-7, resolution=0.2).verdict == "PASS"
    tokens = every_shot(samples)
    tokens[0, 0, 0] *= -1
    assert check_spins(sampled(network, tokens)).verdict == "FAIL"


def test_the_context_counts(few):
    """The same tokens in another order of the runs have the right odds on average and the wrong ones in every context."""
    shuffled = every_shot(drawn(few, 2, 20_000, 4))
    shuffled[:, 1] = np.random.default_rng(0).permutation(shuffled[:, 1])
    verdict = check_spins(sampled(few, shuffled))
    assert [part.verdict for part in verdict.parts.values()] == ["PASS", "FAIL", "FAIL"]


def test_the_transformed_values_are_uniform():
    """Kolmogorov-Smirnov at 1e-6, and the exact distribution of a binomial."""
    rng = np.random.default_rng(5)
    odds = np.array([[0.2, 0.9], [0.5, 0.01]])
    counts, which = np.array([7, 4]), rng.integers(0, 2, size=20_000)
    values = rng.binomial(counts, odds[which]).sum(axis=1)
    below, width = stretch(values, odds, counts, which)
    assert kstest(below + rng.random(len(below)) * width, "uniform").pvalue > 1e-6
    below, width = stretch(np.arange(6), np.array([[0.3]]), np.array([5]), np.zeros(6, dtype=np.int64))
    np.testing.assert_allclose(below, binom.cdf(np.arange(6) - 1, 5, 0.3), atol=1e-12)
    np.testing.assert_allclose(width, binom.pmf(np.arange(6), 5, 0.3), atol=1e-12)


def test_counted_values_fall_in_bins_as_single_ones_do():
    """A chi-squared test at 1e-6 of a million counted values, and the few readings that one bin holds, exactly."""
    below, width = np.array([0.0, 0.25, 0.9]), np.array([0.25, 0.65, 0.1])
    counts = np.random.default_rng(3).multinomial(10**6, width)
    assert chisquare(dealt(below, width, counts, 16, np.random.default_rng(4))).pvalue > 1e-6
    inside = dealt(np.array([0.3, 0.5, 1.0]), np.array([0.1, 0.0, 0.0]), np.array([7, 5, 2]), 4, np.random.default_rng(0))
    assert inside.tolist() == [0, 7, 5, 2]


def test_counts_are_never_written_out_shot_by_shot(few):
    """10^12 shots of one token: the law's own expectation passes, the same with a thousandth more of one text fails."""
    law = Contexts.start(few).plus[0]
    tokens = 1 - 2 * (np.arange(16)[:, None] >> np.arange(4) & 1).astype(np.int8)
    odds = np.where(tokens > 0, law, 1 - law).prod(axis=1)
    counts = np.round(odds * 10**12).astype(np.int64)
    exact = Samples(few, SpinAsked(1), (Outcomes.tallied(columns_of(tokens[:, None]), counts),))
    assert check_spins(exact, alpha=1e-7).verdict == "PASS"
    counts[3] += counts[3] // 1000
    assert check_spins(replace(exact, outcomes=(Outcomes.tallied(columns_of(tokens[:, None]), counts),))).verdict == "FAIL"


def test_wide_tokens_are_read_from_several_registers(many):
    samples = drawn(many, 2, 300, 1)
    assert samples.outcomes[0].registers == ("t1_0", "t1_1", "t2_0", "t2_1")
    keys = samples.asked.spell(many, samples.outcomes[0])
    assert all(len(token) == 64 for key in keys for token in key.split(" "))
    counts = dict(zip(keys, samples.outcomes[0].counts.tolist(), strict=True))
    [again] = samples.asked.read_counts(many, {"format": "stinespring/samples@1", "counts": counts})
    assert np.array_equal(again.values, samples.outcomes[0].values) and np.array_equal(again.counts, samples.outcomes[0].counts)


def test_both_verdicts_together(few, examples):
    found = check_network(drawn(few, 2, 4000, 1), alpha=1e-7, resolution=0.4)
    assert found.verdict == found.figures["product_law"] == "PASS"  # too few spins for the limit are no fault
    assert found.figures["mean_field"]["verdict"] == "UNVERIFIED"
    summary = spins_summary(found)
    assert [step["step"] for step in summary["steps"]] == [1, 2]
    assert set(summary["steps"][0]) == {"step", "verdict", "p_value", "resolution", "tests", "reason"}
    assert set(summary) == {"verdict", "p_value", "alpha", "shots", "steps", "scope", "product_law", "mean_field"}
    json.dumps(summary, allow_nan=False)
    network = read_network(examples / "spins.json")
    wrong = check_network(replace(drawn(network.with_beta(0.5), 3, 300, 1), source=network))
    assert wrong.verdict == "FAIL" and wrong.parts["mean field"].verdict == "FAIL"
    assert check_network(drawn(few, 1, 1, 1)).figures["mean_field"] is None


def test_tables_of_the_law_hold_what_was_drawn(few, many):
    for network, cells in ((few, 16), (many, 2)):
        samples = drawn(network, 2, 500, 1)
        first, second = samples.asked.law(network).tables(samples.outcomes)
        assert (first.test, second.test) == ("token 1", "token 2") and first.law.shape[1] == cells
        for table in (first, second):
            np.testing.assert_allclose(table.law.sum(axis=1), 1)
            assert table.observed.sum() == 500 * (1 if cells == 16 else 64)
    assert check_tables(drawn(few, 2, 4000, 1), alpha=1e-7, resolution=0.4).verdict == "PASS"


def test_averages_of_many_spins_pass_against_the_mean_field():
    network = draw_network(M=3, N=300, P=2, eps=0.02, gamma=2.0, beta=0.9, segments=3, seed=2)
    verdict = check_mean_field(drawn(network, 3, 300, 1), alpha=1e-7)
    assert (verdict.verdict, verdict.figures["exact_verdict"]) == ("PASS", "PASS")
    assert (abs(np.array(verdict.figures["finite_size"])) < np.array(verdict.figures["spread"])).all()


def test_averages_of_another_law_fail(examples):
    network = read_network(examples / "spins.json")
    other = drawn(network.with_beta(0.5), 3, 300, 1)
    verdict = check_mean_field(replace(other, source=network))
    assert (verdict.verdict, verdict.figures["exact_verdict"]) == ("FAIL", "FAIL")


def test_chaos_does_not_fail_correct_samples(examples):
    """99 spins near chaos: from the fourth token on the exact averages are far from the limit; the samples are right."""
    samples = drawn(read_network(examples / "spins.json"), 6, 4000, 1)
    verdict = check_mean_field(samples, alpha=1e-7)
    assert verdict.figures["exact_verdict"] == verdict.parts["averages"].verdict == "PASS"
    assert (verdict.verdict, verdict.figures["steps"]) == ("UNVERIFIED", ["PASS"] * 3 + ["UNVERIFIED"] * 3)
    mean, limit, spread, off = (np.array(verdict.figures[n]) for n in ("mean", "mean_field", "spread", "finite_size"))
    assert abs(off[3]).max() > 0.1 and spread[3].max() > 0.25
    assert f"step 4, component 2: the average is {abs(mean - limit)[3, 1]:.3g}" in verdict.reason
    assert f"{spread[3, 1]:.3g}" in verdict.reason
    wrong = sampled(samples.source, -every_shot(samples))  # a wrong early token is found in spite of the chaos after it
    assert check_mean_field(wrong, alpha=1e-7).verdict == "FAIL"


def test_few_spins_say_little_about_the_mean_field(few):
    verdict = check_mean_field(drawn(few, 2, 500, 1), alpha=1e-7)
    assert verdict.verdict == "UNVERIFIED"
    assert "too few spins" in verdict.reason
    assert verdict.figures["exact_verdict"] == "PASS"


def test_unusable_numbers(few):
    samples = drawn(few, 1, 1, 1)
    with pytest.raises(InputError):
        check_mean_field(samples)
    for change in ({"alpha": 0.0}, {"resolution": 1.0}, {"alpha": float("nan")}):
        with pytest.raises(InputError):
            check_spins(samples, **change)


def test_exact_bernoulli_power_is_what_the_resolution_says(few):
    """A shift of one spin's odds by the stated resolution is found in nearly all of 60 repetitions (power 0.9)."""
    contexts = Contexts.start(few)
    stated = check_spins(drawn(few, 1, 2000, 0), resolution=0.9).parts["token 1"].details["spins"]["resolution"]
    spin = int(np.argmin(abs(contexts.plus[0] - 0.5)))

    def shifted(plus, rng):
        odds = plus.copy()
        odds[:, spin] += stated if odds[0, spin] < 0.5 else -stated
        return np.where(rng.random(plus.shape) < odds, 1, -1)

    found = sum(check_spins(drawn(few, 1, 2000, seed, shifted)).verdict == "FAIL" for seed in range(60))
    assert binomtest(found, 60, 0.9, alternative="less").pvalue > 1e-6
