# SPDX-License-Identifier: Apache-2.0
"""What is predicted of a program on a device with noise, and what is chosen by it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import chi2

import stinespring
from stinespring.backends.exact import EXACT_SHOTS
from stinespring.backends.execute import sample_body
from stinespring.backends.noisy.shares import NoisyShares
from stinespring.backends.registry import open_backend
from stinespring.circuits.devices.targets import generic_target
from stinespring.compiler.devices.quiet import quiet_regions
from stinespring.errors import InputError
from stinespring.ledger.store import Ledger
from stinespring.models.texts.joint import joint_law
from stinespring.pipeline.noise.beside import Beside
from stinespring.pipeline.noise.predicted import predicted

ASKED = {"prompt": "a b", "steps": 3, "effort": 0}


@pytest.fixture(scope="module")
def device():
    return open_backend("fake:manila")


@pytest.mark.parametrize("schedule", ["static", "stepwise"])
def test_the_device_samples_the_predicted_law(two_tokens, device, schedule):
    """20,000 shots a schedule against the exact shares of every text: a false alarm in 10^7; fixed seeds."""
    program = stinespring.compile(two_tokens, **ASKED, schedule=schedule, target=device.capabilities.device)
    seen = sample_body(program.body, NoisyShares(device.calibration, device.capabilities.device, 1e9), EXACT_SHOTS, 0)
    [exact, *_] = program.body.outcomes(seen, EXACT_SHOTS)
    [read, *_] = stinespring.run(program, backend=device, shots=20_000, seed=1_802).outcomes
    law = dict(zip(map(tuple, exact.values.tolist()), (exact.counts / EXACT_SHOTS).tolist()))
    counts = np.array([dict(zip(map(tuple, read.values.tolist()), read.counts.tolist())).get(key, 0) for key in law])
    wanted = 20_000 * np.array(list(law.values()))
    assert counts.sum() == 20_000 and len(law) == 8
    assert chi2.sf(float(((counts - wanted) ** 2 / wanted).sum()), 7) > 1e-7


def test_the_interval_holds_what_a_million_shots_show(two_tokens, device):
    """Ten draws of 10^6 shots from the exact law are all inside, and so is the law's own distance."""
    program = stinespring.compile(two_tokens, **ASKED, schedule="static", target=device.capabilities.device)
    found = predicted(program, device)
    seen = sample_body(program.body, NoisyShares(device.calibration, device.capabilities.device, 1e9), EXACT_SHOTS, 0)
    [exact] = program.body.outcomes(seen, EXACT_SHOTS)
    law = joint_law(two_tokens, "a b", 3)
    order = [law.texts.tolist().index(text) for text in exact.values.tolist()]
    p, q = law.probabilities[order], exact.counts / EXACT_SHOTS
    assert found.by == "exact noisy law" and found.tvd == pytest.approx(0.5 * abs(p - q).sum(), abs=1e-12)
    drawn = np.random.default_rng(5).multinomial(1_000_000, q, size=10) / 1e6
    assert ((found.low <= 0.5 * abs(drawn - p).sum(axis=1)) & (0.5 * abs(drawn - p).sum(axis=1) <= found.high)).all()
    assert found.low < found.tvd < found.high < 0.1


def test_mean_and_spread_of_what_is_shown():
    """Against 4,000 simulated samples: the mean to 2 %, the spread to 10 %."""
    rng = np.random.default_rng(3)
    p, q = rng.dirichlet(np.ones(40)), rng.dirichlet(np.ones(40))
    for read in (0.99 * p + 0.01 * q, p):
        mean, spread = Beside(read, p).shown(20_000)
        shown = 0.5 * abs(rng.multinomial(20_000, read, size=4_000) / 20_000 - p).sum(axis=1)
        assert mean == pytest.approx(shown.mean(), rel=0.02) and spread == pytest.approx(shown.std(), rel=0.1)


def test_what_is_chosen_is_predicted_best(two_tokens, device):
    """Of the table the least figure is taken, tolerance 0 is in it, and the figure is that of the program that comes back."""
    program = stinespring.compile(two_tokens, **ASKED, tolerance="auto", target=device.capabilities.device)
    rows = program.details["choices"]
    [chosen] = [row for row in rows if row["chosen"]]
    least = min(row["expected_tvd"] for row in rows if row["expected_tvd"] is not None)
    assert chosen["expected_tvd"] == pytest.approx(least, abs=1e-9)
    plain = stinespring.compile(two_tokens, **ASKED, schedule="static", target=device.capabilities.device)
    assert rows[0]["tolerance"] == 0 and rows[0]["expected_tvd"] == pytest.approx(predicted(plain, device).tvd, abs=1e-12)
    assert predicted(program, device).tvd == pytest.approx(chosen["expected_tvd"], abs=1e-12)
    assert {row["layout"] for row in rows} == {"gates", "noise"} and len(rows) > 3
    first = next(row for row in rows if round(row["expected_tvd"] or 1, 9) == round(chosen["expected_tvd"], 9))
    assert first is chosen, "of equal figures the first counts, which rounding does not undo"
    again = stinespring.compile(two_tokens, **ASKED, tolerance="auto", target=device.capabilities.device)
    assert again.hash == program.hash and again.details == program.details


def test_what_was_said_is_kept(two_tokens, device):
    given = {"codes": "free", "schedule": "static", "delays": "none"}
    rows = stinespring.compile(two_tokens, **ASKED, **given, tolerance="auto", target="fake:manila").details["choices"]
    assert {(row["codes"], row["schedule"], row["delays"]) for row in rows} == {("free", "static", "none")}


@pytest.mark.parametrize(("target", "got"), [("aer", "--target aer"), ("line:5", "--target line:5")])
def test_auto_needs_noise(invoke, examples, two_tokens, target, got):
    with pytest.raises(InputError, match="needs a target with noise"):
        stinespring.compile(two_tokens, **ASKED, tolerance="auto", target=target)
    words = ("--prompt", "a b", "--steps", "2", "--tolerance", "auto", "--target", target)
    done = invoke("compile", examples / "two_tokens.json", *words)
    assert done.returncode == 2 and got in done.stderr and "needs a target with noise" in done.stderr
    done = invoke("compile", examples / "two_tokens.json", *words[:-3], "some")
    assert done.returncode == 2 and "neither a number nor auto" in done.stderr


def test_a_run_of_the_ledger_is_what_was_decided(invoke, examples, tmp_path, monkeypatch):
    """With the host in the loop the program is compiled again when it is fetched: from the numbers, not from ``auto``."""
    monkeypatch.setenv("STINESPRING_HOME", str(tmp_path))
    words = ("--prompt", "a b", "--steps", "2", "--effort", "0", "--tolerance", "auto", "--backend", "fake:manila")
    for schedule in ("stepwise", "static"):
        done = invoke("submit", examples / "two_tokens.json", *words, "--schedule", schedule, "--shots", 500, "--yes", "--json")
        assert done.returncode == 0, done.stderr
        run = Ledger().run(json.loads(done.stdout)["id"])
        assert run.state == "done" and isinstance(run.request["options"]["tolerance"], float)
        found = json.loads(invoke("fetch", run.id, "--json").stdout)
        assert found["state"] == "done" and found["shots"] == 500
        assert found["cost"]["schedule"] == schedule and sum(row["chosen"] for row in found["cost"]["choices"]) == 1


def test_a_quiet_part_is_found():
    """On a line of nine qubits three in the middle are good; a chain of three is asked for."""
    target = generic_target("line", "9")
    for pair in list(target["cz"]):
        target.update_instruction_properties("cz", pair, made(0.001 if set(pair) <= {3, 4, 5} else 0.02))
    for (qubit,) in list(target["measure"]):
        target.update_instruction_properties("measure", (qubit,), made(0.01 if qubit in (3, 4, 5) else 0.05))
    regions = quiet_regions(target, 3, 10)
    assert sorted(regions[0]) == [3, 4, 5] and len(regions) > 1
    assert quiet_regions(generic_target("line", "3"), 3, 10) == []


def made(error):
    from qiskit.transpiler import InstructionProperties

    return InstructionProperties(error=error)
