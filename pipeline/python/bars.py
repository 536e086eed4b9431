# SPDX-License-Identifier: Apache-2.0
"""How far work is: a bar on a terminal or in a notebook, for whatever takes more than a second."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

from stinespring.batches import Report, quiet

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

__all__ = ["DELAY", "Display", "NotebookBar", "in_notebook", "reporting"]

DELAY = 1.0  # seconds before anything is shown


def in_notebook() -> Any:
    """Return IPython's ``display`` where a notebook shows what is displayed, else None; IPython is not imported for it."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is None or not hasattr(shell, "kernel"):
        return None
    return getattr(sys.modules.get("IPython.display"), "display", None)


@contextmanager
def reporting(wanted: bool | Report | None) -> Iterator[Report]:
    """Give a function that is told how far the work is, and take the bar away at the end.

    Args:
        wanted: a function of a phrase and the share done; True: a bar, in a notebook or on stderr; False: none; None: a bar in
            notebooks only.
    """
    if callable(wanted):
        yield wanted
        return
    display = in_notebook()
    if wanted is False or (wanted is None and display is None):
        yield quiet
        return
    bar = Display("working") if display is None else NotebookBar(display)
    try:
        yield bar.report
    finally:
        bar.end()


class NotebookBar:
    """A bar in a notebook that appears after a second.

    Args:
        display: IPython's; what it returns can be updated.
    """

    def __init__(self, display: Any) -> None:
        from stinespring.backends.native import handed

        self.display, self.lock, self.over = display, Lock(), Event()
        self.handle: Any = None
        self.phrase, self.share = "working", 0.0
        handed(self.show)

    def report(self, phrase: str, share: float) -> None:
        """Take note of how far the work is."""
        with self.lock:
            self.phrase, self.share = phrase, share
            if self.handle is not None and not self.over.is_set():
                self.handle.update(self.html(), raw=True)

    def show(self) -> None:
        """Begin to show the bar after a second, unless the work is over."""
        if self.over.wait(DELAY):
            return
        with self.lock:
            if not self.over.is_set():
                self.handle = self.display(self.html(), raw=True, display_id=True)

    def html(self) -> dict[str, str]:
        """Return the bar; without a value it says that work goes on."""
        value = f' value="{self.share:.3f}"' if self.share > 0 else ""
        text = f"{self.phrase} {self.share:.0%}" if self.share > 0 else self.phrase
        return {"text/html": f'<progress max="1"{value}></progress> {escape(text)}', "text/plain": text}

    def end(self) -> None:
        """Take the bar away."""
        with self.lock:
            self.over.set()
            if self.handle is not None:
                self.handle.update({"text/html": "", "text/plain": ""}, raw=True)


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
