# SPDX-License-Identifier: Apache-2.0
"""How much memory this process may still take, and the one refusal of what does not fit: before the work, with figures.

Every limit counts: of the process (``ulimit -v`` and ``-d``), of its control groups and all above them, and what the system has
free. What a command will take is told by those who allocate it (an array by its size, a simulator by its state).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from stinespring.errors import TooLargeError

__all__ = ["Room", "available", "capacity", "require_memory", "spelled"]

RESERVE = 32 << 20  # bytes that stay free: the interpreter allocates beside the arrays that are predicted
PROCESS, GROUPS = Path("/proc/self"), Path("/sys/fs/cgroup")
UNLIMITED = 1 << 62  # version 1 of the control groups writes a number near 2^63 for no limit


class Room(NamedTuple):
    """Some bytes, and what sets them."""

    size: int
    by: str


def available() -> Room:
    """Return what can still be allocated: the least of all limits, each less what is in use under it."""
    return min([*process_rooms(), *group_rooms(), free()])


def capacity() -> Room:
    """Return what the process could have if it used nothing yet: it does not change while others work on the machine."""
    return min([*process_rooms(used=False), *group_rooms(used=False), installed()])


def require_memory(needed: float, what: str, todo: str) -> None:
    """Refuse what does not fit, before anything of it is allocated.

    Args:
        needed: bytes that will be in use at once, beyond what the process has.
        what: what needs them, as the subject of "does not fit in memory".
        todo: what to do instead.

    Raises:
        TooLargeError: naming what is needed, what there is, and which limit sets it.
    """
    room = available()
    if needed > max(0, room.size - RESERVE):
        raise TooLargeError(
            f"{what} does not fit in memory",
            got=f"about {spelled(needed)} needed",
            expected=f"at most {spelled(max(0, room.size - RESERVE))}, by {room.by}",
            todo=todo,
        )


def spelled(size: float) -> str:
    """Return a number of bytes for people.

    Example:
        >>> spelled(3.2e9), spelled(700_000_000)
        ('3.2 GB', '700 MB')
    """
    return f"{size / 1e9:.3g} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def process_rooms(*, used: bool = True) -> Iterator[Room]:
    """Yield what the limits of the process leave."""
    try:
        import resource
    except ImportError:  # Windows
        return
    pages = [0, 0, 0, 0, 0, 0, 0]
    if used:
        with suppress(OSError, ValueError):
            pages = [int(word) for word in (PROCESS / "statm").read_text().split()]
    for limit, taken, name in ((resource.RLIMIT_AS, pages[0], "ulimit -v"), (resource.RLIMIT_DATA, pages[5], "ulimit -d")):
        most, _ = resource.getrlimit(limit)
        if most != resource.RLIM_INFINITY:
            yield Room(most - taken * os.sysconf("SC_PAGE_SIZE"), name)


def group_rooms(*, used: bool = True) -> Iterator[Room]:
    """Yield what the control groups of the process, and all above them, leave; pages of files can be given back."""
    with suppress(OSError):
        for line in (PROCESS / "cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers == "":
                names, root = ("memory.max", "memory.current", "inactive_file"), GROUPS
            elif "memory" in controllers.split(","):
                names, root = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"), GROUPS / "memory"
            else:
                continue
            here = root / path.lstrip("/")
            for folder in [here, *here.parents]:
                if folder.is_relative_to(root):
                    yield from group_room(folder, names, used)


def group_room(folder: Path, names: tuple[str, str, str], used: bool) -> Iterator[Room]:
    """Yield what one control group leaves, if it has a limit."""
    with suppress(OSError, ValueError):
        most = int((folder / names[0]).read_text())  # "max" is no number
        if most < UNLIMITED:
            taken = int((folder / names[1]).read_text()) if used else 0
            with suppress(OSError):
                figures = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
                taken -= min(taken, int(figures.get(names[2], 0)))
            yield Room(most - taken, f"the control group {folder}")


def free() -> Room:
    """Return what the system can give without swapping."""
    with suppress(OSError, ValueError, IndexError):
        [line] = [line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemAvailable:")]
        return Room(1024 * int(line.split()[1]), "what the system has free")
    return installed()


def installed() -> Room:
    """Return the machine's memory."""
    try:
        return Room(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), "this machine's memory")
    except (AttributeError, OSError, ValueError):
        return Room(UNLIMITED, "nothing that is known")
