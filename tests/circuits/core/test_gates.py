# SPDX-License-Identifier: Apache-2.0
"""Gates in arrays are the gates of a list: same order, numbers, counts and depths."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit import CircuitInstruction, ParameterVector
from qiskit.circuit.library import RYGate, RZGate, UGate

import strategies
from stinespring.circuits.core.gates import Gate, RotationArray, Slot, append, concatenated, count_two_qubit, depths, relabel
from stinespring.circuits.exact.multiplexer import multiplexed_ry, rotation_array


def random_array(seed, qubits=5, length=40):
    """Rotations and CZ on targets that stay the same for a while."""
    rng = np.random.default_rng(seed)
    targets = np.repeat(rng.integers(qubits, size=length), rng.integers(1, 5, size=length))[:length]
    controls = (targets + rng.integers(1, qubits, size=length)) % qubits
    controls[rng.random(length) < 0.5] = -1
    return RotationArray(controls, targets, np.where(controls < 0, rng.normal(size=length), 0.0))


@given(strategies.seeds(), st.integers(0, 40))
def test_depths_are_those_that_qiskit_finds(seed, length):
    gates = random_array(seed, length=length)
    circuit = QuantumCircuit(5)
    append(circuit, gates)
    pairs = circuit.depth(lambda instruction: instruction.operation.num_qubits == 2)
    assert depths(gates, 5) == (circuit.depth(), pairs)
    assert count_two_qubit(gates) == count_two_qubit(list(gates)) == circuit.num_nonlocal_gates()


@given(strategies.seeds())
def test_arrays_read_like_lists(seed):
    gates = random_array(seed)
    plain = list(gates)
    assert len(gates) == len(plain)
    assert [gates[i] for i in range(len(gates))] == plain
    assert list(gates[3:9]) == plain[3:9]
    wires = np.random.default_rng(seed).permutation(9)[:5].tolist()
    assert list(relabel(gates, wires)) == relabel(plain, wires)
    joined = concatenated([gates, gates[:4]])
    assert isinstance(joined, RotationArray)
    assert list(joined) == plain + plain[:4]
    assert concatenated([gates, [Gate("x", (0,))]]) == [*plain, Gate("x", (0,))]


@pytest.mark.parametrize("kept", [[], [0], [1, 2, 6], list(range(8))])
def test_left_out_rotations_leave_the_parity_of_the_pairs(kept):
    """Each rotation sees the CZ after it with the parity of its Gray code, whichever others are left out."""
    angles = np.zeros(8)
    angles[kept] = 0.5
    gates = rotation_array([4, 2, 7, 1], angles, negligible=0.1)
    assert list(gates) == multiplexed_ry([4, 2, 7, 1], angles, negligible=0.1)
    code = [i ^ (i >> 1) for i in range(7, -1, -1)]
    places = [i for i, gate in enumerate(gates) if gate.name == "ry"]
    assert len(places) == len(kept)
    for place, index in zip(places, kept, strict=True):
        controls = [gate.qubits[0] for gate in gates[place:] if gate.name == "cz"]
        assert [controls.count(wire) % 2 for wire in (4, 2, 7)] == [code[index] >> bit & 1 for bit in range(3)]


NAMES = {"ry": (1, 1), "rz": (1, 1), "u": (1, 3), "x": (1, 0), "h": (1, 0), "cz": (2, 0), "cx": (2, 0)}  # qubits, angles


def random_gates(seed, qubits=4, length=60):
    rng = np.random.default_rng(seed)
    for name in rng.choice(list(NAMES), size=length).tolist():
        wires, angles = NAMES[name]
        yield Gate(name, tuple(rng.permutation(qubits)[:wires].tolist()), tuple(rng.normal(size=angles).tolist()))


@given(strategies.seeds())
def test_qiskit_has_the_gates_that_its_own_methods_append(seed):
    gates = list(random_gates(seed))
    made, wanted = QuantumCircuit(4), QuantumCircuit(4)
    append(made, gates)
    for name, qubits, params in gates:
        getattr(wanted, name)(*params, *qubits)
    assert made == wanted
    array = random_array(seed)
    made, wanted = QuantumCircuit(5), QuantumCircuit(5)
    append(made, array)
    for name, qubits, params in array:
        getattr(wanted, name)(*params, *qubits)
    assert made == wanted


def test_slots_become_parameters():
    angles = ParameterVector("a", 2)
    made, wanted = QuantumCircuit(1), QuantumCircuit(1)
    append(made, [Gate("ry", (0,), (Slot(1),)), Gate("u", (0,), (0.25, Slot(0), Slot(1)))], angles)
    wanted.ry(angles[1], 0)
    wanted.u(0.25, angles[0], angles[1], 0)
    assert made == wanted
    assert list(made.parameters) == list(angles)


def test_no_gate_object_is_made_for_a_gate(monkeypatch):
    """They are most of the time that a circuit of 2^12 rotations takes."""

    def refused(*_):
        raise AssertionError("a gate object was made")

    for kind in (RYGate, RZGate, UGate):
        monkeypatch.setattr(kind, "__init__", refused)
    circuit = QuantumCircuit(5)
    append(circuit, random_array(1, length=200))
    append(circuit, random_gates(2))
    assert len(circuit.data) == 260
    with pytest.raises(AssertionError, match="a gate object"):
        QuantumCircuit(1)._append(CircuitInstruction(RYGate(0.5), (0,), ()))
