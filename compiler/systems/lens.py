# SPDX-License-Identifier: Apache-2.0
"""The layers of a decoder for one prompt as circuits: reflections between states of the output token."""

from __future__ import annotations

import hashlib
import json
import math
import time as clock
from dataclasses import asdict
from typing import Any, get_args

import numpy as np

from stinespring.batches import Body, OneCircuit, Several
from stinespring.circuits.core.cost import circuit_cost
from stinespring.circuits.core.flow import Flow, Instruction, Measure
from stinespring.circuits.exact.signed_state import real_state
from stinespring.circuits.systems.reflection import Turn, turn_phase, turns_program
from stinespring.compiler.export.files import EXPORTER
from stinespring.compiler.export.forms import largest_cost
from stinespring.compiler.options import Simplify
from stinespring.compiler.systems.ancilla import REGISTER, clean_register, may_help
from stinespring.errors import InputError, TooLargeError
from stinespring.models.lens.asked import LensAsked
from stinespring.models.lens.states import LensStates
from stinespring.readings import UNUSED, FloatArray, Register
from stinespring.stages import Cost, Program
from stinespring.version import __version__

__all__ = ["compile_lens", "compile_operator"]

MOST_QUBITS = 16  # of the token's register: a reflection has 131,000 two-qubit gates then
METHODS = {
    "operators": "one reflection for each operator; neighbouring preparations are one operator, whatever the state is",
    "none": "one reflection for each operator, each with its own preparation",
    "state": "the state at the point is prepared at once: the operators are replaced by their action on the known state",
}
OPERATOR = "one reflection, global phase included (with U as Qiskit reads it)"


def compile_lens(
    states: LensStates, asked: LensAsked, *, simplify: str = "operators", ancilla: str = "auto", room: int | None = None
) -> Program:
    """Compile the initial state and the layer operators up to each point; the token is measured there into ``t1``.

    ``|psi_0>`` is prepared, then each ``U = 1 - 2 |v><v|`` acts as undo v, turn the phase of |0>, prepare v. A vocabulary
    that is no power of two is padded with codes that never carry amplitude.

    Args:
        states: the prompt through a lens.
        asked: the points, 0 for the embedding, and how much of each one's last operator acts, ``exp(-i H time)`` with
            ``H = pi v v^T``; 1 is all of it.
        simplify: ``operators`` writes neighbouring preparations as one operator; ``none`` leaves them; ``state`` prepares the
            state at the point at once, so that nothing of the layers is left.
        ancilla: ``clean``: the phases of |0> are helped by one qubit in |0>, register ``clean``, which returns there and is
            not measured; ``none``; or ``auto``: where the target has room.
        room: qubits of the target; None: it has no limit.

    Raises:
        InputError: no such point, an unusable time, an unknown simplification or ancilla.
        TooLargeError: more than 2^16 tokens.
    """
    begun = clock.perf_counter()
    if simplify not in get_args(Simplify):
        raise InputError("unknown simplification", got=simplify, expected=", ".join(get_args(Simplify)))
    for point in asked.points:
        require_point(states, point, first=0)
        if not math.isfinite(asked.time) or (point == 0 and asked.time != 1.0):
            raise InputError(
                "the time is out of range", got=asked.time, expected="a finite number; the embedding has no operator"
            )
    if not asked.points:
        raise InputError("no point is asked for", got="an empty list", expected="at least one point")
    if simplify == "state" and asked.time != 1.0:
        raise InputError(
            "only whole layers are prepared as states", got=f"--time {asked.time:g}", expected="--simplify operators"
        )
    size, tokens = qubits_of(states), len(states.decoder.tokens)
    clean = may_help(ancilla, size, room)
    flows, costs = zip(*(upto(states, point, asked.time, simplify, size, clean) for point in asked.points), strict=True)
    registers = (Register("t1", "token", (*range(tokens), *[UNUSED] * ((1 << size) - tokens)), step=1),)
    body: Body = OneCircuit(flows[0], registers) if len(flows) == 1 else Several(flows, (None,) * len(flows), registers)
    details = told(states, asked.points, asked.time) | {"simplify": simplify, "method": METHODS[simplify]}
    details["ancilla"] = "clean" if any((REGISTER, 1) in flow.quantum for flow in flows) else "none"
    if len(costs) > 1:
        details["costs"] = [asdict(cost) for cost in costs]
    return finished(states, asked, body, registers, largest_cost(costs), begun, details)


def compile_operator(
    states: LensStates, point: int, *, time: float = 1.0, ancilla: str = "auto", room: int | None = None
) -> Program:
    """Compile the operator that leads to one point, alone, on quantum register ``x``; nothing is measured.

    The global phase is part of it: ``Operator`` of the circuit, and of the exported file read by Qiskit, is ``exp(-i H time)``;
    with a clean qubit, its block of register ``clean`` in |0> before and after.

    Args:
        states: the prompt through a lens.
        point: from 1.
        time: how much of it acts, ``exp(-i H time)``.
        ancilla: as in :func:`compile_lens`.
        room: likewise.

    Raises:
        InputError: no such operator, an unusable time or an unknown ancilla.
        TooLargeError: more than 2^16 tokens.
    """
    begun = clock.perf_counter()
    require_point(states, point, first=1)
    if not math.isfinite(time):
        raise InputError("the time is out of range", got=time, expected="a finite number")
    size = qubits_of(states)
    turn = Turn(padded(states.v[point - 1], size), time)
    clean = may_help(ancilla, size, room)
    gates = turns_program(None, [turn], size, clean=clean)
    helper = clean_register(gates, size)
    flow = Flow((("x", size), *helper), (), tuple(gates), turn_phase(turn, gates, size, clean=clean))
    details = told(states, (point,), time) | {"simplify": "operators", "method": OPERATOR}
    details["ancilla"] = "clean" if helper else "none"
    return finished(states, None, OneCircuit(flow, ()), (), circuit_cost(gates, flow.qubits, 0), begun, details)


def upto(states: LensStates, point: int, time: float, simplify: str, size: int, clean: bool) -> tuple[Flow, Cost]:
    """Return the circuit up to a point, and its cost."""
    turns = [Turn(padded(v, size)) for v in states.v[:point]]
    if turns:
        turns[-1] = turns[-1]._replace(time=time)
    if simplify == "state":
        gates = real_state(padded(states.psi[point], size))
    else:
        gates = turns_program(padded(states.psi[0], size), turns, size, merge=simplify == "operators", clean=clean)
    wires, helper = tuple(range(size)), clean_register(gates, size)
    items: tuple[Instruction, ...] = (*gates, Measure(wires, "t1", wires))
    flow = Flow((("q_t1", size), *helper), (("t1", size),), items)
    return flow, circuit_cost(gates, flow.qubits, size)


def finished(
    states: LensStates, asked: LensAsked | None, body: Body, registers: tuple[Register, ...], cost: Cost, begun: float,
    details: dict[str, Any],
) -> Program:  # fmt: skip
    """Return the program; its hash changes with whatever changes its circuits."""
    kind = "operator" if asked is None else "program"
    words = [details[name] for name in ("points", "time", "simplify", "ancilla")]
    content = [kind, states.fingerprint(), *words, __version__]
    return Program(
        source=states, asked=asked, schedule="static", body=body, registers=registers, promise="exact", tvd_bound=0.0,
        claim=None, cost=cost, seconds=clock.perf_counter() - begun,
        hash=hashlib.sha256(json.dumps(content).encode()).hexdigest(), exporter=EXPORTER, details=details,
    )  # fmt: skip


def told(states: LensStates, points: tuple[int, ...], time: float) -> dict[str, Any]:
    """Return what the figures say of the prompt and of the points; of several points the last one is the point."""
    place = states.points[points[-1]]
    found = {
        "model": states.decoder.name, "model_fingerprint": states.decoder.fingerprint(), "lens": states.lens,
        "prompt_ids": states.prompt.tolist(), "point": int(points[-1]), "after": place.after, "layer": place.layer,
        "points": [int(point) for point in points], "time": float(time),
    }  # fmt: skip
    return found if len(points) == 1 else found | {"circuits": len(points)}


def require_point(states: LensStates, point: int, *, first: int) -> None:
    """Refuse numbers that name no point, or no operator."""
    last = len(states.points) - 1
    if isinstance(point, bool) or not isinstance(point, int | np.integer) or not first <= point <= last:
        what = "no such point" if first == 0 else "no operator leads to this point"
        names = ", ".join(f"{number} {place}" for number, place in enumerate(states.points) if number >= first)
        raise InputError(what, got=point, expected=f"{first}..{last}: {names}")


def qubits_of(states: LensStates) -> int:
    """Return the qubits of the token's register."""
    size = max(1, (len(states.decoder.tokens) - 1).bit_length())
    if size > MOST_QUBITS:
        raise TooLargeError(
            "the vocabulary is too large for a circuit",
            got=f"{len(states.decoder.tokens):,} tokens",
            expected=f"at most {1 << MOST_QUBITS:,}",
            todo="the states and operators themselves have no such limit",
        )
    return size


def padded(vector: FloatArray, size: int) -> FloatArray:
    """Return amplitudes of all 2^size codes: zero for codes that are no token."""
    return np.pad(vector, (0, (1 << size) - vector.size))
