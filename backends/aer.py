# SPDX-License-Identifier: Apache-2.0
"""Qiskit Aer through its SamplerV2, with what Aer leaves to its callers: seeds, success and memory."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from stinespring.errors import BackendError, InputError, TooLargeError
from stinespring.models.base import FloatArray, IntArray

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit_aer import AerSimulator

__all__ = ["AerBackend", "open_aer", "statevector_qubits"]

METHODS = ("statevector", "matrix_product_state")
SHARE = 0.7  # of the machine's memory that one statevector may take


@cache
def versions() -> dict[str, str]:
    """Return the versions of Qiskit and Aer."""
    return {name: metadata.version(name) for name in ("qiskit", "qiskit-aer")}


def statevector_qubits() -> int:
    """Return how many qubits' amplitudes (16 bytes each) fit in 70 % of the machine's memory."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return int(np.log2(SHARE * memory / 16))


class AerBackend:
    """Samples circuits on this machine.

    Args:
        method: ``statevector``, or ``matrix_product_state`` for long chains with a short memory.

    Raises:
        InputError: an unknown option or method.
    """

    def __init__(self, method: str = "statevector", **unknown: str) -> None:
        if unknown:
            raise InputError("unknown option of backend aer", got=", ".join(unknown), expected="method")
        if method not in METHODS:
            raise InputError("unknown method of backend aer", got=method, expected=" or ".join(METHODS))
        self.name, self.method = f"aer?method={method}", method
        self.simulator = checked_simulator(method)

    def metadata(self) -> dict[str, Any]:
        """Return the versions of Qiskit and Aer and the method."""
        return {**versions(), "method": self.method}

    def sample(
        self, circuit: QuantumCircuit, angles: FloatArray | None, shots: int, seed: int
    ) -> Sequence[Mapping[str, IntArray]]:
        """Return the measured value of every classical register; see :class:`stinespring.backends.base.Backend`.

        Raises:
            TooLargeError: the statevector would not fit; the message names the size that would.
            BackendError: Aer reports a failure.
        """
        from qiskit_aer.primitives import SamplerV2

        limit, circuit = statevector_qubits(), without_idle_qubits(circuit)
        if self.method == "statevector" and circuit.num_qubits > limit:
            raise TooLargeError(
                "the statevector does not fit in memory",
                got=f"{circuit.num_qubits} qubits",
                expected=f"at most {limit} qubits",
                todo="use --schedule stepwise, fewer steps, or --backend 'aer?method=matrix_product_state'",
            )
        sampler = SamplerV2.from_backend(self.simulator, seed=seed)
        pub = (circuit, angles, shots) if angles is not None else (circuit, None, shots)
        data = sampler.run([pub]).result()[0].data
        rows = 1 if angles is None else len(angles)
        values = {name: register_values(data[name].array).reshape(rows, shots) for name in data}
        return [{name: value[row] for name, value in values.items()} for row in range(rows)]


def open_aer(name: str, options: Mapping[str, str]) -> AerBackend:
    """Return the backend that ``aer[?option=value&...]`` names."""
    if name:
        raise InputError("backend aer has no name", got=f"aer:{name}", expected="aer or aer?option=value")
    return AerBackend(**options)


def checked_simulator(method: str) -> AerSimulator:
    """Return an Aer simulator whose ``run`` raises when Aer failed; Aer itself only sets a flag, and SamplerV2 ignores it."""
    from qiskit_aer import AerSimulator

    class CheckedSimulator(AerSimulator):  # type: ignore[misc]
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
            return job

    return CheckedSimulator(method=method)


def without_idle_qubits(circuit: QuantumCircuit) -> QuantumCircuit:
    """Return the circuit on the qubits it uses: a circuit lowered to a large device leaves most of them alone."""
    from qiskit import QuantumCircuit

    used = {qubit for item in circuit.data for qubit in item.qubits}
    if len(used) == circuit.num_qubits:
        return circuit
    qubits = [qubit for qubit in circuit.qubits if qubit in used]
    smaller = QuantumCircuit(qubits, *circuit.cregs, global_phase=circuit.global_phase)
    for item in circuit.data:
        smaller.append(item)
    return smaller


def register_values(array: np.ndarray) -> IntArray:
    """Return register values from SamplerV2's big-endian bytes, shape (..., shots, bytes) -> (..., shots)."""
    powers = 256 ** np.arange(array.shape[-1] - 1, -1, -1, dtype=np.int64)
    return np.asarray(array.astype(np.int64) @ powers)
