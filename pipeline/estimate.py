# SPDX-License-Identifier: Apache-2.0
"""What a run will cost and how good it can be, before it is submitted."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from stinespring.checks.within import wanted_within
from stinespring.circuits.devices.legality import circuits_per_job
from stinespring.circuits.devices.read_back import used_qubits
from stinespring.errors import TooLargeError
from stinespring.ledger.payload import works_of
from stinespring.models.texts.joint import joint_law
from stinespring.pipeline.foreseen import foreseen
from stinespring.pipeline.noise.predicted import bounded, predicted
from stinespring.pipeline.readout.mitigation import ReadoutCircuits
from stinespring.showing import Brief, FourLines, many
from stinespring.stages import Backend, Program, Ruling

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["Estimate", "estimated"]

LOCAL_SHOTS = 1_000_000  # of one row, where the backend has no limit
AS_READ = "the TVD and the verdict are those of what is read, before mitigation or detection"
OVERHEAD = 2.0  # seconds of QPU time a job, whatever it runs: IBM's guide "estimate job run time"


@dataclass(frozen=True, repr=False)
class Estimate(Brief):
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
        expected_tvd: the TVD that noise and approximation cause, see :func:`stinespring.pipeline.noise.predicted.predicted`.
        expected_tvd_by: how it was found: ``exact noisy law``, ``noisy simulation``, ``error product`` (a bound), or
            ``no noise``.
        shots_for_verdict: of a test of agreement the shots with which a TVD of the wanted resolution is detected; of an
            equivalence test those from which on it is decided with probability 0.9; None if never, or if it cannot be told.
        expected_tvd_low, expected_tvd_high: what it may be, and what 10^6 shots will show: an interval, or a bound.
        within: the distance D of an equivalence test; None: agreement is tested.
        expected_verdict: with the shots asked for; None where that cannot be told.
        expected_pass_probability: likewise.
        note: what else there is to say about the verdict.
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
    expected_tvd_low: float
    expected_tvd_high: float
    within: float | None
    expected_verdict: Ruling | None
    expected_pass_probability: float | None
    note: str

    def plain(self) -> dict[str, Any]:
        """Return the figures as JSON data."""
        return asdict(self)

    def brief(self) -> FourLines:
        """Return the size of the run, its time, and the verdict to expect."""
        likely = (
            "" if self.expected_pass_probability is None else f", PASS with probability {self.expected_pass_probability:.2f}"
        )
        needed = "cannot be told" if self.shots_for_verdict is None else f"about {self.shots_for_verdict:,}"
        return FourLines(
            f"Estimate: {many(self.jobs, 'job')}, {self.executions:,} executions, {self.qpu_seconds:.1f} s of QPU time",
            [
                f"circuit: {self.qubits_used} of {many(self.qubits, 'qubit')}, {many(self.two_qubit_gates, 'two-qubit gate')}",
                f"expected TVD: {self.expected_tvd:.4f} ({self.expected_tvd_by})",
                f"expected verdict: {self.expected_verdict or 'cannot be told'}{likely}; shots for one: {needed}",
            ],
        )


def estimated(
    program: Program, backend: Backend, shots: int, *, ran: Program | None = None, calibration: ReadoutCircuits | None = None,
    simulate: bool = False, alpha: float = 0.001, resolution: float = 0.05, within: float | str | None = "auto",
    detect: bool = False,
) -> Estimate:  # fmt: skip
    """Return what a run will take.

    Args:
        program: lowered, if the backend is a device.
        backend: where it will run.
        shots: as asked for.
        ran: what will run, where it is something else: randomised circuits.
        calibration: the circuits that measure the readout errors, if there are any.
        simulate: whether the noise of small programs is followed, exactly where that can be; a few seconds.
        alpha: the false-alarm rate of the verdict.
        resolution: the TVD that a PASS must be able to detect.
        within: the distance of an equivalence test; see :func:`stinespring.check`.
        detect: whether shots will be dropped, which the figures do not know; the note says so, as of mitigation.
    """
    device, most = backend.capabilities.device, backend.capabilities.max_shots or LOCAL_SHOTS
    first = (ran or program).body.next([], shots)
    assert first is not None, "every program makes a call"
    together = getattr(backend, "together", None) if backend.keeps_jobs else circuits_per_job  # a simulated device as IBM's
    works = works_of(first, most, together)
    calls = [sum(len(work.owner) for work in works), *later_circuits(program, shots)]
    jobs, executions = len(works) + len(calls) - 1, sum(work.executions for work in works) + shots * (len(calls) - 1)
    if calibration is not None:
        jobs, executions = jobs + 1, executions + calibration.shots * len(calibration.circuits)
    circuit = first.items[0].circuit
    noise = predicted(program, backend) if simulate else bounded(program, device)
    distance = wanted_within(within, noisy=backend.capabilities.noisy, resolution=resolution)
    told = foreseen(program, noise, shots, within=distance, alpha=alpha, resolution=resolution)
    each = backend.capabilities.rep_delay + (program.duration or 0.0)
    return Estimate(
        qubits=program.cost.qubits,
        qubits_used=used(circuit),
        two_qubit_gates=program.cost.two_qubit_gates,
        duration_s=program.duration,
        circuits=round(sum(calls)) + (0 if calibration is None else len(calibration.circuits)),
        jobs=jobs,
        executions=executions,
        qpu_seconds=0.0 if device is None else jobs * OVERHEAD + executions * each,
        expected_tvd=noise.tvd,
        expected_tvd_by=noise.by,
        shots_for_verdict=told.shots,
        expected_tvd_low=noise.low,
        expected_tvd_high=noise.high,
        within=distance,
        expected_verdict=told.verdict,
        expected_pass_probability=told.probability,
        note=told.note if calibration is None and not detect else "; ".join(filter(None, [told.note, AS_READ])),
    )


def later_circuits(program: Program, shots: int) -> list[float]:
    """Return the expected number of different contexts at each call after the first.

    Of texts ``sum_w 1 - (1 - P(w))^shots`` over the prefixes w, where they can be listed; else at most one for each shot. The
    later rounds of a token are taken to be as likely at every step as they are at the first.
    """
    if not program.body.host:
        return []
    steps = program.asked.steps
    expected: list[float] = []
    body: Any = program.body
    rounds: tuple[tuple[float, int], ...] = body.rounds if program.asked.kind == "texts" else ()
    if program.asked.kind == "texts":
        for step in range(1, steps):
            try:
                p = joint_law(program.source, program.asked.prompt, step).probabilities
            except TooLargeError:
                break
            expected.append(float(-np.expm1(shots * np.log1p(-np.minimum(p, 1 - 1e-16))).sum()))
    expected += [float(shots)] * (steps - 1 - len(expected))
    each = [min(float(shots), number) for number in (1.0, *expected)]
    return [part for number in each for part in (number, *(read_on(number, shots, *one) for one in rounds))][1:]


def read_on(contexts: float, shots: int, share: float, parts: int) -> float:
    """Return the expected rows of a later round, of ``contexts`` in which a share of the shots falls on so many parts each."""
    return contexts * parts * -math.expm1(-shots * share / (contexts * parts))


def used(circuit: QuantumCircuit) -> int:
    """Return the number of qubits that anything acts on."""
    return len(used_qubits(circuit))
