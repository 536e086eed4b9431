# SPDX-License-Identifier: Apache-2.0
"""What a worker does: one chunk, from bytes and numbers to arrays. Nothing of ours is pickled but this module's name."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import lru_cache
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from stinespring.errors import StinespringError
from stinespring.readings import FloatArray, IntArray
from stinespring.version import __version__

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from stinespring.circuits.core.flow import Flow

__all__ = ["circuit_bytes", "runnable_flow", "sample_chunk", "versions"]

GATES = frozenset({"ry", "rz", "u", "x", "h", "cz", "cx"})  # of the paths for dynamic programs
CIRCUITS = 16  # that a worker keeps unpacked
Sampled = dict[str, np.ndarray]


def versions() -> dict[str, str]:
    """Return the versions that decide what a seed gives."""
    return {"stinespring": __version__} | {name: metadata.version(name) for name in ("qiskit", "qiskit-aer")}


def circuit_bytes(circuit: QuantumCircuit) -> bytes:
    """Return a circuit as QPY."""
    from qiskit import qpy

    buffer = io.BytesIO()
    qpy.dump(circuit, buffer)
    return buffer.getvalue()


@lru_cache(maxsize=CIRCUITS)
def circuit_of(data: bytes) -> QuantumCircuit:
    """Return the circuit of :func:`circuit_bytes`; nobody may change it."""
    from qiskit import qpy

    circuit: QuantumCircuit = qpy.load(io.BytesIO(data))[0]
    return circuit


def runnable_flow(circuit: QuantumCircuit) -> Flow | None:
    """Return the circuit as a program that the fast paths run; None if only Aer itself can run it."""
    from stinespring.circuits.core.flow import If
    from stinespring.circuits.devices.read_back import flow_of
    from stinespring.errors import InputError

    try:
        flow = flow_of(circuit)
    except InputError:
        return None
    gates = [gate for item in flow.instructions for gate in (item.gates if isinstance(item, If) else (item,))]
    return flow if all(getattr(gate, "name", "x") in GATES for gate in gates) else None


def sample_chunk(
    data: bytes,
    angles: FloatArray | None,
    shots: int,
    seed: int,
    path: str | None,
    *,
    options: Mapping[str, str],
    limit: int,
    expected: Mapping[str, str],
) -> dict[str, Any]:
    """Sample one chunk on this machine's Aer.

    Args:
        data: the circuit as QPY.
        angles: shape (rows, parameters), or None.
        shots: of each row.
        seed: of this chunk alone.
        path: of :func:`stinespring.backends.histories.choose_path.sample_flow` for a program with measurements in between;
            None: Aer itself.
        options: of backend ``aer``.
        limit: qubits of the widest statevector that the path may use.
        expected: versions that this worker must have.

    Returns:
        ``values``: for each classical register an array of shape (rows, shots); or ``error``: a class of
        :mod:`stinespring.errors` and its text.
    """
    here = versions()
    if here != dict(expected):
        return {"error": ("BackendError", version_message(here, expected))}
    try:
        return {"values": sampled(data, angles, shots, seed, options, path, limit)}
    except StinespringError as error:
        return {"error": (type(error).__name__, str(error))}


def version_message(here: Mapping[str, str], expected: Mapping[str, str]) -> str:
    """Return what is wrong with a worker of other versions."""
    wrong = [name for name in expected if here.get(name) != expected[name]]
    got = ", ".join(f"{name} {here.get(name)}" for name in wrong)
    wanted = ", ".join(f"{name} {expected[name]}" for name in wrong)
    lines = ["a worker has other versions than this process", f"got: {got}", f"expected: {wanted}"]
    return "\n  ".join([*lines, "to do: install the same versions on every worker"])


def sampled(
    data: bytes, angles: FloatArray | None, shots: int, seed: int, options: Mapping[str, str], path: str | None, limit: int
) -> Sampled:
    """Return the values of every register, shape (rows, shots), in their smallest type.

    One thread, unless the options say otherwise: with another number Aer deals other random numbers to the shots.
    """
    from stinespring.backends.aer.backend import open_aer
    from stinespring.backends.histories.choose_path import sample_flow

    circuit, aer = circuit_of(data), open_aer("", {"threads": "1", **options})
    if path is None:
        rows = aer.sample(circuit, angles, shots, seed)
        found = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    else:
        if angles is not None:
            circuit = circuit.assign_parameters(angles[0])
        flow = runnable_flow(circuit)
        assert flow is not None, "a path is chosen for programs that can be read"
        found = {
            name: value[None]
            for name, value in sample_flow(flow, shots=shots, seed=seed, path=path, backend=aer, limit=limit).values.items()  # type: ignore[arg-type]
        }
    return {name: smallest(value) for name, value in found.items()}


def smallest(values: IntArray) -> np.ndarray:
    """Return non-negative integers in the smallest type that holds them."""
    return values.astype(np.min_scalar_type(int(values.max(initial=0))))
