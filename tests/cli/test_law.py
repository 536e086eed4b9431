# SPDX-License-Identifier: Apache-2.0
"""`stinespring law` against laws computed by plain loops, and the shape of what it prints. Nothing is sampled here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import strategies
from oracles import plain_laws

Invoke = Callable[..., tuple[int, str, str]]
EXAMPLES = Path(__file__).parents[2] / "examples"
REFERENCE = {"a a": 0.114000, "a b": 0.154942, "b a": 0.421175, "b b": 0.309883}
# One call of a fixture serves all draws: every call rewrites its file and reads all output.
DRAWN = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}


def law_of(invoke: Invoke, path: Path, prompt: str, steps: int) -> dict[str, float]:
    status, out, err = invoke("law", path, "--prompt", prompt, "--steps", steps, "--json")
    assert status == 0, err
    data = json.loads(out)
    assert data["format"] == "stinespring/law@1"
    return data["joint"]


def store(folder: Path, model: dict[str, Any]) -> Path:
    path = folder / "model.json"
    path.write_text(json.dumps(model), encoding="utf-8")
    return path


def table(tokens: list[str], context: int, law: list[list[float]]) -> dict[str, Any]:
    return {"format": "stinespring/table@1", "tokens": tokens, "context": context, "law": law}


def test_the_reference_values(invoke: Invoke) -> None:
    assert law_of(invoke, EXAMPLES / "two_tokens.json", "a b", 2) == pytest.approx(REFERENCE, abs=5e-7)


def test_without_json_a_person_can_read_it(invoke: Invoke) -> None:
    status, out, _ = invoke("law", EXAMPLES / "two_tokens.json", "--prompt", "a b", "--steps", 2)
    assert status == 0
    assert "0.421175" in out
    with pytest.raises(json.JSONDecodeError):
        json.loads(out)


@given(data=st.data(), model=st.one_of(strategies.attention_models(), strategies.table_models()), steps=st.integers(1, 3))
@settings(max_examples=60, **DRAWN)
def test_random_models(data: st.DataObject, model: dict, steps: int, invoke: Invoke, tmp_path: Path) -> None:
    prompt = data.draw(strategies.texts(model))
    assume(plain_laws.joint_margin(model, prompt, steps) > 1e-9)
    expected = plain_laws.joint(model, prompt, steps)
    found = law_of(invoke, store(tmp_path, model), " ".join(model["tokens"][t] for t in prompt), steps)
    for text in expected.keys() | found.keys():
        assert found.get(text, 0.0) == pytest.approx(expected.get(text, 0.0), abs=1e-11), text


def test_a_text_ends_with_its_stop_token(invoke: Invoke) -> None:
    model = json.loads((EXAMPLES / "stop_token.json").read_text(encoding="utf-8"))
    for block in model["blocks"]:
        block.setdefault("ffn", {"kind": "identity"})
    found = law_of(invoke, EXAMPLES / "stop_token.json", "on off", 3)
    assert found == pytest.approx(plain_laws.joint(model, [0, 1], 3), abs=1e-11)
    assert "." in found
    assert all("." not in text.split(" ")[:-1] for text in found)


@pytest.mark.parametrize("stop", ["x", "y", "z"])
def test_stop_tokens_with_any_number(stop: str, invoke: Invoke, tmp_path: Path) -> None:
    model = json.loads((EXAMPLES / "three_tokens.json").read_text(encoding="utf-8"))
    model["tokens"], model["stop"] = ["x", "y", "z"], stop
    prompt = [t for t in range(3) if model["tokens"][t] != stop]
    found = law_of(invoke, store(tmp_path, model), " ".join(model["tokens"][t] for t in prompt), 2)
    assert found == pytest.approx(plain_laws.joint(model, prompt, 2), abs=1e-11)


def test_the_earliest_token_of_a_context_is_most_significant(invoke: Invoke, tmp_path: Path) -> None:
    rows = [[1.0, 0.0, 0.0]] * 9
    rows[2 * 3 + 1] = [0.25, 0.0, 0.75]
    path = store(tmp_path, table(["a", "b", "c"], 2, rows))
    found = law_of(invoke, path, "a c b", 1)
    assert {text: p for text, p in found.items() if p} == {"a": 0.25, "c": 0.75}


def test_a_table_without_context_takes_an_empty_prompt(invoke: Invoke, tmp_path: Path) -> None:
    path = store(tmp_path, table(["a", "b"], 0, [[0.25, 0.75]]))
    assert law_of(invoke, path, "", 2) == pytest.approx({"a a": 0.0625, "a b": 0.1875, "b a": 0.1875, "b b": 0.5625})


def test_a_row_within_1e_9_is_normalised(invoke: Invoke, tmp_path: Path) -> None:
    found = law_of(invoke, store(tmp_path, table(["a", "b"], 0, [[0.5, 0.5 + 8e-10]])), "", 1)
    assert sum(found.values()) == pytest.approx(1.0, abs=1e-15)
    assert found["b"] == pytest.approx((0.5 + 8e-10) / (1 + 8e-10), abs=1e-15)


@pytest.mark.parametrize(
    "names",
    [
        ["{", "}", '"'],
        ["0", "1", "2"],
        ["東", "ü", "🜁"],
        ["null", "true", "NaN"],
        ["-1", "--json", "a,b"],
        ["\\", "[red]", "%s"],
    ],
)
def test_odd_token_names(names: list[str], invoke: Invoke, tmp_path: Path) -> None:
    path = store(tmp_path, table(names, 1, [[0.5, 0.25, 0.25]] * 3))
    found = law_of(invoke, path, f"{names[1]} {names[2]}", 1)
    assert found == dict(zip(names, [0.5, 0.25, 0.25], strict=True))
    status, out, _ = invoke("law", path, "--prompt", names[1], "--steps", 1)
    assert status == 0
    assert all(name in out or repr(name)[1:-1] in out for name in names)


def test_the_later_blocks_repeat_the_last(invoke: Invoke) -> None:
    model = json.loads((EXAMPLES / "two_tokens.json").read_text(encoding="utf-8"))
    found = law_of(invoke, EXAMPLES / "two_tokens.json", "b a", 4)
    assert found == pytest.approx(plain_laws.joint(model, [1, 0], 4), abs=1e-11)


def test_the_language_model_with_top_k(invoke: Invoke) -> None:
    pytest.importorskip("glassllm")
    laws = {}
    for temperature in ("1", "0.5"):
        status, out, err = invoke(
            *("law", "glassllm:en", "--prompt", "Alice was", "--steps", 1),
            *("--top-k", 3, "--temperature", temperature, "--json"),
        )
        assert status == 0, err
        laws[temperature] = json.loads(out)["joint"]
        assert len(laws[temperature]) == 3
        assert sum(laws[temperature].values()) == pytest.approx(1.0)
    # Halving the temperature squares the weights.
    squares = {text: p**2 for text, p in laws["1"].items()}
    expected = {text: p / sum(squares.values()) for text, p in squares.items()}
    assert laws["0.5"] == pytest.approx(expected, abs=1e-5)


def test_as_a_program_of_its_own() -> None:
    command = [sys.executable, "-c", "from stinespring.cli.main import main; main()"]
    arguments = ["law", str(EXAMPLES / "two_tokens.json"), "--prompt", "a b", "--steps", "2", "--json"]
    runs = [subprocess.run(command + arguments, capture_output=True, check=False) for _ in range(2)]
    assert [run.returncode for run in runs] == [0, 0]
    assert runs[0].stdout == runs[1].stdout
    assert json.loads(runs[0].stdout)["joint"] == pytest.approx(REFERENCE, abs=5e-7)


def test_token_names_beyond_the_terminals_encoding(tmp_path: Path) -> None:
    path = store(tmp_path, table(["東", "b"], 0, [[0.5, 0.5]]))
    command = [sys.executable, "-c", "from stinespring.cli.main import main; main()"]
    for tail in (["--json"], []):
        run = subprocess.run(
            [*command, "law", str(path), "--prompt", "", "--steps", "1", *tail],
            capture_output=True,
            check=False,
            env=os.environ | {"PYTHONIOENCODING": "ascii"},
        )
        assert run.returncode in (0, 2)
        assert b"Traceback" not in run.stderr


@pytest.mark.parametrize("verb", ["law", "compile", "run", "check"])
def test_help_and_version(verb: str, invoke: Invoke) -> None:
    status, out, _ = invoke(verb, "--help")
    assert status == 0
    assert "--prompt" in out
    status, out, _ = invoke("--version")
    assert status == 0
    assert out.strip()
