# SPDX-License-Identifier: Apache-2.0
"""Aer: reproducible and independent streams, failures that are noticed, sizes that are named."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import ParameterVector
from qiskit.circuit.library import get_standard_gate_name_mapping

import stinespring
from sampling import Plain, read, sampled
from stinespring.backends import open_backend, opened, rows
from stinespring.backends.aer.backend import AerBackend, checked_simulator, statevector_qubits
from stinespring.backends.aer.simulator import ROW_BY_ROW, binds_rows, run_counts
from stinespring.backends.seeds import derive_seed
from stinespring.batches import Batch, Item
from stinespring.circuits.core.flow import Flow, If, Measure, Reset
from stinespring.circuits.core.gates import Gate
from stinespring.errors import BackendError, InputError, TooLargeError
from stinespring.models.texts.table import TableModel
from stinespring.readings import Outcomes


@pytest.fixture
def coin():
    return TableModel({"tokens": list("abcd"), "context": 0, "law": [[0.1, 0.2, 0.3, 0.4]]})


@pytest.mark.parametrize("schedule", ["static", "stepwise"])
def test_a_seed_reproduces_the_counts(three_tokens, schedule):
    program = stinespring.compile(three_tokens, prompt="sun rain", steps=2, schedule=schedule)
    counts = [stinespring.run(program, shots=500, seed=seed).by_text() for seed in (5, 5, 6)]
    assert counts[0] == counts[1]
    assert counts[0] != counts[2]
    assert sum(counts[0].values()) == 500


def coins(count: int) -> QuantumCircuit:
    circuit = QuantumCircuit(count, count)
    circuit.h(range(count))
    circuit.measure(range(count), range(count))
    return circuit


def test_neighbouring_seeds_are_independent():
    """Counts of 64 outcomes at seeds s and s+1, standardised, correlate by less than five standard errors (6e-7)."""
    counts = [sampled(AerBackend(), coins(6), 64_000, derive_seed(seed, 0))[0].counts for seed in (1, 2)]
    assert abs(np.corrcoef(*counts)[0, 1]) < 5 / np.sqrt(63)


@pytest.mark.parametrize("steered", [False, True])
def test_rows_of_one_batch_are_independent(steered):
    """Two equal templates in one batch, also where Aer goes shot by shot: their counts of 64 outcomes correlate by less than
    five standard errors (6e-7). In one run of Aer the second row would repeat nine tenths of the first one's random numbers.
    """
    from qiskit.circuit import ParameterVector

    circuit = QuantumCircuit(6, 7)
    for qubit, angle in enumerate(ParameterVector("a", 6)):
        circuit.ry(angle, qubit)
    if steered:
        circuit.measure(0, 6)
        circuit.h(0)
        circuit.sxdg(1)
        circuit.sx(1)  # no gate of the planned paths, so that Aer itself runs it
    circuit.measure(range(6), range(6))
    rows = sampled(AerBackend(path="plain"), circuit, 20_000, 7, np.full((2, 6), np.pi / 2))
    counts = [np.bincount(np.repeat(r.column("c") & 63, r.counts), minlength=64) for r in rows]
    assert abs(np.corrcoef(*counts)[0, 1]) < 5 / np.sqrt(63)


def test_many_different_shot_numbers_are_split_without_loss(monkeypatch, three_tokens):
    program = stinespring.compile(three_tokens, prompt="sun rain", steps=3, schedule="stepwise")
    monkeypatch.setattr(rows, "MOST_CALLS", 0)
    samples = stinespring.run(program, shots=3_001, seed=2)
    assert samples.shots == 3_001
    assert stinespring.check(samples, alpha=1e-6, resolution=0.2).passed


def test_a_failed_simulation_raises():
    circuit = QuantumCircuit(3, 3)
    circuit.h([0, 1, 2])
    circuit.measure([0, 1, 2], [0, 1, 2])
    simulator = checked_simulator("statevector")
    simulator.set_options(max_memory_mb=1)
    wide = QuantumCircuit(20, 20)
    wide.h(range(20))
    wide.measure(range(20), range(20))
    with pytest.raises(BackendError, match=r"[Mm]emory"):
        simulator.run(wide, shots=1)
    assert simulator.run(circuit, shots=1).result().success


def test_too_many_qubits_name_the_size_that_fits():
    rows = np.random.default_rng(0).dirichlet(np.ones(2), size=2).tolist()
    model = TableModel({"tokens": ["x", "y"], "context": 1, "law": rows})
    program = stinespring.compile(model, prompt="x", steps=statevector_qubits() + 8, schedule="static")
    with pytest.raises(TooLargeError, match=f"at most {statevector_qubits()} qubits"):
        stinespring.run(program, shots=10, backend="aer?method=statevector")
    samples = stinespring.run(program, shots=200, seed=1, backend="aer?method=matrix_product_state")
    assert samples.shots == 200
    chosen = stinespring.run(program, shots=200, seed=1)
    assert chosen.metadata["method"] == "matrix_product_state", "a chain with a memory of one token has a small bond"


def test_an_object_with_sample_is_a_backend(coin):
    class Always(Plain):
        def row(self, circuit, angles, shots, seed):
            return Outcomes(("t1",), np.array([[3]]), np.array([shots]))

    samples = stinespring.run(stinespring.compile(coin, prompt="", steps=1), backend=Always(), shots=10)
    assert samples.by_text() == {"d": 10}


@pytest.mark.parametrize("backend", ["nowhere", "aer?method=x", "aer?speed=9", "aer?=", "aer:fez"])
def test_unknown_backends_are_refused(coin, backend):
    with pytest.raises(InputError):
        stinespring.run(stinespring.compile(coin, prompt="", steps=1), backend=backend, shots=10)


def test_quantum_input_has_nothing_to_run_on(two_tokens):
    program = stinespring.compile(two_tokens, prompt="a b", steps=1, input="quantum")
    with pytest.raises(InputError, match="prepares p1"):
        stinespring.run(program, shots=10)


@pytest.mark.parametrize("method", ["statevector", "matrix_product_state"])
def test_a_condition_on_a_qubit_that_is_never_measured(method):
    """Aer's own removal of qubits breaks such programs; outcome 3 cannot occur, for nothing measures into its upper bits."""
    instructions = (
        Reset((1,)), Measure((0,), "other", (0,)), Reset((2,)), Gate("h", (1,)), Measure((2,), "outcome", (2,)),
        If("outcome", 3, (Gate("h", (1,)),)), Gate("h", (0,)), Measure((0,), "other", (0,)), Measure((2,), "outcome", (2,)),
        Reset((1,)),
    )  # fmt: skip
    flow = Flow((("sys", 2), ("env", 1)), (("outcome", 3), ("other", 1)), instructions)
    values = read(AerBackend(method), flow.circuit(), 200, 1)
    assert not values["outcome"].any()
    assert 0 < values["other"].mean() < 1  # a fair coin shows one side 200 times with probability 2^-199


def test_an_object_that_lacks_something_is_refused_with_its_name(coin):
    class Half:
        name = "half"

        def sample(self, batch, seed, report):
            raise AssertionError("nothing is called")

        @property
        def capabilities(self):
            raise AssertionError("nothing is asked")

    with pytest.raises(InputError, match="Half without keeps_jobs, metadata, close"):
        open_backend(Half())


@pytest.mark.parametrize(("wrong", "message"), [(-1, "another number of shots"), (None, "other rows")])
def test_outcomes_of_other_shots_or_rows_are_refused(coin, wrong, message):
    class Careless(Plain):
        def sample(self, batch, seed, report):
            found = [Outcomes(("t1",), np.array([[0]]), np.array([int(batch.items[0].shots[0]) + (wrong or 0)]))]
            return found if wrong else found * 2

    with pytest.raises(BackendError, match=message):
        stinespring.run(stinespring.compile(coin, prompt="", steps=1), backend=Careless(), shots=10)


def test_what_a_string_opened_is_closed(monkeypatch):
    closed = []
    monkeypatch.setattr(AerBackend, "close", lambda self: closed.append(self.name))
    with pytest.raises(ZeroDivisionError), opened("aer?threads=1"):
        raise ZeroDivisionError
    with opened(AerBackend()):
        pass
    assert closed == ["aer?threads=1"]


@pytest.mark.parametrize("method", ["auto", "density_matrix", "matrix_product_state"])
def test_rows_have_their_own_shots_and_come_in_order(method):
    """Rows with other shots, none among them, on several circuits; a certain outcome tells each row."""
    from qiskit.circuit import Parameter

    a = Parameter("a")
    turned, fixed = QuantumCircuit(1, 1), QuantumCircuit(2, 2)
    turned.ry(a, 0)
    turned.measure(0, 0)
    fixed.x(1)
    fixed.measure([0, 1], [0, 1])
    items = (Item(turned, np.pi * np.array([[1.0], [0.0], [1.0]]), np.array([5, 0, 3000])), Item(fixed, None, np.array([2, 7])))
    found = AerBackend(method).sample(Batch(items, (1,)), 3)
    assert [(row.values.tolist(), row.counts.tolist()) for row in found] == [
        ([[1]], [5]), ([], []), ([[1]], [3000]), ([[2]], [2]), ([[2]], [7])
    ]  # fmt: skip


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("shots", [1, 40])
def test_angles_that_aer_binds_while_it_runs_give_the_same_counts(threads, shots):
    """Every gate for which that is asked, with a parameter wherever it takes one: the same readings, row by row."""
    a, rng = ParameterVector("a", 7), np.random.default_rng(12)
    circuit = QuantumCircuit(QuantumRegister(4, "q"), ClassicalRegister(3, "t1"), ClassicalRegister(1, "t2"))
    for name in sorted(ROW_BY_ROW - {"measure"}):
        for repeat in range(2):
            gate = get_standard_gate_name_mapping()[name]
            angles = [a[int(i)] * (1 + repeat) + repeat for i in rng.integers(0, 7, len(gate.params))]
            circuit.append(type(gate)(*angles), rng.permutation(4)[: gate.num_qubits].tolist())
    circuit.measure(range(4), range(4))
    assert len(circuit.parameters) > 4 and binds_rows(circuit, "statevector")
    values = rng.random((60, len(circuit.parameters))) * 3
    found = []
    for option in (False, True):
        options = {"max_parallel_threads": threads, "runtime_parameter_bind_enable": option}
        found.append(run_counts(checked_simulator("statevector", **options), circuit, values, shots, 5))
    for one, other in zip(*found, strict=True):
        assert one.registers == other.registers and one.shots == other.shots == shots
        np.testing.assert_array_equal(one.values, other.values)
        np.testing.assert_array_equal(one.counts, other.counts)
    assert len({row.values.tobytes() for row in found[1]}) > 5, "rows differ"
    reset = circuit.copy()
    reset.reset(0)
    assert not binds_rows(circuit, "density_matrix") and not binds_rows(reset, "statevector")
