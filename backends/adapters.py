# SPDX-License-Identifier: Apache-2.0
"""Objects of others as backends: Qiskit's ``BackendV2`` and ``SamplerV2``, and plain functions ``circuit, shots -> counts``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from stinespring.backends.aer.chunks import MOST_ROWS
from stinespring.backends.aer.given import GivenSimulator, device_of_simulator, is_noisy
from stinespring.backends.aer.simulator import versions
from stinespring.backends.rows import Gathered, batches, bound, counted, counted_bytes, require_values, rows_of
from stinespring.backends.samplers import TOSSES, inner_backend, refuse_equal, refuse_repeating, remade, told_apart
from stinespring.backends.seeds import derive_seed
from stinespring.batches import Batch, Report, quiet
from stinespring.circuits.devices.legality import Rules
from stinespring.circuits.devices.read_back import is_dynamic
from stinespring.errors import BackendError, InputError
from stinespring.readings import FloatArray, Outcomes
from stinespring.stages import Backend, Capabilities, Device

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["CallableBackend", "SamplerBackend", "adapt", "outcomes_of_counts"]

Counts = Mapping[str | int, int]
SEEDS = 0x7FFFFFFF  # simulators of others take 31 bits
ROWS_OF_A_JOB = 2048  # of one call of what may be a service


def adapt(source: Any) -> Backend:
    """Return an object of another library as a backend.

    Args:
        source: a ``BackendV2`` (a snapshot of an IBM device is simulated as ``fake:NAME`` is, an ``AerSimulator`` with its own
            noise and options), a ``SamplerV2``, or a function ``circuit, shots -> counts``, see :func:`outcomes_of_counts`.

    Raises:
        InputError: none of these, or a sampler that repeats its random numbers.
    """
    from qiskit.primitives import BackendSamplerV2
    from qiskit.providers import BackendV2
    from qiskit_aer import AerSimulator

    if type(source).__module__.startswith("qiskit_ibm_runtime.ibm_backend"):  # its client has no other way to run circuits
        from stinespring.backends.ibm.backend import IBMDevice

        return IBMDevice.of(source)
    if isinstance(source, AerSimulator):
        return GivenSimulator(source)
    if isinstance(source, BackendV2):
        if hasattr(source, "props_filename"):
            from stinespring.backends.aer.fake import open_fake

            return open_fake(source.name.removeprefix("fake_"), {})
        taken = {"seed_simulator"}.intersection(source.options or ())
        able = Capabilities(device_of_backend(source), seeded=bool(taken), noisy=True)
        return SamplerBackend(
            lambda seed: BackendSamplerV2(backend=source, options=dict.fromkeys(taken, seed & SEEDS)),
            f"qiskit:{source.name}", able, watched=True,
        )  # fmt: skip
    if callable(getattr(source, "run", None)):
        return sampler_backend(source)
    if callable(source):
        return CallableBackend(source)
    raise InputError(
        "this is no backend",
        got=type(source).__name__,
        expected="a backend string, an object with 'sample', a BackendV2, a SamplerV2, or a function circuit, shots -> counts",
    )


def sampler_backend(source: Any) -> SamplerBackend:
    """Return a ``SamplerV2`` as a backend; what it runs on says what circuits are lowered to."""
    from qiskit_aer import AerSimulator

    inner, make = inner_backend(source), remade(source)
    if isinstance(inner, AerSimulator):
        able = Capabilities(device_of_simulator(inner), seeded=make is not None, noisy=is_noisy(inner))
    else:
        device = None if inner is None else device_of_backend(inner)
        able = Capabilities(device, seeded=make is not None, noisy=inner is not None)
    name = f"sampler:{type(source).__name__}"
    return SamplerBackend(make or (lambda seed: source), name, able, watched=make is None)


def device_of_backend(backend: Any) -> Device:
    """Return what circuits for a Qiskit backend are lowered to; its control flow is that of its target, flat."""
    name, target = f"qiskit:{backend.name}", backend.target
    flow = frozenset({"if_else"}).intersection(target.operation_names)
    return Device(name, target, Rules(name, flow, register_names=False))


class SamplerBackend:
    """A ``SamplerV2`` as a backend.

    Args:
        make: returns the sampler for a seed.
        name: for the record.
        capabilities: with the device that circuits are lowered to; ``seeded`` says whether ``make`` uses its seed.
        watched: whether it must be seen not to repeat its random numbers before it is called twice; else it is known.
    """

    keeps_jobs = False

    def __init__(self, make: Callable[[int], Any], name: str, capabilities: Capabilities, *, watched: bool = False) -> None:
        self.make, self.name, self.capabilities, self.watched = make, name, capabilities, watched
        self._calls = 0

    def close(self) -> None:
        """End nothing: the sampler belongs to whoever made it."""

    def metadata(self) -> dict[str, Any]:
        """Return versions, and whether the seed was used."""
        return {**versions(), "seed_used": self.capabilities.seeded}

    def sample(self, batch: Batch, seed: int, report: Report = quiet) -> list[Outcomes]:
        """Return the outcomes of every row; see :class:`stinespring.stages.Backend`.

        Raises:
            InputError: the sampler repeats its random numbers.
            BackendError: it refused the circuit or failed.
        """
        gathered = Gathered(batch)
        for number, item in enumerate(batch.items):
            require_values(item.circuit)
            together = self.together(item.circuit) if item.angles is not None else 1
            for shots, rows in batches(item.shots):
                for first in range(0, len(rows), together):
                    some = rows[first : first + together]
                    purpose = derive_seed(seed, number, shots, first)
                    gathered.add(number, some, self.call(item.circuit, rows_of(item.angles, some), shots, purpose))
        return gathered.outcomes()

    def together(self, circuit: QuantumCircuit) -> int:
        """Return the rows of one call: simulators that go shot by shot give neighbouring rows overlapping random numbers."""
        by_shot = self.capabilities.seeded and (self.capabilities.noisy or is_dynamic(circuit))
        return 1 if by_shot else MOST_ROWS if self.capabilities.seeded else ROWS_OF_A_JOB

    def call(self, circuit: QuantumCircuit, angles: FloatArray | None, shots: int, seed: int) -> list[Outcomes]:
        """Return the outcomes of some rows with the same number of shots."""
        from qiskit.exceptions import QiskitError

        rows = 1 if angles is None else len(angles)
        try:
            if self.watched and self._calls + rows > 1:
                refuse_repeating(self.make, self.capabilities.device, self.name.partition(":")[2])
                self.watched = False
            self._calls += rows
            data = self.make(seed).run([(circuit, angles, shots)]).result()[0].data
        except QiskitError as error:
            raise BackendError("the backend failed", got=str(error), expected="a result", todo="see its own limits") from error
        for array in (data[name].array for name in data):
            if array.size != rows * shots * array.shape[-1]:
                got = str(array.shape)
                raise BackendError("the backend returned another number of shots", got=got, expected=f"{rows} x {shots}")
        names = [register.name for register in circuit.cregs]
        return [counted_bytes(data, names, row, shots) for row in range(rows)]


class CallableBackend:
    """A function ``circuit, shots -> counts`` as a backend; see :func:`outcomes_of_counts` for the counts.

    Angles are bound before the function sees a circuit. Before it is called for a second row it tosses coins twice, 5 qubits 64
    times each, and is refused if it gives the same counts: a fixed seed, or stored results.
    """

    keeps_jobs = False
    capabilities = Capabilities(seeded=False)

    def __init__(self, function: Callable[[QuantumCircuit, int], Counts]) -> None:
        self.function, self.name = function, f"function:{getattr(function, '__name__', type(function).__name__)}"
        self._calls, self._tried = 0, False

    def close(self) -> None:
        """End nothing: the function belongs to whoever made it."""

    def metadata(self) -> dict[str, Any]:
        """Return that the seed is not used."""
        return {"seed_used": False}

    def sample(self, batch: Batch, seed: int, report: Report = quiet) -> list[Outcomes]:
        """Return the outcomes of every row; see :class:`stinespring.stages.Backend`.

        Raises:
            InputError: the function repeats its random numbers.
            BackendError: its counts cannot be those of the circuit.
        """
        gathered = Gathered(batch)
        for number, item in enumerate(batch.items):
            require_values(item.circuit)
            rows = np.flatnonzero(item.shots)
            for row, circuit in zip(rows.tolist(), bound(item, rows), strict=True):
                self._calls += 1
                if self._calls > 1 and not self._tried:
                    self._tried = True
                    refuse_equal(lambda coins, _: [told_apart(self.called(coins, TOSSES))], None, self.name.partition(":")[2])
                gathered.add(number, [row], [self.called(circuit, int(item.shots[row]))])
        return gathered.outcomes()

    def called(self, circuit: QuantumCircuit, shots: int) -> Outcomes:
        """Return what the function counts."""
        return outcomes_of_counts(circuit, self.function(circuit, shots), shots)


def outcomes_of_counts(circuit: QuantumCircuit, counts: Counts, shots: int) -> Outcomes:
    """Return the outcomes of every classical register from counts in Qiskit's convention.

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
        >>> found = outcomes_of_counts(circuit, {"1 01": 2}, 2)
        >>> found.registers, found.values.tolist(), found.counts.tolist()
        (('first', 'second'), [[1, 1]], [2])
    """
    if not isinstance(counts, Mapping):
        raise BackendError("the backend returned no counts", got=type(counts).__name__, expected="a mapping: outcome -> count")
    numbers = [outcome(circuit, key) for key in counts]
    times = list(counts.values())
    if any(isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 0 for n in times) or sum(times) != shots:
        raise BackendError("the counts do not add up", got=f"{sum(map(float, times)):g} shots", expected=f"{shots} shots")
    return counted(circuit, numbers, [int(n) for n in times])


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
