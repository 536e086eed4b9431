# SPDX-License-Identifier: Apache-2.0
"""Readout mitigation of any program whose law over its readings can be listed: planned, measured, judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any, Literal, get_args

import numpy as np

from stinespring.backends.seeds import derive_seed
from stinespring.batches import Batch, Circuit, Item, OneCircuit
from stinespring.checks.combine import combined, merged_scope
from stinespring.checks.within import equivalent
from stinespring.errors import InputError
from stinespring.pipeline.readout.flips import FlipPlan, flip_calibration, flip_plan
from stinespring.pipeline.readout.judged import judged_flips
from stinespring.pipeline.running import looked_at
from stinespring.pipeline.systems import system
from stinespring.readings import Outcomes
from stinespring.stages import Backend, Program, Samples, Verdict

__all__ = [
    "MODES",
    "Mitigation",
    "ReadoutCircuits",
    "calibration_body",
    "measured_calibration",
    "mitigated",
    "planned_mitigation",
    "require_mode",
]

Mitigation = Literal["none", "readout", "flips", "always"]
MODES = get_args(Mitigation)
MTHREE = ("readout", "always")  # modes that may need it
WITHIN = ("within", "within_low", "within_high")  # figures of an equivalence test


@dataclass(frozen=True, eq=False)
class ReadoutCircuits:
    """Circuits that show the readout errors: all qubits in 0 and all in 1, of each kind of measurement.

    Attributes:
        circuits: on the device's qubits.
        shots: of each.
    """

    circuits: tuple[Circuit, ...]
    shots: int

    def batch(self) -> Batch:
        """Return them as one call, before all others."""
        return Batch(tuple(Item(circuit, None, np.array([self.shots])) for circuit in self.circuits), (0,))


def require_mode(mode: str, detect: bool = False) -> str:
    """Return the mode, or say what is wrong: it is unknown, mthree is not installed, or shots are to be dropped as well."""
    if mode not in MODES:
        raise InputError("unknown mitigation", got=mode, expected=" or ".join(MODES))
    if mode != "none" and detect:
        raise InputError(
            "mitigation needs every shot, and --detect drops some", got=f"--mitigation {mode} --detect", expected="one of them"
        )  # fmt: skip
    if mode in MTHREE and find_spec("mthree") is None:
        raise InputError(
            "readout mitigation needs mthree, which is not installed",
            got=f"--mitigation {mode}",
            expected="the extra [mitigation]",
            todo="pip install 'stinespring[mitigation]'",
        )
    return mode


def reason_against(program: Program, mode: str) -> str | None:
    """Return why a program's samples are not mitigated, or None if they are.

    Args:
        program: lowered.
        mode: ``readout`` and ``flips`` undo what wrong readings have steered, in programs of one circuit; ``always`` mitigates
            what was recorded, whatever it steered.

    Raises:
        InputError: ``always`` for a program with the host in the loop, whose registers change their meaning with the text.
    """
    if mode == "none":
        return "not asked for"
    against = system(program.asked.kind).against
    if against is not None:
        return against
    if program.body.host:
        if mode == "always":
            raise InputError(
                "a stepwise program has no circuit of its own to mitigate",
                got="--mitigation always --schedule stepwise",
                expected="--schedule static or dynamic",
            )
        return "the host steers every step by what it read before, which is feed-forward"
    if by_flips(program, mode) and not isinstance(program.body, OneCircuit):
        return "random flips are for programs of one circuit; --mitigation always mitigates what several record"
    return None


def by_flips(program: Program, mode: str) -> bool:
    """Return whether a program is mitigated by random flips: where it has feed-forward, or they are asked for."""
    return mode == "flips" or (mode == "readout" and feeds_forward(program.circuit))


def feeds_forward(circuit: Circuit) -> bool:
    """Return whether bits that were read steer the rest."""
    return any(hasattr(item.operation, "blocks") for item in circuit.data)


def planned_mitigation(
    program: Program, backend: Backend, mode: str, *, shots: int = 20_000, root: int = 0
) -> dict[str, Any]:  # fmt: skip
    """Return what readout mitigation needs of a lowered program, or why there is none; empty if none is asked for.

    Args:
        program: lowered.
        backend: where it will run.
        mode: one of :data:`MODES`.
        shots: of the program.
        root: of the run's seeds.

    Raises:
        InputError: what could not be mitigated afterwards.
        TooLargeError: more bits than the test of what is read takes.
    """
    if require_mode(mode) == "none":
        return {}
    from stinespring.checks.codes import judged_registers, require_few

    why = reason_against(program, mode)
    registers = judged_registers(program.registers)
    if why is None:
        require_few(sum(register.size for register in registers))
    if why is None and backend.capabilities.device is None:
        why = f"the backend {backend.name} has no readout errors of its own"
    if why is not None:
        return {"mode": mode, "why": why, "wires": None}
    names = [register.name for register in registers]
    first = program.body.next([], 1_000_000)
    assert first is not None, "every program makes a call"
    wires = [measured_qubits(item.circuit, names) for item in first.items for _ in range(item.rows)]
    note = {"mode": mode, "why": None, "wires": wires, "feed_forward": feeds_forward(program.circuit)}
    return note | ({"flips": flip_plan(program, backend, shots, root).content()} if by_flips(program, mode) else {})


def measured_qubits(circuit: Circuit, registers: Sequence[str]) -> list[int]:
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
        raise InputError("a bit of the program is not measured", got=str(missing[0]), expected="every bit that is judged")
    return [last[bit] for bit in bits]


def calibrated(note: Mapping[str, Any]) -> list[int]:
    """Return the device's qubits that are read by any circuit."""
    return sorted({wire for wires in note["wires"] for wire in wires})


def calibration_body(note: Mapping[str, Any], backend: Backend, shots: int) -> ReadoutCircuits | None:
    """Return the circuits that measure the readout errors of a planned mitigation; None where there is none."""
    if note.get("wires") is None:
        return None
    from stinespring.backends.readout.mitigation import calibration_circuits, calibration_shots

    device = backend.capabilities.device
    assert device is not None, "planned for a device only"
    size = device.target.num_qubits
    planned = note.get("flips") is not None
    circuits = flip_calibration(FlipPlan.of(note["flips"]), size) if planned else calibration_circuits(calibrated(note), size)
    return ReadoutCircuits(tuple(circuits), calibration_shots(backend.capabilities.max_shots, shots))


def measured_calibration(calibration: ReadoutCircuits | None, backend: Backend, root: int) -> list[Outcomes]:
    """Return what a calibration reads, zeros first."""
    return [] if calibration is None else backend.sample(calibration.batch(), derive_seed(root, 0))


def together(parts: Mapping[str, Verdict], alpha: float) -> Verdict:
    """Return the verdict on several circuits, with the shots of all of them, and what would do for all."""
    shots, scope, first = sum(part.shots for part in parts.values()), merged_scope(parts), next(iter(parts.values()))
    ends = {name: max(part.figures[name] for part in parts.values()) for name in WITHIN if name in first.figures}
    judged = combined(parts, alpha=alpha, shots=shots, figures={"scope": scope, **ends})
    each = max((part.shots_needed or 0 for part in parts.values()), default=0)
    if judged.verdict != "UNVERIFIED" or not each:
        return judged
    needed = each * len(parts)
    return replace(judged, shots_needed=needed, reason=f"{judged.reason} of this circuit, about {needed:,} of all {len(parts)}")


def mitigated(
    samples: Samples, verdict: Verdict, note: Mapping[str, Any], readings: Sequence[Outcomes], *, resolution: float
) -> tuple[Verdict, dict[str, Any]]:
    """Return the verdict after the readout mitigation that was planned, and what was done.

    Args:
        samples: with their raw readings.
        verdict: of the samples as they are.
        note: from :func:`planned_mitigation`.
        readings: of the calibration, zeros first; empty where there was none.
        resolution: the TVD that a PASS must have been able to detect.
    """
    if not note:
        return verdict, {"applied": False, "mode": "none", "why": "not asked for"}
    from stinespring.backends.readout.mitigation import calibration_of_counts, mitigate
    from stinespring.checks.codes import judged_registers, readings_of
    from stinespring.checks.mitigated import check_mitigated, with_note
    from stinespring.checks.plain.mitigation import quasi_differ

    if not readings:
        plain = {"applied": False, "mode": note["mode"], "why": note["why"]}
        return with_note(verdict, plain), plain
    if note.get("flips") is not None:
        return judged_flips(samples, verdict, note, readings, resolution=resolution)
    calibration = calibration_of_counts(calibrated(note), *readings)
    sizes, entries = [register.size for register in judged_registers(samples.registers)], len(note["wires"])
    parts, within = {}, verdict.figures.get("within")
    for entry, wires in enumerate(note["wires"]):
        read = readings_of(samples, entry)
        found = mitigate(read, sizes, wires, calibration)
        part = check_mitigated(
            samples, calibration, wires, found, entry=entry, alpha=verdict.alpha / entries, resolution=resolution
        )
        printed = part.details["mitigation"]["quasi_probabilities"]
        if within is not None:
            part = equivalent(part, within, bound=samples.tvd_bound if samples.claim is not None else 0.0)
        wrong = quasi_differ(samples, read, found, wires, readings, printed)
        parts[f"circuit {entry + 1}"] = part if wrong is None else replace(
            part, verdict="FAIL", reason=f"{wrong}; {part.reason}"
        )  # fmt: skip
    judged = next(iter(parts.values())) if entries == 1 else together(parts, verdict.alpha)
    judged = looked_at(samples, judged)  # what is wrong with the samples themselves no mitigation undoes
    tvd = None if verdict.distance is None else verdict.distance.tvd
    without = {"verdict": verdict.verdict, "p_value": verdict.p_value, "tvd": tvd, "reason": verdict.reason}
    told = {**parts["circuit 1"].details["mitigation"], "mode": note["mode"], "without": without}
    if note["feed_forward"]:
        told["caveat"] = "the program has feed-forward: what was recorded is mitigated, wrong branches are not"
        judged = replace(judged, reason=f"{judged.reason}; {told['caveat']}")
    return replace(judged, details={**judged.details, "mitigation": told}), {"applied": True, **told}
