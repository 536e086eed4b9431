# SPDX-License-Identifier: Apache-2.0
"""How long a lowered circuit takes, and the delays and decoupling pulses that fill its idle times.

Times of gates, measurements and resets are the target's. What no target states is the time from the end of a measurement
until gates can depend on it; it is a parameter, and its default is an assumption.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stinespring.circuits.core.flow import If, Measure, Reset
from stinespring.circuits.core.gates import Gate
from stinespring.circuits.core.worst_path import largest
from stinespring.circuits.devices.read_back import flow_of, used_qubits
from stinespring.errors import InputError

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.transpiler import Target

__all__ = ["FEED_FORWARD", "Timing", "duration", "has_times", "with_delays"]

FEED_FORWARD = 1e-6
"""Assumed seconds from the end of a measurement to the first gate that depends on it.

An assumption, for want of a number in the targets: 0.15 us are reported for a controller of its own (arXiv 2403.18768), and
more has to be expected of a system that broadcasts the outcome to all qubits.
"""


@dataclass(frozen=True)
class Timing:
    """How long a circuit takes.

    Attributes:
        seconds: from the start to the end of the longest path.
        idle: for each used qubit, the seconds without an operation between its first and its last one. Where paths of
            different length are possible, an upper bound.
        feed_forward: the seconds from a measurement to what depends on it that were assumed.
    """

    seconds: float
    idle: dict[int, float]
    feed_forward: float


def duration(
    circuit: QuantumCircuit,
    target: Target,
    *,
    durations: Mapping[str, float] | None = None,
    feed_forward: float = FEED_FORWARD,
) -> Timing:
    """Return how long a lowered circuit takes if everything starts as soon as it can.

    A condition starts once all its qubits are free and the bits it tests have been broadcast, ``feed_forward`` after their
    measurement; bits that are tested again unchanged are known already. Barriers and delays count as they stand, so that
    a circuit from :func:`with_delays` takes what its schedule says, with the broadcasts.

    Args:
        circuit: gates and qubits of the target.
        target: whose times are used.
        durations: seconds by instruction name, before those of the target.
        feed_forward: seconds from a measurement to the first gate that depends on it; the default is assumed.

    Raises:
        InputError: an instruction whose time neither the target nor ``durations`` knows, or a negative time.
    """
    given = dict(durations or {})
    for name, value in [*given.items(), ("feed_forward", feed_forward)]:
        if not 0 <= value < math.inf:
            raise InputError("a duration is out of range", got=f"{name}: {value}", expected="seconds, at least 0")
    flow = flow_of(circuit, dt=target.dt, idle=True)
    times = Times(target, given, feed_forward, dict(flow.classical))
    end = largest(flow, Clock.start(times, flow.qubits))
    used = sorted(used_qubits(circuit))
    return Timing(max(end.ready, default=0.0), {q: max(0.0, end.idle(q)) for q in used}, feed_forward)


def has_times(target: Target) -> bool:
    """Return whether a target states how long its measurements take."""
    places = target["measure"] if "measure" in target.operation_names else {}
    return any(properties is not None and properties.duration is not None for properties in places.values())


@dataclass(frozen=True)
class Times:
    """Where the seconds of an instruction come from."""

    target: Target
    given: Mapping[str, float]
    feed_forward: float
    registers: Mapping[str, int]

    def of(self, name: str, on: tuple[int, ...]) -> float:
        """Return the seconds of an instruction."""
        if name in self.given:
            return self.given[name]
        places: Any = self.target[name] if name in self.target.operation_names else {}
        properties = places.get(on) or places.get(None)
        if properties is None or properties.duration is None:
            raise InputError(
                "the time of an instruction is not known",
                got=f"{name} on qubits {on}",
                expected="a target with durations, such as fake:boston",
                todo=f"give durations={{{name!r}: seconds, ...}}",
            )
        return float(properties.duration)


@dataclass
class Clock:
    """When each qubit is free and each measured bit known; linear over (max, +) but for ``busy`` and ``first``."""

    times: Times
    ready: list[float]
    first: list[float]
    last: list[float]
    busy: list[float]
    known: dict[tuple[str, int], float]

    @classmethod
    def start(cls, times: Times, qubits: int) -> Clock:
        """Return time zero."""
        return cls(times, [0.0] * qubits, [math.inf] * qubits, [0.0] * qubits, [0.0] * qubits, {})

    def run(self, gates: Iterable[Gate]) -> None:
        """Execute gates."""
        for name, on, params in gates:
            begin = max(self.ready[q] for q in on)
            if name in ("delay", "barrier"):
                end = begin + sum(float(p) for p in params if isinstance(p, float))
                for q in on:
                    self.ready[q] = end
            else:
                self.occupy(on, begin, self.times.of(name, on))

    def occupy(self, on: Sequence[int], begin: float, seconds: float) -> None:
        """Keep qubits busy from a time on."""
        for q in on:
            self.first[q] = min(self.first[q], begin)
            self.ready[q] = self.last[q] = begin + seconds
            self.busy[q] += seconds

    def tick(self, item: Measure | Reset) -> None:
        """Measure or reset qubits, each on its own."""
        for place, q in enumerate(item.qubits):
            self.occupy((q,), self.ready[q], self.times.of("measure" if isinstance(item, Measure) else "reset", (q,)))
            if isinstance(item, Measure):
                self.known[item.register, item.bits[place]] = self.ready[q] + self.times.feed_forward

    def decide(self, item: If, holds: bool) -> None:
        """Wait for the bits of a condition, and execute its gates if it holds."""
        bits = range(self.times.registers[item.register]) if item.bit is None else (item.bit,)
        on = {qubit for gate in item.gates for qubit in gate.qubits}
        begin = max([self.known.get((item.register, bit), 0.0) for bit in bits] + [self.ready[q] for q in on])
        for q in on:
            self.ready[q] = begin
        if holds:
            self.run(item.gates)

    def copy(self) -> Clock:
        """Return a clock that runs on by itself."""
        return Clock(self.times, list(self.ready), list(self.first), list(self.last), list(self.busy), dict(self.known))

    def join(self, other: Clock) -> Clock:
        """Return the later of all times; of the busy ones, and of the first operations, the smaller."""
        bits = self.known.keys() | other.known.keys()
        return Clock(
            times=self.times,
            ready=list(map(max, self.ready, other.ready)),
            first=list(map(min, self.first, other.first)),
            last=list(map(max, self.last, other.last)),
            busy=list(map(min, self.busy, other.busy)),
            known={bit: max(self.known.get(bit, 0.0), other.known.get(bit, 0.0)) for bit in bits},
        )

    def idle(self, qubit: int) -> float:
        """Return the seconds a qubit waits between its first and its last operation."""
        return self.last[qubit] - self.first[qubit] - self.busy[qubit]


def with_delays(circuit: QuantumCircuit, target: Target, *, dynamical_decoupling: bool = False) -> QuantumCircuit:
    """Return a lowered circuit whose idle times are filled, everything as late as possible.

    Blocks end at resets and conditions, whose end the hardware decides; times are relative to the start of each block, and
    nothing is filled across them.

    Args:
        circuit: gates and qubits of the target.
        target: with durations and dt.
        dynamical_decoupling: fill idle times that are long enough with X, X instead of waiting only; not on qubits that are
            still in |0>.

    Raises:
        InputError: the extra ``[ibm]`` is missing, the target has no times, or the passes refuse the circuit.
    """
    if target.dt is None or not has_times(target):
        raise InputError("the target states no times", expected="a device with durations and dt", todo="use fake:boston")
    try:
        from qiskit_ibm_runtime.transpiler.passes import scheduling
    except ImportError:
        raise InputError(
            "qiskit-ibm-runtime is not installed",
            got="delays",
            expected="the extra [ibm]",
            todo="pip install 'stinespring[ibm]'",
        ) from None
    from qiskit.circuit.library import XGate
    from qiskit.transpiler import PassManager, TranspilerError

    pad = (
        scheduling.PadDynamicalDecoupling(
            dd_sequences=[XGate(), XGate()], pulse_alignment=target.pulse_alignment or 1, target=in_dt(target)
        )
        if dynamical_decoupling
        else scheduling.PadDelay(target=target)
    )
    try:
        result: QuantumCircuit = PassManager([scheduling.ALAPScheduleAnalysis(target=target), pad]).run(own_qubits(circuit))
    except TranspilerError as error:
        raise InputError(
            "the circuit cannot be scheduled", got=str(error.message), expected="a circuit that was lowered to the target"
        ) from error
    result._layout = circuit.layout  # schedules move nothing
    return result


def own_qubits(circuit: QuantumCircuit) -> QuantumCircuit:
    """Return a circuit each of whose conditional blocks has qubits of its own.

    The scheduling passes (qiskit-ibm-runtime 0.51) look up start times by node, and nodes at the same place of two blocks are
    equal if their operations and qubits are: blocks on the same qubits would get each other's times.
    """
    from qiskit import QuantumCircuit
    from qiskit.circuit import Qubit

    result = circuit.copy_empty_like()
    for item in circuit.data:
        if item.operation.name == "if_else":
            blocks = []
            for block in item.operation.blocks:
                fresh = QuantumCircuit([Qubit() for _ in block.qubits], block.clbits, *block.cregs)
                for inner in block.data:
                    fresh.append(inner.operation, [block.find_bit(qubit).index for qubit in inner.qubits], inner.clbits)
                blocks.append(fresh)
            item = item.replace(operation=item.operation.replace_blocks(blocks))
        result._append(item)
    return result


def in_dt(target: Target) -> Target:
    """Return a target whose times are numbers of dt, and that has no dt itself.

    The decoupling pass (qiskit-ibm-runtime 0.51) subtracts the seconds of its pulses from intervals in dt, as if pulses took
    no time; it converts nothing for a target without dt.
    """
    from qiskit.transpiler import InstructionProperties, Target

    result = Target(num_qubits=target.num_qubits)
    for name in target.operation_names:
        places: Any = target[name]
        timed = {on: properties.duration for on, properties in places.items() if on is not None and properties is not None}
        counted = {
            on: InstructionProperties(duration=target.seconds_to_dt(seconds))
            for on, seconds in timed.items()
            if seconds is not None
        }
        if counted:
            result.add_instruction(target.operation_from_name(name), counted, name=name)
    return result
