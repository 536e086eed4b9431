# SPDX-License-Identifier: Apache-2.0
"""The compiler's own list of gates: light enough for a million of them, turned into Qiskit at the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.circuit import ParameterExpression

__all__ = ["TWO_QUBIT", "Gate", "Slot", "append", "count_two_qubit", "relabel", "two_qubit_depth"]

TWO_QUBIT = frozenset({"cx", "cz"})


class Slot(NamedTuple):
    """A rotation angle that is bound later: the ``number``-th entry of a vector of angles."""

    number: int


class Gate(NamedTuple):
    """One gate: a name of the OpenQASM standard library, qubits (control first) and angles in radians."""

    name: str
    qubits: tuple[int, ...]
    params: tuple[float | Slot, ...] = ()


def relabel(gates: Sequence[Gate], wires: Sequence[int]) -> Sequence[Gate]:
    """Return the gates with local qubit q replaced by ``wires[q]``; the same gates where nothing changes."""
    if list(wires) == list(range(len(wires))):
        return gates
    return [Gate(name, tuple([wires[q] for q in on]), params) for name, on, params in gates]


def count_two_qubit(gates: Iterable[Gate]) -> int:
    """Return the number of two-qubit gates."""
    return sum(gate.name in TWO_QUBIT for gate in gates)


def two_qubit_depth(gates: Iterable[Gate]) -> int:
    """Return the longest chain of two-qubit gates that share qubits."""
    level: dict[int, int] = {}
    for gate in gates:
        if gate.name in TWO_QUBIT:
            after = 1 + max(level.get(q, 0) for q in gate.qubits)
            level.update(dict.fromkeys(gate.qubits, after))
    return max(level.values(), default=0)


def append(circuit: QuantumCircuit, gates: Iterable[Gate], parameters: Sequence[ParameterExpression] = ()) -> None:
    """Append gates to a Qiskit circuit whose qubits are numbered as in the gates.

    Args:
        circuit: changed in place.
        gates: what to append.
        parameters: what a :class:`Slot` stands for.
    """
    from qiskit.circuit import CircuitInstruction
    from qiskit.circuit.library import CXGate, CZGate, HGate, RYGate, RZGate, UGate, XGate

    kinds: Mapping[str, type] = {
        "ry": RYGate,
        "rz": RZGate,
        "u": UGate,
        "x": XGate,
        "h": HGate,
        "cz": CZGate,
        "cx": CXGate,
    }
    fixed = {name: kinds[name]() for name in ("x", "h", "cz", "cx")}
    wires = circuit.qubits
    for name, qubits, params in gates:
        operation = fixed.get(name)
        if operation is None:
            angles = [parameters[p.number] if isinstance(p, Slot) else p for p in params]
            operation = kinds[name](*angles)
        circuit._append(CircuitInstruction(operation, [wires[q] for q in qubits], ()))


def bind(gates: Sequence[Gate], angles: np.ndarray) -> list[Gate]:
    """Return the gates with every slot replaced by its entry of ``angles``."""
    return [
        Gate(g.name, g.qubits, tuple([float(angles[p.number]) if isinstance(p, Slot) else p for p in g.params]))
        if g.params
        else g
        for g in gates
    ]
