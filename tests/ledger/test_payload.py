# SPDX-License-Identifier: Apache-2.0
"""Work and outcomes as bytes; shares of shots; surplus shots dropped without a bias."""

from __future__ import annotations

import zipfile
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from scipy.stats import chisquare

from stinespring.backends.remote import Outcomes, Pub, outcomes_of
from stinespring.errors import BackendError
from stinespring.ledger.payload import (
    Work,
    allocate,
    merged,
    pack,
    pack_outcomes,
    require_complete,
    split,
    unpack,
    unpack_outcomes,
)


def template():
    circuit = QuantumCircuit(2, 2)
    a = ParameterVector("a", 11)
    for i in range(11):
        circuit.ry(a[i], i % 2)
    circuit.measure([0, 1], [0, 1])
    return circuit


def work_of(rows=3, shots=7, angles=True):
    circuit = template() if angles else QuantumCircuit(1, 1)
    values = np.arange(rows * 11, dtype=float).reshape(rows, 11) / 7
    pubs = (Pub(circuit, values),) if angles else tuple(Pub(circuit, None) for _ in range(rows))
    symbols = np.array([[0, 1], [1, -1]])
    return Work(pubs, shots, np.arange(rows), np.full(rows, shots), np.arange(rows).reshape(rows, 1), symbols)


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=30), st.sampled_from([1, 7, 100, 100_000]))
def test_every_context_gets_its_shots(wanted, most):
    wanted = np.array(wanted)
    shots, owner = allocate(wanted, most)
    got = np.bincount(owner, minlength=len(wanted)) * shots
    assert 1 <= shots <= most
    assert (got >= wanted).all()
    assert (got - wanted < shots).all()


def test_equal_contexts_need_no_surplus():
    shots, owner = allocate(np.array([500, 500, 500]), 100_000)
    assert (shots, owner.tolist()) == (500, [0, 1, 2])
    shots, owner = allocate(np.array([250_000]), 100_000)
    assert shots * len(owner) < 1.01 * 250_000


@pytest.mark.parametrize("angles", [True, False])
def test_bytes_and_back(angles):
    work = work_of(angles=angles)
    again = unpack(pack(work))
    for name in ("owner", "wanted", "contexts", "symbols"):
        assert np.array_equal(getattr(again, name), getattr(work, name))
    assert again.shots == work.shots
    assert [pub.circuit for pub in again.pubs] == [pub.circuit for pub in work.pubs]
    for mine, other in zip(again.pubs, work.pubs, strict=True):
        assert (mine.angles is None) == (other.angles is None)
        assert mine.angles is None or np.array_equal(mine.angles, other.angles)
    assert unpack(pack(work), circuits=False).pubs == ()


def test_no_pickle_in_the_bytes():
    with zipfile.ZipFile(BytesIO(pack(work_of()))) as archive:
        for name in archive.namelist():
            np.load(BytesIO(archive.read(name)), allow_pickle=False)


@pytest.mark.parametrize("angles", [True, False])
def test_jobs_of_a_step_hold_all_rows_in_order(angles):
    work = work_of(rows=7, angles=angles)
    jobs = split(work, circuits_per_job=3)
    assert [len(job.owner) for job in jobs] == [3, 3, 1]
    assert np.array_equal(np.concatenate([job.owner for job in jobs]), work.owner)
    for job in jobs:
        assert sum(pub.rows for pub in job.pubs) == len(job.owner)
    if angles:
        rows = np.concatenate([pub.angles for job in jobs for pub in job.pubs])
        assert np.array_equal(rows, work.pubs[0].angles)
    assert split(work) == [work]


def test_outcomes_and_back():
    values = {"t2": np.array([1, 0, 1, 1]), "e1": np.array([2**61, 5, 2**61, 0])}
    found = outcomes_of(values)
    assert found.registers == ("e1", "t2")
    [again] = unpack_outcomes(pack_outcomes([found]))
    assert again.registers == found.registers
    assert np.array_equal(again.values, found.values)
    assert np.array_equal(again.counts, found.counts)
    pairs = sorted(zip(again.column("e1").tolist(), again.column("t2").tolist(), again.counts.tolist(), strict=True))
    assert pairs == [(0, 1, 1), (5, 0, 1), (2**61, 1, 2)]
    assert again.column("absent").tolist() == [0, 0, 0]


def test_what_is_missing_in_a_result_is_named():
    work = work_of(rows=2, shots=4)
    good = outcomes_of({"t1": np.array([0, 1, 1, 1])})
    require_complete(work, [good, good], ["t1"])
    for rows, registers, what in (
        ([good], ["t1"], "rows"),
        ([good, outcomes_of({"t1": np.array([0, 1])})], ["t1"], "shots"),
        ([good, good], ["t1", "t2"], "registers"),
    ):
        with pytest.raises(BackendError, match=what):
            require_complete(work, rows, registers)


def test_a_choice_of_shots_is_not_biased():
    """Of 3000 and 1000 outcomes, 100 are kept, 2000 times: the shares pass a chi-squared test at 1e-7."""
    mixed = Outcomes(("t1",), np.array([[0], [1]]), np.array([1000, 1000]))
    rows = [mixed, Outcomes(("t1",), np.array([[0]]), np.array([2000]))]
    kept = np.zeros(2)
    for seed in range(2000):
        found = merged(rows, 100, seed)
        assert found.counts.sum() == 100
        np.add.at(kept, found.column("t1"), found.counts)
    # drawn without replacement: the variance is (4000 - 100) / 3999 of the multinomial one, so that the test is conservative
    assert chisquare(kept, [150_000, 50_000]).pvalue > 1e-7
    assert merged(rows, 4000, 1).counts.tolist() == [3000, 1000]
