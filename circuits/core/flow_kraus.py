# SPDX-License-Identifier: Apache-2.0
"""The Kraus operators that a program with measurements and conditions realises, by following every branch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stinespring.circuits.core.flow import Flow, If, Measure, Reset
from stinespring.circuits.core.simulate import applied
from stinespring.readings import ComplexArray

__all__ = ["flow_kraus"]

NOTHING = 1e-28  # squared norm of a branch that does not occur
Values = tuple[int, ...]


def flow_kraus(flow: Flow, inputs: Sequence[int], outputs: Sequence[int]) -> dict[Values, ComplexArray]:
    """Return the Kraus operators of each branch.

    Args:
        flow: the program; qubits that are no inputs start in |0>.
        inputs: m qubits, least significant first.
        outputs: n qubits; the others are traced out at the end.

    Returns:
        The registers' values at the end -> operators, shape (R, 2^n, 2^m); branches that never occur are left out.
    """
    width, columns = flow.qubits, 1 << len(inputs)
    start = np.zeros((1 << width, columns), dtype=np.complex128)
    start[[sum((x >> i & 1) << q for i, q in enumerate(inputs)) for x in range(columns)], np.arange(columns)] = 1.0
    names = [name for name, _ in flow.classical]
    states: list[tuple[Values, ComplexArray]] = [((0,) * len(names), start)]
    for item in flow.instructions:
        if isinstance(item, Measure):
            for qubit, bit in zip(item.qubits, item.bits, strict=True):
                states = split(states, qubit, names.index(item.register), bit)
        elif isinstance(item, Reset):
            for qubit in item.qubits:
                states = [(values, cleared(part, qubit)) for values, part in split(states, qubit, None, 0)]
        else:
            gates = item.gates if isinstance(item, If) else (item,)
            states = [
                (values, state)
                if isinstance(item, If) and not item.holds(values[names.index(item.register)])
                else (values, applied(state, gates))
                for values, state in states
            ]
    result: dict[Values, list[ComplexArray]] = {}
    kept = [width - 1 - q for q in reversed(outputs)]
    order = [axis for axis in range(width) if axis not in kept] + kept + [width]
    for values, state in states:
        operators = state.reshape((2,) * width + (columns,)).transpose(order).reshape(-1, 1 << len(outputs), columns)
        result.setdefault(values, []).append(operators[(abs(operators) ** 2).sum(axis=(1, 2)) > NOTHING])
    return {values: np.concatenate(parts) for values, parts in result.items()}


def split(
    states: list[tuple[Values, ComplexArray]], qubit: int, place: int | None, bit: int
) -> list[tuple[Values, ComplexArray]]:
    """Return the two branches of a measurement of one qubit; ``place`` is the register that records it, or None."""
    result = []
    for values, state in states:
        for outcome in (0, 1):
            part = np.zeros_like(state)
            halves(part, qubit)[:, outcome] = halves(state, qubit)[:, outcome]
            if (abs(part) ** 2).sum() > NOTHING:
                after = values
                if place is not None:
                    word = values[place] & ~(1 << bit) | outcome << bit
                    after = (*values[:place], word, *values[place + 1 :])
                result.append((after, part))
    return result


def cleared(state: ComplexArray, qubit: int) -> ComplexArray:
    """Return a state whose qubit is known to be |0> or |1> with the qubit in |0>."""
    one = halves(state, qubit)[:, 1]
    if not one.any():
        return state
    result = np.zeros_like(state)
    halves(result, qubit)[:, 0] = one
    return result


def halves(state: ComplexArray, qubit: int) -> ComplexArray:
    """Return a view of a state, shape (2^n, columns), whose second axis is one qubit."""
    return state.reshape(-1, 2, state.shape[1] << qubit)
