# SPDX-License-Identifier: Apache-2.0
"""The method follows from the program; limits of memory hold before anything runs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.quantum_info import Statevector

import stinespring
from sampling import read
from stinespring.backends import open_backend
from stinespring.backends.aer.backend import AerBackend
from stinespring.backends.aer.methods import bond_bound, choose, density_qubits, statevector_qubits
from stinespring.errors import InputError, TooLargeError

WIDE = statevector_qubits() + 5


def chain(qubits: int, *, angle: float = 0.3) -> QuantumCircuit:
    circuit = QuantumCircuit(qubits, min(qubits, 60))
    for q in range(qubits):
        circuit.ry(angle, q)
    for q in range(qubits - 1):
        circuit.cx(q, q + 1)
    circuit.measure(range(min(qubits, 60)), range(min(qubits, 60)))
    return circuit


def clifford(qubits: int) -> QuantumCircuit:
    circuit = QuantumCircuit(qubits, 1)
    circuit.h(range(qubits))
    for distance in (1, 2, 3, 5, 7, 11, 13, 17):
        for q in range(qubits - distance):
            circuit.cx(q, q + distance)
    circuit.measure(0, 0)
    return circuit


def dense(qubits: int) -> QuantumCircuit:
    circuit = clifford(qubits)
    circuit.t(0)
    return circuit


def on_the_way() -> QuantumCircuit:
    circuit = QuantumCircuit(1, 2)
    circuit.sx(0)
    circuit.measure(0, 0)
    circuit.x(0)
    circuit.measure(0, 1)
    return circuit


def test_the_method_follows_from_the_program():
    assert choose(chain(4), shots=10, noise=False).method == "statevector"
    assert choose(chain(WIDE), shots=10, noise=False).method == "matrix_product_state"
    assert choose(clifford(WIDE), shots=10, noise=False).method == "stabilizer"
    with pytest.raises(TooLargeError, match=f"at most {statevector_qubits()} qubits"):
        choose(dense(WIDE), shots=10, noise=False)
    assert choose(chain(4), shots=1_000, noise=True).method == "density_matrix"
    assert choose(chain(10), shots=10, noise=True).method == "statevector"
    assert choose(on_the_way(), shots=1_000, noise=True)[0::2] == ("statevector", False), "shared states forget readout errors"
    assert choose(on_the_way(), shots=1_000, noise=False).branching
    assert all(choose(c, shots=10, noise=False).why for c in (chain(4), chain(WIDE), clifford(WIDE)))


@given(st.integers(0, 10**6), st.integers(2, 6), st.integers(0, 8))
def test_no_cut_has_more_schmidt_coefficients_than_the_bound(seed, qubits, gates):
    rng = np.random.default_rng(seed)
    circuit = QuantumCircuit(qubits)
    for _ in range(gates):
        circuit.u(*rng.uniform(0, 6, 3), int(rng.integers(qubits)))
        a, b = rng.choice(qubits, 2, replace=False).tolist()
        getattr(circuit, ["cx", "cz", "swap", "iswap"][int(rng.integers(4))])(a, b)
    psi = Statevector(circuit).data
    ranks = [np.linalg.matrix_rank(psi.reshape(-1, 2**cut), tol=1e-9) for cut in range(1, qubits)]
    assert max(ranks) <= 2 ** bond_bound(circuit)


def test_wide_circuits_give_the_right_bits():
    circuit = chain(WIDE, angle=np.pi)
    values = read(AerBackend(), circuit, 5, 1)["c"]
    assert set(values.tolist()) == {sum(1 << q for q in range(0, min(WIDE, 60), 2))}


def test_memory_is_a_limit():
    """One MB holds 16 qubits as a vector and 8 as a matrix."""
    assert (statevector_qubits(1), density_qubits(1)) == (16, 8)
    for text, qubits in (("aer?method=statevector&memory=1", 17), ("aer?method=density_matrix&memory=1", 9)):
        with pytest.raises(TooLargeError, match=f"at most {qubits - 1} qubits"):
            read(open_backend(text), chain(qubits), 5, 1)
    backend = open_backend("aer?memory=1&threads=1")
    read(backend, chain(17), 5, 1)
    assert backend.metadata()["method"] == "matrix_product_state"
    assert backend.metadata()["memory_mb"] == backend.metadata()["threads"] == 1


def test_metadata_of_a_run(two_tokens):
    program = stinespring.compile(two_tokens, prompt="a b", steps=2, schedule="static")
    found = stinespring.run(program, shots=100, seed=1, backend="aer?threads=1").metadata
    assert {"qiskit", "qiskit-aer", "method", "method_why", "simulator_seconds", "threads"} <= set(found)


def test_wide_registers_are_refused_and_62_bits_are_right():
    circuit = QuantumCircuit(1)
    circuit.add_register(ClassicalRegister(62, "c"))
    circuit.x(0)
    circuit.measure(0, 61)
    assert set(read(AerBackend(), circuit, 3, 1)["c"].tolist()) == {2**61}
    circuit.add_register(ClassicalRegister(63, "d"))
    with pytest.raises(InputError, match=r"d\[63\]"):
        read(AerBackend(), circuit, 3, 1)


@pytest.mark.parametrize("method", ["stabilizer", "extended_stabilizer"])
def test_methods_that_cannot_are_refused(two_tokens, method):
    program = stinespring.compile(two_tokens, prompt="a b", steps=2, schedule="static")
    with pytest.raises(InputError, match="Clifford"):
        open_backend(f"aer?noise=manila&method={method}")
    with pytest.raises(InputError, match="does not have all"):
        stinespring.run(program, backend=f"aer?method={method}", shots=10)


def test_what_the_extended_method_has_it_runs():
    """Of its gates each one alone gives the bits of the statevector method; conditions are refused."""
    circuit = QuantumCircuit(3, 3)
    circuit.x([0, 1])
    circuit.t(0)
    circuit.ccx(0, 1, 2)
    circuit.cx(0, 1)
    circuit.measure(range(3), range(3))
    assert set(read(AerBackend("extended_stabilizer"), circuit, 5, 1)["c"].tolist()) == {0b101}
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(0)
    with pytest.raises(InputError, match="if_else"):
        read(AerBackend("extended_stabilizer"), circuit, 3, 1)
