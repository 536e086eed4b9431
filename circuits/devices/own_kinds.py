# SPDX-License-Identifier: Apache-2.0
"""A device's own kinds of measurement and reset beside the plain ones, and where a circuit uses them.

Devices of IBM may have ``measure_2`` and ``reset_2``, shorter pulses for the middle of a circuit, and ``measure_reset``: a
reset whose measurement is kept. A qubit that is measured and reset at once, as in a chain on one qubit, then waits for one
readout instead of two. A device that has none of them gets the plain ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.transpiler import Target

__all__ = ["MEASURE_2", "RESET_2", "is_measure", "is_measure_reset", "is_reset", "own_kinds", "with_measure_reset"]

MEASURE_2, RESET_2 = "measure_2", "reset_2"
MEASURE_RESET = "measure_reset"  # also with a number after it, measure_reset_2


def is_measure_reset(name: str) -> bool:
    """Return whether an instruction measures a qubit and returns it to |0>."""
    return name.startswith(MEASURE_RESET)


def is_measure(name: str) -> bool:
    """Return whether an instruction measures a qubit and leaves it as it was read."""
    return name == "measure" or (name.startswith("measure_") and not is_measure_reset(name))


def is_reset(name: str) -> bool:
    """Return whether an instruction returns a qubit to |0> and keeps nothing."""
    return name == "reset" or name.startswith("reset_")


def measure_reset_on(target: Target, qubit: int) -> str | None:
    """Return the name of a target's measurement with reset on a qubit, ``measure_reset_2`` before others; None without one."""
    found = [name for name in target.operation_names if is_measure_reset(name)]
    names = sorted(found, key=lambda name: (name != "measure_reset_2", name))
    return next((name for name in names if target.instruction_supported(name, (qubit,))), None)


def with_measure_reset(circuit: QuantumCircuit, target: Target) -> QuantumCircuit:
    """Return a lowered circuit with each measurement whose qubit is reset next as one instruction, where the target has one.

    Nothing may act on the qubit between the two, a delay, a barrier or a condition neither; conditions on the bit may.
    """
    items: list[Any] = []
    open_: dict[Any, int] = {}  # qubit -> place of its measurement, if that is the last thing that acted on it
    for item in circuit.data:
        name = item.operation.name
        place = open_.get(item.qubits[0]) if name == "reset" else None
        if place is not None:
            own = measure_reset_on(target, circuit.find_bit(item.qubits[0]).index)
            if own is not None:
                items[place] = items[place].replace(operation=target.operation_from_name(own))
                del open_[item.qubits[0]]
                continue
        for qubit in item.qubits:
            open_.pop(qubit, None)
        if name == "measure":
            open_[item.qubits[0]] = len(items)
        items.append(item)
    if len(items) == len(circuit.data):
        return circuit
    result = circuit.copy_empty_like()
    for item in items:
        result._append(item)
    result._layout = circuit.layout
    return result


def own_kinds(circuit: QuantumCircuit, target: Target) -> dict[str, int]:
    """Return how many instructions of which of a target's own kinds a lowered circuit gets before it is sent to the device."""
    found = with_measure_reset(circuit, target)
    counts: dict[str, int] = {}
    for name, number in found.count_ops().items():
        if is_measure_reset(name):
            counts[name] = int(number)
    if MEASURE_2 not in target.operation_names:
        return counts
    later: set[Any] = set()
    for item in reversed(found.data):
        name, bits = item.operation.name, {*item.qubits, *item.clbits}
        own = MEASURE_2 if name == "measure" else RESET_2 if name == "reset" else ""
        if own in target.operation_names and bits & later:
            counts[own] = counts.get(own, 0) + 1
        if name != "barrier":
            later |= bits
    return dict(sorted(counts.items()))
