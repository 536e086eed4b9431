# SPDX-License-Identifier: Apache-2.0
"""The runs in the ledger, as a table that says itself what it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

from stinespring.ledger.listing import Listed
from stinespring.ledger.store import Ledger
from stinespring.showing import Brief, FourLines, many

__all__ = ["Jobs", "jobs"]


class Jobs(Brief, Sequence[Listed]):
    """Runs, the newest first: a sequence whose entries have ``id, state, backend, shots, created, message, name, title``.

    Attributes:
        runs: those that are listed.
        number: how many the ledger has.
        path: where it is.
    """

    def __init__(self, runs: Sequence[Listed], number: int, path: str) -> None:
        self.runs, self.number, self.path = tuple(runs), number, path

    @overload
    def __getitem__(self, index: int) -> Listed: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Listed, ...]: ...
    def __getitem__(self, index: int | slice) -> Listed | tuple[Listed, ...]:
        """Return one run, or some."""
        return self.runs[index]

    def __len__(self) -> int:
        return len(self.runs)

    def __iter__(self) -> Iterator[Listed]:
        return iter(self.runs)

    def brief(self) -> FourLines:
        """Return how many runs there are, and the newest."""
        newest = [f"{run.id}: {run.title or run.name}, {run.state} on {run.backend}" for run in self.runs[:2]]
        return FourLines(f"Jobs: {many(self.number, 'run')} in {self.path}", [*newest, *(["…"] if len(self.runs) > 2 else [])])


def jobs(most: int | None = 100) -> Jobs:
    """Return the runs in the ledger, the newest first, as ``stinespring jobs`` lists them.

    Args:
        most: no more than so many; None: all.
    """
    ledger = Ledger()
    return Jobs(ledger.listed(most), ledger.number(), str(ledger.path))
