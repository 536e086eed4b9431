# SPDX-License-Identifier: Apache-2.0
"""Stages on Aer: each distinct one is run once, sampled for all shots that reached it, and hands on its state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from stinespring.backends.histories.segment import Stage, Step
from stinespring.backends.seeds import derive_seed, used
from stinespring.errors import BackendError
from stinespring.readings import ComplexArray, IntArray

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit_aer import AerSimulator

__all__ = ["StageOutcomes", "run_stages"]

AT_ONCE = 256  # circuits of one call
MOST_AMPLITUDES = 1 << 22  # of the statevectors that one call returns: 64 MB
DIGITS = 2.0**40  # states are the same if their amplitudes agree to 1e-12


class StageOutcomes(NamedTuple):
    """What one stage gave.

    Attributes:
        values: of the measured wires, the first least significant, one for each shot in random order.
        states: for each value that occurred the normalised state of the kept wires; empty if none is kept.
    """

    values: IntArray
    states: Mapping[int, ComplexArray]


def run_stages(
    stages: Sequence[tuple[Stage, ComplexArray | None, int]], simulator: AerSimulator, *, seed: int, purpose: int
) -> tuple[list[StageOutcomes], int]:
    """Run stages from known states.

    One call to Aer samples circuits whose shots lie between two powers of two; draws above a stage's own number are left out,
    at random. Aer draws the shots of such a circuit from one stream, so that streams of different circuits do not overlap;
    that it does so is checked.

    Args:
        stages: each with its initial state (None: |0...0>) and its number of shots.
        simulator: of statevectors, whose ``run`` raises when Aer failed.
        seed: root of all seeds.
        purpose: distinguishes calls of this function with one root.

    Returns:
        The outcomes of each stage, and the number of circuits that were run.
    """
    result: list[StageOutcomes | None] = [None] * len(stages)
    waiting = []
    for number, (stage, _, shots) in enumerate(stages):
        if stage.measured or stage.kept:
            waiting.append(number)
        else:
            result[number] = StageOutcomes(np.zeros(shots, dtype=np.int64), {})
    for call, chunk in enumerate(calls([(i, stages[i][2], stages[i][0]) for i in waiting])):
        shots = max(stages[i][2] for i in chunk)
        circuits = [stage_circuit(stages[i][0], stages[i][1]) for i in chunk]
        ran = simulator.run(circuits, shots=shots, seed_simulator=derive_seed(seed, purpose, call, 0)).result().results
        random = np.random.default_rng(used(derive_seed(seed, purpose, call, 1), "numpy"))
        for i, one in zip(chunk, ran, strict=True):
            if stages[i][0].measured:
                used(one.seed_simulator)
            result[i] = outcomes(stages[i][0], one, stages[i][2], random)
    return [one for one in result if one is not None], len(waiting)


def calls(stages: Sequence[tuple[int, int, Stage]]) -> list[list[int]]:
    """Return which stages are run in one call: similar numbers of shots, not too much memory."""
    groups: dict[tuple[int, bool], list[tuple[int, Stage]]] = {}
    for number, shots, stage in stages:
        groups.setdefault((shots.bit_length(), bool(stage.kept)), []).append((number, stage))
    result = []
    for (_, keeps), group in sorted(groups.items()):
        widest = max(stage.width for _, stage in group)
        size = max(1, min(AT_ONCE, MOST_AMPLITUDES >> widest)) if keeps else AT_ONCE
        result += [[number for number, _ in group[i : i + size]] for i in range(0, len(group), size)]
    return result


def outcomes(stage: Stage, one: Any, shots: int, random: np.random.Generator) -> StageOutcomes:
    """Return the outcomes of one of Aer's results."""
    data = one.data.to_dict()
    if not stage.measured:
        state = np.asarray(data["state"])
        return StageOutcomes(np.zeros(shots, dtype=np.int64), {0: direction(kept_state(state, stage, 0))})
    if not one.metadata.get("measure_sampling"):
        raise BackendError("Aer simulated a stage shot by shot", got=one.metadata, expected="sampling from one final state")
    counts = sorted((int(key, 16), number) for key, number in data["counts"].items())  # Aer's order depends on its threads
    values = np.array([value for value, _ in counts], dtype=np.int64)
    drawn = random.permutation(np.repeat(values, [number for _, number in counts]))[:shots]
    if not stage.kept:
        return StageOutcomes(drawn, {})
    state = np.asarray(data["state"])
    return StageOutcomes(drawn, {v: direction(kept_state(state, stage, v)) for v in np.unique(drawn).tolist()})


def kept_state(state: ComplexArray, stage: Stage, value: int) -> ComplexArray:
    """Return the part of a statevector where the measured wires, all that are not kept, have a value."""
    axes = state.reshape((2,) * stage.width)
    chosen: list[Any] = [slice(None)] * stage.width
    for i, wire in enumerate(stage.measured):
        chosen[stage.width - 1 - wire] = value >> i & 1
    left = axes[tuple(chosen)]  # the kept wires, highest wire first
    order = sorted(stage.kept, reverse=True)
    return np.asarray(left.transpose([order.index(wire) for wire in reversed(stage.kept)]).ravel())


def direction(vector: ComplexArray) -> ComplexArray:
    """Return the vector normalised, with its first sizeable entry positive, and rounded so that equal states are equal."""
    size = np.abs(vector)
    lead = vector[int(np.argmax(size > size.max() / 2))]
    return np.asarray(np.round(vector * (abs(lead) / lead / np.linalg.norm(vector)) * DIGITS) / DIGITS + 0.0)


def stage_circuit(stage: Stage, state: ComplexArray | None) -> QuantumCircuit:
    """Return a stage as Aer's own instructions."""
    from qiskit import QuantumCircuit
    from qiskit_aer.library import SaveStatevector, SetStatevector

    circuit = QuantumCircuit(stage.width, len(stage.measured))
    wires = circuit.qubits
    if state is not None:
        whole = np.zeros(1 << stage.width, dtype=np.complex128)
        whole[: len(state)] = state / np.linalg.norm(state)
        circuit.append(SetStatevector(whole), wires)
    for step in stage.steps:
        circuit._append(instruction(step), [wires[w] for w in step.wires], ())
    if stage.kept:
        circuit.append(SaveStatevector(stage.width, label="state"), wires)
    circuit.measure(stage.measured, range(len(stage.measured)))
    return circuit


def instruction(step: Step) -> Any:
    """Return a step as an instruction; Aer takes a multiplexer of several targets, which Qiskit has no class for."""
    from qiskit.circuit import Instruction

    result = Instruction(step.name, len(step.wires), 0, list(step.params))
    if step.targets:
        size = 1 << step.targets
        matrices = np.frombuffer(step.matrices, dtype=np.complex128).reshape(-1, size, size)
        result._params = list(matrices.copy())  # Aer 0.18 takes a read-only array's transpose
    return result
