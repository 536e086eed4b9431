# SPDX-License-Identifier: Apache-2.0
"""Readout mitigation: readout errors measured on the backend that ran the program, and quasi-probabilities by mthree.

Source of the method: Nation et al., PRX Quantum 2, 040326 (2021), arXiv 2108.12518.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from stinespring.readings import Outcomes
from stinespring.readout import Mitigated, ReadoutCalibration

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["calibration_circuits", "calibration_of_counts", "calibration_shots", "mitigate"]

LEAST_SHOTS = 10_000  # of a calibration circuit
MANY = 4  # calibration shots for each shot of the program


def calibration_circuits(qubits: Sequence[int], size: int, *, mid: bool = False) -> list[QuantumCircuit]:
    """Return two circuits on a device of ``size`` qubits: all of some qubits in 0 and all in 1, read into register ``r``.

    The register is in parts ``r0``, ``r1``, … of at most 32 bits. With ``mid`` a gate follows, so that a device takes its
    measurement on the way.
    """
    from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister

    result = []
    for ones in (False, True):
        parts = [ClassicalRegister(min(32, len(qubits) - first), f"r{first // 32}") for first in range(0, len(qubits), 32)]
        circuit = QuantumCircuit(QuantumRegister(size, "q"), *parts)
        if ones:
            circuit.x(list(qubits))
        circuit.measure(list(qubits), circuit.clbits)
        if mid:
            circuit.x(list(qubits))
        result.append(circuit)
    return result


def calibration_of_counts(qubits: Sequence[int], zeros: Outcomes, ones: Outcomes) -> ReadoutCalibration:
    """Return the readout errors from what the two calibration circuits read.

    Args:
        qubits: as for :func:`calibration_circuits`.
        zeros: of the circuit that prepares 0.
        ones: of the one that prepares 1.
    """

    def share(found: Outcomes, wanted: int) -> list[float]:
        bits = [found.column(f"r{i // 32}") >> (i % 32) & 1 for i in range(len(qubits))]
        return [float(found.counts[bit == wanted].sum() / found.shots) for bit in bits]

    return ReadoutCalibration(tuple(qubits), np.stack([share(zeros, 1), share(ones, 0)], axis=1), zeros.shots)


def calibration_shots(most: int | None, shots: int) -> int:
    """Return the shots of a calibration circuit: four for each of the program, 10,000 at least, no more than allowed.

    Example:
        >>> calibration_shots(100_000, 20_000), calibration_shots(None, 100)
        (80000, 10000)
    """
    wanted = max(LEAST_SHOTS, MANY * shots)
    return wanted if most is None else min(most, wanted)


def mitigate(read: Outcomes, sizes: Sequence[int], wires: Sequence[int], calibration: ReadoutCalibration) -> Mitigated:
    """Return mthree's quasi-probabilities of what some registers hold.

    Args:
        read: raw codes and counts of these registers.
        sizes: their bits; at most 62 in all.
        wires: the device's qubit of every bit of the registers, in order.
        calibration: of these qubits.
    """
    from importlib.metadata import version

    from mthree import M3Mitigation

    shifts = np.cumsum([0, *sizes[:-1]])
    values = (read.values << shifts).sum(axis=1).tolist()
    width = len(wires)
    counts = {format(value, f"0{width}b"): count for value, count in zip(values, read.counts.tolist(), strict=True)}
    machine = M3Mitigation()
    machine.cals_from_matrices([np.asarray(matrix, dtype=np.float32) for matrix in calibration.matrices()])
    found = machine.apply_correction(
        counts, calibration.place(wires), distance=width, method="direct" if len(counts) <= 1 << 12 else "iterative",
        return_mitigation_overhead=True,
    )  # fmt: skip
    quasi = np.array([float(found[format(value, f"0{width}b")]) for value in values])
    return Mitigated(read.values, quasi, float(found.mitigation_overhead), f"mthree {version('mthree')}")
