# SPDX-License-Identifier: Apache-2.0
"""Effort is counted: no search takes more than it was given, blocks add up, and BLAS gets its threads back."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import stinespring
from stinespring.circuits.search.work import counted, spend
from stinespring.models.texts.table import TableModel

ALMOST = 1e-9  # of sums of floating-point numbers
BOTH = 1.5  # with a tolerance: what is exact has all of the effort, fits and shares of tails half as much
EFFORTS = (0.05, 0.2)
ASKED = {
    "static": {"schedule": "static"},
    "one code a token": {"schedule": "static", "codes": "free"},
    "quantum": {"schedule": "static", "input": "quantum", "phases": "free", "steps": 1},
    "dynamic": {"schedule": "dynamic", "max_qubits": 4},
}


def table(tokens=3, context=2):
    law = np.random.default_rng(7).dirichlet(np.ones(tokens), size=tokens**context).tolist()
    return TableModel({"tokens": [f"w{i}" for i in range(tokens)], "context": context, "law": law})


def isometry(inputs, outputs, rank):
    rng = np.random.default_rng([inputs, rank])
    shape = (rank << outputs, 1 << inputs)
    columns = np.linalg.qr(rng.normal(size=shape) + 1j * rng.normal(size=shape))[0]
    return columns.reshape(rank, 1 << outputs, 1 << inputs)


def test_blocks_add_up():
    with counted() as outer:
        spend(1.0)
        with counted() as inner:
            spend(0.5)
        spend(0.25)
    spend(8.0)
    assert (inner.seconds, outer.seconds) == (0.5, 1.75)


@pytest.mark.parametrize("effort", EFFORTS)
@pytest.mark.parametrize("what", ASKED)
@pytest.mark.parametrize("tolerance", [0.0, 0.02])
def test_texts_keep_to_their_effort(what, effort, tolerance):
    given = {"prompt": [0, 1], "steps": 2} | ASKED[what]
    with counted() as spent:
        program = stinespring.compile(table(), effort=effort, tolerance=tolerance, **given)
    assert spent.seconds <= effort * (BOTH if tolerance else 1) + ALMOST
    assert spent.seconds > 0 or what == "dynamic"
    with counted() as again:
        other = stinespring.compile(table(), effort=effort, tolerance=tolerance, **given)
    assert (again.seconds, other.qasm3()) == (spent.seconds, program.qasm3())


@pytest.mark.parametrize("effort", EFFORTS)
@pytest.mark.parametrize("size", [(1, 1, 4), (2, 2, 2), (2, 2, 4)])
@pytest.mark.parametrize("form", ["isometry", "tree", "auto"])
def test_channels_keep_to_their_effort(size, form, effort):
    with counted() as spent:
        stinespring.compile_channel(isometry(*size), form=form, effort=effort)
    assert 0 < spent.seconds <= effort + ALMOST


def test_products_keep_to_their_effort():
    one = isometry(1, 1, 2)
    both = np.array([np.kron(a, b) for a in one for b in isometry(1, 1, 4)])
    with counted() as spent:
        stinespring.compile_channel(both, effort=0.2)
    assert 0 < spent.seconds <= 0.2 + ALMOST


def test_nothing_is_spent_without_effort():
    with counted() as spent:
        stinespring.compile(table(), prompt=[0, 1], steps=2, effort=0, tolerance=0.02)
        stinespring.compile_channel(isometry(2, 2, 4), effort=0)
    assert spent.seconds == 0


def test_blas_has_its_threads_back():
    """In a process of its own: threads are counted when NumPy is imported."""
    told = """
import numpy, scipy.linalg
from stinespring.circuits.search.threads import libraries, one_thread
ask = lambda: [library.get() for library in libraries()]
before = ask()
with one_thread():
    with one_thread():
        assert set(ask()) <= {1}
    assert set(ask()) <= {1}
    inside = len(ask())
try:
    one_thread()(lambda: 1 / 0)()
except ZeroDivisionError:
    assert ask() == before
print(inside, before)
"""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "2")
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True, env=os.environ | threads)
    found, before = done.stdout.split(maxsplit=1)
    if sys.platform == "linux" and "openblas" in str(np.show_config(mode="dicts")).lower():
        assert int(found) >= 1
        assert set(before.strip("[]\n").split(", ")) <= {"1", "2"}
