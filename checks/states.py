# SPDX-License-Identifier: Apache-2.0
"""Is a circuit's state, operator or law the one that its source has? Exactly, for the sources that are no texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from stinespring.checks.texts.block import MOST_ERROR, MOST_LEAK, number
from stinespring.models.lens.reflection import Reflection
from stinespring.models.lens.states import LensStates
from stinespring.readings import ComplexArray, FloatArray, Outcomes
from stinespring.stages import Verdict

__all__ = ["check_exact_tables", "check_operator", "check_particle"]


def check_exact_tables(source: Any, asked: Any, shares: Sequence[Outcomes]) -> Verdict:
    """Compare exact shares of every reading with the law of what was asked.

    Args:
        source: of any kind.
        asked: what of it; its law is computed from the source alone.
        shares: readings with counts in proportion to their exact probabilities.

    Returns:
        PASS or FAIL; the figure ``tvd`` is the largest over the law's tables, each row weighted by how often it occurs.
    """
    worst, words, cells = 0.0, "", 0
    for table in asked.law(source).tables(shares):
        total = table.observed.sum(axis=1, keepdims=True)
        off = (table.observed - total * table.law) / total.sum()
        cells += table.law.size
        if 0.5 * abs(off).sum() >= worst:
            worst = float(0.5 * abs(off).sum())
            row, cell = np.unravel_index(int(np.argmax(abs(off))), off.shape)
            share = table.observed[row, cell] / total[row, 0] if total[row, 0] else 0.0
            words = f"outcome {cell} of row {row} of {table.test} has probability {share:.6g}, not {table.law[row, cell]:.6g}"
    figures = {"method": "law", "tvd": worst, "entries": cells}
    if worst > MOST_LEAK:
        return Verdict("FAIL", f"the circuits' exact law has TVD {worst:.3g} from the source's: {words}", figures=figures)
    return Verdict("PASS", f"exact law of {cells:,} outcomes as promised, TVD {worst:.1g}", figures=figures)


def check_operator(states: LensStates, point: int, time: float, given: ComplexArray, made: ComplexArray) -> Verdict:
    """Compare what a circuit makes of states with ``exp(-i H time)`` of the operator that leads to a point, phase included.

    Args:
        states: the prompt through a lens.
        point: from 1.
        time: how much of the operator acts.
        given: states, shape (2^q, C): of all basis states the matrix is compared. Codes that are no token are left alone.
        made: what became of them.
    """
    v = states.v[point - 1]
    padded = Reflection(np.pad(v, (0, len(made) - len(v))))
    return entries(made, padded.evolve(given.T, time).T, "matrix element")


def check_particle(after: FloatArray, made: ComplexArray, which: str) -> Verdict:
    """Compare the state of a particle's register where every layer succeeded with the particle after them, up to a phase.

    Args:
        after: from the dynamics, a unit vector, shape (d,).
        made: normalised, shape (2^q,).
        which: the circuit in words.
    """
    wanted = np.pad(after, (0, len(made) - len(after))).astype(np.complex128)
    overlap = np.vdot(wanted, made)
    return entries(made * (np.conj(overlap) / abs(overlap) if abs(overlap) > 0 else 1.0), wanted, f"coordinate of {which}")


def entries(made: ComplexArray, wanted: ComplexArray, what: str) -> Verdict:
    """Compare two arrays entry by entry."""
    place = np.unravel_index(int(np.argmax(abs(made - wanted))), made.shape)
    error = float(abs(made[place] - wanted[place]))
    figures = {"method": "amplitudes", "error": error, "entries": int(made.size)}
    where = ", ".join(str(int(i)) for i in place)
    if error <= MOST_ERROR:
        return Verdict("PASS", f"{made.size:,} amplitudes as promised, to {error:.1g}", figures=figures)
    words = f"the {what} at {where} is {number(complex(made[place]))}, not {number(complex(wanted[place]))}"
    return Verdict("FAIL", f"{words}: a difference of {error:.3g}", figures=figures)
