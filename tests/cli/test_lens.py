# SPDX-License-Identifier: Apache-2.0
"""`lens` and its verbs as commands, as the formats state them."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import stinespring
from oracles.qasm_runner import distribution, registers
from stinespring.cli import main

PROMPT = ("--prompt", "Alice was beginning to")
COMPILE_KEYS = {
    "schedule", "extension", "phases", "qubits", "clbits", "two_qubit_gates", "two_qubit_depth", "depth",
    "mid_circuit_measurements", "conditions", "tvd_bound", "seconds", "hash",
}  # fmt: skip


def test_states_of_a_prompt(invoke, tmp_path):
    full, figure = tmp_path / "full.npz", tmp_path / "states.png"
    status, out, err = invoke("lens", "glassllm:en", *PROMPT, "--full", full, "--plot", figure, "--json")
    assert (status, err) == (0, f"wrote {full}\nwrote {figure}\n")
    data = json.loads(out)
    places = [(p["after"], p["layer"]) for p in data["points"]]
    assert places == [("embedding", None), *((part, i) for i in range(4) for part in ("attention", "mlp"))]
    psi = np.load(full)["psi"]
    assert psi.shape == (9, 1024) and psi.dtype == np.float64
    model = stinespring.load("glassllm:en")
    own = model.law(1, model.encode(PROMPT[1])[None, :])[0]
    np.testing.assert_allclose(psi[-1] ** 2, own, atol=1e-14)
    for number, point in enumerate(data["points"]):
        p = psi[number] ** 2
        assert point["entropy"] == pytest.approx(-np.sum(p * np.log(p)), abs=1e-9)
        assert [t["id"] for t in point["top"]] == np.argsort(-p)[:5].tolist()
        assert [t["p"] for t in point["top"]] == pytest.approx(np.sort(p)[:-6:-1].tolist(), abs=1e-12)
        assert all(t["token"] == model.tokens[t["id"]] for t in point["top"])
    for number, found in enumerate(data["operators"]):
        before, after = psi[number : number + 2]
        delta = after - before
        assert (found["part"], found["layer"]) == places[number + 1]
        assert found["overlap"] == pytest.approx(before @ after, abs=1e-13)
        assert found["norm_delta_psi"] == pytest.approx(np.linalg.norm(delta), abs=1e-13)
        assert found["v_dot_psi_in"] == pytest.approx(delta @ before / np.linalg.norm(delta), abs=1e-10)
    assert data["floor_U"] == 1 - 4 / 1024
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_states_for_people(invoke):
    status, out, _ = invoke("lens", "glassllm:pt", "--prompt", "O menino")
    assert status == 0
    assert "embedding" in out and "mlp 3" in out and "0.996094" in out


def test_compile_and_export(invoke, tmp_path):
    path = tmp_path / "p.qasm"
    status, out, _ = invoke("lens", "compile", "glassllm:pt", "--prompt", "O menino", "--upto", 0, "-o", path, "--json")
    assert status == 0
    report = json.loads(out)
    assert set(report) >= COMPILE_KEYS
    qasm, content = path.read_text(), json.loads(path.with_suffix(".json").read_text())
    assert registers(qasm) == ({"q_t1": 10}, {"t1": 10})
    model = stinespring.load("glassllm:pt")
    assert content["decode"]["t1"] == {str(i): token for i, token in enumerate(model.tokens)}
    status, out, _ = invoke("lens", "glassllm:pt", "--prompt", "O menino", "--json")
    top = json.loads(out)["points"][0]["top"]
    found = distribution(qasm, ["t1"])
    for entry in top:
        assert found[entry["id"],] == pytest.approx(entry["p"], abs=1e-11)


def test_compile_one_operator(invoke, tmp_path):
    path = tmp_path / "x.qasm"
    status, out, _ = invoke("lens", "compile", "glassllm:en", *PROMPT, "--operator", 3, "-o", path, "--json")
    assert status == 0
    report = json.loads(out)
    assert report["two_qubit_gates"] <= 1394
    assert (report["qubits"], report["clbits"], report["ancilla"]) == (11, 0, "clean")
    lines = re.findall(r"^(?:qu)?bit.*", path.read_text(), flags=re.MULTILINE)
    assert lines == ["qubit[10] x;", "qubit[1] clean;"]
    status, out, _ = invoke("lens", "compile", "glassllm:en", *PROMPT, "--operator", 3, "--time", 0.5, "--ancilla", "none")
    assert status == 0 and "10 qubits, 1,410" in out
    status, _, err = invoke("lens", "compile", "glassllm:en", *PROMPT, "--operator", 3, "--ancilla", "dirty")
    assert status == 2 and "auto, none, clean" in err


def test_simplify_state_says_so(invoke):
    status, out, _ = invoke("lens", "compile", "glassllm:en", *PROMPT, "--simplify", "state", "--json")
    report = json.loads(out)
    assert report["simplify"] == "state" and "known state" in report["method"]
    assert report["two_qubit_gates"] <= 560


def test_run(invoke):
    status, out, _ = invoke("lens", "run", "glassllm:en", *PROMPT, "--seed", 1, "--alpha", 1e-6, "--json")
    report = json.loads(out)
    assert (status, report["verdict"]) == (0, "PASS")  # false-alarm rate 1e-6
    assert set(report) >= {
        "p_value",
        "tvd",
        "tvd_low",
        "tvd_high",
        "tvd_noise_floor",
        "resolution",
        "shots",
        "seconds",
        "counts",
    }
    assert sum(report["counts"].values()) == report["shots"] == 100_000
    status, out, _ = invoke(
        "lens", "run", "glassllm:en", *PROMPT, "--upto", 1, "--shots", 200, "--seed", 1, "--resolution", 1e-3
    )
    assert status == 3 and "UNVERIFIED" in out


def test_run_at_every_point(invoke):
    arguments = ("--every-point", "--simplify", "state", "--shots", 20_000, "--seed", 2, "--alpha", 1e-6, "--resolution", 0.2)
    status, out, _ = invoke("lens", "run", "glassllm:en", *PROMPT, *arguments, "--json")
    report = json.loads(out)
    assert (status, report["verdict"], len(report["points"])) == (0, "PASS", 9)
    status, out, _ = invoke("lens", "run", "glassllm:en", *PROMPT, *arguments)
    assert (status, out.count("PASS")) == (0, 10)


def test_train_then_look_then_study(invoke, tmp_path):
    lens, prompts, figure = tmp_path / "lens.safetensors", tmp_path / "prompts.txt", tmp_path / "study.svg"
    texts = tmp_path / "texts.txt"
    texts.write_text("Alice was not a bit hurt, and she jumped up on to her feet in a moment\n" * 4, encoding="utf-8")
    status, out, _ = invoke(
        "lens", "train", "glassllm:en", "--texts", texts, "--positions", 60, "--steps", 8, "-o", lens, "--json"
    )
    assert status == 0
    rows = json.loads(out)["points"]
    assert rows[0]["kl_tuned"] < rows[0]["kl_logit"] and rows[-1]["kl_tuned"] == 0.0
    status, out, _ = invoke("lens", "glassllm:en", *PROMPT, "--lens", f"tuned:{lens}", "--json")
    assert status == 0 and json.loads(out)["lens"].startswith("tuned:")
    prompts.write_text("Alice was\r\n\nThe Queen said\nOh dear\n", encoding="utf-8")
    arguments = ("glassllm:en", "--prompts", prompts, "--permutations", 19, "--lens", f"tuned:{lens}")
    status, out, _ = invoke("lens", "study", *arguments, "--plot", figure, "--json")
    assert status == 0
    report = json.loads(out)
    assert report["prompts"] == 3 and len(report["operators"]) == 8 and len(report["distance_correlation"]) == 4
    wanted = {"layer", "part", "mean_cos_U", "floor_U", "mean_cos_H", "norm_mean_delta_psi", "p_value_H"}
    assert all(set(operator) >= wanted for operator in report["operators"])
    assert [t["prompt"] for t in report["trajectories"]] == ["Alice was", "The Queen said", "Oh dear"]
    assert "<svg" in figure.read_text()
    status, out, _ = invoke("lens", "study", *arguments)
    assert status == 0 and "1 - 4/V" in out
    status, out, err = invoke("lens", "glassllm:pt", "--prompt", "O", "--lens", f"tuned:{lens}")
    assert (status, out) == (2, "") and "another model" in err


BAD = [
    ("lens", "glassllm:en"),
    ("lens", "glassllm:xx", "--prompt", "a"),
    ("lens", "examples/two_tokens.json", "--prompt", "a"),
    ("lens", "glassllm:en", "--prompt", ""),
    ("lens", "glassllm:en", "--prompt", "漢"),
    ("lens", "glassllm:en", "--prompt", "a", "--lens", "affine"),
    ("lens", "glassllm:en", "--prompt", "a", "--lens", "tuned:missing"),
    ("lens", "glassllm:en", "--prompt", "a", "--plot", "figure.gif"),
    ("lens", "glassllm:en", "--prompt", "a", "--full", "nowhere/full.npz"),
    ("lens", "compile", "glassllm:en"),
    ("lens", "compile", "glassllm:en", "--prompt", "a", "--upto", 9),
    ("lens", "compile", "glassllm:en", "--prompt", "a", "--upto", -1),
    ("lens", "compile", "glassllm:en", "--prompt", "a", "--upto", "last"),
    ("lens", "compile", "glassllm:en", "--prompt", "a", "--operator", 0),
    ("lens", "compile", "glassllm:en", "--prompt", "a", "--operator", 1, "--upto", 1),
    ("lens", "compile", "glassllm:en", "--prompt", "a", "--operator", 1, "--simplify", "state"),
    ("lens", "compile", "glassllm:en", "--prompt", "a", "--simplify", "everything"),
    ("lens", "compile", "glassllm:en", "--prompt", "a", "--time", "nan"),
    ("lens", "compile", "glassllm:en", "--prompt", "a", "-o", "nowhere/x.qasm"),
    ("lens", "run", "glassllm:en", "--prompt", "a", "--shots", 0),
    ("lens", "run", "glassllm:en", "--prompt", "a", "--backend", "nothing"),
    ("lens", "run", "glassllm:en", "--prompt", "a", "--every-point", "--upto", 1),
    ("lens", "run", "glassllm:en", "--prompt", "a", "--upto", 0, "--alpha", 2),
    ("lens", "study", "glassllm:en"),
    ("lens", "study", "glassllm:en", "--prompts", "missing.txt"),
    ("lens", "study", "glassllm:en", "--prompts", "one.txt"),
    ("lens", "study", "glassllm:en", "--prompts", "blank.txt"),
    ("lens", "study", "glassllm:en", "--prompts", "strange.txt"),
    ("lens", "study", "glassllm:en", "--prompts", "bytes.txt"),
    ("lens", "study", "glassllm:en", "--prompts", "two.txt", "--permutations", 0),
    ("lens", "train", "glassllm:en"),
    ("lens", "train", "glassllm:en", "-o", "."),
    ("lens", "train", "glassllm:en", "-o", "l.safetensors", "--texts", "blank.txt"),
    ("lens", "train", "glassllm:en", "-o", "l.safetensors", "--texts", "one.txt", "--steps", 0),
    ("lens", "train", "glassllm:en", "-o", "l.safetensors", "--texts", "short.txt"),
]


@pytest.mark.parametrize("arguments", BAD, ids=lambda a: " ".join(map(str, a[1:]))[:60])
def test_bad_input(arguments, invoke, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, content in {
        "one.txt": b"Alice was", "blank.txt": b"\n \n", "strange.txt": "Alice\n漢字".encode(),
        "bytes.txt": b"\xff\xfe\n", "two.txt": b"Alice\nOh", "short.txt": b"a",
    }.items():  # fmt: skip
        (tmp_path / name).write_bytes(content)
    before = sorted(tmp_path.rglob("*"))
    status, out, err = invoke(*arguments)
    assert (status, out) == (2, ""), err
    assert 1 <= len(err.strip().splitlines()) <= 12
    assert "Traceback" not in err
    assert sorted(tmp_path.rglob("*")) == before


def test_the_line_that_cannot_be_read_is_named(invoke, tmp_path):
    path = tmp_path / "prompts.txt"
    path.write_text("Alice\n\n漢字\n", encoding="utf-8")
    assert "line 3" in invoke("lens", "study", "glassllm:en", "--prompts", path)[2]


def test_verbs_of_two_words(invoke, monkeypatch):
    status, out, _ = invoke("lens", "compile", "--help")
    assert status == 0 and "--operator" in out
    status, out, _ = invoke("lens", "--help")
    assert status == 0 and "--full" in out
    verbs = {"moons step": ("", "", "Do a step."), "moons run": ("", "", "Run.")}
    monkeypatch.setattr(main, "VERBS", verbs)
    for words in (("moons",), ("moons", "fly")):
        status, out, err = invoke(*words)
        assert (status, out) == (2, "") and "moons step" in err
    status, out, err = invoke("moons", "--help")
    assert (status, err) == (0, "") and "Do a step." in out


def test_a_prompt_beyond_the_context_is_said(invoke, tmp_path):
    long = " ".join(["Alice was beginning to"] * 100)
    status, out, err = invoke("lens", "glassllm:en", "--prompt", long)
    assert status == 0
    assert re.fullmatch(
        r"the prompt is longer than glassllm:en reads: the last \d+ tokens count, \d+ before them are left out\n", err
    )
    assert "…" in out.splitlines()[0] and len(out.splitlines()[0]) < 150
    prompts = tmp_path / "prompts.txt"
    prompts.write_text(long + "\nAlice was\nAlice was\n")
    status, _, err = invoke("lens", "study", "glassllm:en", "--prompts", prompts, "--permutations", 9, "--json")
    assert status == 0 and err.startswith("1 of 3 prompts is longer")


@pytest.mark.parametrize(
    "words", [("--shots", 0), ("--alpha", 2), ("--alpha", "nan"), ("--resolution", 0), ("--backend", "no")]
)
def test_bad_numbers_are_refused_before_compiling(words, invoke, monkeypatch):
    def refuse(*_args, **_options):
        raise AssertionError("it compiled")

    monkeypatch.setattr("stinespring.compiler.systems.lens.compile_lens", refuse)
    status, out, err = invoke("lens", "run", "glassllm:en", *PROMPT, *words)
    assert (status, out) == (2, "") and 1 <= len(err.splitlines()) <= 12
