# SPDX-License-Identifier: Apache-2.0
"""What every benchmark needs: options, seconds of a call, and a table that is printed as it grows and kept as dated JSON."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.results import dated, write

__all__ = ["Sheet", "arguments", "line", "times"]


def arguments(benchmark: str, about: str | None) -> argparse.ArgumentParser:
    """Return a parser that knows ``--output``."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks {benchmark}", description=about)
    parser.add_argument(
        "--output", type=Path, metavar="FILE.json", help="keep the figures with date, machine, versions and commit"
    )
    return parser


def times(repeats: int, work: Callable[..., object], *given: Any) -> list[float]:
    """Return the seconds of each of some runs."""
    found = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work(*given)
        found.append(time.perf_counter() - begun)
    return found


def line(*cells: object) -> str:
    """Return a row of a Markdown table.

    Example:
        >>> line("a", 1)
        '| a | 1 |'
    """
    return "| " + " | ".join(map(str, cells)) + " |"


class Sheet:
    """The rows of a benchmark: printed as they are measured, their figures kept.

    Args:
        benchmark: its name.
    """

    def __init__(self, benchmark: str) -> None:
        self.benchmark = benchmark
        self.rows: list[dict[str, Any]] = []

    def head(self, *names: str, words: int = 1) -> None:
        """Print the head of a table: the first columns hold words, the others numbers."""
        print(line(*names))
        print(line(*("---" if place < words else "---:" for place in range(len(names)))), flush=True)

    def row(self, *cells: object, **figures: Any) -> None:
        """Print a row, and keep what it is made of."""
        print(line(*cells), flush=True)
        self.rows.append(figures)

    def told(self, text: str, **figures: Any) -> None:
        """Print a sentence, and keep its figures."""
        print(text, flush=True)
        self.rows.append(figures)

    def keep(self, path: Path | None) -> None:
        """Write the figures, if a file is named."""
        if path is not None:
            write(path, dated(self.benchmark, self.rows))
