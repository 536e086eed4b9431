# SPDX-License-Identifier: Apache-2.0
"""Layers on the sphere to circuits: the projection to the sphere is a post-selection."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from stinespring.circuits.core.flow import Flow, Instruction, Measure, Reset
from stinespring.circuits.core.gates import Gate
from stinespring.circuits.systems.linear_combination import Combination, amplified, combination_gates, inverted, padded, prepare
from stinespring.compiler.export.lowering import flow_cost
from stinespring.compiler.systems.sphere_layer import layers_of
from stinespring.errors import InputError, TooLargeError
from stinespring.models.sphere.model import SphereModel
from stinespring.readings import FloatArray, IntArray
from stinespring.stages import Cost
from stinespring.version import __version__

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["SphereProgram", "compile_sphere"]

MOST_ROTATIONS = 1 << 20
MOST_LAYERS = 64
SCHEDULES = ("static", "dynamic", "stepwise")
Read = Literal["nothing", "amplitudes", "fidelity"]


@dataclass(frozen=True, eq=False)
class SphereProgram:
    """One particle's way through one or several layers, as a circuit with post-selection.

    Attributes:
        model: the particles before the first layer.
        particle: which one.
        combinations: the linear combination of each layer, in order.
        schedule: ``static`` (fresh position qubits for each layer) or ``dynamic`` (one position register, measured and reset).
        rounds: of amplitude amplification.
        read: what is measured besides the flags: nothing, the amplitudes of x, or x against the analytic state.
        flow: the program; quantum ``x`` and ``position`` (``position1..``), classical ``flag`` (``flag1..``), success = 0.
        cost: gates and qubits.
        seconds: compile time.
        hash: SHA-256 of everything that changes the program.
    """

    model: SphereModel
    particle: int
    combinations: tuple[Combination, ...]
    schedule: str
    rounds: int
    read: Read
    flow: Flow
    cost: Cost
    seconds: float
    hash: str

    @property
    def updated(self) -> FloatArray:
        """The particle after the layers, shape (d,)."""
        total = self.combinations[-1].total
        return np.asarray(total / np.linalg.norm(total))

    @property
    def plain_success(self) -> float:
        """Probability that all flags are 0 without amplification: the product over layers."""
        return math.prod(combination.success for combination in self.combinations)

    @property
    def success_probability(self) -> float:
        """Probability that all flags are 0, amplification included."""
        theta = math.asin(math.sqrt(min(1.0, self.plain_success)))
        return math.sin((2 * self.rounds + 1) * theta) ** 2 if self.rounds else self.plain_success

    @property
    def flags(self) -> tuple[str, ...]:
        """Names of the classical registers that hold 0 on success."""
        return tuple(name for name, _ in self.flow.classical if name.startswith("flag"))

    @property
    def circuit(self) -> QuantumCircuit:
        """The Qiskit circuit."""
        return self.flow.circuit()

    def qasm3(self) -> str:
        """Return the program as OpenQASM 3."""
        from stinespring.compiler.export.qasm import flow_qasm

        return flow_qasm(self.flow)

    def law(self) -> FloatArray:
        """Return the probability of each value of ``x1`` together with success, shape (2^q,); 1 - their sum is failure."""
        state = padded(self.updated[None])[0] ** 2
        if self.read == "fidelity":
            state = np.eye(1, len(state))[0]
        return np.asarray(self.success_probability * state)

    def tally(self, values: Mapping[str, IntArray]) -> IntArray:
        """Return counts of each value of ``x1`` with success, and last the number of failures, from every shot's registers."""
        good = np.all([values[name] == 0 for name in self.flags], axis=0)
        size = 1 << (self.model.d - 1).bit_length()
        found = np.bincount(values["x1"][good], minlength=size)
        return np.append(found, np.count_nonzero(~good)).astype(np.int64)

    def summary(self) -> dict[str, Any]:
        """Return the figures that ``sphere compile --json`` prints."""
        last = self.combinations[-1]
        layers = [
            {"coefficients": c.coefficients.tolist(), "one_norm": c.one_norm, "success_probability": c.success}
            for c in self.combinations
        ]
        return {
            "coefficients": last.coefficients.tolist(), "one_norm": last.one_norm,
            "success_probability": self.success_probability, "plain_success_probability": self.plain_success,
            "updated": self.updated.tolist(), "particle": self.particle, "layers": layers, "field": self.model.field,
            "amplification_rounds": self.rounds, "schedule": self.schedule, "extension": None, "phases": "exact",
            **asdict(self.cost), "tvd_bound": 0.0, "seconds": self.seconds, "hash": self.hash,
        }  # fmt: skip

    def write(self, path: str | Path) -> list[Path]:
        """Write FILE.qasm with FILE.json beside it; return what was written."""
        from stinespring.compiler.export.files import FORMAT, write_pair
        from stinespring.writing import usable

        figures = self.summary()
        figures.pop("seconds")  # so that the same program gives the same bytes
        names = {str(value): value for value in range(self.model.d)}
        decode = {"x1": names} if self.read == "amplitudes" else {}
        return write_pair(usable(path), self.qasm3(), {"format": FORMAT, **figures, "decode": decode})


def compile_sphere(
    model: SphereModel, *, particle: int, layers: int = 1, schedule: str = "static", amplify: int | str = 0,
    read: Read = "nothing",
) -> SphereProgram:  # fmt: skip
    """Compile one particle's layer step into a circuit.

    ``x_i <- N(x_i +- h sum_j a_ij V x_j (+- h u(x_i)))`` is a linear combination of states whose position register is found in
    |0>; the normalisation N is that post-selection. Several layers are coherent: the particle stays in its register, the next
    layer turns it back to |0> in the branch of success and goes on with a fresh (or reset) position register. The attention
    coefficients and the other particles of each layer come from the host.

    Args:
        model: particles and rule; d up to a few hundred, n up to some thousands.
        particle: 0 is the first.
        layers: how many.
        schedule: ``static`` or ``dynamic`` (see :class:`SphereProgram`).
        amplify: rounds of amplitude amplification, or ``auto``: as many as bring the success closest to 1. Static only.
        read: ``nothing`` leaves x unmeasured, ``amplitudes`` measures it into ``x1``, ``fidelity`` measures it after the
            inverse preparation of the analytic state, so that ``x1`` is 0 whenever the flags are.

    Raises:
        InputError: no such particle, a sum without direction, options that do not go together.
        TooLargeError: too many rotations.
    """
    begun = time.perf_counter()
    for name, value in (("layers", layers), ("rounds of amplification", 1 if amplify == "auto" else amplify)):
        if isinstance(value, bool) or not isinstance(value, int) or value < (name == "layers") or value > MOST_LAYERS:
            raise InputError(f"the number of {name} is out of range", got=value, expected=f"1 to {MOST_LAYERS}")
    if schedule not in SCHEDULES[:2]:
        raise InputError("unknown schedule", got=schedule, expected="static, dynamic or (with an output folder) stepwise")
    if schedule == "dynamic" and amplify not in (0, "auto"):
        raise InputError("a measured position register cannot be amplified", got="--schedule dynamic", expected="static")
    combinations = tuple(layers_of(model, particle, layers))
    rotations = sum(1 << (c.position_qubits + (model.d - 1).bit_length()) for c in combinations)
    if rotations > MOST_ROTATIONS:
        raise TooLargeError(
            "the circuit is too large", got=f"about {rotations:,} rotations", expected=f"at most {MOST_ROTATIONS:,}",
            todo="use fewer particles, dimensions or layers",
        )  # fmt: skip
    rounds = amplify if isinstance(amplify, int) else 0 if schedule == "dynamic" else best_rounds(combinations)
    flow = (static_flow if schedule == "static" else dynamic_flow)(combinations, rounds, read)
    words = [model.fingerprint(), particle, layers, schedule, rounds, read, __version__]
    return SphereProgram(
        model, particle, combinations, schedule, rounds, read, flow, flow_cost(flow), time.perf_counter() - begun,
        hashlib.sha256(json.dumps(words).encode()).hexdigest(),
    )  # fmt: skip


def best_rounds(combinations: tuple[Combination, ...]) -> int:
    """Return the rounds that bring the success closest to 1 without passing it."""
    theta = math.asin(math.sqrt(min(1.0, math.prod(c.success for c in combinations))))
    return min(MOST_LAYERS, max(0, math.floor(math.pi / (4 * theta) - 0.5 + 1e-9)))


def layer_gates(combinations: tuple[Combination, ...], number: int, state: range, position: range) -> list[Gate]:
    """Return one layer: in the branch of success the register holds the particle before it, and then the one after."""
    before: list[Gate] = []
    if number:
        total = combinations[number - 1].total
        before = inverted(prepare(padded((total / np.linalg.norm(total))[None])[0], state))
    return before + combination_gates(combinations[number], state, position)


def readout(combinations: tuple[Combination, ...], read: Read, state: range) -> list[Instruction]:
    """Return what happens to the particle's register at the end."""
    if read == "nothing":
        return []
    total = combinations[-1].total
    back = inverted(prepare(padded((total / np.linalg.norm(total))[None])[0], state)) if read == "fidelity" else []
    return [*back, Measure(tuple(state), "x1", tuple(range(len(state))))]


def static_flow(combinations: tuple[Combination, ...], rounds: int, read: Read) -> Flow:
    """Return the circuit with fresh position qubits for each layer, all measured at the end."""
    state, names = state_wires(combinations), suffixes(combinations)
    sizes = [c.position_qubits for c in combinations]
    starts = [len(state) + sum(sizes[:i]) for i in range(len(sizes))]
    places = [range(start, start + size) for start, size in zip(starts, sizes, strict=True)]
    gates = [g for i, place in enumerate(places) for g in layer_gates(combinations, i, state, place)]
    width = len(state) + sum(sizes)
    if rounds:
        gates = amplified(gates, width, [wire for place in places for wire in place], rounds)
    flags = [Measure(tuple(p), f"flag{name}", tuple(range(len(p)))) for p, name in zip(places, names, strict=True)]
    quantum = [("x", len(state)), *((f"position{name}", size) for name, size in zip(names, sizes, strict=True))]
    classical = [(f"flag{name}", size) for name, size in zip(names, sizes, strict=True)]
    instructions = (*gates, *flags, *readout(combinations, read, state))
    return Flow(tuple(quantum), tuple(classical + x1(read, state)), instructions)


def dynamic_flow(combinations: tuple[Combination, ...], rounds: int, read: Read) -> Flow:
    """Return the circuit with one position register, measured and reset between layers."""
    assert not rounds, "amplification needs the unmeasured register"
    state, names = state_wires(combinations), suffixes(combinations)
    size = max(c.position_qubits for c in combinations)
    instructions: list[Instruction] = []
    for i, (combination, name) in enumerate(zip(combinations, names, strict=True)):
        place = range(len(state), len(state) + combination.position_qubits)
        instructions += [*([Reset(tuple(place))] if i else []), *layer_gates(combinations, i, state, place)]
        instructions.append(Measure(tuple(place), f"flag{name}", tuple(range(len(place)))))
    classical = [(f"flag{name}", c.position_qubits) for c, name in zip(combinations, names, strict=True)]
    return Flow(
        (("x", len(state)), ("position", size)), tuple(classical + x1(read, state)),
        (*instructions, *readout(combinations, read, state)),
    )  # fmt: skip


def state_wires(combinations: tuple[Combination, ...]) -> range:
    """Return the wires of the particle's register."""
    return range(max(1, (combinations[0].vectors.shape[1] - 1).bit_length()))


def suffixes(combinations: tuple[Combination, ...]) -> list[str]:
    """Return what distinguishes the registers of several layers; nothing for one layer."""
    return [""] if len(combinations) == 1 else [str(i) for i in range(1, len(combinations) + 1)]


def x1(read: Read, state: range) -> list[tuple[str, int]]:
    """Return the classical register that the particle is measured into."""
    return [] if read == "nothing" else [("x1", len(state))]
