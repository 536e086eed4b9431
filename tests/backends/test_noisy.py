# SPDX-License-Identifier: Apache-2.0
"""The exact law of noisy circuits against plain density matrices, and against what Aer samples."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Instruction, Measure

from oracles import plain_noise
from stinespring.backends.aer.backend import AerBackend
from stinespring.backends.aer.calibration import Calibration, GateFigures, QubitFigures, readout_of
from stinespring.backends.noisy.followed import noisy_readings
from stinespring.backends.noisy.pauli import of_superoperator, of_unitary, wider
from stinespring.batches import Batch, Item
from stinespring.errors import InputError, TooLargeError

N = 3


def device(seed: int = 0) -> Calibration:
    """Three qubits in a line, every figure of its own: readout errors of 0 and 1 differ, and so do the two ways of a CZ."""
    rng = np.random.default_rng([seed, 18])
    qubits = tuple(
        QubitFigures(t1, t1 * rng.uniform(0.3, 1.8), readout_of(rng.uniform(0.01, 0.1), rng.uniform(0.1, 0.25)))
        for t1 in rng.uniform(5e-6, 3e-5, N)
    )
    gates = [GateFigures(name, (q,), rng.uniform(0.002, 0.02), 4e-8) for name in ("sx", "x", "id") for q in range(N)]
    gates += [GateFigures("rz", (q,), 0.0, 0.0) for q in range(N)]
    gates += [GateFigures("measure", (q,), 0.1, 1e-6) for q in range(N)] + [
        GateFigures("reset", (q,), 0.0, 1e-6) for q in range(N)
    ]
    gates += [GateFigures("cz", pair, rng.uniform(0.02, 0.08), 2e-7) for pair in ((0, 1), (1, 0), (1, 2), (2, 1))]
    return Calibration("line", 1e-9, True, qubits, tuple(gates))


def gates(circuit, rng, number, qubits=N):
    for _ in range(number):
        kind = rng.choice(["sx", "x", "rz", "cz", "cz"])
        if kind == "cz" and qubits > 1:
            first = int(rng.integers(qubits - 1))
            circuit.cz(*((first, first + 1) if rng.random() < 0.5 else (first + 1, first)))
        elif kind == "rz":
            circuit.rz(rng.uniform(-3, 3), int(rng.integers(qubits)))
        else:
            getattr(circuit, "x" if kind == "x" else "sx")(int(rng.integers(qubits)))


def program(seed: int) -> QuantumCircuit:
    """Gates, measurements on the way, bits written twice, conditions on bits and registers with and without else, delays."""
    rng = np.random.default_rng([seed, 1807])
    a, b = ClassicalRegister(2, "a"), ClassicalRegister(3, "b")
    circuit = QuantumCircuit(QuantumRegister(N, "q"), a, b)
    for turn in range(4):
        gates(circuit, rng, 8)
        circuit.measure(int(rng.integers(N)), circuit.clbits[int(rng.integers(5))])
        if rng.random() < 0.5:
            circuit.reset(int(rng.integers(N)))
        circuit.delay(int(rng.integers(100, 900)), int(rng.integers(N)), unit="dt")
        then, otherwise = QuantumCircuit(N), QuantumCircuit(N)
        gates(then, rng, 3)
        gates(otherwise, rng, 3)
        tested = [a, b, circuit.clbits[int(rng.integers(5))]][turn % 3]
        value = int(rng.integers(2)) if turn % 3 == 2 else int(rng.integers(3))
        circuit.if_else((tested, value), then, otherwise if rng.random() < 0.5 else None, range(N), [])
    gates(circuit, rng, 6)
    for bit, qubit in zip((4, 0, 2), rng.permutation(N).tolist()):
        circuit.measure(qubit, circuit.clbits[bit])
    return circuit


def by_bits(circuit, found):
    sizes = [register.size for register in circuit.cregs]
    result = {}
    for values, weight in zip(found.values.tolist(), found.weights.tolist()):
        key = tuple(value >> place & 1 for value, size in zip(values, sizes) for place in range(size))
        result[key] = result.get(key, 0.0) + weight
    return result


def far(one, other):
    return 0.5 * sum(abs(one.get(key, 0.0) - other.get(key, 0.0)) for key in {*one, *other})


@pytest.mark.parametrize("seed", range(6))
def test_the_law_is_that_of_plain_density_matrices(seed):
    circuit, calibration = program(seed), device(seed)
    found = by_bits(circuit, noisy_readings(circuit, calibration))
    wanted = plain_noise.law(circuit, calibration)
    assert far(found, wanted) < 1e-12 and sum(found.values()) == pytest.approx(1.0, abs=1e-12)
    # what would be seen: readout the other way round, bits in another order, no noise
    other_way = [readout_of(q.readout[1][0], q.readout[0][1]) for q in calibration.qubits]
    qubits = tuple(QubitFigures(q.t1, q.t2, readout) for q, readout in zip(calibration.qubits, other_way))
    turned = Calibration("turned", 1e-9, True, qubits, calibration.gates)
    assert far(found, plain_noise.law(circuit, turned)) > 1e-3
    assert far(found, {key[::-1]: weight for key, weight in wanted.items()}) > 1e-3


def test_registers_that_nobody_wants_are_summed_out():
    circuit, calibration = program(1), device(1)
    whole = by_bits(circuit, noisy_readings(circuit, calibration))
    found = noisy_readings(circuit, calibration, wanted=["b"])
    assert found.registers == ("b",)
    for (value,), weight in zip(found.values.tolist(), found.weights.tolist()):
        bits = tuple(value >> place & 1 for place in range(3))
        assert weight == pytest.approx(sum(w for key, w in whole.items() if key[2:] == bits), abs=1e-12)


def test_aer_samples_this_law():
    """20,000 shots of one circuit: a G-statistic beyond mean + 8 spreads has a probability below 1e-6; the seed is fixed."""
    circuit, calibration = program(3), device(3)
    exact = by_bits(circuit, noisy_readings(circuit, calibration))
    shots = 20_000
    [read] = AerBackend(calibration=calibration).sample(Batch((Item(circuit, None, np.array([shots])),), (1,)), 7_518)
    class_of = {key: place for place, key in enumerate(sorted(key for key, weight in exact.items() if weight * shots > 10))}
    seen, law = np.zeros(len(class_of) + 1), np.zeros(len(class_of) + 1)
    for values, count in zip(read.values.tolist(), read.counts.tolist()):
        a, b = (dict(zip(read.registers, values)).get(name, 0) for name in ("a", "b"))
        seen[class_of.get((a & 1, a >> 1, b & 1, b >> 1 & 1, b >> 2), -1)] += count
    for key, weight in exact.items():
        law[class_of.get(key, -1)] += weight
    kept = law > 0
    chi = float(((seen - shots * law)[kept] ** 2 / (shots * law[kept])).sum())
    degrees = int(kept.sum()) - 1
    assert chi < degrees + 8 * np.sqrt(2 * degrees)
    assert degrees > 10


def test_another_kind_of_measurement_has_its_own_errors():
    """Two qubits measured twice each, by both kinds: the readings of the second have its error, and gates go on after it."""
    calibration = device(4)
    second = [GateFigures("measure_2", (q,), 0.3 + 0.1 * q, 1e-6) for q in range(N)]
    calibration = Calibration("line", 1e-9, True, calibration.qubits, (*calibration.gates, *second))
    circuit = QuantumCircuit(N, 4)
    circuit.x(0)
    circuit.append(Instruction("measure_2", 1, 1, []), [0], [0])
    circuit.append(Instruction("measure_2", 1, 1, []), [1], [1])
    circuit.x(1)
    circuit.measure([0, 1], [2, 3])
    found = by_bits(circuit, noisy_readings(circuit, calibration))
    one = [sum(weight for key, weight in found.items() if key[bit]) for bit in range(4)]
    flips = [calibration.qubits[q].readout[0][1] + calibration.qubits[q].readout[1][0] for q in (0, 1)]
    assert one[1] == pytest.approx(0.4, abs=1e-12)  # qubit 1 is still in |0>
    assert one[0] == pytest.approx(0.7, abs=0.02)  # but for the error of X
    for bit, qubit, wrong in ((2, 0, flips[0]), (3, 1, flips[1])):
        read = calibration.qubits[qubit].readout
        assert read[1][1] - 0.03 * (1 - wrong) < one[bit] < read[1][1] + 1e-12
    plain = circuit.copy_empty_like()
    for item in circuit.data:
        plain.append(Measure() if item.operation.name == "measure_2" else item.operation, item.qubits, item.clbits)
    assert far(found, by_bits(plain, noisy_readings(plain, calibration))) > 0.1


def test_operations_on_paulis_are_those_on_matrices():
    """A random channel and a random unitary on a random state, by their matrices."""
    rng = np.random.default_rng(5)
    raw = rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4))
    unitary = np.linalg.qr(raw)[0]
    rho = raw @ raw.conj().T / np.trace(raw @ raw.conj().T)
    one = [np.eye(2), np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1])]
    paulis = [np.kron(b, a) for b in one for a in one]  # the first qubit in the least significant place

    def coefficients(state):
        return np.array([np.trace(pauli @ state).real for pauli in paulis])

    np.testing.assert_allclose(
        of_unitary(unitary) @ coefficients(rho), coefficients(unitary @ rho @ unitary.conj().T), atol=1e-12
    )
    np.testing.assert_allclose(of_superoperator(np.kron(unitary.conj(), unitary)), of_unitary(unitary), atol=1e-12)
    small = [np.linalg.qr(raw[:2, :2])[0], np.linalg.qr(raw[2:, 2:])[0]]
    np.testing.assert_allclose(wider(*map(of_unitary, small)), of_unitary(np.kron(small[1], small[0])), atol=1e-12)


def test_what_cannot_be_followed_is_refused():
    circuit, calibration = program(0), device()
    with pytest.raises(TooLargeError, match="too large"):
        noisy_readings(circuit, calibration, most=100.0)
    measured = QuantumCircuit(1, 1)
    with measured.if_test((measured.clbits[0], 0)):
        measured.measure(0, 0)
    with pytest.raises(InputError, match="guards more than gates"):
        noisy_readings(measured, calibration)
