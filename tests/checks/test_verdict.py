# SPDX-License-Identifier: Apache-2.0
"""The verdict: its false-alarm rate, its power, and the numbers beside it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import binom, chisquare, kstest, power_divergence

from stinespring.checks.statistics.distance import expected_deviation
from stinespring.checks.statistics.gtest import PooledCells, detectable_tvd, pool, upper_tail
from stinespring.checks.statistics.tables import judge_tables
from stinespring.checks.texts.files import read_samples
from stinespring.checks.texts.verdict import check_texts
from stinespring.errors import InputError
from stinespring.models.texts.asked import TextAsked
from stinespring.models.texts.law import texts_of
from stinespring.models.texts.table import TableModel
from stinespring.readings import UNUSED, Outcomes
from stinespring.stages import Samples
from strategies import series


def table(law: np.ndarray) -> TableModel:
    return TableModel({"tokens": [f"w{i}" for i in range(len(law))], "context": 0, "law": [law.tolist()]})


def draw(model: TableModel, law: np.ndarray, shots: int, rng: np.random.Generator, steps: int = 1) -> Samples:
    if steps == 1:
        return counted(model, (), np.arange(len(law))[:, None], rng.multinomial(shots, law))
    return counted(model, (), rng.choice(len(law), p=law, size=(shots, steps)))


def counted(model, prompt, texts, counts=None) -> Samples:
    """Samples of texts (N, L), each seen once or ``counts`` times."""
    texts = np.asarray(texts)
    columns = {f"t{step + 1}": texts[:, step] for step in range(texts.shape[1])}
    return Samples(model, TextAsked(prompt, texts.shape[1]), (Outcomes.tallied(columns, counts),))


@pytest.mark.parametrize(("outcomes", "shots", "steps"), [(4, 2000, 1), (60, 400, 1), (5, 3000, 3), (3, 6, 1)])
def test_false_alarms_come_at_the_stated_rate(outcomes, shots, steps):
    """At alpha = 0.05 the number of FAILs among 300 true samples stays below its binomial 1 - 1e-7 quantile.

    The combination of two tests of three steps is conservative, so only the upper side is tested.
    """
    rng = np.random.default_rng(outcomes)
    law = rng.dirichlet(np.ones(outcomes))
    model = table(law)
    fails = sum(
        check_texts(draw(model, law, shots, rng, steps), alpha=0.05, resolution=0.9).verdict == "FAIL" for _ in range(300)
    )
    assert fails <= binom.isf(1e-7, 300, 0.05)


def test_p_values_are_uniform_enough_in_the_tail():
    """P(p < 0.02) for G with expected counts just above 5: binomial bounds at 1e-7 on both sides."""
    times = series(500, 4000)
    rng = np.random.default_rng(1)
    law = np.full(40, 1 / 40)
    small = 0
    for _ in range(times):
        counts = rng.multinomial(240, law).astype(float)
        p, _method = upper_tail(pool(counts[None, :], law[None, :], 240), np.random.default_rng(0))
        small += p < 0.02
    assert binom.ppf(1e-7, times, 0.02) <= small <= binom.isf(1e-7, times, 0.02)


def test_the_p_value_of_a_single_token_is_uniform():
    """Kolmogorov-Smirnov at 1e-6 over true samples, and P(p < 0.05) within its binomial bounds at 1e-7, both sides."""
    times = series(300, 2000)
    rng = np.random.default_rng(3)
    law = rng.dirichlet(np.full(12, 3.0))
    model = table(law)
    verdicts = [check_texts(draw(model, law, 20_000, rng)) for _ in range(times)]
    p_values = np.array([verdict.p_value for verdict in verdicts])
    assert kstest(p_values, "uniform").pvalue > 1e-6
    assert binom.ppf(1e-7, times, 0.05) <= (p_values < 0.05).sum() <= binom.isf(1e-7, times, 0.05)
    assert all(v.details["texts"] == v.details["contexts"] and v.p_value == v.details["texts"]["p_value"] for v in verdicts)


def test_a_single_token_has_the_whole_false_alarm_rate(two_tokens):
    """The resolution of one step is that of alpha, of two steps that of alpha / 2; the planned number of shots agrees."""
    law = np.full(16, 1 / 16)
    verdict = check_texts(draw(table(law), law, 900, np.random.default_rng(1)), alpha=0.01)
    assert verdict.resolution == detectable_tvd(15, 900, 0.01)
    assert verdict.shots_needed is not None and detectable_tvd(15, verdict.shots_needed, 0.01) <= 0.05
    assert detectable_tvd(15, int(0.97 * verdict.shots_needed), 0.01) > 0.05
    joint = two_tokens.joint("a b", 2)
    samples = counted(two_tokens, (0, 1), joint.texts, np.round(900 * joint.probabilities).astype(np.int64))
    details = check_texts(samples, alpha=0.01).details
    assert details["texts"]["resolution"] == detectable_tvd(details["texts"]["degrees_of_freedom"], 900, 0.005)


def test_a_wrong_law_at_the_resolution_is_found():
    """The least favourable direction at TVD = resolution fails in at least 0.85 of 200 samples.

    The stated power is 0.9; fewer than 0.82 successes would have probability below 1e-3 at 0.9, and the seed is fixed.
    """
    rng = np.random.default_rng(7)
    law = np.full(16, 1 / 16)
    model, shots, alpha = table(law), 4000, 0.01
    delta = detectable_tvd(15, shots, alpha)
    wrong = law * (1 + 2 * delta * np.where(np.arange(16) % 2, 1, -1))
    assert 0.5 * abs(wrong - law).sum() == pytest.approx(delta)
    found = sum(check_texts(draw(model, wrong, shots, rng), alpha=alpha).verdict == "FAIL" for _ in range(200))
    assert found >= 0.82 * 200


def test_tvd_of_five_percent_fails_at_20000_shots(two_tokens):
    """Counts at exactly TVD 0.05 from the law, not sampled: the verdict is certain."""
    joint = two_tokens.joint("a b", 2)
    wrong = joint.probabilities + np.array([0.05, -0.05, 0.0, 0.0])
    samples = counted(two_tokens, (0, 1), joint.texts, np.round(20_000 * wrong).astype(np.int64))
    verdict = check_texts(samples)
    assert (verdict.verdict, round(verdict.tvd, 3)) == ("FAIL", 0.05)
    assert verdict.distance.low <= 0.05 <= verdict.distance.high


def test_too_few_shots_are_unverified_and_the_number_that_would_do_does():
    law = np.random.default_rng(0).dirichlet(np.ones(50))
    model, rng = table(law), np.random.default_rng(3)
    verdict = check_texts(draw(model, law, 500, rng))
    assert (verdict.verdict, verdict.resolution > 0.05) == ("UNVERIFIED", True)
    again = check_texts(draw(model, law, verdict.shots_needed, rng))
    assert (again.verdict, again.resolution <= 0.05) == ("PASS", True)


def test_an_impossible_text_fails():
    model = table(np.array([0.5, 0.5, 0.0]))
    samples = counted(model, (), [[0], [1], [2]], np.array([5000, 5000, 1]))
    verdict = check_texts(samples)
    assert verdict.verdict == "FAIL"
    assert "probability 0" in verdict.reason and "w2" in verdict.reason


def test_texts_too_many_to_list_are_checked_by_context():
    """A 40-step chain has 2^40 texts; a wrong conditional law is still found, and a true one passes."""
    rows = np.array([[0.3, 0.7], [0.8, 0.2]])
    model = TableModel({"tokens": ["x", "y"], "context": 1, "law": rows.tolist()})
    rng = np.random.default_rng(5)

    def chain(law: np.ndarray) -> Samples:
        texts = np.zeros((16000, 41), dtype=np.int64)
        for step in range(1, 41):
            texts[:, step] = rng.random(16000) < law[texts[:, step - 1], 1]
        return counted(model, (0,), texts[:, 1:])

    assert check_texts(chain(rows), alpha=1e-6).verdict == "PASS"
    assert check_texts(chain(rows + [[0.05, -0.05], [0.0, 0.0]])).verdict == "FAIL"
    few = check_texts(chain(rows), alpha=1e-6, resolution=0.01)
    assert few.verdict == "UNVERIFIED"
    assert few.shots_needed == pytest.approx(16000 * (few.resolution / 0.01) ** 2, rel=0.1)


def test_statistic_equals_scipys():
    observed, expected = np.array([12.0, 30.0, 8.0]), np.array([15.0, 25.0, 10.0])
    cells = PooledCells(observed, expected, np.zeros(3, dtype=np.int64), 0.0)
    assert float(cells.statistic()) == pytest.approx(power_divergence(observed, expected, lambda_="log-likelihood").statistic)
    assert chisquare(observed, expected).pvalue == pytest.approx(upper_tail(cells, np.random.default_rng(0))[0], abs=0.03)


def test_pools_keep_the_totals_and_the_hidden_mass():
    law = np.array([[0.6, 0.38, 0.01, 0.006, 0.004], [0.2, 0.2, 0.2, 0.2, 0.2]])
    observed = np.array([[120.0, 76.0, 2.0, 1.0, 1.0], [1.0, 0.0, 0.0, 1.0, 0.0]])
    cells = pool(observed, law, 202)
    # 0.02 * 200 = 4 < 5 is counted apart, given which the other two share the rest; the second table says nothing
    assert cells.observed.tolist() == [120.0, 76.0] and cells.expected.sum() == pytest.approx(196)
    assert cells.expected[0] / cells.expected[1] == pytest.approx(0.6 / 0.38)
    assert (cells.rare.seen, cells.rare.shots, cells.rare.kinds) == (4, 200, 3) and cells.rare.share == pytest.approx(0.02)
    assert cells.hidden == pytest.approx((200 * 0.02 + 2) / 202)
    assert cells.degrees == 2


def test_what_is_counted_apart_is_no_loss():
    """G of the rare count and of the others given it are together G of the whole table."""
    observed, law = np.array([118.0, 79.0, 3.0]), np.array([0.6, 0.385, 0.015])
    cells = pool(observed[None], law[None], 200)
    assert cells.rare is not None and len(cells.expected) == 2
    assert float(cells.statistic()) == pytest.approx(2 * (observed * np.log(observed / (200 * law))).sum())


def test_expected_deviation_is_exact():
    for p, shots in ((0.2, 7), (0.5, 12), (0.03, 40)):
        k = np.arange(shots + 1)
        by_definition = (binom.pmf(k, shots, p) * abs(k / shots - p)).sum()
        assert expected_deviation(np.array([p]), shots)[0] == pytest.approx(by_definition, rel=1e-12)


@pytest.mark.parametrize("options", [{"alpha": 0}, {"alpha": 1}, {"resolution": float("nan")}, {"resolution": -0.1}])
def test_bad_options(two_tokens, options):
    samples = counted(two_tokens, (0, 1), [[0, 0]], np.array([5]))
    with pytest.raises(InputError):
        check_texts(samples, **options)


@pytest.mark.parametrize(
    ("shots", "p", "count"), [(1000, 1e-4, 0), (1000, 1e-4, 1), (1000, 1e-3, 5), (12, 0.2, 6), (7, 0.5, 0)]
)
def test_one_thin_cell_has_the_exact_p_value(shots, p, count):
    """The binomial probability of all counts whose G is at least the observed one, by a loop."""

    def g(k):
        pairs = ((k, shots * p), (shots - k, shots * (1 - p)))
        return 2 * sum(o * np.log(o / e) for o, e in pairs if o)

    wanted = sum(binom.pmf(k, shots, p) for k in range(shots + 1) if g(k) >= g(count) - 1e-9)
    observed = np.array([[shots - count, count]], dtype=float)
    cells = PooledCells(observed[0], shots * np.array([1 - p, p]), np.array([0, 0]), 0.0)
    assert upper_tail(cells, np.random.default_rng(0)) == (pytest.approx(wanted, abs=1e-12), "binomial")


def test_a_nearly_certain_outcome_is_verified_and_its_loss_found():
    law = np.array([1 - 3e-5, 1e-5, 1e-5, 1e-5])
    model, rng = table(law), np.random.default_rng(0)
    verdict = check_texts(draw(model, law, 20_000, rng), alpha=1e-6)
    assert (verdict.verdict, verdict.resolution < 0.05) == ("PASS", True)
    other = np.array([0.99, 0.01 / 3, 0.01 / 3, 0.01 / 3])
    assert check_texts(draw(model, other, 20_000, rng), alpha=1e-6).verdict == "FAIL"


def test_counts_files_are_read_as_samples(stop_token, tmp_path):
    """Shorter texts end with the stop token; U+FFFD is a code without a meaning and has probability 0."""
    path = tmp_path / "counts.json"
    path.write_text(json.dumps({"format": "stinespring/samples@1", "counts": {".": 3, "on .": 4, "on on": 0, "on \ufffd": 1}}))
    samples = read_samples(path, stop_token, prompt="on", steps=2)
    assert samples.by_text() == {"on .": 4, ".": 3, "on \ufffd": 1}
    assert (samples.shots, samples.backend, samples.asked) == (8, "file:counts.json", TextAsked.of(stop_token, "on", 2))
    assert "1 shots read codes that stand for no token" in check_texts(samples).reason
    for counts in ({"on": 3}, {"on on on": 3}, {". on": 3}, {"x": 1}, {}, {"on on": -1}, {"on on": 0}):
        path.write_text(json.dumps({"format": "stinespring/samples@1", "counts": counts}))
        with pytest.raises(InputError):
            read_samples(path, stop_token, prompt="on", steps=2)


def test_an_empty_place_that_a_token_follows_is_no_text(stop_token):
    """Noise alone reads the vacuum before a token: such readings are one text with a lost code, whatever its key."""
    outcomes = Outcomes.tallied({"t1": np.array([stop_token.vacuum, 0]), "t2": np.array([0, 0])})
    texts, counts = texts_of(outcomes, 2, stop_token.vacuum)
    assert texts.tolist() == [[UNUSED, 0], [0, 0]] and counts.tolist() == [1, 1]


def test_advice_is_never_fewer_shots_than_there_were():
    """Resolution need not grow with shots: 140 see this law as one rare event, 2,000 as tables of 50,257 outcomes."""
    law = np.full(50_257, 0.003 / 50_256)
    law[0] = 0.997
    counts = np.random.default_rng(5).multinomial(2000, law)
    of_one = judge_tables(counts[None], law[None], alpha=1e-3, resolution=0.05, what="a point")
    of_texts = check_texts(counted(table(law), (), np.arange(len(law))[:, None], counts))
    for verdict in (of_one, of_texts):
        assert verdict.verdict == "UNVERIFIED"
        assert 2000 < verdict.shots_needed < 10_000
