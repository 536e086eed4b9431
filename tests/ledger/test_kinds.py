# SPDX-License-Identifier: Apache-2.0
"""Every kind of source and program through the ledger: the counts, the figures and the verdict of a run at once."""

from __future__ import annotations

import dataclasses

import pytest

import stinespring
from kinds import REQUESTS, plain, same, source
from memory import Memory
from oracles.tiny_decoder import TinyDecoder
from stinespring.backends.registry import opened
from stinespring.cli.shown import shown
from stinespring.errors import InputError
from stinespring.ledger.payload import unpack
from stinespring.ledger.recorded import Permissions
from stinespring.ledger.store import Ledger
from stinespring.models.lens import read_states
from stinespring.pipeline.runs import bring_forward, plan, read, submit
from stinespring.pipeline.whole import judged, measured

FETCH = Permissions(onward=True, wait=600.0)
SHOTS = 1500
CLAIMS = {
    "table": ("table", False), "listed": ("texts", False), "tail": ("tail", False),
    "rejection": ("rejection", False), "padded": ("table", True)
}  # fmt: skip
MOVING = ("seconds", "metadata")  # what is not the same twice


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path)


@pytest.fixture(scope="module")
def dask():
    pytest.importorskip("distributed", reason="the extra [dask] is not installed")
    with opened("dask:local?workers=1") as ready:
        yield ready


def at_once(request, backend, **more):
    return measured(
        source(request.source),
        request.given,
        backend=backend,
        shots=SHOTS,
        seed=1,
        settings=request.settings,
        verify="none",
        **more,
    )


def submitted(ledger, request, backend, **more):
    given = {"shots": SHOTS, "seed": 1, "settings": request.settings, "asked_of": backend.name, **more}
    return submit(ledger, plan(source(request.source), request.given, backend=backend, **given))


@pytest.mark.parametrize("name", REQUESTS)
def test_counts_figures_and_verdict_are_those_of_a_run_at_once(ledger, dask, name):
    request = REQUESTS[name]
    with opened("aer") as backend:
        now, run = at_once(request, backend), submitted(ledger, request, backend)
    run = bring_forward(ledger, run, FETCH)
    assert run.state == "done"
    assert [job.step for job in ledger.jobs(run.id)] == list(range(1, request.calls + 1))
    later = judged(ledger, run)
    assert same(later.samples.outcomes, now.samples.outcomes)
    assert same(later.samples.readings, now.samples.readings)
    for field in ("source", "asked", "registers", "tvd_bound", "backend", "seed"):
        mine, other = getattr(later.samples, field), getattr(now.samples, field)
        assert mine.fingerprint() == other.fingerprint() if field == "source" else mine == other
    assert later.verdict == now.verdict
    claim = now.samples.claim
    assert (claim is not None) == (name in CLAIMS)
    assert plain(later.samples.claim and later.samples.claim.content()) == plain(claim and claim.content())
    assert claim is None or (claim.kind, getattr(claim, "padded", False)) == CLAIMS[name]
    assert plain(later.program.summary(), MOVING) == plain(now.program.summary(), MOVING)
    kind = shown(now.program.asked.kind)
    assert plain(kind.summary(later), MOVING) == plain(kind.summary(now), MOVING)
    assert later.samples.metadata["run"] == run.id
    elsewhere = at_once(request, dask)
    assert same(elsewhere.samples.outcomes, now.samples.outcomes)


@pytest.mark.parametrize("name", ["static", "stepwise", "spins", "channel"])
def test_a_noisy_device_repeats_too(ledger, name):
    """Templates of later steps are lowered one by one, as they are at once."""
    pytest.importorskip("qiskit_ibm_runtime", reason="the extra [ibm] is not installed")
    with opened("fake:manila") as backend:
        now, run = at_once(REQUESTS[name], backend), submitted(ledger, REQUESTS[name], backend)
    later = judged(ledger, run)
    assert same(later.samples.outcomes, now.samples.outcomes)
    assert later.program.device == now.program.device == "fake:manila"
    assert plain(later.program.summary(), MOVING) == plain(now.program.summary(), MOVING)


def test_delays_are_put_into_the_templates_of_every_step(ledger):
    """With a device's times, the idle times of all templates are filled, whoever lowers them."""
    pytest.importorskip("qiskit_ibm_runtime", reason="the extra [ibm] is not installed")
    request = dataclasses.replace(REQUESTS["positions"], given={**REQUESTS["positions"].given, "delays": "pad"})
    with opened("fake:boston") as backend:
        run = submitted(ledger, request, backend)
    jobs = ledger.jobs(run.id)
    assert len(jobs) == request.calls
    assert all("delay" in item.circuit.count_ops() for job in jobs for item in unpack(job.payload).items)


@pytest.mark.parametrize("name", ["static", "dynamic", "dynamic spins"])
def test_mitigation_is_that_of_a_run_at_once(ledger, name):
    pytest.importorskip("mthree", reason="the extra [mitigation] is not installed")
    pytest.importorskip("qiskit_ibm_runtime", reason="the extra [ibm] is not installed")
    with opened("fake:boston") as backend:
        now = at_once(REQUESTS[name], backend, mitigation="always")
        run = submitted(ledger, REQUESTS[name], backend, mitigation="always")
    assert [job.step for job in ledger.jobs(run.id)] == [0, 1]
    later = judged(ledger, run)
    assert plain(later.mitigation) == plain(now.mitigation)
    assert later.mitigation["applied"]
    assert plain(later.verdict.summary()) == plain(now.verdict.summary())
    assert len(read(ledger, run)[2]) == 2  # zeros and ones


def test_a_program_that_cannot_be_mitigated_says_why_later_too(ledger):
    pytest.importorskip("mthree", reason="the extra [mitigation] is not installed")
    with opened("aer") as backend:
        now = at_once(REQUESTS["stepwise"], backend, mitigation="readout")
        later = judged(ledger, submitted(ledger, REQUESTS["stepwise"], backend, mitigation="readout"))
    assert plain(later.mitigation) == plain(now.mitigation)
    assert not later.mitigation["applied"]


def test_a_step_of_very_many_prefixes_takes_several_calls(ledger, monkeypatch):
    """Each call is a step of the ledger, also where two calls make one token."""
    from stinespring.compiler.stepwise import growth

    monkeypatch.setattr(growth, "AT_ONCE", 1)
    monkeypatch.setattr(growth, "A_CALL", 1)
    with opened("aer") as backend:
        now, run = at_once(REQUESTS["stepwise"], backend), submitted(ledger, REQUESTS["stepwise"], backend)
    assert [job.step for job in ledger.jobs(run.id)] == [1, 2, 3, 4, 5, 6, 7]
    assert same(judged(ledger, run).samples.outcomes, now.samples.outcomes)


@pytest.mark.parametrize("name", ["static", "state", "spins", "hadamard", "channel"])
def test_once_finds_what_asked_the_same(ledger, name):
    """Whatever was drawn meanwhile; another number of shots, seed, way of mitigation or setting asks something else."""
    request = REQUESTS[name]
    with opened("aer") as backend:

        def planned(**more):
            given = {"shots": 50, "settings": request.settings, "asked_of": "aer", **more}
            return plan(source(request.source), request.given, backend=backend, **given)

        first = submit(ledger, planned())
        assert submit(ledger, planned(title="another title"), once=True).id == first.id
        assert submit(ledger, planned()).id != first.id
        others = [{"shots": 51}, {"seed": 2}, {"mitigation": "readout"}]
        others += [{"settings": {"settings": 6}}] if request.settings else []
        made = [submit(ledger, planned(**other), once=True).id for other in others]
    assert len({first.id, *made}) == 1 + len(others)


@pytest.mark.parametrize("name", ["stepwise", "spins"])
def test_what_compiles_to_another_program_is_refused(ledger, name):
    with opened("aer") as backend:
        run = submitted(ledger, REQUESTS[name], backend)
    other = dataclasses.replace(run, program={**run.program, "again": "0" * 64})
    for do in (
        lambda: judged(ledger, other),
        lambda: bring_forward(ledger, dataclasses.replace(other, state="created"), FETCH),
    ):
        with pytest.raises(InputError, match="not the one that was submitted") as refused:
            do()
        assert "stinespring 0" in str(refused.value)


@pytest.mark.parametrize("name", REQUESTS)
def test_what_is_asked_of_another_source_is_refused(ledger, name):
    with opened("aer") as backend:
        run = submitted(ledger, REQUESTS[name], backend)
    changed = dataclasses.replace(run, request={**run.request, "fingerprint": "0" * 64})
    for do in (
        lambda: judged(ledger, changed),
        lambda: bring_forward(ledger, dataclasses.replace(changed, state="created"), FETCH),
    ):
        with pytest.raises(InputError, match="source has changed"):
            do()


def test_a_source_that_could_not_be_read_back_is_not_written_down(ledger):
    """A decoder of the user's own: nothing is sent that nobody could decode."""
    with opened("aer") as backend:
        planned = plan(read_states(TinyDecoder(), "w1 w3 w0"), {}, backend=backend, asked_of="aer", shots=10)
        with pytest.raises(InputError, match="cannot be made again") as refused:
            submit(ledger, planned)
    assert "tiny" in str(refused.value)
    assert ledger.listed() == []


def test_circuits_of_a_run_that_was_read_back_are_not_exported(ledger, tmp_path):
    with opened("aer") as backend:
        program, _, _ = read(ledger, submitted(ledger, REQUESTS["static"], backend))
    for do in (program.qasm3, program.draw, lambda: program.write(tmp_path / "p.qasm")):
        with pytest.raises(InputError, match="are in the ledger"):
            do()


@pytest.mark.parametrize("name", ["static", "stepwise", "channel"])
def test_three_functions_do_it_from_python(tmp_path, monkeypatch, name):
    monkeypatch.setenv("STINESPRING_HOME", str(tmp_path))
    request = REQUESTS[name]
    asked = {**request.given, **request.settings}
    run = stinespring.submit(source(request.source), backend="aer", shots=SHOTS, seed=1, **asked)
    found = stinespring.fetch(run.id)
    program = stinespring.compile(source(request.source), **request.given)
    now = stinespring.run(program, shots=SHOTS, seed=1, **request.settings)
    assert same(found.samples.outcomes, now.outcomes)
    assert plain(stinespring.estimate(source(request.source), backend="aer", shots=SHOTS, **asked).plain()) == run.estimate


@pytest.mark.parametrize("name", [name for name, request in REQUESTS.items() if request.calls == 1])
def test_estimates_count_the_jobs_that_are_sent(ledger, name):
    """Of programs whose one call is known beforehand; several circuits and rows of angles included."""
    service = Memory(most=400)
    planned = plan(
        source(REQUESTS[name].source), REQUESTS[name].given, backend=service, asked_of="memory", shots=SHOTS,
        settings=REQUESTS[name].settings,
    )  # fmt: skip
    run = submit(ledger, planned)
    works = [unpack(job.payload, circuits=False) for job in ledger.jobs(run.id)]
    assert planned.estimate.jobs == len(works) == len(service.jobs)
    assert planned.estimate.circuits == sum(len(work.owner) for work in works)
    assert planned.estimate.executions == sum(work.executions for work in works)
