# SPDX-License-Identifier: Apache-2.0
"""Templates with their angles, and readings of them in exact proportion."""

from __future__ import annotations

import re

import numpy as np
from qiskit.quantum_info import Statevector

from stinespring.batches import Batch
from stinespring.readings import Outcomes


def bound(template: str, angles: list[float]) -> str:
    """Return the template's text with its declared inputs replaced by numbers."""
    text = re.sub(r"input float\[64\] a\d+;\n", "", template)
    return re.sub(r"\ba(\d+)\b", lambda match: repr(angles[int(match.group(1))]), text)


def certain(batch: Batch) -> list[Outcomes]:
    """Return readings that follow the exact law of each row, in proportion."""
    rows = []
    for item in batch.items:
        for row in range(item.rows):
            circuit = item.circuit if item.angles is None else item.circuit.assign_parameters(item.angles[row])
            plain = circuit.remove_final_measurements(inplace=False)
            bits = {circuit.find_bit(q.qubits[0]).index: circuit.find_bit(q.clbits[0]).index for q in circuit.data if q.clbits}
            wires = [wire for wire, _ in sorted(bits.items(), key=lambda pair: pair[1])]
            law = Statevector(plain).probabilities(wires)
            codes = np.flatnonzero(law > 1e-12)
            columns, first = {}, 0
            for register in circuit.cregs:
                columns[register.name] = codes >> first & (1 << register.size) - 1
                first += register.size
            rows.append(Outcomes.tallied(columns, np.rint(law[codes] * item.shots[row])))
    return rows
