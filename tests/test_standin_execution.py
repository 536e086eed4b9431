# SPDX-License-Identifier: Apache-2.0
"""What the stand-in runs: the law of a circuit, against exact distributions from an independent reader of OpenQASM."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit.classical import expr

from oracles.qasm_runner import distribution
from standin import StandIn
from standin.clients import POLL, SMALL
from standin.execution import CannotRun, run
from stinespring.circuits.core.flow import Flow, If, Measure, Reset
from stinespring.circuits.core.gates import Gate
from stinespring.compiler.devices.lower import lower
from stinespring.compiler.export.qasm import flow_qasm
from stinespring.stages import Device
from strategies import flows

runtime = pytest.importorskip("qiskit_ibm_runtime")
REGISTERS = ["outcome", "other"]


def require_law(numbers, exact, *, false_alarm):
    """Check sampled registers against their exact joint law: Hoeffding's bound for each outcome, shared out over them."""
    shots = len(next(iter(numbers.values())))
    seen, counts = np.unique(np.stack([numbers[name] for name in REGISTERS], axis=1), axis=0, return_counts=True)
    found = {tuple(int(v) for v in row): count / shots for row, count in zip(seen, counts, strict=True)}
    assert set(found) <= {key for key, chance in exact.items() if chance > 1e-12}
    bound = math.sqrt(math.log(2 * len(exact) / false_alarm) / (2 * shots))
    assert max(abs(found.get(key, 0.0) - chance) for key, chance in exact.items()) <= bound


def values(bits):
    return bits.astype(np.int64) @ (1 << np.arange(bits.shape[-1]))


@settings(max_examples=40)
@given(flow=flows())
def test_random_programs_have_their_law(flow):
    """False alarm at most 40e-8."""
    taken = run(flow.circuit(), np.zeros(0), 2000, seed=5)
    require_law(
        {name: values(bits) for name, bits in taken.items()}, distribution(flow_qasm(flow), REGISTERS), false_alarm=1e-8
    )


def test_dynamic_program_through_the_real_client(tmp_path, monkeypatch):
    """A reused ancilla steers gates, and the law has no symmetry; false alarm at most 1e-8."""
    from qiskit_ibm_runtime.executor_sampler import Sampler
    from qiskit_ibm_runtime.transpiler.passes import ConvertToMidCircuitMeasure

    flow = Flow(
        (("sys", 2), ("env", 1)),
        (("outcome", 3), ("other", 1)),
        (
            Gate("ry", (0,), (0.7,)), Gate("cx", (0, 1)), Gate("ry", (2,), (1.2,)), Gate("cx", (1, 2)),
            Measure((2,), "outcome", (0,)), Reset((2,)),
            If("outcome", 1, (Gate("cx", (0, 2)), Gate("ry", (1,), (0.3,)))),
            If("outcome", 0, (Gate("ry", (0,), (0.9,)),)),
            Gate("cx", (0, 2)), Measure((2,), "other", (0,)),
            If("other", 1, (Gate("cz", (0, 1)), Gate("h", (0,))), bit=0),
            Measure((0,), "outcome", (1,)), If("outcome", 3, (Gate("x", (1,)),)), Measure((1,), "outcome", (2,)),
        ),
    )  # fmt: skip
    with StandIn() as standin:
        for name, value in standin.env(tmp_path).items():
            monkeypatch.setenv(name, value)
        backend = runtime.QiskitRuntimeService().backend(SMALL)
        lowered = ConvertToMidCircuitMeasure(backend.target)(lower(flow.circuit(), Device(f"ibm:{SMALL}", backend.target)))
        assert "measure_2" in lowered.count_ops()
        data = Sampler(mode=backend).run([lowered], shots=20_000).result(poll_interval=POLL)[0].data
        assert [job["refused"] for job in standin.jobs()] == [[]]
    taken = {name: values(data[name].to_bool_array(order="little")) for name in REGISTERS}
    require_law(taken, distribution(flow_qasm(flow), REGISTERS), false_alarm=1e-8)


@pytest.mark.parametrize("condition", ["index", "truth", "compare", "logic"])
def test_conditions_that_are_expressions(condition):
    """Every value of a register, against Python's own evaluation."""

    def build(value):
        tested, answer = ClassicalRegister(3, "tested"), ClassicalRegister(1, "answer")
        circuit = QuantumCircuit(QuantumRegister(2), tested, answer)
        for bit in range(3):
            if value >> bit & 1:
                circuit.x(0)
            circuit.measure(0, tested[bit])
            circuit.reset(0)
        words = {
            "index": lambda: expr.index(tested, 1),
            "truth": lambda: expr.logic_or(tested, tested[0]),
            "compare": lambda: expr.less(tested, 5),
            "logic": lambda: expr.logic_and(tested[2], expr.logic_not(tested[0])),
        }
        with circuit.if_test(words[condition]()):
            circuit.x(1)
        circuit.measure(1, answer)
        return circuit

    right = {
        "index": lambda v: bool(v & 2),
        "truth": lambda v: bool(v),
        "compare": lambda v: v < 5,
        "logic": lambda v: bool(v & 4) and not v & 1,
    }
    for value in range(8):
        taken = run(build(value), np.zeros(0), 3, seed=1)
        assert taken["tested"].tolist() == [[bool(value >> bit & 1) for bit in range(3)]] * 3
        assert taken["answer"].tolist() == [[right[condition](value)]] * 3


def test_register_that_is_stored_into_is_not_returned():
    tested, note = ClassicalRegister(1, "tested"), ClassicalRegister(1, "note")
    circuit = QuantumCircuit(QuantumRegister(1), tested, note)
    circuit.x(0)
    circuit.measure(0, tested)
    circuit.store(note[0], tested[0])
    assert {name: bits.tolist() for name, bits in run(circuit, np.zeros(0), 2, seed=1).items()} == {"tested": [[True], [True]]}


def test_registers_without_measurements_are_zero():
    circuit = QuantumCircuit(QuantumRegister(1), ClassicalRegister(2, "c"))
    circuit.x(0)
    assert run(circuit, np.zeros(0), 3, seed=1)["c"].tolist() == [[False, False]] * 3


def test_elements_of_a_sweep_have_streams_of_their_own():
    """Two equal circuits with feed-forward: 200 equal random bits in both, also shifted by one shot, are 2 ** -199 likely."""
    from qiskit.circuit import Parameter

    angle = Parameter("a")
    circuit = QuantumCircuit(1, 2)
    circuit.rz(angle, 0)
    circuit.h(0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(0)
    circuit.measure(0, 1)
    first, second = run(circuit, np.array([[0.1], [0.1]]), 200, seed=9)["c"][..., 0]
    for shift in (-1, 0, 1):
        assert not np.array_equal(first[2:-2], np.roll(second, shift)[2:-2])


def test_what_is_too_large_to_simulate_is_told():
    circuit = QuantumCircuit(40, 1)
    circuit.h(range(40))
    circuit.measure(0, 0)
    with pytest.raises(CannotRun, match="40 qubits"):
        run(circuit, np.zeros(0), 1, seed=1)
