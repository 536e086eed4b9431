# SPDX-License-Identifier: Apache-2.0
"""Counts of exports that somebody else ran: every form is read, none is read the wrong way round.

Counts are drawn from the file's exact law by an independent reader, with fixed draws; the verdict's false-alarm rate is 1e-9.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

from oracles.qasm_runner import distribution

SURE = ["--alpha", "1e-9", "--resolution", "0.1"]
SHOTS = 40_000
WRITTEN = ["--schedule", "static", "--effort", "0", "-o"]
PROGRAMS = {
    "prefix": ("three_tokens.json", ["--prompt", "sun rain", "--steps", "3", "--codes", "prefix"]),
    "texts": ("three_tokens.json", ["--prompt", "sun rain", "--steps", "3", "--codes", "texts"]),
    "free": ("three_tokens.json", ["--prompt", "sun rain", "--steps", "2", "--codes", "free"]),
    "binary": ("two_tokens.json", ["--prompt", "a b", "--steps", "3", "--codes", "binary"]),
    "stop": ("stop_token.json", ["--prompt", "on", "--steps", "3"]),
}


@pytest.fixture(params=PROGRAMS)
def made(request, invoke, examples, tmp_path):
    """The model, FILE.json, registers with sizes, and counts by the registers' values."""
    name, words = PROGRAMS[request.param]
    status, _, err = invoke(
        "compile", examples / name, *words, "--schedule", "static", "--effort", "0", "-o", tmp_path / "p.qasm"
    )
    assert status == 0, err
    text = (tmp_path / "p.qasm").read_text()
    sizes = {
        line.split()[1].rstrip(";"): int(line[4 : line.index("]")]) for line in text.splitlines() if line.startswith("bit[")
    }
    law = distribution(text, list(sizes))
    values, p = list(law), np.array(list(law.values()))
    drawn = np.random.default_rng(17).multinomial(SHOTS, p / p.sum())
    return examples / name, tmp_path / "p.json", sizes, dict(zip(values, drawn.tolist(), strict=True))


def spelt(sizes, values, blank=" "):
    """A reading as Qiskit writes it: the last register first, the highest bit of each first."""
    return blank.join(f"{value:0{size}b}" for value, size in reversed(list(zip(values, sizes.values(), strict=True))))


def forms(sizes, counts):
    """The same counts in every form."""
    number = {values: int(spelt(sizes, values, ""), 2) for values in counts}
    yield {spelt(sizes, values): n for values, n in counts.items()}
    yield {"counts": {spelt(sizes, values, ""): n for values, n in counts.items()}}
    yield {hex(number[values]): n for values, n in counts.items()}
    yield {str(number[values]): n for values, n in counts.items()}


def test_every_form_gives_the_same_verdict(made, invoke, tmp_path):
    model, program, sizes, counts = made
    found = []
    for data in forms(sizes, counts):
        (tmp_path / "c.json").write_text(json.dumps(data))
        status, out, err = invoke("check", model, "--program", program, "--counts", tmp_path / "c.json", *SURE, "--json")
        assert status == 0, err
        found.append(json.loads(out))
    assert {one["verdict"] for one in found} == {"PASS"}
    assert len({one["p_value"] for one in found}) == 1
    assert found[0]["shots"] == SHOTS


def test_bits_in_reverse_order_are_recognised_and_fail(made, invoke, tmp_path):
    model, program, sizes, counts = made
    turned = {spelt(sizes, values, "")[::-1]: n for values, n in counts.items()}
    (tmp_path / "c.json").write_text(json.dumps(turned))
    status, out, err = invoke("check", model, "--program", program, "--counts", tmp_path / "c.json", *SURE, "--json")
    assert status == 1, err
    assert json.loads(out)["reason"].startswith("these counts fit the law read backwards")


def test_wrong_counts_fail_and_no_order_is_blamed(made, invoke, tmp_path):
    model, program, sizes, counts = made
    flat = {spelt(sizes, values): SHOTS // len(counts) for values in counts}
    (tmp_path / "c.json").write_text(json.dumps(flat))
    status, out, err = invoke("check", model, "--program", program, "--counts", tmp_path / "c.json", *SURE, "--json")
    assert status == 1, err
    assert "backwards" not in json.loads(out)["reason"]


def test_results_of_qiskits_primitives(invoke, examples, tmp_path):
    """What RuntimeEncoder wrote of a PrimitiveResult, register by register, and of a backend's Result."""
    encoder = pytest.importorskip("qiskit_ibm_runtime", reason="the extra [ibm] is not installed").RuntimeEncoder
    from qiskit import qasm3
    from qiskit.primitives import StatevectorSampler
    from qiskit_aer import AerSimulator

    name, words = PROGRAMS["prefix"]
    assert invoke("compile", examples / name, *words, *WRITTEN, tmp_path / "p.qasm")[0] == 0
    circuit = qasm3.loads((tmp_path / "p.qasm").read_text())
    results = [
        StatevectorSampler(seed=np.random.default_rng(4)).run([circuit], shots=20_000).result(),
        AerSimulator(seed_simulator=5).run(circuit, shots=20_000).result(),
    ]
    for result in results:
        (tmp_path / "c.json").write_text(json.dumps(result, cls=encoder))
        words = ["check", examples / name, "--program", tmp_path / "p.json", "--counts", tmp_path / "c.json", *SURE, "--json"]
        status, out, err = invoke(*words)
        assert status == 0, err
        assert json.loads(out)["shots"] == 20_000


@pytest.mark.parametrize(
    ("data", "named"),
    [
        ({}, "no counts"), ({"0000000": 3}, "more bits|cannot be read"), ({"01 0": 3}, "cannot be read|blanks"),
        ({"x": 1}, "cannot"),
        ({"0 1 01 0": 1}, "blanks|cannot"), ({"3": -1}, "whole number"), ({"3": 0}, "all are 0"), ({"3": 0.5}, "quasi"),
        ({"0x1ff": 2}, "more bits"), ({"3": True}, "whole number"), ({"-3": 1}, "cannot"), ({"__type__": "x"}, "result|counts"),
    ],
)  # fmt: skip
def test_bad_counts_are_refused(data, named, invoke, examples, tmp_path):
    name, words = PROGRAMS["free"]
    assert invoke("compile", examples / name, *words, *WRITTEN, tmp_path / "p.qasm")[0] == 0
    (tmp_path / "c.json").write_text(json.dumps(data))
    status, out, err = invoke("check", examples / name, "--program", tmp_path / "p.json", "--counts", tmp_path / "c.json")
    assert (status, out) == (2, ""), err
    assert any(part in err for part in named.split("|")), err


def test_programs_of_others_are_refused(invoke, examples, tmp_path):
    name, words = PROGRAMS["free"]
    assert invoke("compile", examples / name, *words, *WRITTEN, tmp_path / "p.qasm")[0] == 0
    (tmp_path / "c.json").write_text('{"0": 5}')
    check = ["--program", tmp_path / "p.json", "--counts", tmp_path / "c.json"]
    for model, more, named in (
        ("two_tokens.json", [], "another model"), (name, ["--temperature", "2"], "other options"),
        (name, ["--steps", "2"], "FILE.json says"), ("spins.json", [], "counts of texts"),
    ):  # fmt: skip
        status, out, err = invoke("check", examples / model, *more, *check)
        assert (status, out) == (2, ""), err
        assert named in err
    (tmp_path / "p.qasm").unlink()
    status, _, err = invoke("check", examples / name, *check)
    assert status == 2
    assert "p.qasm beside it" in err
