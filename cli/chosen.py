# SPDX-License-Identifier: Apache-2.0
"""What was chosen among, where a program was compiled by what it is predicted to read."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stinespring.stages import Program

__all__ = ["say_choices"]

CHOICES = (
    ("schedule", "schedule"), ("codes", "codes"), ("tolerance", "tolerance"), ("delays", "delays"), ("layout", "layout"),
    ("two_qubit_gates", "CX"), ("tvd_bound", "TVD bound"), ("expected_tvd", "expected TVD"), ("expected_tvd_by", "by"),
)  # fmt: skip
ALWAYS = ("schedule", "two_qubit_gates", "expected_tvd")


def say_choices(program: Program) -> None:
    """Say on stderr what was chosen among, where a program was compiled by what it is predicted to read.

    What is the same of all of them is no column.
    """
    rows = program.details.get("choices", ())
    if len(rows) < 2:
        return
    columns = [(key, title) for key, title in CHOICES if key in ALWAYS or len({str(row[key]) for row in rows}) > 1]
    cells = [[title for _, title in columns]]
    for row in rows:
        values = [row[key] for key, _ in columns]
        cells.append(["-" if v is None else f"{v:.3g}" if isinstance(v, float) else str(v) for v in values])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    marks = [" ", *("*" if row["chosen"] else " " for row in rows)]
    lines = [
        f"{mark} " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for mark, line in zip(marks, cells, strict=True)
    ]
    way = "" if ("expected_tvd_by", "by") in columns else f" ({rows[0]['expected_tvd_by']})"
    sys.stderr.write(f"chosen by the expected TVD, approximation and noise in one{way}:\n" + "\n".join(lines) + "\n")
