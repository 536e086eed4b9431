# SPDX-License-Identifier: Apache-2.0
"""What is set beside Qiskit's synthesis is the same law, and Qiskit's circuits have it: by ``qiskit.quantum_info``."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit.quantum_info import Operator, Statevector

import stinespring
from stinespring.report import qiskit_cost
from stinespring.report.qiskit_cost import (
    besides,
    besides_sent,
    isometry_of,
    law_asked,
    law_of,
    qiskit_isometry,
    qiskit_overlap,
    qiskit_state,
)

NAMES = ("static", "dynamic", "lens point", "layers", "spins")


@pytest.mark.parametrize("name", NAMES)
def test_the_circuit_beside_has_the_law_of_the_program(found, name):
    law = law_of(found(name).program)
    assert law.sum() == pytest.approx(1) and law.min() >= 0
    np.testing.assert_allclose(Statevector(qiskit_state(law)).probabilities(), law, atol=1e-9)


def test_the_law_is_that_of_the_model(two_tokens):
    """Probabilities as a multiset: the codes of the registers are not those of the model's table."""
    program = stinespring.compile(two_tokens, prompt="a b", steps=3, effort=0)
    joint = two_tokens.joint("a b", 3)
    np.testing.assert_allclose(np.sort(law_of(program)), np.sort(joint.probabilities), atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_figures_are_counted_on_the_circuits(found, name):
    program = found(name).program
    own, other = besides(program)
    circuit = qiskit_state(law_of(program))
    pairs = sum(len(instruction.qubits) == 2 for instruction in circuit.data)
    assert (other.qubits, other.two_qubit_gates) == (circuit.num_qubits, pairs)
    assert other.two_qubit_depth <= pairs
    if program.body.host is False and not hasattr(program.body, "forms"):
        assert (own.qubits, own.two_qubit_gates) == (program.cost.qubits, program.cost.two_qubit_gates)


def test_a_lowered_program_is_compared_as_it_was_before(two_tokens):
    given = {"prompt": "a b", "steps": 2, "effort": 0, "schedule": "static"}
    plain = besides(stinespring.compile(two_tokens, **given))
    assert besides(stinespring.compile(two_tokens, **given, target="line:5")) == plain


def test_isometries(found):
    channel = found("isometry").samples.source
    V = isometry_of(channel)
    np.testing.assert_allclose(V.conj().T @ V, np.eye(V.shape[1]), atol=1e-9)
    made = Operator(qiskit_isometry(V)).data[:, : V.shape[1]]
    overlap = np.vdot(made, V)
    np.testing.assert_allclose(made * overlap / abs(overlap), V, atol=1e-8)
    own, other = besides(found("isometry").program)
    assert own.qubits == other.qubits == 2


@pytest.mark.parametrize("name", ["static", "dynamic", "lens point"])
def test_the_law_that_was_asked_is_that_of_the_program(found, name):
    """Of a run whose circuits are not at hand the law comes from the source: the same, up to registers beside the texts."""
    result = found(name)
    if name == "static":  # its attended positions are read, too
        wanted = result.samples.source.joint("a b", 2).probabilities
    else:
        wanted = law_of(result.program)
    np.testing.assert_allclose(padded(law_asked(result.samples)), padded(wanted), atol=1e-9)
    sent, other = besides_sent(result.samples, result.program.summary())
    assert sent[1:3] == (result.program.cost.qubits, result.program.cost.two_qubit_gates) and other.qubits >= 1


def padded(law):
    """Return the eight largest probabilities in rising order."""
    return np.sort(np.concatenate([np.zeros(8), law]))[-8:]


@pytest.mark.parametrize("test", ["hadamard", "swap"])
def test_overlaps_are_compared_with_the_same_test(found, test):
    result = found(test)
    x, y = result.samples.source.particles[:2]
    p = Statevector(qiskit_overlap(x, y, test)).probabilities([0])[0]
    overlap = float(x @ y)
    assert p == pytest.approx((1 + (overlap if test == "hadamard" else overlap**2)) / 2, abs=1e-9)
    tables = result.samples.asked.law(result.samples.source).tables(result.samples.outcomes)
    assert p == pytest.approx(next(iter(tables)).law[0][0])
    own, other = besides(result.program)
    assert other.qubits in (own.qubits, own.qubits + 1)  # a Hadamard test has one register of a particle, a swap test two
    assert other.two_qubit_gates > 0 and other == besides_sent(result.samples, result.program.summary())[1]


def test_what_is_too_large_is_said(found, monkeypatch):
    monkeypatch.setattr(qiskit_cost, "MOST_STATE", 1)
    assert "too many bits" in besides(found("static").program)
    assert "too many bits" in besides(found("spins").program)
    assert "too many bits" in besides(found("stepwise").program)  # before a host goes through all of its contexts
    monkeypatch.setattr(qiskit_cost, "MOST_ISOMETRY", 1)
    assert "at most 1" in besides(found("isometry").program)
    monkeypatch.setattr(qiskit_cost, "BUDGET", 1.0)
    assert "too large" in besides(found("static").program)
