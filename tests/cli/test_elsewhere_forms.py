# SPDX-License-Identifier: Apache-2.0
"""What others hold, as files and as Qiskit's own objects: quasi-probabilities, results, and what ``run --json`` printed.

Counts are drawn from the program's exact law by an independent reader; verdicts have a false-alarm rate of 1e-9.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from qiskit import qasm3
from qiskit.primitives import BitArray, StatevectorSampler
from qiskit.result import Counts, ProbDistribution, QuasiDistribution
from qiskit_aer import AerSimulator

import stinespring as ss
from oracles.qasm_runner import distribution
from stinespring.errors import InputError

SURE = {"alpha": 1e-9, "resolution": 0.1}
SHOTS = 40_000
MANY = 10_000_000
ASKED = {"prompt": "sun rain", "steps": 2}


@pytest.fixture(scope="module")
def program(examples):
    return ss.compile(ss.load(examples / "three_tokens.json"), **ASKED, schedule="static", effort=0, codes="binary")


@pytest.fixture(scope="module")
def sizes(program):
    return {register.name: register.size for register in program.circuit.cregs}


@pytest.fixture(scope="module")
def law(program, sizes):
    """The law of all bits, bit 0 of the first register least significant."""
    places = np.cumsum([0, *sizes.values()])
    found = distribution(program.qasm3(), list(sizes))
    return {sum(v << int(p) for v, p in zip(values, places, strict=False)): share for values, share in found.items()}


@pytest.fixture(scope="module")
def counts(law):
    p = np.array(list(law.values()))
    return dict(zip(law, np.random.default_rng(18).multinomial(SHOTS, p / p.sum()).tolist(), strict=True))


def turned(found, width):
    return {int(f"{value:0{width}b}"[::-1], 2): number for value, number in found.items()}


def objects(program, sizes, counts):
    """The same counts as every object that Qiskit has for them."""
    width = sum(sizes.values())
    strings = {f"{value:0{width}b}": number for value, number in counts.items() if number}
    yield counts
    yield {hex(value): number for value, number in counts.items()}
    yield strings
    yield Counts(strings)
    yield BitArray.from_counts(strings, num_bits=width)


def test_objects_of_counts_give_one_verdict(program, sizes, counts):
    found = [ss.check(program, counts=one, **SURE) for one in objects(program, sizes, counts)]
    assert {one.verdict for one in found} == {"PASS"} and {one.shots for one in found} == {SHOTS}
    assert len({one.p_value for one in found}) == 1
    width = sum(sizes.values())
    back = [ss.check(program, counts=one, **SURE) for one in objects(program, sizes, turned(counts, width))]
    assert {one.verdict for one in back} == {"FAIL"}
    assert all(one.reason.startswith("these counts fit the law read backwards") for one in back)


def test_results_of_primitives_and_backends(program):
    circuit = qasm3.loads(program.qasm3())
    whole = StatevectorSampler(seed=np.random.default_rng(4)).run([circuit], shots=20_000).result()
    for found in (whole, whole[0], AerSimulator(seed_simulator=5).run(circuit, shots=20_000).result()):
        verdict = ss.check(program, counts=found, **SURE)
        assert (verdict.verdict, verdict.shots) == ("PASS", 20_000)
    with pytest.raises(InputError, match="run once"):
        ss.check(program, counts=StatevectorSampler().run([circuit] * 2, shots=2).result())
    with pytest.raises(InputError, match="bits"):
        ss.check(program, counts=whole[0].data.t1)  # one register alone


def test_quasi_distributions_of_qiskit(program, sizes, law):
    """Their own stddev_upper_bound, or shots and overhead; without either only the distance is said."""
    p, error = np.array(list(law.values())), np.sqrt(2.0 / MANY)
    noise = np.random.default_rng(6).normal(0, error / 4, len(p))
    shares = dict(zip(law, (p + noise - noise.mean()).tolist(), strict=True))
    stated = QuasiDistribution(shares, shots=MANY, stddev_upper_bound=float(error))
    one = ss.check(program, counts=stated, **SURE)
    two = ss.check(program, counts=QuasiDistribution(shares, shots=MANY), overhead=2.0, **SURE)
    three = ss.check(program, counts=shares, shots=MANY, overhead=2.0, **SURE)
    assert [v.verdict for v in (one, two, three)] == ["PASS"] * 3
    assert one.figures["quasi"]["error"] == pytest.approx(error) and one.figures["quasi"]["negative"] <= 0
    assert len({round(v.distance.high, 12) for v in (one, two, three)}) == 1
    assert all("quasi-probabilities, no counts" in v.reason for v in (one, two, three))
    for unsaid in (QuasiDistribution(shares), QuasiDistribution(shares, shots=MANY), shares, ProbDistribution({0: 1.0})):
        found = ss.check(program, counts=unsaid, **SURE)
        assert found.verdict == "UNVERIFIED" and "nothing says how far" in found.reason
    width = sum(sizes.values())
    back = ss.check(program, counts=turned(shares, width), shots=MANY, overhead=2.0, **SURE)
    assert back.verdict == "FAIL" and back.reason.startswith("these quasi-probabilities fit the law read backwards")
    unsaid = ss.check(program, counts=turned(shares, width), **SURE)
    assert unsaid.verdict == "UNVERIFIED" and "read backwards (TVD" in unsaid.reason
    flat = ss.check(program, counts=dict.fromkeys(law, 1 / len(law)), shots=MANY, overhead=2.0, **SURE)
    assert flat.verdict == "FAIL" and "backwards" not in flat.reason


@pytest.fixture(scope="module")
def exported(program, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    program.save(folder / "p.qasm") if hasattr(program, "save") else program.exporter.write(program, folder / "p.qasm")
    return folder / "p.json"


FILES = {
    "stated": ({"quasi": None, "shots": MANY, "mitigation_overhead": 2.0}, [], "PASS"),
    "deviation": ({"quasi_dist": None, "stddev_upper_bound": 0.0004}, [], "PASS"),
    "as the first sampler": ({"quasi_dists": [None], "metadata": [{"shots": MANY}]}, ["--overhead", "2"], "PASS"),
    "plain": (None, ["--shots", str(MANY), "--overhead", "2"], "PASS"),
    "unsaid": (None, [], "UNVERIFIED"),
    "shots alone": ({"counts": None, "shots": MANY}, [], "UNVERIFIED"),
}


@pytest.mark.parametrize("form", FILES)
def test_files_of_quasi_probabilities(exported, examples, invoke, tmp_path, law, form):
    shape, words, wanted = FILES[form]
    shares = {str(value): share for value, share in law.items()}
    shares[next(iter(shares))] += 1.0 - sum(shares.values())
    data = shares if shape is None else {k: [shares] if v == [None] else shares if v is None else v for k, v in shape.items()}
    (tmp_path / "q.json").write_text(json.dumps(data))
    status, out, err = invoke(
        "check", examples / "three_tokens.json", "--program", exported, "--counts", tmp_path / "q.json", *words, "--json"
    )
    found = json.loads(out)
    assert (found["verdict"], status) == (wanted, {"PASS": 0, "UNVERIFIED": 3}[wanted]), err
    assert "these are quasi-probabilities, no counts" in found["reason"]
    assert found["quasi"]["entries"] == len(law)


def test_what_is_neither_counts_nor_quasi_probabilities(exported, examples, invoke, tmp_path):
    model = examples / "three_tokens.json"
    cases = {
        "neither counts nor quasi": ({"0": 0.5, "1": 0.4}, []),
        "whole number": ({"0": 2, "1": -2}, []),
        "overhead of quasi": ({"0": 1.5, "1": -0.5}, ["--shots", "100", "--overhead", "0.5"]),
        "stddev_upper_bound of quasi": ({"quasi": {"0": 1.0}, "stddev_upper_bound": 0}, []),
        "several circuits": ({"quasi_dists": [{"0": 1.0}, {"0": 1.0}]}, []),
        "one scope": ({"0": 1.5, "1": -0.5}, ["--scope", "pairs"]),
    }
    for said, (data, words) in cases.items():
        (tmp_path / "q.json").write_text(json.dumps(data))
        status, _, err = invoke("check", model, "--program", exported, "--counts", tmp_path / "q.json", *words)
        assert status == 2 and said in err, (said, err)
    status, _, err = invoke("check", model, "--counts", tmp_path / "q.json", "--shots", 5)
    assert status == 2 and "--program" in err


def test_whole_numbers_below_zero_that_add_up_to_one_are_quasi_probabilities(program):
    found = ss.check(program, counts={0: 2, 1: -1})
    assert found.verdict == "UNVERIFIED" and found.figures["quasi"]["negative"] == -1.0


def test_what_run_printed_is_judged_again(exported, examples, invoke, tmp_path):
    """With the program's description, or with what was asked; its texts have no order of bits."""
    model, asked = examples / "three_tokens.json", ["--prompt", "sun rain", "--steps", "2"]
    status, out, err = invoke("run", model, *asked, "--shots", SHOTS, "--seed", 5, "--json")
    assert status == 0, err
    (tmp_path / "r.json").write_text(out)
    sure = ["--alpha", "1e-9", "--resolution", "0.1", "--json"]
    words = ["check", model, "--counts", tmp_path / "r.json", *sure]
    found = []
    for more in (["--program", exported], asked):
        status, out, err = invoke(*words, *more)
        assert status == 0, err
        found.append(json.loads(out))
    assert found[0] == found[1] and found[0]["shots"] == SHOTS
    status, _, err = invoke(*words)
    assert status == 2 and "needs --steps" in err
    wrong = json.loads((tmp_path / "r.json").read_text())
    keys = list(wrong["counts"])
    wrong["counts"] = dict(zip(keys, [wrong["counts"][key] for key in keys[1:] + keys[:1]], strict=True))
    (tmp_path / "r.json").write_text(json.dumps(wrong))
    assert invoke(*words, *asked)[0] == 1


def test_what_can_be_given_to_check(program, exported, examples, counts):
    model = ss.load(examples / "three_tokens.json")
    assert ss.check(exported, model, counts=counts, **SURE).verdict == "PASS"
    samples = ss.run(program, shots=100, seed=1)
    for given, named, said in (
        ((samples,), {"counts": counts}, "counts of their own"),
        ((program, model), {"counts": counts}, "source of its own"),
        ((exported,), {"counts": counts}, "does not hold its model"),
        ((program,), {}, "nothing to check"),
        ((samples,), {"shots": 5}, "quasi-probabilities"),
        ((program,), {"counts": 7}, "run once"),
    ):
        with pytest.raises(InputError, match=said):
            ss.check(*given, **named)


def test_a_result_of_several_circuits_is_refused(program):
    """Which of them is meant nobody says; Qiskit's ``get_counts`` gives a list then."""
    several = AerSimulator(seed_simulator=3).run([program.circuit] * 2, shots=100).result()
    with pytest.raises(InputError, match="several circuits"):
        ss.check(program, counts=several)
