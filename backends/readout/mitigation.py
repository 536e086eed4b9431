# SPDX-License-Identifier: Apache-2.0
"""Readout mitigation: readout errors measured on the backend that ran the program, and quasi-probabilities by mthree.

Source of the method: Nation et al., PRX Quantum 2, 040326 (2021), arXiv 2108.12518.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from stinespring.backends.seeds import derive_seed
from stinespring.batches import Batch, Item
from stinespring.errors import InputError
from stinespring.readings import Outcomes, Register
from stinespring.readout import Mitigated, ReadoutCalibration
from stinespring.stages import Backend

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = [
    "MODES",
    "calibrate",
    "calibration_circuits",
    "calibration_of_counts",
    "calibration_shots",
    "has_feed_forward",
    "measured_qubits",
    "mitigate",
    "reason_against",
    "require_mode",
]

MODES = ("none", "readout", "always")
LEAST_SHOTS = 10_000  # of a calibration circuit
MANY = 4  # calibration shots for each shot of the program
PURPOSE = 0x3A11  # names the calibration among the runs that share a seed


def require_mode(mode: str) -> str:
    """Return the mode, or say what is wrong: it is unknown, or mthree is not installed."""
    from importlib.util import find_spec

    if mode not in MODES:
        raise InputError("unknown mitigation", got=mode, expected=" or ".join(MODES))
    if mode != "none" and find_spec("mthree") is None:
        raise InputError(
            "readout mitigation needs mthree, which is not installed",
            got=f"--mitigation {mode}",
            expected="the extra [mitigation]",
            todo="pip install 'stinespring[mitigation]'",
        )
    return mode


def has_feed_forward(circuit: QuantumCircuit) -> bool:
    """Return whether bits that were read steer the rest of a circuit."""
    return any(hasattr(item.operation, "blocks") for item in circuit.data)


def reason_against(circuit: QuantumCircuit, schedule: str, mode: str) -> str | None:
    """Return why a program's samples are not mitigated, or None if they are.

    What was read wrong has steered the rest of a program with feed-forward; the bits that were recorded can be mitigated, the
    branches that were taken cannot.

    Args:
        circuit: lowered.
        schedule: of the program.
        mode: ``readout`` leaves programs with feed-forward alone, ``always`` does not.

    Raises:
        InputError: ``always`` for a stepwise program, whose registers change their meaning with the text.
    """
    if mode == "none":
        return "not asked for"
    if schedule == "stepwise":
        if mode == "always":
            raise InputError(
                "a stepwise program has no circuit of its own to mitigate",
                got="--mitigation always --schedule stepwise",
                expected="--schedule static or dynamic",
            )
        return "the host steers every step by what it read before, which is feed-forward"
    if mode == "readout" and has_feed_forward(circuit):
        return "the program has feed-forward (conditions on bits that were read); --mitigation always mitigates what it records"
    return None


def measured_qubits(circuit: QuantumCircuit, registers: Sequence[str]) -> list[int]:
    """Return the qubit that is measured last into every bit of some classical registers, in order.

    Raises:
        InputError: a bit that nothing is measured into.
    """
    last = {
        item.clbits[0]: circuit.find_bit(item.qubits[0]).index
        for item in circuit.data
        if item.operation.name.startswith("measure")
    }
    known = {register.name: register for register in circuit.cregs}
    bits = [bit for name in registers for bit in known[name]]
    missing = [bit for bit in bits if bit not in last]
    if missing:
        raise InputError("a bit of the program is not measured", got=str(missing[0]), expected="every bit of t1..tL")
    return [last[bit] for bit in bits]


def calibration_circuits(qubits: Sequence[int], size: int) -> list[QuantumCircuit]:
    """Return two circuits on a device of ``size`` qubits: all of some qubits in 0 and all in 1, read into register ``r``.

    The register is in parts ``r0``, ``r1``, … of at most 32 bits.
    """
    from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister

    result = []
    for ones in (False, True):
        parts = [ClassicalRegister(min(32, len(qubits) - first), f"r{first // 32}") for first in range(0, len(qubits), 32)]
        circuit = QuantumCircuit(QuantumRegister(size, "q"), *parts)
        if ones:
            circuit.x(list(qubits))
        circuit.measure(list(qubits), circuit.clbits)
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


def calibration_shots(backend: Backend, shots: int) -> int:
    """Return the shots of a calibration circuit: four for each of the program, 10,000 at least, no more than allowed."""
    most = backend.capabilities.max_shots or MANY * shots + LEAST_SHOTS
    return int(min(most, max(LEAST_SHOTS, MANY * shots)))


def calibrate(backend: Backend, qubits: Sequence[int], *, shots: int, seed: int) -> ReadoutCalibration:
    """Return the readout errors of some qubits, measured on the backend.

    Args:
        backend: with a device.
        qubits: the device's numbers.
        shots: of the program; the calibration takes four times as many, at least 10,000 and at most what the device allows.
        seed: root of the calibration's own seeds.
    """
    device, distinct = backend.capabilities.device, sorted(set(qubits))
    if device is None:
        raise InputError("the backend has no readout errors of its own", got=backend.name, expected="a device")
    number = np.array([calibration_shots(backend, shots)])
    circuits = calibration_circuits(distinct, device.target.num_qubits)
    batch = Batch(tuple(Item(circuit, None, number) for circuit in circuits), (PURPOSE,))
    zeros, ones = backend.sample(batch, derive_seed(seed, *batch.key))
    return calibration_of_counts(distinct, zeros, ones)


def mitigate(read: Outcomes, registers: Sequence[Register], wires: Sequence[int], calibration: ReadoutCalibration) -> Mitigated:
    """Return mthree's quasi-probabilities of what some registers hold.

    Args:
        read: raw codes and counts; other registers are left out.
        registers: at most 62 bits in all.
        wires: the device's qubit of every bit of the registers, in order.
        calibration: of these qubits.
    """
    from importlib.metadata import version

    from mthree import M3Mitigation

    read = read.of([register.name for register in registers])
    shifts = np.cumsum([0, *(register.size for register in registers[:-1])])
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
