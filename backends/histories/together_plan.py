# SPDX-License-Identifier: Apache-2.0
"""What following all histories together takes: seconds of one core, and qubits' worth of memory.

A round costs its calls of NumPy, the gates on as many states as there are kinds of histories (or on every history), the product
with the histories' states, and the draw. The constants were fitted on a 2026 server core, as those of ``flow_plan``.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from stinespring.backends.histories.flow_plan import Plan
from stinespring.backends.histories.rounds import GateChoice, HistoryRound
from stinespring.backends.histories.together import MOST_TABLE

__all__ = ["plan_together"]

ROUND, GATE = 8e-5, 1.6e-5  # calls of NumPy in a round, and in a gate
TOUCHED = 9e-9  # one amplitude in one gate
MULTIPLIED = 8e-10  # one amplitude of a product, times the states it is a sum of
SQUARED = 7e-9  # one amplitude's square, and its part of a draw
KEPT = 4e-7  # one history that goes on
SPARE = 2  # qubits: a gate takes some copies of the states


def plan_together(program: Sequence[HistoryRound], *, shots: int, limit: int) -> Plan:
    """Return the time that all histories take together, and the qubits that a state of the same size has.

    Args:
        program: the rounds.
        shots: number of shots.
        limit: qubits of the widest statevector; the time is infinite if more is needed.
    """
    seconds, outcomes, qubits = 0.0, 0, 0
    for one in program:
        number = min(shots, 1 << min(60, outcomes))
        outcomes += len(one.measured)
        after = min(shots, 1 << min(60, outcomes))
        basis, width = 1 << len(one.going), 1 << one.wires
        kinds = min(number, 1 << min(60, len(one.columns)))
        tabled = kinds * basis < number and kinds * basis * width <= MOST_TABLE
        gates = sum(len(step.gates) if isinstance(step, GateChoice) else 1 for step in one.work)
        seconds += ROUND + GATE * gates + TOUCHED * gates * width * (kinds * basis if tabled else number)
        seconds += KEPT * after + SQUARED * (1 << len(one.measured)) * number
        if tabled and basis > 1:
            seconds += (MULTIPLIED * basis + SQUARED) * width * number
        kept = max(number * basis, after << len(one.kept))
        qubits = max(qubits, one.wires + SPARE, kept.bit_length())
    return Plan((), qubits, seconds if qubits <= limit else inf)
