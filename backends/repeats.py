# SPDX-License-Identifier: Apache-2.0
"""Counts that repeat: rows that are sampled independently have the same counts no more often than shot noise allows.

Whatever its law is, a row of n shots is ``c = (c_1, c_2, ...)`` with a probability of at most
``n! prod_i (c_i / n)^{c_i} / c_i!``. So a row equals one of the rows before it with a probability of at most b, the sum of
these bounds over the different counts that were seen before with as many shots. The product of ``1 - w + w [row repeats] / b``
over the rows, with weights w that the rows before decide, has a mean of at most 1, so that it exceeds 1/r at any time with a
probability of at most r (Ville's inequality). It is a bet against independence, which stored results, a seed used twice, or the
outcomes of one run given to two histories win within a few rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from stinespring.errors import BackendError
from stinespring.readings import Outcomes

__all__ = ["RATE", "Repeats"]

RATE = 1e-9  # false alarms of a run
FIRST = 10.0  # rows of which one may repeat, as the first weight has it


class Repeats:
    """The rows of a run, in the order in which they come.

    Args:
        name: of what samples them.
    """

    def __init__(self, name: str) -> None:
        self.name, self.rows, self.same = name, 0, 0
        self.won = 0.0  # logarithm of the product
        self.known: dict[tuple[int, tuple[str, ...]], dict[bytes, float]] = {}

    def see(self, rows: Iterable[Outcomes]) -> None:
        """Take the rows of one call, which are independent of each other and of all before.

        Raises:
            BackendError: they repeat, with a false-alarm rate of 1e-9 for all rows of a run.
        """
        for row in rows:
            if not len(row.counts):
                continue
            weight = min(0.5, (self.same + 1.0) / (self.rows + FIRST))  # about as many as repeated so far
            self.rows += 1
            before = self.known.setdefault((row.shots, row.registers), {})
            key = row.values.tobytes() + b"|" + row.counts.tobytes()
            if key in before:
                self.same += 1
                self.won += math.log1p(weight * (math.exp(-log_sum(before.values())) - 1.0))
            else:
                before[key] = highest(row)
                self.won += math.log1p(-weight)
        if self.won > -math.log(RATE):
            raise BackendError(
                f"{self.name} repeats itself: counts that are sampled independently are the same",
                got=f"{self.same:,} of {self.rows:,} rows have the counts of an earlier one",
                expected=f"counts that shot noise tells apart: by chance so many are the same in one of {1 / RATE:.0e} runs",
                todo="give every call a seed of its own, or none, and return no stored results",
            )


def highest(row: Outcomes) -> float:
    """Return the logarithm of the highest probability that any law gives to these counts."""
    n, counts = row.shots, row.counts
    seen = counts[counts > 0]
    factorials = math.fsum(map(math.lgamma, (seen + 1).tolist()))
    return float(math.lgamma(n + 1) - factorials + (seen * np.log(seen / n)).sum())


def log_sum(values: Iterable[float]) -> float:
    """Return the logarithm of the sum of exponentials, -700 at least: what is more unlikely is unlikely enough."""
    return max(-700.0, math.log(math.fsum(math.exp(max(-700.0, value)) for value in values)))
