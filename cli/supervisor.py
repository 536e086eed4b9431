# SPDX-License-Identifier: Apache-2.0
"""The command in a process of its own, watched by a small one: it can always be interrupted, and an abort has a message.

Native code (Aer, linear algebra) keeps the interpreter's lock while it works, so that neither a signal's handler nor a thread
of the same process runs before it returns, and it may abort. The process is forked before any such library is loaded:
nothing is loaded twice, and no thread exists yet.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import NoReturn

from stinespring.cli.failures import INTERRUPTED

__all__ = ["ABORTED", "GRACE", "supervised"]

GRACE = 1.0  # seconds that an interrupted command has for its own end: connections, processes and files that it closes
ABORTED = 4
NATIVE = ("numpy", "qiskit")  # whose threads and allocators do not survive a fork
SHOW_CURSOR = "\x1b[?25h"  # a bar that was cut off has hidden it


def supervised(work: Callable[[], None]) -> None:
    """Do the work in a forked process and exit as it does; at once in this one where that cannot be forked safely.

    SIGINT gives it :data:`GRACE` seconds, then it is killed and the status is 130. SIGTERM and SIGHUP are passed on. Killed,
    this process takes the other one with it (on Linux).

    Args:
        work: raises ``SystemExit`` with its status.
    """
    if not hasattr(os, "fork") or threading.active_count() > 1 or any(name in sys.modules for name in NATIVE):
        here(work)
        return
    watched = [s for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if signal.getsignal(s) is not signal.SIG_IGN]
    before = signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    parent, child = os.getpid(), os.fork()
    if child == 0:
        if signal.SIGINT in watched:
            signal.signal(signal.SIGINT, Interrupt())
        end_with(parent)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        work()
        return
    waiting = Waiting(child)
    for number in watched:
        signal.signal(number, waiting.passed_on)
    signal.signal(signal.SIGALRM, waiting.kill)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    waiting.end()


def here(work: Callable[[], None]) -> None:
    """Do the work in this process."""
    try:
        work()
    except SystemExit as end:
        if end.code == INTERRUPTED:
            say("stinespring: interrupted\n")
        raise


class Interrupt:
    """The handler of SIGINT: a second one, the terminal's beside that which is passed on, does not interrupt the end."""

    def __init__(self) -> None:
        self.last = -GRACE

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Interrupt, unless that has just been done."""
        before, self.last = self.last, time.monotonic()
        if self.last - before >= GRACE:
            raise KeyboardInterrupt


def end_with(parent: int) -> None:
    """Have the system kill this process when its parent dies; Linux alone can do that."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, int(signal.SIGKILL))  # PR_SET_PDEATHSIG
        if os.getppid() != parent:  # it has died in between
            os._exit(ABORTED)


class Waiting:
    """The process that waits.

    Args:
        child: the process that works.
    """

    def __init__(self, child: int) -> None:
        self.child, self.interrupted, self.passed = child, False, {0}

    def passed_on(self, number: int, frame: FrameType | None) -> None:
        """Pass a signal on; what does not end after an interruption is killed."""
        self.passed.add(number)
        with suppress(ProcessLookupError):
            os.kill(self.child, number)
        if number == signal.SIGINT and not self.interrupted:
            self.interrupted = True
            signal.setitimer(signal.ITIMER_REAL, GRACE)

    def kill(self, number: int, frame: FrameType | None) -> None:
        """Kill the process that works: the ledger and the files are whole whenever that happens."""
        with suppress(ProcessLookupError):
            os.kill(self.child, signal.SIGKILL)

    def end(self) -> NoReturn:
        """Wait, and exit as the other process did, with a message if it could not write one."""
        status = os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])
        signal.setitimer(signal.ITIMER_REAL, 0)
        if status == INTERRUPTED or (self.interrupted and status < 0):
            say("stinespring: interrupted\n")
            os._exit(INTERRUPTED)
        if status >= 0:
            os._exit(status)  # nothing was written here, and nothing is to be closed
        ended = signal.Signals(-status)
        if ended in self.passed:
            signal.signal(ended, signal.SIG_DFL)
            os.kill(os.getpid(), ended)
        killed = ended == signal.SIGKILL
        say(
            f"stinespring: {'the system ended the work, most likely for want of memory' if killed else 'native code aborted'}\n"
            f"  got: {ended.name}; what is in the ledger is whole\n"
            f"  to do: ask for less, or use another backend or method: see 'stinespring backends'\n"
        )
        os._exit(ABORTED)


def say(text: str) -> None:
    """Write to stderr, which may be closed."""
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write((SHOW_CURSOR if sys.stderr.isatty() else "") + text)
        sys.stderr.flush()
