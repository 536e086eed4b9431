# SPDX-License-Identifier: Apache-2.0
"""The console script: Ctrl-C while the command is still being imported is one line and status 130, as it is later."""

from __future__ import annotations

import gc
import os
import signal
from types import FrameType

__all__ = ["main"]

SAID = b"stinespring: interrupted\n"
STATUS = 130  # cli.failures.INTERRUPTED, which is not imported yet


def main() -> None:
    """Import the command, and run it: see :func:`stinespring.cli.main.main`, which installs handlers of its own."""
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, stop)
    try:
        if "_STINESPRING_COMPLETE" in os.environ:  # a shell asks how a word goes on
            from stinespring.cli.words.completing import answer

            gc.disable()  # the process ends soon
            answer()
        from stinespring.cli.main import main as command

        signal.signal(signal.SIGINT, before)
        command()
    except KeyboardInterrupt:
        stop()


def stop(number: int = signal.SIGINT, frame: FrameType | None = None) -> None:
    """Say it and end at once: nothing has been begun."""
    os.write(2, SAID)
    os._exit(STATUS)
