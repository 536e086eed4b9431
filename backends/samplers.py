# SPDX-License-Identifier: Apache-2.0
"""Samplers of others and their seeds: one with a whole number as its seed repeats its random numbers at every call.

Counts of different calls, and of different rows of one, would then depend on each other, and no p-value of them would be right.
Samplers that are known are made again for every call with a seed of its own; others are tried before they are called twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from stinespring.backends.seeds import derive_seed
from stinespring.batches import Batch, Item, quiet
from stinespring.errors import InputError
from stinespring.readings import Outcomes
from stinespring.stages import Device

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["inner_backend", "refuse_equal", "refuse_repeating", "remade", "require_independent", "told_apart"]

SEEDS = 0x7FFFFFFF  # simulators of others take 31 bits
NO_COINS = b""
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
    """Return what is said of something that repeats itself."""
    return InputError(
        "the sampler repeats its random numbers at every call, so that counts of different calls depend on each other",
        got=f"{name} with a fixed seed, or with stored results",
        expected="a sampler without a seed of its own, or with a numpy.random.Generator",
        todo="leave its seed out, return no stored results, and give the run a seed",
    )


def refuse_repeating(make: Callable[[int], Any], device: Device | None, name: str) -> None:
    """Toss some coins twice and refuse a sampler whose tosses are the same.

    A sampler of IBM's client is not tried: its calls are jobs, and :func:`remade` has looked at its options. Another one is
    given two calls, each of two publications with two rows, where the angles make no difference: no two rows may be the same.

    Args:
        make: returns the sampler for the seed of a call.
        device: whose gates the coins are made of; None: any gates.
        name: of what is tried.

    Raises:
        InputError: the sampler repeats itself.
    """
    if type(make(0)).__module__.startswith("qiskit_ibm_runtime"):
        return
    turnable = device is None or "rz" in device.target.operation_names
    refuse_equal(lambda circuit, number: tossed(make(derive_seed(1, number)), circuit, turnable), device, name)


def refuse_equal(toss: Callable[[QuantumCircuit, int], Sequence[bytes]], device: Device | None, name: str) -> None:
    """Refuse what gives the same tosses of coins at two calls, or twice in one.

    Five coins tossed 64 times agree by chance with a probability below 2^-50, counted, sorted or not; where a device has fewer
    coins all of several tries have to agree. Tosses that are all the same are no coins': they are left to the verdict.

    Args:
        toss: from a circuit of coins and the number of the call to what tells its tosses apart, one for each time it ran them.
        device: whose gates the coins are made of; None: any gates.
        name: of what is tried.

    Raises:
        InputError: it repeats itself.
    """
    circuit = coins(device)
    if circuit is None:
        return
    number = 0
    for _ in range(TRIES if circuit.num_clbits < COINS else 1):
        found = [*toss(circuit, number), *toss(circuit, number + 1)]
        number += 2
        if len(set(found)) == len(found) or NO_COINS in found:
            return
    raise repeating(name)


def told_apart(outcomes: Outcomes) -> bytes:
    """Return what tells counts of coins apart; :data:`NO_COINS` if all tosses are the same."""
    return outcomes.values.tobytes() + outcomes.counts.tobytes() if len(outcomes.counts) > 1 else NO_COINS


def require_independent(backend: Any) -> None:
    """Try an object of the user's that has ``sample`` before it samples two rows: two calls of two rows of coins each.

    The package's own backends are known; those that they are made from are tried by them.

    Raises:
        InputError: it repeats itself.
    """
    if type(backend).__module__.partition(".")[0] == "stinespring" or getattr(backend, "keeps_jobs", False):
        return

    def toss(circuit: QuantumCircuit, number: int) -> list[bytes]:
        batch = Batch((Item(circuit, None, np.array([TOSSES])),) * 2, (0, number))
        return [told_apart(row) for row in backend.sample(batch, derive_seed(0, number), quiet)]

    refuse_equal(toss, backend.capabilities.device, type(backend).__name__)


def tossed(sampler: Any, circuit: QuantumCircuit, turnable: bool) -> list[bytes]:
    """Return the bytes of all tosses of one call: two publications, the first with two rows if coins can be turned by rz."""
    from qiskit.circuit import Parameter

    turned, rows = circuit.copy_empty_like(), None
    for item in circuit.data:
        if item.operation.name == "measure" and rows is None and turnable:
            rows = np.array([[0.25], [0.5]])
            turned.rz(Parameter("a"), item.qubits[0])
        turned.append(item)
    found = sampler.run([(turned, rows, TOSSES), (circuit, None, TOSSES)]).result()
    several = np.asarray(found[0].data["c"].array)
    parts = [*several] if rows is not None else [several]
    return [np.ascontiguousarray(part).tobytes() for part in (*parts, np.asarray(found[1].data["c"].array))]


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
