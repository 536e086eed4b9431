# SPDX-License-Identifier: Apache-2.0
"""Programs with measurements and conditions: cost on the worst path and Kraus operators against the interpreter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from oracles.qasm_choi import choi, outcome_choi
from oracles.qasm_runner import worst_path_two_qubit_gates
from stinespring.backends.aer.choi import circuit_choi
from stinespring.backends.aer.choi import outcome_choi as aer_choi
from stinespring.circuits.core import worst_path as flow_cost
from stinespring.circuits.core.flow import Flow, If, Measure, Reset
from stinespring.circuits.core.flow_kraus import flow_kraus
from stinespring.circuits.core.gates import Gate
from stinespring.circuits.core.worst_path import worst_path
from stinespring.compiler.export.qasm import flow_qasm
from stinespring.models.channels.cptp import choi_of_kraus
from strategies import flows


@given(flows())
def test_kraus_operators_of_every_branch(flow):
    expected = outcome_choi(flow_qasm(flow), 2, 2)
    found = flow_kraus(flow, [0, 1], [0, 1])
    by_outcome: dict[int, np.ndarray] = {}
    for (outcome, _), kraus in found.items():
        by_outcome[outcome] = by_outcome.get(outcome, 0) + choi_of_kraus(kraus)
    for value in set(expected) | set(by_outcome):
        assert by_outcome.get(value, np.zeros((16, 16))) == pytest.approx(expected.get(value, np.zeros((16, 16))), abs=1e-10)


@given(flows())
def test_deferred_measurement_on_aer(flow):
    circuit = flow.circuit()
    assert circuit_choi(circuit, [0, 1], [0, 1]) == pytest.approx(choi(flow_qasm(flow), 2, 2), abs=1e-10)
    parts = aer_choi(circuit, [0, 1], [0, 1], [0, 1, 2])
    for value, part in outcome_choi(flow_qasm(flow), 2, 2).items():
        assert parts.get(value, np.zeros((16, 16))) == pytest.approx(part, abs=1e-10)


@given(flows())
def test_cost_of_the_worst_path(flow):
    """Never below what an input reaches; equal where every history occurs."""
    spread = np.full(4, 0.5)
    assert worst_path(flow).two_qubit >= worst_path_two_qubit_gates(flow_qasm(flow), {"sys": spread})


def test_cost_of_a_tree_is_exact():
    def pairs(n: int) -> tuple[Gate, ...]:
        return (Gate("cx", (0, 2)),) * n

    flow = Flow(
        (("sys", 2), ("env", 1)),
        (("outcome", 2),),
        (
            Gate("h", (2,)), Measure((2,), "outcome", (0,)), Reset((2,)), Gate("h", (2,)),
            If("outcome", 0, pairs(5)), If("outcome", 1, pairs(1)),
            Measure((2,), "outcome", (1,)),
            If("outcome", 0, pairs(1)), If("outcome", 1, pairs(4)), If("outcome", 2, pairs(2)), If("outcome", 3, pairs(7)),
        ),
    )  # fmt: skip
    worst = worst_path(flow)
    assert worst.two_qubit == 8  # 1 + 7, not 5 + 7
    assert max(worst.pairs) == 8
    assert worst_path_two_qubit_gates(flow_qasm(flow)) == 8


def test_cost_stays_a_bound_when_histories_are_too_many(monkeypatch):
    measured = [item for bit in range(4) for item in (Gate("h", (2,)), Measure((2,), "outcome", (bit,)), Reset((2,)))]
    asked = [If("outcome", value, (Gate("cx", (0, 1)),) * (value % 3)) for value in range(16)]
    flow = Flow((("sys", 2), ("env", 1)), (("outcome", 4),), (*measured, *asked))
    assert worst_path(flow).two_qubit == 2
    monkeypatch.setattr(flow_cost, "MOST_HISTORIES", 2)
    assert worst_path(flow).two_qubit == 2


def test_mid_circuit_measurements_are_those_that_cannot_wait():
    first, last = Measure((0,), "outcome", (0,)), Measure((1,), "outcome", (1,))
    assert Flow((("sys", 2),), (("outcome", 2),), (first, last)).mid_circuit_measurements == 0
    assert Flow((("sys", 2),), (("outcome", 2),), (first, Gate("x", (1,)), last)).mid_circuit_measurements == 0
    assert Flow((("sys", 2),), (("outcome", 2),), (first, Gate("x", (0,)), last)).mid_circuit_measurements == 1
    steered = If("outcome", 1, (Gate("x", (1,)),))
    assert Flow((("sys", 2),), (("outcome", 2),), (first, steered, last)).mid_circuit_measurements == 1


def test_kraus_of_an_asymmetric_program():
    """X on qubit 0 if qubit 1 reads 1: |10> -> |11>."""
    flow = Flow((("sys", 2),), (("outcome", 1),), (Measure((1,), "outcome", (0,)), If("outcome", 1, (Gate("x", (0,)),))))
    [kraus] = [k for values, k in flow_kraus(flow, [0, 1], [0, 1]).items() if values == (1,)]
    assert abs(kraus[0][:, 2]) == pytest.approx([0, 0, 0, 1])


def test_bits_are_asked_as_qiskit_reads_them():
    from qiskit import qasm3

    flow = Flow(
        (("sys", 1), ("env", 1)),
        (("outcome", 2),),
        (
            Gate("h", (1,)),
            Measure((1,), "outcome", (1,)),
            If("outcome", 1, (Gate("x", (0,)),), bit=1),
            If("outcome", 0, (Gate("h", (0,)),), bit=1),
        ),
    )
    text = flow_qasm(flow)
    expected = choi(text, 1, 1)
    assert circuit_choi(qasm3.loads(text), [0], [0]) == pytest.approx(expected, abs=1e-12)
    assert circuit_choi(flow.circuit(), [0], [0]) == pytest.approx(expected, abs=1e-12)
