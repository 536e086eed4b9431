# SPDX-License-Identifier: Apache-2.0
"""One thread of BLAS while a search runs.

Its matrices are small: on two threads the same search takes up to ten times the processor time, nearly all of it waiting, and
no less time; and sums in another order make it another search. Libraries other than OpenBLAS keep their threads.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from threading import Lock
from typing import NamedTuple

__all__ = ["one_thread"]

MAPS = Path("/proc/self/maps")
NAMES = [(before, after) for before in ("scipy_openblas", "openblas") for after in ("64_", "", "_64_", "_")]
LOCK = Lock()
INSIDE: list[int] = []  # how many blocks there are, by an entry each; several threads may search at once
BEFORE: list[int] = []  # the number of threads of each library before the first of them


class Library(NamedTuple):
    """How the number of threads of a loaded BLAS is asked for and set."""

    get: Callable[[], int]
    put: Callable[[int], None]


@cache
def libraries() -> tuple[Library, ...]:
    """Return the OpenBLAS libraries of this process: NumPy and SciPy bring one each."""
    found: list[Library] = []
    with suppress(OSError):
        paths = {line.split(maxsplit=5)[-1] for line in MAPS.read_text().splitlines() if "openblas" in line}
        for path in sorted(paths):
            library = ctypes.CDLL(path)
            for before, after in NAMES:
                get = getattr(library, f"{before}_get_num_threads{after}", None)
                put = getattr(library, f"{before}_set_num_threads{after}", None)
                if get is not None and put is not None:
                    found.append(Library(get, put))
                    break
    return tuple(found)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let BLAS use one thread within the block; also as a decorator."""
    with LOCK:
        if not INSIDE:
            BEFORE[:] = [library.get() for library in libraries()]
            for library, number in zip(libraries(), BEFORE, strict=True):
                if number != 1:
                    library.put(1)
        INSIDE.append(1)
    try:
        yield
    finally:
        with LOCK:
            INSIDE.pop()
            if not INSIDE:
                for library, number in zip(libraries(), BEFORE, strict=True):
                    if number != 1:
                        library.put(number)
