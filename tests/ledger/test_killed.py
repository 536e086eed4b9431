# SPDX-License-Identifier: Apache-2.0
"""A run that is killed at any point of its way, and brought on by others, ends with the counts it would have had.

The service is in memory and knows every job that it was given; there is a point before and after whatever it is asked and
whatever is written into the ledger. In processes of their own, and with IBM's client, see ``test_crashes``.
"""

from __future__ import annotations

import threading
import time
from contextlib import nullcontext
from dataclasses import replace

import pytest

from kinds import REQUESTS, same, source
from memory import Hand, Killed, Memory
from stinespring.errors import BackendError
from stinespring.ledger import delivery, recorded
from stinespring.ledger.recorded import Permissions
from stinespring.ledger.store import Ledger
from stinespring.pipeline import runs
from stinespring.pipeline.readout.mitigation import ReadoutCircuits
from stinespring.pipeline.runs import bring_forward, cancel, plan, read, submit

FETCH, RESUME, LOOK = Permissions(onward=True, wait=60.0), Permissions(send=True, onward=True), Permissions()
SHOTS = 300


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(delivery, "PAUSE", 0.001)
    monkeypatch.setattr(delivery, "SETTLED", 0.001)
    monkeypatch.setattr(recorded, "POLL", 0.001)


def planned(name, service):
    request = REQUESTS[name]
    given = {"shots": SHOTS, "seed": 5, "settings": request.settings, "asked_of": "memory"}
    return plan(source(request.source), request.given, backend=service, **given)


def brought_home(ledger, run, service):
    """Bring a run to its end: resume and fetch in turn, as a user would."""
    for _ in range(20):
        run = bring_forward(ledger, ledger.run(run), RESUME, backend=service).id
        found = bring_forward(ledger, ledger.run(run), FETCH, backend=service)
        if found.state not in ("created", "submitted"):
            return found
    raise AssertionError("the run does not end")


@pytest.mark.parametrize("name", ["static", "stepwise", "spins", "layers", "channel"])
def test_a_run_may_be_killed_anywhere(tmp_path, monkeypatch, name):
    hand = Hand()
    hand.on_ledger(monkeypatch)
    ledger = Ledger(tmp_path / "whole")
    service = Memory().under(hand)
    ready = planned(name, service)
    hand.events = 0
    home = brought_home(ledger, submit(ledger, ready).id, service)
    events, (_, samples, _), posts = hand.events, read(ledger, home), len(service.jobs)
    assert posts == REQUESTS[name].calls
    for point in range(events):
        ledger, service = Ledger(tmp_path / str(point)), Memory().under(hand)
        hand.left = point
        with pytest.raises(Killed):  # wherever that is: submitting, sending, asking, storing, beginning the next call
            brought_home(ledger, submit(ledger, planned_for(ready, service)).id, service)
        if not ledger.listed():
            assert not service.jobs  # nothing was sent that is not written down
            continue
        home = brought_home(ledger, "latest", service)
        assert home.state == "done"
        assert same(read(ledger, home)[1].outcomes, samples.outcomes)
        assert len(service.jobs) == posts  # each job once
        assert len({tag for tag, _, _ in service.jobs.values()}) == posts
        assert set(ledger.stored(home.id)) == set(service.jobs)


def planned_for(ready, service):
    """The same plan at another service."""
    return replace(ready, backend=service)


def test_a_call_of_several_jobs_may_be_killed_between_them(tmp_path, monkeypatch):
    """Programs with conditions are sent one row a job; the rest is sent by whoever resumes the run."""
    hand, service = Hand(), Memory(most=100)
    service.under(hand)
    ledger, ready = Ledger(tmp_path), planned("dynamic", service)
    posted = service.post
    sent = []

    def post(*words):
        if len(sent) == 2:
            raise Killed
        sent.append(posted(*words))
        return sent[-1]

    monkeypatch.setattr(service, "post", post)
    with pytest.raises(Killed):
        submit(ledger, ready)
    assert len(service.jobs) == 2
    monkeypatch.setattr(service, "post", posted)
    begun = time.monotonic()
    assert bring_forward(ledger, ledger.run("latest"), FETCH, backend=service).state == "submitted"
    assert time.monotonic() - begun < FETCH.wait / 2  # what was never sent is not waited for
    home = brought_home(ledger, "latest", service)
    assert len(service.jobs) == len(ledger.jobs(home.id)) == 3
    assert read(ledger, home)[1].shots == SHOTS


def with_calibration(ready):
    """A plan that measures readout errors as well, on a service without any."""
    from qiskit import QuantumCircuit

    circuits = []
    for flip in (False, True):
        circuit = QuantumCircuit(1, 1)
        if flip:
            circuit.x(0)
        circuit.measure(0, 0)
        circuits.append(circuit)
    note = {"mode": "readout", "why": None, "wires": [[0]], "feed_forward": False}
    return replace(ready, calibration=ReadoutCircuits(tuple(circuits), 50), mitigation=note)


def test_the_program_is_sent_though_the_calibration_is_not_done(tmp_path):
    """A run that was cut off between its calibration and its program: one look of resume sends the program, too."""
    service = Memory()
    ledger, ready = Ledger(tmp_path), with_calibration(planned("static", service))
    posted = service.post

    def post(*words):
        if service.jobs:
            raise Killed
        return posted(*words)

    service.post = post
    with pytest.raises(Killed):
        submit(ledger, ready)
    service.post = posted
    assert len(service.jobs) == 1
    run = bring_forward(ledger, ledger.run("latest"), RESUME, backend=service)
    assert (run.state, len(service.jobs)) == ("submitted", 2)
    home = brought_home(ledger, "latest", service)
    _, samples, readings = read(ledger, home)
    assert samples.shots == SHOTS
    assert [row.values.tolist() for row in readings] == [[[0]], [[1]]]
    assert [job.step for job in ledger.jobs(home.id)] == [0, 1]


@pytest.mark.parametrize("failing", [0, 1])
def test_a_job_that_fails_fails_the_run(tmp_path, failing):
    """The calibration as well as the program; what says so is the service's word, in one line."""
    service = Memory()
    ledger, ready = Ledger(tmp_path), with_calibration(planned("static", service))
    run = submit(ledger, ready)
    service.failing.add(failing)
    found = bring_forward(ledger, run, FETCH, backend=service)
    assert (found.state, found.message) == ("failed", "the job failed")
    assert bring_forward(ledger, found, RESUME, backend=service).state == "failed"
    assert len(service.jobs) == 2
    with pytest.raises(BackendError, match="failed at the service"):
        read(ledger, found)


def test_a_run_that_is_cancelled_meanwhile_sends_nothing_more(tmp_path, monkeypatch):
    """Between two steps another process cancels: the loop that waits begins no further step."""
    service = Memory()
    ledger, ready = Ledger(tmp_path), planned("stepwise", service)
    run = submit(ledger, ready)
    fetched = service.result

    def result(job):
        found = fetched(job)
        monkeypatch.setattr(service, "result", fetched)
        ledger.cancelled(run.id)
        return found

    monkeypatch.setattr(service, "result", result)
    assert bring_forward(ledger, run, FETCH, backend=service).state == "cancelled"
    assert len(service.jobs) == 1
    assert bring_forward(ledger, ledger.run(run.id), RESUME, backend=service).state == "cancelled"
    assert len(service.jobs) == 1


def test_cancel_finds_doubles(tmp_path, monkeypatch):
    """A job that an earlier attempt left behind is cancelled with the one that is known."""
    service = Memory()
    ledger = Ledger(tmp_path)
    run = submit(ledger, planned("static", service))
    [job] = ledger.jobs(run.id)
    ledger.attempting(job)  # a second attempt, which was stored as well
    service.post(service.jobs["job0"][1], 1, [job.tag], None, lambda: None)

    monkeypatch.setattr(runs, "opened", lambda _: nullcontext(service))
    assert cancel(ledger, run).state == "cancelled"
    assert service.cancelled == {"job0", "job1"}
    assert set(ledger.stored(run.id)) == {"job0", "job1"}


def test_a_look_sends_and_opens_nothing(tmp_path):
    service = Memory()
    ledger = Ledger(tmp_path)
    posted, service.post = service.post, lambda *_: (_ for _ in ()).throw(Killed)
    with pytest.raises(Killed):
        submit(ledger, planned("static", service))
    service.post = posted

    class Closed:
        def __getattr__(self, name):
            raise AssertionError(f"{name} was asked")

    for may in (LOOK, FETCH):
        found = bring_forward(ledger, ledger.run("latest"), may, backend=Closed())
        assert (found.state, len(service.jobs)) == ("created", 0)


def test_a_wait_ends_where_another_process_holds_the_run(tmp_path):
    """Nothing can be asked, so the time counts from the beginning."""
    service = Memory()
    ledger = Ledger(tmp_path)
    run = submit(ledger, planned("static", service))
    with delivery.held(ledger, run.id):
        found = bring_forward(ledger, run, Permissions(onward=True, wait=0.05), backend=service)
    assert found.state == "submitted"
    assert not service.looks


def test_a_wait_goes_on_while_another_process_begins_the_next_call(tmp_path):
    """The call before is done, and the rows of the next are not there yet: whoever looks then waits for them."""
    service, ledger = Memory(), Ledger(tmp_path)
    run = submit(ledger, planned("stepwise", service))
    while ledger.jobs(run.id)[0].state != "done":
        bring_forward(ledger, run, LOOK, backend=service)
    holding, release = threading.Event(), threading.Event()

    def hold():
        with delivery.held(ledger, run.id):
            holding.set()
            release.wait(60)

    other = threading.Thread(target=hold)
    other.start()
    holding.wait(60)
    threading.Timer(1.5, release.set).start()  # longer than a look waits for the lock
    assert bring_forward(ledger, run, FETCH, backend=service).state == "done"
    other.join()
    assert len(service.jobs) == REQUESTS["stepwise"].calls


def test_a_run_here_that_is_cut_off_begins_again_with_the_same_counts(tmp_path):
    """On a backend that keeps no jobs every call is sampled whole or not at all."""
    from stinespring.backends.registry import opened

    ledger, calls = Ledger(tmp_path), []
    with opened("aer") as backend:
        whole = submit(ledger, planned("stepwise", backend))
        own = backend.sample

        def sample(batch, seed, report):
            calls.append(batch.key)
            if len(calls) == 2:
                raise Killed
            return own(batch, seed, report)

        backend.sample = sample
        with pytest.raises(Killed):
            submit(ledger, planned("stepwise", backend))
        run = ledger.run("latest")
        assert run.state == "created"
        assert bring_forward(ledger, run, LOOK, backend=backend).state == "created"
        again = bring_forward(ledger, run, RESUME, backend=backend)
    assert again.state == "done"
    assert same(read(ledger, again)[1].outcomes, read(ledger, whole)[1].outcomes)
