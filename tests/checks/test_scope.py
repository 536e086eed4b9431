# SPDX-License-Identifier: Apache-2.0
"""What a PASS covers: planted deviations in many directions, each found or named as not covered; and the tails it rests on."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import binom

from stinespring.checks.combine import merged_scope
from stinespring.checks.spins.spins import check_spins
from stinespring.checks.statistics.cells import Rare, pooled
from stinespring.checks.statistics.distance import expected_deviation
from stinespring.checks.statistics.gtest import pool, upper_tail
from stinespring.checks.statistics.tails import bennett, concentration, detected_shift, rare_counts
from stinespring.checks.texts import streams
from stinespring.checks.texts.verdict import check_texts
from stinespring.errors import InputError
from stinespring.models.spins import draw_network
from stinespring.models.spins.asked import SpinAsked
from stinespring.models.spins.contexts import columns_of
from stinespring.models.texts.asked import TextAsked
from stinespring.models.texts.table import TableModel
from stinespring.pipeline.running import check
from stinespring.readings import Outcomes
from stinespring.stages import Samples
from strategies import series

SHOTS = 20_000
FOUR = np.array([[0.28, 0.48, 0.19, 0.05], [0.43, 0.18, 0.26, 0.13], [0.2, 0.37, 0.04, 0.39], [0.15, 0.64, 0.1, 0.11]])


def table(law, context=0):
    """A model whose tokens are w0, w1, ..."""
    law = np.atleast_2d(law)
    return TableModel({"tokens": [f"w{i}" for i in range(law.shape[1])], "context": context, "law": law.tolist()})


COIN = table([[0.5, 0.5], [0.5, 0.5]], 1)


def samples(model, texts, counts=None):
    """Samples of texts (N, L) after one token."""
    texts = np.asarray(texts)
    columns = {f"t{step + 1}": texts[:, step] for step in range(texts.shape[1])}
    prompt = (0,) * model.shortest
    return Samples(
        model, TextAsked(prompt, texts.shape[1]), (Outcomes.tallied(columns, None if counts is None else np.array(counts)),)
    )


def chain(law, steps, shots, rng):
    """Texts of a chain that starts after token 0."""
    texts = np.zeros((shots, steps + 1), dtype=np.int64)
    for step in range(1, steps + 1):
        texts[:, step] = (rng.random(shots)[:, None] > law[texts[:, step - 1]].cumsum(axis=1)).sum(axis=1).clip(0, len(law) - 1)
    return texts[:, 1:]


def coins(steps, seed):
    return np.random.default_rng(seed).integers(0, 2, size=(SHOTS, steps))


def some(share, seed):
    return np.random.default_rng(1000 + seed).random(SHOTS) < share


@pytest.mark.parametrize("tokens", [1000, 777])
def test_equally_likely_tokens_have_no_likelihood_to_test(tokens):
    """Their log-likelihood does not vary: its spread by rounding (1e-15) is no scale for its deviation by rounding."""
    texts = np.random.default_rng(tokens).integers(0, tokens, (4000, 1))
    verdict = check_texts(samples(table(np.full(tokens, 1 / tokens)), texts), alpha=1e-6)
    assert verdict.verdict == "UNVERIFIED" and "likelihood" not in verdict.details
    few = texts % 500
    assert check_texts(samples(table(np.full(tokens, 1 / tokens)), few), alpha=1e-6).verdict == "FAIL"


def test_a_period_of_two_is_seen():
    """Four texts of 17 coins, after every token either one with odds 1/2: right by context, at TVD 1 as a whole."""
    place = np.arange(17) % 2
    texts = [place * 0, place, 1 - place, place * 0 + 1]
    verdict = check_texts(samples(COIN, texts, [5000] * 4))
    assert verdict.verdict == "FAIL" and verdict.details["contexts"]["p_value"] > 0.5
    assert verdict.tvd > 0.99


def test_equal_tokens_are_seen():
    verdict = check_texts(samples(table([0.5, 0.5]), np.repeat([[0], [1]], 12, axis=1), [10_000, 10_000]))
    assert verdict.verdict == "FAIL"
    assert verdict.details["texts"]["p_value"] < 1e-9  # pools are cut in pieces, so that they too see it


def parity(texts, seed):
    """The last token is that of the first place in a tenth of the texts: TVD 0.05."""
    texts[some(0.1, seed), -1] = texts[some(0.1, seed), 0]


def exclusive_or(texts, seed):
    rows = some(0.1, seed)
    texts[rows, 20] = (texts[rows, 2] + texts[rows, 11]) % 2


def whole_parity(texts, seed):
    rows = some(0.1, seed)
    texts[rows, -1] = texts[rows, :-1].sum(axis=1) % 2


def equal_tails(texts, seed):
    rows = some(0.05, seed)
    texts[rows, 20:] = texts[rows, 20:21]


def period(texts, seed):
    rows = some(0.05, seed)
    texts[rows, 2:] = texts[rows][:, np.arange(texts.shape[1] - 2) % 2]


SHORT, LONG = (parity, whole_parity, period), (parity, exclusive_or, whole_parity, equal_tails, period)


@pytest.mark.parametrize(("planted", "steps"), [*((one, 17) for one in SHORT), *((one, 30) for one in LONG)])
def test_planted_directions_of_coins_fail(planted, steps):
    """At a TVD of 0.05 each, twice what these shots detect: a miss has a probability below 1e-9."""
    texts = coins(steps, steps)
    planted(texts, steps)
    assert check_texts(samples(COIN, texts)).verdict == "FAIL"


def test_dependence_outside_the_window_of_larger_vocabularies_fails():
    rng = np.random.default_rng(5)
    texts = chain(FOUR, 20, SHOTS, rng)
    texts[some(0.15, 1), 19] = texts[some(0.15, 1), 4]
    verdict = check_texts(samples(table(FOUR, 1), texts))
    assert verdict.verdict == "FAIL"
    assert "place 5" in verdict.reason and "place 20" in verdict.reason


def test_another_temperature_of_many_tokens_fails():
    """The tokens' numbers say nothing about their probabilities: the likelihoods do."""
    scores = 1.5 * np.random.default_rng(1).normal(size=(40, 40))
    law, warmer = (np.exp(scores / t) / np.exp(scores / t).sum(axis=1, keepdims=True) for t in (1.0, 1.1))
    texts = chain(warmer, 12, 2000, np.random.default_rng(2))
    details = check_texts(samples(table(law, 1), texts)).details
    assert details["likelihood"]["p_value"] < 1e-6 and details["tokens"]["p_value"] < 1e-3
    true = check_texts(samples(table(law, 1), chain(law, 12, 2000, np.random.default_rng(2))), alpha=1e-7)
    assert true.verdict != "FAIL"  # false-alarm rate 1e-7


def test_long_texts_pass_with_their_scope():
    """4^40 texts: PASS for what was tested, which the reason and the scope name; false-alarm rate 1e-7."""
    texts = chain(FOUR, 40, SHOTS, np.random.default_rng(3))
    verdict = check_texts(samples(table(FOUR, 1), texts), alpha=1e-7)
    assert verdict.verdict == "PASS" and verdict.resolution <= 0.05
    assert "next token given the one before it" in verdict.reason and "not tested" in verdict.reason
    scope = verdict.summary()["scope"]
    assert len(scope) == 6 and all(set(entry) == {"against", "tvd", "power"} and entry["power"] == 0.9 for entry in scope)
    assert not any("every deviation" in entry["against"] for entry in scope)
    json.dumps(verdict.summary(), allow_nan=False)


def test_listed_texts_are_about_all_unless_a_scope_is_asked_for():
    """2^17 texts, 20,000 shots: UNVERIFIED as a whole, with the shots that would do; PASS for pairs. False-alarm rate 1e-7."""
    verdict = check_texts(samples(COIN, coins(17, 1)), alpha=1e-7)
    assert verdict.verdict == "UNVERIFIED" and 500_000 < verdict.shots_needed < 1_000_000
    assert "narrower scopes have it: contexts" in verdict.reason
    for scope in ("pairs", "contexts"):
        found = check_texts(samples(COIN, coins(17, 1)), alpha=1e-7, scope=scope)
        assert (found.verdict, "not tested" in found.reason) == ("PASS", True)
        assert found.resolution == found.details[scope]["resolution"] <= 0.05
    assert check_texts(samples(COIN, coins(3, 1)), alpha=1e-7).reason.endswith("with power 0.9")
    with pytest.raises(InputError):
        check_texts(samples(COIN, coins(3, 1)), scope="most")
    assert check(samples(COIN, coins(17, 1)), alpha=1e-7, scope="pairs").verdict == "PASS"


def test_a_distance_above_the_resolution_never_passes(monkeypatch):
    """Whatever the tests say: here they are made blind."""
    from stinespring.checks.texts import verdict as module

    texts = np.repeat([[0, 0, 0, 0], [1, 1, 1, 1]], 4, axis=0)
    blind = samples(COIN, texts, [2500] * 8)
    real = module.tests
    monkeypatch.setattr(module, "tests", lambda *a: [t for t in real(*a) if not setattr_p(t)])
    found = check_texts(blind)
    assert found.verdict == "UNVERIFIED" and found.distance.low > 0.05 and "at a TVD of at least" in found.reason


def setattr_p(test):
    """Make a test find nothing; frozen, as it is."""
    object.__setattr__(test, "p_value", 1.0)
    return False


@pytest.mark.parametrize("shots", [45, 2000])
def test_one_outcome_passes(shots):
    for law in ([[0.0, 1.0]], [[1e-17, 1.0]], [[1e-307, 1.0]]):
        verdict = check_texts(samples(table(law), [[1]], [shots]))
        assert (verdict.verdict, verdict.resolution) == ("PASS", pytest.approx(1 - 0.1 ** (1 / shots)))


def test_long_true_texts_do_not_underflow():
    """2^-1080 is no float64; false-alarm rate 1e-7."""
    texts = np.random.default_rng(0).integers(0, 2, size=(300, 1080))
    verdict = check_texts(samples(table([0.5, 0.5]), texts), alpha=1e-7, resolution=0.4)
    assert verdict.verdict == "PASS" and "probability 0" not in verdict.reason
    rare = table([1e-200, 1.0])
    assert check_texts(samples(rare, [[0, 0]], [3])).verdict == "FAIL"  # 1e-400: possible, and not what happens


def test_what_is_rare_is_seen_and_hides_nothing():
    assert check_texts(samples(table([1e-17, 1.0]), [[0]], [SHOTS])).p_value == 0.0
    thirds = table([0.6, 0.4 - 1e-7, 1e-7])
    verdict = check_texts(samples(thirds, [[0], [1]], [600_000, 400_000]))
    assert verdict.verdict == "PASS" and verdict.resolution < 0.003
    assert check_texts(samples(thirds, [[0], [1], [2]], [600_000, 399_996, 4])).verdict == "FAIL"  # 0.1 expected
    p = np.array([1e-307, 1e-20, 1e-4, 0.3])
    assert np.isfinite(expected_deviation(p, 2000)).all()
    k = np.arange(2001)
    assert expected_deviation(p, 2000)[2] == pytest.approx((binom.pmf(k, 2000, 1e-4) * abs(k / 2000 - 1e-4)).sum(), rel=1e-12)


def test_thin_uniform_tables_keep_the_false_alarm_rate():
    """P(p < 0.01) over 1,000 tables of 40 cells with 5 expected: within the binomial bounds of 1e-7."""
    rng, law = np.random.default_rng(2), np.full((1, 40), 1 / 40)
    counts = rng.multinomial(200, law[0], size=1000).astype(float)
    small = sum(upper_tail(pool(row[None], law, 200), rng)[0] < 0.01 for row in counts)
    assert binom.ppf(1e-7, 1000, 0.01) <= small <= binom.isf(1e-7, 1000, 0.01)


def test_true_texts_fail_as_rarely_as_stated():
    """60 series of 400 texts of 15 tokens at alpha 0.05: at most the binomial 1e-7 quantile."""
    rng = np.random.default_rng(9)
    fails = sum(
        check_texts(samples(table(FOUR, 1), chain(FOUR, 15, 400, rng)), alpha=0.05, seed=i).verdict == "FAIL" for i in range(60)
    )
    assert fails <= binom.isf(1e-7, 60, 0.05)


def test_the_bounds_bound():
    """Against exact binomial tails; and the shift that is detected has the power it states, exactly."""
    shots, p = 400, 0.1
    k = np.arange(shots + 1)
    exact = np.array([binom.pmf(k[abs(k - shots * p) >= t], shots, p).sum() for t in range(1, 60)])
    bound = np.exp(bennett(np.arange(1.0, 60.0), np.full(59, shots * p * (1 - p))))
    assert (bound >= exact).all() and bound[20] < 1e4 * exact[20]
    deviance = Rare(0, shots, p, 1).statistic(k)
    for g in (3.0, 8.0, 20.0):
        assert concentration(g, 1) >= binom.pmf(k[deviance >= g], shots, p).sum()
    variance = shots / 4
    shift = detected_shift(variance, shots, 1e-4)
    found = np.exp(bennett(k - shots / 2, np.full(len(k), variance))) < 1e-4
    assert 0.88 <= binom.pmf(k[found], shots, 0.5 + shift).sum() <= 0.95
    assert rare_counts(1000, 1e-3).sum() == pytest.approx(1) and rare_counts(1000, 1e-3)[2] == pytest.approx(
        binom.pmf(2, 1000, 1e-3)
    )


def test_the_least_pair_that_is_claimed_is_found():
    """Two coins of 14 that agree by the stated resolution more often: at power 0.9 this fails once in 10^6."""
    times = series(8, 60)
    stated = check_texts(samples(COIN, coins(14, 0))).details["pairs"]["resolution"]
    found = 0
    for seed in range(times):
        texts = coins(14, seed)
        rows = some(2 * stated, seed)
        texts[rows, 12] = texts[rows, 6]
        found += check_texts(samples(COIN, texts)).verdict == "FAIL"
    assert found >= binom.ppf(1e-6, times, 0.9)


def spins(network, tokens):
    return Samples(network, SpinAsked(tokens.shape[1]), (Outcomes.tallied(columns_of(tokens)),))


def test_a_spin_that_copies_another_fails():
    """Even odds, 12 spins twice: copies within a token and from one token to the next, in a fifth of 4,000 shots."""
    network = draw_network(M=2, N=12, P=0, eps=0.0, gamma=1.0, beta=0.0, seed=3)
    rng = np.random.default_rng(1)
    tokens = (2 * rng.integers(0, 2, size=(4000, 2, 12)) - 1).astype(np.int8)
    right = check_spins(spins(network, tokens), alpha=1e-7, resolution=0.1)  # false-alarm rate 1e-7
    assert right.verdict == "PASS" and "any two spins of any tokens" in right.reason
    assert "any two spins of any tokens" in [entry["against"] for entry in right.figures["scope"]]
    rows = rng.random(4000) < 0.2
    for source, target in (((0, 2), (0, 9)), ((0, 2), (1, 5))):
        wrong = tokens.copy()
        wrong[rows, target[0], target[1]] = wrong[rows, source[0], source[1]]
        verdict = check_spins(spins(network, wrong))
        assert verdict.verdict == "FAIL" and verdict.parts["together"].verdict == "FAIL"
        words = f"token {source[0] + 1} spin {source[1] + 1} with token {target[0] + 1} spin {target[1] + 1}"
        assert words in verdict.parts["together"].reason
    third = tokens.copy()
    third[rows, 1, 0] = third[rows, 0, 3] * third[rows, 0, 4]
    assert check_spins(spins(network, third)).verdict == "FAIL"


def test_sequences_of_few_spins_are_about_all():
    network = draw_network(M=2, N=2, P=1, eps=0.1, gamma=4.0, beta=1.0, seed=9)
    rng = np.random.default_rng(0)
    tokens = (2 * rng.integers(0, 2, size=(50, 3, 2)) - 1).astype(np.int8)
    few = check_spins(spins(network, tokens), alpha=1e-9)
    assert few.verdict in ("UNVERIFIED", "FAIL") and few.parts["together"].details["sequences"]["resolution"] > 0.05
    assert merged_scope(few.parts) == []


def test_ranks_counted_one_by_one_are_those_of_sorted_laws(monkeypatch):
    """Laws with equal entries and zeros; the lower number is taken to be the likelier of equals."""
    rng = np.random.default_rng(2)
    law = rng.integers(0, 4, (20, 50)).astype(float)
    law /= law.sum(axis=1, keepdims=True)
    at, symbols = rng.integers(0, 20, 100), rng.integers(0, 50, 100)
    counted, own = streams.ranked(law, at, symbols)
    monkeypatch.setattr(streams, "FEW_A_LAW", 0)
    np.testing.assert_allclose(streams.ranked(law, at, symbols)[0], counted, atol=1e-14)
    for row, symbol, above, p in zip(at, symbols, counted, own, strict=True):
        better = [q for i, q in enumerate(law[row]) if (q, -i) > (law[row, symbol], -symbol)]
        assert above == pytest.approx(sum(better), abs=1e-14)
        assert p == law[row, symbol]


@pytest.mark.parametrize("bits", [1, 3, 6])
def test_bits_have_their_odds_given_the_higher_ones(bits):
    """By the definition, symbol by symbol: the share of those that begin alike which go on with a 1."""
    rng = np.random.default_rng([4, bits])
    d = (1 << bits) - (bits > 1)  # with a symbol that no law has
    law = rng.dirichlet(np.full(d, 0.5), size=5)
    at, symbols = rng.integers(0, 5, 40), rng.integers(0, d, 40)
    ones, odds = streams.bits_read(law, at, symbols, bits)
    for row, (which, symbol) in enumerate(zip(at, symbols, strict=True)):
        for bit in range(bits):
            begun = [t for t in range(d) if t >> (bits - bit) == symbol >> (bits - bit)]
            high = sum(law[which, t] for t in begun if t >> (bits - 1 - bit) & 1)
            assert ones[row, bit] == symbol >> (bits - 1 - bit) & 1
            assert odds[row, bit] == pytest.approx(high / sum(law[which, t] for t in begun), abs=1e-12)


def test_tables_are_pooled_together_as_one_by_one():
    """Tables with large pools, small ones and none, side by side in any company: the same cells, pools and hidden mass."""
    rng = np.random.default_rng(6)
    shots = np.array([0, 1, 30, 200, 3000, 50_000, 7, 400, 300])
    rarely = np.array([0.99, *np.full(59, 0.01 / 59)])
    law = np.concatenate([rng.dirichlet(np.full(60, 0.3), size=6), np.eye(60)[:1], np.full((1, 60), 1 / 60), rarely[None]])
    seen = np.array([rng.multinomial(n, p) for n, p in zip(shots, law, strict=True)]).astype(float)
    total = float(shots.sum())
    together = pooled(seen, law, total)
    alone = [pooled(seen[row : row + 1], law[row : row + 1], total) for row in range(len(law))]
    for row, part in enumerate(alone):
        mine = together.table == row
        np.testing.assert_array_equal(together.observed[mine], part.observed)
        np.testing.assert_allclose(together.expected[mine], part.expected, rtol=1e-12)
    assert together.hidden == pytest.approx(sum(part.hidden for part in alone), abs=1e-12)
    assert together.rare is not None and together.rare.seen == sum(part.rare.seen for part in alone if part.rare is not None)
    assert len({len(part.observed) for part in alone}) > 3, "tables of several shapes"
