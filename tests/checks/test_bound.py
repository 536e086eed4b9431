# SPDX-License-Identifier: Apache-2.0
"""A program's bound is a claim: the check computes both laws itself, and a bound that does not hold cannot pass."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies
from stinespring.checks.texts.bound import joint_distance
from stinespring.checks.texts.verdict import check_texts, claimed_law
from stinespring.models.texts.asked import TextAsked
from stinespring.models.texts.claims import StepTable, TableClaim, TailClaim, claim_of
from stinespring.models.texts.law import TextLaw
from stinespring.models.texts.table import TableModel
from stinespring.readings import Outcomes
from stinespring.stages import Samples

SHOTS = 20_000


def columns(texts):
    return {f"t{step + 1}": texts[:, step] for step in range(texts.shape[1])}


def following(model, asked, claim, bound, shots=SHOTS, seed=0) -> Samples:
    """Samples of exactly the law that is claimed."""
    samples = Samples(model, asked, (Outcomes.tallied({"t1": np.zeros(1, dtype=np.int64)}),), claim=claim, tvd_bound=bound)
    joint = claimed_law(samples).listed
    counts = np.random.default_rng(seed).multinomial(shots, joint.probabilities)
    return Samples(model, asked, (Outcomes.tallied(columns(joint.texts), counts),), claim=claim, tvd_bound=bound)


def chain(model, asked, claim, bound, shots=4_000, seed=0) -> Samples:
    """The same, text by text, for laws that cannot be listed."""
    law = claimed_law(Samples(model, asked, (), claim=claim))
    rng, texts = np.random.default_rng(seed), np.zeros((shots, 0), dtype=np.int64)
    for step in range(1, asked.steps + 1):
        odds = law.model.symbol_law(step, np.concatenate([np.tile(law.prompt, (shots, 1)), texts], axis=1))
        token = (rng.random((shots, 1)) > odds.cumsum(axis=1)).sum(axis=1).clip(0, model.d - 1)
        texts = np.concatenate([texts, token[:, None]], axis=1)
    return Samples(model, asked, (Outcomes.tallied(columns(texts)),), claim=claim, tvd_bound=bound)


def kept(model, asked, *, reverse: bool) -> tuple[TableClaim, float]:
    """A truncation to half of the outcomes of every step, and the mass that keeping the likeliest ones loses."""
    prompt, tables, lost = asked.begin(model).prompt, [], 0.0
    for step in range(1, asked.steps + 1):
        prefixes = np.array(list(np.ndindex(*[model.d] * (step - 1))), dtype=np.int64).reshape(model.d ** (step - 1), step - 1)
        law = model.law(step, np.concatenate([np.tile(prompt, (len(prefixes), 1)), prefixes], axis=1))
        order = np.argsort(law if reverse else -law, axis=1)[:, : model.d // 2]
        short = np.zeros_like(law)
        np.put_along_axis(short, order, np.take_along_axis(law, order, axis=1), axis=1)
        lost += float(1.0 - np.sort(law, axis=1)[:, model.d // 2 :].sum(axis=1).min())
        places = tuple(range(len(prompt), len(prompt) + step - 1))
        tables.append(StepTable(places, prefixes, short / short.sum(axis=1, keepdims=True)))
    return TableClaim(tuple(tables)), min(1.0, lost)


def skewed(lost=0.1, d=4, seed=0) -> TableModel:
    """The likeliest two of four outcomes lack this much after each token."""
    rng = np.random.default_rng(seed)
    rows = np.array([rng.permutation([0.55, 0.45 - lost, 0.6 * lost, 0.4 * lost]) for _ in range(d)])
    return TableModel({"tokens": [f"w{i}" for i in range(d)], "context": 1, "law": rows.tolist()})


def test_a_bound_that_holds_is_verified_and_said():
    model, asked = skewed(), TextAsked((0,), 3)
    claim, bound = kept(model, asked, reverse=False)
    verdict = check_texts(following(model, asked, claim, bound), alpha=1e-6)  # false-alarm rate 1e-6
    assert (verdict.verdict, verdict.bound_verified) == ("PASS", True)
    exact = joint_distance(asked.law(model), claimed_law(following(model, asked, claim, bound)))
    assert verdict.details["bound"] == {"claimed": bound, "distance": exact} and 0 < exact <= bound
    assert f"within TVD {bound:.3g}" in verdict.reason
    json.dumps(verdict.summary(), allow_nan=False)


def test_kept_outcomes_the_wrong_way_round_cannot_pass():
    """The least likely half is kept, with the bound of the likeliest: the samples follow the claim, and yet FAIL."""
    model, asked = skewed(), TextAsked((0,), 3)
    _, bound = kept(model, asked, reverse=False)
    claim, _ = kept(model, asked, reverse=True)
    samples = following(model, asked, claim, bound)
    verdict = check_texts(samples)
    distance = joint_distance(asked.law(model), claimed_law(samples))
    assert (verdict.verdict, verdict.bound_verified, verdict.p_value > 1e-6) == ("FAIL", False, True)
    assert f"{bound:.6g}" in verdict.reason and f"{distance:.6g}" in verdict.reason
    assert check_texts(samples, model).bound_verified is None, "another law is claimed by nobody"


@pytest.mark.parametrize(("bound", "verified"), [(0.3, True), (0.26, False), (float("nan"), False)])
def test_a_bound_is_held_to_nine_digits(two_tokens, bound, verified):
    """``a`` is dropped after both prompts: the TVD is 1 - P(the text that is kept)."""
    asked = TextAsked((0, 1), 1)
    dropped = TailClaim(0.3)
    exact = two_tokens.joint("a b", 1)["a"]
    assert exact == pytest.approx(0.268941, abs=1e-6)
    verdict = check_texts(following(two_tokens, asked, dropped, bound))
    assert (verdict.bound_verified, verdict.passed) == (verified, verified)
    assert check_texts(following(two_tokens, asked, dropped, exact)).bound_verified is True
    assert check_texts(following(two_tokens, asked, dropped, exact - 1e-8)).bound_verified is False


@given(st.integers(0, 10**6), st.integers(2, 4), st.integers(1, 3))
def test_the_distance_is_that_of_the_listed_laws(seed, d, steps):
    """By a loop over all texts; where one of the two is not listed, its texts outside the other's count as a whole."""
    rng = np.random.default_rng(seed)
    rows, other = rng.dirichlet(np.ones(d), d), rng.dirichlet(np.ones(d), d)
    other[:, 0] = 0.0
    other /= other.sum(axis=1, keepdims=True)
    models = [TableModel({"tokens": list("abcd"[:d]), "context": 1, "law": table.tolist()}) for table in (rows, other)]
    one, two = (TextAsked((0,), steps).law(model) for model in models)
    p, q = dict(one.listed), dict(two.listed)
    expected = 0.5 * sum(abs(p.get(text, 0.0) - q.get(text, 0.0)) for text in {*p, *q})
    assert joint_distance(one, two) == pytest.approx(expected, abs=1e-12)
    one.__dict__["listed"] = None
    assert joint_distance(one, two) == pytest.approx(expected, abs=1e-12)
    two.__dict__["listed"] = None
    assert joint_distance(one, two) is None


def long_texts(budget, bound, seed=0):
    """24 steps over four tokens: 4^24 texts, 2^24 after truncation."""
    model, asked = skewed(0.03, seed=seed), TextAsked((0,), 24)
    return chain(model, asked, TailClaim(budget), bound, 12_000, seed)


def test_where_texts_cannot_be_listed_every_context_is_held_to_its_budget():
    verdict = check_texts(long_texts(0.035, 24 * 0.035 + 1e-12), alpha=1e-6)  # false-alarm rate 1e-6
    assert (verdict.verdict, verdict.bound_verified) == ("PASS", None)
    assert "was not verified" in verdict.reason
    assert verdict.details["bound"]["most"] == pytest.approx(0.03)
    assert verdict.details["bound"]["mean"] == pytest.approx(0.72)


def test_budgets_that_add_up_to_more_than_the_bound_cannot_pass():
    verdict = check_texts(long_texts(0.035, 0.5), alpha=1e-6)
    assert (verdict.verdict, verdict.bound_verified) == ("FAIL", False)
    assert "0.5" in verdict.reason


def test_a_table_whose_steps_lose_more_than_its_bound_cannot_pass():
    """Each step of 24 keeps two of four outcomes: 0.03 is lost after each text, the right way round, else 0.97."""
    model, asked, steps = skewed(0.03), TextAsked((0,), 24), 24
    for reverse, bound, ruling in ((False, 0.5, "FAIL"), (False, 0.73, "PASS"), (True, 0.73, "FAIL")):
        short = np.zeros_like(model.table)
        order = np.argsort(model.table if reverse else -model.table, axis=1)[:, :2]
        np.put_along_axis(short, order, np.take_along_axis(model.table, order, axis=1), axis=1)
        tables = [StepTable((step,), np.arange(4)[:, None], short / short.sum(axis=1, keepdims=True)) for step in range(steps)]
        verdict = check_texts(chain(model, asked, TableClaim(tuple(tables)), bound, 12_000), alpha=1e-6)
        assert verdict.verdict == ruling, verdict.reason
        assert verdict.bound_verified is (None if ruling == "PASS" else False)


@given(st.data())
def test_claims_are_data(data):
    """A claim and what it came to as JSON give the same law."""
    content = data.draw(strategies.table_models())
    model = TableModel(content)
    asked = TextAsked((0,) * max(1, model.shortest), 2)
    claim, bound = kept(model, asked, reverse=False) if model.d > 1 else (TailClaim(0.1), 0.1)
    for made in (claim, TailClaim(0.25)):
        again = claim_of(json.loads(json.dumps(made.content())))
        laws = [TextLaw(c.law(model, asked), asked.begin(model).prompt, 2) for c in (made, again)]
        assert dict(laws[0].listed) == dict(laws[1].listed)
    assert TextAsked(**json.loads(json.dumps(asked.plain()))) == asked


def test_a_table_over_the_padded_prompts_of_an_input_state(two_tokens):
    """The same tables read from the prompt's registers, and the law as the mixture over the prompts by hand."""
    state = {"format": "stinespring/state@1", "probabilities": {"a b": 0.25, "b": 0.75}}
    asked = TextAsked((), 1, state)
    vacuum = two_tokens.vacuum
    table = StepTable((0, 1), np.array([[0, 1], [vacuum, 1]]), np.array([[0.9, 0.1], [0.2, 0.8]]))
    law = TextLaw(TableClaim((table,), padded=True).law(two_tokens, asked), asked.begin(two_tokens).prompt, 1)
    assert dict(law.listed) == pytest.approx({"a": 0.25 * 0.9 + 0.75 * 0.2, "b": 0.25 * 0.1 + 0.75 * 0.8})
