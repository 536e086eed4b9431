# SPDX-License-Identifier: Apache-2.0
"""Noise of a few qubits equals Aer's noise of the whole device; readings, conditions, delays and second measurements."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Instruction
from scipy.stats import binomtest, chi2_contingency

import stinespring
from sampling import read
from stinespring.backends import open_backend
from stinespring.backends.aer.backend import AerBackend, checked_simulator
from stinespring.backends.aer.calibration import Calibration, GateFigures, QubitFigures, readout_of
from stinespring.backends.aer.noise import noisy
from stinespring.backends.aer.sources import snapshot_calibration
from stinespring.circuits.devices.snapshots import snapshot, snapshot_target
from stinespring.errors import InputError

RARE = 1e-7  # false-alarm rate of one sampled assertion


def device(readout=((1.0, 0.0), (0.0, 1.0)), *, t1=None, t2=None, error=0.0, second=0.0, qubits=2):
    """A calibration on a line with X, SX, RZ, CZ, both measurements and conditions."""
    singles = [GateFigures(n, (q,), error, 1e-8) for n in ("x", "sx", "rz") for q in range(qubits)]
    pairs = [GateFigures("cz", (q, q + 1), error, 1e-7) for q in range(qubits - 1)]
    reads = [GateFigures("measure", (q,), readout[0][1], 1e-6) for q in range(qubits)]
    reads += [GateFigures("measure_2", (q,), second, 1e-6) for q in range(qubits)]
    resets = [GateFigures(n, (q,), None, 1e-6) for n in ("reset", "reset_2") for q in range(qubits)]
    return Calibration(
        "line", 1e-9, True, (QubitFigures(t1, t2, readout),) * qubits, (*singles, *pairs, *reads, *resets), None, None
    )


def entangled(qubits: int) -> QuantumCircuit:
    circuit = QuantumCircuit(qubits)
    for q in range(qubits):
        circuit.ry(0.3 + q, q)
    for q in range(qubits - 1):
        circuit.cx(q, q + 1)
    return circuit


@pytest.mark.parametrize(("name", "qubits"), [("manila", 3), ("lagos", 4)])
def test_the_noise_is_that_of_aer_for_the_whole_device(name, qubits):
    """The density matrices agree to 1e-9 with ``NoiseModel.from_backend`` on all qubits of the device."""
    from qiskit_aer import AerSimulator
    from qiskit_aer.noise import NoiseModel

    circuit = transpile(entangled(qubits), target=snapshot_target(name), seed_transpiler=4, optimization_level=1)
    circuit.delay(4000, 0, "ns")
    found = noisy(circuit, snapshot_calibration(name))
    mine = found.circuit.copy()
    mine.save_density_matrix()
    rho = checked_simulator("density_matrix", noise_model=found.model).run(mine).result().data()["density_matrix"]
    whole = circuit.copy()
    places = [whole.qubits[q] for q in found.qubits]
    whole.save_density_matrix(qubits=places)
    oracle = AerSimulator(method="density_matrix", noise_model=NoiseModel.from_backend(snapshot(name)))
    assert len(found.qubits) >= qubits
    assert np.allclose(np.asarray(rho), np.asarray(oracle.run(whole).result().data()["density_matrix"]), atol=1e-9)


def test_of_156_qubits_only_those_of_the_circuit_are_modelled():
    circuit = transpile(entangled(3), target=snapshot_target("boston"), seed_transpiler=1, optimization_level=1)
    circuit.measure_active()
    found = noisy(circuit, snapshot_calibration("boston"))
    assert found.circuit.num_qubits == len(found.qubits) <= 5
    assert max(q for place in found.model.noise_qubits for q in [place]) < len(found.qubits)


def test_readout_is_as_the_matrix_says_for_0_and_for_1():
    """Binomial tests at 1e-7 each, with matrices that differ for 0 and 1."""
    backend = AerBackend(calibration=device(((0.9, 0.1), (0.3, 0.7))))
    circuit = QuantumCircuit(2, 2)
    circuit.x(0)
    circuit.measure([0, 1], [0, 1])
    values = read(backend, circuit, 40_000, 3)
    assert binomtest(int((values["c"] & 1 == 0).sum()), 40_000, 0.3).pvalue > RARE
    assert binomtest(int((values["c"] >> 1 == 1).sum()), 40_000, 0.1).pvalue > RARE


@pytest.mark.parametrize("method", ["statevector", "density_matrix", "auto"])
def test_conditions_see_the_noisy_bit(method):
    """A qubit in 0 that is read as 1 with 0.2 flips the other one: both bits agree always, and are 1 with 0.2 (1e-7)."""
    circuit = QuantumCircuit(2, 2)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(1)
    circuit.append(Instruction("measure_2", 1, 1, []), [1], [1])
    backend = AerBackend(method, calibration=device(((0.8, 0.2), (0.0, 1.0))))
    values = read(backend, circuit, 20_000, 5)
    first, second = values["c"] & 1, values["c"] >> 1
    assert (first == second).all(), "measure_2 is perfect on this device"
    assert binomtest(int(first.sum()), 20_000, 0.2).pvalue > RARE


def test_the_second_measurement_has_errors_of_its_own_and_leaves_the_state():
    """measure_2 errs with 0.25, measure never; what follows sees the state as it was (binomial at 1e-7)."""
    circuit = QuantumCircuit(1, 2)
    circuit.x(0)
    circuit.append(Instruction("measure_2", 1, 1, []), [0], [0])
    circuit.measure(0, 1)
    values = read(AerBackend(calibration=device(second=0.25)), circuit, 20_000, 2)
    assert (values["c"] >> 1 == 1).all()
    assert binomtest(int((values["c"] & 1 == 0).sum()), 20_000, 0.25).pvalue > RARE


def test_reset_2_and_delays():
    """After T1 ln 2 half of the excitation is left (binomial at 1e-7); a second reset empties the qubit."""
    circuit = QuantumCircuit(1, 2)
    circuit.x(0)
    circuit.delay(1e-4 * np.log(2.0), 0, "s")
    circuit.measure(0, 0)
    circuit.append(Instruction("reset_2", 1, 0, []), [0], [])
    circuit.measure(0, 1)
    values = read(AerBackend(calibration=device(t1=1e-4, t2=1e-4)), circuit, 20_000, 2)
    left = int((values["c"] & 1).sum())
    assert binomtest(left, 20_000, 0.5).pvalue > RARE
    assert (values["c"] < 2).all()


def test_trajectories_and_density_matrices_agree():
    """Noisy feed-forward by both methods: two-sample chi-squared test at 1e-7."""
    circuit = QuantumCircuit(2, 3)
    circuit.sx(0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.sx(1)
    circuit.cz(0, 1)
    circuit.sx(1)
    circuit.measure(1, 1)
    circuit.reset(0)
    circuit.measure(0, 2)
    noise = device(((0.95, 0.05), (0.1, 0.9)), error=0.05)
    counts = []
    for method, seed in (("statevector", 7), ("density_matrix", 8), ("auto", 9)):
        values = read(AerBackend(method, calibration=noise), circuit, 10_000, seed * 10**6)
        counts.append(np.bincount(values["c"], minlength=8))
    for other in counts[1:]:
        table = np.stack([counts[0], other])
        assert chi2_contingency(table[:, table.sum(axis=0) > 0]).pvalue > RARE


def test_circuits_that_are_not_lowered_are_refused():
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.measure([0, 1], [0, 1])
    with pytest.raises(InputError, match="h on 0"):
        read(AerBackend(calibration=device()), circuit, 10, 1)
    wide = QuantumCircuit(3, 1)
    wide.x(2)
    wide.measure(2, 0)
    with pytest.raises(InputError, match="does not fit on line"):
        read(AerBackend(calibration=device()), wide, 10, 1)
    apart = QuantumCircuit(3, 1)
    apart.cz(0, 2)
    with pytest.raises(InputError, match="cz on 0, 2"):
        read(AerBackend(calibration=device(qubits=3)), apart, 10, 1)


@pytest.mark.parametrize("schedule", ["static", "dynamic", "stepwise"])
def test_programs_are_lowered_for_the_backend(two_tokens, schedule):
    """On a simulated device the texts keep their order: TVD from the law below 0.05, where a wrong one has 0.2 and more."""
    program = stinespring.compile(two_tokens, prompt="a b", steps=2, schedule=schedule)
    samples = stinespring.run(program, backend="fake:manila" if schedule == "static" else "fake:boston", shots=4_000, seed=3)
    law = two_tokens.joint("a b", 2)
    assert sum(abs(samples.by_text().get(t, 0) / 4_000 - law[t]) for t in law) / 2 < 0.05
    assert samples.metadata["noise"]["source"].startswith("fake:")


def test_the_limits_of_a_device_hold(two_tokens):
    program = stinespring.compile(two_tokens, prompt="a b", steps=2)
    with pytest.raises(InputError, match="too many shots"):
        stinespring.run(program, backend="fake:boston", shots=100_001)


def test_noise_by_name_and_by_device_are_the_same():
    by_name, by_device = open_backend("aer?noise=manila"), open_backend("fake:manila")
    assert by_name.metadata()["noise"] == by_device.metadata()["noise"]
    assert by_name.capabilities.device.name == by_device.capabilities.device.name


def test_readout_of_a_snapshot_differs_for_0_and_1():
    figures = snapshot("boston").properties().qubits[7]
    given = {f.name: f.value for f in figures}
    expected = readout_of(given["prob_meas1_prep0"], given["prob_meas0_prep1"])
    assert snapshot_calibration("boston").qubits[7].readout == expected
    assert expected[0][1] != expected[1][0]


def test_states_are_not_shared_with_noise():
    """Aer forgets readout errors where shots share states, so that no path that does it is taken."""
    backend = AerBackend(calibration=device(((0.8, 0.2), (0.0, 1.0))))
    circuit = QuantumCircuit(1, 2)
    circuit.measure(0, 0)
    circuit.x(0)
    circuit.measure(0, 1)
    read(backend, circuit, 100, 1)
    assert backend.metadata()["path"] == "plain" and "noise" in backend.metadata()["why"]
    with pytest.raises(InputError, match="with noise"):
        AerBackend(calibration=device(), path="branches")
