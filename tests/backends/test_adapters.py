# SPDX-License-Identifier: Apache-2.0
"""Objects of other libraries as backends: the order of bits, of registers and of angles."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import ParameterVector
from qiskit.primitives import BackendSamplerV2, StatevectorSampler
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit_aer import AerSimulator

import stinespring
from sampling import read, sampled
from stinespring.backends import open_backend
from stinespring.backends.adapters import outcomes_of_counts
from stinespring.errors import BackendError, InputError


def asymmetric() -> QuantumCircuit:
    """Registers t1 (2 bits) = 1 and t2 (3 bits) = 4."""
    circuit = QuantumCircuit(QuantumRegister(5, "q"), ClassicalRegister(2, "t1"), ClassicalRegister(3, "t2"))
    circuit.x([0, 4])
    circuit.measure(range(5), range(5))
    return circuit


def turned() -> QuantumCircuit:
    """Twelve qubits turned by their own angle ``a[i]``: ten or more show whether angles keep their order."""
    a = ParameterVector("a", 12)
    circuit = QuantumCircuit(QuantumRegister(12, "q"), ClassicalRegister(12, "t1"))
    for i in range(12):
        circuit.ry(a[i], i)
    circuit.measure(range(12), range(12))
    return circuit


def plain(circuit, shots):
    """Counts of Aer as Qiskit writes them."""
    return AerSimulator().run(circuit, shots=shots).result().get_counts()


SOURCES = {
    "aer": lambda: "aer",
    "simulator": AerSimulator,
    "sampler": StatevectorSampler,
    "sampler of a backend": lambda: BackendSamplerV2(backend=AerSimulator()),
    "function": lambda: plain,
}


@pytest.mark.parametrize("source", SOURCES)
def test_registers_and_bits_keep_their_places(source):
    values = read(open_backend(SOURCES[source]()), asymmetric(), 20, 1)
    assert {name: set(v.tolist()) for name, v in values.items()} == {"t1": {1}, "t2": {4}}


@pytest.mark.parametrize("source", SOURCES)
def test_angles_keep_their_places(source):
    rows = np.pi * np.array([[i == 1 for i in range(12)], [i in (2, 10) for i in range(12)]], dtype=float)
    found = sampled(open_backend(SOURCES[source]()), turned(), 10, 1, rows)
    assert [set(v.column("t1").tolist()) for v in found] == [{2}, {2**2 + 2**10}]


@pytest.mark.parametrize("key", ["100 01", "10001", 17, "0x11", "0X11"])
def test_every_key_of_the_convention(key):
    found = outcomes_of_counts(asymmetric(), {key: 3}, 3)
    assert (found.registers, found.values.tolist(), found.counts.tolist()) == (("t1", "t2"), [[1, 4]], [3])


@pytest.mark.parametrize(
    "counts",
    [
        {"100": 3},
        {"12000": 3},
        {32: 3},
        {-1: 3},
        {"0x": 3},
        {"0xg": 3},
        {"10001": 2},
        {"10001": -3},
        {"10001": 3.0},
        [17],
        {True: 3},
    ],
)
def test_counts_of_another_circuit_are_refused(counts):
    with pytest.raises(BackendError):
        outcomes_of_counts(asymmetric(), counts, 3)


@pytest.mark.parametrize("schedule", ["static", "dynamic", "stepwise"])
@pytest.mark.parametrize("source", ["simulator", "function", "device"])
def test_programs_run_on_them(two_tokens, schedule, source):
    """PASS at a false-alarm rate of 1e-6; the generic device has no noise here."""
    device = GenericBackendV2(5, coupling_map=[[0, 1], [1, 2], [2, 3], [3, 4]], control_flow=True, noise_info=False, seed=1)
    backend = {"simulator": AerSimulator(), "function": plain, "device": device}[source]
    program = stinespring.compile(two_tokens, prompt="a b", steps=2, schedule=schedule)
    samples = stinespring.run(program, backend=backend, shots=4_000, seed=11)
    assert stinespring.check(samples, alpha=1e-6, resolution=0.2).passed


def test_a_snapshot_is_simulated_with_its_noise():
    from qiskit_ibm_runtime.fake_provider import FakeManilaV2

    backend = open_backend(FakeManilaV2())
    assert backend.name == "fake:manila"
    assert backend.calibration is not None


def test_what_a_sampler_cannot_do_is_a_failure_of_the_backend():
    circuit = QuantumCircuit(1, 2)
    circuit.measure(0, 0)
    circuit.x(0)
    circuit.measure(0, 1)
    with pytest.raises(BackendError):
        read(open_backend(StatevectorSampler()), circuit, 10, 1)


@pytest.mark.parametrize("what", [3, None, ["aer"]])
def test_other_objects_are_refused(what):
    with pytest.raises(InputError, match="no backend"):
        open_backend(what)
