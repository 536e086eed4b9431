# SPDX-License-Identifier: Apache-2.0
"""Circuits, and the plain loop over the chunks in this process that every cluster must agree with."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import ParameterVector


@pytest.fixture(scope="session")
def rounds():
    """A program of four rounds: rotate, entangle, measure one qubit, rotate under a condition."""
    qubits, early, late = QuantumRegister(3, "q"), ClassicalRegister(4, "a"), ClassicalRegister(3, "t1")
    circuit, rng = QuantumCircuit(qubits, early, late), np.random.default_rng(11)
    for number in range(4):
        for qubit in qubits:
            circuit.ry(rng.uniform(0, 3), qubit)
        circuit.cx(qubits[0], qubits[1])
        circuit.cx(qubits[1], qubits[2])
        circuit.measure(qubits[0], early[number])
        with circuit.if_test((early[number], 1)):
            circuit.ry(rng.uniform(0, 3), qubits[2])
    circuit.measure(qubits, late)
    return circuit


@pytest.fixture(scope="session")
def template():
    """Two qubits with three angles, and 600 rows of angles."""
    angle = ParameterVector("a", 3)
    circuit = QuantumCircuit(QuantumRegister(2, "q"), ClassicalRegister(2, "t1"))
    circuit.ry(angle[0], 0)
    circuit.ry(angle[1], 1)
    circuit.cx(0, 1)
    circuit.ry(angle[2], 1)
    circuit.measure([0, 1], [0, 1])
    return circuit, np.random.default_rng(3).uniform(-3, 3, (600, 3))


@pytest.fixture(scope="session")
def plain_loop():
    """Sample all chunks of a backend one after the other in this process, in reverse order, and add them up row by row."""
    from stinespring.backends.distributed.backend import outcomes_of
    from stinespring.backends.distributed.work import circuit_bytes, sample_chunk, versions
    from stinespring.backends.rows import Gathered, rows_of

    def loop(backend, batch, seed):
        sums, chunks = Gathered(batch), backend.aer.chunks(batch, seed, backend.chunk)
        for chunk in reversed(chunks):
            item = batch.items[chunk.item]
            found = sample_chunk(
                circuit_bytes(item.circuit), rows_of(item.angles, chunk.rows), chunk.shots, chunk.seed, tuple(chunk.how),
                options=backend.options, expected=versions(),
            )  # fmt: skip
            sums.add(chunk.item, chunk.rows, outcomes_of(found))
        return sums.outcomes(), len(chunks)

    return loop
