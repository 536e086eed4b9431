# SPDX-License-Identifier: Apache-2.0
"""The real, unpatched client against the stand-in of the service, pointed there by environment variables alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request

import numpy as np
import pytest

from standin import TOKEN, StandIn, tokens
from standin.clients import POLL, SMALL, calm, lopsided, lowered, require_lopsided, service, standin, submitted

runtime = pytest.importorskip("qiskit_ibm_runtime")
__all__ = ["calm", "service", "standin"]  # fixtures


@pytest.fixture(scope="module")
def small(service):
    return service.backend(SMALL)


@pytest.fixture(scope="module")
def finished(small):
    job = submitted(small, tags=["kept", "lopsided"])
    job.result(poll_interval=POLL)
    return job


def test_devices_and_their_targets(service, small):
    assert {backend.name: backend.num_qubits for backend in service.backends()} == {"ibm_standin": 156, SMALL: 20}
    assert {"cz", "if_else", "measure_2", "reset_2"} <= set(small.target.operation_names)
    assert small.configuration().max_shots == 100_000
    coupling = small.target.build_coupling_map()
    assert coupling.is_connected()
    assert max(len(coupling.neighbors(qubit)) for qubit in range(20)) == 3
    for pair in coupling.get_edges():
        assert 0 < small.target["cz"][tuple(pair)].error < 1


def test_least_busy_is_the_shortest_queue_of_what_is_online(calm):
    def choice():
        return runtime.QiskitRuntimeService().least_busy().name

    assert choice() == SMALL
    calm.device(SMALL, queue=50)
    assert choice() == "ibm_standin"
    calm.device("ibm_standin", online=False)
    assert choice() == SMALL
    calm.device("ibm_standin", online=True)
    calm.device(SMALL, queue=3)


@pytest.mark.parametrize("name", [SMALL, "ibm_standin"])
def test_counts_of_a_circuit_with_conditions(service, name):
    job = submitted(service.backend(name), shots=200)
    require_lopsided(job.result(poll_interval=POLL)[0].data, 200)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_counts_of_the_older_program(small):
    sampler = runtime.SamplerV2(mode=small)
    result = sampler.run([lowered(lopsided(), small)], shots=200).result(poll_interval=POLL)
    require_lopsided(result[0].data, 200)


def test_mid_circuit_measurement_of_the_hardware(small):
    from qiskit import QuantumCircuit
    from qiskit_ibm_runtime.circuit import MidCircuitMeasure

    circuit = QuantumCircuit(2, 2)
    circuit.x(0)
    circuit.append(MidCircuitMeasure(), [0], [1])
    with circuit.if_test((circuit.clbits[1], 1)):
        circuit.x(1)
    circuit.measure(1, 0)
    result = submitted(small, circuit=circuit).result(poll_interval=POLL)
    assert result[0].data.c.get_counts() == {"11": 64}


def test_sweep_of_parameters_keeps_its_shape_and_order(small):
    from qiskit import QuantumCircuit
    from qiskit.circuit import Parameter
    from qiskit_ibm_runtime.executor_sampler import Sampler

    first, second = Parameter("b"), Parameter("a")
    circuit = QuantumCircuit(2, 2)
    circuit.ry(first, 0)
    circuit.ry(second, 1)
    circuit.measure([0, 1], [0, 1])
    flips = np.array([[[0, 0], [1, 0], [0, 1]], [[1, 1], [0, 0], [1, 0]]])  # (..., of b and of a)
    pub = (lowered(circuit, small), {(first, second): np.pi * flips})
    data = Sampler(mode=small).run([pub], shots=10).result(poll_interval=POLL)[0].data.c
    assert data.shape == (2, 3)
    for index in np.ndindex(2, 3):
        b, a = flips[index]
        assert data[index].get_counts() == {f"{a}{b}": 10}


def test_twirled_counts(small):
    """A twirled measurement is flipped back by the client: one bit is certain, the other varies but with chance 2 ** -999."""
    from qiskit import QuantumCircuit
    from qiskit_ibm_runtime.executor_sampler import Sampler

    circuit = QuantumCircuit(2, 2)
    circuit.x(0)
    circuit.cx(0, 1)
    circuit.h(1)
    circuit.measure([0, 1], [1, 0])
    sampler = Sampler(mode=small)
    sampler.options.twirling.enable_gates = sampler.options.twirling.enable_measure = True
    counts = sampler.run([lowered(circuit, small)], shots=1000).result(poll_interval=POLL)[0].data.c.get_counts()
    assert set(counts) == {"10", "11"}
    assert sum(counts.values()) >= 1000


def test_job_goes_through_its_states(calm, small):
    calm.set(queued_polls=2, running_polls=2)
    job = submitted(small)
    assert [job.status() for _ in range(5)] == ["QUEUED", "QUEUED", "RUNNING", "RUNNING", "DONE"]
    times = job.metrics()["timestamps"]
    assert times["created"] <= times["running"] <= times["finished"]
    assert job.usage() == pytest.approx(2 + 64 * 255e-6, abs=1e-3)


def test_job_from_another_process(standin, finished):
    program = """
import sys
from qiskit_ibm_runtime import QiskitRuntimeService
service = QiskitRuntimeService()
[found] = service.jobs(job_tags=["kept"])
job = service.job(sys.argv[1])
print(found.job_id(), job.tags, job.result()[0].data.second.get_counts())
"""
    command = [sys.executable, "-c", program, finished.job_id()]
    done = subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, timeout=120)
    counts = finished.result()[0].data.second.get_counts()
    assert done.stdout.split(maxsplit=1)[0] == finished.job_id(), done.stderr
    assert "['kept', 'lopsided']" in done.stdout
    assert all(f"'{word}': {count}" in done.stdout for word, count in counts.items())
    assert TOKEN not in done.stdout + done.stderr


def test_inputs_come_back(finished):
    program, _ = finished.inputs["quantum_program"], finished.inputs["options"]
    assert (program.shots, len(program.items)) == (64, 1)


def test_jobs_by_tags_and_in_pages(standin, service):
    sent = [posted(standin, tags=["page", f"n{number}"])["id"] for number in range(23)]
    found = [job.job_id() for job in service.jobs(limit=None, job_tags=["page"])]
    assert found == sent[::-1]
    assert [job.job_id() for job in service.jobs(limit=4, skip=3, job_tags=["page"], descending=False)] == sent[3:7]
    assert [job.job_id() for job in service.jobs(job_tags=["page", "n7"])] == [sent[7]]
    assert service.jobs(job_tags=["page", "nowhere"]) == []
    assert len(service.jobs(limit=None, pending=True, job_tags=["page"])) == 23


def posted(standin, **more):
    """Submit something that is never run, without the client."""
    body = {"program_id": "executor", "backend": SMALL, "params": {}} | more
    token = tokens.issue(60)["access_token"]
    request = urllib.request.Request(
        f"{standin.url}/api/v1/jobs", data=json.dumps(body).encode(), headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=10) as reply:
        return json.load(reply)


def test_tags_change(service, finished):
    job = service.job(finished.job_id())
    job.update_tags(["kept", "renamed"])
    assert set(service.job(finished.job_id()).tags) == {"kept", "renamed"}
    job.update_tags(["kept", "lopsided"])


def test_cancel_and_delete(service, small):
    job = submitted(small, tags=["cancelled"])
    job.cancel()
    assert job.status() == "CANCELLED"
    with pytest.raises(runtime.RuntimeInvalidStateError):
        job.result()
    with pytest.raises(runtime.RuntimeInvalidStateError):
        service.job(job.job_id()).cancel()
    service.delete_job(job.job_id())
    with pytest.raises(runtime.RuntimeJobNotFound):
        service.job(job.job_id())


def test_hardware_refuses_what_the_client_lets_pass(standin, small):
    from qiskit import QuantumCircuit

    circuit = QuantumCircuit(2, 2)
    circuit.measure([0, 1], [0, 1])
    with circuit.if_test((circuit.clbits[0], 1)), circuit.if_test((circuit.clbits[1], 1)):
        circuit.x(0)
    circuit.measure(0, 0)
    job = submitted(small, circuit=circuit)
    with pytest.raises(runtime.RuntimeJobFailureError, match=r"1517.*cannot be nested"):
        job.result(poll_interval=POLL)
    assert job.status() == "ERROR"
    assert "cannot be nested" in job.logs()
    [record] = [one for one in standin.jobs() if one["id"] == job.job_id()]
    assert len(record["refused"]) == 1


def test_job_over_its_maximum_execution_time(small):
    job = submitted(small, shots=10_000, max_execution_time=3)
    with pytest.raises(runtime.RuntimeJobMaxTimeoutError):
        job.result(poll_interval=POLL)


@pytest.mark.parametrize(("kind", "mode"), [("Session", "dedicated"), ("Batch", "batch")])
def test_sessions_and_batches(standin, service, small, kind, mode):
    with getattr(runtime, kind)(backend=small) as session:
        assert session.status() == "Pending"
        jobs = [submitted(small, mode=session) for _ in range(2)]
        assert session.status() == "In progress, accepting new jobs"
        for job in jobs:
            require_lopsided(job.result(poll_interval=POLL)[0].data, 64)
    assert session.details()["mode"] == mode
    assert session.status() == "Closed"
    assert session.usage() == pytest.approx(sum(job.usage() for job in jobs))
    assert {job.job_id() for job in service.jobs(session_id=session.session_id)} == {job.job_id() for job in jobs}
    with pytest.raises(urllib.error.HTTPError, match="400"):
        posted(standin, session_id=session.session_id)


def test_cancelled_session_cancels_its_jobs(small):
    session = runtime.Session(backend=small)
    job = submitted(small, mode=session)
    session.cancel()
    assert job.status() == "CANCELLED"


def test_usage_limit_is_told(calm, small):
    calm.set(usage_limit=0.0)
    with pytest.warns(UserWarning, match="no more time"):
        submitted(small).cancel()


def test_secret_goes_to_the_identity_service_alone(standin, service, finished):
    assert standin.leaks() == []
    assert {one["auth"] for one in standin.log() if one["path"] != "/identity/token"} == {"bearer"}
    assert any(TOKEN in one["body"] for one in standin.log("POST /identity/token"))
    [sent] = [one for one in standin.submissions() if "kept" in one["tags"]]
    assert sent["status"] == 200
    assert sent["headers"]["ibm-api-version"]


def test_default_resolver_and_the_search_of_instances(monkeypatch):
    """Over an HTTP proxy the client finds the hosts and its instance by itself."""
    with StandIn() as other:
        monkeypatch.setenv("IAM_URL", "http://iam.standin.invalid")
        for name in ("QISKIT_FUNCTIONS_EXPERIMENTAL", "QISKIT_IBM_URL", "QISKIT_IBM_INSTANCE"):
            monkeypatch.delenv(name, raising=False)
        proxies = {"urls": {"http": other.url}}
        found = runtime.QiskitRuntimeService(token=TOKEN, url="http://standin.invalid", proxies=proxies)
        assert [instance["plan"] for instance in found.instances()] == ["open"]
        assert SMALL in {backend.name for backend in found.backends()}
        assert {"/v3/resources/search", "/standin-plan"} <= {one["path"] for one in other.log()}
