# SPDX-License-Identifier: Apache-2.0
"""Commands in forked processes: one process runs many of them, its memory and its time are bounded, its end is seen.

What forks has imported everything and started no thread, so that the rule of ``backends/native.py`` holds: native libraries
were loaded by a main thread, and the only thread of every fork is one.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import islice
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.fuzz.case import Case
from benchmarks.fuzz.readers import beside

__all__ = ["ALLOWED", "Ended", "Worker", "fault", "prepare"]

ALLOWED = (0, 1, 2, 3, 4)  # statuses: done or PASS, FAIL, bad input, UNVERIFIED, the backend
MOST_LINES = 12
MOST_BYTES = 2 << 30  # memory, above what was there before the first case
CASES_A_PROCESS, CASES_AT_ONCE = 300, 20
IMPORTED = (
    "qiskit_aer",
    "qiskit_aer.noise",
    "scipy.stats",
    "openqasm3",
    "openqasm3.parser",
    "glassllm",
    "rich.table",
    "rich.progress",
    "stinespring.pipeline.whole",
    "stinespring.pipeline.runs",
    "stinespring.pipeline.exact",
    "stinespring.ledger.store",
    "stinespring.backends.aer.fake",
    "stinespring.cli.main",
)


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        status: its exit status, or how the process died.
        out: stdout.
        err: stderr.
        seconds: of the processor.
        megabytes: the most memory of the process until then.
    """

    status: int | str
    out: str
    err: str
    seconds: float = 0.0
    megabytes: float = 0.0


def prepare() -> None:
    """Import what commands need, in the main thread and before anything is forked."""
    from stinespring.backends.native import ready
    from stinespring.cli.main import VERBS

    ready("qiskit_aer")
    for name in (*IMPORTED, *(module for module, _, _ in VERBS.values())):
        import_module(name)


class Worker:
    """A process that runs one case after the other; a new one takes its place when it has died, or run many.

    Args:
        folder: of its own.
        limit: processor seconds a case may take; asleep it may be four times as long.
    """

    def __init__(self, folder: Path, limit: float) -> None:
        self.folder, self.limit = folder, limit
        self.pid, self.ran = 0, 0
        self.connection: Connection[Any, Any]

    def run(self, case: Case) -> Ended:
        """Run one case, in a process that has run others before."""
        return next(ended for _, ended in self.runs([case]))

    def runs(self, cases: Sequence[Case]) -> Iterator[tuple[Case, Ended]]:
        """Run cases one after the other; those after one that ends its process are run in another."""
        left = list(cases)
        while left:
            if not self.pid or self.ran >= CASES_A_PROCESS:
                self.stop()
                self.start()
            self.connection.send(left)
            while left:
                ended = self.next()
                self.ran += 1
                yield left.pop(0), ended
                if not self.pid:
                    break

    def runs_until(self, cases: Iterator[Case], until: float) -> Iterator[tuple[Case, Ended]]:
        """Run cases until they or the time (of ``time.monotonic``) are over; the process never waits for who judges them."""
        while (several := list(islice(cases, CASES_AT_ONCE))) and time.monotonic() < until:
            for case, ended in self.runs(several):
                yield case, ended
                if time.monotonic() > until:
                    return

    def next(self) -> Ended:
        """Wait for the end of the next case."""
        try:
            if self.connection.poll(4 * self.limit):
                ended: Ended = self.connection.recv()
                return ended
        except (EOFError, ConnectionError):
            _, how = os.waitpid(self.pid, 0)
            self.pid = 0
            code = -os.waitstatus_to_exitcode(how)
            died = "too slow" if code == signal.SIGPROF else f"died of signal {code}"
            return Ended(died, *said(self.folder), self.limit if code == signal.SIGPROF else 0.0)
        self.stop()
        return Ended("hangs", *said(self.folder), self.limit)

    def start(self) -> None:
        """Fork a process."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.connection, there = Pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        if (pid := os.fork()) == 0:
            self.connection.close()
            serve(there, self.folder, self.limit)
        there.close()
        self.pid, self.ran = pid, 0

    def stop(self) -> None:
        """End the process."""
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.connection.close()
            self.pid = 0


def said(folder: Path) -> tuple[str, str]:
    """Return what the last command wrote to stdout and stderr."""
    out, err = ((folder / name).read_text(encoding="utf-8", errors="replace") for name in ("out", "err"))
    return out, err


def serve(connection: Connection[Any, Any], folder: Path, limit: float) -> None:
    """Run what comes; never returns."""
    try:
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MOST_BYTES,) * 2)
        os.environ["STINESPRING_HOME"] = str(folder / "case" / "home")
        os.environ["COLUMNS"] = "100"
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        warnings.simplefilter("default")
        around = beside()
        while True:
            for case in connection.recv():
                case.laid_out(folder / "case", around)
                begun = time.process_time()
                signal.setitimer(signal.ITIMER_PROF, limit)  # its signal ends the process, also within native code
                status = called(case.argv(), folder)
                signal.setitimer(signal.ITIMER_PROF, 0)
                most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
                connection.send(Ended(status, *said(folder), time.process_time() - begun, most))
    finally:
        os._exit(0)


def called(words: Sequence[str], folder: Path) -> int:
    """Run one command in this process, with its own stdout, stderr, and folder; return its status."""
    from stinespring.cli.main import command

    os.chdir(folder / "case")
    before = dict(os.environ)
    streams = []
    for number, name in ((1, "out"), (2, "err")):
        handle = os.open(folder / name, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        os.dup2(handle, number)
        os.close(handle)
        streams.append(os.fdopen(number, "w", encoding="utf-8", closefd=False))
    sys.stdout, sys.stderr = streams
    sys.argv = ["stinespring", *words]
    try:
        command()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException as error:  # noqa: BLE001 -- nothing else may leave it
        sys.stderr.write(f"Traceback: {type(error).__name__}: {error}\n")
        status = 99
    for stream in streams:
        stream.flush()
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)
    return status


def fault(ended: Ended, words: Sequence[str] = ()) -> str:
    """Return what is wrong with how a command ended, nothing where all is well."""
    lines = ended.err.splitlines()
    if ended.status not in ALLOWED:
        return str(ended.status)
    if "Traceback (most" in ended.err or "Traceback:" in ended.err:
        return "traceback"
    if len(lines) > MOST_LINES:
        return f"more than {MOST_LINES} lines"
    if ended.status in (2, 4) and not ended.err.strip():
        return "no message"
    if ended.status == 2 and "has not enough memory" in ended.err:
        return "out of memory"
    if ended.megabytes > (MOST_BYTES >> 20):
        return "too much memory"
    if any("Warning: " in line for line in lines):
        return "warning"
    if ended.status in (0, 1, 3) and "--json" in words and "--help" not in words and "--version" not in words:
        try:
            json.loads(ended.out, parse_constant=refused)
        except ValueError:
            return "stdout is not one JSON object"
    return ""


def refused(name: str) -> float:
    """Refuse NaN and infinities, which are not JSON."""
    raise ValueError(name)
