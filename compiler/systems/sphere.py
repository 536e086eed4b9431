# SPDX-License-Identifier: Apache-2.0
"""Layers on the sphere to circuits: the projection to the sphere is a post-selection."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np

from stinespring.batches import Body, OneCircuit, Several
from stinespring.circuits.core.cost import flow_cost
from stinespring.circuits.core.flow import Flow, Instruction, Measure, Reset
from stinespring.circuits.core.gates import Gate, inverted
from stinespring.circuits.exact.signed_state import real_state
from stinespring.circuits.systems.linear_combination import Combination, amplified, combination_gates, padded
from stinespring.compiler.export.files import EXPORTER
from stinespring.compiler.export.forms import largest_cost
from stinespring.compiler.systems.ancilla import REGISTER, clean_register, may_help
from stinespring.compiler.systems.sphere_layer import layers_of
from stinespring.errors import InputError, TooLargeError
from stinespring.models.sphere.asked import CircuitAsked, SphereAsked
from stinespring.models.sphere.layer_law import X, best_rounds, steps_of
from stinespring.models.sphere.model import SphereModel
from stinespring.readings import FloatArray, Register
from stinespring.stages import Program
from stinespring.version import __version__

__all__ = ["compile_sphere"]

MOST_ROTATIONS = 1 << 20
MOST_LAYERS = 64
SCHEDULES = ("static", "dynamic", "stepwise")


class ParticleCircuit(NamedTuple):
    """One particle's way through one or several layers, with post-selection.

    Attributes:
        asked: which particle, and what is read.
        combinations: the linear combination of each layer, in order.
        rounds: of amplitude amplification.
        flow: the circuit; quantum ``x`` and ``position`` (``position1..``), classical ``flag`` (``flag1..``), success = 0.
    """

    asked: CircuitAsked
    combinations: tuple[Combination, ...]
    rounds: int
    flow: Flow

    @property
    def plain_success(self) -> float:
        """Probability that all flags are 0 without amplification: the product over layers."""
        return math.prod(combination.success for combination in self.combinations)

    @property
    def success(self) -> float:
        """Probability that all flags are 0, amplification included."""
        theta = math.asin(math.sqrt(min(1.0, self.plain_success)))
        return math.sin((2 * self.rounds + 1) * theta) ** 2 if self.rounds else self.plain_success


def compile_sphere(model: SphereModel, asked: SphereAsked, *, ancilla: str = "auto", room: int | None = None) -> Program:
    """Compile particles' layer steps into circuits.

    ``x_i <- N(x_i +- h sum_j a_ij V x_j (+- h u(x_i)))`` is a linear combination of states whose position register is found in
    |0>; the normalisation N is that post-selection. Several layers are coherent: the particle stays in its register, the next
    layer turns it back to |0> in the branch of success and goes on with a fresh (or reset) position register. The attention
    coefficients and the other particles of each layer come from the host. Stepwise, every layer is a circuit of its own: the
    host moves the particles and re-prepares them.

    Args:
        model: particles and rule; d up to a few hundred, n up to some thousands.
        asked: which particles (0 is the first), how many layers, the schedule, the rounds of amplitude amplification
            (``auto``: as many as bring the success of each circuit closest to 1; not of a dynamic program), and what is
            read: ``nothing`` leaves x unmeasured, ``amplitudes`` measures it into ``x1``, ``fidelity`` measures it after the
            inverse preparation of the analytic state, so that ``x1`` is 0 whenever the flags are; ``both`` has a circuit each.
        ancilla: ``clean``: the reflections of amplitude amplification are helped by one qubit in |0>, register ``clean``,
            which returns there and is not measured; ``none``; or ``auto``: where the target has room.
        room: qubits of the target; None: it has no limit.

    Raises:
        InputError: no such particle, a sum without direction, options that do not go together, an unknown ancilla.
        TooLargeError: too many rotations.
    """
    begun = time.perf_counter()
    require_usable(asked)
    steps = layers_of(model, asked.particles, asked.layers)
    exact, circuits = steps_of(model, asked.particles, asked.layers), []
    for one in asked.circuits:
        layers = slice(one.before, one.before + one.layers)
        after = exact[layers.stop - 1][one.particle].after
        circuits.append(particle_circuit(one, tuple(steps[one.particle][layers]), after, asked, (ancilla, room)))
    flows = tuple(circuit.flow for circuit in circuits)
    registers = registers_of(flows, asked)
    body: Body = OneCircuit(flows[0], registers) if len(flows) == 1 else Several(flows, (None,) * len(flows), registers)
    helped = any((REGISTER, 1) in flow.quantum for flow in flows)
    words = [model.fingerprint(), asked.plain(), helped, __version__]
    return Program(
        source=model, asked=asked, schedule=asked.schedule, body=body, registers=registers, promise="exact", tvd_bound=0.0,
        claim=None, cost=largest_cost(map(flow_cost, flows)), seconds=time.perf_counter() - begun,
        hash=hashlib.sha256(json.dumps(words).encode()).hexdigest(), exporter=EXPORTER,
        details=told(model, circuits, steps) | {"ancilla": "clean" if helped else "none"},
    )  # fmt: skip


def require_usable(asked: SphereAsked) -> None:
    """Refuse numbers and options that no circuit has."""
    rounds = 1 if asked.rounds == "auto" else asked.rounds
    for name, value in (("layers", asked.layers), ("rounds of amplification", rounds)):
        if isinstance(value, bool) or not isinstance(value, int) or value < (name == "layers") or value > MOST_LAYERS:
            raise InputError(f"the number of {name} is out of range", got=value, expected=f"1 to {MOST_LAYERS}")
    if asked.schedule not in SCHEDULES:
        raise InputError("unknown schedule", got=asked.schedule, expected="static, dynamic or (with an output folder) stepwise")
    if asked.schedule == "dynamic" and asked.rounds not in (0, "auto"):
        raise InputError("a measured position register cannot be amplified", got="--schedule dynamic", expected="static")
    if not asked.particles:
        raise InputError("no particle is asked for", got="an empty list", expected="at least one particle")
    if asked.read not in ("both", "nothing", "amplitudes", "fidelity"):
        raise InputError("unknown reading", got=asked.read, expected="both, nothing, amplitudes or fidelity")


def particle_circuit(
    one: CircuitAsked, combinations: tuple[Combination, ...], after: FloatArray, asked: SphereAsked,
    help_: tuple[str, int | None],
) -> ParticleCircuit:  # fmt: skip
    """Return the circuit of one particle; ``after`` is where the model itself has it then, for the fidelity."""
    rotations = sum(1 << (c.position_qubits + (c.vectors.shape[1] - 1).bit_length()) for c in combinations)
    if rotations > MOST_ROTATIONS:
        raise TooLargeError(
            "the circuit is too large", got=f"about {rotations:,} rotations", expected=f"at most {MOST_ROTATIONS:,}",
            todo="use fewer particles, dimensions or layers",
        )  # fmt: skip
    if asked.schedule == "dynamic":
        return ParticleCircuit(one, combinations, 0, dynamic_flow(combinations, one.read, after))
    rounds = best_rounds(math.prod(c.success for c in combinations)) if asked.rounds == "auto" else asked.rounds
    return ParticleCircuit(one, combinations, rounds, static_flow(combinations, rounds, one.read, after, help_))


def registers_of(flows: Sequence[Flow], asked: SphereAsked) -> tuple[Register, ...]:
    """Return the classical registers of all circuits; each code means itself."""
    sizes: dict[str, int] = {}
    for flow in flows:
        for name, size in flow.classical:
            sizes[name] = max(size, sizes.get(name, 0))
    flags = [name for name in sizes if name != X]
    result = [Register(name, "flag", bits=sizes[name], step=step) for step, name in enumerate(flags, start=1)]
    if X in sizes:  # after the inverse preparation it says whether the state is right, and no longer where the particle is
        result.append(Register(X, "state" if asked.read == "amplitudes" else "ancilla", bits=sizes[X]))
    return tuple(result)


def told(model: SphereModel, circuits: Sequence[ParticleCircuit], steps: dict[int, list[Combination]]) -> dict[str, Any]:
    """Return what the figures say of the layers of the first particle; its layers succeed together with the product."""
    particle = circuits[0].asked.particle
    way = [c for c in circuits if c.asked.particle == particle and c.asked.read == circuits[0].asked.read]
    last, rounds = steps[particle][-1], [circuit.rounds for circuit in circuits]
    layers = [
        {"coefficients": c.coefficients.tolist(), "one_norm": c.one_norm, "success_probability": c.success}
        for c in steps[particle]
    ]
    found = {
        "coefficients": last.coefficients.tolist(), "one_norm": last.one_norm,
        "success_probability": math.prod(c.success for c in way),
        "plain_success_probability": math.prod(c.plain_success for c in way),
        "updated": (last.total / np.linalg.norm(last.total)).tolist(), "particle": particle, "layers": layers,
        "field": model.field, "amplification_rounds": rounds[0] if len(set(rounds)) == 1 else rounds,
    }  # fmt: skip
    if len(circuits) == 1:
        return found
    costs = [asdict(flow_cost(circuit.flow)) for circuit in circuits]
    return found | {"particles": list(steps), "circuits": len(circuits), "costs": costs}


def layer_gates(combinations: tuple[Combination, ...], number: int, state: range, position: range) -> list[Gate]:
    """Return one layer: in the branch of success the register holds the particle before it, and then the one after."""
    before: list[Gate] = []
    if number:
        total = combinations[number - 1].total
        before = inverted(real_state(padded((total / np.linalg.norm(total))[None])[0], state))
    return before + combination_gates(combinations[number], state, position)


def readout(after: FloatArray, read: str, state: range) -> list[Instruction]:
    """Return what happens to the particle's register at the end.

    The fidelity is that with the state ``after``, which comes from the model: to undo the compiler's own sum shows nothing.
    """
    if read == "nothing":
        return []
    back = inverted(real_state(padded(after[None])[0], state)) if read == "fidelity" else []
    return [*back, Measure(tuple(state), X, tuple(range(len(state))))]


def static_flow(
    combinations: tuple[Combination, ...], rounds: int, read: str, after: FloatArray, help_: tuple[str, int | None]
) -> Flow:
    """Return the circuit with fresh position qubits for each layer, all measured at the end."""
    state, names = state_wires(combinations), suffixes(combinations)
    sizes = [c.position_qubits for c in combinations]
    starts = [len(state) + sum(sizes[:i]) for i in range(len(sizes))]
    places = [range(start, start + size) for start, size in zip(starts, sizes, strict=True)]
    gates = [g for i, place in enumerate(places) for g in layer_gates(combinations, i, state, place)]
    width = len(state) + sum(sizes)
    clean = width if may_help(help_[0], width, help_[1]) else None
    if rounds:
        gates = amplified(gates, width, [wire for place in places for wire in place], rounds, clean)
    flags = [Measure(tuple(p), f"flag{name}", tuple(range(len(p)))) for p, name in zip(places, names, strict=True)]
    quantum = [("x", len(state)), *((f"position{name}", size) for name, size in zip(names, sizes, strict=True))]
    quantum += clean_register(gates, width)
    classical = [(f"flag{name}", size) for name, size in zip(names, sizes, strict=True)]
    instructions = (*gates, *flags, *readout(after, read, state))
    return Flow(tuple(quantum), tuple(classical + x1(read, state)), instructions)


def dynamic_flow(combinations: tuple[Combination, ...], read: str, after: FloatArray) -> Flow:
    """Return the circuit with one position register, measured and reset between layers."""
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
        (*instructions, *readout(after, read, state)),
    )  # fmt: skip


def state_wires(combinations: tuple[Combination, ...]) -> range:
    """Return the wires of the particle's register."""
    return range(max(1, (combinations[0].vectors.shape[1] - 1).bit_length()))


def suffixes(combinations: tuple[Combination, ...]) -> list[str]:
    """Return what distinguishes the registers of several layers; nothing for one layer."""
    return [""] if len(combinations) == 1 else [str(i) for i in range(1, len(combinations) + 1)]


def x1(read: str, state: range) -> list[tuple[str, int]]:
    """Return the classical register that the particle is measured into."""
    return [] if read == "nothing" else [(X, len(state))]
