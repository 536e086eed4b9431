# SPDX-License-Identifier: Apache-2.0
"""Samplers of others and their seeds: one with a whole number as its seed repeats its random numbers at every call.

Counts of different calls, and of different rows of one, would then depend on each other, and no p-value of them would be right.
Samplers that are known are made again for every call with a seed of its own; others are tried before they are called twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from stinespring.backends.seeds import derive_seed
from stinespring.errors import InputError
from stinespring.stages import Device

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["inner_backend", "refuse_repeating", "remade"]

SEEDS = 0x7FFFFFFF  # simulators of others take 31 bits
COINS, TOSSES, TRIES = 5, 64, 8
TURNS = ("h", "sx", "ry", "rx", "u")  # gates that make a coin, with a quarter turn as their angle


def inner_backend(sampler: Any) -> Any | None:
    """Return the ``BackendV2`` that a sampler runs on, or None."""
    from qiskit.providers import BackendV2
    from qiskit_aer.primitives import SamplerV2

    found = sampler._backend if isinstance(sampler, SamplerV2) else getattr(sampler, "backend", None)
    found = found() if callable(found) and not isinstance(found, BackendV2) else found
    return found if isinstance(found, BackendV2) else None


def whole_number(seed: object) -> bool:
    """Return whether a seed is a whole number."""
    return isinstance(seed, int | np.integer)


def remade(sampler: Any) -> Callable[[int], Any] | None:
    """Return what makes a sampler again for the seed of a call, mixed with its own; None where its randomness is its own.

    Raises:
        InputError: a sampler of IBM's client with a fixed seed for its simulator.
    """
    from qiskit.primitives import BackendSamplerV2, StatevectorSampler
    from qiskit_aer import AerSimulator
    from qiskit_aer.primitives import SamplerV2

    kind = type(sampler)
    if kind is StatevectorSampler and (sampler.seed is None or whole_number(sampler.seed)):
        own = int(sampler.seed or 0)  # a generator goes on from row to row, where a number would begin again
        return lambda seed: StatevectorSampler(
            default_shots=sampler.default_shots, seed=np.random.default_rng(derive_seed(seed, abs(own)))
        )
    if kind is SamplerV2:
        own = int(sampler.seed or 0)
        return lambda seed: SamplerV2.from_backend(
            sampler._backend, default_shots=sampler.default_shots, seed=derive_seed(seed, abs(own)),
            options={"run_options": sampler.options.run_options},
        )  # fmt: skip
    if kind is BackendSamplerV2:
        given, options = sampler.options.seed_simulator, dict(vars(sampler.options))
        if whole_number(given) or isinstance(sampler.backend, AerSimulator):
            own = abs(int(given or 0))
            return lambda seed: BackendSamplerV2(
                backend=sampler.backend, options={**options, "seed_simulator": derive_seed(seed, own) & SEEDS}
            )
    if kind.__module__.startswith("qiskit_ibm_runtime"):
        simulator = getattr(sampler.options, "simulator", None)
        if whole_number(getattr(simulator, "seed_simulator", None)):
            raise repeating(kind.__name__)
    return None


def repeating(name: str) -> InputError:
    """Return what is said of a sampler that repeats itself."""
    return InputError(
        "the sampler repeats its random numbers at every call, so that counts of different calls depend on each other",
        got=f"{name} with a fixed seed",
        expected="a sampler without a seed of its own, or with a numpy.random.Generator",
        todo="leave its seed out, and give the run a seed",
    )


def refuse_repeating(sampler: Any, device: Device | None) -> None:
    """Toss some coins twice and refuse a sampler whose tosses are the same.

    Five coins tossed 64 times agree by chance with a probability below 2^-50, sorted or not. A sampler of IBM's client is not
    tried: its calls are jobs, and :func:`remade` has looked at its options.

    Raises:
        InputError: the sampler repeats itself.
    """
    if type(sampler).__module__.startswith("qiskit_ibm_runtime"):
        return
    circuit = coins(device)
    if circuit is None:
        return
    first = tossed(sampler, circuit)
    if all(np.array_equal(first, tossed(sampler, circuit)) for _ in range(TRIES if circuit.num_clbits < COINS else 1)):
        raise repeating(type(sampler).__name__)


def tossed(sampler: Any, circuit: QuantumCircuit) -> np.ndarray:
    """Return the bytes of all tosses."""
    return np.asarray(sampler.run([(circuit, None, TOSSES)]).result()[0].data["c"].array)


def coins(device: Device | None) -> QuantumCircuit | None:
    """Return a circuit of coins in a device's own gates; None if it has none that makes a coin."""
    from qiskit import QuantumCircuit

    gates = TURNS if device is None else [gate for gate in TURNS if gate in device.target.operation_names]
    if not gates:
        return None
    number = COINS if device is None else min(COINS, int(device.target.num_qubits))
    circuit = QuantumCircuit(number if device is None else device.target.num_qubits, number)
    angles = {"ry": (np.pi / 2,), "rx": (np.pi / 2,), "u": (np.pi / 2, 0.0, np.pi)}.get(gates[0], ())
    for qubit in range(number):
        getattr(circuit, gates[0])(*angles, qubit)
        circuit.measure(qubit, qubit)
    return circuit
