# SPDX-License-Identifier: Apache-2.0
"""A token in rounds: the law is unchanged, every token has one way of being read, and it is the same whoever asks with it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stinespring
from oracles.qasm_runner import distribution
from oracles.templates import bound, certain
from stinespring.compiler.stepwise.rounds import Open, first_round, later_round, rounds_for
from stinespring.compiler.stepwise.template import Binder
from stinespring.errors import InputError
from stinespring.models.texts.table import TableModel


def read_all(law, size):
    """The law of the tokens as all rounds together give it, with the number of rounds; each row is asked for by itself."""
    total, ways, most = np.zeros_like(law), np.zeros(law.shape, dtype=int), 1
    for row in range(len(law)):
        coded, weight = first_round(law[row : row + 1], size), np.ones(1)
        rounds = 1
        while True:
            assert coded.law.shape[1] <= size
            np.testing.assert_allclose(coded.law.sum(axis=1), 1.0, atol=1e-12)
            known = coded.symbols >= 0
            tokens, joint = coded.symbols[known], (coded.law * weight[:, None])[known]
            np.add.at(total[row], tokens, joint)
            np.add.at(ways[row], tokens, 1)
            if coded.open is None:
                break
            goes_on = np.nonzero(coded.open.last > coded.open.first)
            assert not known[goes_on].any()
            weight = (coded.law * weight[:, None])[goes_on]
            if not len(weight):
                break
            coded = later_round(np.repeat(law[row : row + 1], len(weight), axis=0), size, coded.open[goes_on])
            rounds += 1
        most = max(most, rounds)
    return total, ways, most


@given(st.data(), st.integers(1, 70), st.sampled_from([2, 4, 8]))
def test_the_law_is_unchanged(data, d, size):
    """Laws with zeros and with equal entries: every possible token is read in exactly one way, with its probability."""
    rows = data.draw(st.lists(st.lists(st.integers(0, 4), min_size=d, max_size=d).filter(any), min_size=1, max_size=4))
    law = np.array(rows, dtype=float)
    law /= law.sum(axis=1, keepdims=True)
    total, ways, most = read_all(law, size)
    np.testing.assert_allclose(total, law, atol=1e-12)
    np.testing.assert_array_equal(ways, law > 0)
    assert most <= rounds_for(int((law > 0).sum(axis=1).max()), size)


def test_rows_do_not_depend_on_what_is_asked_with_them():
    """Codes are the same in a batch and alone, but for codes beyond what one of them needs."""
    rng = np.random.default_rng(3)
    law = np.where(rng.random((40, 100)) < rng.random((40, 1)), rng.random((40, 100)), 0.0)
    law[:, 7] += 0.1
    law /= law.sum(axis=1, keepdims=True)
    together = first_round(law, 8)
    for row in range(40):
        alone = first_round(law[row : row + 1], 8)
        n = alone.law.shape[1]
        np.testing.assert_array_equal(together.law[row, :n], alone.law[0])
        np.testing.assert_array_equal(together.symbols[row, :n], alone.symbols[0])
        assert not together.law[row, n:].any()
        if alone.open is not None:
            np.testing.assert_array_equal(together.open.last[row, :n], alone.open.last[0])
    many = np.flatnonzero((law > 0).sum(axis=1) > 8)
    opened = Open(together.open.first[many, 7], together.open.last[many, 7])
    later = later_round(law[many], 8, opened)
    for i, row in enumerate(many):
        alone = later_round(law[row : row + 1], 8, Open(opened.first[i : i + 1], opened.last[i : i + 1]))
        np.testing.assert_array_equal(later.symbols[i], alone.symbols[0])
        np.testing.assert_allclose(later.law[i], alone.law[0], atol=1e-15)


def test_what_was_planted_is_seen():
    """The oracle of this file is not blind: one token moved to another group is found."""
    law = np.random.default_rng(0).random((1, 40))
    law /= law.sum()
    total, _, _ = read_all(law, 8)
    moved = law.copy()
    moved[0, [3, 4]] = moved[0, [4, 3]]
    assert abs(total - moved).max() > 1e-3


@pytest.mark.parametrize(("most", "stop"), [(4, None), (4, 5), (None, 5)])
def test_a_law_as_it_is_and_what_is_possible_of_it_are_bound_alike(most, stop):
    """Laws with zeros, and texts that ended: the same codes, the same openings and the same angles either way."""
    rng = np.random.default_rng(11)
    law = np.where(rng.random((30, 30)) < rng.random((30, 1)), rng.random((30, 30)), 0.0) + np.eye(30) * 1e-3
    law /= law.sum(axis=1, keepdims=True)
    content = {"tokens": [f"w{i}" for i in range(30)], "context": 1, "law": law.tolist()}
    whole = TableModel(content if stop is None else {**content, "stop": f"w{stop}"})
    apart = TableModel(whole.content())
    apart.columns = lambda step, texts: whole.possible(step, texts).columns()
    prompt, texts = np.array([3]), rng.integers(0, 30, (50, 2))
    both = [Binder(model, prompt, "token", "free", most).bind(3, texts) for model in (whole, apart)]
    while True:
        one, other = both
        np.testing.assert_array_equal(one.symbols, other.symbols)
        np.testing.assert_allclose(one.angles, other.angles, atol=1e-12)
        assert (one.open is None) == (other.open is None)
        if one.open is None or not (goes_on := one.open.last > one.open.first).any():
            return
        np.testing.assert_array_equal(one.open.last, other.open.last)
        rows, codes = np.nonzero(goes_on)
        texts, opened = texts[rows], one.open[rows, codes]
        both = [Binder(model, prompt, "token", "free", most).bind(3, texts, opened) for model in (whole, apart)]


@pytest.mark.parametrize("token_qubits", [1, 2, 3, "all"])
def test_the_loop_samples_the_joint_law(token_qubits):
    """Readings in exact proportion, through the bound circuits: the texts have the table's own probabilities."""
    rng = np.random.default_rng(8)
    law = rng.random((20, 20)) ** 6 * (rng.random((20, 20)) < 0.7) + np.eye(20) * 1e-3
    law /= law.sum(axis=1, keepdims=True)
    model = TableModel({"tokens": [f"w{i}" for i in range(20)], "context": 1, "law": law.tolist()})
    program = stinespring.compile(model, prompt="w4", steps=2, schedule="stepwise", token_qubits=token_qubits)
    assert program.cost.qubits == (5 if token_qubits == "all" else token_qubits)
    shots, seen, keys = 10**13, [], []
    while batch := program.body.next(seen, shots):
        keys.append(batch.key)
        seen.append(certain(batch))
    assert len(set(keys)) == len(keys) > (2 if token_qubits == "all" else 3) - 1
    texts = program.body.outcomes(seen, shots)[0]
    found = np.zeros((20, 20))
    np.add.at(found, tuple(texts.values.T), texts.counts / shots)
    np.testing.assert_allclose(found, law[4][:, None] * law, atol=1e-10)


def test_the_folder_lists_every_round(tmp_path, invoke):
    """Each entry, run from the written files alone with its angles, has the law of its codes; together they are the token's."""
    law = np.random.default_rng(2).random((1, 11)) ** 3
    law /= law.sum()
    model = {"format": "stinespring/table@1", "tokens": [f"w{i}" for i in range(11)], "context": 0, "law": law.tolist()}
    (tmp_path / "m.json").write_text(json.dumps(model))
    words = ["--prompt", "", "--steps", "1", "--schedule", "stepwise", "--token-qubits", "2", "-o", tmp_path / "out"]
    assert invoke("compile", tmp_path / "m.json", *words)[0] == 0
    prefixes = json.loads((tmp_path / "out" / "angles.json").read_text())["prefixes"]
    found: dict[str, float] = {}

    def walk(entry, weight):
        text = bound((tmp_path / "out" / entry["template"]).read_text(), entry["angles"])
        for (code,), p in distribution(text, ["t1"]).items():
            if p > 1e-13:
                if str(code) in entry.get("rest", {}):
                    walk(entry["rest"][str(code)], weight * p)
                else:
                    found[entry["decode"][str(code)]] = weight * p

    walk(prefixes[""], 1.0)
    assert found == pytest.approx({f"w{i}": p for i, p in enumerate(law[0])}, abs=1e-11)


def test_a_run_passes_and_an_estimate_counts_the_rounds(invoke):
    words = ["glassllm:en", "--prompt", "Alice was", "--steps", "2", "--schedule", "stepwise", "--shots", "3000", "--seed", "5"]
    status, out, err = invoke("run", *words, "--scope", "tokens", "--json")
    assert status in (0, 3), err
    found = json.loads(out)
    assert found["verdict"] in ("PASS", "UNVERIFIED")
    assert (found["cost"]["qubits"], found["cost"]["two_qubit_gates"]) == (5, 26)
    told = json.loads(invoke("estimate", *words, "--json")[1])
    assert told["jobs"] == 6  # three rounds a token


@pytest.mark.parametrize("value", ["0", "-1", "five", "2.5"])
def test_bad_numbers_of_qubits_are_refused(value, invoke, examples):
    words = ["compile", examples / "two_tokens.json", "--prompt", "a b", "--steps", "1", "--schedule", "stepwise"]
    status, _, err = invoke(*words, "--token-qubits", value)
    assert status == 2
    assert "token-qubits" in err
    with pytest.raises(InputError, match="token-qubits"):
        stinespring.CompileOptions(token_qubits=True)
