# SPDX-License-Identifier: Apache-2.0
"""The backend ``dask``: cut, send, gather, put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from stinespring import errors
from stinespring.backends.aer.backend import open_aer, statevector_qubits
from stinespring.backends.distributed.chunks import Chunk, chunks_of
from stinespring.backends.distributed.cluster import Cluster, connected, started
from stinespring.backends.distributed.gather import gathered
from stinespring.backends.distributed.work import circuit_bytes, versions
from stinespring.errors import InputError, StinespringError
from stinespring.readings import FloatArray, IntArray

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["DaskBackend", "open_dask"]

OWN = ("workers", "chunk", "wait", "qubits")
MOST_WORKERS = 1024


class DaskBackend:
    """Samples circuits on the workers of a Dask cluster, each with Aer.

    The cluster is reached, or started, with the first circuit; :meth:`close` ends it, as does leaving a ``with`` block.

    Args:
        address: of a scheduler, or ``local``.
        workers: of a local cluster.
        chunk: shots of one chunk; None leaves it to the cost model.
        wait: seconds without any worker after which to give up.
        qubits: of the widest statevector; None: what this machine's memory holds.
        options: of backend ``aer``, for every worker.

    Example:
        >>> from stinespring.backends import open_backend
        >>> open_backend("dask:local?workers=2").name
        'dask:local'
    """

    def __init__(
        self,
        address: str,
        *,
        workers: int = 2,
        chunk: int | None = None,
        wait: float = 30.0,
        qubits: int | None = None,
        options: Mapping[str, str] | None = None,
    ) -> None:
        self.address, self.workers, self.chunk, self.wait = address, workers, chunk, wait
        self.options, self.limit = dict(options or {}), qubits or statevector_qubits()
        open_aer("", self.options)  # refuses what is no option before anything is started
        self.name = f"dask:{address}"
        self.report: Callable[[str, float], None] = lambda phrase, share: None
        self._cluster: Cluster | None = None
        self._chunks = 0

    def __enter__(self) -> DaskBackend:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """End the connection and the local cluster; the next circuit opens them again."""
        if self._cluster is not None:
            self._cluster.close()
            self._cluster = None

    def metadata(self) -> dict[str, Any]:
        """Return the versions, Aer's options and the number of chunks so far."""
        return {**versions(), **self.options, "chunks": self._chunks}

    def sample(
        self, circuit: QuantumCircuit, angles: FloatArray | None, shots: int, seed: int
    ) -> Sequence[Mapping[str, IntArray]]:
        """Return the measured value of every classical register; see :class:`stinespring.backends.base.Backend`.

        Raises:
            BackendError: the cluster cannot be reached, loses all workers or the scheduler, or has other versions.
            TooLargeError: a statevector does not fit on a worker.
        """
        rows = 1 if angles is None else len(angles)
        chunks = chunks_of(circuit, rows, shots, seed, options=self.options, limit=self.limit, most=self.chunk)
        data = circuit_bytes(circuit)
        work = [(data, None if angles is None else angles[slice(*c.rows)], c.shots, c.seed, c.path) for c in chunks]
        common = {"options": self.options, "limit": self.limit, "expected": versions()}
        if self._cluster is None:
            self.report("connecting", 0.0)
            self._cluster = started(self.workers) if self.address == "local" else connected(self.address)
        found: list[dict[str, np.ndarray]] = [{}] * len(chunks)
        results = gathered(self._cluster.client, work, common, patience=self.wait, report=self.reporter(len(chunks)))
        for number, result in results:
            found[number] = values_of(result)
        self._chunks += len(chunks)
        return joined(chunks, found, rows, shots)

    def reporter(self, chunks: int) -> Callable[[int, int], None]:
        """Return a function that tells how many chunks are done, and by how many workers."""

        def tell(done: int, workers: int) -> None:
            self.report(f"{done} of {chunks} chunks, {workers} worker{'s' * (workers != 1)}", done / chunks)

        return tell


def values_of(result: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the values of a chunk, or raise the error that its worker met."""
    if "error" in result:
        name, text = result["error"]
        kind = getattr(errors, name, errors.BackendError)
        assert issubclass(kind, StinespringError), "workers return errors of stinespring"
        raise kind(text)
    values: dict[str, np.ndarray] = result["values"]
    return values


def joined(
    chunks: Sequence[Chunk], found: Sequence[Mapping[str, np.ndarray]], rows: int, shots: int
) -> list[dict[str, IntArray]]:
    """Return the registers' values of each row, its chunks one after the other."""
    result: dict[str, IntArray] = {name: np.zeros((rows, shots), dtype=np.int64) for name in found[0]}
    filled = np.zeros(rows, dtype=np.int64)
    for chunk, values in zip(chunks, found, strict=True):
        first, last = chunk.rows
        begin = int(filled[first])
        for name, value in values.items():
            result[name][first:last, begin : begin + chunk.shots] = value
        filled[first:last] += chunk.shots
    assert (filled == shots).all(), "every shot of every row comes from exactly one chunk"
    return [{name: value[row] for name, value in result.items()} for row in range(rows)]


def open_dask(name: str, options: Mapping[str, str]) -> DaskBackend:
    """Return the backend that ``dask:local[?workers=N]`` or ``dask:tcp://HOST:PORT`` names.

    Raises:
        InputError: no address, or an option that cannot be used.
    """
    if name != "local" and "://" not in name:
        raise InputError(
            "backend dask needs an address", got=f"dask:{name}", expected="dask:local?workers=2 or dask:tcp://HOST:PORT"
        )
    if name != "local" and "workers" in options:
        raise InputError("the workers of a running cluster are what they are", got="workers", expected="no option workers")
    own: dict[str, Any] = {key: number(key, options[key]) for key in OWN if key in options}
    return DaskBackend(name, **own, options={key: value for key, value in options.items() if key not in OWN})


def number(key: str, text: str) -> int | float:
    """Return the value of an option, a positive number."""
    try:
        value = float(text) if key == "wait" else int(text)
    except ValueError:
        value = 0
    if not 0 < value < (MOST_WORKERS if key == "workers" else 10**12):
        raise InputError(f"option {key} of backend dask cannot be used", got=text, expected="a positive number")
    return value
