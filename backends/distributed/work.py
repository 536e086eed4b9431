# SPDX-License-Identifier: Apache-2.0
"""What a worker does: one chunk, from bytes and numbers to counts. Nothing of ours is pickled but this module's name."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from stinespring.backends.native import ready
from stinespring.errors import StinespringError
from stinespring.readings import FloatArray, IntArray
from stinespring.version import __version__

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["circuit_bytes", "sample_chunk", "versions"]

CIRCUITS = 16  # that a worker keeps unpacked


def versions() -> dict[str, str]:
    """Return the versions that decide what a seed gives."""
    from stinespring.backends.aer.simulator import versions as those_of_aer

    return {"stinespring": __version__, **those_of_aer()}


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


def sample_chunk(
    data: bytes,
    angles: FloatArray | None,
    shots: int,
    seed: int,
    how: tuple[Any, ...],
    *,
    options: Mapping[str, str],
    expected: Mapping[str, str],
) -> dict[str, Any]:
    """Sample one chunk on this machine's Aer.

    Args:
        data: the circuit as QPY.
        angles: shape (rows, parameters), or None.
        shots: of each row.
        seed: of this chunk alone.
        how: the fields of :class:`stinespring.backends.aer.chunks.How`.
        options: of backend ``aer``.
        expected: versions that this worker must have.

    Returns:
        ``registers``, and ``rows``: for each row distinct values (U, registers) and counts (U,) in their smallest types; or
        ``error``: a class of :mod:`stinespring.errors` and its text.
    """
    ready("qiskit_aer")  # a worker's thread may end
    from stinespring.backends.aer.backend import open_aer
    from stinespring.backends.aer.chunks import How

    here = versions()
    if here != dict(expected):
        return {"error": ("BackendError", version_message(here, expected))}
    try:
        found = open_aer("", options).part(circuit_of(data), angles, shots, seed, How(*how))
    except StinespringError as error:
        return {"error": (type(error).__name__, str(error))}
    rows = [(smallest(outcomes.values), smallest(outcomes.counts)) for outcomes in found]
    return {"registers": found[0].registers, "rows": rows}


def version_message(here: Mapping[str, str], expected: Mapping[str, str]) -> str:
    """Return what is wrong with a worker of other versions."""
    wrong = [name for name in expected if here.get(name) != expected[name]]
    got = ", ".join(f"{name} {here.get(name)}" for name in wrong)
    wanted = ", ".join(f"{name} {expected[name]}" for name in wrong)
    lines = ["a worker has other versions than this process", f"got: {got}", f"expected: {wanted}"]
    return "\n  ".join([*lines, "to do: install the same versions on every worker"])


def smallest(values: IntArray) -> np.ndarray:
    """Return non-negative integers in the smallest type that holds them."""
    return values.astype(np.min_scalar_type(int(values.max(initial=0))))
