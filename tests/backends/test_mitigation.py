# SPDX-License-Identifier: Apache-2.0
"""Readout mitigation on noisy simulators: what it mends, what it does not, where it is left out and says so."""

from __future__ import annotations

import json

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit

import stinespring
from sampling import Plain
from stinespring.backends.aer.backend import AerBackend
from stinespring.backends.aer.calibration import Calibration, GateFigures, QubitFigures, write_calibration
from stinespring.backends.readout.mitigation import (
    calibration_circuits,
    calibration_of_counts,
    calibration_shots,
    mitigate,
)
from stinespring.batches import Batch, Item
from stinespring.checks.codes import numbers
from stinespring.errors import InputError
from stinespring.pipeline.readout.mitigation import (
    calibration_body,
    measured_calibration,
    measured_qubits,
    mitigated,
    planned_mitigation,
    require_mode,
)
from stinespring.pipeline.running import on_backend
from stinespring.readings import Outcomes, Register
from stinespring.readout import ReadoutCalibration

READOUT = [((0.97, 0.03), (0.08, 0.92)), ((0.99, 0.01), (0.05, 0.95)), ((0.94, 0.06), (0.1, 0.9))]


def device(error: float = 0.0) -> Calibration:
    """Three qubits on a line with different readout errors, and gates with the same error."""
    gates = [
        GateFigures(n, (q,), error if n == "sx" else None, None)
        for n in ("x", "sx", "rz", "measure", "reset")
        for q in range(3)
    ]
    gates += [GateFigures("cz", pair, error, None) for pair in ((0, 1), (1, 2))]
    return Calibration("line", None, True, tuple(QubitFigures(None, None, r) for r in READOUT), tuple(gates))


def judged(model, backend, *, mode, seed, schedule="static", shots=20_000, **options):
    """Return the verdict as read, the verdict with mitigation, and what was done."""
    target = backend.capabilities.device or "aer"
    program = stinespring.compile(model, prompt="a b", steps=2, schedule=schedule, target=target, codes="free", **options)
    return judged_program(on_backend(program, backend), backend, mode=mode, seed=seed, shots=shots)


def judged_program(program, backend, *, mode, seed, shots):
    note = planned_mitigation(program, backend, mode)
    readings = measured_calibration(calibration_body(note, backend, shots), backend, seed)
    samples = stinespring.run(program, backend=backend, shots=shots, seed=seed)
    plain = stinespring.check(samples, within="none")
    return plain, *mitigated(samples, plain, note, readings, resolution=0.05)


def test_errors_are_measured():
    """The calibrated errors are those of the device within five standard deviations: 6 tests, 4e-6 in all."""
    items = tuple(Item(circuit, None, np.array([80_000])) for circuit in calibration_circuits([0, 2], 3))
    found = calibration_of_counts([0, 2], *AerBackend(calibration=device()).sample(Batch(items, (0,)), 3))
    assert found.qubits == (0, 2) and found.shots == 80_000
    expected = np.array([[READOUT[q][0][1], READOUT[q][1][0]] for q in (0, 2)])
    assert (abs(found.errors - expected) <= 5.0 * np.sqrt(found.variances())).all()


def test_bits_are_found_on_their_qubits():
    circuit = QuantumCircuit(4)
    t1, other, t2 = ClassicalRegister(2, "t1"), ClassicalRegister(1, "h"), ClassicalRegister(1, "t2")
    circuit.add_register(t1, other, t2)
    circuit.measure(3, t1[0])
    circuit.measure(1, other[0])
    circuit.measure(0, t1[1])
    circuit.measure(3, t2[0])
    assert measured_qubits(circuit, ["t2", "t1"]) == [3, 3, 0]


def test_mthree_inverts_the_errors_bit_by_bit():
    """All codes seen, so that the whole inverse is known: it is formed here, with registers of different qubits."""
    pytest.importorskip("mthree")
    registers = (Register("t1", "token", (0, 1)), Register("t2", "token", (0, 1, 2, 3)))
    codes = np.array([[c & 1, c >> 1] for c in range(8)])
    counts = np.array([100, 900, 50, 300, 20, 700, 10, 33])
    calibration = ReadoutCalibration((4, 9), np.array([[0.02, 0.1], [0.05, 0.01]]), 1_000)
    wires = [9, 4, 9]
    read = Outcomes.tallied({"t1": codes[:, 0], "t2": codes[:, 1]}, counts)
    found = mitigate(read, [register.size for register in registers], wires, calibration)
    exact = calibration.unpushed(counts[np.argsort(numbers(registers, codes))] / counts.sum(), wires)
    place = numbers(registers, found.codes)
    assert np.allclose(found.quasi, exact[place], atol=1e-5), "mthree keeps its matrices in single precision"
    assert np.isclose(found.overhead, calibration.amplification(wires) ** 2, rtol=1e-4)


@pytest.mark.parametrize("seed", range(6))
def test_readout_errors_alone_are_mended(two_tokens, seed):
    """Without mitigation FAIL; with it no FAIL at a false-alarm rate of 0.001: six fixed seeds, checked to hold."""
    pytest.importorskip("mthree")
    plain, verdict, note = judged(two_tokens, AerBackend(calibration=device()), mode="readout", seed=seed)
    assert plain.verdict == "FAIL"
    assert verdict.verdict == "PASS", verdict.reason
    assert verdict.tvd < plain.tvd
    assert note["applied"] and "mitigation" in verdict.reason
    assert sum(note["quasi_probabilities"].values()) == pytest.approx(1.0, abs=1e-4)
    json.dumps(verdict.summary(), allow_nan=False)


@pytest.mark.parametrize("seed", range(3))
def test_errors_of_gates_are_not_mended(two_tokens, seed):
    """Gates that fail in a fifth of all cases: FAIL with mitigation as without."""
    pytest.importorskip("mthree")
    plain, verdict, _ = judged(two_tokens, AerBackend(calibration=device(error=0.2)), mode="readout", seed=seed)
    assert plain.verdict == verdict.verdict == "FAIL"


def test_false_alarms_on_a_whole_backend(two_tokens):
    """40 runs of program and calibration: at 0.05 no more alarms than a true rate of 0.05 gives but once in 10^6."""
    pytest.importorskip("mthree")
    from scipy.stats import binom

    backend = AerBackend(calibration=device())
    target = backend.capabilities.device
    program = stinespring.compile(two_tokens, prompt="a b", steps=2, schedule="static", target=target)
    alarms = 0
    for seed in range(40):
        _, verdict, _ = judged_program(program, backend, mode="readout", seed=seed, shots=3_000)
        alarms += verdict.p_value < 0.05
    assert alarms <= binom.isf(1e-6, 40, 0.05)


def test_what_steers_is_not_mended_by_what_is_recorded(two_tokens):
    """``always`` says so; ``readout`` has another method for it (test_flips)."""
    pytest.importorskip("mthree")
    backend, options = AerBackend(calibration=device()), {"schedule": "dynamic", "feed_forward": "all", "shots": 2_000}
    _, verdict, note = judged(two_tokens, backend, mode="always", seed=1, **options)
    assert note["applied"] and "wrong branches" in verdict.reason


def test_where_there_is_nothing_to_mitigate(two_tokens):
    pytest.importorskip("mthree")
    plain, verdict, note = judged(two_tokens, AerBackend(), mode="readout", seed=1, shots=2_000)
    assert not note["applied"] and "no readout errors" in verdict.reason
    plain, same, note = judged(two_tokens, AerBackend(), mode="none", seed=1, shots=2_000)
    assert same == plain and not note["applied"]


def test_stepwise_programs(two_tokens):
    pytest.importorskip("mthree")
    backend = AerBackend(calibration=device())
    _, verdict, note = judged(two_tokens, backend, mode="readout", seed=1, schedule="stepwise", shots=500)
    assert not note["applied"] and "feed-forward" in verdict.reason
    with pytest.raises(InputError, match="stepwise"):
        judged(two_tokens, backend, mode="always", seed=1, schedule="stepwise", shots=500)


def test_bad_modes(monkeypatch):
    with pytest.raises(InputError, match="unknown mitigation"):
        require_mode("some")
    monkeypatch.setattr("stinespring.pipeline.readout.mitigation.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"stinespring\[mitigation\]"):
        require_mode("readout")
    assert require_mode("none") == "none"


def test_the_command(tmp_path, examples, invoke):
    """``run --mitigation readout --json`` on a saved calibration with strong readout errors."""
    pytest.importorskip("mthree")

    write_calibration(device(), tmp_path / "line.json")
    words = ["run", str(examples / "two_tokens.json"), "--prompt", "a b", "--steps", "2", "--shots", "20000", "--seed", "1",
             "--backend", f"aer?noise={tmp_path / 'line.json'}", "--schedule", "static", "--codes", "free",
             "--within", "none", "--json"]  # fmt: skip
    for mode, status in (("none", 1), ("readout", 0)):
        done = invoke(*words, "--mitigation", mode)
        assert done.returncode == status, done.stderr
        found = json.loads(done.stdout)
        assert found["mitigation"]["applied"] == (mode == "readout")
        assert sum(found["counts"].values()) == 20_000


def test_shots_of_a_calibration():
    """Four for each of the program's, 10,000 at least, no more than the device takes."""
    assert [calibration_shots(most, shots) for most, shots in ((None, 10), (None, 5_000), (15_000, 5_000), (100, 5_000))] == [
        10_000, 20_000, 15_000, 100,
    ]  # fmt: skip


def test_wide_registers_are_calibrated_in_parts():
    """Forty qubits that are always read right: two parts of at most 32 bits, no errors."""

    class Right(Plain):
        def row(self, circuit, angles, shots, seed):
            ones = "x" in circuit.count_ops()
            values = [[(1 << register.size) - 1 if ones else 0 for register in circuit.cregs]]
            return Outcomes(tuple(register.name for register in circuit.cregs), np.array(values), np.array([shots]))

    circuits = calibration_circuits(range(40), 50)
    assert [register.size for register in circuits[0].cregs] == [32, 8]
    found = Right().sample(Batch(tuple(Item(circuit, None, np.array([10])) for circuit in circuits), (0,)), 1)
    assert not calibration_of_counts(range(40), *found).errors.any()
