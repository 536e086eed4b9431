# SPDX-License-Identifier: Apache-2.0
"""Dry runs cost nothing and write nothing; what the executor tells of a job is in the run's record."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from standin import StandIn
from stinespring.backends.ibm.told import LONGEST_TIMING, told_of_pubs

pytest.importorskip("qiskit_ibm_runtime", reason="the extra [ibm] is not installed")
LEGACY = {"Sampler", "SamplerV2", "Estimator", "EstimatorV2"}
SMALL, MOCK = "ibm:ibm_standin_small", "mock_standin_small"


@pytest.fixture
def rehearse(invoke, asked):
    def call(*more, backend=SMALL):
        status, out, err = invoke("submit", *asked, "--backend", backend, "--dry-run", "--json", *more)
        return status, json.loads(out) if out else None, err

    return call


def new_jobs(service, before):
    return [job for job in service.jobs() if job["id"] not in before]


@pytest.mark.parametrize(
    "words", [("--schedule", "static"), ("--schedule", "dynamic", "--max-qubits", "1"), ("--schedule", "stepwise")]
)
def test_a_dry_run_goes_to_the_mock_alone(service, rehearse, ask, words):
    before = {job["id"] for job in service.jobs()}
    status, found, err = rehearse(*words)
    assert status == 0, err
    assert found["dry_run"] is True and found["backend"] == SMALL
    assert found["estimate"]["jobs"] >= len(found["would_send"]) == 1
    [circuit] = found["would_send"][0]["circuits"]
    assert circuit["instructions"]["measure"] >= 1 and circuit["rows"] >= 1
    [told] = found["service"]
    assert (told["sent"], told["state"]) == (True, "done")
    assert told["executed"][0]["circuit_duration_dt"] > 0
    assert told["executed"][0]["circuit_duration_s"] == pytest.approx(4e-9 * told["executed"][0]["circuit_duration_dt"])
    [job] = new_jobs(service, before)
    assert (job["backend"], job["id"], job["refused"]) == (MOCK, told["job"], [])
    assert ask("jobs")[1]["jobs"] == []  # nothing is written down


def test_what_a_dry_run_shows_is_what_is_sent(service, rehearse, submit):
    """Randomised circuits too: a job as large as that of the run that is submitted, of as many circuits."""
    words = ("--schedule", "dynamic", "--max-qubits", "1", "--mitigation", "flips", "--seed", "1")
    before = {job["id"] for job in service.jobs()}
    status, found, err = rehearse(*words)
    assert status == 0, err
    mocked = json.loads(service.submissions()[-1]["body"])["params"]["quantum_program"]
    assert [job["backend"] for job in new_jobs(service, before)] == [MOCK] * len(found["would_send"])
    assert len(found["would_send"][1]["circuits"]) > 1
    assert submit(*words)[0] == 0
    sent = json.loads(service.submissions()[-1]["body"])["params"]["quantum_program"]
    assert len(json.dumps(mocked)) == pytest.approx(len(json.dumps(sent)), rel=0.1)  # compressed circuits


def test_nothing_is_charged(service, rehearse):
    def used():
        from urllib.request import Request, urlopen

        from standin import tokens

        token = tokens.issue(60.0)["access_token"]
        request = Request(f"{service.url}/api/v1/instances/usage", headers={"Authorization": f"Bearer {token}"})
        return json.loads(urlopen(request).read())["usage_consumed_seconds"]

    before = used()
    assert rehearse("--schedule", "static")[0] == 0
    assert used() == before


def test_without_a_mock_nothing_is_sent(service, rehearse, monkeypatch):
    monkeypatch.setattr(
        "re.sub",
        lambda pattern, new, text, *more, _sub=importlib.import_module("re").sub: (
            "mock_nowhere" if (pattern, new) == ("^[^_]+", "mock") else _sub(pattern, new, text, *more)
        ),
    )
    before = len(service.submissions())
    status, found, err = rehearse("--schedule", "static")
    assert status == 0, err
    assert found["service"] == [{"sent": False, "reason": "the service has no mock of this device"}]
    assert len(service.submissions()) == before


@pytest.mark.parametrize(
    ("kind", "more", "status"),
    [
        ("status", {"status": 503}, 0),
        ("status", {"status": 429}, 0),
        ("status", {"status": 401, "times": 0}, 4),
        ("fail", {}, 4),
    ],
    ids=["503", "429", "401", "the mock refuses"],
)
def test_faults_of_the_service(service, rehearse, ask, kind, more, status):
    service.fault("POST /jobs", kind, **more)
    found = rehearse("--schedule", "static")
    assert found[0] == status, found[2]
    if status:
        assert found[1] is None and found[2].count("\n") <= 12 and "Traceback" not in found[2]
    assert ask("jobs")[1]["jobs"] == []
    assert {job["backend"] for job in service.jobs() if "stinespring-dry-run" in job["tags"]} <= {MOCK}


def test_a_backend_without_jobs_says_what_it_would_sample(invoke, asked, ask, service):
    status, out, err = invoke("submit", *asked, "--backend", "aer", "--dry-run", "--json", "--schedule", "static")
    assert status == 0, err
    found = json.loads(out)
    assert found["service"] is None
    assert found["would_send"][0]["shots"] == 400
    assert invoke("submit", *asked, "--backend", "aer", "--dry-run", "--schedule", "static")[1].startswith("dry run on aer")
    assert ask("jobs")[1]["jobs"] == []


def test_the_record_of_a_run_has_its_timing(service, submit, ask):
    run = submit("--schedule", "stepwise")[1]
    status, found, err = ask("fetch", run["id"], "--wait", "60")
    assert status in (0, 3), err
    remote = ask("jobs")[1]["jobs"][0]["remote"]
    assert set(found["executed"]) == set(remote)
    for parts in found["executed"].values():
        assert all(part["circuit_duration_dt"] > 0 and part["timing"].count("\n") >= 1 for part in parts)
    again = ask("fetch", run["id"])[1]  # from the ledger alone
    assert again["executed"] == found["executed"]
    body = json.loads(service.submissions()[-1]["body"])
    assert body["params"]["options"]["scheduler_timing"] and body["params"]["options"]["stretch_values"]


def test_no_timing_if_not_wanted(service, submit, ask):
    run = submit("--schedule", "static", backend=SMALL + "?timing=no")[1]
    assert ask("fetch", run["id"], "--wait", "60")[1]["executed"] == {}


class Pub:
    def __init__(self, metadata):
        self.metadata = metadata


STRETCH = {"name": "s", "value": 3, "remainder": 1, "expanded_values": [(0, 3), [9, 4]]}


TIMED = {"timing": "x,0,8", "circuit_duration": 8}
RESOLVED = {"name": "s", "value": 3, "remainder": 1, "places": [[0, 3], [9, 4]]}


@pytest.mark.parametrize(
    ("compilation", "expected"),
    [
        ({"scheduler_timing": TIMED}, {"circuit_duration_dt": 8, "circuit_duration_s": 4.0, "timing": "x,0,8"}),
        ({"scheduler_timing": {"timing": "x" * (LONGEST_TIMING + 1)}}, {"timing_left_out": LONGEST_TIMING + 1}),
        ({"stretch_values": [STRETCH]}, {"stretches": [RESOLVED]}),
    ],
    ids=["timing", "long timing", "stretches"],
)
def test_what_is_kept_of_the_metadata(compilation, expected):
    assert told_of_pubs([Pub({"compilation": compilation})], 0.5) == [expected]


@pytest.mark.parametrize(
    "metadata", [None, {}, {"compilation": None}, {"compilation": {"scheduler_timing": 3, "stretch_values": "no"}}]
)
def test_metadata_of_another_shape_are_left_out(metadata):
    assert told_of_pubs([Pub(metadata)], None) == []


def test_no_deprecated_part_of_the_client_is_used(examples, tmp_path):
    """A run through the client in a fresh process in which its deprecation warnings are errors; the legacy modules stay out."""
    code = """
import sys, warnings
warnings.filterwarnings("error", category=DeprecationWarning, module="stinespring")
import qiskit_ibm_runtime
for name in ("SamplerV2", "EstimatorV2", "Sampler", "Estimator"):
    legacy = getattr(qiskit_ibm_runtime, name)
    def refused(self, *given, _name=name, **more):
        raise AssertionError(f"the deprecated {_name} was made")
    legacy.__init__ = refused
import stinespring
program = stinespring.compile(stinespring.load(sys.argv[1]), prompt="a b", steps=1, effort=0)
samples = stinespring.run(program, backend="ibm:ibm_standin_small", shots=50, seed=1)
print(samples.outcomes[0].shots)
"""
    with StandIn() as server:
        import os

        words = [sys.executable, "-c", code, str(examples / "two_tokens.json")]
        done = subprocess.run(words, env={**os.environ, **server.env(tmp_path)}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == ["50"]


def test_no_deprecated_primitive_is_imported():
    """Of the client's top level only what version 0.50 did not deprecate; the sampler is that of the executor."""
    root, found = Path(importlib.import_module("stinespring").__path__[0]), set()
    for path in (
        file for room in ("backends", "pipeline", "ledger", "cli", "compiler") for file in (root / room).rglob("*.py")
    ):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("qiskit_ibm_runtime"):
                found |= {(node.module, alias.name) for alias in node.names}
    assert ("qiskit_ibm_runtime.executor_sampler", "Sampler") in found
    assert not {name for module, name in found if module == "qiskit_ibm_runtime"} & LEGACY
    assert not {module for module, _ in found} & {"qiskit_ibm_runtime.sampler", "qiskit_ibm_runtime.estimator"}
