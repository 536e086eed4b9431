# SPDX-License-Identifier: Apache-2.0
"""Spins, particles and layers on a service that keeps jobs: cut off at a call, they go on from what was measured."""

from __future__ import annotations

import json

import pytest

from kinds import SPHERE, SPINS

pytest.importorskip("qiskit_ibm_runtime", reason="the extra [ibm] is not installed")
SMALL = "ibm:ibm_standin_small"
GOOD = ("PASS", "UNVERIFIED")


@pytest.fixture
def files(tmp_path):
    (tmp_path / "sphere.json").write_text(json.dumps(SPHERE))
    (tmp_path / "spins.json").write_text(json.dumps(SPINS))
    return tmp_path


def words(command, folder):
    """A command by its first word, with everything random fixed but the service."""
    return {
        "spins": ["spins", "sample", folder / "spins.json", "--steps", "2", "--shots", "300"],
        "sphere": ["sphere", "sample", folder / "sphere.json", "--particle", "1", "--shots", "500"],
        "overlaps": ["sphere", "overlaps", folder / "sphere.json", "--shots", "500"],
    }[command]


@pytest.mark.parametrize("command", ["spins", "sphere", "overlaps"])
def test_a_command_is_a_run_of_the_ledger(service, ask, files, command):
    """Without noise, at a false-alarm rate of 1e-7, no verdict is FAIL."""
    status, found, err = ask(*words(command, files), "--seed", "3", "--alpha", "1e-7", "--backend", SMALL)
    assert status in (0, 3), err
    [run] = ask("jobs")[1]["jobs"]
    assert (run["state"], run["backend"]) == ("done", SMALL)
    assert len(set(run["remote"])) == len(run["remote"]) >= 1
    before = len(service.log())
    again, replayed, err = ask("fetch", "latest")
    assert again == status, err
    assert replayed["state"] == "done"
    assert not any("/jobs" in one["path"] for one in service.log()[before:])  # everything is here already
    for key in ("verdict", "p_value", "circuits", "overlaps"):
        assert replayed.get(key) == found.get(key)


@pytest.mark.parametrize("command", ["spins", "sphere", "overlaps"])
def test_a_fetched_command_writes_its_report(service, ask, invoke, files, command):
    pytest.importorskip("matplotlib", reason="the extra [plot] is not installed")
    status, found, err = ask(*words(command, files), "--seed", "3", "--backend", SMALL)
    assert status in (0, 1, 3), err
    page = files / "report.html"
    again, _, err = ask("fetch", "latest", "--report", page)
    assert again == status, err
    text = page.read_text(encoding="utf-8")
    assert f'<span class="badge {found["verdict"]}">' in text
    [run] = ask("jobs")[1]["jobs"]
    assert f"fetch {run['id']} --report" in text and "--seed" not in text  # what is fetched was drawn already


@pytest.mark.parametrize(
    ("command", "nth", "state"), [("spins", 2, "submitted"), ("spins", 1, "created"), ("sphere", 1, "created")]
)
def test_what_was_cut_off_goes_on(service, ask, files, command, nth, state):
    """Spins call the service once a token, particles once in all."""
    service.fault("POST /jobs", "status", nth=nth, times=0, status=401)
    before = len(service.submissions())
    status, _, err = ask(*words(command, files), "--alpha", "1e-7", "--backend", SMALL)
    assert status == 4
    assert "401" in err
    assert len(service.submissions()) - before == nth
    service.clear_faults()
    for file in files.glob("s*.json"):
        file.unlink()  # the ledger has its own copy
    assert ask("fetch", "latest")[1]["state"] == state
    assert len(service.submissions()) - before == nth  # a look sends nothing
    assert ask("resume", "latest")[0] in (0, 3)
    status, found, err = ask("fetch", "latest", "--wait", "60")
    assert status in (0, 3), err
    assert found["state"] == "done"
    assert found["verdict"] in GOOD
    [run] = ask("jobs")[1]["jobs"]
    assert len(set(run["remote"])) == len(run["remote"])
    assert ask("export", "latest", "-o", files / "out.json")[0] == 0
    assert json.loads((files / "out.json").read_text())["provenance"]["remote"] == run["remote"]


def test_a_command_can_be_cancelled(service, ask, files):
    service.fault("POST /jobs", "status", nth=2, times=0, status=401)
    assert ask(*words("spins", files), "--backend", SMALL)[0] == 4
    service.clear_faults()
    assert ask("cancel", "latest")[1]["state"] == "cancelled"
    assert ask("fetch", "latest", "--wait", "1")[0] == 4


def test_layers_of_a_decoder(service, ask):
    glass = ["lens", "run", "glassllm:en", "--prompt", "Alice was", "--upto", "0", "--simplify", "state", "--shots", "400"]
    pytest.importorskip("glassllm", reason="glassllm is not installed")
    status, found, err = ask(*glass, "--seed", "1", "--alpha", "1e-7", "--backend", SMALL)
    assert status in (0, 3), err
    assert ask("fetch", "latest")[1]["counts"] == found["counts"]
