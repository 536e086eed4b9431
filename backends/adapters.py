# SPDX-License-Identifier: Apache-2.0
"""Objects of others as backends: Qiskit's ``BackendV2`` and ``SamplerV2``, and plain functions ``circuit, shots -> counts``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from stinespring.backends.aer.backend import require_values
from stinespring.errors import BackendError, InputError
from stinespring.readings import FloatArray, IntArray

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from stinespring.backends.base import Backend
    from stinespring.compiler.devices.target import Device

__all__ = ["CallableBackend", "SamplerBackend", "adapt", "values_of_counts"]

Counts = Mapping[str | int, int]


def adapt(source: Any) -> Backend:
    """Return an object of another library as a backend.

    Args:
        source: a ``BackendV2`` (a snapshot of an IBM device is simulated as ``fake:NAME`` is), a ``SamplerV2``, or a function
            ``circuit, shots -> counts``, see :func:`values_of_counts`.

    Raises:
        InputError: none of these.
    """
    from qiskit.primitives import BackendSamplerV2
    from qiskit.providers import BackendV2
    from qiskit_aer import AerSimulator
    from qiskit_aer.primitives import SamplerV2

    if type(source).__module__.startswith("qiskit_ibm_runtime.ibm_backend"):  # its client has no other way to run circuits
        from stinespring.backends.ibm.backend import IBMDevice

        return IBMDevice.of(source)
    if isinstance(source, AerSimulator):
        return SamplerBackend(lambda seed: SamplerV2.from_backend(source, seed=seed), f"qiskit:{source.name}", None)
    if isinstance(source, BackendV2):
        if hasattr(source, "props_filename"):
            from stinespring.backends.registry import open_backend

            return open_backend(f"fake:{source.name.removeprefix('fake_')}")
        taken = {"seed_simulator"}.intersection(source.options or ())
        return SamplerBackend(
            lambda seed: BackendSamplerV2(backend=source, options=dict.fromkeys(taken, seed)),
            f"qiskit:{source.name}", device_of_backend(source), seeded=bool(taken),
        )  # fmt: skip
    if callable(getattr(source, "run", None)):
        inner = getattr(source, "backend", None)
        inner = inner() if callable(inner) and not isinstance(inner, BackendV2) else inner
        device = device_of_backend(inner) if isinstance(inner, BackendV2) and not isinstance(inner, AerSimulator) else None
        return SamplerBackend(lambda seed: source, f"sampler:{type(source).__name__}", device, seeded=False)
    if callable(source):
        return CallableBackend(source)
    raise InputError(
        "this is no backend",
        got=type(source).__name__,
        expected="a backend string, an object with 'sample', a BackendV2, a SamplerV2, or a function circuit, shots -> counts",
    )


def device_of_backend(backend: Any) -> Device:
    """Return what circuits for a Qiskit backend are lowered to; its control flow is that of its target, flat."""
    from stinespring.circuits.devices.legality import Rules
    from stinespring.compiler.devices.target import Device

    name, target = f"qiskit:{backend.name}", backend.target
    flow = frozenset({"if_else"}).intersection(target.operation_names)
    return Device(name, target, Rules(name, flow, register_names=False))


class SamplerBackend:
    """A ``SamplerV2`` as a backend.

    Args:
        make: returns the sampler for a seed.
        name: for the record.
        device: what circuits are lowered to, or None.
        seeded: whether the sampler takes seeds; otherwise its randomness is its own.
    """

    def __init__(self, make: Callable[[int], Any], name: str, device: Device | None, *, seeded: bool = True) -> None:
        self.make, self.name, self.device, self.seeded = make, name, device, seeded

    def metadata(self) -> dict[str, Any]:
        """Return versions, and whether the seed was used."""
        from stinespring.backends.aer.backend import versions

        return {**versions(), "seed_used": self.seeded}

    def sample(
        self, circuit: QuantumCircuit, angles: FloatArray | None, shots: int, seed: int
    ) -> Sequence[Mapping[str, IntArray]]:
        """Return the measured value of every classical register; see :class:`stinespring.backends.base.Backend`.

        Raises:
            BackendError: the sampler refused the circuit or failed.
        """
        from qiskit.exceptions import QiskitError

        require_values(circuit)
        try:
            data = self.make(seed & 0x7FFFFFFF).run([(circuit, angles, shots)]).result()[0].data
        except QiskitError as error:
            raise BackendError("the backend failed", got=str(error), expected="a result", todo="see its own limits") from error
        rows = 1 if angles is None else len(angles)
        values = {register.name: values_of_bytes(data[register.name].array, rows, shots) for register in circuit.cregs}
        return [{name: value[row] for name, value in values.items()} for row in range(rows)]


def values_of_bytes(array: np.ndarray, rows: int, shots: int) -> IntArray:
    """Return the values, shape (rows, shots), of a ``BitArray``'s big-endian bytes."""
    from stinespring.backends.aer.backend import register_values

    if array.size // array.shape[-1] != rows * shots:
        raise BackendError("the backend returned another number of shots", got=str(array.shape), expected=f"{rows} x {shots}")
    return register_values(array).reshape(rows, shots)


class CallableBackend:
    """A function ``circuit, shots -> counts`` as a backend; see :func:`values_of_counts` for the counts.

    Angles are bound before the function sees a circuit.
    """

    def __init__(self, function: Callable[[QuantumCircuit, int], Counts]) -> None:
        self.function, self.name = function, f"function:{getattr(function, '__name__', type(function).__name__)}"

    def metadata(self) -> dict[str, Any]:
        """Return that the seed is not used."""
        return {"seed_used": False}

    def sample(
        self, circuit: QuantumCircuit, angles: FloatArray | None, shots: int, seed: int
    ) -> Sequence[Mapping[str, IntArray]]:
        """Return the measured value of every classical register; see :class:`stinespring.backends.base.Backend`."""
        require_values(circuit)
        rng = np.random.default_rng(seed)
        bound = [circuit] if angles is None else [circuit.assign_parameters(row) for row in angles]
        found = []
        for one in bound:
            values = values_of_counts(one, self.function(one, shots), shots)
            order = rng.permutation(shots)
            found.append({name: value[order] for name, value in values.items()})
        return found


def values_of_counts(circuit: QuantumCircuit, counts: Counts, shots: int) -> dict[str, IntArray]:
    """Return the value of every classical register, shot by shot, from counts in Qiskit's convention.

    A key is a string of bits with the bit declared *last* on the left, registers separated by blanks or not; or the same
    number as an int or as a hexadecimal string ``0x...``: bit i of it is ``circuit.clbits[i]``.

    Args:
        circuit: what was run.
        counts: how often each outcome was seen; ``shots`` in all.
        shots: as asked for.

    Raises:
        BackendError: the counts cannot be those of this circuit.

    Example:
        >>> from qiskit import ClassicalRegister, QuantumCircuit
        >>> circuit = QuantumCircuit(ClassicalRegister(2, "first"), ClassicalRegister(1, "second"))
        >>> {name: value.tolist() for name, value in values_of_counts(circuit, {"1 01": 2}, 2).items()}
        {'first': [1, 1], 'second': [1, 1]}
    """
    if not isinstance(counts, Mapping):
        raise BackendError("the backend returned no counts", got=type(counts).__name__, expected="a mapping: outcome -> count")
    numbers = [outcome(circuit, key) for key in counts]
    times = list(counts.values())
    if any(isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 0 for n in times) or sum(times) != shots:
        raise BackendError("the counts do not add up", got=f"{sum(map(float, times)):g} shots", expected=f"{shots} shots")
    result: dict[str, IntArray] = {}
    for register in circuit.cregs:
        places = [circuit.find_bit(bit).index for bit in register]
        values = [sum((number >> place & 1) << i for i, place in enumerate(places)) for number in numbers]
        result[register.name] = np.repeat(np.array(values, dtype=np.int64), np.array(times, dtype=np.int64))
    return result


def outcome(circuit: QuantumCircuit, key: str | int) -> int:
    """Return an outcome as a number of which bit i is the circuit's classical bit i."""
    width = circuit.num_clbits
    if isinstance(key, int | np.integer) and not isinstance(key, bool):
        number = int(key)
    elif isinstance(key, str) and key.lower().startswith("0x"):
        number = int(key, 16) if set(key[2:].lower()) <= set("0123456789abcdef") and key[2:] else -1
    else:
        bits = "".join(key.split()) if isinstance(key, str) else ""
        number = int(bits, 2) if len(bits) == width and set(bits) <= {"0", "1"} and bits else -1
    if not 0 <= number < 2**width:
        raise BackendError("an outcome does not fit the circuit", got=repr(key), expected=f"{width} classical bits")
    return number
