# SPDX-License-Identifier: Apache-2.0
"""A connection to a Dask cluster, and a cluster on this machine that leaves nothing behind."""

from __future__ import annotations

import gc
import logging
import os
import signal
import subprocess
import sys
import tempfile
import weakref
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from stinespring.errors import BackendError, InputError, shorten

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Cluster", "connected", "started"]

CONNECT = 8.0  # seconds for a scheduler to answer
START = 60.0  # seconds for the first local worker to come up; the first start after an installation takes long
CLOSE = 3.0  # seconds for connections to end in order
LOGGERS = ("distributed", "distributed.client", "distributed.scheduler", "tornado", "tornado.application", "asyncio")


class Cluster:
    """A client and what belongs to it.

    Args:
        client: connected.
        stack: closes the client and what was started for it.
    """

    def __init__(self, client: Client, stack: ExitStack) -> None:
        self.client = client
        self._end = weakref.finalize(self, stack.close)  # also when the interpreter ends

    def close(self) -> None:
        """End the connection, and the processes that were started for it."""
        self._end()


def connected(address: str) -> Cluster:
    """Return a connection to a running scheduler.

    Raises:
        InputError: Dask is not installed, or the address cannot be read.
        BackendError: nobody answers.
    """
    require_dask()
    with ExitStack() as stack:
        quiet(stack)
        return Cluster(client_of(address, stack), stack.pop_all())


def started(workers: int) -> Cluster:
    """Start a scheduler in this process and workers in processes of their own, one thread each.

    The workers are started by Dask's command, not by ``multiprocessing``, so that a script without ``if __name__ ==
    "__main__"`` is not run again in each of them; in a session of their own, so that Ctrl-C reaches this process alone.
    """
    require_dask()
    import dask
    from distributed import LocalCluster

    with ExitStack() as stack:
        quiet(stack)
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="stinespring-dask-", ignore_cleanup_errors=True))
        # Aer keeps the interpreter's lock while it simulates, so that a worker may be silent for as long as a chunk takes.
        stack.enter_context(dask.config.set({"distributed.scheduler.worker-ttl": None}))
        scheduler = LocalCluster(
            n_workers=0, processes=True, host="127.0.0.1", dashboard_address="127.0.0.1:0", silence_logs=logging.CRITICAL
        )
        stack.callback(scheduler.close, timeout=CLOSE)
        stack.callback(ended, worker_processes(scheduler.scheduler_address, workers, folder))
        client = client_of(scheduler.scheduler_address, stack)
        try:
            client.wait_for_workers(1, timeout=START)
        except TimeoutError:
            raise BackendError("no local worker started", got=f"{START:.0f} s of waiting", todo="try again") from None
        return Cluster(client, stack.pop_all())


def worker_processes(address: str, workers: int, folder: str) -> subprocess.Popen[bytes]:
    """Start workers that are started again when they die, and that end when the scheduler is gone."""
    command = [sys.executable, "-P", "-m", "distributed.cli.dask_worker", address, "--nthreads", "1"]
    command += ["--nworkers", str(workers), "--no-dashboard", "--death-timeout", "10", "--local-directory", folder]
    environment = os.environ | {"DASK_LOGGING__DISTRIBUTED": "critical"}
    return subprocess.Popen(  # noqa: S603 -- this interpreter and fixed words
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip


def ended(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all others of its session: they hold nothing that matters."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def client_of(address: str, stack: ExitStack) -> Client:
    """Return a client that is connected; its end is added to the stack."""
    from distributed import Client

    try:
        client = Client(address, timeout=CONNECT, set_as_default=False)
    except (OSError, TimeoutError) as error:
        raise BackendError(
            "no Dask scheduler answers",
            got=f"{address}: {shorten(str(error) or type(error).__name__, 160)}",
            expected="a running 'dask scheduler' at the address",
            todo="start one, or use dask:local?workers=2",
        ) from None
    except ValueError as error:
        raise InputError("the address of the Dask scheduler cannot be read", got=address, expected="tcp://HOST:PORT") from error
    stack.callback(client.close, timeout=CLOSE)
    return client


def quiet(stack: ExitStack) -> None:
    """Keep Dask's loggers from writing what is told by one message of ours; unless logging is asked for."""
    if os.environ.get("STINESPRING_LOG", "").upper() == "DEBUG":
        return
    for name in LOGGERS:
        logger = logging.getLogger(name)
        stack.callback(logger.setLevel, logger.level)
        logger.setLevel(logging.CRITICAL)
    stack.callback(gc.collect)  # asyncio complains about what Dask left behind only when it is collected


def require_dask() -> None:
    """Refuse if Dask is not installed."""
    try:
        import distributed  # noqa: F401
    except ImportError:
        raise InputError(
            "Dask is not installed", got="backend dask", expected="the extra [dask]", todo="pip install 'stinespring[dask]'"
        ) from None
