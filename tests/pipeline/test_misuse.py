# SPDX-License-Identifier: Apache-2.0
"""What somebody tries who has not read the pages: every wrong call is told what would be right."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

import stinespring as ss
from stinespring.checks.statistics.ruling import decide
from stinespring.cli.chosen import say_choices
from stinespring.cli.options import COMPILE
from stinespring.errors import InputError


@pytest.fixture
def program(two_tokens):
    return ss.compile(two_tokens, prompt="a b", steps=2)


CALLS = [
    (lambda model, program: ss.run(model, shots=10), "compile it first"),
    (lambda model, program: ss.run("model.json", shots=10), "compile it first"),
    (lambda model, program: ss.compile("model.json", prompt="a b", steps=2), r"write stinespring\.load\('model\.json'\)"),
    (lambda model, program: ss.compile(model, "a b", 2), "write for example prompt=..., steps=..."),
    (lambda model, program: ss.compile(model, steps=2), "give prompt "),
    (lambda model, program: ss.compile(model, prompt="a b", steps="2"), "got: '2'"),
    (lambda model, program: ss.check(program, {"00": 5}), r"check\(program, counts=\.\.\.\)"),
    (lambda model, program: ss.run(program, shots=10, seed="a"), "got: 'a'"),
    (lambda model, program: ss.run(program, shots=10, seed=1.5), "got: 1.5"),
]


@pytest.mark.parametrize("number", range(len(CALLS)))
def test_a_wrong_call_is_told_the_right_one(number, two_tokens, program):
    call, told = CALLS[number]
    with pytest.raises(InputError, match=told):
        call(two_tokens, program)


def test_a_verdict_is_true_where_it_passed(program):
    assert ss.check(ss.run(program, shots=20_000, seed=1), within=0.5)
    for shots, within, ruling in ((10, "none", "UNVERIFIED"), (20_000, 1e-9, "UNVERIFIED")):
        verdict = ss.check(ss.run(program, shots=shots, seed=1), within=within)
        assert verdict.verdict == ruling
        assert not verdict


def test_a_name_that_is_nearly_right_is_told(invoke):
    for wrong, right in (("glasllm:en", "glassllm:en"), ("smolm2", "smollm2"), ("mathformer;add", "mathformer:add")):
        with pytest.raises(InputError, match=f"write {right}"):
            ss.load(wrong)
        status, _, err = invoke("law", wrong, "--prompt", "x", "--steps", "1")
        assert status == 2
        assert f"write {right}" in err
    with pytest.raises(InputError, match="check the path"):
        ss.load("nothere.json")
    with pytest.raises(AttributeError) as found:
        ss.complie  # noqa: B018 -- Python names the nearest from these two
    assert (found.value.name, found.value.obj) == ("complie", ss)


def test_help_is_a_verb(invoke):
    assert invoke("help", "law")[:2] == invoke("law", "--help")[:2]


def test_a_long_help_begins_with_what_every_source_has(invoke):
    """Every option stands once, those of one kind of source behind the others."""
    said = invoke("run", "--help")[1]
    parts = re.split(r"^(\w[\w ]+):$", said, flags=re.MULTILINE)[1:]
    found = {
        title: re.findall(r"^  (--[a-z-]+)", text, re.MULTILINE) for title, text in zip(parts[::2], parts[1::2], strict=True)
    }
    assert list(found)[:3] == ["Arguments", "Options", "Options of texts"]
    assert found["Options"][:3] == ["--prompt", "--steps", "--target"]
    assert {"--shots", "--seed", "--backend", "--report", "--json", "--help"} <= set(found["Options"])
    assert {"--upto", "--every-point"} <= set(found["Options of the lens"])
    assert found["Options of channels"] == ["--form", "--settings"]
    every = sum(found.values(), [])
    assert sorted(every) == sorted({f"--{name.replace('_', '-')}" for name in COMPILE} | set(found["Options"]))
    assert "Options of" not in invoke("lens", "run", "--help")[1]


@pytest.mark.parametrize(("detects", "wanted"), [(0.050003, 0.05), (0.0500000004, 0.05), (0.2, 0.05), (0.04, 0.05)])
def test_what_is_missed_by_little_is_not_printed_as_reached(detects, wanted):
    ruling, reason = decide(0.5, 1e-3 / 9, detects, wanted, 21_000, "20,000 shots")
    printed = float(re.search(r"TVD of ([\d.]+)", reason).group(1))
    assert (printed > wanted) == (ruling == "UNVERIFIED")
    assert "rate 0.000111;" in reason


def test_the_table_of_choices_fits_a_screen(capsys):
    same = {"codes": "prefix", "tolerance": 0.0, "delays": "none", "layout": "gates", "expected_tvd_by": "exact noisy law"}
    rows = [
        {**same, "schedule": "static", "two_qubit_gates": 8, "tvd_bound": 0.0, "expected_tvd": 0.00564, "chosen": False},
        {**same, "schedule": "dynamic", "two_qubit_gates": 1, "tvd_bound": 0.0, "expected_tvd": 0.00398, "chosen": True},
    ]
    say_choices(SimpleNamespace(details={"choices": rows}))
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "chosen by the expected TVD, approximation and noise in one (exact noisy law):"
    assert [line.split() for line in said[1:]] == [
        ["schedule", "CX", "expected", "TVD"], ["static", "8", "0.00564"], ["*", "dynamic", "1", "0.00398"],
    ]  # fmt: skip
    say_choices(SimpleNamespace(details={"choices": [{**rows[0], "expected_tvd_by": "shares"}, rows[1]]}))
    assert capsys.readouterr().err.splitlines()[1].endswith("by")
