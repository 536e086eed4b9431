# SPDX-License-Identifier: Apache-2.0
"""`run` and `check`: verdicts, exit statuses, and what they print.

Sampled tests have a fixed seed and use alpha = 1e-6, so each is a false alarm with probability at most 1e-6 should the
stream of random numbers ever change. The tests of `check` use made-up counts and are exact.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from oracles import plain_laws

Invoke = Callable[..., tuple[int, str, str]]
EXAMPLES = Path(__file__).parents[2] / "examples"
TWO = EXAMPLES / "two_tokens.json"
LAW = plain_laws.joint(json.loads(TWO.read_text(encoding="utf-8")), [0, 1], 2) if TWO.is_file() else {}
CHECK_KEYS = {"verdict", "p_value", "tvd", "tvd_low", "tvd_high", "tvd_noise_floor", "resolution", "shots"}
COST_KEYS = {
    *("schedule", "extension", "phases", "qubits", "clbits", "two_qubit_gates", "two_qubit_depth", "depth"),
    *("mid_circuit_measurements", "conditions", "tvd_bound", "hash"),
}
STATUS = {"PASS": 0, "FAIL": 1, "UNVERIFIED": 3}


def sampled(invoke: Invoke, model: object, prompt: str, steps: int, *options: object) -> dict:
    """Run with alpha = 1e-6: must end with PASS."""
    arguments = [model, "--prompt", prompt, "--steps", steps, "--shots", 20_000, "--seed", 5, "--alpha", 1e-6]
    status, out, err = invoke("run", *arguments, *options, "--json")
    assert status in (0, 1, 3), err
    data = json.loads(out)
    assert (data["verdict"], status) == ("PASS", 0), data.get("reason")
    return data


def checked(invoke: Invoke, folder: Path, counts: dict[str, int], *options: object) -> dict:
    """Check made-up counts of two tokens after "a b"."""
    path = folder / "counts.json"
    path.write_text(json.dumps({"format": "stinespring/samples@1", "counts": counts}), encoding="utf-8")
    status, out, err = invoke("check", TWO, "--prompt", "a b", "--steps", 2, "--counts", path, *options, "--json")
    assert status in (0, 1, 3), err
    data = json.loads(out)
    assert status == STATUS[data["verdict"]]
    assert data.keys() >= CHECK_KEYS
    assert not data.keys() & {"seconds", "counts", "cost"}
    return data


def rounded(law: dict[str, float], shots: int) -> dict[str, int]:
    return {text: round(p * shots) for text, p in law.items()}


@pytest.mark.parametrize("backend", ["aer", "aer?method=matrix_product_state"])
@pytest.mark.parametrize("schedule", ["static", "stepwise", "auto"])
@pytest.mark.parametrize(
    ("name", "prompt", "steps"), [("two_tokens", "a b", 2), ("three_tokens", "sun rain", 1), ("stop_token", "on off", 2)]
)
def test_every_way_to_run_passes(name: str, prompt: str, steps: int, schedule: str, backend: str, invoke: Invoke) -> None:
    data = sampled(invoke, EXAMPLES / f"{name}.json", prompt, steps, "--schedule", schedule, "--backend", backend)
    assert data.keys() >= CHECK_KEYS | {"seconds", "counts", "cost"}
    assert data["cost"].keys() >= COST_KEYS
    assert data["shots"] == sum(data["counts"].values()) == 20_000
    assert data["tvd_low"] <= data["tvd"] <= data["tvd_high"]
    status, out, _ = invoke("law", EXAMPLES / f"{name}.json", "--prompt", prompt, "--steps", steps, "--json")
    joint = json.loads(out)["joint"]
    assert status == 0
    assert all(joint[text] > 0 for text in data["counts"])
    distance = sum(abs(joint[text] - data["counts"].get(text, 0) / 20_000) for text in joint) / 2
    assert data["tvd"] == pytest.approx(distance, abs=1e-9)


@pytest.mark.parametrize("options", [["--extension", "position"], ["--codes", "binary"], ["--tolerance", 0.01]])
def test_compile_options_reach_the_run(options: list, invoke: Invoke) -> None:
    data = sampled(invoke, TWO, "a b", 2, *options)
    assert data["cost"]["tvd_bound"] <= 0.01
    if "position" in options:
        assert data["cost"]["extension"] == "position"


def test_the_same_seed_gives_the_same_counts(invoke: Invoke) -> None:
    counts = []
    for seed in (3, 3, 4):
        arguments = ["--prompt", "a b", "--steps", 2, "--shots", 5000, "--seed", seed]
        _, out, _ = invoke("run", TWO, *arguments, "--json")
        counts.append(json.loads(out)["counts"])
    assert counts[0] == counts[1]
    # Two independent sets of four counts agree with probability below 1e-4; the seeds are fixed.
    assert counts[0] != counts[2]


@pytest.mark.parametrize("schedule", ["static", "stepwise"])
def test_neighbouring_seeds_are_independent(schedule: str, invoke: Invoke) -> None:
    # For independent streams the expected squared differences of counts are 2 N p (1 - p); shared shots would shrink
    # them. Ten pairs in four cells: the mean ratio is below 0.1 with probability far below 1e-6.
    runs = []
    for seed in range(11):
        arguments = ["--prompt", "a b", "--steps", 2, "--shots", 2000, "--seed", seed, "--schedule", schedule]
        _, out, _ = invoke("run", TWO, *arguments, "--json")
        runs.append(json.loads(out)["counts"])
    ratios = [
        (runs[i].get(text, 0) - runs[i + 1].get(text, 0)) ** 2 / (4000 * p * (1 - p))
        for i in range(10)
        for text, p in LAW.items()
    ]
    assert sum(ratios) / len(ratios) > 0.1


def test_too_few_shots_are_unverified(invoke: Invoke) -> None:
    # Ten shots cannot tell laws 0.05 apart, whatever is drawn; FAIL needs p < 1e-6.
    status, out, _ = invoke(
        *("run", TWO, "--prompt", "a b", "--steps", 2, "--shots", 10, "--seed", 1, "--alpha", 1e-6, "--json")
    )
    assert status == 3
    data = json.loads(out)
    assert data["verdict"] == "UNVERIFIED"
    assert data["resolution"] > 0.05


@pytest.mark.parametrize("shots", [20_000, 1_000_000])
def test_the_law_itself_passes(shots: int, invoke: Invoke, tmp_path: Path) -> None:
    data = checked(invoke, tmp_path, rounded(LAW, shots))
    assert data["verdict"] == "PASS"
    assert data["shots"] == pytest.approx(shots, abs=4)
    assert data["tvd"] <= 4 / shots
    assert data["tvd_low"] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(("gain", "loss"), [("a a", "b a"), ("b b", "a b"), ("b a", "b b")])
def test_a_distance_of_five_percent_fails(gain: str, loss: str, invoke: Invoke, tmp_path: Path) -> None:
    moved = dict(LAW) | {gain: LAW[gain] + 0.05, loss: LAW[loss] - 0.05}
    data = checked(invoke, tmp_path, rounded(moved, 20_000))
    assert data["verdict"] == "FAIL"
    assert data["tvd"] == pytest.approx(0.05, abs=2e-4)
    assert 0.0 < data["tvd_low"] <= 0.05 <= data["tvd_high"]
    assert data["p_value"] < 1e-3


def test_right_tokens_in_the_wrong_places_fail(invoke: Invoke, tmp_path: Path) -> None:
    # Both single-token laws are right, the correlation is not.
    first = {t: LAW[f"{t} a"] + LAW[f"{t} b"] for t in "ab"}
    second = {t: LAW[f"a {t}"] + LAW[f"b {t}"] for t in "ab"}
    product = {f"{s} {t}": first[s] * second[t] for s in "ab" for t in "ab"}
    assert max(abs(product[x] - LAW[x]) for x in LAW) > 0.02
    assert checked(invoke, tmp_path, rounded(product, 20_000))["verdict"] == "FAIL"


def test_few_counts_are_unverified(invoke: Invoke, tmp_path: Path) -> None:
    assert checked(invoke, tmp_path, rounded(LAW, 100))["verdict"] == "UNVERIFIED"


def test_a_coarse_resolution_is_easier_to_meet(invoke: Invoke, tmp_path: Path) -> None:
    counts = rounded(LAW, 1000)
    assert checked(invoke, tmp_path, counts, "--resolution", 0.02)["verdict"] == "UNVERIFIED"
    assert checked(invoke, tmp_path, counts, "--resolution", 0.2)["verdict"] == "PASS"


def test_alpha_decides(invoke: Invoke, tmp_path: Path) -> None:
    # About 2.6 standard deviations.
    moved = dict(LAW) | {"a a": LAW["a a"] + 0.006, "b a": LAW["b a"] - 0.006}
    counts = rounded(moved, 20_000)
    p_value = checked(invoke, tmp_path, counts)["p_value"]
    assert 1e-9 < p_value < 0.9
    assert checked(invoke, tmp_path, counts, "--alpha", min(0.99, p_value * 1.5))["verdict"] == "FAIL"
    assert checked(invoke, tmp_path, counts, "--alpha", p_value / 1.5)["verdict"] != "FAIL"


@pytest.mark.parametrize("shots", [50, 20_000])
def test_one_text_of_probability_zero_fails(shots: int, invoke: Invoke, tmp_path: Path) -> None:
    model = tmp_path / "model.json"
    rows = [[0.5, 0.5, 0.0]] * 3
    model.write_text(json.dumps({"format": "stinespring/table@1", "tokens": ["a", "b", "c"], "context": 1, "law": rows}))
    path = tmp_path / "counts.json"
    counts = {"a a": shots, "a b": shots, "b a": shots, "b b": shots, "b c": 1}
    path.write_text(json.dumps({"format": "stinespring/samples@1", "counts": counts}))
    status, out, _ = invoke("check", model, "--prompt", "a", "--steps", 2, "--counts", path, "--json")
    assert status == 1
    assert json.loads(out)["verdict"] == "FAIL"


@pytest.mark.parametrize("text", ["on", "on on on", ". on", "on . .", ""])
def test_texts_of_another_length_are_bad_input(text: str, invoke: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "counts.json"
    path.write_text(json.dumps({"format": "stinespring/samples@1", "counts": {".": 20, text: 5}}))
    status, out, err = invoke(
        *("check", EXAMPLES / "stop_token.json", "--prompt", "on off", "--steps", 2, "--counts", path, "--json")
    )
    assert (status, out) == (2, "")
    assert 0 < len(err.strip().splitlines()) <= 12


def test_the_counts_of_a_run_can_be_checked(invoke: Invoke, tmp_path: Path) -> None:
    data = sampled(invoke, TWO, "a b", 2)
    again = checked(invoke, tmp_path, data["counts"], "--alpha", 1e-6)
    assert {key: again[key] for key in CHECK_KEYS} == {key: data[key] for key in CHECK_KEYS}


def test_a_deterministic_model(invoke: Invoke, tmp_path: Path) -> None:
    model = tmp_path / "model.json"
    rows = [[0.0, 1.0], [1.0, 0.0]]
    model.write_text(json.dumps({"format": "stinespring/table@1", "tokens": ["a", "b"], "context": 1, "law": rows}))
    for schedule in ("static", "stepwise"):
        data = sampled(invoke, model, "a", 3, "--schedule", schedule)
        assert data["counts"] == {"b a b": 20_000}
        assert data["tvd"] == 0.0


def test_the_language_model(invoke: Invoke) -> None:
    pytest.importorskip("glassllm")
    for schedule in ("static", "stepwise"):
        sampled(invoke, "glassllm:en", "Alice was", 2, "--top-k", 2, "--schedule", schedule)


@pytest.mark.parametrize(("suffix", "magic"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_a_plot(suffix: str, magic: bytes, invoke: Invoke, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    sampled(invoke, TWO, "a b", 2, "--plot", tmp_path / f"figure.{suffix}")
    assert [file.name for file in tmp_path.iterdir()] == [f"figure.{suffix}"]
    assert (tmp_path / f"figure.{suffix}").read_bytes().startswith(magic)


def test_without_json_the_verdict_is_said(invoke: Invoke) -> None:
    status, out, err = invoke(*("run", TWO, "--prompt", "a b", "--steps", 2, "--shots", 20_000, "--seed", 5, "--alpha", 1e-6))
    assert status == 0
    assert "PASS" in out + err
