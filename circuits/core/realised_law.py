# SPDX-License-Identifier: Apache-2.0
"""The law that a circuit realises: contexts as classical bits, one state of the other wires for each context."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from stinespring.circuits.core.cz_sequence import control_bits
from stinespring.circuits.core.gates import TWO_QUBIT, Gate
from stinespring.circuits.core.simulate import applied
from stinespring.readings import BoolArray, FloatArray

__all__ = ["realised_law"]


def realised_law(gates: Iterable[Gate], *, width: int, size: int, ancillas: int = 0) -> FloatArray:
    """Return ``P(outcome, context unchanged | x)``, shape (2^M, 2^k).

    Args:
        gates: on wires 0..M-1 for the context, then k for the outcome, then ancillas. Context wires may carry controls and
            X, anything else is refused: they are simulated as classical bits.
        width: M.
        size: k.
        ancillas: wires above, traced out.

    Raises:
        ValueError: if a gate would put a context wire into a superposition, or is unknown.
    """
    context = control_bits(width)
    unchanged = context.copy()
    state = np.zeros((1 << (size + ancillas), 1 << width), dtype=np.complex128)
    state[0] = 1
    for gate in gates:
        *controls, target = gate.qubits
        if gate.name == "cz" and target < width <= controls[0]:
            controls, target = [target], controls[0]  # a CZ may be written either way
        if target < width:
            flip_context(context, gate, controls, target)
        elif not controls or controls[0] >= width:
            state = applied(state, [gate._replace(qubits=tuple([q - width for q in gate.qubits]))])
        elif gate.name == "cz":
            state.reshape(-1, 2, 1 << (target - width), 1 << width)[:, 1] *= np.where(context[controls[0]], -1.0, 1.0)
        else:
            on = context[controls[0]]
            state[:, on] = applied(state[:, on], [controlled(gate, target - width)])
    probabilities = (abs(state) ** 2).reshape(-1, 1 << size, 1 << width).sum(axis=0).T
    return np.asarray(probabilities * np.all(context == unchanged, axis=0)[:, None])


def controlled(gate: Gate, target: int) -> Gate:
    """Return what a CX does to its target if the control is set."""
    if gate.name not in TWO_QUBIT:
        raise ValueError(f"the gate {gate.name!r} is unknown; expected ry, rz, u, h, x, cx or cz")
    return Gate("x", (target,))


def flip_context(context: BoolArray, gate: Gate, controls: list[int], target: int) -> None:
    """Apply a gate on context wires only, in place; a CZ between them is a phase."""
    if any(control >= len(context) for control in controls) or gate.name not in {"x", "cx", "cz"}:
        raise ValueError(f"{gate} acts on the context wire {target}; expected X, CX or CZ among context wires there")
    if gate.name != "cz":
        context[target] ^= context[controls[0]] if gate.name in TWO_QUBIT else True
