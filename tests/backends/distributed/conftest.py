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
    """Sample all chunks of a backend one after the other in this process, and join them row by row."""
    from stinespring.backends.distributed.chunks import chunks_of
    from stinespring.backends.distributed.work import circuit_bytes, sample_chunk, versions

    def loop(backend, circuit, angles, shots, seed):
        rows = 1 if angles is None else len(angles)
        parts = [{} for _ in range(rows)]
        chunks = chunks_of(circuit, rows, shots, seed, options=backend.options, limit=backend.limit, most=backend.chunk)
        for chunk in chunks:
            some = None if angles is None else angles[chunk.rows[0] : chunk.rows[1]]
            found = sample_chunk(
                circuit_bytes(circuit), some, chunk.shots, chunk.seed, chunk.path,
                options=backend.options, limit=backend.limit, expected=versions(),
            )  # fmt: skip
            for row in range(*chunk.rows):
                for name, value in found["values"].items():
                    parts[row].setdefault(name, []).append(value[row - chunk.rows[0]])
        return [{name: np.concatenate(values) for name, values in row.items()} for row in parts], len(chunks)

    return loop
