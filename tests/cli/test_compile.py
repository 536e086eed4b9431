# SPDX-License-Identifier: Apache-2.0
"""Exported programs, run by an independent interpreter, against plain laws. All tests are exact: nothing is sampled."""

from __future__ import annotations

import itertools
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import strategies
from oracles import plain_laws, qasm_runner
from oracles.decoding import read_registers, read_text

Invoke = Callable[..., tuple[int, str, str]]
Model = dict[str, Any]
EXAMPLES = Path(__file__).parents[2] / "examples"
KEYS = {
    *("schedule", "extension", "phases", "qubits", "clbits", "two_qubit_gates", "two_qubit_depth", "depth"),
    *("mid_circuit_measurements", "conditions", "tvd_bound", "seconds", "hash"),
}
DRAWN = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}


def example(name: str) -> Model:
    model = json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    for block in model["blocks"]:
        block.setdefault("ffn", {"kind": "identity"})
    return model


def export(invoke: Invoke, folder: Path, model: Model, prompt: list[int], steps: int, *options: object) -> tuple[Path, dict]:
    """Compile a model in `folder`: the exported path and the printed object."""
    source, target = folder / "model.json", folder / "program.qasm"
    source.write_text(json.dumps(model), encoding="utf-8")
    if target.is_dir():
        shutil.rmtree(target)
    text = " ".join(model["tokens"][t] for t in prompt)
    status, out, err = invoke("compile", source, "--prompt", text, "--steps", steps, *options, "-o", target, "--json")
    assert status == 0, err
    return target, json.loads(out)


def decoded(path: Path, steps: int, initial: dict | None = None) -> dict[str, float]:
    """Law of the texts of a one-circuit program, read through its decode tables."""
    decode = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["decode"]
    names = read_registers(decode, steps)
    law: dict[str, float] = {}
    for values, p in qasm_runner.distribution(path.read_text(encoding="utf-8"), names, initial).items():
        tokens = read_text(decode, names, values)
        if tokens is None:
            assert p < 1e-12
            continue
        kept = list(itertools.takewhile(lambda token: token is not None, tokens))
        assert tokens[len(kept) :] == [None] * (len(tokens) - len(kept))
        law[" ".join(kept)] = law.get(" ".join(kept), 0.0) + p
    return law


def decoded_stepwise(folder: Path, steps: int, stop: str | None) -> dict[str, float]:
    """Law of the texts of a stepwise program: templates bound for each prefix."""
    prefixes = json.loads((folder / "angles.json").read_text(encoding="utf-8"))["prefixes"]
    law: dict[str, float] = {}

    def extend(text: list[str], probability: float) -> None:
        if len(text) == steps or (text and text[-1] == stop):
            law[" ".join(text)] = probability
            return
        entry = prefixes[" ".join(text)]
        qasm = (folder / entry["template"]).read_text(encoding="utf-8")
        inputs = re.findall(r"input float\[64\] (\w+);\n", qasm)
        assert len(inputs) == len(entry["angles"])
        qasm = re.sub(r"input float\[64\] \w+;\n", "", qasm)
        for name, angle in zip(inputs, entry["angles"], strict=True):
            qasm = re.sub(rf"\b{name}\b", repr(angle), qasm)
        for (value,), p in qasm_runner.distribution(qasm, [f"t{len(text) + 1}"]).items():
            extend([*text, entry["decode"][str(value)]], probability * p)

    extend([], 1.0)
    return law


def assert_same_law(found: dict[str, float], expected: dict[str, float], allowed: float = 1e-10) -> None:
    for text in found.keys() | expected.keys():
        assert found.get(text, 0.0) == pytest.approx(expected.get(text, 0.0), abs=allowed), text


def check_cost(path: Path, cost: dict) -> None:
    qasm = path.read_text(encoding="utf-8")
    quantum, classical = qasm_runner.registers(qasm)
    assert cost["qubits"] == sum(quantum.values())
    assert cost["clbits"] == sum(classical.values())
    assert cost["two_qubit_gates"] == qasm_runner.two_qubit_gates(qasm)
    assert cost["mid_circuit_measurements"] == cost["conditions"] == 0
    assert not re.search(r"\bif\b", qasm)


@pytest.mark.parametrize("codes", ["free", "binary"])
@pytest.mark.parametrize("schedule", ["static", "stepwise", "auto"])
@given(data=st.data(), model=st.one_of(strategies.attention_models(), strategies.table_models()), steps=st.integers(1, 2))
@settings(max_examples=8, **DRAWN)
def test_random_models(
    data: st.DataObject, model: Model, steps: int, schedule: str, codes: str, invoke: Invoke, tmp_path: Path
) -> None:
    prompt = data.draw(strategies.texts(model))
    assume(plain_laws.joint_margin(model, prompt, steps) > 1e-9)
    path, cost = export(invoke, tmp_path, model, prompt, steps, "--schedule", schedule, "--codes", codes)
    assert cost.keys() >= KEYS
    assert cost["schedule"] == schedule or schedule == "auto"
    if path.is_dir():
        assert cost["schedule"] == "stepwise"
        found = decoded_stepwise(path, steps, model.get("stop"))
    else:
        found = decoded(path, steps)
        check_cost(path, cost)
    assert_same_law(found, plain_laws.joint(model, prompt, steps))


@given(data=st.data(), model=strategies.attention_models(max_heads=2), codes=st.sampled_from(["free", "binary"]))
@settings(max_examples=12, **DRAWN)
def test_the_attended_positions(data: st.DataObject, model: Model, codes: str, invoke: Invoke, tmp_path: Path) -> None:
    prompt = data.draw(strategies.texts(model))
    assume(plain_laws.joint_margin(model, prompt, 2) > 1e-9)
    options = ("--extension", "position", "--schedule", "static", "--codes", codes, "--effort", 0)
    path, cost = export(invoke, tmp_path, model, prompt, 2, *options)
    assert cost["extension"] == "position"
    check_cost(path, cost)
    assert_same_law(decoded(path, 2), plain_laws.joint(model, prompt, 2))
    heads = plain_laws.attention(model, 0, prompt)
    names = ["e1"] if len(heads) == 1 else [f"e1_{h}" for h in range(1, len(heads) + 1)]
    found = qasm_runner.distribution(path.read_text(encoding="utf-8"), names)
    for choice in itertools.product(range(len(prompt)), repeat=len(heads)):
        expected = np.prod([heads[h][j] for h, j in enumerate(choice)])
        assert found.get(choice, 0.0) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("extension", ["token", "position"])
@given(data=st.data(), model=strategies.attention_models(max_tokens=3, max_heads=2, min_tokens=2))
@settings(max_examples=6, **DRAWN)
def test_a_quantum_prompt(data: st.DataObject, model: Model, extension: str, invoke: Invoke, tmp_path: Path) -> None:
    n = data.draw(st.integers(1, 2))
    allowed = [t for t, name in enumerate(model["tokens"]) if name != model["stop"]]
    prompts = list(itertools.product(allowed, repeat=n))
    assume(min(plain_laws.joint_margin(model, list(p), 2) for p in prompts) > 1e-9)
    path, cost = export(
        *(invoke, tmp_path, model, list(prompts[0]), 2),
        *("--input", "quantum", "--schedule", "static", "--extension", extension),
    )
    check_cost(path, cost)
    width = (len(model["tokens"]) - 1).bit_length()
    quantum, classical = qasm_runner.registers(path.read_text(encoding="utf-8"))
    inputs = [f"p{i}" for i in range(1, n + 1)]
    assert [quantum[name] for name in inputs] == [width] * n
    assert not classical.keys() & set(inputs)
    laws = {p: plain_laws.joint(model, list(p), 2) for p in prompts}
    for p in prompts:
        assert_same_law(decoded(path, 2, dict(zip(inputs, p, strict=True))), laws[p])
    # The prompt is only controlled on, so a superposition of texts gives the mixture of their laws.
    rng = np.random.default_rng(data.draw(strategies.seeds()))
    state = np.zeros((n, 2**width), dtype=complex)
    state[:, allowed] = rng.normal(size=(n, len(allowed))) + 1j * rng.normal(size=(n, len(allowed)))
    state /= np.linalg.norm(state, axis=1, keepdims=True)
    mixture: dict[str, float] = {}
    for p in prompts:
        weight = float(np.prod([abs(state[i, token]) ** 2 for i, token in enumerate(p)]))
        for text, probability in laws[p].items():
            mixture[text] = mixture.get(text, 0.0) + weight * probability
    assert_same_law(decoded(path, 2, dict(zip(inputs, state, strict=True))), mixture)


@pytest.mark.parametrize("codes", ["free", "binary"])
def test_a_quantum_prompt_of_no_tokens(codes: str, invoke: Invoke, tmp_path: Path) -> None:
    model = {"format": "stinespring/table@1", "tokens": ["a", "b"], "context": 0, "law": [[0.25, 0.75]]}
    path, _ = export(invoke, tmp_path, model, [], 1, "--input", "quantum", "--schedule", "static", "--codes", codes)
    assert_same_law(decoded(path, 1), {"a": 0.25, "b": 0.75})


@pytest.mark.parametrize("name", ["two_tokens", "three_tokens", "stop_token"])
@pytest.mark.parametrize("schedule", ["static", "stepwise"])
def test_the_same_program_gives_the_same_bytes(name: str, schedule: str, invoke: Invoke, tmp_path: Path) -> None:
    runs = []
    for folder in (tmp_path / "first", tmp_path / "second"):
        folder.mkdir()
        path, cost = export(invoke, folder, example(name), [0, 1], 2, "--schedule", schedule)
        files = sorted(path.iterdir()) if path.is_dir() else [path, path.with_suffix(".json")]
        runs.append(({file.name: file.read_bytes() for file in files}, cost["hash"]))
        # Nothing temporary stays behind.
        assert {f.name for f in folder.iterdir()} <= {"model.json", "program.qasm", "program.json"}
    assert runs[0] == runs[1]


def test_the_vacuum_decodes_to_null_and_plain_codes_are_numbers(invoke: Invoke, tmp_path: Path) -> None:
    model = example("stop_token")
    path, _ = export(invoke, tmp_path, model, [0, 1], 3, "--schedule", "static", "--codes", "binary")
    metadata = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert metadata["format"] == "stinespring/program@1"
    decode = metadata["decode"]
    assert list(decode) == ["t1", "t2", "t3"]
    assert None not in decode["t1"].values()
    assert None in decode["t2"].values()
    for register in decode.values():
        assert all(name is None or model["tokens"][int(code)] == name for code, name in register.items())
    assert_same_law(decoded(path, 3), plain_laws.joint(model, [0, 1], 3))


def test_the_hash_names_the_program(invoke: Invoke, tmp_path: Path) -> None:
    variants = [("a b", 2, "token"), ("b a", 2, "token"), ("a b", 3, "token"), ("a b", 2, "position")]
    hashes = []
    for prompt, steps, extension in variants:
        source = EXAMPLES / "two_tokens.json"
        status, out, _ = invoke("compile", source, "--prompt", prompt, "--steps", steps, "--extension", extension, "--json")
        assert status == 0
        hashes.append(json.loads(out)["hash"])
    assert len(set(hashes)) == len(variants)


@pytest.mark.parametrize("tolerance", [0.0, 0.01, 0.2])
@given(data=st.data(), model=strategies.table_models(min_tokens=3))
@settings(max_examples=6, **DRAWN)
def test_tolerance_bounds_the_distance(
    data: st.DataObject, model: Model, tolerance: float, invoke: Invoke, tmp_path: Path
) -> None:
    prompt = data.draw(strategies.texts(model))
    path, cost = export(invoke, tmp_path, model, prompt, 2, "--schedule", "static", "--tolerance", tolerance)
    found, expected = decoded(path, 2), plain_laws.joint(model, prompt, 2)
    distance = sum(abs(found.get(t, 0.0) - expected.get(t, 0.0)) for t in found.keys() | expected.keys()) / 2
    assert distance <= cost["tvd_bound"] + 1e-10
    assert cost["tvd_bound"] <= tolerance


def test_the_language_model_compiles_to_its_own_law(invoke: Invoke, tmp_path: Path) -> None:
    pytest.importorskip("glassllm")
    common = ["glassllm:pt", "--prompt", "O dia", "--steps", 2, "--top-k", 3, "--json"]
    status, out, err = invoke("law", *common)
    assert status == 0, err
    path = tmp_path / "program.qasm"
    status, _, err = invoke("compile", *common, "--schedule", "static", "-o", path)
    assert status == 0, err
    assert_same_law(decoded(path, 2), json.loads(out)["joint"], 1e-8)


def test_the_model_file_is_not_overwritten_by_the_decode_tables(invoke: Invoke, tmp_path: Path) -> None:
    model = tmp_path / "program.json"
    shutil.copyfile(EXAMPLES / "two_tokens.json", model)
    before = model.read_bytes()
    status, _, err = invoke("compile", model, "--prompt", "a b", "--steps", 2, "-o", tmp_path / "program.qasm", "--json")
    assert model.read_bytes() == before
    assert status == 2
    assert 0 < len(err.strip().splitlines()) <= 12
