# SPDX-License-Identifier: Apache-2.0
"""What is known about a device's errors: of each qubit and of each gate, as a file and as a Qiskit target."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stinespring.errors import InputError
from stinespring.reading import fields, read_json
from stinespring.writing import write_whole

if TYPE_CHECKING:
    from qiskit.transpiler import Target

__all__ = [
    "FORMAT",
    "Calibration",
    "GateFigures",
    "QubitFigures",
    "read_calibration",
    "write_calibration",
]

FORMAT = "stinespring/calibration@1"
MOST_QUBITS = 4096
LONGEST_NAME = 64  # characters of a gate's name
MEASURED = ("measure_2", "reset_2", "measure_reset", "measure_reset_2")  # further kinds that Qiskit has no class for
NO_GATES = ("barrier", "if_else", "for_loop", "while_loop", "switch_case", "break_loop", "continue_loop", "box")
SLACK = 1e-9  # by which a row of probabilities may miss 1

Readout = tuple[tuple[float, float], tuple[float, float]]


@dataclass(frozen=True)
class QubitFigures:
    """One qubit.

    Attributes:
        t1: relaxation time in seconds; None if unknown, which counts as infinite.
        t2: dephasing time in seconds; None if unknown.
        readout: ``readout[prepared][read]``, rows sum to 1; None if the qubit is not measured.
    """

    t1: float | None
    t2: float | None
    readout: Readout | None


@dataclass(frozen=True)
class GateFigures:
    """One gate, measurement or reset on its qubits.

    Attributes:
        name: Qiskit's name.
        qubits: which it acts on, in order.
        error: one minus the average fidelity; of measurements the probability of reading the wrong value.
        duration: in seconds.
    """

    name: str
    qubits: tuple[int, ...]
    error: float | None
    duration: float | None


@dataclass(frozen=True)
class Calibration:
    """A device's errors and times.

    Attributes:
        name: of the device.
        dt: its unit of time in seconds, or None.
        conditions: whether it executes ``if``.
        qubits: all of them, in order.
        gates: all of them, on every place where they exist.
        taken: when it was measured, ISO 8601, or None.
        max_shots: of one circuit, or None.
    """

    name: str
    dt: float | None
    conditions: bool
    qubits: tuple[QubitFigures, ...]
    gates: tuple[GateFigures, ...]
    taken: str | None = None
    max_shots: int | None = None

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything in it."""
        return hashlib.sha256(json.dumps(self.content(), sort_keys=True).encode()).hexdigest()

    def content(self) -> dict[str, Any]:
        """Return the figures as JSON data."""
        return {
            "format": FORMAT, "name": self.name, "taken": self.taken, "dt": self.dt, "conditions": self.conditions,
            "max_shots": self.max_shots,
            "qubits": [{"t1": q.t1, "t2": q.t2, "readout": q.readout} for q in self.qubits],
            "gates": [{"name": g.name, "qubits": g.qubits, "error": g.error, "duration": g.duration} for g in self.gates],
        }  # fmt: skip

    def figures(self, name: str, *qubits: int) -> GateFigures | None:
        """Return the figures of a gate on its qubits, None if the device does not have it there."""
        return self._by_place.get((name, qubits))

    @cached_property
    def _by_place(self) -> dict[tuple[str, tuple[int, ...]], GateFigures]:
        return {(gate.name, gate.qubits): gate for gate in self.gates}

    def restricted(self, qubits: Sequence[int]) -> Calibration:
        """Return the calibration of some qubits only, numbered 0, 1, … in the order given."""
        number = {qubit: i for i, qubit in enumerate(qubits)}
        gates = [
            GateFigures(g.name, tuple(number[q] for q in g.qubits), g.error, g.duration)
            for g in self.gates
            if number.keys() >= set(g.qubits)
        ]
        return Calibration(self.name, self.dt, self.conditions, tuple(self.qubits[q] for q in qubits), tuple(gates))

    def target(self) -> Target:
        """Return the device as Qiskit's transpiler knows it."""
        from qiskit.circuit import IfElseOp, Instruction
        from qiskit.circuit.library import get_standard_gate_name_mapping
        from qiskit.providers import QubitProperties
        from qiskit.transpiler import InstructionProperties, Target

        standard = get_standard_gate_name_mapping()
        target: Target = Target(
            num_qubits=len(self.qubits), dt=self.dt, qubit_properties=[QubitProperties(t1=q.t1, t2=q.t2) for q in self.qubits]
        )
        places: dict[str, dict[tuple[int, ...], Any]] = {}
        for gate in self.gates:
            properties = InstructionProperties(duration=gate.duration, error=gate.error or self.read_wrongly(gate))
            places.setdefault(gate.name, {})[gate.qubits] = properties
        for name, where in places.items():
            wires = len(next(iter(where)))
            other = Instruction(name, wires, 1 if name.startswith("measure") else 0, [])  # measure_2, reset_2, measure_reset
            target.add_instruction(standard.get(name, other), where, name=name)
        if self.conditions:
            target.add_instruction(IfElseOp, name="if_else")
        return target

    def read_wrongly(self, gate: GateFigures) -> float | None:
        """Return the mean readout error of a measurement that states no error of its own; else what the gate states."""
        readout = self.qubits[gate.qubits[0]].readout if gate.name == "measure" else None
        return gate.error if readout is None else (readout[0][1] + readout[1][0]) / 2.0

    @classmethod
    def of_target(
        cls,
        target: Target,
        *,
        name: str,
        readout: Mapping[int, Readout] | None = None,
        taken: str | None = None,
        max_shots: int | None = None,
    ) -> Calibration:
        """Return what a target knows.

        Args:
            target: of the device.
            name: of the device.
            readout: ``[prepared][read]`` by qubit; by default both errors are the one that the target states.
            taken: when it was measured, ISO 8601.
            max_shots: of one circuit.
        """
        known = dict(readout or {})
        qubits, gates = [], []
        for operation in target.operation_names:
            for place, properties in (target[operation] or {}).items():
                if place is None:
                    continue
                error = getattr(properties, "error", None)
                gates.append(GateFigures(operation, tuple(place), number(error), number(getattr(properties, "duration", None))))
                if operation == "measure" and place[0] not in known:
                    known[place[0]] = readout_of(error or 0.0, error or 0.0)
        for qubit in range(target.num_qubits):
            times = target.qubit_properties[qubit] if target.qubit_properties else None
            t1, t2 = number(getattr(times, "t1", None)), number(getattr(times, "t2", None))
            qubits.append(QubitFigures(t1, t2, known.get(qubit)))
        conditions = "if_else" in target.operation_names
        in_order = tuple(sorted(gates, key=lambda gate: (gate.name, gate.qubits)))  # a target lists its gates in any order
        return cls(name, number(target.dt), conditions, tuple(qubits), in_order, taken, max_shots)


def number(value: Any) -> float | None:
    """Return a finite number as a float; None for what is none."""
    return None if value is None or not math.isfinite(value) else float(value)


def readout_of(one_for_zero: float, zero_for_one: float) -> Readout:
    """Return ``readout[prepared][read]`` from the probabilities of reading 1 for 0 and 0 for 1."""
    return ((1.0 - one_for_zero, one_for_zero), (zero_for_one, 1.0 - zero_for_one))


def write_calibration(calibration: Calibration, path: str | Path) -> Path:
    """Write a calibration as ``stinespring/calibration@1``; the file appears whole or not at all."""
    write_whole(Path(path), json.dumps(calibration.content(), allow_nan=False) + "\n")
    return Path(path)


def read_calibration(path: str | Path) -> Calibration:
    """Return the calibration in a file.

    Raises:
        InputError: no such file, another format, or figures that make no sense.
    """
    data = fields(
        read_json(path, kind="calibration file"),
        ("format", "name", "taken", "dt", "conditions", "max_shots", "qubits", "gates"),
        "the calibration",
        required=("format", "name", "conditions", "qubits", "gates"),
    )
    if data["format"] != FORMAT:
        raise InputError("the file holds no calibration", got=f"format {data['format']!r}", expected=FORMAT)
    for name, kind in (("name", str), ("conditions", bool), ("qubits", list), ("gates", list)):
        if not isinstance(data[name], kind):
            raise InputError(f"'{name}' of the calibration is not usable", got=data[name], expected=kind.__name__)
    if not 1 <= len(data["qubits"]) <= MOST_QUBITS:
        raise InputError("the calibration has no usable qubits", got=len(data["qubits"]), expected=f"1 to {MOST_QUBITS}")
    qubits = tuple(read_qubit(entry, i) for i, entry in enumerate(data["qubits"]))
    gates = tuple(read_gate(entry, i, len(qubits)) for i, entry in enumerate(data["gates"]))
    require_places(gates)
    most = data.get("max_shots")
    if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 1):
        raise InputError("'max_shots' of the calibration is not usable", got=most, expected="a whole number of at least 1")
    dt = positive(data.get("dt"), "dt", "the calibration")
    return Calibration(data["name"], dt, data["conditions"], qubits, gates, data.get("taken"), most)


def read_qubit(entry: object, index: int) -> QubitFigures:
    """Return one qubit of a file."""
    where = f"qubit {index}"
    data = fields(entry, ("t1", "t2", "readout"), where)
    t1, t2 = (positive(data.get(name), name, where) for name in ("t1", "t2"))
    matrix = data.get("readout")
    if matrix is None:
        return QubitFigures(t1, t2, None)
    rows = matrix if isinstance(matrix, list) and [len(r) for r in matrix if isinstance(r, list)] == [2, 2] else []
    if len(rows) != 2 or any(not is_probability(p) for row in rows for p in row):
        raise InputError(
            f"the readout of {where} is no matrix of probabilities", got=matrix, expected="[[p00, p01], [p10, p11]]"
        )
    if any(abs(sum(row) - 1.0) > SLACK for row in rows):
        raise InputError(f"a row of the readout of {where} does not sum to 1", got=matrix, expected="rows [prepared][read]")
    return QubitFigures(t1, t2, readout_of(float(rows[0][1]), float(rows[1][0])))


def read_gate(entry: object, index: int, qubits: int) -> GateFigures:
    """Return one gate of a file."""
    where = f"gate {index}"
    data = fields(entry, ("name", "qubits", "error", "duration"), where, required=("name", "qubits"))
    place, error = data["qubits"], data.get("error")
    usable = isinstance(data["name"], str) and data["name"].isidentifier() and len(data["name"]) <= LONGEST_NAME
    if not usable or data["name"] in NO_GATES:
        raise InputError(f"the name of {where} is not usable", got=data["name"], expected="for example 'cz'")
    if not isinstance(place, list) or not place or any(
        isinstance(q, bool) or not isinstance(q, int) or not 0 <= q < qubits for q in place
    ) or len(set(place)) != len(place):  # fmt: skip
        raise InputError(f"the qubits of {where} are not usable", got=place, expected=f"distinct numbers 0..{qubits - 1}")
    if error is not None and not is_probability(error):
        raise InputError(f"the error of {where} is out of range", got=error, expected="a number from 0 to 1")
    return GateFigures(data["name"], tuple(place), number(error), positive(data.get("duration"), "duration", where, least=0.0))


def require_places(gates: Sequence[GateFigures]) -> None:
    """Refuse a gate that stands twice on one place, or on a number of qubits that it does not act on."""
    from qiskit.circuit.library import get_standard_gate_name_mapping

    wires = {name: gate.num_qubits for name, gate in get_standard_gate_name_mapping().items()}
    wires |= dict.fromkeys(MEASURED, 1)
    seen = set()
    for gate in gates:
        place = f"{gate.name} on {', '.join(map(str, gate.qubits))}"
        if (gate.name, gate.qubits) in seen:
            raise InputError("a gate of the calibration stands twice on one place", got=place, expected="every place once")
        seen.add((gate.name, gate.qubits))
        if (number := wires.setdefault(gate.name, len(gate.qubits))) != len(gate.qubits):
            raise InputError("a gate of the calibration is on too many or too few qubits", got=place, expected=f"{number}")


def is_probability(value: object) -> bool:
    """Return whether a value is a number from 0 to 1."""
    return not isinstance(value, bool) and isinstance(value, int | float) and 0.0 <= value <= 1.0


def positive(value: object, name: str, where: str, least: float | None = None) -> float | None:
    """Return a time, None if there is none, or say what is wrong."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or (value <= 0 and value != least):
        raise InputError(f"'{name}' of {where} is not usable", got=value, expected="a number of seconds above 0, or null")
    return float(value)
