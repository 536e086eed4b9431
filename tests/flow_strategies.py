# SPDX-License-Identifier: Apache-2.0
"""Hypothesis strategies for programs with measurements, resets and conditions."""

from __future__ import annotations

from hypothesis import strategies as st

from stinespring.circuits.flow import Flow, If, Measure, Reset
from stinespring.circuits.gates import Gate

ANGLES = st.floats(-3, 3)


@st.composite
def gates(draw, qubits: int = 3) -> Gate:
    a, b = draw(st.permutations(range(qubits)))[:2]
    kind = draw(st.sampled_from(["cx", "cz", "h", "x", "ry", "rz", "u"]))
    size = {"ry": 1, "rz": 1, "u": 3}.get(kind, 0)
    return Gate(kind, (a, b) if kind in ("cx", "cz") else (a,), tuple(draw(ANGLES) for _ in range(size)))


@st.composite
def flows(draw) -> Flow:
    """Two system qubits, one ancilla, three bits of `outcome` and one of `other`."""
    items = []
    for _ in range(draw(st.integers(1, 12))):
        kind = draw(st.sampled_from(["gate", "gate", "measure", "reset", "if", "bit", "other"]))
        if kind == "gate":
            items.append(draw(gates()))
        elif kind == "measure":
            items.append(Measure((draw(st.integers(0, 2)),), "outcome", (draw(st.integers(0, 2)),)))
        elif kind == "other":
            items.append(Measure((draw(st.integers(0, 2)),), "other", (0,)))
        elif kind == "reset":
            items.append(Reset((draw(st.integers(0, 2)),)))
        else:
            body = tuple(draw(st.lists(gates(), min_size=1, max_size=3)))
            if kind == "if":
                items.append(If("outcome", draw(st.integers(0, 7)), body))
            else:
                items.append(If("other", draw(st.integers(0, 1)), body, bit=0))
    return Flow((("sys", 2), ("env", 1)), (("outcome", 3), ("other", 1)), tuple(items))
