# SPDX-License-Identifier: Apache-2.0
"""Stepwise programs: every bound template, run outside, has the law of its prefix."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import stinespring
import strategies
from oracles import plain_laws
from oracles.qasm_runner import distribution
from stinespring.models.texts.attention import AttentionModel


def bound(template: str, angles: list[float]) -> str:
    """Return the template's text with its declared inputs replaced by numbers."""
    text = re.sub(r"input float\[64\] a\d+;\n", "", template)
    return re.sub(r"\ba(\d+)\b", lambda match: repr(angles[int(match.group(1))]), text)


@given(st.data(), st.sampled_from(["token", "position"]), st.sampled_from(["free", "binary"]))
def test_every_prefix_has_its_law(data, extension, codes):
    model = data.draw(strategies.attention_models(max_tokens=3, max_heads=2))
    prompt = data.draw(strategies.texts(model))[:2]
    assume(plain_laws.joint_margin(model, prompt, 2) > 1e-9)
    program = stinespring.compile(
        AttentionModel(model), prompt=prompt, steps=2, schedule="stepwise", extension=extension, codes=codes
    )
    from stinespring.compiler.export.files import folder_files

    files = folder_files(program)
    joint: dict[str, float] = {}
    for prefix, entry in json.loads(files["angles.json"])["prefixes"].items():
        step = len(entry["ids"]) + 1
        text = bound(files[entry["template"]], entry["angles"])
        law = {entry["decode"][str(code)]: p for (code,), p in distribution(text, [f"t{step}"]).items() if p > 1e-12}
        block = min(step, len(model["blocks"])) - 1
        expected = plain_laws.next_token_law(model, block, prompt + entry["ids"])
        assert law == pytest.approx({n: p for n, p in zip(model["tokens"], expected, strict=True) if p > 1e-12}, abs=1e-11)
        if step == 2:
            joint |= {f"{prefix} {token}": entry["probability"] * p for token, p in law.items()}
    stop = model.get("stop")
    exact = {k: p for k, p in plain_laws.joint(model, prompt, 2).items() if stop is None or k.split()[0] != stop}
    assert joint == pytest.approx(exact, abs=1e-11)


def test_the_template_is_built_once():
    model = stinespring.load("glassllm:en", top_k=4)
    program = stinespring.compile(model, prompt="Alice was", steps=3, schedule="stepwise")
    assert len(program.stepper._templates) == 1
    assert (program.cost.qubits, program.cost.two_qubit_gates) == (2, 1)


def test_truncation_is_per_prefix_and_uses_narrow_templates():
    model = stinespring.load("glassllm:en")
    program = stinespring.compile(model, prompt="Alice was", steps=1, schedule="stepwise", tolerance=0.2)
    assert program.cost.qubits < 10
    exact, kept = model.joint("Alice was", 1), program.realises.joint("Alice was", 1)
    tvd = 0.5 * sum(abs(p - kept.get(key, 0.0)) for key, p in exact.items())
    assert 0.0 < tvd <= program.tvd_bound <= 0.2


def test_binary_codes_are_token_numbers(three_tokens):
    program = stinespring.compile(three_tokens, prompt="sun", steps=1, schedule="stepwise", codes="binary")
    binding = program.stepper.bind(1, np.zeros((1, 0), dtype=np.int64))
    assert binding.symbols.tolist() == [[0, 1, 2, -1]]
