# SPDX-License-Identifier: Apache-2.0
"""The fastest faithful path of a program with measurements, resets and conditions, and its samples by the paths of our own.

Aer itself simulates such a program shot by shot. Four paths give the same law sooner: ``together`` follows all histories as one
array; ``deferred`` keeps every measured bit in a qubit and samples one final state; ``branches`` cuts the program where few
histories can be told apart and runs one circuit for each; ``shot_branching`` is Aer's own sharing of states between shots.
``plain`` is the reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, isfinite
from time import thread_time
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from stinespring.backends.histories.amplitudes import column_values
from stinespring.backends.histories.branches import Bits, follow
from stinespring.backends.histories.exact import require_deferred, require_together
from stinespring.backends.histories.flow_events import Event, events
from stinespring.backends.histories.flow_plan import Plan, per_shot, plan, shot_branching
from stinespring.backends.histories.rounds import rounds
from stinespring.backends.histories.together import follow_rounds
from stinespring.backends.histories.together_plan import plan_together
from stinespring.backends.seeds import derive_seed, used
from stinespring.circuits.core.flow import Flow, If
from stinespring.circuits.deeds.account import MOST_DEEDS, require_same
from stinespring.circuits.deeds.of_circuit import account_of_circuit
from stinespring.circuits.deeds.of_flow import account_of_flow
from stinespring.circuits.devices.read_back import flow_of
from stinespring.errors import InputError, TooLargeError
from stinespring.readings import IntArray, Outcomes

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = [
    "PLANNED",
    "Path",
    "PlannedSamples",
    "cheapest",
    "estimates",
    "path_and_shots",
    "require_flow",
    "require_path",
    "runnable_flow",
    "sample_by_plan",
]

Path = Literal["auto", "together", "deferred", "branches", "shot_branching", "plain"]
PLANNED = ("together", "deferred", "branches")  # the paths of our own; Aer runs the others as they are
GATES = frozenset({"ry", "rz", "u", "x", "h", "cz", "cx"})  # that the planned paths know
SOON = 0.02  # seconds that a path may take without others being considered
SECONDS = 0.25  # of work in a chunk, about: a task costs a cluster's scheduler some milliseconds
SIMULATED_AT_ONCE = 2048  # shots that Aer simulates one by one
REPEATED = 1.25  # work that cutting a dynamic program may take, relative to one piece
MOST_PIECES = 64
TOGETHER = 1 << 20  # what a seed is for: more than any number of cuts


class PlannedSamples(NamedTuple):
    """Outcomes of a planned path, and what it took: segments, circuits, qubits of the widest, seconds of the simulation."""

    outcomes: Outcomes
    segments: int
    circuits: int
    qubits: int
    seconds: float


def runnable_flow(circuit: QuantumCircuit) -> Flow | None:
    """Return the circuit as a program that the planned paths run; None if only Aer itself can run it."""
    try:
        flow = flow_of(circuit)
    except InputError:
        return None
    gates = [gate for item in flow.instructions for gate in (item.gates if isinstance(item, If) else (item,))]
    return flow if all(getattr(gate, "name", "x") in GATES for gate in gates) else None


def require_flow(circuit: QuantumCircuit, flow: Flow) -> None:
    """Refuse a program that was read back from a circuit and says something else.

    Raises:
        DefectError: they differ; the message says where.
    """
    if circuit.size() > MOST_DEEDS:
        return
    expected = account_of_circuit(circuit)
    require_same(expected, account_of_flow(flow), "the circuit that was read back", registers=False, idle=False, phase=False)


def require_path(flow: Flow, path: str) -> None:
    """Refuse a path that makes another program of a program, where it is small enough to be compared exactly.

    Raises:
        DefectError: the laws differ.
    """
    if len(flow.instructions) > MOST_DEEDS or path not in PLANNED:
        return
    (require_together if path == "together" else require_deferred)(flow)


def estimates(flow: Flow, program: list[Event], shots: int, limit: int) -> tuple[dict[str, Plan], dict[str, float]]:
    """Return the plans of the paths that have one, and the estimated seconds of all paths.

    Args:
        flow: the program.
        program: its events.
        shots: number of shots.
        limit: qubits of the widest statevector.
    """
    plans = {"together": plan_together(rounds(program, flow.clbits), shots=shots, limit=limit)}
    if plans["together"].seconds > SOON:  # else the others could save less than they take to be planned
        plans |= {name: plan(program, shots=shots, limit=limit, cut=name == "branches") for name in ("deferred", "branches")}
    seconds = {name: found.seconds for name, found in plans.items()}
    if flow.qubits <= limit:
        seconds |= {"shot_branching": shot_branching(flow, shots), "plain": per_shot(flow, shots)}
    return plans, seconds


def cheapest(seconds: Mapping[str, float], limit: int) -> tuple[str, str]:
    """Return the path with the least time, and the reason; segments may have ``limit`` qubits.

    Raises:
        TooLargeError: none fits.
    """
    order = sorted((name for name in seconds if isfinite(seconds[name])), key=lambda name: seconds[name])
    if not order:
        raise TooLargeError(
            "no path simulates the program in this machine's memory",
            got="every path needs a larger statevector",
            expected=f"segments of at most {limit} qubits",
            todo="use fewer coherent qubits between measurements, or the method matrix_product_state",
        )
    best, *others = (f"{name} {seconds[name]:.2g} s" for name in order)
    return order[0], f"estimated: {best}" + (f"; {', '.join(others)}" if others else "")


def path_and_shots(flow: Flow, shots: int, limit: int, path: str = "auto") -> tuple[str, str, int]:
    """Return the path of a program, why, and the shots of a chunk: cut in halves while that repeats little work.

    Raises:
        TooLargeError: no path fits in memory.
    """
    program, asked = events(flow), path

    def estimate(number: int) -> tuple[str, str, float]:
        _, seconds = estimates(flow, program, number, limit)
        found, why = (asked, "asked for") if asked != "auto" else cheapest(seconds, limit)
        return found, why, seconds.get(found, float("inf"))

    path, why, whole = estimate(shots)
    pieces = 1
    while isfinite(whole) and 2 * pieces <= min(MOST_PIECES, shots) and whole / (2 * pieces) > SECONDS:
        other, reason, seconds = estimate(ceil(shots / (2 * pieces)))
        if 2 * pieces * seconds > REPEATED * whole:
            break
        path, why, pieces = other, reason, 2 * pieces
    return path, why, ceil(shots / pieces)


def sample_by_plan(
    flow: Flow, *, shots: int, seed: int, path: str, limit: int, options: Mapping[str, Any] | None = None
) -> PlannedSamples:
    """Sample a program by deferred measurements, in one segment or in several.

    Args:
        flow: the program; all gates have their angles.
        shots: at least 1.
        seed: root of all seeds; the same seed gives the same samples of one path.
        path: one of :data:`PLANNED`.
        limit: qubits of the widest statevector that the path may plan with.
        options: of Aer's simulator.

    Raises:
        TooLargeError: the path needs more qubits than fit in memory.
        BackendError: Aer failed.

    Example:
        >>> from stinespring.circuits.core.flow import Flow, If, Measure, Reset
        >>> from stinespring.circuits.core.gates import Gate
        >>> coin = (Gate("h", (0,)), Measure((0,), "a", (0,)), Reset((0,)))
        >>> copy = (If("a", 1, (Gate("x", (0,)),)), Measure((0,), "b", (0,)))
        >>> flow = Flow((("q", 1),), (("a", 1), ("b", 1)), (*coin, *copy))
        >>> sample_by_plan(flow, shots=10_000, seed=1, path="deferred", limit=20).outcomes.values.tolist()
        [[0, 0], [1, 1]]
    """
    program = events(flow)
    made = rounds(program, flow.clbits) if path == "together" else []
    found = (
        plan_together(made, shots=shots, limit=limit)
        if path == "together"
        else plan(program, shots=shots, limit=limit, cut=path == "branches")
    )
    if not isfinite(found.seconds):
        raise TooLargeError(
            "the path does not fit in memory",
            got=f"path {path}",
            expected=f"at most {limit} qubits at a time",
            todo="use path auto, or fewer coherent qubits",
        )
    if path == "together":
        random = np.random.default_rng(used(derive_seed(seed, TOGETHER), "numpy"))
        start = thread_time()
        found_all = follow_rounds(made, shots=shots, columns=flow.clbits + flow.qubits, random=random)
        outcomes = Outcomes.tallied(values_of(flow, found_all.words), found_all.counts)
        return PlannedSamples(outcomes, len(made), 1, found_all.qubits, thread_time() - start)
    root = derive_seed(seed, len(found.cuts))
    ran = follow(program, found.cuts, shots=shots, bits=flow.clbits, qubits=flow.qubits, seed=root, options=options)
    outcomes = Outcomes.tallied(register_values(flow, ran.bits))
    return PlannedSamples(outcomes, len(found.cuts) + 1, ran.circuits, ran.qubits, ran.seconds)


def values_of(flow: Flow, words: IntArray) -> dict[str, IntArray]:
    """Return the registers' values from histories' words."""
    values, first = {}, 0
    for name, size in flow.classical:
        values[name] = column_values(words, range(first, first + size))
        first += size
    return values


def register_values(flow: Flow, bits: Bits) -> dict[str, IntArray]:
    """Return the registers' values from all bits, shape (shots, bits)."""
    values, first = {}, 0
    for name, size in flow.classical:
        powers = np.left_shift(1, np.arange(size, dtype=np.int64))
        values[name] = bits[:, first : first + size].astype(np.int64) @ powers
        first += size
    return values
