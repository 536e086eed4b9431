# SPDX-License-Identifier: Apache-2.0
"""Temperature, top-k and top-p are parts of the law of any model of texts: against plain arithmetic, row by row."""

from __future__ import annotations

import json

import numpy as np
import pytest

import stinespring
from stinespring.checks.plain.texts import plain_law
from stinespring.models.load import made


def plainly(law, top_k, top_p, temperature):
    """One law, a token at a time."""
    shares = [p ** (1.0 / temperature) for p in law]
    ranked = sorted(range(len(law)), key=lambda i: (-shares[i], i))[: top_k or len(law)]
    total, kept, reached = sum(shares[i] for i in ranked), [], 0.0
    for i in ranked:
        if top_p is not None and reached >= top_p:
            break
        kept.append(i)
        reached += shares[i] / total
    return [shares[i] / sum(shares[j] for j in kept) if i in kept else 0.0 for i in range(len(law))]


@pytest.mark.parametrize(
    "options", [{"top_k": 2}, {"top_p": 0.6}, {"temperature": 0.5}, {"temperature": 3.0, "top_p": 0.8}, {"top_k": 1}]
)
@pytest.mark.parametrize("name", ["three_tokens", "two_tokens"])
def test_the_law_is_the_plain_one(name, options, examples):
    whole, model = stinespring.load(examples / f"{name}.json"), stinespring.load(examples / f"{name}.json", **options)
    texts = np.array([[i, j] for i in range(whole.d) for j in range(whole.d)])
    full = {"top_k": None, "top_p": None, "temperature": 1.0, **options}
    for step in (1, 2):
        for law, own, text in zip(model.law(step, texts), whole.law(step, texts), texts, strict=True):
            np.testing.assert_allclose(law, plainly(own.tolist(), **full), atol=1e-12)
            plain = plain_law(model, step, text.tolist())  # of the check, which may leave ties undecided
            assert plain is None or plain == pytest.approx(law.tolist(), abs=1e-9)
    again = made(json.loads(json.dumps(model.content())), model.name)
    assert again.fingerprint() == model.fingerprint() != whole.fingerprint()


@pytest.mark.parametrize("schedule", ["static", "dynamic", "stepwise"])
def test_programs_sample_it(schedule, examples, invoke):
    words = ["--prompt", "sun rain", "--steps", "2", "--top-k", "2", "--temperature", "0.7", "--schedule", schedule]
    status, out, err = invoke("run", examples / "three_tokens.json", *words, "--shots", "20000", "--seed", "3", "--json")
    assert status == 0, err
    found, law = json.loads(out), json.loads(invoke("law", examples / "three_tokens.json", *words[:-2], "--json")[1])["joint"]
    assert set(found["counts"]) <= set(law)
    assert len(law) == 4


def test_the_check_is_not_told_the_law_by_the_program(examples):
    """Samples of the whole law are no samples of what is left of it."""
    whole = stinespring.load(examples / "three_tokens.json")
    samples = stinespring.run(stinespring.compile(whole, prompt="sun rain", steps=2), shots=2_000, seed=1)
    hot = stinespring.load(examples / "three_tokens.json", temperature=3.0)
    assert stinespring.check(samples, hot).verdict == "FAIL"


def test_the_ledger_keeps_it(examples, invoke, tmp_path, monkeypatch):
    monkeypatch.setenv("STINESPRING_HOME", str(tmp_path))
    words = [
        examples / "three_tokens.json",
        "--prompt",
        "sun",
        "--steps",
        "2",
        "--top-p",
        "0.7",
        "--shots",
        "20000",
        "--seed",
        "3",
    ]
    status, _, err = invoke("submit", *words, "--backend", "aer", "--yes", "--json")
    assert status == 0, err
    status, out, err = invoke("fetch", "latest", "--json")
    assert status == 0, err
    assert json.loads(out)["counts"] == json.loads(invoke("run", *words, "--json")[1])["counts"]
