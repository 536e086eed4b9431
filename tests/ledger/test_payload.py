# SPDX-License-Identifier: Apache-2.0
"""Work and outcomes as bytes; shares of shots; surplus shots dropped without a bias."""

from __future__ import annotations

import zipfile
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import ParameterVector
from scipy.stats import chisquare

from stinespring.batches import Batch, Item
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
    whole,
    works_of,
)
from stinespring.readings import Outcomes


def template():
    circuit = QuantumCircuit(2, 2)
    a = ParameterVector("a", 11)
    for i in range(11):
        circuit.ry(a[i], i % 2)
    circuit.measure([0, 1], [0, 1])
    return circuit


def plain():
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    return circuit


def work_of(rows=3, shots=7, angles=True):
    values = np.arange(rows * 11, dtype=float).reshape(rows, 11) / 7
    each = np.full(1, shots)
    one = plain()
    items = (Item(template(), values, np.full(rows, shots)),) if angles else tuple(Item(one, None, each) for _ in range(rows))
    return Work.of(items, np.arange(rows), np.full(rows, shots))


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


@given(st.lists(st.integers(1, 20), min_size=1, max_size=200), st.integers(1, 30))
def test_the_shots_of_a_row_are_the_cheapest(wanted, most):
    """Equal needs are counted together; the cost is that of all rows one by one."""
    wanted = np.array(wanted)

    def cost(shots):
        return int((-(-wanted // shots)).sum()) * (shots + 30)

    shots, owner = allocate(wanted, most)
    assert len(owner) * (shots + 30) == cost(shots)
    assert cost(shots) <= min(
        cost(s) for s in {*wanted.tolist(), *(-(-wanted // 2)).tolist(), most} if s <= min(most, wanted.max())
    )


@pytest.mark.parametrize("angles", [True, False])
def test_bytes_and_back(angles):
    work = work_of(angles=angles)
    again = unpack(pack(work))
    for name in ("owner", "wanted", "rows"):
        assert np.array_equal(getattr(again, name), getattr(work, name))
    assert again.measured == work.measured == (("c",),) * len(work.items)
    assert [item.circuit for item in again.items] == [item.circuit for item in work.items]
    for mine, other in zip(again.items, work.items, strict=True):
        assert (mine.angles is None) == (other.angles is None)
        assert mine.angles is None or np.array_equal(mine.angles, other.angles)
    bare = unpack(pack(work), circuits=False)
    assert {item.circuit for item in bare.items} == {None}
    assert np.array_equal(bare.rows, work.rows)
    assert bare.measured == work.measured


def test_a_circuit_that_several_rows_share_is_written_once():
    assert len(pack(work_of(rows=200, angles=False))) < 3 * len(pack(work_of(rows=1, angles=False)))


def test_registers_that_are_measured_into():
    """Also in the branches of a condition; a register that nothing is measured into is none of them."""
    circuit = QuantumCircuit(
        QuantumRegister(2), *(ClassicalRegister(size, name) for name, size in zip("abcd", (2, 1, 1, 0), strict=True))
    )
    a, b, _, _ = circuit.cregs
    circuit.measure(0, a[1])
    with circuit.if_test((a[1], 1)) as other:
        circuit.x(0)
    with other:
        circuit.measure(1, b[0])
    assert Work.of([Item(circuit, None, np.array([1]))], np.array([0]), np.array([1])).measured == (("a", "b"),)


def test_works_of_a_call_sample_every_row():
    """Several circuits, with angles and without, and more shots than a row takes."""
    values = np.arange(22, dtype=float).reshape(2, 11)
    steered = QuantumCircuit(1, 1)
    steered.measure(0, 0)
    with steered.if_test((steered.clbits[0], 1)):
        steered.x(0)
    items = (Item(plain(), None, np.array([50])), Item(template(), values, np.array([20, 70])))
    [work] = works_of(Batch(items, (1,)), 40)
    got = np.bincount(work.owner, weights=work.rows)
    assert (got >= [50, 20, 70]).all()
    assert len(set(work.rows.tolist())) == 1
    assert work.wanted.tolist() == [50, 20, 70]
    parted = works_of(Batch((*items, Item(steered, None, np.array([50]))), (1,)), 40)
    assert all(len(job.owner) == 1 for job in parted)
    assert {owner for job in parted for owner in job.owner.tolist()} == {0, 1, 2, 3}
    pairs = works_of(Batch((*items, Item(steered, None, np.array([50]))), (1,)), 40, lambda circuit: 2)
    assert [len(job.owner) for job in pairs] == [2] * (len(parted) // 2) + [1] * (len(parted) % 2)
    [here] = [whole(Batch(items, (1,)))]
    assert (here.owner.tolist(), here.rows.tolist()) == ([0, 1, 2], [50, 20, 70])


def test_no_pickle_in_the_bytes():
    """Numbers and nothing else: NumPy would have to unpickle arrays of objects, and refuses."""
    with zipfile.ZipFile(BytesIO(pack(work_of()))) as archive:
        found = {name: np.load(BytesIO(archive.read(name)), allow_pickle=False) for name in archive.namelist()}
    assert {"qpy.npy", "owner.npy", "wanted.npy"} <= set(found)
    assert all(np.issubdtype(array.dtype, np.number) for array in found.values())
    spoilt = BytesIO()
    np.savez_compressed(spoilt, **{name.removesuffix(".npy"): array.astype(object) for name, array in found.items()})
    with pytest.raises(ValueError, match="allow_pickle"):
        unpack(spoilt.getvalue())


@pytest.mark.parametrize("angles", [True, False])
def test_jobs_of_a_step_hold_all_rows_in_order(angles):
    work = work_of(rows=7, angles=angles)
    jobs = split(work, 3)
    assert [len(job.owner) for job in jobs] == [3, 3, 1]
    assert np.array_equal(np.concatenate([job.owner for job in jobs]), work.owner)
    for job in jobs:
        assert sum(item.rows for item in job.items) == len(job.owner)
    if angles:
        rows = np.concatenate([item.angles for job in jobs for item in job.items])
        assert np.array_equal(rows, work.items[0].angles)
    assert split(work, 7) == [work]


def test_outcomes_and_back():
    values = {"t2": np.array([1, 0, 1, 1]), "e1": np.array([2**61, 5, 2**61, 0])}
    found = Outcomes.tallied(values)
    assert found.registers == ("t2", "e1")
    [again] = unpack_outcomes(pack_outcomes([found]))
    assert again.registers == found.registers
    assert np.array_equal(again.values, found.values)
    assert np.array_equal(again.counts, found.counts)
    pairs = sorted(zip(again.column("e1").tolist(), again.column("t2").tolist(), again.counts.tolist(), strict=True))
    assert pairs == [(0, 1, 1), (5, 0, 1), (2**61, 1, 2)]
    assert again.column("absent").tolist() == [0, 0, 0]


def test_what_is_missing_in_a_result_is_named():
    work = work_of(rows=2, shots=4)
    good = Outcomes.tallied({"c": np.array([0, 1, 1, 1])})
    require_complete(work, [good, good])
    for rows, what in (
        ([good], "rows"),
        ([good, Outcomes.tallied({"c": np.array([0, 1])})], "shots"),
        ([good, Outcomes.tallied({"d": np.array([0, 1, 1, 1])})], "registers"),
    ):
        with pytest.raises(BackendError, match=what):
            require_complete(work, rows)


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
