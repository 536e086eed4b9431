# SPDX-License-Identifier: Apache-2.0
"""What a run will cost and how good it can be, before it is submitted."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from stinespring.backends.aer.calibration import calibration_of
from stinespring.backends.base import Backend, device_of
from stinespring.backends.execute import run
from stinespring.checks.statistics.contexts import text_probabilities
from stinespring.checks.statistics.distance import noise_floor, total_variation
from stinespring.checks.statistics.planning import shots_for_verdict
from stinespring.compiler.texts.stepwise import Stepper
from stinespring.errors import TooLargeError
from stinespring.ledger.payload import Work
from stinespring.stages import Program

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.transpiler import Target

__all__ = ["Estimate", "error_bound", "estimate_run"]

OVERHEAD = 2.0  # seconds of QPU time a job, whatever it runs: IBM's guide "estimate job run time"
REP_DELAY = 250e-6  # seconds between shots where the device does not say: IBM's default
SIMULATED_QUBITS = 10
SIMULATED_SHOTS = 100_000
SHOT_BY_SHOT = 10_000  # of a program with feed-forward, which is simulated shot by shot
FREE = frozenset({"barrier", "delay", "rz", "if_else"})


@dataclass(frozen=True)
class Estimate:
    """What a run will take.

    Attributes:
        qubits: declared by the program; on a device all of its qubits.
        qubits_used: those that anything acts on.
        two_qubit_gates: on the worst path.
        duration_s: seconds of one shot, without the delay between shots; None where the backend states no times.
        circuits: circuits with bound parameters, in all.
        jobs: in all; for a stepwise program one a step at least.
        executions: shots of all circuits, surplus included.
        qpu_seconds: ``jobs 2 s + executions (rep_delay + duration)``; 0 on a simulator.
        expected_tvd: the TVD that noise and approximation cause: by simulation with the device's calibration, or the bound
            ``tvd_bound + 1 - prod (1 - e)`` over the errors e of gates and read-out that the device states, at most 1.
        expected_tvd_by: which of them: ``noisy simulation``, ``error product``, or ``no noise``.
        shots_for_verdict: shots with which a TVD of the wanted resolution is detected; None where that cannot be told.
    """

    qubits: int
    qubits_used: int
    two_qubit_gates: int
    duration_s: float | None
    circuits: int
    jobs: int
    executions: int
    qpu_seconds: float
    expected_tvd: float
    expected_tvd_by: str
    shots_for_verdict: int | None

    def plain(self) -> dict[str, Any]:
        """Return the figures as JSON data."""
        return asdict(self)


def estimate_run(
    program: Program,
    works: list[Work],
    backend: Backend,
    shots: int,
    *,
    calibration: list[Work],
    simulate: bool = False,
    alpha: float = 0.001,
    resolution: float = 0.05,
) -> Estimate:
    """Return what a run will take.

    Args:
        program: lowered, if the backend is a device.
        works: the jobs of its first step.
        backend: where it will run.
        shots: number of texts.
        calibration: the job that measures the readout errors, if there is one.
        simulate: whether small programs are simulated with the device's noise; a few seconds.
        alpha: the false-alarm rate of the verdict.
        resolution: the TVD that a PASS must be able to detect.
    """
    device = device_of(backend)
    circuits = [float(sum(len(work.owner) for work in works))]
    if program.stepper is not None:
        circuits += later_circuits(program.stepper, program.steps, shots)
    jobs = len(works) + len(circuits) - 1
    executions = sum(work.executions for work in works) + shots * (len(circuits) - 1)
    circuits += [float(len(work.owner)) for work in calibration]
    jobs, executions = jobs + len(calibration), executions + sum(work.executions for work in calibration)
    duration = program.duration
    needed = shots_for_verdict(program.realises, program.prompt, program.steps, alpha=alpha, resolution=resolution)
    expected, by = program.tvd_bound, "no noise"
    if device is not None:
        steps = 1 if program.stepper is None else program.steps
        expected += 1 - (1 - error_bound(works[0].pubs[0].circuit, device.target)) ** steps
        by = "error product"
        if simulate and used(works[0].pubs[0].circuit) <= SIMULATED_QUBITS:
            expected, by = program.tvd_bound + simulated_tvd(program, backend), "noisy simulation"
    delay = float(getattr(backend, "rep_delay", REP_DELAY))
    return Estimate(
        qubits=program.cost.qubits,
        qubits_used=used(works[0].pubs[0].circuit),
        two_qubit_gates=program.cost.two_qubit_gates,
        duration_s=duration,
        circuits=round(sum(circuits)),
        jobs=jobs,
        executions=executions,
        qpu_seconds=0.0 if device is None else jobs * OVERHEAD + executions * (delay + (duration or 0.0)),
        expected_tvd=min(1.0, expected),
        expected_tvd_by=by,
        shots_for_verdict=needed,
    )


def later_circuits(stepper: Stepper, steps: int, shots: int) -> list[float]:
    """Return the expected number of different prefixes at each step after the first: ``sum_w 1 - (1 - P(w))^shots``."""
    expected = []
    try:
        for level in stepper.levels(steps):
            expected.append(float(-np.expm1(shots * np.log1p(-np.minimum(level.weights, 1 - 1e-16))).sum()))
    except TooLargeError:
        pass
    expected += [float(shots)] * (steps - len(expected))
    return [min(float(shots), number) for number in expected[1:]]


def simulated_tvd(program: Program, backend: Backend) -> float:
    """Return the TVD between the noisy outcomes and the law that the program realises.

    It is that of simulated shots, less what shot noise alone makes; half of that is the least that can be told.
    """
    from stinespring.backends.aer.backend import AerBackend

    noisy = AerBackend(calibration=calibration_of(backend), device=device_of(backend))
    shots = min(SIMULATED_SHOTS if program.dynamic is None else SHOT_BY_SHOT, noisy.max_shots or SIMULATED_SHOTS)
    samples = run(program, backend=noisy, shots=shots, seed=1)
    law = text_probabilities(program.realises, samples.prompt, samples.texts)
    floor = noise_floor(law, samples.counts, None)
    return max(floor / 2, total_variation(samples.counts / shots, law) - floor)


def used(circuit: QuantumCircuit) -> int:
    """Return the number of qubits that anything acts on."""
    from stinespring.circuits.devices.read_back import used_qubits

    return len(used_qubits(circuit))


def error_bound(circuit: QuantumCircuit, target: Target) -> float:
    """Return ``1 - prod (1 - e)`` over all instructions of a lowered circuit.

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
        good *= 1 - min(1.0, error or 0.0)
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
