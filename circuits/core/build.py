# SPDX-License-Identifier: Apache-2.0
"""From gates on named registers to a Qiskit circuit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from stinespring.circuits.core.gates import Gate, append
from stinespring.readings import Register

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["build_circuit", "quantum_name", "with_bits_named"]


def quantum_name(register: Register) -> str:
    """Return the name of the qubits behind a register; the plain name belongs to the classical bits that are read out."""
    return register.name if register.role == "prompt" else f"q_{register.name}"


def build_circuit(
    registers: Sequence[Register], measured: Sequence[str], gates: Iterable[Gate], *, slots: int = 0, name: str = "stinespring"
) -> QuantumCircuit:
    """Return a Qiskit circuit with the registers' names, measured at the end.

    Args:
        registers: qubits are numbered through them in this order.
        measured: names of the registers that are read out.
        gates: in order.
        slots: number of free angles, which become the parameters ``a[0]``, ``a[1]``, ...
        name: of the circuit.
    """
    from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
    from qiskit.circuit import ParameterVector

    quantum = {r.name: QuantumRegister(r.size, quantum_name(r)) for r in registers}
    classical = {r.name: ClassicalRegister(r.size, r.name) for r in registers if r.name in measured}
    circuit = QuantumCircuit(*quantum.values(), *classical.values(), name=name)
    append(circuit, gates, ParameterVector("a", slots) if slots else ())
    for register in measured:
        circuit.measure(quantum[register], classical[register])
    return circuit


def with_bits_named(circuit: QuantumCircuit, names: Mapping[str, str]) -> QuantumCircuit:
    """Return a circuit without control flow whose classical registers bear other names.

    Args:
        circuit: the circuit.
        names: the new name of each register.
    """
    from qiskit import ClassicalRegister, QuantumCircuit

    renamed = [ClassicalRegister(register.size, names[register.name]) for register in circuit.cregs]
    result = QuantumCircuit(circuit.qubits, *circuit.qregs, *renamed, name=circuit.name, global_phase=circuit.global_phase)
    bits = {
        old: new for before, after in zip(circuit.cregs, renamed, strict=True) for old, new in zip(before, after, strict=True)
    }
    for item in circuit.data:
        result.append(item.replace(clbits=[bits[bit] for bit in item.clbits]))
    return result
