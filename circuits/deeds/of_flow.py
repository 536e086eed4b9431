# SPDX-License-Identifier: Apache-2.0
"""The account of a program in the compiler's own form: flows, and gates on registers that are measured at the end."""

from __future__ import annotations

from cmath import exp
from collections.abc import Iterable, Sequence

import numpy as np

from stinespring.circuits.core.build import quantum_name
from stinespring.circuits.core.flow import Flow, If, Measure, Reset
from stinespring.circuits.core.gates import TWO_QUBIT, Gate, Slot
from stinespring.circuits.core.one_qubit import gate_matrix
from stinespring.circuits.deeds.account import Account, Deed, slot_angle
from stinespring.circuits.deeds.language import STANDARD
from stinespring.readings import Register

__all__ = ["account_of_flow", "account_of_gates"]

OWN = frozenset({"ry", "rz", "u", "x", "h"})  # that the compiler writes; others come from circuits that were read back
PAIRS = {  # the control least significant
    "cx": np.array([[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0]], dtype=np.complex128),
    "cz": np.diag([1, 1, 1, -1]).astype(np.complex128),
}


def deed_of(gate: Gate) -> Deed:
    """Return what a gate does; slots are filled."""
    if gate.name in TWO_QUBIT:
        return Deed("gate", gate.qubits, matrix=PAIRS[gate.name])
    if gate.name not in OWN:
        return Deed("gate", gate.qubits, matrix=STANDARD[gate.name].matrix(*gate.params))
    angles = tuple([slot_angle(p.number) if isinstance(p, Slot) else p for p in gate.params])
    return Deed("gate", gate.qubits, matrix=gate_matrix(gate._replace(params=angles)))


def account_of_flow(flow: Flow, slots: int = 0) -> Account:
    """Return what a flow does; ``slots``: how many free angles it has."""
    first, offset = {}, 0
    for name, size in flow.classical:
        first[name], offset = offset, offset + size
    sizes, deeds = dict(flow.classical), list[Deed]()
    for item in flow.instructions:
        if isinstance(item, Measure):
            pairs = zip(item.qubits, item.bits, strict=True)
            deeds += [Deed("measure", (qubit,), (first[item.register] + bit,)) for qubit, bit in pairs]
        elif isinstance(item, Reset):
            deeds += [Deed("reset", (qubit,)) for qubit in item.qubits]
        elif isinstance(item, If):
            start = first[item.register]
            bits = tuple(range(start, start + sizes[item.register])) if item.bit is None else (start + item.bit,)
            then = tuple(deed_of(gate) for gate in item.gates)
            touched = tuple(sorted({qubit for gate in item.gates for qubit in gate.qubits}))
            deeds.append(Deed("if", touched, bits, None, item.value, then))
        else:
            deeds.append(deed_of(item))
    return Account(flow.quantum, flow.classical, tuple(deeds), exp(1j * flow.phase), slots)


def account_of_gates(registers: Sequence[Register], measured: Sequence[str], gates: Iterable[Gate], slots: int = 0) -> Account:
    """Return what gates on registers do, of which some are measured at the end, bit by bit."""
    deeds, bit, first = [deed_of(gate) for gate in gates], 0, 0
    for register in registers:
        if register.name in measured:
            deeds += [Deed("measure", (first + i,), (bit + i,)) for i in range(register.size)]
            bit += register.size
        first += register.size
    quantum = tuple((quantum_name(register), register.size) for register in registers)
    classical = tuple((register.name, register.size) for register in registers if register.name in measured)
    return Account(quantum, classical, tuple(deeds), 1.0, slots)
