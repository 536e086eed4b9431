# SPDX-License-Identifier: Apache-2.0
"""The block's law with gradients, by the library autograd (extra ``[train]``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from autograd import numpy as numpy  # noqa: PLC0414 -- part of what the law is evaluated with
from autograd import value_and_grad
from autograd.extend import defvjp, primitive

from stinespring.models.training import plain

__all__ = ["mix", "numpy", "pick", "value_and_grad"]

CHUNK = 1 << 22  # entries at once: 32 MB
pick: Callable[..., Any] = primitive(plain.pick)
mix: Callable[..., Any] = primitive(plain.mix)


def by_table(answer: Any, rows: Any, table: Any) -> Callable[[Any], Any]:
    """Pull a gradient back to the table: ``M^T g``."""
    return lambda g: rows.T @ g


def by_choice(answer: Any, choice: Any, readings: Any, tuples: Any, starts: Any) -> Callable[[Any], Any]:
    """Pull a gradient back to the choices: ``sum_t g[b, t] readings[tuples[b, c], t]``."""

    def pull(g: Any) -> Any:
        result = np.empty(choice.shape)
        rows = max(1, CHUNK // (tuples.shape[1] * readings.shape[1]))
        for i in range(0, len(result), rows):
            result[i : i + rows] = np.einsum("bt,bct->bc", g[i : i + rows], readings[tuples[i : i + rows]])
        return result

    return pull


def by_readings(answer: Any, choice: Any, readings: Any, tuples: Any, starts: Any) -> Callable[[Any], Any]:
    """Pull a gradient back to the readings: ``M^T g``."""
    matrix = plain.mixture(choice, len(readings), tuples, starts)
    return lambda g: matrix.T @ g


defvjp(pick, by_table, argnums=(1,))
defvjp(mix, by_choice, by_readings, argnums=(0, 1))
