# SPDX-License-Identifier: Apache-2.0
"""Detection: what is dropped, what the rest is judged against, and that nothing passes by dropping."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

import stinespring
from stinespring.backends.aer.backend import AerBackend
from stinespring.backends.aer.calibration import Calibration, GateFigures, QubitFigures
from stinespring.checks.detection import detected
from stinespring.errors import InputError
from stinespring.models.texts.asked import TextAsked
from stinespring.models.texts.table import TableModel
from stinespring.readings import UNUSED, Outcomes
from stinespring.stages import Samples

LAW = np.array([[0.5, 0.3, 0.2], [0.0, 0.6, 0.4], [0.25, 0.25, 0.5]])  # after a: a, b or c; after b never a


def model() -> TableModel:
    return TableModel({"tokens": ["a", "b", "c"], "context": 1, "law": LAW.tolist()})


def texts(kept=20_000, wrong=0, seed=1, **known) -> Samples:
    """Two tokens after a, drawn here from the table, beside readings that cannot be: "b a" and a spare code."""
    joint = (LAW[0][:, None] * LAW).ravel()
    counts = np.random.default_rng(seed).multinomial(kept, joint)
    first, second = np.divmod(np.arange(9), 3)
    columns = {"t1": np.append(first, [1, UNUSED]), "t2": np.append(second, [0, 2])}
    outcomes = Outcomes.tallied(columns, np.append(counts, [wrong // 2, wrong - wrong // 2]))
    return Samples(model(), TextAsked((0,), 2), (outcomes,), **{"backend": "aer", "noisy": True, **known})


def test_what_cannot_be_is_dropped_and_the_rest_has_the_law():
    """On a noisy backend 5 % of impossible readings are dropped; the verdict is that on the others, with their resolution."""
    samples = texts(wrong=1_000, metadata={"stated_errors": 0.1})
    found = stinespring.check(samples, detect=True)
    told = found.summary()["detected"]
    assert told == {"dropped": 1_000, "share": 1_000 / 21_000, "expected": 0.0, "judged": "kept", "explained": 0.1}
    alone = stinespring.check(texts(metadata={"stated_errors": 0.1}), alpha=0.0005)  # half of the rate is the share's
    assert (found.verdict, found.shots, found.resolution, found.tvd) == ("PASS", 20_000, alone.resolution, alone.tvd)
    assert "1,000 of 21,000 shots" in found.reason and found.alpha == 0.001
    assert found.summary()["leakage"]["shots"] == 0
    assert stinespring.check(samples, within="none").verdict == "FAIL"
    assert stinespring.check(samples, within="none", detect=True).verdict == "PASS"


def test_without_noise_nothing_may_be_detected():
    assert stinespring.check(texts(noisy=False), detect=True).verdict == "PASS"
    found = stinespring.check(texts(wrong=1, noisy=False), detect=True)
    assert found.verdict == "FAIL" and "without noise" in found.reason
    assert found.summary()["detected"]["dropped"] == 1 and found.summary()["detected"]["judged"] == "all"


@pytest.mark.parametrize(
    ("kept", "wrong", "stated", "ruling"),
    [(20_000, 4_000, 0.1, "FAIL"), (20_000, 4_000, 0.3, "PASS"), (0, 4_000, 0.1, "FAIL"), (0, 4_000, None, "UNVERIFIED"),
     (20_000, 24_000, None, "UNVERIFIED"), (20_000, 4_000, None, "PASS"), (0, 4_000, 1.0, "UNVERIFIED")],
)  # fmt: skip
def test_no_program_passes_by_dropping(kept, wrong, stated, ruling):
    """More than the device's stated errors explain is a FAIL; unexplained it is no PASS beyond a half."""
    found = stinespring.check(texts(kept, wrong, metadata={"stated_errors": stated}), detect=True)
    assert found.verdict == ruling, found.reason


def test_counts_of_a_file_are_of_unknown_origin_unless_it_says_so():
    unknown = texts(wrong=40, backend="file:counts.json", noisy=False)
    assert stinespring.check(unknown, detect=True).verdict == "PASS"
    assert stinespring.check(replace(unknown, metadata={"noisy": False}), detect=True).verdict == "FAIL"


def test_a_wrong_law_is_found_among_the_kept():
    """0.1 of the mass moves between two possible texts: found, whatever is dropped."""
    samples = texts(wrong=500, metadata={"stated_errors": 0.1})
    values, counts = samples.outcomes[0].values, samples.outcomes[0].counts.copy()
    moved = counts[(values == [0, 0]).all(axis=1)] * 2 // 5
    counts[(values == [0, 0]).all(axis=1)] -= moved
    counts[(values == [2, 2]).all(axis=1)] += moved
    wrong = replace(samples, outcomes=(Outcomes(samples.outcomes[0].registers, values, counts),))
    assert stinespring.check(wrong, detect=True, within="none").verdict == "FAIL"


def test_the_share_alone_fails_at_most_at_its_rate():
    """Exactly the stated share is dropped on average: FAIL at most at alpha; 60 runs at 0.2, binomial quantile of 1e-7."""
    rng, fails = np.random.default_rng(5), 0
    for seed in range(60):
        wrong = int(rng.binomial(2_200, 0.1))
        samples = texts(2_200 - wrong, wrong, seed, metadata={"stated_errors": 0.1})
        fails += stinespring.check(samples, detect=True, within="none", alpha=0.2, resolution=0.5).verdict == "FAIL"
    assert fails <= binom.isf(1e-7, 60, 0.2)


def test_particles_given_success(examples):
    """Failed flags are dropped and the values judged given success; the law's own share of failures is expected."""
    source = stinespring.load(examples / "sphere.json")
    program = stinespring.compile(source, particle=0, layers=1)
    samples = stinespring.run(program, shots=20_000, seed=4)
    sifted = detected(samples)
    assert all((part.column("flag") == 0).all() for part in sifted.kept.outcomes)
    for part, law, given in zip(samples.outcomes, samples.asked.law(source).circuits,
                                sifted.kept.asked.law(source).circuits, strict=True):  # fmt: skip
        assert np.allclose(given.probabilities[:-1] * (1 - law.probabilities[-1]), law.probabilities[:-1])
        assert part.counts[part.column("flag") != 0].sum() > 0, "something fails"
    found = stinespring.check(samples, detect=True, alpha=1e-6)
    assert found.verdict == "PASS", found.reason
    assert found.figures["detected"]["dropped"] == sifted.dropped and found.shots == sifted.shots - sifted.dropped
    noisy = replace(samples, noisy=True, metadata={"stated_errors": 0.05})
    assert stinespring.check(noisy, detect=True, alpha=1e-6).verdict == "PASS"
    few = [Outcomes(p.registers, p.values, np.where(p.column("flag") != 0, p.counts * 3, p.counts)) for p in samples.outcomes]
    more = replace(samples, outcomes=tuple(few), wanted=None)
    assert stinespring.check(more, detect=True).verdict == "FAIL", "too many failures, though what is kept is right"
    never = [Outcomes(p.registers, p.values, np.where(p.column("flag") != 0, 0, p.counts)) for p in samples.outcomes]
    for stated, ruling in ((0.05, "FAIL"), (0.5, "PASS")):
        seldom = replace(noisy, outcomes=tuple(never), wanted=None, metadata={"stated_errors": stated})
        found = stinespring.check(seldom, detect=True, alpha=1e-6)
        assert found.verdict == ruling, (stated, found.reason)


def test_counts_of_unknown_origin_are_unknown_to_python_too():
    """What somebody sampled from a program on a device may hold readings that cannot be: they are dropped, not failed."""
    program = stinespring.compile(model(), prompt="a", steps=2, codes="binary")
    law = {(first, second): LAW[0][first] * LAW[first][second] for first in range(3) for second in range(3)}
    counts = {f"{second:02b} {first:02b}": round(20_000 * p) for (first, second), p in law.items()}
    found = stinespring.check(program, counts=counts | {"00 11": 40}, detect=True)
    assert found.verdict == "PASS" and found.figures["detected"]["dropped"] == 40, found.reason
    assert stinespring.check(program, counts=counts | {"00 11": 40}).verdict == "FAIL"


def test_overlaps_have_nothing_to_detect(examples):
    program = stinespring.compile(stinespring.load(examples / "sphere.json"), test="swap")
    with pytest.raises(InputError, match="overlap"):
        stinespring.check(stinespring.run(program, shots=100, seed=1), detect=True)


def test_the_commands(invoke, examples, tmp_path, monkeypatch):
    """``run``, ``check`` and ``submit`` with ``fetch``: the same share of the same counts on a noisy device."""
    pytest.importorskip("qiskit_ibm_runtime", reason="snapshots of devices need the extra [ibm]")
    monkeypatch.setenv("STINESPRING_HOME", str(tmp_path))
    asked = [str(examples / "three_tokens.json"), "--prompt", "sun rain", "--steps", "2"]
    words = [*asked, "--schedule", "static", "--codes", "free", "--effort", "0", "--shots", "2000", "--seed", "2",
             "--backend", "fake:manila", "--json"]  # fmt: skip
    ran = json.loads(invoke("run", *words, "--detect", "--resolution", "0.4").stdout)
    assert 0 < ran["detected"]["dropped"] == sum(n for text, n in ran["counts"].items() if "\ufffd" in text) < 400
    assert ran["shots"] == 2_000 - ran["detected"]["dropped"] and ran["verdict"] == "PASS"
    sent = invoke("submit", *words, "--detect", "--yes")
    assert sent.returncode == 0, sent.stderr
    fetched = json.loads(invoke("fetch", "latest", "--resolution", "0.4", "--json").stdout)
    assert fetched["detected"] == ran["detected"] and fetched["p_value"] == ran["p_value"]
    assert invoke("export", "latest", "-o", str(tmp_path / "counts.json")).returncode == 0
    checked = invoke("check", *asked, "--counts", str(tmp_path / "counts.json"), "--detect", "--resolution", "0.4", "--json")
    assert json.loads(checked.stdout)["detected"] == ran["detected"], checked.stderr
    refused = invoke("run", *words, "--detect", "--mitigation", "readout")
    assert refused.returncode == 2 and "--detect" in refused.stderr


def test_errors_of_readings_that_only_the_qubits_state(three_tokens):
    """A calibration with readout errors, whose measurements state none: they are among what the device explains."""
    wires = range(4)
    gates = [GateFigures(n, (q,), None if n == "measure" else 0.0, None) for n in ("sx", "rz", "x", "measure") for q in wires]
    gates += [GateFigures("cz", (q, q + 1), 0.0, None) for q in wires[:-1]]
    qubits = (QubitFigures(None, None, ((0.95, 0.05), (0.05, 0.95))),) * 4
    backend = AerBackend(calibration=Calibration("silent", None, True, qubits, tuple(gates)))
    program = stinespring.compile(three_tokens, prompt="sun rain", steps=2, codes="binary", schedule="static", effort=0,
                                  target=backend.capabilities.device)  # fmt: skip
    found = stinespring.check(
        stinespring.run(program, backend=backend, shots=20_000, seed=3), detect=True, within=0.2, alpha=1e-6
    )
    assert found.verdict == "PASS", found.reason
    assert found.figures["detected"]["dropped"] > 400 and 0.3 < found.figures["detected"]["explained"] < 0.5
