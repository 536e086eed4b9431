# SPDX-License-Identifier: Apache-2.0
"""The law that a circuit realises: contexts as classical bits, one statevector of the other wires for each context."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from stinespring.circuits.core.gates import TWO_QUBIT, Gate
from stinespring.circuits.laws.sequence import control_bits
from stinespring.readings import BoolArray, ComplexArray, FloatArray

__all__ = ["gate_matrix", "realised_law"]


def gate_matrix(gate: Gate) -> ComplexArray:
    """Return the 2 x 2 matrix of a one-qubit gate, or of what a controlled gate does to its target.

    ``u(theta, phi, lambda) = [[c, -e^{i lambda} s], [e^{i phi} s, e^{i(phi + lambda)} c]]``, c and s of half the angle.
    """
    if gate.name in {"x", "cx"}:
        return np.array([[0, 1], [1, 0]], dtype=np.complex128)
    if gate.name == "cz":
        return np.diag([1, -1]).astype(np.complex128)
    if gate.name == "h":
        return np.asarray(np.array([[1, 1], [1, -1]]) / np.sqrt(2), dtype=np.complex128)
    angles = np.array(gate.params, dtype=np.float64)
    if gate.name == "rz":
        return np.diag(np.exp(np.array([-0.5j, 0.5j]) * angles[0]))
    if gate.name not in {"ry", "u"}:
        raise ValueError(f"the gate {gate.name!r} is unknown; expected ry, rz, u, h, x, cx or cz")
    theta, phi, lam = angles if gate.name == "u" else (angles[0], 0.0, 0.0)
    c, s = np.cos(theta / 2), np.sin(theta / 2)
    rows = [[c, -np.exp(1j * lam) * s], [np.exp(1j * phi) * s, np.exp(1j * (phi + lam)) * c]]
    return np.array(rows, dtype=np.complex128)


def realised_law(gates: Iterable[Gate], *, width: int, size: int, ancillas: int = 0) -> FloatArray:
    """Return ``P(outcome, context unchanged | x)``, shape (2^M, 2^k).

    Args:
        gates: on wires 0..M-1 for the context, then k for the outcome, then ancillas. Context wires may carry controls and
            X, anything else is refused: they are simulated as classical bits.
        width: M.
        size: k.
        ancillas: wires above, traced out.

    Raises:
        ValueError: if a gate would put a context wire into a superposition.
    """
    context = control_bits(width)
    unchanged = context.copy()
    state = np.zeros((1 << width, 1 << (size + ancillas)), dtype=np.complex128)
    state[:, 0] = 1
    for gate in gates:
        matrix = gate_matrix(gate)
        *controls, target = gate.qubits
        if gate.name == "cz" and target < width <= controls[0]:
            controls, target = [target], controls[0]  # a CZ may be written either way
        if target < width:
            flip_context(context, gate, controls, target)
            continue
        rows = np.ones(1 << width, dtype=np.bool_)
        outer = [c for c in controls if c < width]
        inner = [c - width for c in controls if c >= width]
        for control in outer:
            rows &= context[control]
        state[rows] = turn(state[rows], matrix, target - width, inner)
    probabilities = (abs(state) ** 2).reshape(1 << width, -1, 1 << size).sum(axis=1)
    return np.asarray(probabilities * np.all(context == unchanged, axis=0)[:, None])


def flip_context(context: BoolArray, gate: Gate, controls: list[int], target: int) -> None:
    """Apply a gate on context wires only, in place; a CZ between them is a phase."""
    if any(control >= len(context) for control in controls) or gate.name not in {"x", "cx", "cz"}:
        raise ValueError(f"{gate} acts on the context wire {target}; expected X, CX or CZ among context wires there")
    if gate.name != "cz":
        context[target] ^= context[controls[0]] if gate.name in TWO_QUBIT else True


def turn(state: ComplexArray, matrix: ComplexArray, target: int, controls: list[int]) -> ComplexArray:
    """Apply a matrix to one qubit of statevectors of shape (rows, 2^q), if the controls are one."""
    view = state.reshape(state.shape[0], -1, 2, 1 << target)
    turned = np.einsum("ab,rhbl->rhal", matrix, view).reshape(state.shape)
    if not controls:
        return np.asarray(turned)
    index = np.arange(state.shape[1])
    on = np.all([index >> control & 1 for control in controls], axis=0)
    return np.where(on, turned, state)
