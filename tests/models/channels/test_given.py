"""Whatever compile_channel takes, verify_channel takes, and both mean the same channel; Qiskit is the oracle."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import PTM, Choi, Kraus, Operator, Stinespring, SuperOp, random_unitary

import stinespring as ss
from stinespring.errors import InputError
from stinespring.models.channels.given import as_channel

DAMPING = [np.array([[1, 0], [0, np.sqrt(0.7)]]), np.array([[0, np.sqrt(0.3)], [0, 0]])]
OTHER = [np.array([[1, 0], [0, np.sqrt(0.69)]]), np.array([[0, np.sqrt(0.31)], [0, 0]])]


def forms(kraus, folder):
    """Every way to write a channel down, each made by Qiskit or by hand."""
    found = Kraus(kraus)
    path = folder / "channel.npz"
    np.savez(path, kraus=np.array(kraus))
    return {
        "list": kraus,
        "array": np.array(kraus),
        "nested": [operator.tolist() for operator in kraus],
        "isometry": np.vstack(kraus),
        "choi array": np.array(Choi(found).data),
        "kraus": found,
        "choi": Choi(found),
        "superop": SuperOp(found),
        "ptm": PTM(found),
        "stinespring": Stinespring(found),
        "cptp": ss.channels.CPTP.from_kraus(kraus),
        "path": path,
        "name": str(path),
    }


def test_verify_takes_what_compile_takes(tmp_path):
    (tmp_path / "other").mkdir()
    right, wrong = forms(DAMPING, tmp_path), forms(OTHER, tmp_path / "other")
    program = ss.compile_channel(right.pop("list"), effort=0)
    for name, form in right.items():
        assert ss.verify_channel(form, program).verdict == "PASS", name
        assert as_channel(form).choi() == pytest.approx(Choi(Kraus(DAMPING)).data, abs=1e-9), name
    for name, form in wrong.items():
        found = ss.verify_channel(form, program)
        assert found.verdict == "FAIL" and found.figures["diamond_low"] > 1e-3, name


def test_every_form_compiles_to_the_same_channel(tmp_path):
    for name, form in forms(DAMPING, tmp_path).items():
        assert ss.verify_channel(DAMPING, ss.compile_channel(form, effort=0)).verdict == "PASS", name


@pytest.mark.parametrize("qubits", (1, 2))
def test_a_unitary_is_one_operator_and_no_choi_matrix(qubits, rng):
    """Both are square; a Choi matrix is no isometry, and a unitary no Choi matrix."""
    unitary = random_unitary(2**qubits, seed=int(rng.integers(1 << 30))).data
    for form in (unitary, [unitary], Operator(unitary)):
        assert as_channel(form).choi() == pytest.approx(Choi(Operator(unitary)).data, abs=1e-9)
    for matrix in (Choi(Operator(unitary)).data, np.eye(4**qubits) / 2**qubits):
        assert as_channel(matrix).choi() == pytest.approx(matrix, abs=1e-9)
    circuit = QuantumCircuit(1)
    circuit.t(0)
    assert as_channel(circuit).choi() == pytest.approx(Choi(circuit).data, abs=1e-9)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (np.array([[1.0, 0.1], [0.0, 1.0]]), "Choi"),
        (np.full((4, 4), np.nan), "finite"),
        (np.eye(2)[0], "Kraus"),
        ([[1, 0], [1]], "numbers"),
        (3, "no channel"),
        ("nowhere.npz", "not found"),
        (2 * np.eye(4), "preserve the trace"),
    ],
)
def test_what_is_no_channel_is_refused(given, words):
    with pytest.raises(InputError, match=words):
        ss.verify_channel(given, None)


def test_samples_are_judged_likewise(tmp_path):
    path = tmp_path / "channel.npz"
    np.savez(path, isometry=np.vstack(DAMPING), dims=np.array([1, 1]))
    from stinespring.pipeline.exact import sample_process

    program = ss.compile_channel(path, effort=0)
    assert sample_process(np.vstack(DAMPING), program, shots=4000, settings=20, seed=1).verdict != "FAIL"
    assert sample_process(np.vstack(DAMPING)[[0, 1, 3, 2]], program, shots=40_000, settings=20, seed=1).verdict == "FAIL"
