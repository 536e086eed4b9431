# SPDX-License-Identifier: Apache-2.0
"""`channel` and `verify-channel` as commands, and input states on the verbs for texts."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest

from oracles.qasm_choi import choi
from oracles.qasm_runner import registers

DAMPING = np.array([[[1, 0], [0, np.sqrt(0.7)]], [[0, np.sqrt(0.3)], [0, 0]]])


@pytest.fixture
def damping(tmp_path):
    path = tmp_path / "damping.npz"
    np.savez(path, kraus=DAMPING)
    return path


@pytest.mark.parametrize("form", ["isometry", "tree", "auto"])
def test_file_to_verified_program(tmp_path, damping, form, invoke):
    out = tmp_path / "d.qasm"
    done = invoke("channel", damping, "--form", form, "-o", out, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    keys = {"schedule", "extension", "phases", "qubits", "clbits", "two_qubit_gates", "two_qubit_depth", "depth"}
    keys |= {"mid_circuit_measurements", "conditions", "tvd_bound", "seconds", "hash", "rank", "choi_error"}
    assert keys <= set(report)
    assert report["rank"] == 2
    assert report["choi_error"] <= 1e-12
    qasm = out.read_text()
    vectors = [k.T.reshape(-1) for k in DAMPING]
    assert choi(qasm, 1, 1) == pytest.approx(sum(np.outer(v, v) for v in vectors), abs=1e-12)
    assert sum(registers(qasm)[0].values()) == report["qubits"]
    assert json.loads((tmp_path / "d.json").read_text())["format"] == "stinespring/program@1"
    checked = invoke("verify-channel", damping, out, "--json")
    assert checked.returncode == 0, checked.stderr
    verdict = json.loads(checked.stdout)
    assert verdict["verdict"] == "PASS"
    assert verdict["process_fidelity"] == pytest.approx(1, abs=1e-9)
    assert verdict["diamond_distance"] < 1e-12


def test_wrong_program_fails(tmp_path, damping, invoke):
    out = tmp_path / "d.qasm"
    assert invoke("channel", damping, "-o", out, "--effort", 0).returncode == 0
    other = tmp_path / "other.npz"
    np.savez(other, kraus=np.array([[[1, 0], [0, np.sqrt(0.6)]], [[0, np.sqrt(0.4)], [0, 0]]]))
    done = invoke("verify-channel", other, out, "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["diamond_low"] == pytest.approx(0.1, abs=1e-6)
    sampled = invoke("verify-channel", other, out, "--shots", 20000, "--settings", 20, "--seed", 1)
    assert sampled.returncode == 1
    assert "FAIL" in sampled.stdout


def test_every_kind_of_file(tmp_path, invoke):
    vectors = [k.T.reshape(-1) for k in DAMPING]
    arrays = {
        "kraus": {"kraus": DAMPING},
        "choi": {"choi": sum(np.outer(v, v) for v in vectors)},
        "isometry": {"isometry": DAMPING.reshape(4, 2), "dims": np.array([1, 1])},
    }
    for kind, content in arrays.items():
        path, out = tmp_path / f"{kind}.npz", tmp_path / f"{kind}.qasm"
        np.savez(path, **content)
        assert invoke("channel", path, "--form", "tree", "-o", out, "--effort", 0).returncode == 0
        assert choi(out.read_text(), 1, 1) == pytest.approx(arrays["choi"]["choi"], abs=1e-12)


BAD = {
    "two": {"kraus": DAMPING, "choi": np.eye(4)},
    "nothing": {"dims": np.array([1, 1])},
    "unknown": {"kraus": DAMPING, "name": np.array([1])},
    "shape": {"kraus": np.eye(2)},
    "trace": {"kraus": 0.9 * DAMPING},
    "positive": {"choi": np.eye(4)[[0, 2, 1, 3]]},
    "nan": {"kraus": DAMPING * np.nan},
    "dims": {"isometry": DAMPING.reshape(4, 2), "dims": np.array([1, 2, 3])},
    "pickle": {"kraus": np.array([{"a": 1}], dtype=object)},
    "text": {"kraus": np.array([["a"]])},
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files(tmp_path, name, invoke):
    path, out = tmp_path / "bad.npz", tmp_path / "bad.qasm"
    np.savez(path, **BAD[name])
    done = invoke("channel", path, "-o", out, "--json")
    assert done.returncode == 2
    assert done.stdout == ""
    assert 0 < len(done.stderr.splitlines()) <= 12
    assert "Traceback" not in done.stderr
    assert not out.exists()


def test_files_that_are_no_archives(tmp_path, invoke):
    text, empty = tmp_path / "text.npz", tmp_path / "empty.npz"
    text.write_text("not an archive")
    with zipfile.ZipFile(empty, "w"):
        pass
    for path in (text, empty, tmp_path / "missing.npz", tmp_path):
        done = invoke("channel", path)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr


def test_programs_that_cannot_be_verified(tmp_path, damping, invoke):
    for text in ("not qasm", "OPENQASM 3.0;\nqubit[2] sys;\n", 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[1] other;\n'):
        path = tmp_path / "p.qasm"
        path.write_text(text)
        done = invoke("verify-channel", damping, path)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
    assert invoke("verify-channel", damping, tmp_path / "missing.qasm").returncode == 2


def test_input_states(tmp_path, examples, invoke):
    state = tmp_path / "s.json"
    state.write_text(json.dumps({"format": "stinespring/state@1", "probabilities": {"a b": 0.25, "b": 0.75}}))
    model = examples / "two_tokens.json"
    law = invoke("law", model, "--input-state", state, "--steps", 2, "--json")
    joint = json.loads(law.stdout)["joint"]
    parts = [json.loads(invoke("law", model, "--prompt", p, "--steps", 2, "--json").stdout)["joint"] for p in ("a b", "b")]
    for text in joint:
        assert joint[text] == pytest.approx(0.25 * parts[0].get(text, 0) + 0.75 * parts[1].get(text, 0), abs=1e-12)
    out = tmp_path / "p.qasm"
    done = invoke("compile", model, "--input-state", state, "--steps", 2, "-o", out, "--json", "--effort", 0)
    assert done.returncode == 0, done.stderr
    assert registers(out.read_text())[0]["p1"] == 2  # two tokens and the vacuum
    counts = tmp_path / "c.json"
    shots = {text: round(1e5 * p) for text, p in joint.items()}
    counts.write_text(json.dumps({"format": "stinespring/samples@1", "counts": shots}))
    assert invoke("check", model, "--input-state", state, "--steps", 2, "--counts", counts).returncode == 0
    assert invoke("check", model, "--prompt", "a b", "--steps", 2, "--counts", counts).returncode == 1
    ran = invoke("run", model, "--input-state", state, "--steps", 2, "--shots", 20000, "--seed", 1, "--alpha", 1e-6, "--json")
    assert ran.returncode == 0, ran.stderr  # false-alarm rate 1e-6
    level = invoke("law", model, "--prompt", "a b", "--level", 3, "--steps", 2, "--json")
    assert set(json.loads(level.stdout)["joint"]) == {"a", "b"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("--steps", 1),
        ("--prompt", "a", "--input-state", "s.json", "--steps", 1),
        ("--input-state", "missing.json", "--steps", 1),
    ],
)
@pytest.mark.parametrize("verb", ["law", "compile", "run"])
def test_where_generation_starts(examples, verb, arguments, invoke):
    done = invoke(verb, examples / "two_tokens.json", *arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_programs_of_others(tmp_path, damping, invoke):
    """Amplitude damping with bits compared to numbers, an else-free style that other tools write."""
    theta = 2 * np.arcsin(np.sqrt(0.3)) / 2
    path = tmp_path / "other.qasm"
    path.write_text(
        'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[1] sys;\nqubit[1] env;\nbit[1] outcome;\n'
        f"ry({theta}) env[0];\ncz sys[0], env[0];\nry({-theta}) env[0];\noutcome[0] = measure env[0];\n"
        "if (outcome[0] == 1) { x sys[0]; }\nif (outcome[0] == 0) { id sys[0]; }\n"
    )
    assert invoke("verify-channel", damping, path).returncode == 0
