# SPDX-License-Identifier: Apache-2.0
"""How a command ends: its exit status, and one message for whatever went wrong; a verdict that was found is never lost.

0: PASS or done, 1: FAIL, 2: bad input, 3: UNVERIFIED, 4: the backend failed or its native code aborted, 70: a defect of
stinespring, 74: stdout or a file could not be written, 130: interrupted.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from stinespring.errors import StinespringError, shorten
from stinespring.version import __version__

if TYPE_CHECKING:
    from typing import TextIO

    from stinespring.stages import Verdict

__all__ = ["EXIT", "INTERNAL", "INTERRUPTED", "UNWRITTEN", "Heard", "conclude", "tell", "unheard"]

EXIT = {"PASS": 0, "FAIL": 1, "UNVERIFIED": 3}
INTERNAL, UNWRITTEN, INTERRUPTED = 70, 74, 130  # the first two as in sysexits.h: EX_SOFTWARE, EX_IOERR


class Heard:
    """A stream for messages that never stops the work it tells of: what cannot be written is not said.

    Args:
        stream: to write to, or None where there is none.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self.stream = stream or Path(os.devnull).open("w")  # noqa: SIM115 -- as long as the process lives

    def write(self, text: str) -> int:
        """Write a text if that can be."""
        with suppress(OSError, ValueError):
            self.stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Write what is left if that can be."""
        with suppress(OSError, ValueError):
            self.stream.flush()

    def __getattr__(self, name: str) -> Any:
        """Be the stream in everything else."""
        return getattr(self.stream, name)


def tell(error: Exception) -> int:
    """Say in one message what went wrong, and return the exit status; STINESPRING_LOG=DEBUG shows the traceback of a defect."""
    notes = "".join(f"  {note}\n" for note in getattr(error, "__notes__", ()))
    if isinstance(error, StinespringError):
        sys.stderr.write(f"stinespring: {error}\n{notes}")
        return error.exit_status
    if os.environ.get("STINESPRING_LOG") == "DEBUG":
        traceback.print_exception(error)
    if isinstance(error, MemoryError):
        todo = "  to do: ask for less, or run it on a larger one\n"
        sys.stderr.write(f"stinespring: this machine has not enough memory\n{todo}{notes}")
        return 2
    if isinstance(error, OSError) and error.errno is not None:
        place = "" if error.filename is None else f"  got: {shorten(error.filename)}\n"
        sys.stderr.write(f"stinespring: nothing more can be written or read: {error.strerror}\n{place}{notes}")
        unheard()
        return UNWRITTEN
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "nowhere"
    with suppress(Exception):  # a defect may be one of the error's own
        notes = f"  got: {shorten(' '.join(str(error).split()), 300)}\n{notes}"
    sys.stderr.write(
        f"stinespring: internal error, a defect of stinespring {__version__}: {type(error).__name__} at {place}\n{notes}"
        f"  to do: report this text and the command to the maintainers; STINESPRING_LOG=DEBUG shows the traceback\n"
    )
    return INTERNAL


def unheard() -> None:
    """Lead what is left for stdout to nowhere: Python would try to write it once more at its end, and end with 120."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def conclude(verdict: Verdict, say: Callable[[], object], *files: Callable[[], object]) -> NoReturn:
    """Say a verdict, write the figures and pages that were asked for, and end with its exit status.

    Whatever fails on the way, the verdict is said: on stdout, or where that cannot be, in the message of what failed. A file
    that fails is told of on stderr and does not keep the others from being written; it changes the status of PASS only, to
    that of the failure: FAIL stays 1 and UNVERIFIED 3.

    Args:
        verdict: that was found.
        say: prints it.
        *files: each writes one of them.

    Raises:
        Exit: always.
    """
    try:
        say()
        sys.stdout.flush()
    except Exception as error:
        error.add_note(shorten(f"the verdict is {verdict.verdict}: {' '.join(verdict.reason.split())}", 300))
        raise
    failed = 0
    for write in files:
        try:
            write()
        except Exception as error:  # noqa: BLE001 -- a defect of a figure is none of the verdict
            failed = tell(error) or failed
    raise typer.Exit(EXIT[verdict.verdict] or failed)
