# SPDX-License-Identifier: Apache-2.0
"""The layers of a decoder for one prompt as circuits: reflections between states of the output token."""

from __future__ import annotations

import hashlib
import json
import math
import time as clock
from typing import cast, get_args

import numpy as np

from stinespring.circuits.core.flow import Flow, Instruction, Measure
from stinespring.circuits.systems.reflection import Turn, state_gates, turn_phase, turns_program
from stinespring.compiler.export.lowering import circuit_cost
from stinespring.compiler.systems.lens_program import LensProgram, Simplify
from stinespring.errors import InputError, TooLargeError
from stinespring.models.lens.states import LensStates
from stinespring.readings import FloatArray
from stinespring.version import __version__

__all__ = ["compile_lens", "compile_operator"]

MOST_QUBITS = 16  # of the token's register: a reflection has 131,000 two-qubit gates then


def compile_lens(
    states: LensStates,
    *,
    upto: int | None = None,
    time: float = 1.0,
    simplify: str = "operators",
) -> LensProgram:
    """Compile the initial state and the layer operators up to a point; the token is measured there.

    ``|psi_0>`` is prepared, then each ``U = 1 - 2 |v><v|`` acts as undo v, turn the phase of |0>, prepare v. A vocabulary
    that is no power of two is padded with codes that never carry amplitude.

    Args:
        states: the prompt through a lens.
        upto: number of the last point, 0 for the embedding; by default the model's own softmax.
        time: how much of the last operator acts, ``exp(-i H time)`` with ``H = pi v v^T``; 1 is all of it.
        simplify: ``operators`` writes neighbouring preparations as one operator; ``none`` leaves them; ``state`` prepares the
            state at the point at once, so that nothing of the layers is left.

    Raises:
        InputError: no such point, an unusable time or an unknown simplification.
        TooLargeError: more than 2^16 tokens.
    """
    begun = clock.perf_counter()
    upto = len(states.points) - 1 if upto is None else upto
    require_point(states, upto, first=0)
    if not math.isfinite(time) or (upto == 0 and time != 1.0):
        raise InputError("the time is out of range", got=time, expected="a finite number; the embedding has no operator")
    if simplify not in get_args(Simplify):
        raise InputError("unknown simplification", got=simplify, expected=", ".join(get_args(Simplify)))
    if simplify == "state" and time != 1.0:
        raise InputError("only whole layers are prepared as states", got=f"--time {time:g}", expected="--simplify operators")
    size = qubits_of(states)
    initial = padded(states.psi[0], size)
    turns = [Turn(padded(v, size)) for v in states.v[:upto]]
    if turns:
        turns[-1] = turns[-1]._replace(time=time)
    if simplify == "state":
        gates = state_gates(padded(states.psi[upto], size))
    else:
        gates = turns_program(initial, turns, size, merge=simplify == "operators")
    wires = tuple(range(size))
    items: tuple[Instruction, ...] = (*gates, Measure(wires, "t1", wires))
    flow = Flow((("q_t1", size),), (("t1", size),), items)
    return LensProgram(
        states, upto, True, cast("Simplify", simplify), float(time), flow, circuit_cost(gates, size, size),
        clock.perf_counter() - begun, provenance(states, "program", upto, time, simplify),
    )  # fmt: skip


def compile_operator(states: LensStates, point: int, *, time: float = 1.0) -> LensProgram:
    """Compile the operator that leads to one point, alone, on quantum register ``x``; nothing is measured.

    The global phase is part of it: ``Operator`` of the circuit, and of the exported file read by Qiskit, is ``exp(-i H time)``.

    Args:
        states: the prompt through a lens.
        point: from 1.
        time: how much of it acts, ``exp(-i H time)``.

    Raises:
        InputError: no such operator, or an unusable time.
        TooLargeError: more than 2^16 tokens.
    """
    begun = clock.perf_counter()
    require_point(states, point, first=1)
    if not math.isfinite(time):
        raise InputError("the time is out of range", got=time, expected="a finite number")
    size = qubits_of(states)
    turn = Turn(padded(states.v[point - 1], size), time)
    gates = turns_program(None, [turn], size)
    flow = Flow((("x", size),), (), tuple(gates), turn_phase(turn, gates, size))
    return LensProgram(
        states, point, False, "operators", float(time), flow, circuit_cost(gates, size, 0),
        clock.perf_counter() - begun, provenance(states, "operator", point, time, "operators"),
    )  # fmt: skip


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


def provenance(states: LensStates, kind: str, point: int, time: float, simplify: str) -> str:
    """Return the SHA-256 of everything that changes the program."""
    content = [
        kind, states.decoder.fingerprint(), states.lens, states.prompt.tolist(), int(point), float(time), simplify, __version__
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
