# SPDX-License-Identifier: Apache-2.0
"""How each kind of source is shown: one module a kind with the same five functions.

``summary(result)`` is the JSON of ``run`` and ``fetch``, ``judged(verdict)`` that of ``check``, ``show(result, title)``
prints for people, ``plot(result, path)`` writes the figure and ``page(result, command)`` returns the report.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from stinespring.stages import Verdict

if TYPE_CHECKING:
    from stinespring.pipeline.whole import Result
    from stinespring.report.html.page import Page

__all__ = ["Shown", "shown"]

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

    def page(self, found: Result, command: str) -> Page:
        """Return the report."""


def shown(kind: str) -> Shown:
    """Return how a kind of sources is shown."""
    return cast("Shown", import_module(MODULES[kind]))
