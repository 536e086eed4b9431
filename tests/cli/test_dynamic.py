# SPDX-License-Identifier: Apache-2.0
"""Dynamic programs on the command line: budgets, feed-forward, the attention map."""

from __future__ import annotations

import json

import pytest

from oracles.decoding import law_of
from oracles.qasm_runner import distribution, registers, statements


@pytest.fixture
def model(examples):
    return examples / "three_tokens.json"


@pytest.mark.parametrize(
    ("options", "holds"),
    [
        (("--max-qubits", 1), lambda r: r["qubits"] == 1 and r["two_qubit_gates"] == 0),
        (("--max-conditions", 0), lambda r: r["conditions"] == 0),
        (("--feed-forward", "none"), lambda r: r["conditions"] == 0),
        (("--feed-forward", "all"), lambda r: r["two_qubit_gates"] == 0),
        (("--max-two-qubit-gates", 4), lambda r: r["two_qubit_gates"] <= 4),
    ],
)
def test_budgets(tmp_path, model, options, holds, invoke):
    out = tmp_path / "p.qasm"
    done = invoke(
        "compile",
        model,
        "--prompt",
        "sun rain",
        "--steps",
        2,
        "--schedule",
        "dynamic",
        "-o",
        out,
        "--json",
        "--effort",
        0,
        *options,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["schedule"] == "dynamic"
    assert holds(report)
    qasm = out.read_text()
    assert sum(registers(qasm)[0].values()) == report["qubits"]
    assert statements(qasm)["if"] == report["conditions"]
    joint = json.loads(invoke("law", model, "--prompt", "sun rain", "--steps", 2, "--json").stdout)["joint"]
    decode = json.loads((tmp_path / "p.json").read_text())["decode"]
    found = law_of(decode, ["t1", "t2"], distribution(qasm, ["t1", "t2"]))
    assert found == pytest.approx(joint, abs=1e-11)


@pytest.mark.parametrize(
    "options",
    [
        ("--max-qubits", 0),
        ("--max-conditions", -1),
        ("--feed-forward", "some"),
        ("--max-qubits", 1, "--max-conditions", 1),
        ("--schedule", "static", "--max-qubits", 1),
        ("--attention", "rejection"),
    ],
)
def test_what_cannot_be(model, options, invoke):
    done = invoke("compile", model, "--prompt", "sun rain", "--steps", 2, "--effort", 0, *options)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) <= 12
    assert "Traceback" not in done.stderr


def test_reasons_and_attention_map(examples, invoke):
    done = invoke(
        "compile",
        examples / "two_tokens.json",
        "--prompt",
        "a b",
        "--steps",
        2,
        "--feed-forward",
        "all",
        "--explain",
        "--codes",
        "free",
    )
    assert "t1: measured right away: t2 is conditioned on its bits" in done.stdout
    ran = invoke(
        "run", examples / "two_tokens.json", "--prompt", "a b", "--steps", 2, "--extension", "position",
        "--schedule", "dynamic", "--shots", 20000, "--seed", 3, "--alpha", 1e-6, "--effort", 0, "--json",
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr  # false-alarm rate 1e-6
    report = json.loads(ran.stdout)["attention_verdict"]
    assert report["verdict"] == "PASS"
    assert report["registers"]["e1"]["analytic"] == pytest.approx([0.268941, 0.731059], abs=1e-6)
