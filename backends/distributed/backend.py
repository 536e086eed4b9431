# SPDX-License-Identifier: Apache-2.0
"""The backend ``dask``: cut as backend ``aer`` cuts, send, gather, add up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from stinespring import errors
from stinespring.backends.aer.backend import open_aer
from stinespring.backends.distributed.cluster import Cluster, connected, started
from stinespring.backends.distributed.gather import gathered
from stinespring.backends.distributed.work import circuit_bytes, versions
from stinespring.backends.rows import Gathered, rows_of
from stinespring.batches import Batch, Report, quiet
from stinespring.errors import InputError, StinespringError
from stinespring.readings import Outcomes
from stinespring.stages import Capabilities

__all__ = ["DaskBackend", "open_dask"]

OWN = ("workers", "chunk", "wait", "qubits")
MOST_WORKERS = 1024


class DaskBackend:
    """Samples circuits on the workers of a Dask cluster, each with Aer: the counts are those of backend ``aer``.

    The cluster is reached, or started, with the first circuit; :meth:`close` ends it, as does leaving a ``with`` block.

    Args:
        address: of a scheduler, or ``local``.
        workers: of a local cluster.
        chunk: shots of one chunk; None leaves it to the cost model.
        wait: seconds without any worker after which to give up.
        qubits: of the widest statevector that a path may plan with; None: what this machine's memory holds.
        options: of backend ``aer``, for every worker.

    Example:
        >>> from stinespring.backends import open_backend
        >>> open_backend("dask:local?workers=2").name
        'dask:local'
    """

    keeps_jobs = False

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
        self.options = dict(options or {})
        self.aer = open_aer("", self.options)  # refuses what is no option before anything is started
        self.aer.limit = qubits or self.aer.limit
        self.name = f"dask:{address}"
        self._cluster: Cluster | None = None
        self._chunks = 0

    @property
    def capabilities(self) -> Capabilities:
        """What every worker's Aer can do."""
        return self.aer.capabilities

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
        """Return the versions, Aer's options, method and path, and the number of chunks so far."""
        how = {name: value for name, value in self.aer.metadata().items() if name != "simulator_seconds"}
        return {**versions(), **self.options, **how, "chunks": self._chunks}

    def sample(self, batch: Batch, seed: int, report: Report = quiet) -> list[Outcomes]:
        """Return the outcomes of every row; see :class:`stinespring.stages.Backend`.

        Raises:
            BackendError: the cluster cannot be reached, loses all workers or the scheduler, or has other versions.
            TooLargeError: a statevector does not fit on a worker.
        """
        chunks, sums = self.aer.chunks(batch, seed, self.chunk), Gathered(batch)
        data = [circuit_bytes(item.circuit) for item in batch.items]
        angles = [item.angles for item in batch.items]
        work = [(data[c.item], rows_of(angles[c.item], c.rows), c.shots, c.seed, tuple(c.how)) for c in chunks]
        common = {"options": self.options, "expected": versions()}
        if self._cluster is None and work:
            report("connecting", 0.0)
            self._cluster = started(self.workers) if self.address == "local" else connected(self.address)
        if self._cluster is not None and work:
            tell = reporter(report, len(chunks))
            for number, result in gathered(self._cluster.client, work, common, patience=self.wait, report=tell):
                sums.add(chunks[number].item, chunks[number].rows, outcomes_of(result))
        self._chunks += len(chunks)
        return sums.outcomes()


def reporter(report: Report, chunks: int) -> Callable[[int, int], None]:
    """Return a function that tells how many chunks are done, and by how many workers."""

    def tell(done: int, workers: int) -> None:
        report(f"{done} of {chunks} chunks, {workers} worker{'s' * (workers != 1)}", done / chunks)

    return tell


def outcomes_of(result: Mapping[str, Any]) -> list[Outcomes]:
    """Return the outcomes of a chunk's rows, or raise the error that its worker met."""
    if "error" in result:
        name, text = result["error"]
        kind = getattr(errors, name, errors.BackendError)
        assert issubclass(kind, StinespringError), "workers return errors of stinespring"
        raise kind(text)
    names = tuple(result["registers"])
    return [Outcomes(names, values.astype(np.int64), counts.astype(np.int64)) for values, counts in result["rows"]]


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
