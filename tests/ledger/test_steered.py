# SPDX-License-Identifier: Apache-2.0
"""Random flips through a service: few jobs, all legal, lost answers healed, and the law as without."""

from __future__ import annotations

import pytest

pytest.importorskip("qiskit_ibm_runtime", reason="the extra [ibm] is not installed")
pytest.importorskip("mthree")
DYNAMIC = ("--schedule", "dynamic", "--feed-forward", "all", "--steps", "3", "--mitigation", "readout", "--shots", "2000")


def test_randomised_circuits_go_in_one_job(service, submit, ask):
    """The stand-in reads without errors and judges what it gets: the rates are nearly 0, and the signed shares have the law."""
    status, run, err = submit(*DYNAMIC)
    assert status == 0, err
    assert run["jobs"] == 2, "the calibration, and all circuits"
    status, found, err = ask("fetch", "latest", "--wait", "60", "--within", "none", "--resolution", "0.2")
    assert (status, found["verdict"]) == (0, "PASS"), (err, found["reason"])
    assert found["mitigation"]["method"] == "randomised flips" and found["mitigation"]["circuits"] > 8
    assert sum(found["counts"].values()) == 2_000
    remote = ask("jobs")[1]["jobs"][0]["remote"]
    assert len(remote) == 2 and not any(job["refused"] for job in service.jobs() if job["id"] in remote)


def test_a_lost_answer_is_healed(service, submit, ask):
    """The answer to the second job's POST is lost: resume finds the job, sends nothing twice, and the plan is as it was."""
    service.fault("POST /jobs", "status", status=500, after=True, nth=2, times=1)
    submit(*DYNAMIC)
    assert ask("resume", "latest")[0] == 0
    status, found, err = ask("fetch", "latest", "--wait", "60", "--within", "none", "--resolution", "0.2")
    assert (status, found["verdict"]) == (0, "PASS"), err
    assert len(ask("jobs")[1]["jobs"][0]["remote"]) == 2
