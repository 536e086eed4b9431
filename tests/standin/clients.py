# SPDX-License-Identifier: Apache-2.0
"""Fixtures and circuits for tests that drive a stand-in with the real client."""

from __future__ import annotations

import pytest

from standin.server import StandIn

SMALL = "ibm_standin_small"
POLL = 0.1  # seconds, the least that the client allows


@pytest.fixture(scope="module")
def standin(tmp_path_factory):
    """A stand-in, and the variables of this process pointing at it."""
    with StandIn() as one, pytest.MonkeyPatch.context() as patch:
        for name, value in one.env(tmp_path_factory.mktemp("home")).items():
            patch.setenv(name, value)
        yield one


@pytest.fixture(scope="module")
def service(standin):
    from qiskit_ibm_runtime import QiskitRuntimeService

    return QiskitRuntimeService()


@pytest.fixture
def calm(standin):
    """The stand-in without faults and with its settings as they were."""
    standin.clear_faults()
    yield standin
    standin.clear_faults()
    standin.set(queued_polls=1, running_polls=1, token_seconds=3600.0, usage_limit=600.0)


def lopsided():
    """A circuit whose answer no wrong order of bits, registers or qubits gives: first "10"; second c0 = 1, c1 = 0, c2 = c3."""
    from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister

    first, second = ClassicalRegister(2, "first"), ClassicalRegister(4, "second")
    circuit = QuantumCircuit(QuantumRegister(3), first, second)
    circuit.x(0)
    circuit.measure(0, first[1])
    circuit.reset(0)
    with circuit.if_test((first, 2)):  # true
        circuit.x(2)
    with circuit.if_test((first[0], 1)):  # false
        circuit.x(1)
    circuit.measure(2, second[0])
    circuit.measure(1, second[1])
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure(0, second[2])
    circuit.measure(1, second[3])
    return circuit


def lowered(circuit, backend):
    from qiskit import transpile

    return transpile(circuit, backend, optimization_level=1, seed_transpiler=1)


def submitted(backend, *, shots=64, tags=(), circuit=None, mode=None, **environment):
    """Submit the lopsided circuit, or another one, with the current sampler."""
    from qiskit_ibm_runtime.executor_sampler import Sampler

    sampler = Sampler(mode=mode or backend)
    sampler.options.environment.job_tags = list(tags)
    for name, value in environment.items():
        setattr(sampler.options, name, value)
    return sampler.run([lowered(circuit or lopsided(), backend)], shots=shots)


def require_lopsided(data, shots):
    """Check the answer; c2 = c3 is 0 in all shots, or 1, with probability 2 ** (1 - shots)."""
    assert data.first.get_counts() == {"10": shots}
    counts = data.second.get_counts()
    assert set(counts) == {"0001", "1101"}
    assert sum(counts.values()) == shots
