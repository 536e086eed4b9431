# SPDX-License-Identifier: Apache-2.0
"""``run`` follows its circuits by default, ``compile`` when asked to; what breaks its promise is FAIL and is not written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from stinespring.circuits.exact import multiplexer
from stinespring.readings import FloatArray

Invoke = Callable[..., tuple[int, str, str]]
EXAMPLES = Path(__file__).parents[2] / "examples"
SUN = (EXAMPLES / "three_tokens.json", "--prompt", "sun rain", "--steps", 2)
RUN = ("run", *SUN, "--shots", 40000, "--seed", 5, "--phases", "exact", "--effort", 0, "--resolution", 0.1)


@pytest.fixture
def wrong_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turn the first rotation of every law the other way round: the same law, another sign."""
    right = multiplexer.law_angles

    def wrong(law: FloatArray) -> list[FloatArray]:
        angles = right(law)
        angles[0].reshape(-1)[0] *= -1.0
        return angles

    monkeypatch.setattr(multiplexer, "law_angles", wrong)


def test_run_says_what_its_circuits_do(invoke: Invoke) -> None:
    status, out, _ = invoke(*RUN, "--json")
    found = json.loads(out)
    assert (status, found["verdict"], found["block"]["verdict"]) == (0, "PASS", "PASS")
    assert found["block"]["error"] < 1e-12
    assert found["details"]["block"] == found["block"]
    status, out, _ = invoke(*RUN)
    assert "PASS: block: amplitudes of 9 entries as promised" in out
    assert json.loads(invoke(*RUN, "--verify", "none", "--json")[1])["block"] is None


@pytest.mark.usefixtures("wrong_sign")
def test_counts_pass_and_the_block_fails(invoke: Invoke) -> None:
    status, out, _ = invoke(*RUN, "--json")
    found = json.loads(out)
    assert (status, found["verdict"], found["block"]["verdict"]) == (1, "FAIL", "FAIL")
    assert found["reason"].startswith("block: the amplitude of ")
    assert found["tvd_low"] < 0.01, "counts alone see nothing"
    assert invoke(*RUN, "--verify", "none")[0] == 0


@pytest.mark.usefixtures("wrong_sign")
def test_a_program_that_breaks_its_promise_is_not_written(invoke: Invoke, tmp_path: Path) -> None:
    target = tmp_path / "program.qasm"
    status, out, _ = invoke("compile", *SUN, "--phases", "exact", "--verify", "auto", "-o", target)
    assert (status, target.exists(), "FAIL: block: the amplitude of" in out) == (1, False, True)
    assert invoke("compile", *SUN, "--phases", "exact", "-o", target)[0] == 0, "without --verify nothing is compared"


def test_compile_verifies_when_asked(invoke: Invoke, tmp_path: Path) -> None:
    target, quantum = tmp_path / "program.qasm", ("--input", "quantum")
    status, out, _ = invoke("compile", *SUN, *quantum, "--extension", "dephased", "--verify", "-o", target, "--json")
    assert (status, json.loads(out)["block"]["verdict"], target.exists()) == (0, "PASS", True)
    status, out, _ = invoke("compile", *SUN, *quantum, "--extension", "position", "--verify")
    assert (status, "UNVERIFIED: block: not followed" in out) == (3, True)
    assert "block" not in json.loads(invoke("compile", *SUN, *quantum, "--json")[1])
    status, _, errors = invoke("compile", *SUN, "--verify=some")
    assert (status, "unknown --verify" in errors) == (2, True)
