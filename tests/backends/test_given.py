# SPDX-License-Identifier: Apache-2.0
"""Simulators and samplers that users hand over: their noise acts, and their seeds make no counts depend on each other."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.primitives import BackendSamplerV2, StatevectorSampler
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, depolarizing_error
from qiskit_aer.primitives import SamplerV2
from scipy.stats import binom, binomtest

import stinespring
from sampling import same, sampled
from stinespring.backends import open_backend
from stinespring.circuits.devices.targets import open_target
from stinespring.compiler.devices.lower import lower
from stinespring.errors import BackendError, InputError
from strategies import series

RARE = 1e-7


def half_of_all_turns() -> NoiseModel:
    """Half of every sx and x is noise."""
    noise = NoiseModel(basis_gates=["rz", "sx", "x", "cz"])
    noise.add_all_qubit_quantum_error(depolarizing_error(0.5, 1), ["sx", "x"])
    return noise


def coin() -> QuantumCircuit:
    circuit = QuantumCircuit(1, 1)
    circuit.h(0)
    circuit.measure(0, 0)
    return circuit


def turned() -> QuantumCircuit:
    circuit = QuantumCircuit(5, 5)
    for qubit in range(5):
        circuit.ry(Parameter(f"a{qubit}"), qubit)
        circuit.measure(qubit, qubit)
    return circuit


NOISY = {
    "simulator": lambda: AerSimulator(noise_model=half_of_all_turns()),
    "with couplings": lambda: AerSimulator(noise_model=half_of_all_turns(), coupling_map=[[0, 1], [1, 0], [1, 2], [2, 1]]),
    "sampler of a backend": lambda: BackendSamplerV2(backend=AerSimulator(noise_model=half_of_all_turns())),
    "sampler of Aer": lambda: SamplerV2.from_backend(AerSimulator(noise_model=half_of_all_turns())),
}


@pytest.mark.parametrize("schedule", ["static", "dynamic", "stepwise"])
@pytest.mark.parametrize("source", NOISY)
def test_noise_of_the_user_acts(two_tokens, source, schedule):
    """The circuit is lowered to the gates that have noise: FAIL."""
    program = stinespring.compile(two_tokens, prompt="a b", steps=2, schedule=schedule)
    backend = open_backend(NOISY[source]())
    assert backend.capabilities.noisy and backend.capabilities.seeded
    samples = stinespring.run(program, backend=backend, shots=5_000, seed=1)
    assert stinespring.check(samples).verdict == "FAIL"


def test_the_noise_is_as_strong_as_it_says():
    """An X of which half is depolarised reads 0 with probability 1/4 (binomial at 1e-7)."""
    backend = open_backend(AerSimulator(noise_model=half_of_all_turns()))
    circuit = QuantumCircuit(1, 1)
    circuit.x(0)
    circuit.measure(0, 0)
    [outcomes] = sampled(backend, lower(circuit, backend.capabilities.device), 20_000, 5)
    assert binomtest(int(outcomes.counts[outcomes.column("c") == 0].sum()), 20_000, 0.25).pvalue > RARE


def test_rows_on_a_noisy_simulator_are_independent():
    """Aer's trajectories of row k begin 2,113 seeds after row k - 1: of 20,000 shots nine tenths would be the same."""
    backend = open_backend(AerSimulator(noise_model=half_of_all_turns(), method="statevector"))
    angle = Parameter("a")
    circuit = QuantumCircuit(5, 5)
    for qubit in range(5):
        circuit.sx(qubit)
        circuit.rz(angle, qubit)
        circuit.sx(qubit)
        circuit.measure(qubit, qubit)
    rows = sampled(backend, circuit, 20_000, 3, np.full((2, 1), np.pi / 2))
    counts = [np.bincount(row.column("c"), weights=row.counts, minlength=32) for row in rows]
    assert abs(np.corrcoef(*counts)[0, 1]) < 5 / np.sqrt(31)  # five standard errors: 6e-7


def test_a_simulator_of_a_device_runs_what_is_lowered_to_it(two_tokens):
    """Its gates, couplings and noise: the texts keep their order, within a TVD of 0.1, and the noise is there."""
    from qiskit_ibm_runtime.fake_provider import FakeManilaV2

    simulator = AerSimulator.from_backend(FakeManilaV2())
    backend = open_backend(simulator)
    device = backend.capabilities.device
    assert device.target.num_qubits == 5 and {"cx", "sx", "rz", "x"} <= set(device.target.operation_names)
    assert {tuple(edge) for edge in device.target.build_coupling_map().get_edges()} == set(map(tuple, simulator.coupling_map))
    samples = stinespring.run(stinespring.compile(two_tokens, prompt="a b", steps=2), backend=simulator, shots=20_000, seed=1)
    law = two_tokens.joint("a b", 2)
    assert sum(abs(samples.by_text().get(t, 0) / 20_000 - law[t]) for t in law) / 2 < 0.1
    assert samples.metadata["noisy"]


@pytest.mark.parametrize("schedule", ["static", "dynamic", "stepwise"])
def test_a_simulator_without_noise_takes_any_gate(two_tokens, schedule):
    backend = open_backend(AerSimulator())
    assert backend.capabilities.device is None and not backend.capabilities.noisy
    program = stinespring.compile(two_tokens, prompt="a b", steps=2, schedule=schedule)
    first, again, other = (stinespring.run(program, backend=backend, shots=2_000, seed=seed) for seed in (4, 4, 5))
    assert first.by_text() == again.by_text() != other.by_text()
    assert stinespring.check(first, alpha=1e-6, resolution=0.2).passed


def test_a_failed_simulation_of_the_user_is_a_failure_of_the_backend():
    wide = QuantumCircuit(24, 24)
    wide.h(range(24))
    wide.measure(range(24), range(24))
    with pytest.raises(BackendError, match="[Mm]emory|failed"):
        sampled(open_backend(AerSimulator(method="statevector", max_memory_mb=1)), wide, 10, 1)


SEEDED = {
    "statevector": lambda seed: StatevectorSampler(seed=seed),
    "Aer": lambda seed: SamplerV2(seed=seed),
    "Aer by option": lambda seed: SamplerV2(options={"run_options": {"seed_simulator": seed}}),
    "of a backend": lambda seed: BackendSamplerV2(backend=AerSimulator(), options={"seed_simulator": seed}),
    "of a seeded backend": lambda seed: BackendSamplerV2(backend=AerSimulator(seed_simulator=seed)),
}


@pytest.mark.parametrize("source", SEEDED)
def test_calls_and_rows_of_a_seeded_sampler_are_independent(source):
    """Five fair coins, 2,000 shots in two rows and in another call: no two of the three counts agree, as they do by chance
    with a probability below 32 choose pairs of cells of (1/40)^31; the same seed gives the same.
    """
    backend = open_backend(SEEDED[source](7))
    rows = sampled(backend, turned(), 2_000, 1, np.full((2, 5), np.pi / 2))
    [other] = sampled(backend, turned(), 2_000, 2, np.full((1, 5), np.pi / 2))
    [again] = sampled(backend, turned(), 2_000, 2, np.full((1, 5), np.pi / 2))
    assert not same([rows[0]], [rows[1]]) and not same([rows[0]], [other])
    assert same([other], [again]) and backend.capabilities.seeded


def test_no_more_false_alarms_than_alpha_with_seeded_samplers(two_tokens):
    """Runs of a program with the host in the loop at alpha = 0.01: no more FAIL than 0.01 gives but once in 10^6."""
    times = series(80, 400)
    program = stinespring.compile(two_tokens, prompt="a b", steps=3, schedule="stepwise")
    fails = sum(
        stinespring.check(
            stinespring.run(program, backend=StatevectorSampler(seed=k), shots=1_000, seed=k), alpha=0.01, resolution=0.3
        ).verdict
        == "FAIL"
        for k in range(times)
    )
    assert fails <= binom.isf(1e-6, times, 0.01)


class Stuck(StatevectorSampler):
    """A sampler of another library that begins with the same random numbers at every call."""


def test_a_sampler_that_repeats_itself_is_refused_when_it_is_called_again():
    backend = open_backend(Stuck(seed=3))
    [outcomes] = sampled(backend, coin(), 100, 1)  # once is fine
    assert outcomes.shots == 100
    with pytest.raises(InputError, match="repeats its random numbers"):
        sampled(backend, coin(), 100, 1)
    with pytest.raises(InputError, match="repeats its random numbers"):
        sampled(open_backend(Stuck(seed=3)), turned(), 100, 1, np.zeros((2, 5)))


@pytest.mark.parametrize("seed", [None, np.random.default_rng(1)])
def test_a_sampler_that_goes_on_is_taken(seed):
    backend = open_backend(Stuck(seed=seed))
    for _ in range(3):
        assert [row.shots for row in sampled(backend, turned(), 50, 1, np.zeros((2, 5)))] == [50, 50]
    assert not backend.capabilities.seeded and backend.metadata()["seed_used"] is False


def test_a_sampler_on_a_device_is_tried_in_the_devices_gates():
    from stinespring.backends.samplers import coins

    device = open_target("line:3")
    assert set(coins(device).count_ops()) == {"sx", "measure"} and coins(device).num_clbits == 3
    assert coins(None).num_qubits == 5


def test_a_seeded_sampler_of_ibms_client_is_refused():
    pytest.importorskip("qiskit_ibm_runtime")
    from qiskit_ibm_runtime import SamplerV2 as Sampler
    from qiskit_ibm_runtime.fake_provider import FakeManilaV2

    sampler = Sampler(mode=FakeManilaV2(), options={"simulator": {"seed_simulator": 3}})
    with pytest.raises(InputError, match="repeats its random numbers"):
        open_backend(sampler)
    assert open_backend(Sampler(mode=FakeManilaV2())).capabilities.device.target.num_qubits == 5
