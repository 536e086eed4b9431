# SPDX-License-Identifier: Apache-2.0
"""Circuits and codes fitted to each other: better codes mean the same texts, and bounds that do not hold are caught."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import stinespring
import strategies
from oracles.text_programs import assert_same, claimed_law, distance, exact_law, text_law
from stinespring.compiler.texts.fitted import FLOOR, Codes, assigned
from stinespring.models.texts.claims import ListedClaim
from stinespring.models.texts.table import TableModel

TOLERANCES = (0.0, 0.02, 0.05, 0.2)
ALPHA = 1e-6  # of every sampled verdict here that has to pass


@cache
def table(seed=3, tokens=4, zeros=False, stop=False) -> TableModel:
    """A chain whose rows look like those of a language model: a few likely tokens, a long tail."""
    rng, names = np.random.default_rng(seed), [chr(97 + i) for i in range(tokens)]
    law = np.exp(1.5 * rng.normal(size=(tokens**2, tokens)))
    if zeros:
        for row in law:
            row[rng.choice(tokens, size=rng.integers(0, tokens - 1), replace=False)] = 0
    law /= law.sum(axis=1, keepdims=True)
    model = {"tokens": names, "context": 2, "law": law.tolist()}
    return TableModel(model | ({"stop": names[-1]} if stop else {}))


@st.composite
def coded(draw):
    """Codes with a law, and a law that a circuit might realise."""
    sizes = tuple(draw(st.lists(st.sampled_from([1, 2, 4]), min_size=1, max_size=3)))
    rng, count = np.random.default_rng(draw(strategies.seeds())), int(np.prod(sizes))
    return Codes(sizes, np.arange(count), rng.dirichlet(np.ones(count))), rng.dirichlet(np.ones(count))


def score(codes, realised):
    return float(codes.law @ np.log(realised + FLOOR))


@given(coded())
def test_better_codes_keep_the_texts_of_every_prefix_together(found):
    codes, realised = found
    better = codes.suited(realised)
    assert score(better, realised) >= score(codes, realised) - 1e-12
    assert sorted(better.which) == list(range(len(codes.law)))
    assert np.array_equal(better.law, codes.law[better.which])
    for step in range(len(codes.sizes)):
        leaves = int(np.prod(codes.sizes[step:]))
        prefixes = (better.which // leaves).reshape(-1, leaves)
        assert (prefixes == prefixes[:, :1]).all(), "a prefix has one code, whatever follows"


@given(coded())
def test_codes_of_one_register_are_sorted_and_nothing_is_better(found):
    codes, realised = found
    flat = Codes((len(codes.law),), codes.which, codes.law)
    better, rng = flat.suited(realised), np.random.default_rng(0)
    for _ in range(5):
        order = rng.permutation(len(codes.law))
        assert score(better, realised) >= float(codes.law[order] @ np.log(realised + FLOOR)) - 1e-12


def test_an_assignment_of_subtrees_is_the_best_of_all():
    rng = np.random.default_rng(4)
    masses, logs = rng.random((3, 3, 2)), np.log(rng.random((3, 3, 2)))
    chosen = assigned(masses, logs)
    for node, order in enumerate(chosen):
        values = [
            sum(float(masses[node, child] @ logs[node, code]) for code, child in enumerate(other))
            for other in product(range(3), repeat=3)
            if len(set(other)) == 3
        ]
        mine = sum(float(masses[node, child] @ logs[node, code]) for code, child in enumerate(order))
        assert mine == pytest.approx(max(values))


@pytest.mark.parametrize(
    ("codes", "options"),
    [("prefix", {}), ("prefix", {"zeros": True}), ("prefix", {"stop": True}), ("texts", {})],
)
def test_a_row_of_tolerances_gives_falling_counts_and_bounds_that_hold(codes, options):
    """With full supports, with supports that differ in size (one register ``text``), and with texts that end."""
    model, before = table(**options), None
    for tolerance in TOLERANCES:
        program = stinespring.compile(
            model, prompt="a b", steps=3, codes=codes, schedule="static", effort=0, tolerance=tolerance
        )
        law = text_law(program)
        assert distance(law, exact_law(program)) <= program.tvd_bound + 1e-9 <= tolerance + 2e-9
        assert_same(law, claimed_law(program), 1e-9)
        assert before is None or program.cost.two_qubit_gates <= before
        before = program.cost.two_qubit_gates


def test_a_search_shortens_what_closed_forms_find():
    counts = []
    for effort, tolerance in ((0, 0.0), (0, 0.02), (1, 0.02)):
        program = stinespring.compile(
            table(), prompt="a b", steps=3, codes="prefix", schedule="static", effort=effort, tolerance=tolerance
        )
        assert distance(text_law(program), exact_law(program)) <= program.tvd_bound + 1e-9
        counts.append(program.cost.two_qubit_gates)
    assert all(after <= before for before, after in pairwise(counts))
    assert counts[2] < counts[0]


def test_a_table_of_texts_leaves_nearly_nothing_to_do():
    """256 texts of a Zipf law in a shuffled order: the decoder knows which text is which, and
    a matrix-product state of bond dimension 2, 2 (q - 1) CX, is more than enough; exactly it takes 127."""
    law = np.random.default_rng(0).permutation(np.arange(1.0, 257.0) ** -1.0)
    model = TableModel({"tokens": [f"w{i}" for i in range(256)], "context": 0, "law": [(law / law.sum()).tolist()]})
    options = {"prompt": "", "steps": 1, "schedule": "static", "effort": 0, "tolerance": 0.05}
    program = stinespring.compile(model, codes="texts", **options)
    assert program.cost.two_qubit_gates <= 2 * (program.cost.qubits - 1) == 14
    assert distance(text_law(program), exact_law(program)) <= program.tvd_bound + 1e-9 <= 0.05 + 2e-9


def test_planted_bounds_and_claims_are_caught():
    """The run passes; with a bound that was halved, or a claim that was moved, it fails."""
    program = stinespring.compile(table(), prompt="a b", steps=3, codes="prefix", schedule="static", effort=0, tolerance=0.1)
    samples = stinespring.run(program, shots=20_000, seed=5)
    verdict = stinespring.check(samples, alpha=ALPHA, resolution=0.1)
    assert (verdict.verdict, verdict.bound_verified) == ("PASS", True)
    halved = stinespring.check(replace(samples, tvd_bound=program.tvd_bound / 2), alpha=ALPHA, resolution=0.1)
    assert (halved.verdict, halved.bound_verified) == ("FAIL", False)
    claim = program.claim
    assert isinstance(claim, ListedClaim)
    moved = ListedClaim(claim.texts, np.roll(claim.probabilities, 1))
    assert stinespring.check(replace(samples, claim=moved), alpha=ALPHA, resolution=0.1).verdict == "FAIL"


@settings(max_examples=strategies.series(3, 40))
@example(seed=999, codes="prefix", tolerance=0.02)  # 8 texts on 3 x 3 codes: one code stands for nothing
@given(seed=strategies.seeds(), codes=st.sampled_from(["prefix", "texts"]), tolerance=st.sampled_from([0.02, 0.1]))
def test_any_law_keeps_its_bound(seed, codes, tolerance):
    program = stinespring.compile(
        table(seed, 3, zeros=True), prompt="a b", steps=2, codes=codes, schedule="static", effort=0, tolerance=tolerance
    )
    assert distance(text_law(program), exact_law(program)) <= program.tvd_bound + 1e-9 <= tolerance + 2e-9
    assert_same(text_law(program), claimed_law(program), 1e-9)
