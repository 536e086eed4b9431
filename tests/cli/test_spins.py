# SPDX-License-Identifier: Apache-2.0
"""The verbs of ``stinespring spins``: keys, files, exit statuses, and one message for what is wrong."""

from __future__ import annotations

import json

import numpy as np
import pytest

from oracles import plain_spins
from oracles.qasm_runner import distribution
from stinespring.models.spins import draw_network, read_network


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.json"
    network = draw_network(M=2, N=3, P=1, eps=0.1, gamma=3.0, beta=1.1, seed=6)
    path.write_text(json.dumps(network.content()))
    return path


def read(out):
    return json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))


def test_step(small, invoke):
    status, out, err = invoke("spins", "step", small, "--json")
    plain = plain_spins.step(data := json.loads(small.read_text()), plain_spins.initial(data), 0)
    assert (status, err) == (0, "")
    assert {name: len(values) for name, values in read(out).items()} == {"attention_weights": 2, "A": 2, "h": 3, "p_plus": 3}
    for name, values in read(out).items():
        np.testing.assert_allclose(values, plain[name], atol=1e-12)


def test_run_and_mean_field(small, invoke):
    status, out, _ = invoke("spins", "run", small, "--steps", 3, "--runs", 2000, "--seed", 1, "--json")
    found = read(out)
    assert status == 0
    assert np.shape(found["mean"]) == np.shape(found["standard_error"]) == (3, 2)
    again = read(invoke("spins", "run", small, "--steps", 3, "--runs", 2000, "--seed", 1, "--json")[1])
    assert again == found
    limit = read(invoke("spins", "meanfield", small, "--steps", 3, "--json")[1])
    A, m_o = plain_spins.mean_field(json.loads(small.read_text()), 3)
    np.testing.assert_allclose(limit["A"], A, atol=1e-12)
    np.testing.assert_allclose(limit["m_o"], m_o, atol=1e-12)
    assert limit["initial"]["time"] == 0
    first = np.array(found["mean"][0]) - m_o[1]
    assert (abs(first) < 6 * np.array(found["standard_error"][0]) + 1e-12).all()  # false-alarm rate 2e-9 a number


def test_one_run_has_no_error_and_no_nan(small, invoke):
    assert read(invoke("spins", "run", small, "--steps", 1, "--json")[1])["standard_error"] == [[None, None]]


def test_the_mean_field_goes_on_from_its_file(small, invoke, tmp_path):
    path = tmp_path / "later.json"
    assert invoke("spins", "meanfield", small, "--steps", 6, "-o", path)[0] == 0
    later = read(invoke("spins", "meanfield", path, "--steps", 4, "--json")[1])
    whole = read(invoke("spins", "meanfield", small, "--steps", 10, "--json")[1])
    np.testing.assert_allclose(later["A"], whole["A"][6:], atol=1e-9)
    np.testing.assert_allclose(later["m_o"], whole["m_o"][6:], atol=1e-9)
    assert read_network(path).time == 6
    assert invoke("spins", "meanfield", small, "--steps", 1, "-o", path)[0] == 2


def test_lyapunov(small, invoke, save):
    status, out, _ = invoke("spins", "lyapunov", small, "--transient", 300, "--steps", 200, "--exponents", 3, "--json")
    found = read(out)
    assert status == 0
    assert len(found["exponents"]) == len(found["standard_errors"]) == 3
    assert found["cycle"] == 2
    assert np.shape(found["final"]["attention_window"]) == (2, 2)
    cold = save(json.loads(small.read_text()) | {"beta": 0.0})
    found = read(invoke("spins", "lyapunov", cold, "--transient", 3, "--steps", 30, "--json")[1])
    assert found["exponents"] == [None]  # minus infinity


def test_diagram_files(small, invoke, tmp_path):
    path = tmp_path / "d.npz"
    arguments = ("spins", "diagram", small, "--betas", "0:2:5", "--transient", 30, "--keep", 7)
    assert invoke(*arguments, "-o", path)[0] == 0
    with np.load(path, allow_pickle=False) as found:
        np.testing.assert_array_equal(found["betas"], [0.0, 0.5, 1.0, 1.5, 2.0])
        assert found["m_o"].shape == (5, 7, 2) and found["m_o"].dtype == np.float32
        data = json.loads(small.read_text()) | {"beta": 1.5}
        np.testing.assert_allclose(found["m_o"][3], plain_spins.mean_field(data, 37)[1][31:], atol=1e-5)
    assert invoke(*arguments, "-o", tmp_path / "d.png", "--exponents", 2)[0] == 0
    assert (tmp_path / "d.png").read_bytes()[:4] == b"\x89PNG"
    status, out, _ = invoke(*arguments, "-o", path, "--exponents", 1, "--sweep", "up", "--json")
    assert status == 0 and read(out)["exponents"][0] == [None]
    with np.load(path) as found:
        assert found["exponents"].shape == (5, 1)


def test_spectrum(examples, invoke, tmp_path, save):
    path = save(json.loads((examples / "spins.json").read_text()) | {"beta": 2.35})
    status, out, _ = invoke(
        "spins", "spectrum", path, "--transient", 5000, "--steps", 4400, "-o", tmp_path / "s.npz", "--json"
    )  # fmt: skip
    lines = [44 * peak["frequency"] for peak in read(out)["peaks"]]
    assert status == 0
    np.testing.assert_allclose(lines, np.round(lines), atol=1e-6)  # a cycle of 44 tokens has lines at multiples of 1/44
    with np.load(tmp_path / "s.npz") as found:
        assert found["power"].shape == (2201, 3)


@pytest.mark.parametrize("schedule", ["static", "dynamic"])
def test_compile_writes_what_runs_outside(small, invoke, tmp_path, schedule):
    path = tmp_path / "p.qasm"
    status, out, _ = invoke("spins", "compile", small, "--steps", 3, "--schedule", schedule, "-o", path, "--json")
    found = read(out)
    keys = "schedule extension phases qubits clbits two_qubit_gates two_qubit_depth depth mid_circuit_measurements conditions"
    assert set(keys.split()) | {"tvd_bound", "seconds", "hash"} <= set(found)
    assert (status, found["schedule"]) == (0, schedule)
    law = plain_spins.joint_law(json.loads(small.read_text()), 3)
    sampled = distribution(path.read_text(), ["t1", "t2", "t3"])
    assert max(abs(sampled.get(text, 0.0) - p) for text, p in law.items()) < 1e-10
    description = json.loads((tmp_path / "p.json").read_text())
    assert description["decode"]["t1"]["1"] == "-++"
    assert description["format"] == "stinespring/program@1"


def test_compile_stepwise_writes_a_folder(small, invoke, tmp_path):
    assert invoke("spins", "compile", small, "--steps", 2, "--schedule", "stepwise", "-o", tmp_path / "p")[0] == 0
    assert sorted(p.name for p in (tmp_path / "p").iterdir()) == [
        "angles.json", "program.json", "template_1.qasm", "template_2.qasm"
    ]  # fmt: skip


def test_sample(small, invoke, tmp_path):
    status, out, err = invoke(
        "spins", "sample", small, "--steps", 2, "--shots", 4000, "--seed", 1, "--alpha", 1e-7, "--resolution", 0.1,
        "--plot", tmp_path / "s.png", "--json",
    )  # fmt: skip
    found = read(out)
    assert (status, err) == (0, f"wrote {tmp_path / 's.png'}\n")
    assert found["verdict"] == "PASS" and len(found["steps"]) == 2
    assert found["mean_field"]["exact_verdict"] == "PASS"
    assert (tmp_path / "s.png").exists()
    assert invoke("spins", "sample", small, "--steps", 2, "--shots", 20, "--seed", 1)[0] == 3
    status, out, _ = invoke("spins", "sample", small, "--steps", 1, "--shots", 8000, "--alpha", 1e-7, "--seed", 2)
    assert status == 0 and "PASS: product law" in out


def test_the_verdict_is_what_the_exit_status_says(examples, invoke):
    """99 noiseless spins near chaos: too few runs and too few spins for the limit, but nothing fails."""
    status, out, _ = invoke(
        "spins", "sample", examples / "spins.json", "--steps", 6, "--shots", 400, "--seed", 1, "--alpha", 1e-6, "--json"
    )
    found = read(out)
    assert (status, found["verdict"], found["product_law"]) == (3, "UNVERIFIED", "UNVERIFIED")
    assert (found["mean_field"]["verdict"], found["mean_field"]["exact_verdict"]) == ("UNVERIFIED", "PASS")


def test_check_counts_from_elsewhere(small, invoke, save):
    law = plain_spins.joint_law(json.loads(small.read_text()), 2)
    counts = np.random.default_rng(1).multinomial(40_000, list(law.values()))

    def text(values):
        return " ".join("".join("-" if value >> i & 1 else "+" for i in range(3)) for value in values)

    good = {text(values): int(n) for values, n in zip(law, counts, strict=True)}
    path = save({"format": "stinespring/samples@1", "counts": good}, "good.json")
    status, out, _ = invoke("spins", "check", small, "--steps", 2, "--counts", path, "--alpha", 1e-7, "--json")
    assert (status, read(out)["verdict"]) == (0, "PASS")
    bad = save({"format": "stinespring/samples@1", "counts": {"+++ +++": 500, "--- ---": 500}}, "bad.json")
    assert invoke("spins", "check", small, "--steps", 2, "--counts", bad)[0] == 1
    for counts in ({"+++": 5}, {"++ ++": 5}, {"+++ ++x": 5}, {}, {"+++ +++": -1}):
        path = save({"format": "stinespring/samples@1", "counts": counts}, "odd.json")
        status, out, err = invoke("spins", "check", small, "--steps", 2, "--counts", path)
        assert (status, out) == (2, "") and len(err.splitlines()) <= 12


def test_new_networks(small, invoke, tmp_path):
    path = tmp_path / "new.json"
    assert invoke("spins", "new", "-o", path, "--columns", 6, "--segments", 3, "--repeat", 2, "--seed", 1)[0] == 0
    assert read_network(path).spins == 12
    assert invoke("spins", "new", "-o", tmp_path / "like.json", "--like", small, "--seed", 3)[0] == 0
    assert read_network(tmp_path / "like.json").content()["features"] == json.loads(small.read_text())["features"]


def test_messages_name_what_is_wrong(small, invoke, tmp_path):
    err = invoke("spins", "diagram", small, "--betas", "0:3:1000000000", "-o", tmp_path / "a.npz")[2]
    assert "too many temperatures" in err
    err = invoke("spins", "compile", small, "--steps", 2, "--schedule", "static", "-o", tmp_path / "nowhere" / "q.qasm")[2]
    assert "nowhere" in err and "q.json" not in err
    err = invoke("spins", "new", "--like", small, "--columns", 7, "--seed", 1, "-o", tmp_path / "a.json")[2]
    assert "--columns beside it" in err


@pytest.mark.parametrize(
    "change",
    [{"repeat": 10**30}, {"repeat": 10**400}, {"beta": 1e308}, {"beta": 10**400}, {"gamma": -1e308}, {"gamma": 10**400},
     {"window": None, "attention_window": [[1e300, 0.0], [0.0, 0.0]]}],
    ids=lambda change: " ".join(change),
)  # fmt: skip
def test_numbers_beyond_all_measure_are_refused(change, small, invoke, save):
    path = save(
        {name: value for name, value in (json.loads(small.read_text()) | change).items() if value is not None}, "odd.json"
    )
    for words in (("step",), ("run", "--steps", 3), ("sample", "--steps", 2, "--shots", 50)):
        status, out, err = invoke("spins", words[0], path, *words[1:])
        assert (status, out) == (2, "") and "Warning" not in err and len(err.splitlines()) <= 12


def test_only_time_modulo_the_context_counts(small, invoke, save, tmp_path):
    data = json.loads(small.read_text())
    for time in (2**63 - 2, 10**30, -(10**30)):
        far, near = save(data | {"time": time}, "far.json"), save(data | {"time": time % 2}, "near.json")
        for words in (
            ("run", "--steps", 3, "--seed", 5),
            ("meanfield", "--steps", 5),
            ("lyapunov", "--transient", 9, "--steps", 9),
        ):
            (_, out, err), (_, wanted, _) = (invoke("spins", words[0], path, *words[1:], "--json") for path in (far, near))
            found, wanted = read(out), read(wanted)
            assert err == "" and found["initial"]["time"] == time
            assert {k: found[k] for k in found if k not in ("initial", "final")} == {
                k: wanted[k] for k in wanted if k not in ("initial", "final")
            }
        assert invoke("spins", "sample", far, "--steps", 2, "--shots", 300, "--seed", 1, "--alpha", 1e-6)[0] in (0, 3)
        npz = tmp_path / "far.npz"
        assert invoke("spins", "diagram", far, "--betas", "0:1:2", "--transient", 5, "--keep", 4, "-o", npz)[0] == 0
        with np.load(npz, allow_pickle=False) as arrays:
            assert int(arrays["initial_time"].item()) == time


def test_negative_seeds_are_seeds(small, invoke, tmp_path):
    for words in (("run", small, "--steps", 2, "--runs", 3), ("sample", small, "--steps", 2, "--shots", 500, "--alpha", 1e-6)):
        one, again, other = (read(invoke("spins", *words, "--seed", seed, "--json")[1]) for seed in (-7, -7, 7))
        kept = "mean" if words[0] == "run" else "p_value"
        assert one[kept] == again[kept] != other[kept]
    assert invoke("spins", "new", "-o", tmp_path / "n.json", "--columns", 6, "--seed", -3)[0] == 0


BAD = [
    ("step", "{missing}"),
    ("run", "{small}", "--steps", 0),
    ("run", "{small}", "--steps", 1, "--runs", 0),
    ("run", "{small}", "--steps", 1, "--plot", "a.pdf"),
    ("meanfield", "{small}", "--steps", -1),
    ("meanfield", "{small}", "--steps", 5, "-o", "a.txt"),
    ("lyapunov", "{small}", "--transient", -1, "--steps", 5),
    ("lyapunov", "{small}", "--transient", 1, "--steps", 5, "--exponents", 99),
    ("diagram", "{small}", "--betas", "1:0:5", "-o", "a.npz"),
    ("diagram", "{small}", "--betas", "0:1", "-o", "a.npz"),
    ("diagram", "{small}", "--betas", "0:nan:3", "-o", "a.npz"),
    ("diagram", "{small}", "--betas", "0:3:1000000000", "-o", "a.npz"),
    ("diagram", "{small}", "--betas", "0:1e308:3", "-o", "a.npz"),
    ("diagram", "{small}", "--betas", "0:1:3", "-o", "a.txt"),
    ("compile", "{small}", "--steps", 2, "--schedule", "static", "-o", "nowhere/q.qasm"),
    ("new", "-o", "a.json", "--like", "{small}", "--columns", 7),
    ("new", "-o", "a.json", "--like", "{small}", "--beta", 1.27),
    ("new", "-o", "a.json", "--columns", 5, "--repeat", 10**30),
    ("diagram", "{small}", "--betas", "0:1:3", "-o", "nowhere/a.npz"),
    ("diagram", "{small}", "--betas", "0:1:3", "--keep", 0, "-o", "a.npz"),
    ("spectrum", "{small}", "--steps", 3),
    ("compile", "{small}", "--steps", 0),
    ("compile", "{small}", "--steps", 2, "--schedule", "auto"),
    ("compile", "{small}", "--steps", 300_000, "--schedule", "static", "--json"),
    ("sample", "{small}", "--steps", 1, "--shots", 0),
    ("sample", "{small}", "--steps", 1, "--backend", "nothing"),
    ("sample", "{small}", "--steps", 1, "--alpha", 2),
    ("new", "-o", "a.json", "--columns", 5, "--segments", 3),
    ("nonsense",),
    (),
]


@pytest.mark.parametrize("words", BAD, ids=lambda words: " ".join(map(str, words)) or "nothing")
def test_bad_input_has_one_message(words, small, invoke, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = [str(word).format(small=small, missing=tmp_path / "missing.json") for word in words]
    status, out, err = invoke("spins", *words)
    assert (status, out) == (2, "")
    assert 1 <= len(err.splitlines()) <= 12 and "Traceback" not in err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["small.json"]
