# SPDX-License-Identifier: Apache-2.0
"""Through IBM's own client, against a stand-in of the service on this machine: spins, and batches of several circuits."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter

import stinespring
from standin import StandIn
from stinespring.backends import open_backend
from stinespring.batches import Batch, Item
from stinespring.checks.spins.spins import check_spins
from stinespring.compiler.devices.lower import lower
from stinespring.errors import InputError
from stinespring.models.spins import draw_network

NAME = "ibm:ibm_standin_small"


@pytest.fixture(scope="module")
def serving():
    with StandIn() as server:
        yield server


@pytest.fixture
def account(serving, tmp_path, monkeypatch):
    for name, value in serving.env(tmp_path).items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("schedule", ["stepwise", "dynamic"])
def test_the_service_runs_the_circuits_as_they_are(account, schedule):
    network = draw_network(M=2, N=2, P=1, eps=0.1, gamma=4.0, beta=1.0, seed=9)
    program = stinespring.compile(network, steps=2, schedule=schedule)
    samples = stinespring.run(program, backend=NAME, shots=400, seed=1)
    assert check_spins(samples, alpha=1e-7, resolution=0.4).verdict == "PASS"
    assert check_spins(samples, network.with_beta(9.0)).verdict == "FAIL"


def test_rows_come_back_in_their_order(account):
    """Two circuits, rows with other numbers of shots: nearly certain outcomes tell each row from the others."""
    backend = open_backend(NAME)
    device = backend.capabilities.device
    turned = QuantumCircuit(QuantumRegister(1, "q"), ClassicalRegister(1, "a"), ClassicalRegister(2, "unused"))
    turned.rx(Parameter("x"), 0)
    turned.measure(0, 0)
    fixed = QuantumCircuit(QuantumRegister(2, "q"), ClassicalRegister(2, "b"))
    fixed.x(1)
    fixed.measure([0, 1], [0, 1])
    items = (
        Item(lower(turned, device), np.pi * np.array([[1.0], [0.0], [1.0]]), np.array([200, 300, 0])),
        Item(lower(fixed, device), None, np.array([300])),
    )
    found = backend.sample(Batch(items, (1,)), 3)
    assert [row.shots for row in found] == [200, 300, 0, 300]
    often = [
        row.values[row.counts.argmax()][list(row.registers).index(name)] for row, name in zip(found[:2], "aa", strict=True)
    ]
    assert often == [1, 0] and found[3].values[found[3].counts.argmax()].tolist() == [2]


def test_nothing_is_sent_by_looking_at_what_it_is():
    """``keeps_jobs`` and the name of a named device are known without the service, and without an account."""
    backend = open_backend("ibm:nowhere?rep_delay=0.0005")
    assert backend.keeps_jobs and backend.name == "ibm:nowhere?rep_delay=0.0005"
    backend.close()


def test_capabilities_are_those_of_the_service(account):
    able = open_backend(f"{NAME}?rep_delay=0.0005").capabilities
    assert able.device.name == NAME and able.noisy and not able.seeded and able.max_shots > 0 and able.rep_delay == 0.0005


def test_too_many_shots_are_refused_before_anything_is_sent(account):
    backend = open_backend(NAME)
    circuit = QuantumCircuit(backend.capabilities.device.target.num_qubits, 1)
    circuit.measure(0, 0)
    item = Item(circuit, None, np.array([backend.capabilities.max_shots + 1]))
    with pytest.raises(InputError, match="too many shots"):
        backend.sample(Batch((item,), (1,)), 1)
