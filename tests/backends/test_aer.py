# SPDX-License-Identifier: Apache-2.0
"""Aer: reproducible and independent streams, failures that are noticed, sizes that are named."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit
from scipy.stats import chi2_contingency

import stinespring
from stinespring.backends import execute
from stinespring.backends.aer.backend import AerBackend, checked_simulator, statevector_qubits
from stinespring.backends.seeds import derive_seed
from stinespring.circuits.core.flow import Flow, If, Measure, Reset
from stinespring.circuits.core.gates import Gate
from stinespring.errors import BackendError, InputError, TooLargeError
from stinespring.models.texts.table import TableModel


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


def test_neighbouring_seeds_are_independent():
    """The per-shot outcomes of seeds s and s+1 show no association: chi-squared test at 1e-6."""
    circuit = QuantumCircuit(2, 2)
    circuit.h([0, 1])
    circuit.measure([0, 1], [0, 1])
    backend = AerBackend()
    shots = [backend.sample(circuit, None, 20_000, derive_seed(seed, 0))[0]["c"] for seed in (1, 2)]
    table = np.histogram2d(*shots, bins=4)[0]
    assert chi2_contingency(table).pvalue > 1e-6


def test_prefixes_of_one_batch_are_independent():
    """Two equal templates in one run: their outcomes show no association, chi-squared test at 1e-6."""
    from qiskit.circuit import ParameterVector

    circuit = QuantumCircuit(1, 1)
    circuit.ry(ParameterVector("a", 1)[0], 0)
    circuit.measure(0, 0)
    angles = np.full((2, 1), np.pi / 2)
    first, second = (r["c"] for r in AerBackend().sample(circuit, angles, 20_000, 7))
    assert chi2_contingency(np.histogram2d(first, second, bins=2)[0]).pvalue > 1e-6


def test_many_different_shot_numbers_are_split_without_loss(monkeypatch, three_tokens):
    program = stinespring.compile(three_tokens, prompt="sun rain", steps=3, schedule="stepwise")
    monkeypatch.setattr(execute, "MOST_CALLS", 0)
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
    class Always:
        name = "always"

        def metadata(self):
            return {}

        def sample(self, circuit, angles, shots, seed):
            return [{"t1": np.full(shots, 3)}]

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
    [values] = AerBackend(method).sample(flow.circuit(), None, 200, 1)
    assert not values["outcome"].any()
    assert 0 < values["other"].mean() < 1  # a fair coin shows one side 200 times with probability 2^-199
