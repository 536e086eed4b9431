# SPDX-License-Identifier: Apache-2.0
"""Counts files of every kind: what is refused, and keys that name registers."""

from __future__ import annotations

import numpy as np
import pytest

from stinespring.errors import InputError
from stinespring.models.counts import FORMAT, counts_in, counts_of_each, values_read, values_spelt
from stinespring.readings import Outcomes


def test_one_object_or_one_a_circuit():
    assert counts_in({"format": FORMAT, "counts": {"a": 1, "b": 0}}) == ({"a": 1, "b": 0},)
    assert counts_in({"format": FORMAT, "counts": [{"a": 1}, {"b": 2}]}) == ({"a": 1}, {"b": 2})
    with pytest.raises(InputError, match="another number of circuits"):
        counts_of_each({"format": FORMAT, "counts": {"a": 1}}, 2, "point")


@pytest.mark.parametrize(
    "counts",
    [None, 3, "a", {}, [], [{}], [3], [{"a": 1}, {}], {"a": -1}, {"a": 1.0}, {"a": True}, {"a": "1"}, {"a": 0},
     [{"a": 1}, {"b": 0}], {"a": 10**15, "b": 1}],
)  # fmt: skip
def test_unusable_counts_are_refused(counts):
    with pytest.raises(InputError):
        counts_in({"format": FORMAT, "counts": counts})
    with pytest.raises(InputError, match="holds no samples"):
        counts_in({"counts": {"a": 1}})


def test_keys_name_registers_in_any_order():
    outcomes = Outcomes.tallied({"flag": np.array([0, 2, 0]), "x1": np.array([3, 1, 0])}, np.array([4, 5, 6]))
    keys = values_spelt(outcomes)
    assert keys == ["flag=0 x1=0", "flag=0 x1=3", "flag=2 x1=1"]
    turned = {" ".join(reversed(key.split(" "))): count for key, count in zip(keys, outcomes.counts.tolist(), strict=True)}
    again = values_read(turned, {"flag": 0, "x1": 4})
    assert again.registers == outcomes.registers
    assert (again.values.tolist(), again.counts.tolist()) == (outcomes.values.tolist(), outcomes.counts.tolist())
    both = values_read({"flag=0 x1=1": 2, "x1=1 flag=0": 3}, {"flag": 0, "x1": 4})  # one reading in two spellings
    assert both.counts.tolist() == [5]


@pytest.mark.parametrize(
    "key", ["", "flag=0", "flag=0 x1=4", "flag=0  x1=1", "flag=0 x1=1 y=0", "flag=0 flag=0", "flag=0 x1=-1", "flag=0 x1=1.0",
            "flag=a x1=1", "0 1", "flag=0 x1=99999999999999999999", "flag=9999999999999999999 x1=0"]
)  # fmt: skip
def test_other_keys_are_refused(key):
    with pytest.raises(InputError, match="does not name"):
        values_read({key: 1}, {"flag": 0, "x1": 4})


def test_one_register_is_tallied_as_several_are():
    """One column goes its own way: it gives what it gives beside a register that is always 0."""
    rng = np.random.default_rng(2)
    for shots in (0, 1, 2, 500):
        values, counts = rng.integers(-1, 20, shots), rng.integers(0, 3, shots)
        one = Outcomes.tallied({"t1": values}, counts)
        two = Outcomes.tallied({"t1": values, "t2": np.zeros(shots)}, counts)
        np.testing.assert_array_equal(one.values, two.values[:, :1])
        np.testing.assert_array_equal(one.counts, two.counts)
        assert one.counts.sum() == counts.sum() and one.values.dtype == np.int64 and one.registers == ("t1",)
