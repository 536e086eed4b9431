# SPDX-License-Identifier: Apache-2.0
"""Amazon Braket's local simulator, through OpenQASM 3. What it does rightly is probed before a program is trusted to it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from stinespring.backends.braket.qasm import braket_qasm, first_bits, measured_bits
from stinespring.backends.probing.behaviour import Capabilities, needs, probe, require_capable
from stinespring.backends.seeds import derive_seed
from stinespring.circuits.core.flow import Flow
from stinespring.circuits.devices.read_back import flow_of
from stinespring.errors import BackendError, InputError, TooLargeError, shorten
from stinespring.readings import FloatArray, IntArray

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["BraketBackend", "open_braket"]

MOST_QUBITS = 26  # that the simulator states for itself
PACKAGE = "amazon-braket-default-simulator"
REFUSALS = (ArithmeticError, AttributeError, LookupError, NameError, RuntimeError, TypeError, ValueError)  # of the interpreter
INTERPRETER = "braket.default_simulator.openqasm.interpreter"


class BraketBackend:
    """Samples circuits on the state vector simulator ``braket_sv`` on this machine.

    Raises:
        InputError: the simulator is not installed.
    """

    name = "braket:local"

    def __init__(self) -> None:
        self.simulator = seeded_simulator()

    @cached_property
    def capabilities(self) -> Capabilities:
        """What the simulator was seen to do rightly; probed once, when a program needs to know."""
        return probe(_Unguarded(self))

    def metadata(self) -> dict[str, Any]:
        """Return the versions of Qiskit and of the simulator."""
        return {name: metadata.version(name) for name in ("qiskit", PACKAGE)}

    def sample(
        self, circuit: QuantumCircuit, angles: FloatArray | None, shots: int, seed: int
    ) -> Sequence[Mapping[str, IntArray]]:
        """Return the measured value of every classical register; see :class:`stinespring.backends.base.Backend`.

        Raises:
            InputError: the program needs what the simulator was seen not to do.
            TooLargeError: more than 26 qubits.
            BackendError: the simulator failed.
        """
        flows = [flow_of(bound) for bound in with_angles(circuit, angles)]
        if needs(flows[0]):
            require_capable(flows[0], self.capabilities, self.name)
        return [self.run(flow, shots, derive_seed(seed, row)) for row, flow in enumerate(flows)]

    def run(self, flow: Flow, shots: int, seed: int) -> dict[str, IntArray]:
        """Return the registers' values of one program."""
        from braket.ir.openqasm import Program

        if flow.qubits > MOST_QUBITS:
            raise TooLargeError(
                "the program is too wide for Braket's local simulator",
                got=f"{flow.qubits} qubits",
                expected=f"at most {MOST_QUBITS}",
                todo="use --schedule stepwise, fewer steps, or --backend aer",
            )
        text = braket_qasm(flow)
        self.simulator.random = np.random.default_rng(seed)
        try:
            with without_warnings():
                outcomes = self.simulator.run(Program(source=text), shots=shots).measurements
        except Exception as error:
            raise BackendError(
                "Braket's simulator did not run the program", got=f"{type(error).__name__}: {shorten(str(error), 160)}"
            ) from error
        return register_values(flow, np.asarray(outcomes).astype(np.int64))


class _Unguarded:
    """The simulator without the question whether it can: the probes find that out."""

    def __init__(self, backend: BraketBackend) -> None:
        self.backend, self.name = backend, backend.name

    def metadata(self) -> dict[str, Any]:
        """Return the backend's."""
        return self.backend.metadata()

    def sample(
        self, circuit: QuantumCircuit, angles: FloatArray | None, shots: int, seed: int
    ) -> Sequence[Mapping[str, IntArray]]:
        """Return what the simulator gives."""
        return [self.backend.run(flow_of(bound), shots, seed) for bound in with_angles(circuit, angles)]


def with_angles(circuit: QuantumCircuit, angles: FloatArray | None) -> Iterator[QuantumCircuit]:
    """Yield the circuit with each row of angles."""
    if angles is None:
        yield circuit
    else:
        for row in angles:
            yield circuit.assign_parameters(row)


def register_values(flow: Flow, outcomes: IntArray) -> dict[str, IntArray]:
    """Return the registers' values from Braket's table, shape (shots, measured bits)."""
    bits = np.zeros((len(outcomes), flow.clbits), dtype=np.int64)
    bits[:, measured_bits(flow)] = outcomes
    first = first_bits(flow)
    return {name: bits[:, first[name] : first[name] + size] @ (1 << np.arange(size)) for name, size in flow.classical}


@contextmanager
def without_warnings() -> Iterator[None]:
    """Keep the interpreter from writing a line for each program that uses a condition: the probes say more."""
    logger = logging.getLogger(INTERPRETER)
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def seeded_simulator() -> Any:
    """Return the simulator; it offers no seed, so that each simulation it starts is given its generator here."""
    try:
        from braket.default_simulator import StateVectorSimulator
    except ImportError:
        raise InputError(
            "Braket's local simulator is not installed",
            got="backend braket",
            expected="the extra [braket]",
            todo="pip install 'stinespring[braket]'",
        ) from None

    class Seeded(StateVectorSimulator):  # type: ignore[misc]
        random = np.random.default_rng()

        def initialize_simulation(self, **options: Any) -> Any:
            simulation = super().initialize_simulation(**options)
            simulation._rng_generator = self.random
            return simulation

    return Seeded()


def open_braket(name: str, options: Mapping[str, str]) -> BraketBackend:
    """Return the backend that ``braket:local`` names.

    Raises:
        InputError: another name, an option, or the simulator is not installed.
    """
    if name != "local" or options:
        raise InputError(
            "unknown backend of Braket", got=f"braket:{name}", expected="braket:local, without options",
            todo="for a device of the service export OpenQASM with 'stinespring compile -o'",
        )  # fmt: skip
    return BraketBackend()
