# SPDX-License-Identifier: Apache-2.0
"""Readout mitigation of programs with feed-forward: planned as randomised circuits, and run as one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from stinespring.backends.readout.flips import MeasuredBit, flipped, readings_of_circuit
from stinespring.backends.readout.mitigation import calibration_circuits, calibration_of_counts
from stinespring.backends.readout.randomised import Design, designed
from stinespring.backends.readout.weights import signed_readings
from stinespring.backends.seeds import derive_seed
from stinespring.batches import Batch, Circuit, Item, Seen
from stinespring.checks.codes import judged_registers, numbers, require_few
from stinespring.readings import FloatArray, IntArray, Outcomes, Register, decoded
from stinespring.readout import SignedReadings
from stinespring.stages import Backend, Program, Samples

__all__ = ["FlipPlan", "Randomised", "flip_calibration", "flip_plan", "outcomes_of", "randomised", "without_errors"]

SEED = 19  # names what is drawn here among what a run's seed is hashed for
UNSTATED = 0.01  # rate of wrong readings where a device states none, or 0
MOST_RATE = 0.4  # that circuits are planned for
WHICH = "circuit"  # the column of raw readings that says of which circuit they are


@dataclass(frozen=True, eq=False)
class FlipPlan:
    """The randomised circuits of one program, as data.

    Attributes:
        readings: the measurements that matter, in order.
        planned: about their rates of wrong readings.
        kinds: what has a measured rate: a qubit, and whether something follows the measurement.
        design: flips, deliberate errors and shots of each circuit.
    """

    readings: tuple[MeasuredBit, ...]
    planned: tuple[float, ...]
    kinds: tuple[tuple[int, bool], ...]
    design: Design

    @property
    def which(self) -> list[int]:
        """The number of each measurement's rate."""
        return [self.kinds.index((reading.qubit, reading.mid)) for reading in self.readings]

    def content(self) -> dict[str, Any]:
        """Return the plan as JSON data."""
        design = self.design
        return {
            "readings": [list(reading) for reading in self.readings], "planned": list(self.planned),
            "kinds": [list(kind) for kind in self.kinds], "flips": design.flips.tolist(), "errors": design.errors.tolist(),
            "kind": design.kind.tolist(), "shots": design.shots.tolist(), "drawn": list(design.drawn),
        }  # fmt: skip

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> FlipPlan:
        """Return the plan from JSON data."""
        count = len(content["readings"])
        flips, errors = (np.array(content[name], dtype=np.int64).reshape(-1, count) for name in ("flips", "errors"))
        kind, shots = (np.array(content[name], dtype=np.int64) for name in ("kind", "shots"))
        return cls(
            tuple(MeasuredBit(*reading) for reading in content["readings"]), tuple(content["planned"]),
            tuple((int(qubit), bool(mid)) for qubit, mid in content["kinds"]),
            Design(flips, errors, kind, shots, tuple(content["drawn"])),
        )  # fmt: skip

    def undone(self, row: Outcomes, circuit: int) -> Outcomes:
        """Return what a circuit read without its flips, and with the record of what steered as it did: errors undone, too."""
        turned = dict.fromkeys(row.registers, 0)
        for k, reading in enumerate(self.readings):
            if reading.last and reading.register in turned:
                turned[reading.register] |= int(self.design.flips[circuit, k] ^ self.design.errors[circuit, k]) << reading.bit
        return Outcomes.tallied({name: row.column(name) ^ mask for name, mask in turned.items()}, row.counts)

    def tagged(self, rows: Sequence[Outcomes]) -> Outcomes:
        """Return the raw readings of all circuits with the number of each circuit."""
        parts = [
            Outcomes.tallied({WHICH: np.full(len(row.counts), c)} | {n: row.column(n) for n in row.registers}, row.counts)
            for c, row in enumerate(rows)
        ]
        return Outcomes.total(parts)

    def rows(self, tagged: Outcomes) -> list[Outcomes]:
        """Return what each circuit read from :meth:`tagged`."""
        names, which = [name for name in tagged.registers if name != WHICH], tagged.column(WHICH)
        return [
            Outcomes.tallied({name: tagged.column(name)[which == c] for name in names}, tagged.counts[which == c])
            for c in range(len(self.design.shots))
        ]

    def rates(self, calibration: Sequence[Outcomes]) -> tuple[FloatArray, FloatArray]:
        """Return the measured rate of each kind, ``(p01 + p10) / 2``, half a shot added to each count, and the variances."""
        left = list(calibration)
        rates, variances = np.zeros(len(self.kinds)), np.zeros(len(self.kinds))
        for mid in (False, True):
            qubits = self.qubits(mid)
            if qubits:
                found = calibration_of_counts(qubits, left.pop(0), left.pop(0))
                places = [self.kinds.index((qubit, mid)) for qubit in qubits]
                rates[places] = ((found.errors * found.shots + 0.5) / (found.shots + 1.0)).mean(axis=1)
                variances[places] = found.variances().sum(axis=1) / 4.0
        return rates, variances

    def qubits(self, mid: bool) -> list[int]:
        """Return the qubits whose rate is measured, where something follows the measurement or where nothing does."""
        return sorted(qubit for qubit, after in self.kinds if after == mid)

    def signed(self, registers: Sequence[Register], tagged: Outcomes, calibration: Sequence[Outcomes]) -> SignedReadings:
        """Return the signed shares of the judged registers.

        Args:
            registers: of the program.
            tagged: what :meth:`tagged` returned.
            calibration: what the calibration's circuits read.
        """
        judged = judged_registers(registers)
        names, size = [register.name for register in judged], 1 << sum(register.size for register in judged)
        undone = [self.undone(row, c).of(names) for c, row in enumerate(self.rows(tagged))]
        found = [np.bincount(numbers(judged, row.values), weights=row.counts, minlength=size) for row in undone]
        rates, variances = self.rates(calibration)
        last = {(r.register, r.bit): k for k, r in enumerate(self.readings) if r.last}
        bits = [last[register.name, bit] for register in judged for bit in range(register.size)]
        return signed_readings(
            self.design, np.array(found, dtype=np.float64), rates=rates, variances=variances, planned=np.array(self.planned),
            steers=[reading.steers for reading in self.readings], which=self.which,
            wires=[-1 if self.readings[k].steers else self.which[k] for k in bits],
        )  # fmt: skip


def flip_plan(program: Program, backend: Backend, shots: int, root: int) -> FlipPlan:
    """Return the randomised circuits of a lowered program.

    Args:
        program: of one circuit.
        backend: with a device.
        shots: of all circuits together.
        root: of the run's seeds.

    Raises:
        InputError: conditions that cannot be turned, or too few shots.
        TooLargeError: more bits than the test takes.
    """
    registers, device = judged_registers(program.registers), backend.capabilities.device
    require_few(sum(register.size for register in registers))
    readings = readings_of_circuit(program.circuit, [register.name for register in registers])
    assert device is not None, "planned for a device only"
    planned = [stated_rate(device.target, reading.qubit) for reading in readings]
    kinds = tuple(dict.fromkeys((reading.qubit, reading.mid) for reading in readings))
    steers, together = [reading.steers for reading in readings], groups_of(program.circuit, readings, planned, device.target)
    design = designed(planned, steers, shots, derive_seed(root, SEED), together)
    return FlipPlan(tuple(readings), tuple(planned), kinds, design)


def groups_of(
    circuit: Circuit, readings: Sequence[MeasuredBit], planned: Sequence[float], target: Any
) -> list[int]:  # fmt: skip
    """Return which measurements are flipped together: those of one qubit with nothing between, if X costs more than it gains.

    Two readings with one flip are wrong together more often than apart by ``((p01 - p10) / 2)^2 <= r^2``; an X between them
    errs as often as the device states.
    """
    result: list[int] = []
    for k, (reading, rate) in enumerate(zip(readings, planned, strict=True)):
        before = next((j for j in reversed(range(k)) if readings[j].qubit == reading.qubit), None)
        wire = circuit.qubits[reading.qubit]
        between = [] if before is None else circuit.data[readings[before].place + 1 : reading.place]
        apart = any(wire in item.qubits for item in between) or rate**2 >= stated_error(target, "x", reading.qubit)
        result.append(k if before is None or apart else result[before])
    return result


def stated_error(target: Any, name: str, qubit: int) -> float:
    """Return the error that a device states of an instruction on one qubit; 0 where it states none."""
    properties = target[name].get((qubit,)) if name in target.operation_names else None
    return float(getattr(properties, "error", None) or 0.0)


def stated_rate(target: Any, qubit: int) -> float:
    """Return the rate of wrong readings that a device states, within what can be planned for; 0 is not taken at its word."""
    properties = target["measure"].get((qubit,)) if "measure" in target.operation_names else None
    error = None if properties is None else properties.error
    return min(MOST_RATE, float(error) if error else UNSTATED)


@dataclass(frozen=True, eq=False)
class Randomised:
    """The randomised circuits of a program as a body: one call, whose outcomes are those of all circuits, flips undone.

    Attributes:
        flips: the plan.
        body: of the program itself, one circuit.
        registers: what the classical registers mean.
        target: of the device.
    """

    host: ClassVar[bool] = False
    flips: FlipPlan
    body: Any
    registers: tuple[Register, ...]
    target: Any

    @property
    def circuit(self) -> Circuit:
        """The circuit without flips."""
        return self.body.circuit

    @cached_property
    def circuits(self) -> list[Circuit]:
        """The circuits as they are run."""
        design, readings = self.flips.design, self.flips.readings
        steers = np.array([reading.steers for reading in readings], dtype=np.int64)
        return [
            flipped(self.circuit, readings, f, (f ^ g) * steers, self.target)
            for f, g in zip(design.flips, design.errors, strict=True)
        ]

    def next(self, seen: Seen, shots: int) -> Batch | None:
        """Return the one call there is; its shots are the plan's."""
        if seen:
            return None
        pairs = zip(self.circuits, self.flips.design.shots.tolist(), strict=True)
        return Batch(tuple(Item(circuit, None, np.array([number])) for circuit, number in pairs), (1,))

    def outcomes(self, seen: Seen, shots: int) -> tuple[Outcomes, ...]:
        """Return the decoded readings of all circuits together."""
        return outcomes_of(self.flips, seen, self.registers)

    def on(self, lower: Callable[[Circuit], Circuit]) -> Randomised:
        """Return it: it is planned for circuits that are lowered."""
        return self


def outcomes_of(plan: FlipPlan, seen: Seen, registers: Sequence[Register]) -> tuple[Outcomes, ...]:
    """Return the decoded readings of all circuits together, flips undone; deliberate errors are among them."""
    return (decoded(Outcomes.total([plan.undone(row, c) for c, row in enumerate(seen[0])]), registers),)


def randomised(program: Program, note: Mapping[str, Any], backend: Backend) -> Program:
    """Return the program that is run: with randomised circuits, where they were planned."""
    if note.get("flips") is None:
        return program
    device = backend.capabilities.device
    assert device is not None, "planned for a device only"
    body = Randomised(FlipPlan.of(note["flips"]), program.body, program.registers, device.target)
    return replace(program, body=body)


def flip_calibration(plan: FlipPlan, size: int) -> list[Circuit]:
    """Return the circuits that measure the rates: zeros and ones of measurements at the end, and of those that go on."""
    wanted = [(plan.qubits(mid), mid) for mid in (False, True)]
    return [circuit for qubits, mid in wanted if qubits for circuit in calibration_circuits(qubits, size, mid=mid)]


def without_errors(samples: Samples, plan: FlipPlan) -> Samples:
    """Return the samples of the circuits without deliberate errors: as they would be read without mitigation, but for flips."""
    rows = [row for c, row in enumerate(plan.rows(samples.readings[0])) if plan.design.kind[c] == 0]
    columns: IntArray = np.flatnonzero(plan.design.kind == 0)
    total = Outcomes.total([plan.undone(row, int(c)) for c, row in zip(columns, rows, strict=True)])
    return replace(samples, outcomes=(decoded(total, samples.registers),), readings=(), wanted=None)
