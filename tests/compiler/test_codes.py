# SPDX-License-Identifier: Apache-2.0
"""Codes that depend on the text before: laws of exported programs, decoded from FILE.json alone."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stinespring
import strategies
from oracles import plain_laws
from oracles.decoding import law_of, read_registers
from oracles.qasm_runner import distribution
from oracles.text_programs import assert_same, claimed_law, distance, exact_law, text_law
from stinespring.errors import InputError, TooLargeError
from stinespring.models.texts.attention import AttentionModel
from stinespring.models.texts.table import TableModel
from stinespring.readings import UNUSED, Codebook

WIDE = np.random.default_rng(5)
ROWS = WIDE.dirichlet(np.ones(3), size=9)


@pytest.fixture
def sparse() -> TableModel:
    """Eight tokens, of which two or three can follow any one: supports that differ, unions that are wide."""
    rng = np.random.default_rng(11)
    law = np.zeros((8, 8))
    for row in law:
        support = rng.choice(8, size=rng.integers(2, 4), replace=False)
        row[support] = rng.dirichlet(np.ones(len(support)))
    return TableModel({"tokens": list("abcdefgh"), "context": 1, "law": law.tolist()})


@pytest.mark.parametrize("schedule", ["static", "dynamic"])
@pytest.mark.parametrize("codes", ["prefix", "texts"])
@settings(max_examples=10)
@given(data=st.data(), steps=st.integers(1, 3))
def test_random_laws(data, steps, codes, schedule):
    model = data.draw(strategies.table_models())
    prompt = [0] * model["context"]
    program = stinespring.compile(TableModel(model), prompt=prompt, steps=steps, codes=codes, schedule=schedule, effort=0)
    assert program.details["codes"] == codes
    assert_same(text_law(program), plain_laws.joint(model, prompt, steps))


@settings(max_examples=10)
@given(data=st.data())
def test_stop_tokens_and_attended_positions(data):
    """A text that has ended has one code; attended positions read codes."""
    model = data.draw(strategies.attention_models())
    prompt = data.draw(strategies.texts(model))
    program = stinespring.compile(
        AttentionModel(model), prompt=prompt, steps=2, codes="prefix", extension="position", schedule="static", effort=0
    )
    assert_same(text_law(program), plain_laws.joint(model, prompt, 2), 1e-9)


def test_fewer_gates_and_qubits_than_one_code_a_token(sparse):
    one, many = (
        stinespring.compile(sparse, prompt="a", steps=3, codes=codes, schedule="static", effort=0)
        for codes in ("free", "prefix")
    )
    default = stinespring.compile(sparse, prompt="a", steps=3, schedule="static", effort=0)
    assert many.cost.two_qubit_gates < one.cost.two_qubit_gates
    assert many.cost.qubits < one.cost.qubits
    assert default.details["codes"] == "prefix"
    assert default.cost == many.cost


def test_texts_of_unequal_supports_are_numbered_in_the_order_of_their_trie(sparse):
    program = stinespring.compile(sparse, prompt="a", steps=4, codes="prefix", schedule="static", effort=0)
    texts = sum(p > 0 for p in sparse.joint("a", 4).values())
    [register] = program.registers
    assert (register.name, register.size) == ("text", int(np.ceil(np.log2(texts))))
    numbered = [text for text, _ in itertools.groupby(register.book.texts.tolist())]  # a likely text may have several codes
    following = [
        [t for t, _ in sorted(enumerate(row), key=lambda pair: -pair[1]) if row[t] > 0] for row in sparse.table.tolist()
    ]

    def trie(prefix: list[int]) -> list[list[int]]:
        if len(prefix) == 4:
            return [prefix]
        return [text for token in following[prefix[-1] if prefix else 0] for text in trie([*prefix, token])]

    assert numbered == trie([])
    assert_same(text_law(program), exact_law(program))


def test_a_reader_needs_the_two_files_only(sparse, tmp_path):
    for schedule in ("static", "dynamic"):
        program = stinespring.compile(sparse, prompt="c", steps=3, codes="prefix", schedule=schedule, effort=0)
        program.write(tmp_path / "p.qasm")
        decode = json.loads((tmp_path / "p.json").read_text())["decode"]
        names = read_registers(decode, 3)
        law = law_of(decode, names, distribution((tmp_path / "p.qasm").read_text(), names))
        assert_same(law, dict(sparse.joint("c", 3)))
        if names != ["text"]:
            assert [list(decode[name]) for name in names] == [["after"]] * 3


def test_runs_are_decoded_checked_and_kept(sparse, tmp_path, monkeypatch):
    """At once, from the ledger, and with readout mitigation; false alarms at 1e-6 each."""
    monkeypatch.setenv("STINESPRING_HOME", str(tmp_path))
    options = {"prompt": "a", "steps": 3, "codes": "prefix", "effort": 0}
    for schedule in ("static", "dynamic"):
        program = stinespring.compile(sparse, schedule=schedule, **options)
        samples = stinespring.run(program, shots=20_000, seed=5)
        assert stinespring.check(samples, alpha=1e-6, resolution=0.1).passed
        run = stinespring.submit(sparse, shots=20_000, seed=5, backend="aer", schedule=schedule, **options)
        again = stinespring.fetch(run.id)
        assert again.samples.by_text() == samples.by_text()


def test_a_wrong_code_fails(sparse):
    """Two tokens exchanged after one prefix only: the law of the first token is right, that of the texts is not."""
    program = stinespring.compile(sparse, prompt="a", steps=2, codes="prefix", schedule="static", effort=0)
    samples = stinespring.run(program, shots=20_000, seed=5)
    book = program.registers[0].book
    first = book.texts[0, 0]
    swapped = book.texts.copy()
    mine = np.flatnonzero(book.texts[:, 0] == first)[:2]
    swapped[mine, 1] = book.texts[mine[::-1], 1]
    from dataclasses import replace

    registers = tuple(replace(r, book=Codebook(book.registers, book.codes, swapped)) for r in program.registers)
    body = replace(program.body, registers=registers)
    wrong = stinespring.run(replace(program, body=body, registers=registers), shots=20_000, seed=5)
    assert stinespring.check(samples, alpha=1e-6, resolution=0.1).passed
    assert stinespring.check(wrong, alpha=1e-6, resolution=0.1).verdict == "FAIL"


def test_codes_that_stand_for_nothing_are_told():
    book = Codebook(("t1", "t2"), np.array([[0, 0], [0, 1], [1, 0]]), np.array([[5, 7], [5, 8], [6, 7]]))
    read = book.read(np.array([[0, 1], [1, 0], [1, 1], [2, 0], [UNUSED, 0], [0, 2]]))
    assert read.tolist() == [[5, 8], [6, 7], [6, UNUSED], [UNUSED, UNUSED], [UNUSED, UNUSED], [5, UNUSED]]
    codes, shares = book.write(np.array([[6, 7], [6, 8], [7, 7]]), np.array([0.5, 0.2, 0.3]))
    assert (codes.tolist(), shares.tolist()) == ([[1, 0]], [0.5])


def test_a_text_may_have_several_codes():
    """They share its probability evenly, and each of them is read as the text."""
    book = Codebook(("text",), np.arange(4)[:, None], np.array([[5, 7], [5, 7], [5, 8], [5, 7]]))
    codes, shares = book.write(np.array([[5, 8], [5, 7]]), np.array([0.4, 0.6]))
    assert codes.ravel().tolist() == [0, 1, 2, 3]
    assert shares == pytest.approx([0.2, 0.2, 0.4, 0.2])
    assert book.read(np.array([[3], [2], [1]])).tolist() == [[5, 7], [5, 8], [5, 7]]


@pytest.mark.parametrize(("k", "steps", "most"), [(3, 3, 15), (3, 4, 63), (5, 2, 15)])
def test_supports_that_are_no_power_of_two_cost_no_more_than_full_ones(k, steps, most, tmp_path):
    """k^L texts on the bits of their number, at most half of 2^q CX; the file decoded by itself has the model's joint law."""
    rng = np.random.default_rng(4)
    law = np.exp(rng.normal(size=(k, k)))
    law /= law.sum(axis=1, keepdims=True)
    model = TableModel({"tokens": [f"w{i}" for i in range(k)], "context": 1, "law": law.tolist()})
    program = stinespring.compile(model, prompt="w0", steps=steps, schedule="static", codes="prefix", effort=0)
    assert program.cost.two_qubit_gates <= most
    program.write(tmp_path / "p.qasm")
    decode = json.loads((tmp_path / "p.json").read_text())["decode"]
    names = read_registers(decode, steps)
    assert names == ["text"] or (k, steps) == (3, 4)  # where a memory is cheaper still
    found = law_of(decode, names, distribution((tmp_path / "p.qasm").read_text(), names))
    assert found == pytest.approx(dict(model.joint("w0", steps)), abs=1e-12)
    if names == ["text"]:  # the law of a device's readings knows all codes of a text
        samples = stinespring.run(program, backend="aer?noise=boston", shots=20_000, seed=3)
        assert stinespring.check(samples, alpha=1e-9, resolution=0.5, within="none").verdict != "FAIL"


def test_a_tolerance_never_costs_gates_and_its_bound_is_computed(sparse):
    before = None
    for tolerance in (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2):
        program = stinespring.compile(
            sparse, prompt="a", steps=3, codes="prefix", schedule="static", effort=0, tolerance=tolerance
        )
        assert program.tvd_bound <= tolerance
        assert distance(text_law(program), exact_law(program)) <= program.tvd_bound + 1e-9
        assert_same(text_law(program), claimed_law(program), 1e-9)
        assert before is None or program.cost.two_qubit_gates <= before
        before = program.cost.two_qubit_gates


@pytest.mark.parametrize(
    "options",
    [
        {"codes": "prefix", "input": "quantum"},
        {"codes": "prefix", "phases": "exact"},
        {"codes": "texts", "extension": "position"},
        {"codes": "texts", "schedule": "stepwise"},
        {"codes": "tokens"},
    ],
)
def test_what_cannot_be_decoded_is_refused(sparse, options):
    with pytest.raises(InputError):
        stinespring.compile(sparse, prompt="a", steps=2, effort=0, **options)


def large(rng):
    """A table of 400 tokens of which seven occur; one of them ends texts, where the format of tables knows no such token."""
    law, alive = np.zeros((400, 400)), rng.choice(400, 7, replace=False)
    for token in alive:
        law[token, rng.choice(alive, 5, replace=False)] = rng.random(5) + 0.1
    law[law.sum(axis=1) == 0] = 1.0  # of tokens that never occur
    law /= law.sum(axis=1, keepdims=True)
    model = TableModel({"tokens": [f"w{i}" for i in range(400)], "context": 1, "law": law.tolist()})
    model.stop = int(np.argmax(np.where(np.arange(400) == alive[0], 0.0, law[alive[0]])))
    return model, model.tokens[alive[0]]


@pytest.mark.parametrize("codes", ["prefix", None])
def test_large_vocabularies_are_renumbered_and_mean_the_same(codes):
    """The program of a large vocabulary has the joint law of the model itself, read from its circuit and its book."""
    model, prompt = large(np.random.default_rng(6))
    program = stinespring.compile(model, prompt=prompt, steps=3, schedule="static", codes=codes, effort=0)
    own = dict(model.joint(prompt, 3))
    assert program.cost.qubits <= (9 if codes is None else 7)  # 3 bits a token, or the bits of all texts
    assert exact_law(program) == pytest.approx(own, abs=1e-10)
    assert any(len(text.split()) < 3 for text in own)


def test_texts_that_no_coding_takes_are_not_listed_to_the_end(monkeypatch):
    """Each costs a law of a trained decoder: nothing is read on after the list is longer than any coding takes."""
    model = stinespring.load("glassllm:en", top_k=2)
    read, possible = [], type(model).possible

    def seen(self, step, texts):
        read.append(len(texts))
        return possible(self, step, texts)

    monkeypatch.setattr(type(model), "possible", seen)
    monkeypatch.setattr("stinespring.compiler.texts.passes.MOST_BITS", 5)
    with pytest.raises(TooLargeError, match="too many for one circuit"):
        stinespring.compile(model, prompt="Alice", steps=13, schedule="static")
    assert 0 < max(read) <= 2**11, "where the tables end, not the lists"
