# SPDX-License-Identifier: Apache-2.0
"""How each kind of source is shown: one module a kind with the same five functions.

``summary(result)`` is the JSON of ``run`` and ``fetch``, ``judged(verdict)`` that of ``check``, ``show(result, title)``
prints for people, ``plot(result, path)`` writes the figure and ``page(result, command)`` returns the report. A kind without a
module is shown as :class:`Plain` does.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from stinespring.cli.screen import print_table, say, wrote
from stinespring.errors import InputError
from stinespring.stages import Verdict

if TYPE_CHECKING:
    from stinespring.pipeline.whole import Found, Result
    from stinespring.report.html.page import Page

__all__ = ["Plain", "Shown", "page_files", "shown"]

MODULES = {
    "texts": "stinespring.cli.texts.shown",
    "lens": "stinespring.cli.lens.shown",
    "sphere": "stinespring.cli.sphere.shown",
    "spins": "stinespring.cli.spins.shown",
    "channel": "stinespring.cli.channels.shown",
}


class Shown(Protocol):
    """What a module of :data:`MODULES` has."""

    def summary(self, found: Result) -> dict[str, Any]:
        """Return what ``run --json`` prints."""

    def judged(self, verdict: Verdict) -> dict[str, Any]:
        """Return what ``check --json`` prints."""

    def show(self, found: Result, title: str) -> None:
        """Print for people."""

    def plot(self, found: Result, path: Path) -> None:
        """Write the figure."""

    def page(self, found: Found, command: str) -> Page:
        """Return the report."""


class Plain:
    """What any source can be shown as: cost, counts and verdict; it has no figure."""

    def summary(self, found: Result) -> dict[str, Any]:
        """Return the verdict, the counts, the cost and where they were sampled."""
        from stinespring.pipeline.counts.files import counts_of

        samples = found.samples
        return self.judged(found.verdict) | {
            "seconds": samples.seconds, "seed": samples.seed, "backend": samples.backend, "counts": counts_of(samples),
            "cost": found.program.summary() if found.run is None else dict(found.run.program["cost"]),
            "metadata": dict(samples.metadata),
        }  # fmt: skip

    def judged(self, verdict: Verdict) -> dict[str, Any]:
        """Return the figures of the verdict."""
        return verdict.summary()

    def show(self, found: Result, title: str) -> None:
        """Print the most frequent readings of the first circuit, and the verdict."""
        from stinespring.cli.output import SHOWN, cost_line, print_verdict

        samples = found.samples
        if found.run is None:
            say(cost_line(found.program))
        say(f"{samples.shots:,} shots on {samples.backend} in {samples.seconds:.2f} s")
        rows = [[key, f"{count:,}"] for key, count in list(samples.by_text().items())[:SHOWN]]
        print_table(title, ["reading", "count"], rows)
        print_verdict(found.verdict)

    def plot(self, found: Result, path: Path) -> None:
        """Refuse: there is no figure."""
        raise InputError("this kind of source has no figure", got=found.program.asked.kind, todo="leave out --plot")

    def page(self, found: Found, command: str) -> Page:
        """Return the report: readings row by row, where the law comes as tables."""
        from stinespring.report.html.tables import tables_page

        return tables_page(found, command)


def shown(kind: str) -> Shown:
    """Return how a kind of sources is shown."""
    return cast("Shown", import_module(MODULES[kind])) if kind in MODULES else Plain()


def page_files(kind: str, found: Found, page: Path | None, command: str) -> list[Callable[[], None]]:
    """Return what writes the page that was asked for, and says so; nothing where none was."""

    def write() -> None:
        assert page is not None
        shown(kind).page(found, command).write(page)
        wrote(page)

    return [] if page is None else [write]
