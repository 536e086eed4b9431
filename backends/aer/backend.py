# SPDX-License-Identifier: Apache-2.0
"""Qiskit Aer through its SamplerV2, with what Aer leaves to its callers: seeds, success, memory, and small noise models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from stinespring.backends.aer.methods import (
    BRANCHING,
    GATES,
    METHODS,
    Choice,
    choose,
    density_qubits,
    only_gates,
    statevector_qubits,
)
from stinespring.circuits.devices.read_back import is_dynamic
from stinespring.errors import BackendError, InputError, TooLargeError
from stinespring.readings import FloatArray, IntArray

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit_aer import AerSimulator
    from qiskit_aer.noise import NoiseModel

    from stinespring.backends.aer.calibration import Calibration
    from stinespring.compiler.devices.target import Device

__all__ = ["WIDEST", "AerBackend", "checked_simulator", "open_aer", "statevector_qubits"]

WIDEST = 62  # bits of one register whose values fit in an int64
OPTIONS = ("method", "noise", "threads", "memory")


@cache
def versions() -> dict[str, str]:
    """Return the versions of Qiskit and Aer."""
    return {name: metadata.version(name) for name in ("qiskit", "qiskit-aer")}


class AerBackend:
    """Samples circuits on this machine.

    Args:
        method: one of Aer's methods, or ``auto``: chosen for each circuit, see :func:`stinespring.backends.aer.methods.choose`.
        calibration: simulate the noise of this device; circuits must then be lowered to it.
        device: what circuits are lowered to; by default the calibration's.
        threads: at most so many threads; None leaves it to Aer.
        memory: at most so many MB for states; None: 70 % of the machine's.
        name: for the record.

    Raises:
        InputError: an unknown method.
    """

    def __init__(
        self,
        method: str = "auto",
        *,
        calibration: Calibration | None = None,
        device: Device | None = None,
        threads: int | None = None,
        memory: int | None = None,
        name: str = "aer",
    ) -> None:
        if method not in METHODS:
            raise InputError("unknown method of backend aer", got=method, expected=" or ".join(METHODS))
        if calibration is not None and method in GATES:
            raise InputError("noise is no Clifford gate", got=f"method {method} with noise", expected="another method")
        self.name, self.method, self.calibration = name, method, calibration
        self.threads, self.memory = threads, memory
        self.max_shots = None if calibration is None else calibration.max_shots
        self.branching: bool | None = None  # whether shots share states; None: where that pays
        self.seconds = 0.0  # that Aer said it took, all calls together
        self.last: Choice | None = None
        self.device = device
        if device is None and calibration is not None:
            from stinespring.circuits.devices.legality import LATTICE
            from stinespring.compiler.devices.target import Device

            self.device = Device(calibration.name, calibration.target(), LATTICE)

    def metadata(self) -> dict[str, Any]:
        """Return versions, the method of the last circuit and why, and the noise."""
        method = self.method if self.last is None else self.last.method
        result: dict[str, Any] = {**versions(), "method": method}
        if self.last is not None:
            result["method_why"] = self.last.why
        if self.calibration is not None:
            figures = self.calibration
            result["noise"] = {"source": figures.name, "taken": figures.taken, "digest": figures.digest}
        limits = {"threads": self.threads, "memory_mb": self.memory}
        return result | {name: value for name, value in limits.items() if value is not None}

    def sharing(self, branching: bool) -> AerBackend:
        """Return this backend with or without states shared between shots."""
        other = copy(self)
        other.branching = branching and self.calibration is None
        return other

    def choice(self, circuit: QuantumCircuit, shots: int) -> Choice:
        """Return the method for a circuit that has no idle qubits.

        Raises:
            TooLargeError: its state does not fit; the message names the size that would.
            InputError: the method does not simulate such a circuit.
        """
        if self.method == "auto":
            return choose(circuit, shots=shots, noise=self.calibration is not None, memory=self.memory)
        found = Choice(self.method, "asked for", self.calibration is None and self.method in BRANCHING and is_dynamic(circuit))
        limit = {"statevector": statevector_qubits, "density_matrix": density_qubits}.get(self.method, lambda _: 1 << 20)
        if circuit.num_qubits > limit(self.memory):
            raise TooLargeError(
                f"the {self.method.replace('_', ' ')} does not fit in memory",
                got=f"{circuit.num_qubits} qubits",
                expected=f"at most {limit(self.memory)} qubits",
                todo="use --schedule stepwise, fewer steps, or --backend 'aer?method=matrix_product_state'",
            )
        gates = GATES.get(self.method)
        if gates is not None and not only_gates(circuit, gates):
            raise InputError(
                f"the method {self.method} does not have all the circuit's operations",
                got=", ".join(sorted(circuit.count_ops())),
                expected=", ".join(sorted(gates)),
                todo="use --backend aer, which chooses a method that fits",
            )
        return found

    def sample(
        self, circuit: QuantumCircuit, angles: FloatArray | None, shots: int, seed: int
    ) -> Sequence[Mapping[str, IntArray]]:
        """Return the measured value of every classical register; see :class:`stinespring.backends.base.Backend`.

        Raises:
            InputError: more shots than the device takes, a register of more than 62 bits, gates that the device does not have.
            TooLargeError: the state would not fit; the message names the size that would.
            BackendError: Aer reports a failure.
        """
        from qiskit_aer.primitives import SamplerV2

        require_values(circuit)
        if self.max_shots is not None and shots > self.max_shots:
            raise InputError(f"too many shots for {self.name}", got=f"{shots:,}", expected=f"at most {self.max_shots:,}")
        circuit, model = self.prepared(circuit)
        self.last = self.choice(circuit, shots)
        simulator = self.simulator(self.last, model)
        pub = (circuit, angles, shots) if angles is not None else (circuit, None, shots)
        data = SamplerV2.from_backend(simulator, seed=seed).run([pub]).result()[0].data
        self.seconds += simulator.seconds
        rows = 1 if angles is None else len(angles)
        values = {name: register_values(data[name].array).reshape(rows, shots) for name in data}
        if simulator.options.shot_branching_enable:  # the shots come sorted by branch
            order = np.random.default_rng(seed).permutation(shots)
            values = {name: value[:, order] for name, value in values.items()}
        return [{name: value[row] for name, value in values.items()} for row in range(rows)]

    def prepared(self, circuit: QuantumCircuit) -> tuple[QuantumCircuit, NoiseModel | None]:
        """Return the circuit on the qubits it uses, and their noise."""
        if self.calibration is None:
            return without_idle_qubits(circuit), None
        from stinespring.backends.aer.noise import noisy

        found = noisy(circuit, self.calibration)
        return found.circuit, found.model

    def simulator(self, choice: Choice, model: NoiseModel | None = None) -> AerSimulator:
        """Return the simulator with this backend's options."""
        options: dict[str, Any] = {
            "noise_model": model, "max_parallel_threads": self.threads, "max_memory_mb": self.memory,
        }  # fmt: skip
        if choice.branching if self.branching is None else self.branching:
            options["shot_branching_enable"] = True
        return checked_simulator(choice.method, **{name: value for name, value in options.items() if value is not None})


def open_aer(name: str, options: Mapping[str, str]) -> AerBackend:
    """Return the backend that ``aer[?option=value&...]`` names."""
    if name:
        raise InputError("backend aer has no name", got=f"aer:{name}", expected="aer or aer?option=value")
    require_known("aer", options, OPTIONS)
    calibration, device = None, None
    if "noise" in options:
        from stinespring.backends.aer.fake import noise_source

        calibration, device = noise_source(options["noise"])
    text = "&".join(f"{key}={options[key]}" for key in OPTIONS if key in options)
    return AerBackend(
        options.get("method", "auto"), calibration=calibration, device=device, name=f"aer?{text}" if text else "aer",
        threads=whole(options, "threads"), memory=whole(options, "memory"),
    )  # fmt: skip


def require_known(kind: str, options: Mapping[str, str], known: Sequence[str]) -> None:
    """Refuse options that a backend does not have."""
    unknown = [option for option in options if option not in known]
    if unknown:
        raise InputError(f"unknown option of backend {kind}", got=", ".join(unknown), expected=", ".join(known))


def whole(options: Mapping[str, str], name: str) -> int | None:
    """Return an option as a whole number of at least 1; None where it is not given."""
    if name not in options:
        return None
    text = options[name]
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) < 2**31:
        raise InputError(f"the option {name} is not usable", got=f"{name}={text}", expected="a whole number of at least 1")
    return int(text)


def require_values(circuit: QuantumCircuit) -> None:
    """Refuse registers whose values do not fit in 64-bit integers."""
    for register in circuit.cregs:
        if register.size > WIDEST:
            raise InputError(
                "a classical register is too wide", got=f"{register.name}[{register.size}]", expected=f"at most {WIDEST} bits"
            )


def checked_simulator(method: str, **options: Any) -> AerSimulator:
    """Return an Aer simulator whose ``run`` raises when Aer failed; Aer itself only sets a flag, and SamplerV2 ignores it.

    Its attribute ``seconds`` adds up the time that Aer says it took.
    """
    from qiskit_aer import AerSimulator

    class CheckedSimulator(AerSimulator):  # type: ignore[misc]
        seconds = 0.0

        def run(self, *args: Any, **kwargs: Any) -> Any:
            job = super().run(*args, **kwargs)
            result = job.result()
            if not result.success:
                raise BackendError(
                    "Aer did not run the circuit",
                    got=result.status,
                    expected="a successful result",
                    todo="use a smaller program or another method",
                )
            self.seconds += float(getattr(result, "time_taken", 0.0) or 0.0)
            return job

    # Aer 0.18 fails ("unordered_map::at") where it drops a qubit that a condition acts on and no measurement needs
    return CheckedSimulator(method=method, enable_truncation=False, **options)


def without_idle_qubits(circuit: QuantumCircuit) -> QuantumCircuit:
    """Return the circuit on the qubits it uses: a circuit lowered to a large device leaves most of them alone."""
    from qiskit import QuantumCircuit

    used = {qubit for item in circuit.data if item.operation.name not in ("barrier", "delay") for qubit in item.qubits}
    if len(used) == circuit.num_qubits:
        return circuit
    qubits = [qubit for qubit in circuit.qubits if qubit in used]
    smaller = QuantumCircuit(qubits, *circuit.cregs, global_phase=circuit.global_phase)
    for item in circuit.data:
        if item.operation.name != "barrier" and used.issuperset(item.qubits):
            smaller.append(item)
    return smaller


def register_values(array: np.ndarray) -> IntArray:
    """Return register values from SamplerV2's big-endian bytes, shape (..., shots, bytes) -> (..., shots)."""
    powers = 256 ** np.arange(array.shape[-1] - 1, -1, -1, dtype=np.int64)
    return np.asarray(array.astype(np.int64) @ powers)
