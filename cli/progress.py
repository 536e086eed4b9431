# SPDX-License-Identifier: Apache-2.0
"""How far a verb is: a bar on stderr, on a terminal, for whatever takes more than a second."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from stinespring.batches import Report

__all__ = ["DELAY", "progress"]

DELAY = 1.0  # seconds before anything is shown


@contextmanager
def progress(phrase: str = "working") -> Iterator[Report]:
    """Show what is being done while the block runs, and take it away at its end; on a terminal only.

    Args:
        phrase: what is being done, until the block says more.

    Yields:
        A function of a phrase and the share done; 0 means that the share is not known yet.
    """
    if not sys.stderr.isatty():
        yield lambda phrase, share: None
        return
    display = Display(phrase)
    try:
        yield display.report
    finally:
        display.end()


class Display:
    """A bar that appears after a second."""

    def __init__(self, phrase: str) -> None:
        from stinespring.backends.native import handed

        self.phrase, self.share, self.over = phrase, 0.0, Event()
        self.bar: Bar | None = None
        self.lock = Lock()
        handed(self.show)

    def report(self, phrase: str, share: float) -> None:
        """Take note of how far the work is."""
        with self.lock:
            self.phrase, self.share = phrase, share
            self.draw()

    def show(self) -> None:
        """Begin to show the bar after a second, unless the work is over."""
        if self.over.wait(DELAY):
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        with self.lock:
            if not self.over.is_set():
                self.bar = Progress(*columns, console=Console(stderr=True), transient=True)
                self.bar.add_task(self.phrase, total=None)
                self.bar.start()
                self.draw()

    def draw(self) -> None:
        """Bring the bar up to date."""
        if self.bar is not None:
            [task] = self.bar.task_ids
            total = 1.0 if self.share > 0 else None
            self.bar.update(task, description=self.phrase, completed=self.share, total=total)

    def end(self) -> None:
        """Take the bar away."""
        with self.lock:
            self.over.set()
            if self.bar is not None:
                self.bar.stop()
