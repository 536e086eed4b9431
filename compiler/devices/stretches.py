# SPDX-License-Identifier: Apache-2.0
"""Idle times whose length only the service knows: delays that stretch, with pairs of X between them.

How long a condition takes, and when its bits arrive, is decided by the control system. A schedule that is made before ends at
every condition, so that no qubit that waits beside one is shielded, and IBM's service refuses its own decoupling for programs
with conditions. A delay whose length is a stretch grows to what is free: the service resolves it, and says to what.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stinespring.circuits.devices.own_kinds import is_measure, is_measure_reset, is_reset
from stinespring.errors import InputError

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["with_stretches"]

RESOLVED_BY = "ibm:"  # devices whose service resolves stretches


def with_stretches(circuit: QuantumCircuit, device: str) -> QuantumCircuit:
    """Return a lowered circuit in which qubits that wait beside measurements, resets and conditions are decoupled.

    A waiting qubit gets ``s X s s X s`` with a stretch ``s`` of its own, between barriers on it and on what it waits for. Only
    qubits that were acted on before, and will be again, count as waiting.

    Args:
        circuit: gates and qubits of the device.
        device: its name.

    Raises:
        InputError: nothing resolves stretches there.
    """
    if not device.startswith(RESOLVED_BY):
        raise InputError(
            "only IBM's service resolves stretches", got=f"--delays stretch on {device}", expected="a target ibm:NAME",
            todo="use --delays pad or decouple",
        )  # fmt: skip
    items = list(circuit.data)
    first, last = lifetimes(items)
    result, number, at = circuit.copy_empty_like(), 0, 0
    while at < len(items):
        end = at
        while end < len(items) and is_slow(items[end].operation):
            end += 1
        if end == at:
            result._append(items[at])
            at += 1
            continue
        busy = {qubit for item in items[at:end] for qubit in item.qubits}
        waiting = [q for q in circuit.qubits if q not in busy and first.get(q, at) < at and last.get(q, -1) >= end]
        together = [q for q in circuit.qubits if q in busy or q in waiting]
        if waiting:
            result.barrier(together)
        for item in items[at:end]:
            result._append(item)
        for qubit in waiting:
            stretch = result.add_stretch(f"wait{number}")
            number += 1
            for name in ("delay", "x", "delay", "delay", "x", "delay"):
                result.x(qubit) if name == "x" else result.delay(stretch, qubit)
        if waiting:
            result.barrier(together)
        at = end
    result._layout = circuit.layout  # nothing was moved
    return result


def lifetimes(items: list[Any]) -> tuple[dict[Any, int], dict[Any, int]]:
    """Return the numbers of the first and the last instruction that acts on each qubit."""
    first: dict[Any, int] = {}
    last: dict[Any, int] = {}
    for number, item in enumerate(items):
        if item.operation.name not in ("barrier", "delay"):
            for qubit in item.qubits:
                first.setdefault(qubit, number)
                last[qubit] = number
    return first, last


def is_slow(operation: Any) -> bool:
    """Return whether others wait for an instruction: a measurement, a reset, a condition."""
    name = operation.name
    return name == "if_else" or is_measure(name) or is_reset(name) or is_measure_reset(name)
