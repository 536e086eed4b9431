# SPDX-License-Identifier: Apache-2.0
"""Readout mitigation: readout errors measured on the backend that ran the program, and quasi-probabilities by mthree.

Source of the method: Nation et al., PRX Quantum 2, 040326 (2021), arXiv 2108.12518.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from stinespring.backends.base import Backend, device_of
from stinespring.backends.execute import on_backend
from stinespring.backends.seeds import derive_seed
from stinespring.checks.texts.mitigated import Mitigated, check_mitigated, require_few, require_testable, with_note
from stinespring.checks.texts.readout import ReadoutCalibration
from stinespring.errors import InputError
from stinespring.stages import CodeCounts, Program, Samples, Verdict

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = [
    "MODES",
    "calibrate",
    "calibration_circuits",
    "calibration_of_counts",
    "calibration_shots",
    "judged_by",
    "measured_qubits",
    "mitigate",
    "mitigated_verdict",
    "reason_against",
    "require_mitigable",
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


def reason_against(program: Program, mode: str) -> str | None:
    """Return why a program's samples are not mitigated, or None if they are.

    What was read wrong has steered the rest of a program with feed-forward; the bits that were recorded can be mitigated, the
    branches that were taken cannot.

    Args:
        program: lowered.
        mode: ``readout`` leaves programs with feed-forward alone, ``always`` does not.

    Raises:
        InputError: ``always`` for a stepwise program, whose registers change their meaning with the text.
    """
    if mode == "none":
        return "not asked for"
    if program.stepper is not None:
        if mode == "always":
            raise InputError(
                "a stepwise program has no circuit of its own to mitigate",
                got="--mitigation always --schedule stepwise",
                expected="--schedule static or dynamic",
            )
        return "the host steers every step by what it read before, which is feed-forward"
    if mode == "readout" and any(hasattr(item.operation, "blocks") for item in program.circuit.data):
        return "the program has feed-forward (conditions on bits that were read); --mitigation always mitigates what it records"
    return None


def require_mitigable(program: Program, mode: str) -> None:
    """Refuse, before anything runs, what could not be mitigated afterwards.

    Raises:
        InputError: a stepwise program with ``always``.
        TooLargeError: more bits than the test of what is read takes.
    """
    if reason_against(program, mode) is None:
        bits = sum(register.size for register in program.schedule.registers if register.role == "token")
        require_few(bits)


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


def calibration_of_counts(qubits: Sequence[int], zeros: Any, ones: Any) -> ReadoutCalibration:
    """Return the readout errors from what the two calibration circuits read.

    Args:
        qubits: as for :func:`calibration_circuits`.
        zeros: the values of its registers by name, shape (shots,), of the circuit that prepares 0.
        ones: of the one that prepares 1.
    """
    shots = len(zeros["r0"])

    def share(values: Any, wanted: int) -> list[float]:
        return [float((values[f"r{i // 32}"] >> (i % 32) & 1 == wanted).mean()) for i in range(len(qubits))]

    return ReadoutCalibration(tuple(qubits), np.stack([share(zeros, 1), share(ones, 0)], axis=1), shots)


def calibration_shots(backend: Backend, shots: int) -> int:
    """Return the shots of a calibration circuit: four for each of the program, 10,000 at least, no more than allowed."""
    most = getattr(backend, "max_shots", None) or MANY * shots + LEAST_SHOTS
    return int(min(most, max(LEAST_SHOTS, MANY * shots)))


def calibrate(backend: Backend, qubits: Sequence[int], *, shots: int, seed: int) -> ReadoutCalibration:
    """Return the readout errors of some qubits, measured on the backend.

    Args:
        backend: with a device.
        qubits: the device's numbers.
        shots: of the program; the calibration takes four times as many, at least 10,000 and at most what the device allows.
        seed: root of the calibration's own seeds.
    """
    device, distinct = device_of(backend), sorted(set(qubits))
    if device is None:
        raise InputError("the backend has no readout errors of its own", got=backend.name, expected="a device")
    number = calibration_shots(backend, shots)
    circuits = calibration_circuits(distinct, device.target.num_qubits)
    zeros, ones = (
        backend.sample(circuit, None, number, derive_seed(seed, PURPOSE, i))[0] for i, circuit in enumerate(circuits)
    )
    return calibration_of_counts(distinct, zeros, ones)


def mitigate(read: CodeCounts, wires: Sequence[int], calibration: ReadoutCalibration) -> Mitigated:
    """Return mthree's quasi-probabilities of what the token registers hold.

    Args:
        read: codes and counts.
        wires: the device's qubit of every bit of the registers, in order.
        calibration: of these qubits.
    """
    from importlib.metadata import version

    from mthree import M3Mitigation

    shifts = np.cumsum([0, *(register.size for register in read.registers[:-1])])
    values = (read.codes << shifts).sum(axis=1).tolist()
    width = len(wires)
    counts = {format(value, f"0{width}b"): count for value, count in zip(values, read.counts.tolist(), strict=True)}
    machine = M3Mitigation()
    machine.cals_from_matrices([np.asarray(matrix, dtype=np.float32) for matrix in calibration.matrices()])
    found = machine.apply_correction(
        counts, calibration.place(wires), distance=width, method="direct" if len(counts) <= 1 << 12 else "iterative",
        return_mitigation_overhead=True,
    )  # fmt: skip
    quasi = np.array([float(found[format(value, f"0{width}b")]) for value in values])
    return Mitigated(read.codes, quasi, float(found.mitigation_overhead), f"mthree {version('mthree')}")


def mitigated_verdict(
    samples: Samples, program: Program, backend: Backend, verdict: Verdict, *, mode: str, resolution: float = 0.05
) -> tuple[Verdict, dict[str, Any]]:
    """Return the verdict after readout mitigation and what was done; the plain verdict with the reason where it is not.

    Args:
        samples: what the backend sampled.
        program: what was sampled.
        backend: which also runs the calibration.
        verdict: of the samples as they are.
        mode: ``none``, ``readout`` or ``always``.
        resolution: the TVD that a PASS must have been able to detect.
    """
    require_mode(mode)
    program = on_backend(program, backend)
    why = reason_against(program, mode)
    if why is None and device_of(backend) is None:
        why = f"the backend {backend.name} has no readout errors of its own"
    if why is not None or samples.codes is None:
        note = {"applied": False, "mode": mode, "why": why or "the samples hold no codes"}
        return (verdict if mode == "none" else with_note(verdict, note)), note
    wires = measured_qubits(program.circuit, [register.name for register in samples.codes.registers])
    calibration = calibrate(backend, wires, shots=samples.shots, seed=samples.seed or 0)
    feed_forward = any(hasattr(item.operation, "blocks") for item in program.circuit.data)
    return judged_by(samples, wires, calibration, verdict, mode=mode, feed_forward=feed_forward, resolution=resolution)


def judged_by(
    samples: Samples, wires: Sequence[int], calibration: ReadoutCalibration, verdict: Verdict, *, mode: str, feed_forward: bool,
    resolution: float,
) -> tuple[Verdict, dict[str, Any]]:  # fmt: skip
    """Return the verdict after readout mitigation with a calibration that was measured, and what was done.

    Args:
        samples: with their codes.
        wires: the device's qubit of every bit of the token registers.
        calibration: of these qubits.
        verdict: of the samples as they are.
        mode: ``readout`` or ``always``.
        feed_forward: whether bits that were read steered the rest.
        resolution: the TVD that a PASS must have been able to detect.
    """
    assert samples.codes is not None, "only samples with codes are mitigated"
    require_testable(samples, calibration, wires)
    found = mitigate(samples.codes, wires, calibration)
    judged = check_mitigated(samples, calibration, wires, found, alpha=verdict.alpha, resolution=resolution)
    plain = {"verdict": verdict.verdict, "p_value": verdict.p_value, "tvd": verdict.tvd, "reason": verdict.reason}
    note = {**judged.details["mitigation"], "mode": mode, "without": plain, "quasi_probabilities": by_text(samples, found)}
    if feed_forward:
        caveat = "the program has feed-forward: what was recorded is mitigated, wrong branches are not"
        note["caveat"] = caveat
        judged = replace(judged, reason=f"{judged.reason}; {caveat}")
    return replace(judged, details={**judged.details, "mitigation": note}), note


def by_text(samples: Samples, found: Mitigated) -> dict[str, float]:
    """Return the quasi-probabilities by text."""
    assert samples.codes is not None, "only samples with codes are mitigated"
    symbols = [np.array(r.symbols)[found.codes[:, i]] for i, r in enumerate(samples.codes.registers)]
    result: dict[str, float] = {}
    for text, share in zip(np.stack(symbols, axis=1).tolist(), found.quasi.tolist(), strict=True):
        key = samples.model.text(text)
        result[key] = result.get(key, 0.0) + share
    return result
