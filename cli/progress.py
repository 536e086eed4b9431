# SPDX-License-Identifier: Apache-2.0
"""How far a verb is: a bar on stderr, on a terminal, for whatever takes more than a second."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stinespring.batches import Report

__all__ = ["progress"]


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
    from stinespring.pipeline.python.bars import Display

    display = Display(phrase)
    try:
        yield display.report
    finally:
        display.end()
