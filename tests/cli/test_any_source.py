# SPDX-License-Identifier: Apache-2.0
"""The verbs that take a source of any kind: whose an option is, what is missing, and counts files of every kind.

Counts are made up and exact, or sampled with a fixed seed at alpha = 1e-6.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stinespring.cli.options import COMPILE

EXAMPLES = Path(__file__).parents[2] / "examples"
SURE = ("--alpha", 1e-6, "--resolution", 0.3)
TEXTS = {"format": "stinespring/table@1", "tokens": ["a", "b"], "context": 1, "law": [[0.25, 0.75], [0.5, 0.5]]}
SPINS = {
    "format": "stinespring/spins@1", "eps": 0.1, "gamma": 2, "beta": 0.0,
    "features": {"q": [[1, -1]], "k": [[1, 1]], "v": [[-1, 1]], "o": [[1, -1]]},
    "position_features": {"q": [[1]], "k": [[1]], "v": [[-1]], "o": [[-1]]},
    "repeat": 1, "time": 0, "window": [[1, -1], [1, 1]],
}  # fmt: skip
SPHERE = {"format": "stinespring/sphere@1", "particles": [[1.0, 0.0], [0.0, 1.0]], "beta": 1.0, "normalise": "SA", "step": 0.3}
KINDS = {
    "texts": ("texts.json", ["--prompt", "a", "--steps", 1]),
    "lens": ("glassllm:en", ["--prompt", "Alice", "--lens", "logit"]),
    "sphere": ("sphere.json", ["--particle", 0]),
    "spins": ("spins.json", ["--steps", 1]),
    "channel": ("damping.npz", []),
}
VALUES = {
    "prompt": "a", "steps": 1, "input_state": "x.json", "level": 3, "top_k": 2, "temperature": 0.5, "upto": 0, "time": 0.5,
    "particle": 0, "layers": 2, "test": "swap", "amplify": 1, "schedule": "dynamic", "extension": "position", "input": "known",
    "codes": "binary", "phases": "exact", "tolerance": 0.01, "effort": 0, "max_qubits": 9, "max_two_qubit_gates": 9,
    "max_conditions": 9, "feed_forward": "all", "attention": "table", "simplify": "none", "form": "tree", "settings": 3,
    "ancilla": "none", "memory": "classical", "top_p": 0.5, "token_qubits": 3, "spare": "detect",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a small source of every kind, in which the commands run."""
    for name, content in (("texts.json", TEXTS), ("spins.json", SPINS), ("sphere.json", SPHERE)):
        (tmp_path / name).write_text(json.dumps(content))
    (tmp_path / "x.json").write_text("{}")  # an input state, which nothing reads
    (tmp_path / "damping.npz").write_bytes((EXAMPLES / "amplitude_damping.npz").read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STINESPRING_HOME", str(tmp_path / "ledger"))
    return tmp_path


def counts_file(folder, counts, **more):
    path = folder / "counts.json"
    path.write_text(json.dumps({"format": "stinespring/samples@1", "counts": counts, **more}))
    return path


FOREIGN = [
    (kind, option) for kind in KINDS for option, (_, _, kinds) in COMPILE.items() if kind not in kinds and option != "lens"
]


@pytest.mark.parametrize(("kind", "option"), FOREIGN)
def test_an_option_of_another_kind_is_refused(kind, option, folder, invoke):
    name, what = KINDS[kind]
    word = f"--{option.replace('_', '-')}"
    given = [word] if option == "every_point" else [word, VALUES[option]]
    status, out, err = invoke("compile", name, *what, *given)
    assert (status, out) == (2, "") and f"{word} belongs to " in err and len(err.splitlines()) <= 4


@pytest.mark.parametrize(
    ("source", "missing"),
    [
        ("texts.json --prompt a", "--steps"),
        ("spins.json", "--steps"),
        ("sphere.json", "--particle"),
        ("glassllm:en --lens logit", "--prompt"),
    ],
)
@pytest.mark.parametrize("verb", ["compile", "run", "estimate", "submit --yes", "check --counts counts.json"])
def test_what_is_missing_is_said(verb, source, missing, folder, invoke):
    counts_file(folder, {"a": 3})
    word, *options = verb.split()
    status, out, err = invoke(word, *source.split(), *options)
    assert (status, out) == (2, "") and f"needs {missing}" in err and len(err.splitlines()) <= 4


def test_words_of_the_sphere_are_read(folder, invoke):
    for given, said in (
        (["--test", "foo"], "hadamard or swap"),
        (["--particle", 0, "--amplify", "x"], "auto"),
        (["--particle", 9], "0 to 1"),
    ):
        status, _, err = invoke("compile", "sphere.json", *given)
        assert status == 2 and said in err
    status, _, err = invoke("sphere", "overlaps", "sphere.json", "--test", "foo")
    assert status == 2 and "hadamard or swap" in err


def test_positions_that_no_template_has_are_refused(folder, invoke):
    two, stepwise = EXAMPLES / "two_tokens.json", ["--steps", 2, "--extension", "position", "--schedule", "stepwise"]
    state = ["--input-state", EXAMPLES / "superposition.json", "--input", "known"]
    for given in (["--prompt", "a b", "--tolerance", 0.01], state, ["--prompt", "a b", "--level", 3, "--input", "known"]):
        status, _, err = invoke("compile", two, *stepwise, *given)
        assert status == 2 and "attended positions" in err, given
    assert invoke("compile", two, *stepwise, "--prompt", "a b")[0] == 0
    assert invoke("compile", "texts.json", "--prompt", "a", *stepwise)[0] == 2


HALF = {  # by hand: counts that have the law exactly, and counts that do not
    "texts": ({"a": 2500, "b": 7500}, {"a": 7500, "b": 2500}),
    "spins": ({"++": 2500, "+-": 2500, "-+": 2500, "--": 2500}, {"++": 5000, "+-": 100, "-+": 100, "--": 4800}),
    "overlaps": ([{"a=0": 5000, "a=1": 5000}], [{"a=0": 10_000}]),
    "channel": ([{"probe=0": 9000}, {"probe=0": 4500, "probe=1": 4500}], [{"probe=1": 9000}, {"probe=0": 9000}]),
}


@pytest.mark.parametrize("kind", HALF)
def test_counts_by_hand(kind, folder, invoke):
    """Spins at beta 0 are coins, overlaps of orthogonal particles are 0, |0> stays under damping."""
    right, wrong = HALF[kind]
    name, what = ("sphere.json", ["--test", "hadamard"]) if kind == "overlaps" else KINDS[kind]
    asked = {"asked": {"settings": [[[0], [0]], [[0], [1]]]}} if kind == "channel" else {}
    for counts, expected in ((right, "PASS"), (wrong, "FAIL")):
        status, out, err = invoke("check", name, *what, "--counts", counts_file(folder, counts, **asked), *SURE, "--json")
        found = json.loads(out)
        assert (status, found["verdict"]) == ({"PASS": 0, "FAIL": 1}[expected], expected), (err, found["reason"])
        assert {"p_value", "tvd", "tvd_low", "tvd_high", "tvd_noise_floor", "resolution", "shots"} <= set(found)


UNREADABLE = [None, 3, [], {"points": [1]}, {"settings": []}, {"settings": "x"}, {"settings": [[0]]}]
BEYOND = [{"settings": [[[9], [0]]]}, {"settings": [[[0], [3]]]}, {"settings": [[[0, 1], [0]]]}]


@pytest.mark.parametrize("asked", [*UNREADABLE, *BEYOND])
def test_settings_that_cannot_be_read(asked, folder, invoke):
    more = {} if asked is None else {"asked": asked}
    status, out, err = invoke("check", "damping.npz", "--counts", counts_file(folder, [{"probe=0": 100}], **more))
    assert (status, out) == (2, "") and "Traceback" not in err


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_run_exports_can_be_checked(kind, folder, invoke):
    name, what = KINDS[kind]
    if kind == "lens":
        pytest.importorskip("glassllm")
        what = [*what, "--upto", 1, "--simplify", "state"]
    status, out, err = invoke("submit", name, *what, "--shots", 4000, "--seed", 3, "--backend", "aer", "--yes", "--json")
    assert status == 0 and json.loads(out)["state"] == "done", err
    status, out, _ = invoke("fetch", "latest", *SURE, "--json")
    fetched = json.loads(out)
    assert status == 0 and fetched["verdict"] == "PASS"
    assert invoke("export", "latest", "-o", "out.json", "--json")[0] == 0
    exported = json.loads((folder / "out.json").read_text())
    assert exported["counts"] == fetched["counts"] and exported["asked"]
    asked = what[:4] if kind == "lens" else what  # the file says at which point
    status, out, err = invoke("check", name, *asked, "--counts", "out.json", *SURE, "--json")
    found = json.loads(out)
    assert (status, found["verdict"], found["p_value"]) == (0, "PASS", fetched["p_value"]), err


def test_shots_of_a_channel_reach_every_setting(folder, invoke):
    for given, said in (
        (["--shots", 3, "--settings", 5], "fewer shots than settings"),
        (["--settings", 0], "settings must be"),
    ):
        status, _, err = invoke("run", "damping.npz", "--effort", 0, *given)
        assert status == 2 and said in err


def test_each_circuit_has_its_own_cost(folder, invoke):
    ran = ["--shots", 500, "--seed", 1, *SURE, "--json"]
    _, out, _ = invoke("sphere", "sample", "sphere.json", *ran)
    circuits = json.loads(out)["circuits"]
    assert len(circuits) == 4 and all(c["qubits"] >= 2 and c["two_qubit_gates"] > 0 for c in circuits)
    pytest.importorskip("glassllm")
    _, out, _ = invoke("lens", "run", "glassllm:en", "--prompt", "Alice", "--every-point", "--simplify", "state", *ran)
    points = json.loads(out)["points"]
    assert [p["point"] for p in points] == [p["cost"]["point"] for p in points] == list(range(len(points)))
    assert points[0]["cost"]["layer"] is None and points[-1]["cost"]["after"] == "mlp"
