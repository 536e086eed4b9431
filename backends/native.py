# SPDX-License-Identifier: Apache-2.0
"""Threads that never end, and native libraries that no ending thread has loaded.

Qiskit's compiled part brings an allocator of its own (mimalloc), which takes the thread that loads it for the main thread of
the process and keeps pointers into that thread's memory. Once that thread ends, the next new native thread (Rust's pool of
workers) reads them and the process dies with SIGSEGV, whatever it is doing. So the libraries are loaded by the main thread,
or by a thread that never ends; and the package starts no other threads than those here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from queue import SimpleQueue
from threading import Thread, current_thread, main_thread
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["handed", "ready", "sheltered"]

T = TypeVar("T")
QISKIT = ("qiskit", "qiskit.qpy", "qiskit.synthesis", "qiskit.transpiler")  # what uses the compiled part


def ready(*more: str) -> None:
    """Load Qiskit, and other modules, before a thread begins that may end: in the main thread or in one that never ends.

    Args:
        more: names of further modules with native parts; one that is not installed is left for its user to miss.

    Example:
        >>> ready("qiskit_aer")
        >>> "qiskit.synthesis" in sys.modules
        True
    """
    missing = [name for name in (*QISKIT, *more) if name not in sys.modules]
    if missing and (current_thread() is main_thread() or isinstance(current_thread(), Lasting)):
        load(missing)
    elif missing:
        handed(lambda: load(missing)).result()


def sheltered() -> None:
    """Load Qiskit if the caller's thread may end; the main thread loads it when it is needed.

    For the functions that users call, from threads of their own, too: a server's or a pool's.
    """
    if current_thread() is not main_thread():
        ready()


def load(names: list[str]) -> None:
    """Import modules in this thread."""
    for name in names:
        with suppress(ImportError):
            import_module(name)


def handed(call: Callable[[], T]) -> Future[T]:
    """Give a call to a thread that never ends and return its future; a thread that is busy, or stuck, is left alone.

    Example:
        >>> handed(lambda: 6 * 7).result()
        42
    """
    from concurrent.futures import Future

    future: Future[T] = Future()
    idle().calls.put((future, call))
    return future


class Lasting(Thread):
    """A thread that takes one call after the other and ends with the process."""

    def __init__(self) -> None:
        super().__init__(name="stinespring", daemon=True)
        self.calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        self.start()

    def run(self) -> None:
        """Work until the process ends."""
        while True:
            self.work(*self.calls.get())

    def work(self, future: Future[Any], call: Callable[[], Any]) -> None:
        """Make one call, and be idle again before anybody knows that it has ended."""
        try:
            result = call()
        except BaseException as error:  # noqa: BLE001 -- raised again where it is waited for
            IDLE.append(self)
            future.set_exception(error)
        else:
            IDLE.append(self)
            future.set_result(result)


IDLE: list[Lasting] = []


def idle() -> Lasting:
    """Return a thread that waits for a call: one that has worked before, if there is one."""
    with suppress(IndexError):
        while True:
            if (found := IDLE.pop()).is_alive():  # a forked process has the list without its threads
                return found
    return Lasting()
