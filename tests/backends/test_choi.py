# SPDX-License-Identifier: Apache-2.0
"""The Choi matrix of a circuit: gates of its own by what they are, sizes known before anything is allocated."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Gate, Parameter
from qiskit.circuit.library import CXGate, DiagonalGate, ECRGate, MCPhaseGate, QFTGate, RZZGate, UnitaryGate, XGate
from qiskit.quantum_info import Operator

from stinespring.backends.aer.choi import channel_wires, circuit_choi, outcome_choi, require_choi
from stinespring.backends.aer.deferred import defer
from stinespring.errors import InputError, TooLargeError
from stinespring.models.channels.cptp import choi_of_kraus

STANDARD = {
    "rzz": 1,
    "cx": 0,
    "ecr": 0,
    "h": 0,
    "swap": 0,
    "diagonal": 2,
    "unitary": 0,
    "mcx": 0,
    "cu": 4,
    "pauli": 0,
    "kraus": 0,
}


def of(matrix: np.ndarray) -> np.ndarray:
    return choi_of_kraus(np.asarray(matrix, dtype=complex)[None])


def own(name: str, definition: QuantumCircuit, angles: int = 0) -> Gate:
    gate = Gate(name, definition.num_qubits, [0.7] * angles)
    gate.definition = definition
    return gate


@pytest.mark.parametrize("name", STANDARD)
def test_a_gate_of_its_own_is_its_definition(name):
    inside = QuantumCircuit(2)
    inside.cry(0.4, 1, 0)
    inside.s(1)
    outer = QuantumCircuit(2)
    outer.append(own(name, inside, STANDARD[name]), [1, 0])
    circuit = QuantumCircuit(2)
    circuit.append(own("swap", outer), [0, 1])
    plain = QuantumCircuit(2)
    plain.cry(0.4, 0, 1)
    plain.s(0)
    assert circuit_choi(circuit, [0, 1], [0, 1]) == pytest.approx(of(Operator(plain).data), abs=1e-12)


@pytest.mark.parametrize("name", ["x", "ecr", "unitary"])
def test_also_inside_a_condition(name):
    inside = QuantumCircuit(1)
    inside.ry(0.9, 0)
    circuit = QuantumCircuit(2, 1)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.append(own(name, inside), [1])
    plain = QuantumCircuit(2)
    plain.cry(0.9, 0, 1)
    made = circuit_choi(circuit, [0, 1], [0, 1]).reshape((2,) * 8)
    matrix = np.asarray(Operator(plain).data)
    kraus = np.stack([matrix @ np.diag([1, 0, 1, 0]), matrix @ np.diag([0, 1, 0, 1])])
    assert made.reshape(16, 16) == pytest.approx(choi_of_kraus(kraus), abs=1e-12)


GATES = [RZZGate(0.3), ECRGate(), CXGate(ctrl_state=0), XGate().control(2, ctrl_state=1), MCPhaseGate(0.4, 2)]


@pytest.mark.parametrize("gate", [*GATES, DiagonalGate([1, 1j]), QFTGate(2)])
def test_gates_of_qiskit(gate):
    circuit = QuantumCircuit(gate.num_qubits)
    circuit.append(gate, range(gate.num_qubits))
    wires = list(range(gate.num_qubits))
    assert circuit_choi(circuit, wires, wires) == pytest.approx(of(Operator(gate).data), abs=1e-12)


@pytest.mark.parametrize("wide", [False, True])
def test_else_of_a_register(wide, monkeypatch):
    if wide:
        monkeypatch.setattr("stinespring.backends.aer.deferred.WIDEST_BLOCK", 1)
    sys, bits = QuantumRegister(3, "sys"), ClassicalRegister(2, "c")
    circuit = QuantumCircuit(sys, bits)
    circuit.measure([0, 1], bits)
    with circuit.if_test((bits, 2)) as otherwise:
        circuit.rx(0.4, 2)
    with otherwise:
        circuit.ry(0.8, 2)
        circuit.s(2)
    blocks = []
    for value in range(4):
        block = QuantumCircuit(1)
        if value == 2:
            block.rx(0.4, 0)
        else:
            block.ry(0.8, 0)
            block.s(0)
        blocks.append(np.kron(np.asarray(Operator(block).data), np.diag(np.eye(4)[value])))
    assert circuit_choi(circuit, [0, 1, 2], [0, 1, 2]) == pytest.approx(choi_of_kraus(np.stack(blocks)), abs=1e-12)


def test_what_is_no_gate():
    for refused in (Gate("x", 1, []), Gate("mine", 1, [])):
        circuit = QuantumCircuit(1)
        circuit.append(refused, [0])
        with pytest.raises(InputError, match="cannot be simulated exactly"):
            circuit_choi(circuit, [0], [0])
    circuit = QuantumCircuit(1)
    circuit.initialize([0, 1], 0)
    with pytest.raises(InputError, match="cannot be simulated exactly"):
        circuit_choi(circuit, [0], [0])
    circuit = QuantumCircuit(1)
    circuit.rx(Parameter("a"), 0)
    with pytest.raises(InputError, match="free parameter"):
        circuit_choi(circuit, [0], [0])


def test_sizes_are_known_before(monkeypatch):
    with pytest.raises(TooLargeError, match="too large for its Choi"):
        require_choi(6, 6)
    require_choi(5, 6)
    wide = QuantumCircuit(QuantumRegister(2000, "env"), QuantumRegister(1, "sys"))
    with pytest.raises(TooLargeError, match="2001 qubits"):
        circuit_choi(wide, *channel_wires(wide, inputs=1, outputs=1))
    long = QuantumCircuit(1)
    for _ in range(3000):
        long.reset(0)
    with pytest.raises(TooLargeError, match="--shots"):
        circuit_choi(long, [0], [0])
    many = QuantumCircuit(2, 8)
    for bit in range(8):
        many.h(1)
        many.measure(1, bit)
        many.reset(1)
    assert len(outcome_choi(many, [0], [0], range(8))) == 256
    monkeypatch.setattr("stinespring.backends.aer.choi.MOST_OUTCOME_ENTRIES", 1 << 10)
    with pytest.raises(TooLargeError, match="too many outcomes"):
        outcome_choi(many, [0], [0], range(8))


def test_a_measured_qubit_that_nothing_follows_carries_its_bit():
    circuit = QuantumCircuit(2, 2)
    circuit.append(UnitaryGate(np.eye(2)), [0])
    circuit.measure(0, 0)
    circuit.barrier(0)
    circuit.reset(0)
    circuit.measure(1, 1)
    assert defer(circuit).circuit.num_qubits == 3
    assert defer(circuit, keep=[1]).circuit.num_qubits == 4
