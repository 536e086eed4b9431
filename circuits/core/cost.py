# SPDX-License-Identifier: Apache-2.0
"""What gates cost, all-to-all, on the worst path."""

from __future__ import annotations

from collections.abc import Sequence

from stinespring.circuits.core.flow import Flow
from stinespring.circuits.core.gates import TWO_QUBIT, Gate, RotationArray, depths
from stinespring.circuits.core.worst_path import worst_path
from stinespring.stages import Cost

__all__ = ["circuit_cost", "flow_cost"]


def flow_cost(flow: Flow) -> Cost:
    """Return the cost of a program on its worst path."""
    worst = worst_path(flow)
    return Cost(
        qubits=flow.qubits,
        clbits=flow.clbits,
        two_qubit_gates=worst.two_qubit,
        two_qubit_depth=max(worst.pairs, default=0),
        depth=max(worst.layers, default=0),
        mid_circuit_measurements=flow.mid_circuit_measurements,
        conditions=flow.conditions,
    )


def circuit_cost(gates: Sequence[Gate], qubits: int, clbits: int) -> Cost:
    """Return the cost of gates followed by one measurement layer (if anything is measured)."""
    layer = 1 if clbits else 0
    if isinstance(gates, RotationArray):
        deepest, chain = depths(gates, qubits)
        return Cost(qubits, clbits, gates.two_qubit, chain, deepest + layer, 0, 0)
    level, pairs = [0] * qubits, [0] * qubits
    two_qubit = 0
    for name, on, _ in gates:
        if name in TWO_QUBIT:
            two_qubit += 1
            a, b = on
            level[a] = level[b] = max(level[a], level[b]) + 1
            pairs[a] = pairs[b] = max(pairs[a], pairs[b]) + 1
        else:
            level[on[0]] += 1
    return Cost(qubits, clbits, two_qubit, max(pairs, default=0), max(level, default=0) + layer, 0, 0)
