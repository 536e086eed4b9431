# SPDX-License-Identifier: Apache-2.0
"""Faults of the stand-in as the real client sees them, and a stand-in that is killed and started again."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

from standin import TOKEN, ChildStandIn, tokens
from standin.clients import POLL, SMALL, calm, lopsided, require_lopsided, service, standin, submitted
from standin.faults import Fault

runtime = pytest.importorskip("qiskit_ibm_runtime")
__all__ = ["calm", "service", "standin"]  # fixtures
IBMRuntimeError = runtime.exceptions.IBMRuntimeError


@pytest.fixture(scope="module")
def small(service):
    return service.backend(SMALL)


def stored(standin, tag):
    return [job for job in standin.jobs() if tag in job["tags"]]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, IBMRuntimeError),
        (401, runtime.exceptions.IBMNotAuthorizedError),
        (403, IBMRuntimeError),
        (404, runtime.RuntimeProgramNotFound),
        (429, IBMRuntimeError),
    ],
)
def test_refused_submission(calm, small, status, error):
    calm.fault("POST /jobs", "status", status=status, retry_after=2)
    with pytest.raises(error, match=str(status)):
        submitted(small, tags=[f"refused{status}"])
    sent = [one for one in calm.submissions() if f"refused{status}" in one["tags"]]
    assert [(one["status"], one["fault"]) for one in sent] == [(status, "status")]
    assert stored(calm, f"refused{status}") == []


@pytest.mark.parametrize("status", [500, 503])
def test_client_repeats_a_submission_that_the_server_failed(calm, small, status):
    calm.fault("POST /jobs", "status", status=status, nth=1, times=1)
    job = submitted(small, tags=[f"repeated{status}"])
    sent = [one["status"] for one in calm.submissions() if f"repeated{status}" in one["tags"]]
    assert sent == [status, 200]
    assert [one["id"] for one in stored(calm, f"repeated{status}")] == [job.job_id()]


def test_nth_request_is_the_one_that_is_hit(calm, service, small):
    job = submitted(small)
    calm.fault("GET /jobs/*", "status", status=403, nth=2)
    assert job.status() == "QUEUED"
    with pytest.raises(runtime.api.exceptions.RequestsApiError) as caught:
        job.status()
    assert caught.value.status_code == 403
    assert job.status() in {"QUEUED", "RUNNING"}


def test_answer_that_is_lost_leaves_one_job_to_be_found(calm, service, small):
    calm.fault("POST /jobs", "lost")
    with pytest.raises(IBMRuntimeError):
        submitted(small, tags=["lost"])
    [found] = service.jobs(job_tags=["lost"])
    require_lopsided(found.result(poll_interval=POLL)[0].data, 64)


def test_connection_that_is_cut_stores_nothing(calm, service, small):
    calm.fault("POST /jobs", "cut")
    with pytest.raises(IBMRuntimeError):
        submitted(small, tags=["cut"])
    assert service.jobs(job_tags=["cut"]) == []
    assert [one["status"] for one in calm.submissions() if "cut" in one["tags"]] == [0]


def test_slow_answer(calm, small):
    job = submitted(small)
    calm.fault("GET /jobs/*", "slow", seconds=0.5)
    start = time.monotonic()
    job.status()
    assert time.monotonic() - start >= 0.5


def test_submitter_that_is_killed_between_its_job_and_the_answer(calm):
    """The job is stored while its submitter waits: the moment to kill it, and the log and the jobs tell when it is."""
    calm.fault("POST /jobs", "slow", seconds=60, after=True)
    program = f"""
import urllib.request, json
body = json.dumps({{"program_id": "executor", "backend": {SMALL!r}, "params": {{}}, "tags": ["orphan"]}}).encode()
headers = {{"Authorization": "Bearer {tokens.issue(86_400)["access_token"]}"}}
urllib.request.urlopen(urllib.request.Request("{calm.url}/api/v1/jobs", data=body, headers=headers))
"""
    client = subprocess.Popen([sys.executable, "-c", program])
    calm.wait_for("POST /jobs", tag="orphan")
    while not stored(calm, "orphan"):
        assert client.poll() is None
    assert client.poll() is None
    client.kill()
    client.wait()
    assert len(stored(calm, "orphan")) == 1


def test_refusal_after_the_job_is_stored(calm, small):
    calm.fault("POST /jobs", "status", status=400, after=True)
    with pytest.raises(IBMRuntimeError, match="400"):
        submitted(small, tags=["kept anyway"])
    assert len(stored(calm, "kept anyway")) == 1


def test_two_clients_at_once(calm):
    """Each submission is one job, whatever their order."""
    from concurrent.futures import ThreadPoolExecutor

    def post(number):
        body = json.dumps({"program_id": "executor", "backend": SMALL, "params": {}, "tags": ["crowd", f"c{number}"]}).encode()
        headers = {"Authorization": f"Bearer {tokens.issue(86_400)['access_token']}"}
        request = urllib.request.Request(f"{calm.url}/api/v1/jobs", data=body, headers=headers)
        return json.load(urllib.request.urlopen(request, timeout=30))["id"]

    with ThreadPoolExecutor(8) as pool:
        sent = set(pool.map(post, range(40)))
    found = stored(calm, "crowd")
    assert {job["id"] for job in found} == sent
    assert len({job["number"] for job in found}) == 40


@pytest.mark.parametrize("kind", ["malformed", "truncated"])
def test_spoilt_download_of_a_result(calm, small, kind):
    job = submitted(small)
    job.wait_for_final_state(poll_interval=POLL)
    calm.fault("GET /jobs/*/results", kind)
    with pytest.raises(Exception, match=r"(?i)expecting value|string indices|incomplete|connection broken"):
        job.result()
    require_lopsided(job.result()[0].data, 64)


def test_malformed_answer_to_a_submission(calm, small):
    calm.fault("POST /jobs", "malformed", body="[]")
    with pytest.raises(Exception, match="list"):
        submitted(small, tags=["malformed"])
    assert len(stored(calm, "malformed")) == 1


def test_failed_job(calm, small):
    calm.fault("POST /jobs", "fail", reason="the fridge is warm", reason_code=9201)
    with pytest.raises(runtime.RuntimeJobFailureError, match=r"9201.*the fridge is warm"):
        submitted(small).result(poll_interval=POLL)


def test_result_that_is_never_ready(calm, small):
    calm.fault("POST /jobs", "stuck")
    job = submitted(small)
    with pytest.raises(runtime.RuntimeJobTimeoutError):
        job.result(timeout=1, poll_interval=POLL)
    job.cancel()


def test_job_that_the_service_stops(calm, small):
    calm.fault("POST /jobs", "timeout")
    with pytest.raises(runtime.RuntimeJobMaxTimeoutError):
        submitted(small).result(poll_interval=POLL)


@pytest.mark.parametrize("match", ["POST /jobs", "GET /jobs/*/results"])
def test_result_with_too_few_shots_or_registers(calm, small, match):
    calm.fault(match, "wrong_shots")
    assert submitted(small).result(poll_interval=POLL)[0].data.first.num_shots == 32
    calm.fault(match, "missing_register")
    assert list(submitted(small).result(poll_interval=POLL)[0].data) == ["first"]


def test_raw_key_is_seen_when_the_identity_service_fails(calm):
    calm.fault("POST /identity/token", "status", status=400, times=0)
    with pytest.warns(UserWarning, match="API Key will be used"):
        runtime.QiskitRuntimeService()
    found = calm.leaks()
    assert found
    assert {one["auth"] for one in found} == {"apikey"}


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (f"Bearer {tokens.issue(86_400)['access_token']}", 200),
        (f"Bearer {tokens.issue(-60)['access_token']}", 401),
        (f"Bearer {tokens.issue(86_400)['access_token']}x", 401),
        ("Bearer no-token", 401),
        ("apikey wrong", 401),
        ("", 401),
    ],
)
def test_only_its_own_valid_tokens_open_the_service(calm, authorization, status):
    request = urllib.request.Request(f"{calm.url}/api/v1/backends", headers={"Authorization": authorization})
    if status == 200:
        assert urllib.request.urlopen(request, timeout=10).status == 200
        return
    with pytest.raises(urllib.error.HTTPError, match=str(status)):
        urllib.request.urlopen(request, timeout=10)


def test_wrong_key_gets_no_token(calm):
    data = urllib.parse.urlencode({"grant_type": "urn:ibm:params:oauth:grant-type:apikey", "apikey": "wrong"}).encode()
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(f"{calm.url}/identity/token", data=data, timeout=10)


def test_expired_token_is_renewed(calm):
    before = len(calm.log("POST /identity/token"))
    calm.set(token_seconds=1.0)
    service = runtime.QiskitRuntimeService()
    time.sleep(1.1)
    assert service.usage()["usage_limit_reached"] is False
    assert len(calm.log("POST /identity/token")) >= before + 2


@pytest.mark.parametrize(
    "order",
    [
        {"match": "POST /jobs", "kind": "explode"},
        {"match": "/jobs", "kind": "cut"},
        {"match": "POST /jobs", "kind": "cut", "nth": 0},
        {"match": "GET /jobs/*", "kind": "fail"},
        {"match": "GET /jobs/*", "kind": "wrong_shots"},
    ],
)
def test_orders_that_mean_nothing(calm, order):
    with pytest.raises(ValueError):
        Fault(**order)
    with pytest.raises(ValueError):
        calm.fault(**order)
    with pytest.raises(ValueError, match="no setting"):
        calm.set(speed=9)


def test_killed_server_keeps_its_jobs(tmp_path, monkeypatch):
    """Submitted before the server is killed; the result is the same before and after another kill."""
    with ChildStandIn(tmp_path / "state.json", devices=(f"{SMALL}=boston:20@1",)) as child:
        for name, value in child.env(tmp_path / "home").items():
            monkeypatch.setenv(name, value)
        job_id = submitted(runtime.QiskitRuntimeService().backend(SMALL), tags=["child"], shots=50).job_id()
        child.kill()
        child.start()
        assert [job["id"] for job in child.jobs()] == [job_id]
        first = runtime.QiskitRuntimeService().job(job_id).result(poll_interval=POLL)[0].data
        require_lopsided(first, 50)
        child.kill()
        child.start()
        child.fault("GET /jobs/*/results", "status", status=503)
        again = runtime.QiskitRuntimeService().job(job_id).result(poll_interval=POLL)[0].data
        assert again.second.get_bitstrings() == first.second.get_bitstrings()
        assert [one["status"] for one in child.log(f"GET /jobs/{job_id}/results")] == [503, 200]
        assert TOKEN not in (tmp_path / "state.json").read_text()


def test_server_ends_with_the_process_that_started_it(tmp_path):
    child = ChildStandIn(tmp_path / "state.json").start()
    child.process.stdin.close()
    assert child.process.wait(timeout=30) == 0


def test_lopsided_circuit_is_what_it_says():
    """The expected answer, by exact enumeration in Aer's density matrix of the unlowered circuit."""
    from qiskit_aer import AerSimulator

    result = AerSimulator(method="density_matrix", seed_simulator=3).run(lopsided(), shots=200).result()
    assert {word.replace(" ", "") for word in result.get_counts()} == {"000110", "110110"}
