# SPDX-License-Identifier: Apache-2.0
"""Programs against channels: exact and sampled verdicts, on right and on wrong programs."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit.quantum_info import DensityMatrix, Operator

import stinespring
from stinespring import channels
from stinespring.checks.process import BASES, PREPARE, STATES, Setting, sample_process, verify_channel
from stinespring.errors import InputError
from stinespring.models.channels import CPTP


def program(channel, form):
    return stinespring.compile_channel(channel, form=form, effort=0).circuit


@pytest.mark.parametrize("form", ["isometry", "tree"])
def test_exact(form):
    right, wrong = channels.amplitude_damping(0.3), channels.amplitude_damping(0.32)
    good = verify_channel(right, program(right, form))
    assert good.verdict == "PASS"
    assert good.diamond_distance < 1e-12
    assert good.process_fidelity == pytest.approx(1, abs=1e-9)
    bad = verify_channel(wrong, program(right, form))
    assert bad.verdict == "FAIL"
    assert bad.diamond_low - 1e-9 <= 0.02 <= bad.diamond_distance + 1e-9  # the input |1> sees 0.02, no input more
    assert verify_channel(wrong, program(right, form), tolerance=0.03).verdict == "PASS"


def test_instruments_are_compared_by_outcome():
    keep, decay = channels.amplitude_damping(0.3).given
    right, wrong = CPTP.from_kraus([keep, decay], labels=[0, 1]), CPTP.from_kraus([keep, decay], labels=[1, 0])
    circuit = program(right, "tree")
    assert verify_channel(right, circuit).verdict == "PASS"
    assert verify_channel(wrong, circuit).verdict == "FAIL"
    assert verify_channel(wrong, circuit, outcomes={0: 1, 1: 0}).verdict == "PASS"


def test_settings_law_is_the_born_rule():
    rng = np.random.default_rng(1)
    channel = channels.random_channel(2, 3, outputs=1, seed=4)
    for _ in range(20):
        setting = Setting(tuple(rng.integers(6, size=2).tolist()), tuple(rng.integers(3, size=1).tolist()))
        psi = np.kron(STATES[setting.states[1]], STATES[setting.states[0]])
        image = DensityMatrix(channel(np.outer(psi, psi.conj())))
        turned = image.evolve(Operator.from_label({0: "I", 1: "H"}[setting.bases[0]])) if setting.bases[0] < 2 else image
        if setting.bases[0] == 2:
            turned = image.evolve(Operator(np.array([[1, -1j], [1, 1j]]) / np.sqrt(2)))
        assert setting.law(channel.choi()) == pytest.approx(turned.probabilities(), abs=1e-12)


def test_preparations_and_measurements_are_what_they_say():
    from qiskit import QuantumCircuit
    from qiskit.quantum_info import Statevector

    for gates, state in zip(PREPARE, STATES, strict=True):
        circuit = QuantumCircuit(1)
        for gate in gates:
            getattr(circuit, gate)(0)
        assert abs(np.vdot(Statevector(circuit).data, state)) == pytest.approx(1)
    for basis, gates in enumerate(BASES):
        circuit = QuantumCircuit(1)
        for gate in gates:
            getattr(circuit, gate)(0)
        for outcome in (0, 1):
            assert Statevector(STATES[2 * basis + outcome]).evolve(circuit).probabilities()[outcome] == pytest.approx(1)


@pytest.mark.parametrize("form", ["isometry", "tree"])
def test_sampled(form):
    right = channels.random_channel(1, 2, seed=8)
    wrong = channels.random_channel(1, 2, seed=9)
    circuit = program(right, form)
    verdict = sample_process(right, circuit, shots=20_000, settings=20, seed=1, alpha=1e-6)  # false-alarm rate 1e-6
    assert verdict.verdict == "PASS"
    assert sample_process(wrong, circuit, shots=20_000, settings=20, seed=1).verdict == "FAIL"
    few = sample_process(right, circuit, shots=400, settings=20, seed=1, alpha=1e-6)
    assert few.verdict == "UNVERIFIED"
    assert few.shots_needed > 400


def test_bad_input():
    channel = channels.amplitude_damping(0.3)
    circuit = program(channel, "tree")
    with pytest.raises(InputError, match="tolerance"):
        verify_channel(channel, circuit, tolerance=0)
    with pytest.raises(InputError, match="register 'sys'"):
        verify_channel(channels.random_channel(2, 2, seed=1), circuit)
    with pytest.raises(InputError, match="fewer shots"):
        sample_process(channel, circuit, shots=10, settings=20)
