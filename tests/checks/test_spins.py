# SPDX-License-Identifier: Apache-2.0
"""Verdicts on spins: right samples pass at the stated rate, wrong ones of every kind fail.

Samples are drawn by NumPy from the law itself. Where a PASS is expected the false-alarm rate is set to 1e-7.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom, binomtest, kstest

from stinespring.checks.spins.spins import check_mean_field, check_spins, uniform
from stinespring.compiler.systems.spins import SpinSamples, compile_spins
from stinespring.errors import InputError
from stinespring.models.spins import draw_network, read_network
from stinespring.models.spins.contexts import Contexts


def drawn(network, steps, shots, seed, spoil=None):
    """Samples from the law; ``spoil(plus, rng) -> tokens`` draws a token in another way."""
    rng, program = np.random.default_rng(seed), compile_spins(network, steps=steps)
    tokens = np.empty((shots, steps, program.network.N), dtype=np.int8)
    contexts = Contexts.start(program.network)
    contexts = Contexts(contexts.network, np.repeat(contexts.semantic, shots, axis=0), contexts.time)
    for step in range(steps):
        plus = contexts.plus
        tokens[:, step] = np.where(rng.random(plus.shape) < plus, 1, -1) if spoil is None else spoil(plus, rng)
        contexts = contexts.after(slice(None), tokens[:, step])
    return SpinSamples(program, tokens, "numpy", seed, 0.0)


@pytest.fixture(scope="module")
def few():
    return draw_network(M=3, N=4, P=1, eps=0.05, gamma=8.0, beta=1.0, seed=5)


@pytest.fixture(scope="module")
def many():
    return draw_network(M=3, N=64, P=2, eps=0.02, gamma=4.0, beta=0.8, seed=6)


@pytest.mark.parametrize(("name", "shots"), [("few", 4000), ("many", 400)])
def test_right_samples_pass(name, shots, request):
    samples = drawn(request.getfixturevalue(name), 3, shots, 1)
    verdict = check_spins(samples, alpha=1e-7, resolution=0.4)
    assert verdict.verdict == "PASS"
    assert len(verdict.steps) == 3
    assert set(verdict.steps[0].tests) == {"spins", "sums"} | ({"tokens"} if name == "few" else set())


def test_false_alarms_are_as_rare_as_stated(many):
    """600 p-values of single tests are at most 0.05 as often as they should: the bound is the 1e-6 quantile of 0.06."""
    p_values = []
    for seed in range(100):
        verdict = check_spins(drawn(many, 3, 150, seed), resolution=0.4)
        p_values += [test["p_value"] for step in verdict.steps for test in step.tests.values()]
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
    assert verdict.steps[0].tests["sums"]["p_value"] < 1e-9


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
    samples.tokens[0, 0, 0] *= -1
    assert check_spins(samples).verdict == "FAIL"


def test_the_context_counts(few):
    """The same tokens in another order of the runs have the right odds on average and the wrong ones in every context."""
    samples = drawn(few, 2, 20_000, 4)
    shuffled = samples.tokens.copy()
    shuffled[:, 1] = np.random.default_rng(0).permutation(shuffled[:, 1])
    verdict = check_spins(replace(samples, tokens=shuffled))
    assert [step.verdict for step in verdict.steps] == ["PASS", "FAIL"]


def test_the_transformed_values_are_uniform():
    """Kolmogorov-Smirnov at 1e-6, and the exact distribution of a binomial."""
    rng = np.random.default_rng(5)
    odds = np.array([[0.2, 0.9], [0.5, 0.01]])
    counts, which = np.array([7, 4]), rng.integers(0, 2, size=20_000)
    values = rng.binomial(counts, odds[which]).sum(axis=1)
    assert kstest(uniform(values, odds, counts, which, rng), "uniform").pvalue > 1e-6
    edge = uniform(np.arange(6), np.array([[0.3]]), np.array([5]), np.zeros(6, dtype=np.int64), rng)
    below = binom.cdf(np.arange(6) - 1, 5, 0.3)
    assert ((below - 1e-12 <= edge) & (edge <= below + binom.pmf(np.arange(6), 5, 0.3) + 1e-12)).all()


def test_averages_of_many_spins_pass_against_the_mean_field():
    network = draw_network(M=3, N=300, P=2, eps=0.02, gamma=2.0, beta=0.9, segments=3, seed=2)
    verdict = check_mean_field(drawn(network, 3, 300, 1), alpha=1e-7)
    assert (verdict.verdict, verdict.exact_verdict) == ("PASS", "PASS")
    assert (abs(verdict.finite_size) < verdict.spread).all()


def test_averages_of_another_law_fail(examples):
    network = read_network(examples / "spins.json")
    other = drawn(network.with_beta(0.5), 3, 300, 1)
    verdict = check_mean_field(replace(other, program=compile_spins(network, steps=3)))
    assert (verdict.verdict, verdict.exact_verdict) == ("FAIL", "FAIL")


def test_chaos_does_not_fail_correct_samples(examples):
    """99 spins near chaos: from the fourth token on the exact averages are far from the limit; the samples are right."""
    samples = drawn(read_network(examples / "spins.json"), 6, 4000, 1)
    verdict = check_mean_field(samples, alpha=1e-7)
    assert verdict.exact_verdict == "PASS"
    assert (verdict.verdict, verdict.steps) == ("UNVERIFIED", ("PASS",) * 3 + ("UNVERIFIED",) * 3)
    assert abs(verdict.finite_size[3]).max() > 0.1 and verdict.spread[3].max() > 0.25
    far = abs(verdict.mean - verdict.mean_field)[3, 1]
    assert (
        f"step 4, component 2: the average is {far:.3g}" in verdict.reason and f"{verdict.spread[3, 1]:.3g}" in verdict.reason
    )
    wrong = replace(samples, tokens=-samples.tokens)  # a wrong early token is found in spite of the chaos after it
    assert check_mean_field(wrong, alpha=1e-7).verdict == "FAIL"


def test_few_spins_say_little_about_the_mean_field(few):
    verdict = check_mean_field(drawn(few, 2, 500, 1), alpha=1e-7)
    assert verdict.verdict == "UNVERIFIED"
    assert "too few spins" in verdict.reason
    assert verdict.exact_verdict == "PASS"


def test_unusable_numbers(few):
    samples = drawn(few, 1, 1, 1)
    with pytest.raises(InputError):
        check_mean_field(samples)
    for change in ({"alpha": 0.0}, {"resolution": 1.0}, {"alpha": float("nan")}):
        with pytest.raises(InputError):
            check_spins(samples, **change)


def test_exact_bernoulli_power_is_what_the_resolution_says(few):
    """A shift of one spin's odds by the stated resolution is found in nearly all of 60 repetitions (power 0.9)."""
    contexts = Contexts.start(compile_spins(few, steps=1).network)
    stated = check_spins(drawn(few, 1, 2000, 0), resolution=0.9).steps[0].tests["spins"]["resolution"]
    spin = int(np.argmin(abs(contexts.plus[0] - 0.5)))

    def shifted(plus, rng):
        odds = plus.copy()
        odds[:, spin] += stated if odds[0, spin] < 0.5 else -stated
        return np.where(rng.random(plus.shape) < odds, 1, -1)

    found = sum(check_spins(drawn(few, 1, 2000, seed, shifted)).verdict == "FAIL" for seed in range(60))
    assert binomtest(found, 60, 0.9, alternative="less").pvalue > 1e-6
