# SPDX-License-Identifier: Apache-2.0
"""Everything that can go wrong at the service: one message that names it, the right exit status, nothing lost or sent twice."""

from __future__ import annotations

import time

import pytest

from stinespring.backends.ibm import backend, wire
from stinespring.ledger import delivery

pytest.importorskip("qiskit_ibm_runtime", reason="the extra [ibm] is not installed")
REQUESTS = (
    "POST /identity/token",
    "GET /backends",
    "GET /backends/*/configuration",
    "GET /backends/*/properties",
    "GET /instances/usage",
    "GET /backends/*/status",
    "POST /jobs",
)


def stored(service, run):
    """The jobs at the service for a run, by the tag in the ledger."""
    from stinespring.ledger.store import Ledger

    tags = {job.tag for job in Ledger().jobs(run)}
    return [job for job in service.jobs() if tags & set(job["tags"])]


def ends_well(service, ask, posts=1):
    """The newest run can be brought to its end, and the service has its jobs once."""
    assert ask("resume", "latest")[0] == 0
    status, found, err = ask("fetch", "latest", "--wait", "30")
    assert status == 3, (err, found)  # 400 shots are too few for a verdict
    assert found["state"] == "done"
    assert found["shots"] == 400
    [run] = [job for job in ask("jobs")[1]["jobs"] if job["id"] == found["id"]]
    assert len(run["remote"]) == len(set(run["remote"])) == len(stored(service, run["id"])) == posts


@pytest.mark.parametrize(
    ("match", "status"),
    [*((match, 401) for match in REQUESTS), *((REQUESTS[i], status) for i in (1, 6) for status in (403, 404, 429))],
)
def test_an_answer_that_is_no_success_is_named(service, submit, ask, match, status):
    service.fault(match, "status", status=status, times=0)
    exit_status, _, err = submit()
    assert exit_status == 4
    assert str(status) in err
    assert len(err.splitlines()) <= 12
    assert "Traceback" not in err
    runs = ask("jobs")[1]["jobs"]
    assert [run["state"] for run in runs] in ([], ["created"])
    service.clear_faults()
    if runs:
        assert str(status) in runs[0]["message"]
        assert runs[0]["remote"] == []
        ends_well(service, ask)


@pytest.mark.parametrize("match", ["POST /identity/token", "POST /jobs"])
@pytest.mark.parametrize("status", [429, 500, 503])
def test_passing_failures_are_tried_again(service, submit, ask, match, status):
    service.fault(match, "status", status=status, times=2)
    assert submit()[0] == 0
    ends_well(service, ask)


@pytest.mark.parametrize("status", [500, 503])
def test_attempts_are_limited(service, submit, status):
    service.fault("POST /jobs", "status", status=status, times=0)
    before = len(service.submissions())
    exit_status, _, err = submit()
    assert exit_status == 4
    assert str(status) in err
    assert len(service.submissions()) - before == 5


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("lost", {}),
        ("malformed", {}),
        ("truncated", {}),
        ("status", {"status": 500, "after": True}),
        ("status", {"status": 503, "after": True}),
        ("status", {"status": 504, "after": True}),
        ("status", {"status": 429, "after": True}),
    ],
)
def test_a_job_whose_answer_was_lost_is_found_and_not_sent_again(service, submit, ask, kind, more):
    before = len(service.submissions())
    service.fault("POST /jobs", kind, **more)
    status, found, err = submit()
    assert status == 0, err
    assert found["state"] == "submitted"
    assert len(service.submissions()) - before == 1
    ends_well(service, ask)


def test_lost_answer_and_no_look_up_either(service, submit, ask):
    """The job is stored, but the run cannot know: it stays created, and resume adopts the job."""
    service.fault("POST /jobs", "lost")
    service.fault("GET /jobs", "status", status=401, times=0)
    before = len(service.submissions())
    status, _, err = submit()
    assert status == 4
    assert "resume" in err
    assert ask("jobs")[1]["jobs"][0]["state"] == "created"
    service.clear_faults()
    ends_well(service, ask)
    assert len(service.submissions()) - before == 1


def test_a_cut_connection_is_not_sent_again_at_once(service, submit, ask):
    before = len(service.submissions())
    service.fault("POST /jobs", "cut")
    status, _, err = submit()
    assert status == 4
    assert "connection was cut" in err
    assert len(service.submissions()) - before == 1
    assert ask("fetch", "latest", "--wait", "1")[0] == 4  # never sends the first step
    assert len(service.submissions()) - before == 1
    ends_well(service, ask)


@pytest.mark.parametrize(
    ("kind", "more", "named"),
    [
        ("cut", {}, "connection was cut"),
        ("truncated", {}, "connection was cut"),
        ("malformed", {}, "cannot be read"),
        ("wrong_shots", {}, "another number of shots"),
        ("missing_register", {}, "lacks registers"),
        ("status", {"status": 401}, "401"),
        ("status", {"status": 404}, "404"),
    ],
)
def test_a_result_that_does_not_arrive_leaves_the_run_as_it_was(service, submit, ask, kind, more, named, monkeypatch):
    monkeypatch.setattr("urllib3.util.retry.Retry.sleep", lambda *_: None)  # the client's own 15 seconds
    assert submit()[0] == 0
    service.fault("GET /jobs/*/results", kind, times=0, **more)
    status, found, err = ask("fetch", "latest", "--wait", "20")
    assert (status, found) == (4, None)
    assert named in err
    assert ask("jobs")[1]["jobs"][0]["state"] == "submitted"
    service.clear_faults()
    ends_well(service, ask)


@pytest.mark.parametrize(("kind", "more"), [("malformed", {}), ("status", {"status": 404}), ("status", {"status": 403})])
def test_a_state_that_cannot_be_read_leaves_the_run_as_it_was(service, submit, ask, kind, more):
    assert submit()[0] == 0
    service.fault("GET /jobs/*", kind, times=0, **more)
    status, _, err = ask("fetch", "latest", "--wait", "20")
    assert status == 4
    assert str(more.get("status", "cannot be read")) in err
    assert ask("jobs")[1]["jobs"][0]["state"] == "submitted"
    service.clear_faults()
    ends_well(service, ask)


@pytest.mark.parametrize("kind", ["fail", "timeout"])
def test_only_the_service_says_that_a_job_failed(service, submit, ask, kind):
    service.fault("POST /jobs", kind)
    assert submit()[0] == 0
    status, found, err = ask("fetch", "latest", "--wait", "20")
    assert (status, found["state"]) == (4, "failed")
    assert found["message"]
    assert "failed" in err
    assert ask("jobs")[1]["jobs"][0]["state"] == "failed"
    before = len(service.submissions())
    assert ask("resume", "latest")[0] == 4
    assert len(service.submissions()) == before


def test_a_wait_runs_out_and_the_run_stays_fetchable(service, submit, ask):
    service.fault("POST /jobs", "stuck")
    assert submit()[0] == 0
    status, found, err = ask("fetch", "latest", "--wait", "0.5")
    assert (status, found["state"]) == (4, "submitted")
    assert "not done after 0.5 s" in err
    assert ask("fetch", "latest")[:2] == (0, {"id": found["id"], "state": "submitted", "message": ""})


def test_a_slow_service_is_waited_for(service, submit, ask):
    service.fault("POST /jobs", "slow", seconds=1.0)
    service.fault("GET /jobs/*/results", "slow", seconds=1.0)
    assert submit()[0] == 0
    ends_well(service, ask)


@pytest.mark.parametrize("name", ["QISKIT_IBM_URL", "IAM_URL"])
@pytest.mark.parametrize("url", ["http://example.org", "http://127.0.0.1.example.org/experimental", "ftp://127.0.0.1", "x"])
def test_an_address_that_is_not_safe_is_refused_before_anything_is_sent(service, submit, monkeypatch, name, url):
    monkeypatch.setenv(name, url)
    before = len(service.log())
    status, _, err = submit()
    assert status == 2
    assert name in err
    assert len(service.log()) == before


def test_no_account(service, submit, monkeypatch):
    monkeypatch.delenv("QISKIT_IBM_TOKEN")
    status, _, err = submit()
    assert status == 2
    assert "no IBM account" in err


def test_an_unknown_device_is_named_with_the_known_ones(service, submit):
    status, _, err = submit(backend="ibm:ibm_nowhere")
    assert status == 2
    assert "ibm_standin_small" in err


@pytest.mark.parametrize("query", ["twirling=x", "rep_delay=-1", "rep_delay=abc", "mode=x", "colour=red", "max_time=0"])
def test_options_that_do_not_exist(service, submit, query):
    before = len(service.log())
    status, _, err = submit(backend=f"ibm:ibm_standin_small?{query}")
    assert status == 2
    assert query.partition("=")[0] in err
    assert len(service.log()) == before


def test_a_service_that_never_answers_is_given_up(service, submit, ask, monkeypatch):
    monkeypatch.setattr(wire, "ANSWER", 0.5)
    assert submit()[0] == 0
    service.fault("GET /jobs/*", "slow", seconds=4.0, times=0)
    begun = time.monotonic()
    status, _, err = ask("fetch", "latest", "--wait", "1")
    assert status == 4
    assert "did not answer within 0.5 s" in err
    assert time.monotonic() - begun < 4.0  # the one delay that is asserted: the fault itself would take longer
    service.clear_faults()
    monkeypatch.undo()
    time.sleep(4.0)  # the thread that was given up ends


def test_a_long_retry_after_is_not_obeyed(service, submit, ask, monkeypatch):
    monkeypatch.setattr(wire, "ANSWER", 1.0)
    assert submit()[0] == 0
    service.fault("GET /jobs/*", "status", status=429, retry_after=3600, times=0)
    status, _, err = ask("fetch", "latest", "--wait", "1")
    assert status == 4
    assert "429" in err or "did not answer" in err
    assert ask("jobs")[1]["jobs"][0]["state"] == "submitted"


def test_a_job_that_is_stored_too_late_is_found_and_cancelled(service, submit, ask, monkeypatch):
    """The request is given up, settles for lost, is sent again, and is stored after all: one of the two jobs is cancelled."""
    monkeypatch.setattr(backend, "POST", 0.3)
    service.set(queued_seconds=4.0)
    service.fault("POST /jobs", "slow", seconds=3.0)
    assert submit()[0] == 4
    monkeypatch.setattr(backend, "POST", 60.0)
    assert ask("resume", "latest")[0] == 0
    time.sleep(3.0)
    status, found, err = ask("fetch", "latest", "--wait", "30")
    assert status == 3, err
    [run] = ask("jobs")[1]["jobs"]
    assert len(run["remote"]) == 2
    assert sorted(job["status"] for job in stored(service, run["id"])) == ["Cancelled", "Completed"]


def test_cancel_looks_again_for_a_job_that_came_late(service, submit, ask, monkeypatch):
    monkeypatch.setattr(backend, "POST", 0.3)
    service.set(queued_seconds=1000.0)
    service.fault("POST /jobs", "slow", seconds=2.0)
    assert submit()[0] == 4
    assert ask("cancel", "latest")[1]["state"] == "cancelled"
    time.sleep(2.0)
    assert ask("cancel", "latest")[0] == 0
    [run] = ask("jobs")[1]["jobs"]
    assert [job["status"] for job in stored(service, run["id"])] == ["Cancelled"]


def test_a_refusal_is_sent_again_without_waiting(service, submit, ask, monkeypatch):
    monkeypatch.setattr(delivery, "SETTLED", 1000.0)
    service.fault("POST /jobs", "status", status=403)
    assert submit()[0] == 4
    ends_well(service, ask)


def test_the_clients_own_device_is_a_backend(service, two_tokens):
    import qiskit_ibm_runtime as runtime

    import stinespring

    device = runtime.QiskitRuntimeService().backend("ibm_standin_small")
    for schedule in ("static", "stepwise"):
        program = stinespring.compile(two_tokens, prompt="a b", steps=2, schedule=schedule)
        assert stinespring.run(program, backend=device, shots=200).shots == 200
    assert all(not job["refused"] for job in service.jobs()[-3:])
