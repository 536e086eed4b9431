# SPDX-License-Identifier: Apache-2.0
"""Chunks out, results in: each counted once, lost ones done again, nothing left behind when something goes wrong."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from stinespring.backends.distributed.work import sample_chunk
from stinespring.errors import BackendError

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["gathered"]

OUTSTANDING = 256  # chunks that the scheduler holds at a time: each carries its circuit
LOOK = 0.5  # seconds between two looks at the workers, while no chunk comes
TAKE = 5.0  # seconds for a result to arrive
ANSWER = 5.0  # seconds for the scheduler to answer


def gathered(
    client: Client,
    work: Sequence[tuple[Any, ...]],
    options: Mapping[str, Any],
    *,
    patience: float,
    report: Callable[[int, int], None],
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (number, result) of every call of :func:`sample_chunk`, as they come.

    A result belongs to a future, and a future has one result: Dask does a chunk again whose worker was lost, and what a lost
    worker had done does not come twice. The circuit travels with each chunk, since what is placed on a worker is lost with it.

    Args:
        client: connected to the scheduler.
        work: the positional arguments of each call.
        options: the keyword arguments of all calls.
        patience: seconds without any worker after which to give up.
        report: called with the numbers of chunks done and of workers.

    Raises:
        BackendError: no worker for too long, a chunk that loses its workers, a lost scheduler.
    """
    name, finished = f"stinespring-{uuid.uuid4().hex}", SimpleQueue[int]()
    waiting, outstanding, done = enumerate(work), dict[int, "Future"](), 0
    watch = Watch(client, patience)
    workers = watch.workers()
    try:
        while done < len(work):
            for number, arguments in islice(waiting, OUTSTANDING - len(outstanding)):
                outstanding[number] = client.submit(sample_chunk, *arguments, **options, pure=False, key=f"{name}-{number}")
                outstanding[number].add_done_callback(lambda _, number=number: finished.put(number))
            try:
                number = finished.get(timeout=LOOK)
                result = result_of(outstanding[number])
            except Empty:
                workers = watch.look()
            except TimeoutError:  # the worker died with a finished chunk, which is done again
                finished.put(number)
                workers = watch.look()
            else:
                outstanding.pop(number).release()
                done += 1
                yield number, result
            report(done, workers)
    finally:
        if outstanding:
            client.cancel(list(outstanding.values()), force=True)


class Watch:
    """Watches that there are workers."""

    def __init__(self, client: Client, patience: float) -> None:
        self.client, self.patience, self.seen = client, patience, time.monotonic()

    def workers(self) -> int:
        """Return how many workers there are; none if the scheduler does not answer."""
        if self.client.status != "running":
            return 0
        try:
            return len(self.client.sync(self.client.scheduler.ncores, callback_timeout=ANSWER))
        except (OSError, TimeoutError):
            return 0

    def look(self) -> int:
        """Return the number of workers.

        Raises:
            BackendError: none for too long.
        """
        found = self.workers()
        if found:
            self.seen = time.monotonic()
        elif time.monotonic() - self.seen > self.patience:
            lost = "the scheduler is gone" if self.client.status != "running" else "no worker is connected"
            raise BackendError(
                "the cluster does not work on the program any more",
                got=f"{lost} for {self.patience:.0f} s",
                expected="at least one worker",
                todo="start workers again, or give them more time with ?wait=SECONDS",
            )
        return found


def result_of(future: Future) -> dict[str, Any]:
    """Return the result of a finished chunk.

    Raises:
        TimeoutError: it is not there any more.
        BackendError: there will be none.
    """
    from concurrent.futures import CancelledError

    from distributed import KilledWorker

    try:
        found: dict[str, Any] = future.result(timeout=TAKE if future.done() else LOOK)
    except KilledWorker:
        raise BackendError(
            "a chunk was given up: every worker that had it died",
            expected="workers that live through it",
            todo="give the workers more memory, or use fewer qubits",
        ) from None
    except CancelledError:
        raise BackendError("the cluster's scheduler was lost", todo="start it again, then run again") from None
    except ImportError as error:
        raise BackendError(
            "a worker cannot import what it needs",
            got=str(error),
            expected="stinespring, Qiskit and Aer on every worker",
            todo="install the same versions on every worker",
        ) from None
    return found
