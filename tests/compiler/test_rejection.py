# SPDX-License-Identifier: Apache-2.0
"""Attention by rejection: the program's law exactly, the bound on the cut-off, and polynomial size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import stinespring
import strategies
from oracles import plain_laws
from oracles.qasm_runner import registers, worst_path_two_qubit_gates
from oracles.text_programs import claimed_law, distance, sampled, text_law
from stinespring.checks.texts.attention import check_attention
from stinespring.checks.texts.verdict import check_texts
from stinespring.errors import InputError, TooLargeError
from stinespring.models.texts.attention import AttentionModel
from stinespring.models.texts.rejection import RejectionModel, pair_scores, rounds_needed


@settings(max_examples=12)
@given(st.data(), st.sampled_from([0.1, 0.4]), st.integers(1, 2))
def test_law_and_bound(data, tolerance, steps):
    content = data.draw(strategies.attention_models(max_tokens=3, max_heads=1, stop=False))
    prompt = data.draw(strategies.texts(content))[:2]
    assume(plain_laws.joint_margin(content, prompt, steps) > 1e-9)
    model = AttentionModel(content)
    try:
        program = stinespring.compile(model, prompt=prompt, steps=steps, attention="rejection", tolerance=tolerance)
    except TooLargeError:
        assume(False)
    assume(program.cost.clbits <= 22)  # the interpreter follows every branch
    found = text_law(program)
    assert distance(found, claimed_law(program)) < 1e-10
    true = distance(found, plain_laws.joint(content, prompt, steps))
    assert true <= program.tvd_bound + 1e-10 <= tolerance + 1e-9
    assert program.cost.two_qubit_gates >= worst_path_two_qubit_gates(program.qasm3())


@given(st.data())
def test_one_round_by_plain_loops(data):
    """Uniform position, accepted with exp(s - s_max): R rounds of it, written out."""
    content = data.draw(strategies.attention_models(max_tokens=3, max_heads=1, stop=False))
    text = data.draw(strategies.texts(content))[:3]
    model, rounds = AttentionModel(content), 3
    prompt = np.array(text)
    accept = pair_scores(model, 1, prompt, len(text)).accept
    kept, going = np.zeros(len(text)), 1.0
    for _ in range(rounds):
        chance = [accept[j, text[-1], text[j]] / len(text) for j in range(len(text))]
        kept += going * np.array(chance)
        going *= 1 - sum(chance)
    kept[0] += going
    drawn = RejectionModel(model, prompt, (rounds,)).attention(1, prompt[None])[0, 0]
    if len(text) > 1:
        assert drawn == pytest.approx(kept, abs=1e-12)
    assert abs(drawn - np.array(plain_laws.attention(content, 0, text)[0])).sum() / 2 <= going + 1e-12


def test_size_is_polynomial_where_a_table_does_not_fit():
    rng = np.random.default_rng(2)
    content = {
        "format": "stinespring/attention@1",
        "tokens": ["a", "b"],
        "embedding": [[1, 0], [0, 1]],
        "blocks": [
            {
                "heads": [
                    {"query": (0.2 * rng.normal(size=(2, 2))).tolist(), "key": np.eye(2).tolist(), "value": np.eye(2).tolist()}
                ]
            }
        ],
    }
    model = AttentionModel(content)
    sizes = []
    for steps in (4, 8, 16):
        program = stinespring.compile(model, prompt="a b", steps=steps, attention="rejection", tolerance=0.1)
        sizes.append(program.cost.two_qubit_gates)
        assert max(registers(program.qasm3())[1].values()) <= 32
    assert sizes[1] / sizes[0] < 8
    assert sizes[2] / sizes[1] < 8  # a doubling of the text never multiplies the gates by more than the cube
    with pytest.raises(TooLargeError):
        stinespring.compile(model, prompt="a b", steps=24, schedule="dynamic", attention="table")


def test_verdicts(two_tokens):
    program = stinespring.compile(
        two_tokens, prompt="a b", steps=1, attention="rejection", tolerance=0.02, extension="position"
    )
    samples = sampled(program, shots=20_000, seed=2)
    assert check_texts(samples, alpha=1e-6).passed  # false-alarm rate 1e-6
    assert check_attention(samples, alpha=1e-6).verdict == "PASS"
    exact = stinespring.compile(two_tokens, prompt="a b", steps=1, schedule="static", effort=0)
    law = program.claim.law(program.source, program.asked)
    assert check_texts(sampled(exact, shots=20_000, seed=2), law, alpha=1e-6).p_value > 0


def test_rounds():
    assert rounds_needed(1.0, 0.1) == 1
    assert rounds_needed(0.5, 0.01) == 7  # 2^-7 < 0.01 < 2^-6
    with pytest.raises(TooLargeError):
        rounds_needed(1e-6, 0.01)


def test_what_rejection_is_not_for(two_tokens, stop_token):
    with pytest.raises(InputError, match="tolerance"):
        stinespring.compile(two_tokens, prompt="a b", steps=1, attention="rejection")
    with pytest.raises(InputError, match="one head"):
        stinespring.compile(stop_token, prompt=[0 if stop_token.stop else 1], steps=1, attention="rejection", tolerance=0.1)
    table = stinespring.models.texts.table.TableModel({"tokens": ["a", "b"], "context": 0, "law": [[0.5, 0.5]]})
    with pytest.raises(InputError, match="attention model"):
        stinespring.compile(table, prompt="", steps=1, attention="rejection", tolerance=0.1)
