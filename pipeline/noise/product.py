# SPDX-License-Identifier: Apache-2.0
"""The product of what a device states about its errors: a bound on what they do to what is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stinespring.stages import Program

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.transpiler import Target

__all__ = ["error_bound", "error_product"]

FREE = frozenset({"barrier", "delay", "rz", "if_else"})


def error_product(program: Program, target: Target, times: float = 1.0) -> float:
    """Return ``1 - prod (1 - times e)`` over the circuits of a lowered program that one text goes through."""
    first = program.body.next([], 1 if not hasattr(program.body, "forms") else len(program.body.forms))
    assert first is not None, "every program makes a call"
    worst = max(error_bound(item.circuit, target, times) for item in first.items)
    rounds = len(program.body.rounds) if program.asked.kind == "texts" and program.body.host else 0  # type: ignore[attr-defined]
    calls = program.asked.steps * (1 + rounds) if program.body.host else 1
    return float(1.0 - (1.0 - worst) ** calls)


def error_bound(circuit: QuantumCircuit, target: Target, times: float = 1.0) -> float:
    """Return ``1 - prod (1 - times e)`` over all instructions of a lowered circuit.

    Conditions count as met, and errors that the device does not state as 0.
    """
    if circuit.parameters:
        circuit = circuit.assign_parameters([0.5] * len(circuit.parameters))
    good = 1.0
    for name, on in instructions(circuit):
        if name in FREE or name not in target.operation_names:
            continue
        properties = target[name].get(on)
        error = None if properties is None else properties.error
        good *= 1 - min(1.0, times * (error or 0.0))
    return 1 - good


def instructions(circuit: QuantumCircuit) -> list[tuple[str, tuple[int, ...]]]:
    """Return every instruction of a circuit and of the blocks in it, with its qubits."""
    found: list[tuple[str, tuple[int, ...]]] = []

    def walk(block: QuantumCircuit, wires: list[int]) -> None:
        for item in block.data:
            on = [wires[block.find_bit(qubit).index] for qubit in item.qubits]
            for inner in getattr(item.operation, "blocks", ()):
                walk(inner, on)
            found.append((item.operation.name, tuple(on)))

    walk(circuit, list(range(circuit.num_qubits)))
    return found
