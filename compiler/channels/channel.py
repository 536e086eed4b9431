# SPDX-License-Identifier: Apache-2.0
"""Any channel to a program: a Stinespring isometry, or a tree of measurements on one ancilla."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, get_args

import numpy as np

from stinespring.batches import OneCircuit
from stinespring.circuits.channels.isometry import isometry_gates
from stinespring.circuits.channels.round import mixed_unitary
from stinespring.circuits.channels.tree import Tree, tree_gates
from stinespring.circuits.core.choi import choi_error as operators_apart
from stinespring.circuits.core.cost import flow_cost
from stinespring.circuits.core.flow import Flow, If, Instruction, Measure, Reset
from stinespring.circuits.core.flow_kraus import flow_kraus
from stinespring.circuits.core.gates import count_two_qubit
from stinespring.circuits.core.worst_path import worst_path
from stinespring.circuits.qasm.assigned import narrowed
from stinespring.circuits.search.work import counted
from stinespring.compiler.channels.measure_prepare import measure_and_prepare_flow
from stinespring.compiler.export.files import EXPORTER
from stinespring.compiler.options import FormChoice
from stinespring.errors import InputError, StinespringError, TooLargeError
from stinespring.models.channels.cptp import CPTP
from stinespring.models.channels.given import as_channel
from stinespring.readings import UNUSED, ComplexArray, Register
from stinespring.stages import Program
from stinespring.version import __version__

__all__ = ["DEFAULT_EFFORT", "compile_channel"]

Form = Literal["isometry", "tree"]
FORMS = get_args(FormChoice)
DEFAULT_EFFORT = 2.0
MEASUREMENT = 2  # two-qubit gates that one mid-circuit measurement counts for in `auto`: its error on today's devices
MOST_ERROR = 1e-9  # of an element of the Choi matrix, above which a circuit is not given out; 1e-12 is aimed at
NO_OUTCOME = -1  # of values of `outcome` that stand for nothing
MOST_WIRES = 10  # qubits of the isometry
MOST_ANGLES = 16  # log2 of the entries of the isometry, about the gates that write it: a larger one takes minutes and GB


def compile_channel(channel: Any, *, form: FormChoice = "auto", effort: float = DEFAULT_EFFORT, seed: int = 0) -> Program:
    """Compile a completely positive trace-preserving map into a circuit.

    ``isometry``: ``V|psi> = sum_a K'_a |psi> (x) |a>`` with ``ceil(log2 rank)`` environment qubits that nothing reads; any
    ``K'_a = sum_b u_ab K_b`` with a unitary u gives the same channel, and the cheapest one found is used. ``tree``: the Kraus
    operators are split in halves; in each of ``ceil(log2 rank)`` rounds one ancilla is measured, reset and used again, and its
    outcomes steer what follows. A mixture of unitaries becomes classical randomness: its ancilla touches nothing.

    Args:
        channel: what :func:`stinespring.models.channels.given.as_channel` takes: Kraus operators, a Choi matrix, an isometry,
            an object of ``qiskit.quantum_info``, the path of a file, or a :class:`stinespring.models.channels.CPTP`, whose
            labels make it a quantum instrument.
        form: ``isometry``, ``tree``, or ``auto``: fewer two-qubit gates, a mid-circuit measurement counted as two.
        effort: about the seconds that numerical synthesis may take (counted in operations); 0 means closed forms only.
        seed: of the synthesis.

    Returns:
        The program; quantum register ``sys`` (first m qubits in, first n out), ``env``; classical ``outcome``.

    Raises:
        InputError: no channel, an unknown form.
        TooLargeError: more than 10 qubits with the environment.
    """
    begun = time.perf_counter()
    if form not in FORMS:
        raise InputError("unknown form", got=form, expected=" or ".join(FORMS))
    if isinstance(effort, bool) or not isinstance(effort, int | float) or not 0 <= effort < math.inf:
        raise InputError("the effort is out of range", got=effort, expected="a number of seconds, at least 0")
    source = as_channel(channel)
    require_room(source)
    builders = {"isometry": isometry_program, "tree": tree_program}
    made, left = [], float(effort)
    forms = tuple(builders) if form == "auto" else (form,)
    for number, name in enumerate(forms, start=1):  # what one form leaves of its part goes to the next
        with counted() as spent:
            made.append(builders[name](source, left / (1 + len(forms) - number), seed))
        left = max(0.0, left - spent.seconds)
    kind, flow, outcomes, method = min(made, key=lambda found: price(found[1]))
    error = choi_error(source, flow, outcomes)
    if not error <= MOST_ERROR:
        raise StinespringError(
            "no circuit of this channel is accurate",
            got=f"Choi error {error:.3g} with form {kind}",
            expected=f"at most {MOST_ERROR:g}",
            todo="try the other --form or another --effort",
        )
    provenance = [source.given.tobytes().hex(), source.given.shape, source.labels, form, float(effort), seed, __version__]
    registers = outcome_registers(flow, outcomes)
    return Program(
        source=source, asked=None, schedule="dynamic" if kind == "tree" else "static", body=OneCircuit(flow, registers),
        registers=registers, promise="exact", tvd_bound=0.0, claim=None, cost=flow_cost(flow),
        seconds=time.perf_counter() - begun, hash=hashlib.sha256(json.dumps(provenance).encode()).hexdigest(),
        exporter=EXPORTER,
        details={
            "form": kind, "rank": source.rank, "choi_error": error, "inputs": source.inputs, "outputs": source.outputs,
            "method": method,
        },
    )  # fmt: skip


Made = tuple[Form, Flow, dict[int, int], str]


def outcome_registers(flow: Flow, outcomes: Mapping[int, int]) -> tuple[Register, ...]:
    """Return the register ``outcome``: of an instrument each code means an outcome, otherwise it only steers conditions."""
    return tuple(
        Register(name, "outcome", tuple(outcomes.get(code, UNUSED) for code in range(1 << size)))
        if outcomes
        else Register(name, "history", bits=size)
        for name, size in flow.classical
    )


def require_room(channel: CPTP) -> None:
    """Refuse channels whose isometry would need too many qubits."""
    wires = channel.outputs + (channel.rank - 1).bit_length()
    if (width := max(wires, channel.inputs)) > MOST_WIRES or width + channel.inputs > MOST_ANGLES:
        raise TooLargeError(
            "the channel is too large for a circuit",
            got=f"{channel.inputs} -> {channel.outputs} qubits of rank {channel.rank}: an isometry to {width} qubits",
            expected=f"at most {MOST_WIRES} qubits, environment included, and 2^{MOST_ANGLES} entries of the isometry",
            todo="split it into channels on fewer qubits",
        )


def isometry_program(channel: CPTP, effort: float, seed: int) -> Made:
    """Return the Stinespring isometry; an instrument's outcome is an output that is measured at the end."""
    kraus, outcomes = (channel.kraus, {}) if channel.labels is None else with_outcome(channel)
    gates = isometry_gates(kraus, effort=effort, seed=seed)
    labels = max(1, max(outcomes).bit_length()) if outcomes else 0
    system = max(channel.inputs, channel.outputs)
    width = max([system, channel.outputs + labels, *(q + 1 for gate in gates for q in gate.qubits)])
    instructions: list[Instruction] = list(gates)
    classical: tuple[tuple[str, int], ...] = ()
    if labels:
        classical = (("outcome", labels),)
        wires = tuple(range(channel.outputs, channel.outputs + labels))
        instructions.append(Measure(wires, "outcome", tuple(range(labels))))
    flow = Flow((("sys", system), ("env", width - system)), classical, tuple(instructions))
    return "isometry", flow, outcomes, f"an isometry with {width - system} qubit(s) of environment, traced out"


def with_outcome(channel: CPTP) -> tuple[ComplexArray, dict[int, int]]:
    """Return Kraus operators ``sum_x |x> (x) K_{x,b}`` whose output holds the outcome x above the system, and what x means."""
    assert channel.labels is not None
    meaning = dict(enumerate(sorted(set(channel.labels))))
    groups = [channel.given[[label == wanted for label in channel.labels]] for wanted in meaning.values()]
    bits = max(1, (len(meaning) - 1).bit_length())
    result = np.zeros((max(map(len, groups)), 1 << bits, *channel.given.shape[1:]), dtype=np.complex128)
    for x, group in enumerate(groups):
        result[: len(group), x] = group
    stacked = result.reshape(len(result), -1, channel.given.shape[2])
    return CPTP.from_kraus(stacked).kraus, meaning


def tree_program(channel: CPTP, effort: float, seed: int) -> Made:
    """Return the measured tree; an instrument's outcome is held by the first bits."""
    kraus, groups = (channel.given, channel.labels) if channel.labels is not None else (channel.kraus, None)
    if groups is None and mixed_unitary(channel.given) is not None:
        kraus = channel.given
    with counted() as spent:
        tree = tree_gates(kraus, groups=groups, effort=effort, seed=seed)
    flow = tree_flow(tree, max(channel.inputs, channel.outputs))
    if groups is not None and not flow.classical:  # one outcome: its register holds 0
        flow = replace(flow, classical=(("outcome", 1),))
    direct = measure_and_prepare_flow(channel, effort=max(0.0, effort - spent.seconds), seed=seed) if groups is None else None
    if direct is not None and price(direct) < price(flow):
        return (
            "tree",
            direct,
            {},
            "the system itself is measured (or reset) and prepared again: no gate between system and ancilla",
        )
    bits = len(tree.rounds) - 1
    outcomes: dict[int, int] = {}
    if channel.labels is not None:
        meaning = sorted(set(channel.labels))
        outcomes = {word: meaning[x] for word in range(1 << bits) if (x := word & (1 << tree.label_bits) - 1) < len(meaning)}
    method = f"{bits} measurement(s) of one ancilla, each steering what follows"
    if bits and not any(count_two_qubit(gates) for blocks in tree.rounds[:-1] for gates in blocks.values()):
        method = f"a mixture of unitaries: {bits} random bit(s) from an ancilla that touches nothing choose the unitary"
    return "tree", flow, outcomes, method


def tree_flow(tree: Tree, system: int) -> Flow:
    """Return the program of a tree: gates that differ between prefixes stand under conditions."""
    bits = len(tree.rounds) - 1
    ancilla = (tree.width - 1,)
    instructions: list[Instruction] = []
    for depth, blocks in enumerate(tree.rounds):
        different = set(blocks.values())
        if len(blocks) == 1 << depth and len(different) == 1:
            instructions += next(iter(different))
        else:
            instructions += [If("outcome", prefix, gates) for prefix, gates in sorted(blocks.items()) if gates]
        if depth < bits:
            instructions.append(Measure(ancilla, "outcome", (depth,)))
            if depth < bits - 1:
                instructions.append(Reset(ancilla))
    classical = (("outcome", bits),) if bits else ()
    return narrowed(Flow((("sys", system), ("env", tree.width - system if bits else 0)), classical, tuple(instructions)))


def price(flow: Flow) -> tuple[int, int]:
    """Return what `auto` compares: two-qubit gates with measurements counted in, then qubits."""
    return worst_path(flow).two_qubit + MEASUREMENT * flow.mid_circuit_measurements, flow.qubits


def choi_error(channel: CPTP, flow: Flow, outcomes: dict[int, int]) -> float:
    """Return the largest deviation of the program's Choi matrix, outcome by outcome for an instrument, as a bound if large."""
    branches = flow_kraus(flow, flow.place("sys")[: channel.inputs], flow.place("sys")[: channel.outputs])
    if channel.labels is None:
        return operators_apart(np.concatenate(list(branches.values())), channel.given)
    found: dict[int, list[ComplexArray]] = {label: [channel.given[:0]] for label in (*channel.labels, NO_OUTCOME)}
    for values, kraus in branches.items():
        found[outcomes.get(values[0] if values else 0, NO_OUTCOME)].append(kraus)
    wanted = {label: channel.given[[x == label for x in channel.labels]] for label in found}
    return max(operators_apart(np.concatenate(found[label]), wanted[label]) for label in found)
