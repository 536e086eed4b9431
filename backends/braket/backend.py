# SPDX-License-Identifier: Apache-2.0
"""Amazon Braket's local simulator, through OpenQASM 3. What it does rightly is probed before a program is trusted to it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from importlib import metadata
from typing import Any

import numpy as np

from stinespring.backends.probing.behaviour import NEEDS, Behaviour, needs, probe, require_capable
from stinespring.backends.rows import Gathered, bound, require_values
from stinespring.backends.seeds import derive_seed
from stinespring.batches import Batch, Report, quiet
from stinespring.circuits.core.flow import Flow
from stinespring.circuits.deeds.account import MOST_DEEDS, require_same
from stinespring.circuits.deeds.of_circuit import account_of_circuit
from stinespring.circuits.deeds.of_text import UnreadableError, account_of_text
from stinespring.circuits.devices.read_back import flow_of
from stinespring.circuits.qasm.braket import braket_qasm, first_bits, measured_bits
from stinespring.errors import BackendError, DefectError, InputError, TooLargeError, shorten
from stinespring.readings import IntArray, Outcomes
from stinespring.stages import Capabilities

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

    keeps_jobs = False
    name = "braket:local"
    capabilities = Capabilities()

    def __init__(self) -> None:
        self.simulator = seeded_simulator()

    @cached_property
    def behaviour(self) -> Behaviour:
        """What the simulator was seen to do rightly; probed once, when a program needs to know."""
        return probe(_Unguarded(self))

    def close(self) -> None:
        """End nothing: the simulator lives in this process."""

    def metadata(self) -> dict[str, Any]:
        """Return the versions of Qiskit and of the simulator."""
        return {name: metadata.version(name) for name in ("qiskit", PACKAGE)}

    def sample(self, batch: Batch, seed: int, report: Report = quiet) -> list[Outcomes]:
        """Return the outcomes of every row; see :class:`stinespring.stages.Backend`.

        Raises:
            InputError: the program needs what the simulator was seen not to do.
            TooLargeError: more than 26 qubits.
            BackendError: the simulator failed.
        """
        gathered = Gathered(batch)
        for number, item in enumerate(batch.items):
            require_values(item.circuit)
            rows = np.flatnonzero(item.shots)
            for row, circuit in zip(rows.tolist(), bound(item, rows), strict=True):
                report(f"circuit {number + 1} of {len(batch.items)}", row / item.rows)
                flow = flow_of(circuit)
                require_text(circuit, flow)
                if needs(flow):
                    require_capable(flow, self.behaviour, self.name)
                gathered.add(number, [row], [self.run(flow, int(item.shots[row]), derive_seed(seed, number, row))])
        return gathered.outcomes()

    def run(self, flow: Flow, shots: int, seed: int) -> Outcomes:
        """Return the outcomes of one program."""
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
        return Outcomes.tallied(register_values(flow, np.asarray(outcomes).astype(np.int64)))


def require_text(circuit: Any, flow: Flow) -> None:
    """Refuse a text for Braket that says something else than the circuit it was written of.

    Raises:
        DefectError: they differ; the message says where.
    """
    if circuit.size() > MOST_DEEDS:
        return
    try:
        found = account_of_text(braket_qasm(flow), dialect="braket")
    except UnreadableError as error:
        raise DefectError(f"the program for Braket cannot be read back: {error}") from None
    expected = account_of_circuit(circuit)
    require_same(expected, found, "the program for Braket", registers=False, idle=False, phase=False)


class _Unguarded(BraketBackend):
    """The simulator without the question whether it can: the probes find that out."""

    def __init__(self, backend: BraketBackend) -> None:
        self.simulator = backend.simulator

    @cached_property
    def behaviour(self) -> Behaviour:
        """Everything, until it is seen."""
        return Behaviour(dict.fromkeys(NEEDS, True), {})


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
