"""`stinespring sphere` as a command: keys, files, exit status, bad input."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from oracles import plain_sphere as plain
from oracles.qasm_runner import branches, registers

COMPILE_KEYS = {
    "schedule", "extension", "phases", "qubits", "clbits", "two_qubit_gates", "two_qubit_depth", "depth",
    "mid_circuit_measurements", "conditions", "tvd_bound", "seconds", "hash",
}  # fmt: skip
DATA = {
    "format": "stinespring/sphere@1", "particles": [[1, 2], [3, -1], [-1, -1]], "beta": 1.0, "normalise": "SA",
    "kernel": "plain", "direction": "ascent", "field": "projected", "step": 0.1,
    "perceptron": {"directions": [[1, 0]], "weights": [0.5], "activation": "relu"},
}  # fmt: skip


@pytest.fixture
def file(save):
    return save(DATA)


def test_run(invoke, file, tmp_path):
    status, out, _ = invoke("sphere", "run", file, "--steps", 5, "--every", 2, "-o", tmp_path / "o.npz", "--json")
    assert status == 0
    report = json.loads(out)
    xs = [plain.unit(x) for x in DATA["particles"]]
    for _ in range(5):
        xs = plain.euler(DATA, xs)
    np.testing.assert_allclose(report["positions"], xs, atol=1e-12)
    attention, perceptron = plain.energy(DATA, xs)
    assert report["energy"] == pytest.approx({"attention": attention, "perceptron": perceptron})
    assert report["residual"] == pytest.approx(plain.residual(DATA, xs))
    assert set(report["clusters"]) == {"threshold", "single_linkage", "greedy_arc"}
    assert sum(report["clusters"]["greedy_arc"]) == sum(report["clusters"]["single_linkage"]) == 3
    assert report["converged"] is False
    with np.load(tmp_path / "o.npz") as kept:
        assert kept["steps"].tolist() == [0, 2, 4, 5]
        assert kept["trajectory"].shape == (4, 3, 2)
        np.testing.assert_array_equal(kept["positions"], report["positions"])
    for scheme in ("rk4", "adaptive"):
        assert invoke("sphere", "run", file, "--steps", 5, "--scheme", scheme)[0] == 0


def test_energy_is_null_outside_the_gradient_case(invoke, save):
    path = save(DATA | {"value": [[0, 1], [-1, 0]], "particles": [[1, 0, 0], [0, 1, 0]]} | {"value": np.eye(3).tolist()} | {
        "perceptron": None, "query": (2 * np.eye(3)).tolist()
    })  # fmt: skip
    report = json.loads(invoke("sphere", "run", path, "--steps", 1, "--json")[1])
    assert report["energy"] is None
    assert report["clusters"]["greedy_arc"] is None
    gradient = save(DATA | {"perceptron": None}, "g.json")
    assert json.loads(invoke("sphere", "run", gradient, "--steps", 1, "--json")[1])["energy"]["perceptron"] == 0


def test_compile(invoke, file, tmp_path):
    out_file = tmp_path / "p.qasm"
    status, out, _ = invoke("sphere", "compile", file, "--particle", 1, "-o", out_file, "--json")
    assert status == 0
    report = json.loads(out)
    assert {"coefficients", "one_norm", "success_probability", "updated"} | COMPILE_KEYS <= set(report)
    assert len(report["coefficients"]) == 1 + 3 + 1
    assert report["one_norm"] == pytest.approx(sum(map(abs, report["coefficients"])))
    text = out_file.read_text()
    quantum, classical = registers(text)
    assert quantum["x"] == 1 and "flag" in classical and "x1" not in classical
    assert sum(quantum.values()) == report["qubits"]
    [good] = [b for b in branches(text) if b.values["flag"] == 0]
    assert good.probability == pytest.approx(report["success_probability"], abs=1e-12)
    xs = plain.euler(DATA, [plain.unit(x) for x in DATA["particles"]])
    np.testing.assert_allclose(report["updated"], xs[1], atol=1e-12)
    assert abs(good.state[:2] @ np.array(xs[1])) / np.sqrt(good.probability) == pytest.approx(1, abs=1e-10)
    assert invoke("sphere", "compile", file, "--particle", 1, "--measure", "-o", out_file)[0] == 0
    assert registers(out_file.read_text())[1]["x1"] == 1
    status, out, _ = invoke(
        "sphere", "compile", file, "--particle", 1, "--layers", 2, "--schedule", "stepwise", "-o", tmp_path / "f", "--json"
    )
    assert status == 0 and json.loads(out)["schedule"] == "stepwise"
    assert (tmp_path / "f" / "layer_2.qasm").exists()


def test_sample_and_overlaps(invoke, file):
    status, out, err = invoke("sphere", "sample", file, "--shots", 4000, "--seed", 1, "--json")
    assert status == 0, err
    report = json.loads(out)
    assert report["verdict"] == "PASS"
    assert len(report["circuits"]) == 6
    assert invoke("sphere", "sample", file, "--shots", 10, "--seed", 1, "--particle", 0)[0] == 3
    status, out, _ = invoke("sphere", "overlaps", file, "--shots", 20000, "--seed", 1, "--json")
    assert status == 0
    assert json.loads(out)["energy"]["verdict"] == "PASS"


def test_new_analyse_claims(invoke, tmp_path):
    path, state = tmp_path / "n.json", tmp_path / "s.npz"
    new = ("sphere", "new", "-o", path, "--particles", 20, "--beta", 1, "--dimension", 2, "--direction", "descent", "--seed", 5)
    assert invoke(*new)[0] == 0
    before = path.read_bytes()
    assert invoke(*new)[0] == 0
    assert path.read_bytes() == before
    assert invoke("sphere", "run", path, "--steps", 300, "--scheme", "adaptive", "--stop", "-o", state)[0] == 0
    found = json.loads(invoke("sphere", "analyse", path, "--state", state, "--tolerance", 1e-4, "--json")[1])
    assert found["second_order"]["stationary"] is True
    status, out, _ = invoke("sphere", "claims", path, "--state", state, "--json")
    assert status == 3  # one claim that applies is UNVERIFIED: the particles still move by more than 1e-6
    assert json.loads(out)["verdict"] == "UNVERIFIED"
    assert {c["name"]: c["applies"] for c in json.loads(out)["claims"]}["atoms"] is False  # without a perceptron
    status, out, _ = invoke("sphere", "claims", path, "--state", state, "--tolerance", 1e-3, "--json")
    assert status == 0
    assert json.loads(out)["verdict"] == "PASS"
    verdicts = {claim["name"]: claim["verdict"] for claim in json.loads(out)["claims"]}
    assert verdicts["energy"] == verdicts["maximisers"] == verdicts["minimiser"] == verdicts["exclusion"] == "PASS"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "FILE", "--steps", 0), "steps must be at least 1"),
        (("run", "FILE", "--steps", 1, "--scheme", "leapfrog"), "unknown scheme"),
        (("run", "FILE", "--steps", 1, "--every", 0), "every must be at least 1"),
        (("run", "FILE", "--steps", 1, "--tolerance", 0), "tolerance is out of range"),
        (("run", "FILE", "--steps", 1, "-o", "o.txt"), "a name that ends in .npz"),
        (("run", "FILE", "--steps", 1, "-o", "none/o.npz"), "existing folder"),
        (("run", "FILE", "--steps", 1, "--checkpoint", "none/o.npz"), "existing folder"),
        (("run", "FILE", "--steps", 1, "--sums", "fast"), "unknown sums"),
        (("run", "FILE", "--steps", 1, "--movie", "m.mp4"), "movie's format"),
        (("run", "missing.json", "--steps", 1), "not found"),
        (("compile", "FILE", "--particle", 9), "no such particle"),
        (("compile", "FILE", "--particle", 0, "--amplify", "many"), "rounds cannot be read"),
        (("sample", "FILE", "--particle", "x"), "no such particle"),
        (("sample", "FILE", "--shots", 0), "shots"),
        (("overlaps", "FILE", "--alpha", 2), "alpha is out of range"),
        (("analyse", "FILE", "--state", "missing.npz"), "state not found"),
        (("analyse", "FILE", "--kind", "saddle"), "unknown kind"),
        (("new", "-o", "n.json", "--particles", 0, "--beta", 1), "no such model"),
        (("new", "-o", "n.json", "--particles", 2, "--beta", 1, "--kernel", "cosine"), "'kernel' is not known"),
        (("new", "-o", "n.json", "--particles", 2, "--beta", 1, "--activation", "tanh"), "without neurons"),
        (("run", "FILE", "--steps", 1, "--checkpoint-every", 0), "checkpoint-every"),
        (("run", "FILE", "--steps", 1, "--checkpoint-every", "inf"), "checkpoint-every"),
        (("claims", "FILE", "--tolerance", 0), "out of range"),
        (("fly", "FILE"), "has no verb 'fly'"),
    ],
)
def test_bad_input(invoke, file, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    status, out, err = invoke("sphere", *[file if word == "FILE" else word for word in words])
    assert status == 2
    assert message in err and "Traceback" not in err and len(err.splitlines()) <= 12
    assert out == ""
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"beta": 710.0}, {"run": "energy overflows", "analyse": "out of range", "overlaps": "out of range"}),
        (
            {"beta": 400.0, "normalise": "USA"},
            {"analyse": "out of range", "overlaps": "out of range", "claims": "out of range"},
        ),
        (
            {"beta": 708.0, "normalise": "USA", "particles": [[1, 0], [1, 0.01]]},
            {"run": "step overflows", "compile": "coefficients overflow"},
        ),
        ({"beta": 709.5, "normalise": "USA"}, {"run": "overflow", "compile": "overflow", "analyse": "out of range"}),
        ({"beta": 1e300, "normalise": "USA"}, {"run": "kernel overflows", "compile": "overflow", "claims": "out of range"}),
        ({"beta": 1e-300}, {"overlaps": "out of range", "analyse": "out of range"}),
        ({"beta": 10**400}, {"run": "too large", "analyse": "too large"}),
        ({"step": 10**400}, {"run": "too large"}),
        ({"particles": [[10**400, 1]]}, {"run": "too large"}),
        ({"normalize": "SA"}, {"run": "did you mean 'normalise'"}),
    ],
)
def test_numbers_beyond_float64(invoke, save, change, refused):
    path = save(DATA | change, "large.json")
    words = {"run": ("--steps", 3), "compile": ("--particle", 0), "overlaps": ("--shots", 10), "analyse": (), "claims": ()}
    for verb, message in refused.items():
        status, out, err = invoke("sphere", verb, path, *words[verb], "--json")
        assert (status, out) == (2, ""), verb
        assert message in err and "Traceback" not in err and "Warning" not in err and len(err.splitlines()) <= 5, err


def test_states_must_be_unit_rows(invoke, file, tmp_path):
    state = tmp_path / "s.npz"
    np.savez(state, positions=np.array([[1.0, 0.0], [0.0, 1.0 + 1e-8]]))
    status, out, err = invoke("sphere", "analyse", file, "--state", state)
    assert (status, out) == (2, "") and "unit" in err
    np.savez(state, positions=np.array([[1.0, 0.0], [0.0, 1.0 + 1e-11]]))
    assert invoke("sphere", "analyse", file, "--state", state)[0] == 0


@pytest.mark.parametrize(("step", "diverges"), [(0.05, False), (3.0, True), (40.0, True)])
def test_steps_that_are_too_large_are_told_of(step, diverges, invoke, file, save):
    """Against plain loops: of a gradient flow (USA) the energy is followed step by step, and what is said is what it does."""
    flow = save(DATA | {"normalise": "USA"}, "flow.json")
    status, out, err = invoke("sphere", "run", flow, "--steps", 40, "--step", step, "--json")
    xs, energies = [plain.unit(x) for x in DATA["particles"]], []
    for _ in range(41):
        energies.append(sum(plain.energy(DATA | {"normalise": "USA"}, xs)))
        xs = plain.euler(DATA | {"normalise": "USA", "step": step}, xs)
    wrong = sum(after < before - 1e-12 for before, after in zip(energies[:-1], energies[1:], strict=True))
    found = json.loads(out)
    assert status == 0 and (wrong > 2) == diverges
    if diverges:
        assert found["diverges"].startswith(f"the energy moved the wrong way in {wrong} of 40 steps")
        assert f"the run diverges: {found['diverges']}\n  to do: --scheme adaptive, or a smaller step (--step " in err
    else:
        assert found["diverges"] is None and err == ""
    assert json.loads(invoke("sphere", "run", flow, "--steps", 40, "--step", step, "--scheme", "adaptive", "--json").stdout)[
        "diverges"
    ] is None  # fmt: skip


def test_where_no_energy_tells_particles_that_still_turn_are_told_of(invoke, file):
    """SA with a perceptron is no gradient flow: Euler's steps of 30 throw the particles about, and they never come to rest."""
    for step in (30, 1e9):
        said = invoke("sphere", "run", file, "--steps", 40, "--step", step).stderr
        assert "still turns by" in said
        advice = re.search(r"--step (\S+), it is", said)[1]
        assert invoke("sphere", "run", file, "--steps", 40, "--step", advice).stderr == ""
    assert invoke("sphere", "run", file, "--steps", 40).stderr == ""
    assert "--step must be a positive number" in invoke("sphere", "run", file, "--steps", 1, "--step", 0).stderr
