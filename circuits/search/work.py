# SPDX-License-Identifier: Apache-2.0
"""Work is counted, not timed: every search tells here what it has done, in modelled seconds, so that budgets can be shared.

The prices of an operation (the constants ``*_COST`` beside each kind of equations) were fitted by non-negative least squares to
1,300 searches of texts, laws and channels on one thread, and raised by a third: of a stated second 0.75 were taken on the core
they were fitted on, 0.5 to 1 by the kind of the search (``python -m benchmarks effort``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["Spent", "counted", "spend"]


class Spent:
    """Modelled seconds of the searches within a block.

    Attributes:
        seconds: so far.
    """

    def __init__(self) -> None:
        self.seconds = 0.0


OPEN: ContextVar[tuple[Spent, ...]] = ContextVar("OPEN", default=())


@contextmanager
def counted() -> Iterator[Spent]:
    """Count the work of all searches within the block; blocks may be nested.

    Example:
        >>> with counted() as spent:
        ...     spend(0.5)
        >>> spent.seconds
        0.5
    """
    spent = Spent()
    token = OPEN.set((*OPEN.get(), spent))
    try:
        yield spent
    finally:
        OPEN.reset(token)


def spend(seconds: float) -> None:
    """Add the work of a search to all blocks around it."""
    for spent in OPEN.get():
        spent.seconds += seconds
