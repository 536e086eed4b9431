# SPDX-License-Identifier: Apache-2.0
"""Runs at IBM's service, from estimate to export, against the stand-in and the model's law."""

from __future__ import annotations

import json
import shlex
import sqlite3

import pytest
from scipy.stats import chisquare

from standin import TOKEN
from standin.programs import decode

pytest.importorskip("qiskit_ibm_runtime", reason="the extra [ibm] is not installed")
SMALL = "ibm:ibm_standin_small"
LAW = {"a a": 0.114000, "a b": 0.154942, "b a": 0.421175, "b b": 0.309883}  # computed independently of this project


@pytest.mark.parametrize("schedule", ["static", "dynamic", "stepwise"])
def test_every_schedule_samples_the_law(service, invoke, ask, examples, schedule):
    """The stand-in simulates without noise: the counts pass a chi-squared test against the law at 1e-7."""
    words = [examples / "two_tokens.json", "--prompt", "a b", "--steps", "2", "--shots", "20000", "--schedule", schedule]
    status, out, err = invoke("submit", *words, "--backend", SMALL, "--seed", "1", "--yes", "--json")
    assert status == 0, err
    run = json.loads(out)
    assert set(run) >= {"id", "state", "jobs", "estimate"}
    status, found, err = ask("fetch", run["id"], "--wait", "60")
    assert status == 0, err
    assert found["verdict"] == "PASS"
    expected = [20000 * p / sum(LAW.values()) for p in LAW.values()]
    assert chisquare([found["counts"][text] for text in LAW], expected).pvalue > 1e-7
    assert found["cost"]["schedule"] == schedule
    remote = ask("jobs")[1]["jobs"][0]["remote"]
    assert len(remote) == (2 if schedule == "stepwise" else 1)
    mine = [job for job in service.jobs() if job["id"] in remote]
    assert all(not job["refused"] for job in mine)
    tags = [[tag for tag in job["tags"] if tag.startswith("ss-")] for job in mine]
    assert len({tag for own in tags for tag in own}) == len(mine)
    if schedule == "stepwise":
        assert len({job["session_id"] for job in mine}) == 1
        assert mine[0]["session_id"]


def test_steps_follow_one_another(service, submit, ask):
    assert submit("--schedule", "stepwise", "--steps", "3")[1]["jobs"] == 1

    def remote():
        return len(ask("jobs")[1]["jobs"][0]["remote"])

    assert remote() == 1
    for _ in range(4):
        assert ask("fetch", "latest")[0] == 0  # one look never sends anything
    assert remote() == 1
    for expected in (2, 2, 2, 3):
        assert ask("resume", "latest")[0] == 0
        assert remote() in (expected, expected + 1)  # a step is done after a few looks
    assert ask("fetch", "latest", "--wait", "30")[1]["state"] == "done"
    assert remote() == 3


def test_stop_tokens_and_attended_positions(service, invoke, ask, examples):
    words = [examples / "stop_token.json", "--prompt", "go", "--steps", "3", "--shots", "3000", "--schedule", "stepwise"]
    model = json.loads((examples / "stop_token.json").read_text())
    words[2] = model["tokens"][0]
    status, _, err = invoke("submit", *words, "--extension", "position", "--backend", SMALL, "--yes", "--json")
    assert status == 0, err
    status, found, err = ask("fetch", "latest", "--wait", "60")
    assert found["verdict"] in ("PASS", "UNVERIFIED"), err
    assert found["attention_verdict"]["verdict"] in ("PASS", "UNVERIFIED")
    assert sum(found["counts"].values()) == 3000


def test_many_shots_are_several_rows(service, submit, ask):
    status, run, err = submit("--shots", "150000")
    assert status == 0, err
    assert run["estimate"]["circuits"] == 2
    status, found, err = ask("fetch", "latest", "--wait", "60")
    assert (status, found["shots"], found["verdict"]) == (0, 150_000, "PASS"), err


def test_the_same_again_is_a_new_run_unless_once(service, submit, ask):
    first, second = submit()[1]["id"], submit()[1]["id"]
    assert first != second
    before = len(service.submissions())
    assert submit("--once")[1]["id"] == second
    assert len(service.submissions()) == before
    assert submit("--once", "--shots", "401")[1]["id"] not in (first, second)
    assert ask("cancel", second)[0] == 0


def test_cancel(service, submit, ask):
    service.fault("POST /jobs", "stuck")
    run = submit()[1]["id"]
    assert ask("cancel", run)[1]["state"] == "cancelled"
    remote = ask("jobs")[1]["jobs"][0]["remote"]
    assert [job["status"] for job in service.jobs() if job["id"] in remote] == ["Cancelled"]
    status, found, err = ask("fetch", run)
    assert (status, found["state"]) == (4, "cancelled")
    assert "cancelled" in err
    assert ask("cancel", run)[0] == 0  # a second time changes nothing


def test_cancel_finds_a_job_whose_answer_was_lost(service, submit, ask):
    service.set(queued_seconds=1000.0)
    service.fault("POST /jobs", "lost")
    service.fault("GET /jobs", "status", status=401, times=0)
    assert submit()[0] == 4
    service.clear_faults()
    assert ask("cancel", "latest")[1]["state"] == "cancelled"
    remote = ask("jobs")[1]["jobs"][0]["remote"]
    assert len(remote) == 1
    assert [job["status"] for job in service.jobs() if job["id"] in remote] == ["Cancelled"]


def test_cancel_after_the_end(service, submit, ask):
    submit()
    assert ask("fetch", "latest", "--wait", "30")[1]["state"] == "done"
    assert ask("cancel", "latest")[0] == 2


def test_export_and_check(service, submit, ask, tmp_path, examples):
    submit()
    file = tmp_path / "counts.json"
    assert ask("export", "latest", "-o", file)[0] == 2  # not done yet
    assert not file.exists()
    found = ask("fetch", "latest", "--wait", "30")[1]
    assert ask("export", "latest", "-o", file)[0] == 0
    content = json.loads(file.read_text())
    assert content["format"] == "stinespring/samples@1"
    assert content["counts"] == found["counts"]
    assert content["provenance"]["backend"] == SMALL
    assert content["provenance"]["calibration"]["gates"]
    status, judged, _ = ask("check", examples / "two_tokens.json", "--prompt", "a b", "--steps", "2", "--counts", file)
    assert (status, judged["tvd"]) == (3, pytest.approx(found["tvd"]))


def test_a_run_needs_the_model_file_only_once(service, invoke, ask, examples, tmp_path):
    file = tmp_path / "model.json"
    file.write_text((examples / "two_tokens.json").read_text())
    words = [file, "--prompt", "a b", "--steps", "2", "--shots", "200", "--schedule", "stepwise", "--tolerance", "0.01"]
    assert invoke("submit", *words, "--backend", SMALL, "--yes")[0] == 0
    file.unlink()
    assert ask("fetch", "latest", "--wait", "30")[1]["state"] == "done"


@pytest.mark.parametrize(
    ("column", "old", "new", "named"),
    [
        ("program", '"again": "', '"again": "0', "not the one that was submitted"),
        ("request", '"fingerprint": "', '"fingerprint": "0', "source has changed"),
        ("request", '"tokens": ["a", "b"]', '"tokens": ["b", "a"]', "source has changed"),
    ],
)
@pytest.mark.parametrize("done", [False, True])
def test_what_is_compiled_again_must_be_what_was_submitted(service, submit, ask, tmp_path, column, old, new, named, done):
    """Before anything more is sent, and before anything is decoded: one message, and the run stays as it was."""
    assert submit("--schedule", "stepwise")[0] == 0
    if done:
        assert ask("fetch", "latest", "--wait", "30")[0] == 3
    with sqlite3.connect(tmp_path / "ledger" / "ledger.sqlite") as connection:
        [(text,)] = connection.execute(f"SELECT {column} FROM runs")
        assert text.count(old) == 1
        connection.execute(f"UPDATE runs SET {column} = ?", (text.replace(old, new),))
    before = len(service.submissions())
    for words in (("fetch", "latest", "--wait", "1"), *([("export", "latest", "-o", tmp_path / "out.json")] if done else [])):
        status, found, err = ask(*words)
        assert (status, found) == (2, None)
        assert named in err
        assert "stinespring 0." in err  # which versions would do
        assert err.count("stinespring: ") == 1
    assert len(service.submissions()) == before
    assert ask("jobs")[1]["jobs"][0]["state"] == ("done" if done else "submitted")


def test_run_goes_through_the_ledger(service, ask, asked):
    status, found, err = ask("run", *asked, "--backend", SMALL)
    assert status == 3, err
    [run] = ask("jobs")[1]["jobs"]
    assert run["state"] == "done"
    assert found["shots"] == 400
    assert set(found) >= {"verdict", "p_value", "tvd", "tvd_low", "tvd_high", "tvd_noise_floor", "resolution", "counts", "cost"}


def test_least_busy_is_resolved_once(service, submit, ask):
    assert submit(backend="ibm:least-busy")[0] == 0
    [run] = ask("jobs")[1]["jobs"]
    assert run["backend"] == SMALL


def test_without_a_terminal_nothing_is_sent(service, invoke, asked):
    before = len(service.log())
    status, _, err = invoke("submit", *asked, "--backend", SMALL)
    assert status == 2
    assert "--yes" in err
    assert len(service.log()) == before


def test_estimate(service, ask, examples):
    words = [examples / "two_tokens.json", "--prompt", "a b", "--steps", "2", "--shots", "20000", "--backend", SMALL]
    status, found, err = ask("estimate", *words, "--schedule", "static")
    assert status == 0, err
    assert set(found) >= {"qubits", "two_qubit_gates", "duration_s", "circuits", "jobs", "qpu_seconds", "expected_tvd", "hash"}
    assert (found["qubits"], found["qubits_used"]) == (20, 2)  # all of the device are declared
    executions = 20_000
    assert found["qpu_seconds"] == pytest.approx(2.0 + executions * (250e-6 + found["duration_s"]))
    assert 0 < found["expected_tvd"] < 0.1
    assert 1000 < found["shots_for_verdict"] < 10_000
    stepwise = ask("estimate", *words, "--schedule", "stepwise")[1]
    assert (stepwise["jobs"], stepwise["circuits"]) == (2, 3)
    status, local, err = ask("estimate", *words[:-1], "aer")
    assert (local["qpu_seconds"], local["expected_tvd"], local["duration_s"]) == (0.0, 0.0, None)


def test_options_reach_the_service(service, submit):
    more = "?rep_delay=0.0005&twirling=gates&mode=session&max_time=600&dynamical_decoupling=XY4&max_execution_time=60"
    status, _, err = submit(backend=SMALL + more)
    assert status == 0, err
    last = service.jobs()[-1]
    text = json.dumps(last["params"]) if "params" in last else json.dumps(service.submissions()[-1])
    assert "0.0005" in text
    assert last["session_id"]


def test_decoupling_of_conditions_is_refused_here(service, submit):
    before = len(service.submissions())
    words = ("--schedule", "dynamic", "--feed-forward", "all", "--codes", "free")
    status, _, err = submit(*words, backend=SMALL + "?dynamical_decoupling=XX")
    assert status == 2
    assert "dynamical decoupling" in err
    assert len(service.submissions()) == before


def operations(service):
    """The names of the instructions of the job that was submitted last."""
    body = json.loads(service.submissions()[-1]["body"])
    [work] = decode(body["program_id"], body["params"], seed=1, rep_delays=None).works
    return set(work.circuit.count_ops())


def test_mid_circuit_measurements_are_the_devices_own(service, submit, ask):
    assert submit("--schedule", "dynamic", "--feed-forward", "all")[0] == 0
    assert "measure_2" in operations(service)
    assert submit("--schedule", "dynamic", "--feed-forward", "all", backend=SMALL + "?measurement=plain")[0] == 0
    assert "measure_2" not in operations(service)


def test_the_key_is_nowhere(service, submit, ask, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("STINESPRING_LOG", "DEBUG")
    texts = []
    for kind in (None, "fail", "cut"):
        if kind:
            service.fault("POST /jobs", kind)
        texts.append(str(submit("--schedule", "stepwise")))
        service.clear_faults()
    texts += [str(ask("fetch", "latest", "--wait", "20")), str(ask("jobs")), str(ask("resume", "latest"))]
    ask("fetch", "latest", "--wait", "20")
    texts.append(str(ask("export", "latest", "-o", tmp_path / "out.json")))
    service.fault("POST /identity/token", "status", status=401, times=0)
    texts.append(str(submit()))
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert TOKEN.encode() not in file.read_bytes(), file
    assert not any(TOKEN in text for text in texts)
    assert service.leaks() == []
    assert all("apikey" not in str(one["headers"]).lower() for one in service.log() if one["path"] != "/identity/token")


def test_the_page_on_hardware(invoke, examples, tmp_path, monkeypatch):
    """The commands of docs/hardware.md, one after the other; the noise of the device keeps the verdict open."""
    monkeypatch.setenv("STINESPRING_HOME", str(tmp_path / "ledger"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(examples)
    page = (examples.parent / "docs" / "hardware.md").read_text(encoding="utf-8")
    commands = page.partition("```sh\n")[2].partition("```")[0].splitlines()
    statuses = [invoke(*shlex.split(command)[1:])[0] for command in commands]
    assert [command.split()[1] for command in commands] == ["estimate", "submit", "jobs", "fetch", "export"]
    assert [statuses[i] for i in (0, 1, 2, 4)] == [0, 0, 0, 0]
    assert statuses[3] in (0, 1, 3)
    assert json.loads((tmp_path / "counts.json").read_text())["shots"] == 4000
